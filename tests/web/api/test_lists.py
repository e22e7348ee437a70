"""Lists are read by pages: each row once and in order, and what arrives meanwhile comes at the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from whiteslip import billing, lines
from whiteslip.base.ids import new_id, parse_public
from whiteslip.lines import Customer
from whiteslip.store import Tx
from whiteslip.store.timers import StoredClock, present

from .conftest import Api
from .story import Story

# What has an end by its nature, and answers at once.
WHOLE: Final = {
    "/v1/bureau-objections": "what one customer wrote about one line; each is answered within weeks",
    "/v1/policies": "versions of the tables that people edit",
    "/v1/capacity/plans": "the newest hundred; people propose a few a month",
    "/v1/debt-buyers": "companies with a contract",
    "/v1/debt-buyers/{buyer_id}/sold": "a file that is handed over, since a day",
    "/v1/exits/{exit_id}/papers": "papers that a person asked for in one case",
    "/v1/insight": "the measures that are built in",
    "/v1/insight/reports": "one a month",
    "/v1/lines/{line_id}/statements": "one a month",
    "/v1/portfolio": "the measures that are built in",
}


def later(api: Api, **by: int) -> None:
    """A second goes by, or more, without its nights."""
    with api.db.transaction() as tx:
        StoredClock(tx).set(present(tx) + timedelta(**(by or {"seconds": 1})))


def walked(api: Api, path: str, meanwhile: Callable[[], Any] = lambda: None) -> list[dict[str, Any]]:
    """All rows by pages of two; something happens ``meanwhile``, after the first."""
    rows: list[dict[str, Any]] = []
    page = api.get(f"{path}{'&' if '?' in path else '?'}limit=2")
    meanwhile()
    while True:
        assert 0 < len(page["data"]) <= 2
        rows += page["data"]
        if not page["has_more"]:
            assert page["next"] is None
            return rows
        page = api.get(f"{path}{'&' if '?' in path else '?'}limit=2&after={page['next']}")


def _purchase(story: Story, number: int) -> dict[str, Any]:
    more: dict[str, Any] = {"merchant": f"shop-{number}", "category": "games", "stored_credential": True}
    return story.authorises(1_000 + number, **more)


def _authorisation(story: Story, number: int) -> str:
    return _purchase(story, number)["id"]


def _shop(story: Story, number: int) -> str:
    return _purchase(story, number)["merchant"]


def _payment(story: Story, number: int) -> str:
    """Each one was made a day before the one that was booked before it."""
    return story.pays(500 + number, value_on=story.today - timedelta(days=number))


def _dispute(story: Story, number: int) -> str:
    body = {"amount_minor": 100, "ground": "not_received"}
    return story.api.post(f"/v1/purchases/{story.buys(1_000 + number)}/dispute", body)["id"]


def _lock(story: Story, number: int) -> str:
    shop = f"shop-{number}"
    story.api.post(f"/v1/lines/{story.line}/pause", {"feature": "merchant", "value": shop}, 200)
    return shop


def _mandate(story: Story, number: int) -> str:
    day = story.today - timedelta(days=number)
    reference = f"{story.line[-6:]}-{number}"
    body = {"scheme": "cn_agreed", "reference": reference, "signed_on": day.isoformat()}
    return story.api.post(f"/v1/lines/{story.line}/mandates", body)["id"]


def _user(story: Story, number: int) -> str:
    who = {"full_name": "x", "id_number": "AB123456", "phone": f"+86139000001{number:02}"}
    return story.api.post(f"/v1/lines/{story.line}/users", who | {"email": f"{number}@example.com"})["id"]


def _increase(story: Story, number: int) -> str:
    effective_at = (story.today + timedelta(days=90)).isoformat() + "T00:00:00Z"
    body = {"to_minor": 2_000_000 + number, "effective_at": effective_at}
    made = story.api.post(f"/v1/lines/{story.line}/limit-increases", body)
    return story.api.post(f"/v1/limit-increases/{made['id']}/decline", None, 200)["id"]


def _payout(story: Story, number: int) -> int:
    story.pays(700 + number)
    wanted = parse_public("line", story.line)
    assert wanted
    with story.api.db.transaction() as tx:
        line = lines.get_line(tx, wanted, lock=True)
        assert isinstance(line, lines.Line)
        billing.pay_out_credit(tx, line, line.customer, "test", present(tx))
    return 700 + number


@pytest.mark.parametrize(
    ("path", "add", "told"),
    [
        ("/v1/purchases?line={}", _authorisation, "id"),
        ("/v1/payments?line={}", _payment, "id"),
        ("/v1/disputes?line={}", _dispute, "id"),
        ("/v1/payouts?line={}", _payout, "amount_minor"),
        ("/v1/lines/{}/locks", _lock, "value"),
        ("/v1/lines/{}/mandates", _mandate, "id"),
        ("/v1/lines/{}/users", _user, "id"),
        ("/v1/lines/{}/limit-increases", _increase, "id"),
        ("/v1/lines/{}/stored-credentials", _shop, "shop"),
    ],
)
def test_what_hangs_on_a_line_is_walked_once_and_in_order_while_more_arrives(
    api: Api, path: str, add: Callable[[Story, int], Any], told: str
):
    customer = api.customer()
    story, other = (Story(api, customer, api.line(1_000_000, customer)) for _ in range(2))
    later(api, days=5)
    api.prove(customer)
    made: list[Any] = []

    def adds(number: int) -> None:
        later(api)
        made.append(add(story, number))
        later(api)
        add(other, number)

    for number in range(4):
        adds(number)
    rows = walked(api, path.format(story.line), lambda: adds(4))
    assert [row[told] for row in rows] == made


def test_letters_about_a_case_are_walked_in_the_order_of_writing(api: Api):
    customer = api.customer()
    story, other = (Story(api, customer, api.line(1_000_000, customer)) for _ in range(2))
    story.buys(50_000, 3)
    story.leaves()
    story.passes("+1m")  # of two codes at the same instant none is the newer
    other.leaves()
    first = api.get(f"/v1/letters?exit={story.exit}&limit=1")
    assert first["has_more"]
    story.pays(50_000)
    story.passes("+20d")
    path = f"/v1/letters?exit={story.exit}"
    assert [row["kind"] for row in walked(api, path)] == story.letters()
    assert len(story.letters()) > 2
    foreign = api.get(f"/v1/letters?exit={other.exit}")["data"][0]["id"]
    assert api.ask("GET", f"{path}&after={foreign}").json()["code"] == "request.cursor_invalid"


def test_cases_that_wait_are_walked_by_their_deadlines(api: Api):
    exits: list[str] = []
    for number in range(3):
        customer = api.customer(phone=f"+86139000001{number:02}")
        story = Story(api, customer, api.line(1_000_000, customer))
        story.leaves(proven=False)
        api.post(f"/v1/exits/{story.exit}/doubt", {}, 200)
        exits.append(story.exit)
        later(api)
    assert [case["exit"] for case in walked(api, "/v1/cases")] == exits
    assert api.ask("GET", "/v1/cases?after=exit_x").json()["code"] == "request.cursor_invalid"
    nobody = "exit_00000000000000000000000000"
    assert api.ask("GET", f"/v1/cases?after={nobody}").json()["code"] == "request.cursor_invalid"


def test_a_cursor_of_another_line_or_of_nothing_is_refused(api: Api):
    customer = api.customer()
    story, other = (Story(api, customer, api.line(customer=customer)) for _ in range(2))
    for after in (_purchase(other, 1)["id"], "pur_00000000000000000000000000", "pay_x"):
        refused = api.ask("GET", f"/v1/purchases?line={story.line}&after={after}")
        assert (refused.status_code, refused.json()["code"]) == (422, "request.cursor_invalid")
    refused = api.ask("GET", f"/v1/payments?line={story.line}&after={other.pays(1)}")
    assert refused.json()["code"] == "request.cursor_invalid"


def test_one_purchase_and_one_payment_are_shown_with_their_shop_and_state(api: Api):
    story = Story(api, customer := api.customer(), api.line(customer=customer))
    held = _purchase(story, 1)
    assert (held["merchant"], held["category"]) == ("shop-1", "games")
    taken = story.captures(held["id"], 1_001)
    assert taken["merchant"] == "shop-1"
    assert api.get(f"/v1/purchases/{held['id']}") == taken
    declined = story.authorises(10**9, category="games")
    assert (declined["state"], declined["merchant"], declined["category"]) == ("declined", "shop", "games")
    paid = story.pays(400)
    api.post(f"/v1/payments/{paid}/return", None, 200)
    shown = api.get(f"/v1/payments/{paid}")
    assert (shown["id"], shown["amount_minor"]) == (paid, 400)
    assert shown["returned_at"]
    for path, code in (("purchases/pur", "purchase.not_found"), ("payments/pay", "payment.not_found")):
        for last in ("_x", "_00000000000000000000000000"):
            unknown = api.ask("GET", f"/v1/{path}{last}")
            assert (unknown.status_code, unknown.json()["code"]) == (404, code)


def test_every_list_has_pages_but_those_that_end_by_their_nature(api: Api):
    document = api.client.get("/api/openapi.json").json()
    whole: set[str] = set()
    for path, item in document["paths"].items():
        if not path.startswith("/v1") or "get" not in item:
            continue
        shapes = str(item["get"]["responses"]["200"].get("content"))
        if "'array'" not in shapes and "schemas/Page'" not in shapes:
            continue
        asked = {parameter["name"] for parameter in item["get"].get("parameters", [])}
        if not asked >= {"after", "limit"}:
            whole.add(path)
    assert whole == set(WHOLE)


def test_who_writes_slowly_may_come_behind_a_list_that_was_read_and_never_behind_the_events(api: Api):
    def register(tx: Tx, reference: str) -> None:
        now = present(tx)
        lines.open_customers(tx, [Customer(new_id(now), reference, "en", now)], now)

    with api.db.transaction() as slow:
        register(slow, "SLOW")
        later(api)
        with api.db.transaction() as tx:
            register(tx, "FAST")
        (read,) = api.get("/v1/customers")["data"]
        heard = [event["id"] for event in api.get("/v1/events?after=0&limit=200")["data"]]
    assert read["reference"] == "FAST"
    assert api.get(f"/v1/customers?after={read['id']}")["data"] == [], "the list does not tell what is new"
    (missed,) = api.get(f"/v1/events?after={heard[-1]}")["data"]
    assert (missed["type"], missed["id"]) == ("customer.registered", heard[-1] + 1)
