"""An order that nobody may be told of is seen by keys that may handle orders, and by no other."""

from __future__ import annotations

import re
from typing import Final

import pytest
from litestar.routes import HTTPRoute

from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public
from whiteslip.decisions import Tables
from whiteslip.exits import Office, freezes
from whiteslip.exits.orders import Order
from whiteslip.identity import access
from whiteslip.identity.model import Role, Staff

from .conftest import NOW, Api, with_key

OFFICE: Final = Office(Tables.load(), "Test")
TELLING: Final = re.compile(r"legal|court|sanction|investigat|frozen|freez|authorit", re.IGNORECASE)


def _doors(api: Api, known: dict[str, str]) -> list[str]:
    """All of the API that answers GET about a line or a case, and its lists: a newer one is asked too.

    ``known``: an id by the name of the parameter. What takes another id is about something else.
    """
    found: list[str] = []
    for route in api.client.app.routes:
        if not isinstance(route, HTTPRoute) or not route.path.startswith("/v1/"):
            continue
        if "GET" not in route.methods or set(re.findall(r"{(\w+)", route.path)) - known.keys():
            continue
        path = re.sub(r"{(\w+):\w+}", lambda match: known[match[1]], route.path)
        found += [path, f"{path}?line={known['line_id']}", f"{path}?exit={known['exit_id']}"]
    return found


def _said(api: Api, line: str, case: str, customer: str) -> dict[str, set[str]]:
    """By door, the words that would give an order away."""
    said: dict[str, set[str]] = {}
    for door in _doors(api, {"line_id": line, "exit_id": case, "customer_id": customer}):
        answer = api.ask("GET", door)
        assert answer.status_code < 500, door
        if words := set(TELLING.findall(answer.text.replace(door.partition("?")[0], ""))):
            said[door] = words
    return said


def _place(api: Api, line: str, ground: Order) -> None:
    own = parse_public("line", line)
    assert own
    with api.db.transaction() as tx:
        for who in ("staff:a", "staff:b"):
            done = freezes.place(tx, OFFICE, own, ground, "12 C 34/26", who, NOW)
            assert not isinstance(done, Refusal), done


@pytest.fixture
def nobodys(api: Api) -> Api:
    """A key that reads and writes, and for which no person answers."""
    with api.db.transaction() as tx:
        return Api(api.db, api.client, access.create_key(tx, "shop", ["read", "write"], NOW))


def test_a_key_that_may_not_handle_orders_learns_of_none_by_any_door(api: Api, nobodys: Api):
    customer = api.customer()
    line = api.line(customer=customer)
    shop = {"line": line, "merchant": "shop", "amount_minor": 5_000, "instalments": 1}
    _place(api, line, Order.INVESTIGATION)
    case = nobodys.post("/v1/exits", {"line": line})
    assert (case["state"], case["why"], case["ground"]) == ("held", "held", None)
    nobodys.post("/v1/purchases", shop)
    assert len(_doors(api, {"line_id": "", "exit_id": "", "customer_id": ""})) > 60
    assert _said(nobodys, line, case["id"], customer) == {}
    seen = nobodys.get(f"/v1/lines/{line}")
    assert (seen["drawing_stopped"], seen["available_minor"]) == (True, 0), "as a shop learns it"
    assert seen["locks"] == ["exit"]
    assert nobodys.ask("GET", f"/v1/lines/{line}/freeze").status_code == 403
    quiet = nobodys.ask("GET", f"/v1/lines/{api.line()}/freeze")
    assert quiet.status_code == 403, "whether one stands or not"
    # The control: who may handle it sees it, by those very doors.
    told = _said(api, line, case["id"], customer)
    assert {
        f"/v1/lines/{line}",
        f"/v1/lines/{line}/locks",
        f"/v1/exits/{case['id']}",
        "/v1/events",
    } <= told.keys()
    assert api.get(f"/v1/lines/{line}")["locks"] == ["exit", "legal"]


def test_the_journal_of_such_a_key_is_what_webhooks_tell_and_its_pages_miss_none_of_it(
    api: Api, nobodys: Api
):
    line = api.line()
    _place(api, line, Order.SANCTIONS)
    whole = api.get("/v1/events?limit=200")["data"]
    assert [event["id"] for event in whole] == list(range(1, len(whole) + 1)), "no gaps for who reads all"
    assert {"line.freeze_proposed", "line.frozen", "line.locked"} <= {event["type"] for event in whole}
    read: list[dict[str, object]] = []
    after, more = 0, True
    while more:
        page = nobodys.get(f"/v1/events?after={after}&limit=1")
        read += page["data"]
        more, after = page["has_more"], page["next"]
    assert [(event["type"], event["actor"]) for event in read] == [
        ("line.opened", None),
        ("line.locked", None),
    ]
    assert read[-1]["data"] == {}
    ours = [event["id"] for event in whole if event["type"] in ("line.opened", "line.locked")]
    assert [event["id"] for event in read] == ours


@pytest.mark.parametrize(
    ("role", "scopes"), [(Role.ANALYST, ["read", "write"]), (Role.AUDITOR, ["read"]), (Role.ADMIN, ["read"])]
)
def test_who_only_looks_or_a_key_that_only_reads_handles_no_order(api: Api, role: Role, scopes: list[str]):
    line = api.line()
    _place(api, line, Order.SANCTIONS)
    with api.db.transaction() as tx:
        owner = access.create_staff(tx, "somebody", role, None, NOW)
        assert isinstance(owner, Staff)
        key = access.create_key(tx, "theirs", scopes, NOW, owner.id)
    theirs = Api(api.db, api.client, key)
    assert theirs.get(f"/v1/lines/{line}")["locks"] == []
    assert theirs.get(f"/v1/lines/{line}/locks")["data"] == []
    assert Api(api.db, api.client, with_key(api.db)).get(f"/v1/lines/{line}")["locks"] == ["legal"]
