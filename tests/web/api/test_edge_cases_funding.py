"""Many leave at once while everything is pledged: nobody is slowed, and treasury is told.

The hard cases of leaving that concern a funder, through the API on a test clock.
"""

from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import Any

from deals import deal

import whiteslip
from whiteslip import funding
from whiteslip.day import every_violation
from whiteslip.funding import store as funding_store
from whiteslip.funding.model import Deal, Position, RemedyKind

from .conftest import NOW, Api

CROWD, PRICE = 30, 30_000
DAY = date(2026, 10, 22)


def crowd(api: Api, count: int) -> list[str]:
    """Lines of as many customers, each with a purchase in three instalments."""
    lines: list[str] = []
    for _ in range(count):
        line = api.line(1_000_000)
        body = {"line": line, "merchant": "shop", "amount_minor": PRICE, "instalments": 3}
        held = api.post("/v1/purchases", body)
        api.post(f"/v1/purchases/{held['id']}/capture", {"amount_minor": PRICE, "final": True}, 200)
        lines.append(line)
    return lines


def lend(api: Api, agreed: Deal, debt_minor: int) -> None:
    """Everything is pledged, and as much is drawn."""
    with api.db.transaction() as tx:
        funding.load(tx, agreed, "treasury", NOW)
        funding.fill(tx, "warehouse", 10**12, DAY, "treasury", NOW)
        funding.state_position(tx, "warehouse", Position(debt_minor=debt_minor), "treasury", NOW)


def base(api: Api, as_of: str = "now") -> dict[str, Any]:
    return api.get(f"/v1/funding/warehouse/borrowing_base?as_of={as_of}")


def replenishment(api: Api) -> dict[int, int]:
    found = api.get("/v1/funding/warehouse/covenants?as_of=now")["replenishment"]
    return {gap["days"]: gap["leavers_minor"] for gap in found}


def letters_of(api: Api, case: dict[str, Any]) -> list[str]:
    return [letter["kind"] for letter in api.get(f"/v1/letters?exit={case['id']}")["data"]]


def told(api: Api) -> list[str]:
    """Kinds of everything journalled."""
    kinds: list[str] = []
    after, more = 0, True
    while more:
        page = api.get(f"/v1/events?after={after}&limit=200")
        kinds += [event["type"] for event in page["data"]]
        after, more = page["data"][-1]["id"] if page["data"] else after, page["has_more"]
    return kinds


def test_11_a_crowd_leaves_a_facility_without_headroom_and_nobody_waits(api: Api):
    lines = crowd(api, CROWD)
    lend(api, deal(begins_on=DAY, revolving_until=date(2027, 10, 22), ends_on=date(2028, 1, 1)), 765_000)
    before = base(api)
    assert (before["pool_minor"], before["base_minor"], before["available_minor"]) == (900_000, 765_000, 0)
    assert set(replenishment(api).values()) == {0}

    def leave(line: str) -> dict[str, Any]:
        return api.post("/v1/exits", {"line": line})

    with ThreadPoolExecutor(4) as pool:
        cases = list(pool.map(leave, lines))
    for line, case in zip(lines, cases, strict=True):
        assert datetime.fromisoformat(case["requested_at"]) == NOW
        assert api.get(f"/v1/lines/{line}")["lifecycle"] != "active"
        body = {"line": line, "merchant": "shop", "amount_minor": 1, "instalments": 1}
        assert api.post("/v1/purchases", body)["state"] == "declined"
    assert told(api).count("line.spending_stopped") == CROWD
    assert base(api) == before, "what is owed is owed all the same"
    gap = replenishment(api)
    # Of three instalments two fall due within 90 days; nobody borrows again what is paid of them.
    assert gap[90] == 600_000
    assert gap[30] <= gap[60] <= gap[90]

    with api.db.transaction() as tx:
        funding.state_position(tx, "warehouse", Position(debt_minor=765_001), "treasury", NOW)
    api.post("/v1/test-clock/advance", {"by": "+1d"}, 200)
    kept = base(api, "night")
    assert (kept["base_minor"], kept["deficiency_minor"], kept["day"]) == (765_000, 1, "2026-10-22")
    assert told(api).count("funding.deficient") == 1, "treasury is rung for"
    states = {api.get(f"/v1/exits/{case['id']}")["state"] for case in cases}
    assert "held" not in states
    with api.db.transaction() as tx:
        assert every_violation(tx) == []


def test_12_a_deal_that_wants_open_accounts_loses_the_receivable_at_once_and_the_customer_sees_nothing(
    api: Api,
):
    leaver, stayer = crowd(api, 2)
    agreed = deal()
    eligibility = agreed.eligibility.__class__(30, 90, closed_account_eligible=False)
    lend(api, deal(eligibility=eligibility, revolving_until=date(2026, 12, 31)), 0)
    assert base(api)["eligible_minor"] == 60_000
    before = {line: api.get(f"/v1/lines/{line}") for line in (leaver, stayer)}
    case = api.post("/v1/exits", {"line": leaver})
    now = base(api)
    assert (now["eligible_minor"], now["ineligible"]) == (
        30_000,
        [{"name": "account_closed", "amount_minor": 30_000}],
    )
    letters = letters_of(api, case)
    api.post("/v1/test-clock/advance", {"by": "+1d"}, 200)
    with api.db.transaction() as tx:
        [remedy] = funding_store.remedies(tx, funding.facility_id("warehouse"))
        assert (remedy.kind, remedy.price_minor, remedy.why) == (
            RemedyKind.REPURCHASE,
            30_000,
            "account_closed",
        )
        for who in ("staff:a", "staff:b"):
            funding.decide(tx, remedy.id, True, DAY, who, NOW)
    after = base(api)
    assert (after["pool_minor"], after["cash_minor"], after["ineligible"]) == (30_000, 30_000, [])
    assert letters_of(api, case) == letters
    same = ("owed_minor", "limit_minor", "credit_minor")
    line = api.get(f"/v1/lines/{leaver}")
    assert {k: line.get(k) for k in same} == {k: before[leaver].get(k) for k in same}
    assert not any("fund" in key or "pledge" in key for key in line)
    assert api.get(f"/v1/lines/{stayer}") == before[stayer]


def test_no_room_that_lets_a_customer_leave_knows_that_there_is_a_funder():
    house = Path(whiteslip.__file__).parent
    layers = (house.parents[1] / ".importlinter").read_text()
    assert layers.index("funding") < layers.index("exits | applications")
    for room in ("exits", "purchases", "billing", "lines", "decisions", "ledger"):
        for path in (house / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom):
                    assert "funding" not in (node.module or ""), path
                    assert "funding" not in [name.name for name in node.names], path
        for path in (house / room).rglob("*.sql"):
            assert "funding." not in path.read_text(), path
