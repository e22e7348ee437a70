"""New terms through the API, on a test clock: proposed by one, approved by another, told to each holder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from litestar.testing import TestClient

from whiteslip.base.ids import parse_public
from whiteslip.day import every_violation
from whiteslip.exits import newterms
from whiteslip.lines.model import Agreement
from whiteslip.packs import load
from whiteslip.store import Database

from .conftest import Api, application, with_key
from .story import Story

NEW: dict[str, Any] = {
    "due_days": 12,
    "late_fee_minor": 4_000,
    "late_fee_grace_days": 9,
    "products": [{"instalments": 1}, {"instalments": 3, "apr_bps": 1_200}],
}
DAYS = load("cn").days("issuer.change_notice_days")


@pytest.fixture
def story(api: Api) -> Story:
    customer = api.customer()
    return Story(api, customer, api.line(1_000_000, customer))


@pytest.fixture
def second(api: Api, key: Callable[..., str]) -> Api:
    """The same API with the key of somebody else."""
    return replace(api, secret=key())


def proposed(story: Story, on: date | None = None, status: int = 201, **changes: Any) -> dict[str, Any]:
    day = on or story.today + timedelta(days=DAYS + 1)
    body = {"line": story.line, "effective_on": day.isoformat(), "terms": NEW} | changes
    return story.api.post("/v1/terms-changes", body, status)


def told(story: Story, second: Api, **changes: Any) -> dict[str, Any]:
    change = proposed(story, **changes)
    return second.post(f"/v1/terms-changes/{change['id']}/decide", {"approve": True}, 200)


def late_fees(story: Story) -> list[int]:
    return [each["data"]["fee_minor"] for each in story.happened("fee.charged")]


def of(story: Story, purchase: str) -> list[tuple[int, int, int, int]]:
    """Of each instalment of a purchase: days from bill to due day, principal, interest and fee."""
    wanted = parse_public("pur", purchase)
    with story.api.db.transaction() as tx:
        rows = tx.conn.execute(
            """SELECT i.due_on - i.bill_on AS days, i.principal_minor AS p, i.interest_minor AS i,
            i.fee_minor AS f FROM billing.instalment AS i JOIN billing.plan AS p ON p.id = i.plan
            WHERE p.purchase = %s ORDER BY i.no""",
            [wanted],
        ).fetchall()
    return [(row["days"], row["p"], row["i"], row["f"]) for row in rows]


def sound(api: Api) -> bool:
    with api.db.transaction() as tx:
        return every_violation(tx) == []


def test_new_terms_are_told_long_before_and_are_what_is_bought_on_from_their_day_on(
    story: Story, second: Api
):
    agreed = Agreement.of(load("cn")).terms
    first = story.buys(30_000, 3)
    schedule = of(story, first)
    too_soon = proposed(story, story.today + timedelta(days=DAYS), 422)
    assert too_soon["code"] == "terms.too_soon"
    change = proposed(story)
    at = f"/v1/terms-changes/{change['id']}/decide"
    assert story.api.post(at, {"approve": True}, 403)["code"] == "desk.own_proposal"
    assert story.written("terms.changed") == [], "a proposal tells nobody"
    assert second.post(at, {"approve": True}, 200)["lines"]["told"] == 1
    (letter,) = story.written("terms.changed")
    assert (letter["before"]["due_days"], letter["after"]["due_days"]) == (agreed.due_days, 12)
    assert letter["effective_on"] == change["effective_on"]
    assert second.post(at, {"approve": True}, 409)["code"] == "terms.change_decided"
    assert proposed(story, status=409)["code"] == "terms.change_open"
    story.passes(f"+{DAYS}d")
    assert story.now["terms_version"] == change["from_version"], "not a day sooner"
    story.passes("+1d")
    assert story.now["terms_version"] == change["to_version"]
    assert story.now["lifecycle"] == "active"
    shown = story.api.get(f"/v1/lines/{story.line}/terms")
    assert (shown["terms"]["late_fee_grace_days"], shown["told"]) == (9, None)
    assert of(story, first) == schedule, "what was bought before is as it was"
    story.pays(25_000)
    bought = of(story, story.buys(30_000, 3))
    assert [days for days, *_ in bought] == [12, 12, 12]
    assert sum(interest for _, _, interest, _ in bought) > 0
    six = {"line": story.line, "merchant": "shop", "amount_minor": 1_000, "instalments": 6}
    assert story.api.post("/v1/purchases", six, 422)["code"] == "purchase.product_unknown"
    assert [each["data"]["from"] for each in story.happened("line.terms_changed")] == [change["from_version"]]
    assert sound(story.api)


def test_what_was_authorised_before_the_day_is_captured_on_the_terms_of_then(story: Story, second: Api):
    change = told(story, second)
    agreed = Agreement.of(load("cn")).terms
    story.passes(f"+{DAYS}d")
    held = story.authorises(12_000, 12)["id"]
    story.passes("+1d")
    assert story.now["terms_version"] == change["to_version"]
    story.captures(held, 12_000)
    rows = of(story, held)
    assert (len(rows), rows[0][0]) == (12, agreed.due_days)
    assert sum(minor for _, minor, _, _ in rows) == 12_000
    assert sound(story.api)


def test_who_rejects_new_terms_leaves_on_the_old_ones_and_pays_nothing_for_it(story: Story, second: Api):
    change = told(story, second)
    story.buys(30_000, 3)
    before = story.plan()["schedule"]
    story.proves()
    case = story.api.post(f"/v1/lines/{story.line}/terms/reject")
    assert (case["state"], case["type"]) == ("run_off", "close")
    assert case["plan"]["schedule"] == before, "no day and no sum moves"
    assert story.api.post(f"/v1/lines/{story.line}/terms/reject", None, 409)["code"] == "terms.nothing_told"
    story.passes(f"+{DAYS + 1}d")
    assert story.now["terms_version"] == change["from_version"]
    assert story.api.get(f"/v1/terms-changes/{change['id']}")["lines"] == {
        "told": 0,
        "in_force": 0,
        "rejected": 1,
        "passed_over": 0,
        "taken_back": 0,
    }
    assert story.happened("line.terms_rejected")
    assert sound(story.api)


def test_terms_that_the_lender_takes_back_before_their_day_do_not_come_and_who_was_told_is_told(
    story: Story, second: Api
):
    other = Story(story.api, story.customer, story.api.line(50_000, story.customer))
    leaves = Story(story.api, story.customer, story.api.line(50_000, story.customer))
    leaves.buys(9_000, 3)
    change = told(story, second, line=None, terms_version=story.now["terms_version"])
    story.passes("+3d")
    leaves.proves()
    leaves.api.post(f"/v1/lines/{leaves.line}/terms/reject")
    at = f"/v1/terms-changes/{change['id']}/take-back"
    done = story.api.post(at, {}, 200)
    assert (done["state"], done["lines"]["taken_back"], done["lines"]["rejected"]) == ("taken_back", 2, 1)
    for each in (story, other):
        (letter,) = each.written("terms.taken_back")
        assert letter["announced_for"] == change["effective_on"]
        assert each.api.get(f"/v1/lines/{each.line}/terms")["told"] is None
        assert len(each.happened("line.terms_taken_back")) == 1
    assert leaves.written("terms.taken_back") == [], "who said no is leaving by their own wish"
    refused = story.api.post(f"/v1/lines/{story.line}/terms/reject", None, 409)
    assert refused["code"] == "terms.nothing_told"
    assert story.api.post(at, {}, 409)["code"] == "terms.change_decided"
    story.passes(f"+{DAYS + 1}d")
    assert [each.now["terms_version"] for each in (story, other)] == [change["from_version"]] * 2
    assert sound(story.api)


def test_terms_that_are_in_force_are_not_taken_back_and_those_of_another_day_are_where_they_are_not_yet(
    story: Story, second: Api
):
    change = told(story, second)
    at = f"/v1/terms-changes/{change['id']}/take-back"
    story.passes(f"+{DAYS + 1}d")
    assert story.now["terms_version"] == change["to_version"]
    assert story.api.post(at, {}, 409)["code"] == "terms.change_in_force"
    again = proposed(story, terms=NEW | {"due_days": 14})
    assert story.api.post(f"/v1/terms-changes/{again['id']}/take-back", {}, 200)["state"] == "taken_back"
    late = second.post(f"/v1/terms-changes/{again['id']}/decide", {"approve": True}, 409)
    assert late["code"] == "terms.change_decided"
    assert story.written("terms.taken_back") == [], "nobody was told of a proposal"


def test_holders_of_many_lines_are_told_in_batches_that_terms_were_taken_back_and_none_comes_meanwhile(
    story: Story, second: Api, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(newterms, "BATCH", 1)
    other = Story(story.api, story.customer, story.api.line(50_000, story.customer))
    change = told(story, second, line=None, terms_version=story.now["terms_version"])
    story.passes(f"+{DAYS}d")
    done = story.api.post(f"/v1/terms-changes/{change['id']}/take-back", {}, 200)
    assert (done["lines"]["told"], done["lines"]["taken_back"]) == (1, 1), "the rest is a timer's"
    assert other.api.get(f"/v1/lines/{other.line}/terms")["told"] is None, "also before its letter"
    with story.api.db.transaction() as tx:
        tx.conn.execute(
            "UPDATE store.timer SET due_at = due_at + interval '9 days' WHERE kind = 'terms.announce'"
        )
    story.passes("+1d")
    assert [each.now["terms_version"] for each in (story, other)] == [change["from_version"]] * 2
    assert [len(each.written("terms.taken_back")) for each in (story, other)] == [1, 1]
    assert sound(story.api)


def test_lines_that_leave_are_passed_over_and_others_of_the_version_move(story: Story, second: Api):
    stays = Story(story.api, story.customer, story.api.line(50_000, story.customer))
    owes = Story(story.api, story.customer, story.api.line(50_000, story.customer))
    owes.buys(9_000, 3)
    gone = Story(story.api, story.customer, story.api.line(50_000, story.customer))
    gone.leaves()
    assert gone.now["lifecycle"] == "closed"
    version = story.now["terms_version"]
    change = told(stays, second, line=None, terms_version=version)
    assert change["lines"]["told"] == 3, "who has left is told nothing"
    owes.leaves(proven=False)
    story.passes(f"+{DAYS + 1}d")
    moved = [each.now["terms_version"] == change["to_version"] for each in (story, stays, owes, gone)]
    assert moved == [True, True, False, False]
    assert story.api.get(f"/v1/terms-changes/{change['id']}")["lines"]["passed_over"] == 1
    assert [each["data"]["why"] for each in owes.happened("line.terms_kept")] == ["line_leaves"]


def test_terms_whose_letter_could_not_be_sent_do_not_come(story: Story, second: Api):
    change = told(story, second)
    with story.api.db.transaction() as tx:
        tx.conn.execute("UPDATE notices.notice SET state = 'failed' WHERE kind = 'terms.changed'")
    story.passes(f"+{DAYS + 1}d")
    assert story.now["terms_version"] == change["from_version"]
    assert [each["data"]["why"] for each in story.happened("line.terms_kept")] == ["not_told"]
    assert sound(story.api)


def test_what_is_learned_late_of_days_before_a_change_costs_what_the_terms_of_those_days_cost(
    story: Story, second: Api
):
    """Late fees are 10.00 after five days of grace, and from 7 December on 40.00 after nine."""
    story.buys(60_000, 3)  # 203.60 on each bill; the first is due on 21 November
    change = told(story, second)
    story.passes(f"+{DAYS + 2}d")
    assert story.now["terms_version"] == change["to_version"]
    assert (story.now["owed_minor"], late_fees(story)) == (61_720, [1_000])
    paid = story.pays(20_360, value_on=date(2026, 11, 20))
    assert story.now["owed_minor"] == 40_360, "it was not late: the fee of then is given back"
    right = {"amount_minor": 360, "value_on": "2026-11-20"}
    story.api.post(f"/v1/payments/{paid}/correct", right, 200)
    assert story.now["owed_minor"] == 61_360, "it was late after all: the fee of then, not of now"
    story.passes("+19d")
    assert late_fees(story) == [1_000, 1_000], "also where what was bought before is late after the change"
    story.pays(60_000, value_on=date(2026, 10, 23))
    back = story.happened("debt.recomputed")[-1]["data"]
    assert (back["earned_minor"], back["waived_minor"]) == (-684, 2_000), "both fees, and the price but a day"
    # A day of the ten before the first bill, at the 3.60 a month of then: of 603.60 paid 3.24 are left.
    assert (story.now["owed_minor"], story.now["credit_minor"]) == (0, 324)
    assert sound(story.api)


def test_cash_back_of_what_was_bought_before_a_change_is_what_it_was_promised(db: Database):
    pack = load("cn")
    with TestClient(application(db, replace(pack, terms={**pack.terms, "reward_bps": 100}))) as client:
        api = Api(db, client, with_key(db))
        customer = api.customer()
        story = Story(api, customer, api.line(1_000_000, customer))

        def cash_back() -> int:
            return api.get(f"/v1/lines/{story.line}/rewards")["balance_minor"]

        bought = story.buys(20_000)
        story.pays(20_000)
        assert cash_back() == 200
        change = told(story, replace(api, secret=with_key(db)), terms=NEW | {"reward_bps": 0})
        story.passes(f"+{DAYS}d")
        held = story.authorises(10_000)["id"]
        story.passes("+1d")
        assert story.now["terms_version"] == change["to_version"]
        story.captures(held, 10_000)
        assert cash_back() == 300, "authorised before the day"
        story.refunds(bought, 5_000)
        assert cash_back() == 250, "taken back by the rate it was given by"
        story.buys(10_000)
        assert cash_back() == 250, "bought on the new terms"
        assert sound(api)


def test_a_bill_with_old_and_new_purchases_asks_by_its_first_day_and_has_one_late_fee(
    story: Story, second: Api
):
    story.buys(60_000, 12)
    told(story, second)
    story.passes(f"+{DAYS + 1}d")
    story.pays(15_000)
    story.buys(40_000)
    before = late_fees(story)
    story.passes("+62d")
    (mixed,) = [
        each["data"] for each in story.happened("bill.issued") if each["data"]["statement_on"] == "2027-01-01"
    ]
    # Old: twenty days and five of grace, to 26 January; new: twelve days and nine of grace, to 22 January.
    assert (mixed["due_on"], mixed["demanded_minor"]) == ("2027-01-13", 41_884)
    fees = story.happened("fee.charged")[len(before) :]
    assert [(each["data"]["fee_minor"], each["data"]["bill_on"]) for each in fees] == [(1_000, "2027-02-01")]
    assert fees[0]["at"].startswith("2027-01-26"), "when the longest days of grace are over"
    assert sound(story.api)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        (NEW | {"products": [{"instalments": 3, "apr_bps": 9_000}]}, "terms.too_dear"),
        (NEW | {"notice_months": 1}, "terms.notice_too_long"),
        (NEW | {"products": [{"instalments": 3}, {"instalments": 3}]}, "terms.invalid"),
    ],
)
def test_terms_the_law_does_not_let_stand_are_refused(story: Story, terms: dict[str, Any], code: str):
    assert proposed(story, status=422, terms=terms)["code"] == code


def test_terms_are_for_one_line_or_for_one_version_that_some_line_has(story: Story):
    version = story.now["terms_version"]
    assert proposed(story, status=422, terms_version=version)["code"] == "terms.scope_invalid"
    assert proposed(story, status=404, line=None, terms_version="0" * 12)["code"] == "terms.version_unknown"
    same = story.api.get(f"/v1/lines/{story.line}/terms")["terms"]
    assert proposed(story, status=422, terms=same)["code"] == "terms.unchanged"
