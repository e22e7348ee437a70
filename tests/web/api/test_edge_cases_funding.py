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
from whiteslip.base import Refusal
from whiteslip.day import every_violation
from whiteslip.funding import store as funding_store
from whiteslip.funding.model import Deal, Position, Remedy, RemedyKind

from .conftest import NOW, Api
from .story import ASKED, LETTERS, RUNS_OFF, WISH, Story

CROWD, PRICE = 30, 30_000
DAY = date(2026, 10, 22)


def crowd(api: Api, count: int) -> list[Story]:
    """As many customers, each with a line and a purchase in three instalments."""
    stories: list[Story] = []
    for _ in range(count):
        customer = api.customer()
        story = Story(api, customer, api.line(1_000_000, customer))
        story.buys(PRICE, 3)
        stories.append(story)
    return stories


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


def remedies(api: Api) -> list[Remedy]:
    """What waits for two people in treasury."""
    with api.db.transaction() as tx:
        return funding_store.remedies(tx, funding.facility_id("warehouse"))


def approve(api: Api, remedy: Remedy) -> None:
    with api.db.transaction() as tx:
        for who in ("staff:a", "staff:b"):
            done = funding.decide(tx, remedy.id, True, DAY, who, NOW)
            assert not isinstance(done, Refusal), done


def told(api: Api) -> list[str]:
    """Kinds of everything journalled."""
    kinds: list[str] = []
    after, more = 0, True
    while more:
        page = api.get(f"/v1/events?after={after}&limit=200")
        kinds += [event["type"] for event in page["data"]]
        after, more = page["data"][-1]["id"] if page["data"] else after, page["has_more"]
    return kinds


def test_05_a_refund_of_a_receivable_that_is_pledged_is_a_deemed_collection_of_its_own_facility(api: Api):
    (story,) = crowd(api, 1)
    bought = story.bought[0]
    lend(api, deal(begins_on=DAY, revolving_until=date(2027, 10, 22), ends_on=date(2028, 1, 1)), 0)
    story.leaves()
    story.refunds(bought, 12_000)
    assert story.now["owed_minor"] == PRICE - 12_000
    story.passes("+1d")
    [remedy] = remedies(api)
    assert (remedy.kind, remedy.price_minor) == (RemedyKind.DEEMED_COLLECTION, 12_000)
    approve(api, remedy)
    after = base(api)
    assert (after["pool_minor"], after["cash_minor"]) == (PRICE - 12_000, 12_000), (
        "the funder has lost nothing"
    )


def test_11_a_crowd_leaves_a_facility_without_headroom_and_nobody_waits(api: Api):
    stories = crowd(api, CROWD)
    lend(api, deal(begins_on=DAY, revolving_until=date(2027, 10, 22), ends_on=date(2028, 1, 1)), 765_000)
    before = base(api)
    assert (before["pool_minor"], before["base_minor"], before["available_minor"]) == (900_000, 765_000, 0)
    assert set(replenishment(api).values()) == {0}

    with ThreadPoolExecutor(4) as pool:
        cases = list(pool.map(Story.leaves, stories))
    for story, case in zip(stories, cases, strict=True):
        assert datetime.fromisoformat(case["requested_at"]) == NOW
        assert story.now["lifecycle"] != "active"
        assert story.authorises(1)["state"] == "declined"
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
    for story in stories:
        assert story.case["state"] == "run_off"
        story.ends(LETTERS[:2], [(DAY, WISH, PRICE)], [*ASKED, *RUNS_OFF, "purchase.declined"])
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
    before, other = leaver.now, stayer.now
    leaver.leaves()
    now = base(api)
    assert (now["eligible_minor"], now["ineligible"]) == (
        30_000,
        [{"name": "account_closed", "amount_minor": 30_000}],
    )
    leaver.passes("+1d")
    [remedy] = remedies(api)
    told = (remedy.kind, remedy.price_minor, remedy.why)
    assert told == (RemedyKind.REPURCHASE, 30_000, "account_closed")
    approve(api, remedy)
    after = base(api)
    assert (after["pool_minor"], after["cash_minor"], after["ineligible"]) == (30_000, 30_000, [])
    same = ("owed_minor", "limit_minor", "credit_minor")
    line = leaver.now
    assert {k: line.get(k) for k in same} == {k: before.get(k) for k in same}
    assert not any("fund" in key or "pledge" in key for key in line)
    assert stayer.now == other
    leaver.ends(LETTERS[:2], [(DAY, WISH, PRICE)], [*ASKED, *RUNS_OFF, "plan.pledge_released"])
    stayer.ends([], [], ["plan.pledged"], since="plan.")


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
