"""The hard cases of leaving, through the API on a test clock: money, state, dates, letters, journal.

Each goes through the public door alone, and at its end every invariant holds over all rows.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace as fields_of
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from litestar.testing import TestClient
from msgspec.structs import replace
from scored import TREES, serve
from web.console.conftest import Desk

from whiteslip import identity, ledger, packs
from whiteslip.base import add_months, local_day
from whiteslip.base.ids import parse_public
from whiteslip.day import every_violation
from whiteslip.decisions import Tables, replay
from whiteslip.decisions.champions import last_score
from whiteslip.exits import Office
from whiteslip.identity import Vault, access
from whiteslip.identity.model import Role, Staff
from whiteslip.lake import Lake
from whiteslip.ledger.recipes import House
from whiteslip.notices import DemoPhone, of_subject
from whiteslip.packs import Pack
from whiteslip.store.timers import present
from whiteslip.watch import store as watch
from whiteslip.web import console
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

from .conftest import Api, application, with_key
from .story import ASKED, CLEARS, CLOSES, LETTERS, OUT_AT_ONCE, RUNS_OFF, WISH, Story
from .test_api import code_on_phone

if TYPE_CHECKING:
    from whiteslip.store import Database

VAULT = Vault(bytes(32))
BRUSSELS, SHANGHAI = ZoneInfo("Europe/Brussels"), ZoneInfo("Asia/Shanghai")


@pytest.fixture
def story(api: Api) -> Iterator[Story]:
    customer = api.customer()
    told = Story(api, customer, api.line(1_000_000, customer))
    yield told
    with api.db.transaction() as tx:
        assert every_violation(tx) == []
        assert replay(tx).is_same


def priced(pack: str, **product: int) -> Pack:
    """A pack under which the lender priced one product otherwise."""
    agreed = packs.load(pack)
    others = [each for each in agreed.terms["products"] if each["instalments"] != product["instalments"]]
    return fields_of(agreed, terms={**agreed.terms, "products": [*others, product]})


@pytest.fixture
def american(db: Database) -> Iterator[Story]:
    """Somebody in the United States, whose bureau is told by Metro 2."""
    name, number = "Given Surname", "123456789"
    with TestClient(application(db, priced("us", instalments=6))) as client:
        api = Api(db, client, with_key(db))
        customer = api.customer(full_name=name, id_number=number)
        yield Story(api, customer, api.line(1_000_000, customer), name=name, id_number=number)
        with db.transaction() as tx:
            assert every_violation(tx) == []


@pytest.fixture
def unpriced(db: Database) -> Iterator[Story]:
    """Somebody in China, whose instalments cost nothing."""
    with TestClient(application(db, priced("cn", instalments=6))) as client:
        api = Api(db, client, with_key(db))
        customer = api.customer()
        yield Story(api, customer, api.line(1_000_000, customer))
        with db.transaction() as tx:
            assert every_violation(tx) == []


@pytest.fixture
def european(db: Database) -> Iterator[Story]:
    """Somebody in Europe."""
    with TestClient(application(db, "eu")) as client:
        api = Api(db, client, with_key(db))
        customer = api.customer()
        yield Story(api, customer, api.line(1_000_000, customer))
        with db.transaction() as tx:
            assert every_violation(tx) == []


def test_01_nothing_owed_and_unusual_spending_is_out_the_same_day_without_a_review(story: Story):
    line = parse_public("line", story.line)
    assert line
    with story.api.db.transaction() as tx:
        serve(tx, replace(TREES, bias=9.0), now=present(tx))  # as bad as can be, whoever it is
    for _ in range(12):
        story.refunds(story.buys(80_000), 80_000)
    story.passes("+1d")
    with story.api.db.transaction() as tx:
        score = last_score(tx, "behaviour", line)
    assert score
    assert score.scored.probability > 0.99
    case = story.leaves()
    assert (case["state"], case["route"]) == ("closed", "straight_through")
    assert story.now["lifecycle"] == "closed"
    assert story.now["closed_on"] == story.today.isoformat()
    assert "exit.review_opened" not in story.events()
    story.ends(OUT_AT_ONCE, [(story.today, WISH, 0)], [*ASKED, *CLOSES])


def test_02_instalments_that_are_left_keep_their_days_and_sums(unpriced: Story):
    story = unpriced
    story.buys(60_000, 6)
    while len(before := story.plan()["schedule"]) > 3:
        story.passes(f"+{(date.fromisoformat(before[0]['due_on']) - story.today).days}d")
        story.pays(before[0]["total_minor"])
    case = story.leaves()
    assert case["state"] == "run_off"
    assert case["plan"]["schedule"] == before
    assert [due["total_minor"] for due in before] == [10_000] * 3, "at 0 %: principal, and nothing else"
    assert (story.now["days_past_due"], story.now["bucket"]) == (0, "current")
    (event,) = story.told_to_bureau()
    assert event.closed_on == story.today
    for due in before:
        story.passes(f"+{(date.fromisoformat(due['due_on']) - story.today).days}d")
        story.pays(due["total_minor"])
    story.passes("+11d")
    assert story.case["state"] == "closed"
    story.ends(
        LETTERS,
        [(event.closed_on, WISH, 30_000)],  # with a balance, that runs off
        [*ASKED, *RUNS_OFF, *3 * ["payment.received"], *CLEARS],
    )
    assert "fee.charged" not in story.events()


def test_02_a_balance_that_runs_off_is_told_every_month_as_current_and_closed_by_the_consumer(
    american: Story,
):
    american.buys(60_000, 6)
    before = american.plan()["schedule"]
    assert [due["total_minor"] for due in before] == [10_000] * 6
    assert american.leaves()["plan"]["schedule"] == before
    assert american.metro2() == ("11", "XA", "1")
    first = before[0]
    american.passes(f"+{(date.fromisoformat(first['due_on']) - american.today).days}d")
    american.pays(first["total_minor"])
    assert american.metro2() == ("11", "XA", "1"), "in another month's file, too"
    american.pays(american.now["owed_minor"])
    american.passes("+11d")
    assert american.case["state"] == "closed"
    assert american.metro2() == ("13", "XA", "1")
    american.ends(LETTERS, [], [*ASKED, *RUNS_OFF, *2 * ["payment.received"], *CLEARS])
    assert "fee.charged" not in american.events()


def test_03_what_was_authorised_before_is_captured_and_what_comes_after_is_not(story: Story):
    held = story.authorises(10_000)
    story.passes("+1h")
    story.leaves()
    stopped_on = story.today
    assert story.authorises(100)["code"] == "line.stopped"
    story.passes("+5d")
    story.captures(held["id"], 6_000, final=False)
    story.captures(held["id"], 4_000)
    assert story.now["owed_minor"] == 10_000
    story.passes("+4d")
    forced = story.api.post(
        "/v1/forced-posts", {"line": story.line, "merchant": "subscription", "amount_minor": 990}
    )
    assert (forced["ground"], forced["suspended_minor"]) == ("forced", 990)
    assert story.now["owed_minor"] == 10_000, "a dispute, and no debt"
    (told,) = story.written("dispute.posted")
    assert told["disputed_minor"] == 990
    assert datetime.fromisoformat(told["answer_by"]) == datetime.fromisoformat(forced["due_at"])
    story.api.post(f"/v1/disputes/{forced['id']}/resolve", {"outcome": "won"}, 200)
    (told,) = story.written("dispute.won")
    assert (told["disputed_minor"], told["given_back_minor"], story.now["owed_minor"]) == (990, 0, 10_000)
    bought = ["purchase.declined", *2 * ["purchase.captured"]]
    story.ends(
        ["exit.acknowledged", "exit.runoff", "dispute.posted", "dispute.won"],
        [(stopped_on, WISH, 10_000)],
        [*ASKED, *RUNS_OFF, *bought, "dispute.opened", "dispute.resolved"],
    )


def unclaimed(story: Story) -> int:
    """What waits for its owners in the house's books, in minor units."""
    with story.api.db.transaction() as tx:
        account = House.of("CNY").unclaimed
        found = ledger.accounts(tx, [account])[account]
    return -found.net_debit


def test_04_a_refund_after_closing_is_paid_out_and_waits_when_it_comes_back(story: Story):
    account = story.names_account()
    purchase = story.buys(8_000)
    story.pays(8_000)
    story.passes("+15d")
    assert story.leaves()["state"] == "closed"
    closed_on = story.today
    story.passes("+40d")
    story.refunds(purchase, 8_000)
    story.passes("+1d")
    (payout,) = story.api.get(f"/v1/payouts?line={story.line}")["data"]
    assert (payout["amount_minor"], payout["state"]) == (8_000, "sent")
    assert payout["account"] == account["id"], "and to nothing that was not verified"
    assert story.now["lifecycle"] == "closed"
    assert local_day(datetime.fromisoformat(payout["sent_at"]), "Asia/Shanghai") <= story.today
    assert unclaimed(story) == 0
    back = story.api.post(f"/v1/payouts/{payout['id']}/bounce", None, 200)
    assert (back["state"], unclaimed(story)) == ("unclaimed", 8_000)
    bounced_on = story.today
    story.passes("+190d")
    (looked,) = story.happened("payout.unclaimed")
    look_on = local_day(datetime.fromisoformat(looked["at"]), "Asia/Shanghai")
    assert look_on == add_months(bounced_on, 6), "an effort in good faith to find whose it is"
    story.proves()
    again = story.api.post(f"/v1/payouts/{payout['id']}/send-again", None, 200)
    assert (again["state"], story.now["lifecycle"], unclaimed(story)) == ("sent", "closed", 0)
    back = ["purchase.refunded", "credit.paid_out", "payout.returned", "payout.unclaimed", "credit.paid_out"]
    (told,) = story.written("payout.returned")
    assert told["look_on"] == look_on.isoformat(), "the letter says by when they are looked for"
    story.ends([*OUT_AT_ONCE, "payout.returned"], [(closed_on, WISH, 0)], [*ASKED, *CLOSES, *back])


def test_05_a_refund_goes_to_its_own_purchase_then_to_what_is_billed_then_out(story: Story):
    story.names_account()
    first = story.buys(30_000)
    story.buys(9_000, 3)
    story.passes("+15d")  # past the statement: 30,000 and a first part of 3,054 are billed
    story.pays(20_000)
    story.leaves()
    stopped_on = story.today
    story.told_to_bureau()
    story.refunds(first, 30_000)
    line = story.now
    assert line["owed_minor"] == 0, "the credit of somebody who leaves pays what is left, sooner"
    # 39,000 was bought, and has cost 0.6 % of 9,000 for a month and for five days of thirty.
    assert line["credit_minor"] == 50_000 - 39_054 - 9, "and no fee of a month that has not begun"
    assert story.case["state"] == "clearing"
    story.passes("+16d")
    assert story.case["state"] == "closed"
    (payout,) = story.api.get(f"/v1/payouts?line={story.line}")["data"]
    assert payout["amount_minor"] == 10_937
    paid = ["exit.clearing_started", "exit.closed", "credit.paid_out", "line.closed"]
    story.ends(
        LETTERS,
        [(stopped_on, WISH, 19_054)],
        [*ASKED, *RUNS_OFF, "purchase.refunded", "credit.applied", *paid],
    )


@pytest.mark.parametrize("late", [False, True])
def test_06_a_payoff_quote_binds_and_a_trifle_after_it_is_waived(story: Story, late: bool):
    story.buys(60_000, 12)
    story.passes("+3d")
    story.leaves()
    stopped_on = story.today
    story.told_to_bureau()
    story.passes("+587m")
    quote = story.api.get(f"/v1/lines/{story.line}/payoff")
    now = datetime.fromisoformat(story.api.get("/v1/test-clock")["now"]).astimezone(SHANGHAI)
    assert (f"{now:%H:%M}", quote["good_through"]) == ("23:50", story.today.isoformat())
    if late:  # sent in time, and of value on the day after
        story.passes("+1d")
    story.pays(quote["total_minor"])
    assert story.now["owed_minor"] == 0
    waived = [each["data"]["amount_minor"] for each in story.happened("debt.waived")]
    assert waived == ([quote["per_day_minor"]] if late else [])
    story.passes("+11d")
    assert story.case["state"] == "closed"
    assert story.now["days_past_due"] == 0
    story.passes("+25d")
    statements = story.api.get(f"/v1/lines/{story.line}/statements")
    assert statements == [], "and no statement asks for the trifle"
    story.ends(
        LETTERS,
        [(stopped_on, WISH, 60_000)],
        [*ASKED, *RUNS_OFF, "payment.received", *["debt.waived"] * late, *CLEARS],
    )


def test_07_a_debit_that_comes_back_after_closing_is_a_new_debt_on_a_closed_line(story: Story):
    story.buys(20_000)
    payment = story.pays(20_000, "direct_debit")
    story.passes("+11d")
    assert story.leaves()["state"] == "closed"
    closed_on = story.now["closed_on"]
    told = story.told_to_bureau()
    story.passes("+45d")  # the seventh week after, and the eighth since the debit
    for _ in range(2):
        story.api.post(f"/v1/payments/{payment}/return", None, 200)
    line = story.now
    assert (line["lifecycle"], line["closed_on"], line["owed_minor"]) == ("closed", closed_on, 20_000)
    ((minor, due_on, why),) = story.owed_anew()
    assert (minor, why) == (20_000, "returned_payment")
    assert date.fromisoformat(due_on) >= story.today + timedelta(days=14)
    story.passes(f"+{(date.fromisoformat(due_on) - story.today).days}d")
    assert story.now["days_past_due"] == 0, "the letter's day is the last one in time"
    story.passes("+1d")
    assert story.now["days_past_due"] == 1
    assert story.case["state"] == "closed"
    assert story.told_to_bureau() == told, "the day that was told stays"
    story.ends(
        [*OUT_AT_ONCE, "debt.owed_anew"],
        [(date.fromisoformat(closed_on), WISH, 0)],
        [*ASKED, *CLOSES, "residual.scheduled", "payment.returned"],
    )


def test_07_a_debit_comes_back_in_week_8_and_in_month_13_and_not_after_the_tail(european: Story):
    """Without a reason for 56 days; as unauthorised for thirteen months; later it is refused."""
    story = european
    story.buys(30_000)
    asked, unasked, late = (story.pays(minor, "direct_debit") for minor in (5_000, 10_000, 15_000))
    debited_on = story.today
    story.passes("+15d")
    assert story.leaves()["state"] == "closed"
    closed_on = story.today
    story.passes(f"+{(debited_on + timedelta(days=56) - story.today).days}d")
    story.api.post(f"/v1/payments/{asked}/return", None, 200)
    assert (story.now["lifecycle"], story.now["owed_minor"]) == ("closed", 5_000)
    story.passes("+1d")
    refused = story.api.post(f"/v1/payments/{unasked}/return", None, 409)
    assert refused["code"] == "payment.return_needs_ground"
    last = add_months(debited_on, 13)
    story.passes(f"+{(last - story.today).days}d")
    refused = story.api.post(f"/v1/payments/{unasked}/return", {"unauthorised": False}, 409)
    assert (refused["code"], story.now["owed_minor"]) == ("payment.return_needs_ground", 5_000)
    story.api.post(f"/v1/payments/{unasked}/return", {"unauthorised": True}, 200)
    assert (story.now["lifecycle"], story.now["owed_minor"]) == ("closed", 15_000)
    tail_ends = add_months(closed_on, 13)
    story.passes(f"+{(tail_ends - story.today).days + 1}d")
    assert "exit.tail_ended" in story.events()
    refused = story.api.post(f"/v1/payments/{late}/return", {"unauthorised": True}, 409)
    assert (refused["code"], story.now["owed_minor"]) == ("payment.return_too_late", 15_000)
    # The bank took it back in time, and the lender hears of it today.
    future = {"unauthorised": True, "returned_on": (story.today + timedelta(days=1)).isoformat()}
    refused = story.api.post(f"/v1/payments/{late}/return", future, 422)
    assert refused["code"] == "payment.returned_on_invalid"
    in_time = {"unauthorised": True, "returned_on": last.isoformat()}
    story.api.post(f"/v1/payments/{late}/return", in_time, 200)
    assert (story.now["lifecycle"], story.now["owed_minor"]) == ("closed", 30_000)
    assert sorted(minor for minor, _, _ in story.owed_anew()) == [5_000, 10_000, 15_000]
    assert [each["data"].get("unauthorised", False) for each in story.happened("payment.returned")] == [
        False,
        True,
        True,
    ]


DISPUTED = [*ASKED, "exit.review_opened", "payment.received", *RUNS_OFF]


def test_07_a_payment_that_is_corrected_after_closing_is_told_with_its_new_day(story: Story):
    story.buys(20_000)
    payment = story.pays(20_000)
    story.passes("+15d")
    assert story.leaves()["state"] == "closed"
    story.passes("+1d")
    paid_on = (story.today - timedelta(days=16)).isoformat()
    right = {"amount_minor": 12_000, "value_on": paid_on}
    story.api.post(f"/v1/payments/{payment}/correct", right, 200)
    assert (story.now["lifecycle"], story.now["owed_minor"]) == ("closed", 8_000)
    ((minor, due_on, why),) = story.owed_anew()
    assert (minor, why) == (8_000, "corrected_payment")
    assert date.fromisoformat(due_on) >= story.today + timedelta(days=14)


def test_07_a_payment_that_comes_back_to_the_days_that_were_agreed_is_no_new_debt(story: Story):
    story.buys(20_000)
    story.api.post(f"/v1/payments/{story.pays(20_000)}/return", None, 200)
    assert story.now["owed_minor"] == 20_000
    assert story.owed_anew() == []


@pytest.mark.parametrize("won", [True, False])
def test_08_a_dispute_at_the_door_is_neither_demanded_nor_aged(story: Story, won: bool):
    purchase = story.buys(30_000)
    path = f"/v1/purchases/{purchase}/dispute"
    dispute = story.api.post(path, {"amount_minor": 12_000, "ground": "not_received"})
    (received,) = story.written("dispute.received")
    assert received["disputed_minor"] == 12_000
    assert datetime.fromisoformat(received["answer_by"]) == datetime.fromisoformat(dispute["due_at"])
    told = story.plan()
    assert (told["owed_minor"], told["disputed_minor"]) == (18_000, 12_000)
    story.leaves()
    heard = [(story.today, WISH, 18_000)]  # what is disputed is not told as owed
    story.told_to_bureau()
    story.pays(18_000)
    story.passes("+60d")
    assert story.case["state"] == "run_off", "the dispute is open"
    assert (story.now["owed_minor"], story.now["days_past_due"]) == (0, 0)
    outcome = "won" if won else "lost"
    for _ in range(2):
        story.api.post(f"/v1/disputes/{dispute['id']}/resolve", {"outcome": outcome}, 200)
    if won:
        assert story.case["state"] == "closed"
        assert story.owed_anew() == []
        (told,) = story.written("dispute.won")
        assert (told["disputed_minor"], told["given_back_minor"]) == (12_000, 0)
        letters = ["dispute.received", *LETTERS[:2], "dispute.won", LETTERS[2]]
        story.ends(letters, heard, [*DISPUTED, "dispute.resolved", *CLOSES])
        return
    assert story.now["owed_minor"] == 12_000
    ((minor, due_on, why),) = story.owed_anew()
    assert (minor, why) == (12_000, "dispute_lost")
    story.passes(f"+{(date.fromisoformat(due_on) - story.today).days}d")
    assert story.now["days_past_due"] == 0
    story.pays(12_000)
    story.passes("+11d")
    assert story.case["state"] == "closed"
    story.ends(
        ["dispute.received", *LETTERS[:2], "debt.owed_anew", LETTERS[2]],
        heard,
        [*DISPUTED, "residual.scheduled", "dispute.resolved", "payment.received", *CLEARS],
    )


@pytest.mark.parametrize("won", [True, False])
def test_08_bureaus_are_told_of_a_dispute_at_the_door_and_of_no_debt_that_is_late(american: Story, won: bool):
    purchase = american.buys(30_000)
    path = f"/v1/purchases/{purchase}/dispute"
    dispute = american.api.post(path, {"amount_minor": 12_000, "ground": "not_received"})
    american.leaves()
    american.pays(18_000)
    american.passes("+40d")
    assert american.metro2() == ("11", "XJ", "1"), "closed by the consumer, disputed, and not yet at zero"
    outcome = "won" if won else "lost"
    american.api.post(f"/v1/disputes/{dispute['id']}/resolve", {"outcome": outcome}, 200)
    assert american.metro2() == (("13", "XA", "1") if won else ("11", "XA", "1"))
    owed = american.now
    assert (owed["owed_minor"], owed["days_past_due"]) == (0 if won else 12_000, 0)


def test_08_what_a_shop_posts_after_closing_is_told_with_its_new_day_once_it_is_owed(story: Story):
    assert story.leaves()["state"] == "closed"
    posted = {"line": story.line, "merchant": "subscription", "amount_minor": 990}
    dispute = story.api.post("/v1/forced-posts", posted)
    assert story.owed_anew() == []
    story.api.post(f"/v1/disputes/{dispute['id']}/resolve", {"outcome": "lost"}, 200)
    assert (story.now["lifecycle"], story.now["owed_minor"]) == ("closed", 990)
    ((minor, due_on, why),) = story.owed_anew()
    assert (minor, why) == (990, "dispute_lost")
    assert date.fromisoformat(due_on) >= story.today + timedelta(days=14)


def test_the_acknowledgement_asks_who_has_not_proven_themselves_to_confirm_and_says_by_when(story: Story):
    story.leaves(proven=False)
    told = story.facts_of("exit.acknowledged")
    assert datetime.fromisoformat(told["confirm_by"]) == datetime.fromisoformat(story.case["due_at"])
    letter = story.api.get(f"/v1/letters?exit={story.exit}")["data"][0]
    assert story.api.ask("GET", f"/v1/letters/{letter['id']}/pdf").status_code == 200
    story.api.post(f"/v1/exits/{story.exit}/cancel", None, 403)
    story.proves()
    story.api.post(f"/v1/exits/{story.exit}/cancel", None, 200)
    story.passes("+1h")  # two codes of one instant come in no order
    story.leaves()
    assert story.facts_of("exit.acknowledged")["confirm_by"] is None


def test_the_sum_that_settles_everything_is_good_for_a_week_after_the_letter(european: Story):
    european.buys(60_000, 6)
    european.leaves()
    told = european.facts_of("exit.runoff")
    assert date.fromisoformat(told["good_through"]) == european.today + timedelta(days=7)
    european.passes("+7d")
    european.pays(told["payoff_minor"])
    assert european.now["owed_minor"] == 0


def reached_elsewhere(story: Story, phone: str) -> None:
    """From now on letters go elsewhere, or somebody with their session made it look so."""
    customer = parse_public("cus", story.customer)
    assert customer
    with story.api.db.transaction() as tx:
        identity.change_contact(tx, VAULT, customer, phone, None, "customer", present(tx))


def fails_to_prove(story: Story) -> None:
    """Wrong codes, until no further one is looked at: not even the right one."""
    path, person = f"/v1/identity-checks/{story.customer}/verify", {"full_name": story.name}
    story.api.post("/v1/identity-checks", {"customer": story.customer})
    right = code_on_phone(story.api, story.customer)
    typed = person | {"id_number": story.id_number, "code": f"{(int(right) + 1) % 1_000_000:06}"}
    for _ in range(packs.load("cn").count("identity.code_attempts")):
        assert story.api.post(path, typed, 422)["code"] == "identity.code_wrong"
    assert story.api.post(path, typed | {"code": right}, 429)["code"] == "identity.too_many_attempts"
    refused = story.api.post(f"/v1/exits/{story.exit}/confirm", None, 403)
    assert refused["code"] == "exit.identity_not_verified"


@pytest.mark.parametrize("not_me", [True, False])
def test_09_who_cannot_prove_who_they_are_is_stopped_at_once_and_held_for_a_person(
    story: Story, not_me: bool
):
    story.names_account()
    story.pays(1_200)  # their own money lies on the line
    story.passes("+11d")  # and has cleared
    reached_elsewhere(story, "+8613900000098")
    story.leaves(proven=False)
    asked_on = story.today
    assert story.now["drawing_stopped"]
    if not not_me:
        fails_to_prove(story)
    else:
        story.api.post(f"/v1/exits/{story.exit}/doubt", {"not_me": True}, 200)
    held = story.case
    assert (held["state"], held["ground"]) == ("held", "identity")
    assert story.authorises(100)["code"] == "line.stopped"
    by = packs.load("cn").calendar.add_business_days(asked_on, 5)
    assert local_day(datetime.fromisoformat(held["due_at"]), "Asia/Shanghai") == by
    told = ["exit.acknowledged", "exit.held", "exit.held (former)"]
    assert story.every_letter() == told, "where they are reached now, and where they were before"
    story.passes("+5d")
    reached_elsewhere(story, "+8613900000099")
    story.passes(f"+{(by - story.today).days + 1}d")
    assert story.case["state"] == "closed", "nobody answered in time: it goes the customer's way"
    story.passes("+1d")
    assert story.now["credit_minor"] == 1_200, "nothing goes out to contact data of a few days"
    assert story.api.get(f"/v1/payouts?line={story.line}")["data"] == []
    story.passes("+7d")
    assert story.now["credit_minor"] == 0
    doubted = ["exit.identity_checked", "exit.assessed", "exit.held", "exit.review_opened"]
    story.ends(
        [*told, "exit.closed"],
        [(asked_on, WISH, 0)],
        [*ASKED[:2], *doubted, "purchase.declined", *ASKED[2:], *CLOSES, "credit.paid_out"],
    )


def never_opened(story: Story, instalments: int = 3) -> None:
    """Somebody else bought two things, is late with them, and was charged a fee for that."""
    story.buys(30_000, instalments)
    story.buys(12_000)
    story.passes("+75d")
    late = story.now
    assert late["days_past_due"]
    assert late["owed_minor"] > 42_000
    story.leaves(proven=False)
    story.api.post(f"/v1/exits/{story.exit}/doubt", {"not_me": True}, 200)


def suspended(story: Story) -> int:
    """What is disputed now and not demanded."""
    found = story.api.get(f"/v1/disputes?line={story.line}")["data"]
    return sum(each["suspended_minor"] for each in found if each["outcome"] == "open")


@pytest.mark.parametrize("won", [True, False])
def test_09_what_somebody_else_drew_is_not_demanded_of_who_never_opened_the_line(story: Story, won: bool):
    never_opened(story)
    held = story.now
    assert (held["owed_minor"], held["days_past_due"]) == (0, 0), "nor the fee for being late with it"
    assert suspended(story) == 42_000
    story.passes("+40d")
    assert (story.case["state"], story.case["why"]) == ("run_off", "dispute_open"), "nobody answered"
    assert (story.now["owed_minor"], story.now["days_past_due"]) == (0, 0)
    letters = {kind: story.facts_of(kind) for kind in ("exit.held", "exit.runoff")}
    assert letters["exit.held"]["not_me"]
    assert letters["exit.held"]["disputed_minor"] == 42_000
    told = letters["exit.runoff"]
    assert (told["not_me"], told["disputed_minor"], told["payoff_minor"], told["schedule"]) == (
        True,
        42_000,
        0,
        [],
    )
    disputes = story.api.get(f"/v1/disputes?line={story.line}")["data"]
    assert {each["ground"] for each in disputes} == {"not_mine"}
    for each in disputes:
        path = f"/v1/disputes/{each['id']}/resolve"
        story.api.post(path, {"outcome": "won" if won else "lost"}, 200)
    if won:
        assert (story.case["state"], story.now["owed_minor"]) == ("closed", 0)
        return
    assert (story.case["state"], story.now["owed_minor"]) == ("run_off", 42_000), "not disputed again"
    assert {sum(minor for minor, _, _ in story.owed_anew())} == {42_000}
    due_on = min(date.fromisoformat(on) for _, on, _ in story.owed_anew())
    assert due_on >= story.today + timedelta(days=14)
    story.pays(42_000)
    story.passes("+11d")
    assert story.case["state"] == "closed"


def test_09_what_a_shop_captures_on_a_line_that_somebody_says_they_never_opened_is_disputed(story: Story):
    before = story.authorises(5_000)
    story.leaves(proven=False)
    story.api.post(f"/v1/exits/{story.exit}/doubt", {"not_me": True}, 200)
    for part in (2_000, 3_000):
        story.captures(before["id"], part, final=part == 3_000)
        assert story.now["owed_minor"] == 0
    assert suspended(story) == 5_000


def test_09_a_bureau_is_told_that_the_account_is_disputed_and_of_nothing_late(american: Story):
    never_opened(american, 4)
    assert american.metro2()[:2] == ("11", "XB"), "disputed by the consumer, and current"
    american.passes("+40d")
    assert american.metro2()[:2] == ("11", "XD"), "and closed at their wish"


def test_who_says_that_it_was_not_them_is_heard_also_after_somebody_was_taken_for_them(story: Story):
    story.buys(20_000)
    assert story.leaves()["state"] == "run_off"
    path = f"/v1/exits/{story.exit}/doubt"
    held = story.api.post(path, {}, 200)
    assert (held["state"], held["ground"], held["identity"]) == ("held", "identity", "doubted")
    assert story.now["drawing_stopped"]
    assert story.happened("exit.review_opened")
    assert story.happened("exit.identity_checked")[-1]["data"] == {"identity": "doubted"}
    assert story.every_letter()[-1] == "exit.held"
    story.passes("+9d")
    assert (story.case["state"], story.case["why"]) == ("run_off", "debt_open"), "nobody answered in time"
    assert story.api.post(path, {}, 409)["code"] == "exit.doubt_not_possible", "it is not begun again"
    story.api.post(path, {"not_me": True}, 200)
    assert (story.now["owed_minor"], suspended(story)) == (0, 20_000)


def test_a_case_that_has_ended_refuses_a_doubt_and_so_does_what_the_customer_did_not_ask(story: Story):
    assert story.leaves()["state"] == "closed"
    refused = story.api.post(f"/v1/exits/{story.exit}/doubt", {}, 409)
    assert refused["code"] == "exit.not_open"


def test_16_a_death_after_closing_brings_the_debt_that_came_back_to_the_estate(story: Story):
    story.buys(20_000)
    paid = story.pays(20_000, "direct_debit")
    story.leaves()
    story.passes("+90d")
    assert story.case["state"] == "closed"
    story.api.post(f"/v1/payments/{paid}/return", {"unauthorised": True}, 200)
    assert story.now["owed_minor"] == 20_000
    at = f"/v1/lines/{story.line}/estate"
    for _ in range(2):
        assert story.api.post(at, {}, 200)["state"] == "closed", "and it stays closed"
    assert story.every_letter()[-1] == "estate.acknowledged"
    heir = {"full_name": "Heir", "phone": "+8613900000055", "email": "heir@example.com", "language": "en"}
    told = story.api.post(f"{at}/authority", heir | {"authority": "probate-1"}, 200)
    assert (told["told_minor"], story.now["lifecycle"]) == (20_000, "closed")
    before = story.every_letter()
    story.passes("+60d")
    assert story.now["owed_minor"] == 20_000, "and no fee arises for being late"
    assert story.every_letter() == before, "nothing is demanded of who has died"


def test_a_death_reported_in_error_is_undone_by_the_customer_or_by_two_people(story: Story):
    at = f"/v1/lines/{story.line}/estate"
    story.buys(20_000)
    story.api.post(at, {}, 200)
    story.api.post(f"{at}/undo", {}, 200)
    assert story.now["drawing_stopped"], "the word of one key alone gives nothing back"
    assert story.api.post(f"{at}/undo", {}, 403)["code"] == "desk.own_proposal"
    story.proves()
    story.api.post(f"{at}/undo", {}, 200)
    assert not story.now["drawing_stopped"]


@pytest.fixture
def reported(db: Database, tmp_path: Path) -> Iterator[Api]:
    """The door of an installation that keeps a lake."""
    with TestClient(application(db, lake=Lake(tmp_path / "lake", bytes(32)))) as client:
        yield Api(db, client, with_key(db))


def npl(api: Api) -> dict[str, Any]:
    """The non-performing loans of the last night."""
    found = api.get("/v1/portfolio/npl")
    assert not found["stale"]
    return dict(zip(found["columns"], found["rows"][-1], strict=True))


def test_10_who_is_in_arrears_may_go_and_stays_in_the_class_they_are_in(reported: Api):
    owner, another = reported.customer(), reported.customer()
    story = Story(reported, owner, reported.line(1_000_000, owner))
    sound = Story(reported, another, reported.line(1_000_000, another))
    story.buys(50_000)
    story.passes("+129d")
    sound.buys(20_000)
    story.passes("+1d")
    before, bad = story.now, npl(reported)
    assert before["days_past_due"] >= 95
    assert (bad["npl_minor"], bad["book_minor"]) == (before["owed_minor"], before["owed_minor"] + 20_000)
    billed = len(story.happened("bill.issued"))
    case = story.leaves()
    told = [(story.today, WISH, before["owed_minor"])]
    story.told_to_bureau()
    after = story.now
    assert case["state"] == "run_off"
    assert after["drawing_stopped"]
    for kept in ("risk_class", "ifrs_stage", "bucket", "owed_minor", "days_past_due", "default_days"):
        assert after[kept] == before[kept], kept
    assert (after["risk_class"], after["ifrs_stage"], after["in_default"]) == ("substandard", 3, True)
    assert story.events().count("hardship.offered") == 1
    story.passes("+1d")
    shown, later = npl(reported), story.now
    for kept in ("npl_minor", "book_minor", "npl_ratio"):
        assert shown[kept] == bad[kept], kept
    path = f"/v1/lines/{story.line}/hardship"
    longer = next(o for o in story.api.get(path)["options"] if o["option"] == "longer")
    assert longer["total_minor"] <= after["owed_minor"]
    assert story.api.post(path, {"option": "longer"})["schedule"] == longer["schedule"]
    agreed = story.now
    for kept in ("risk_class", "ifrs_stage", "bucket", "days_past_due"):
        assert agreed[kept] == later[kept], kept
    story.passes("+40d")
    assert (story.case["state"], story.now["risk_class"]) == ("run_off", "substandard")
    assert story.events().count("hardship.offered") == 1, "help is offered once"
    assert len(story.happened("bill.issued")) > billed, "and what is owed is asked for as before"
    story.pays(story.now["owed_minor"])
    story.passes("+11d")
    assert story.case["state"] == "closed"
    helped = ["hardship.offered", "hardship.agreed"]
    (late,) = story.written("debt.arrears")
    assert (late["past_due_minor"], late["again_months"]) == (50_000, 0), "told once, long before they left"
    story.ends(
        ["debt.arrears", "exit.acknowledged", helped[0], "exit.runoff", helped[1], "exit.closed"],
        told,
        [*ASKED, *RUNS_OFF, *helped, "payment.received", *CLEARS],
    )


def test_13_withdrawing_asks_for_principal_and_interest_in_thirty_days(story: Story):
    story.buys(50_000, 12)
    story.passes("+13d")
    case = story.leaves(type="withdraw")
    (due,) = story.plan()["schedule"]
    assert (case["type"], case["state"]) == ("withdraw", "run_off")
    assert date.fromisoformat(due["due_on"]) == story.today + timedelta(days=30)
    assert due["total_minor"] == 50_000
    (given_up,) = story.happened("fee.waived")
    assert given_up["data"]["amount_minor"] == 250, "the month that was billed by then"
    story.pays(due["total_minor"])
    story.passes("+11d")
    assert story.case["state"] == "closed"
    story.ends(  # the law deems it never made: no bureau hears of an account that was closed
        ["withdrawal.received", "withdrawal.settled"],
        [],
        [*ASKED[:2], "exit.confirmed", *RUNS_OFF, "payment.received", *CLEARS],
    )


def test_13_who_began_to_close_and_withdraws_is_shown_the_one_day_and_sum_that_is_left(story: Story):
    story.buys(50_000, 12)
    assert len(story.leaves()["plan"]["schedule"]) == 12
    story.passes("+3d")
    story.leaves(proven=False, type="withdraw")
    (due,) = story.case["plan"]["schedule"]
    assert date.fromisoformat(due["due_on"]) == story.today + timedelta(days=30)
    assert due["open_minor"] == story.case["plan"]["owed_minor"] == story.now["owed_minor"] == 50_000


def test_13_a_fee_that_was_paid_goes_back_to_who_withdraws(story: Story):
    story.buys(50_000, 12)
    story.passes("+13d")
    billed = story.plan()["schedule"][0]["total_minor"]
    story.pays(billed)
    case = story.leaves(type="withdraw")
    (given_back,) = story.happened("fee.returned")
    assert given_back["data"]["amount_minor"] == 250
    (due,) = case["plan"]["schedule"]
    assert due["total_minor"] == 50_000 - (billed - 250)
    assert story.now["credit_minor"] == 250, "the fee pays towards what is left"
    story.pays(due["total_minor"] - 250)
    assert (story.now["owed_minor"], story.now["credit_minor"]) == (0, 0), "50,000 in all"
    story.passes("+11d")
    assert (story.case["state"], story.now["credit_minor"]) == ("closed", 0)
    story.ends(
        ["withdrawal.received", "withdrawal.settled"],
        [],
        [*ASKED[:2], "exit.confirmed", *RUNS_OFF, "payment.received", "credit.applied", *CLEARS],
    )


def test_13_five_hundred_drawn_for_thirteen_days_cost_five_hundred_and_one_twenty(db: Database):
    # 6.74 % a year: 281 a month as scheduled, twelve times that over 365 for each of thirteen days.
    with TestClient(application(db, priced("eu", instalments=12, apr_bps=674))) as client:
        api = Api(db, client, with_key(db))
        customer = api.customer()
        story = Story(api, customer, api.line(1_000_000, customer))
        story.buys(50_000, 12)
        story.passes("+13d")
        case = story.leaves(type="withdraw")
        (due,) = case["plan"]["schedule"]
        assert due["total_minor"] == 50_120
        assert date.fromisoformat(due["due_on"]) == story.today + timedelta(days=30)
        story.passes("+30d")
        story.pays(50_120)
        assert story.now["owed_minor"] == 0
        story.passes("+11d")
        assert (story.case["state"], story.now["lifecycle"]) == ("closed", "closed")
        story.ends(
            ["withdrawal.received", "withdrawal.settled"],
            [],  # no bureau in Europe, and no contract either
            [*ASKED[:2], "exit.confirmed", *RUNS_OFF, "payment.received", *CLEARS],
        )
        with db.transaction() as tx:
            assert every_violation(tx) == []


def test_13_interest_until_that_day_is_all_that_withdrawing_costs(european: Story):
    european.buys(50_000, 12)
    european.passes("+13d")
    quote = european.api.get(f"/v1/lines/{european.line}/payoff")
    case = european.leaves(type="withdraw")
    (due,) = case["plan"]["schedule"]
    interest = 176  # 9.9 % a year for thirteen days, of what a bill had charged ahead
    assert quote["interest_minor"] + quote["accrued_minor"] > interest
    assert due["total_minor"] == 50_000 + interest
    european.passes("+29d")
    european.pays(due["total_minor"])
    assert european.now["owed_minor"] == 0, "and none since"
    european.passes("+11d")
    assert european.case["state"] == "closed"
    european.ends(
        ["withdrawal.received", "withdrawal.settled"],
        [],
        [*ASKED[:2], "exit.confirmed", *RUNS_OFF, "payment.received", *CLEARS],
    )


@contextmanager
def on_the_phone(story: Story) -> Generator[Desk]:
    """A reviewer at the desk of the same lender, with a customer on the phone."""
    office, db = Office(Tables.load(), "Test"), story.api.db
    ports = Ports(db, VAULT, office, DemoPhone(db), packs.load("cn"))
    app = create_app(console.routers, WebSettings(secret=bytes(32), default_language="en"), ports)
    with TestClient(app) as client:
        desk = Desk(db, ports, client)
        desk.sign_in()
        yield desk


@pytest.mark.parametrize("app_first", [True, False])
def test_14_two_requests_at_once_by_app_and_phone_are_one_case_and_an_agreed_increase_is_dropped(
    story: Story, app_first: bool
):
    before = story.now["limit_minor"]
    midnight = f"{story.today + timedelta(days=1)}T00:00:00+08:00"
    body = {"to_minor": before * 2, "effective_at": midnight}
    made = story.api.post(f"/v1/lines/{story.line}/limit-increases", body)
    story.proves()
    agreed = story.api.post(f"/v1/limit-increases/{made['id']}/consent", None, 200)
    assert (agreed["state"], story.now["limit_minor"]) == ("consented", before)
    assert story.plan()["ties"]["increase_to_minor"] == before * 2
    story.buys(10_000)

    with on_the_phone(story) as desk:
        at = f"/console/lines/{parse_public('line', story.line)}"

        def ask(app: bool) -> str:
            if app:
                return story.api.ask("POST", "/v1/exits", {"line": story.line}).json()["reference"]
            closing = desk.post(f"{at}/close", at, kind="close", channel="phone")
            assert closing.status_code == 303
            return closing.headers["location"].removeprefix("/console/cases/")

        # At once, and from both: whoever comes first opens the case, and nobody another one.
        with ThreadPoolExecutor(6) as pool:
            references = set(pool.map(ask, [app_first, not app_first] * 3))
    (case,) = story.api.get("/v1/exits")["data"]
    assert references == {case["reference"]}
    assert case["state"] == "run_off"
    asked_on = story.today
    story.passes("+2d")
    (dropped,) = story.api.get(f"/v1/lines/{story.line}/limit-increases")["data"]
    assert (dropped["state"], dropped["ended_why"]) == ("dropped", "exit_requested")
    assert story.now["limit_minor"] == before
    assert story.events().count("exit.requested") == 1
    assert story.events().count("line.spending_stopped") == 1
    assert "line.limit_changed" not in story.events()
    # Where the phone was first, the proof came with the app's request.
    proven = (
        ["exit.identity_checked"] if story.happened("exit.requested")[0]["data"]["channel"] != "api" else []
    )
    story.ends(
        ["limit.increase_proposed", "exit.acknowledged", "exit.runoff"],
        [(asked_on, WISH, 10_000)],
        [*ASKED[:2], "line.increase_dropped", *proven, *ASKED[2:], *RUNS_OFF],
    )


def test_15_a_restriction_and_a_closing_have_a_letter_each(american: Story):
    story = american
    path = f"/v1/lines/{story.line}/restrict"
    proposed = story.api.post(path, {"reasons": ["contact_lost"]}, 200)
    assert proposed["outcome"] == "open", "stopping takes two"
    restricted_on = story.today
    decide = f"/v1/restriction-proposals/{proposed['id']}/decide"
    story.api.post(decide, {"approve": True}, 403)
    assert other_key(story).post(decide, {"approve": True}, 200)["outcome"] == "done"
    assert story.authorises(100)["code"] == "line.restricted"
    story.passes("+1d")
    assert story.leaves()["state"] == "closed"
    line_id = parse_public("line", story.line)
    assert line_id
    with story.api.db.transaction() as tx:
        (letter,) = of_subject(tx, line_id)
    assert (letter.kind, letter.facts["reasons"]) == ("line.restricted", ["contact_lost"])
    assert packs.load("us").days("issuer.adverse_action_days") == 30, "12 CFR 1002.9(a)(1)(iii)"
    assert letter.sent_at
    assert local_day(letter.sent_at, "America/New_York") <= restricted_on + timedelta(days=30)
    assert story.metro2() == ("13", "XA", "1"), "closed at the consumer's request, all the same"
    story.ends(  # the lender's own letter went out at once, long before day 30
        ["line.restricted", *OUT_AT_ONCE], [], [*ASKED, *CLOSES]
    )


def scored(story: Story) -> int:
    """How many lines the last night scored; there is one."""
    with story.api.db.transaction() as tx:
        last_night = watch.bands(tx, story.today - timedelta(days=1), "behaviour")
    return sum(last_night.values())


def test_17_who_asks_to_be_erased_the_day_after_is_told_what_stays_and_until_when(story: Story):
    with story.api.db.transaction() as tx:
        serve(tx, TREES, now=present(tx))
    story.buys(5_000)
    story.pays(5_000)
    story.passes("+15d")
    assert scored(story) == 1
    assert story.leaves()["state"] == "closed"
    story.passes("+1d")
    decided = len(story.events())
    answer = story.api.post(f"/v1/customers/{story.customer}/erasure", None, 200)
    assert answer["erased"]["traces"] > 0, "used codes of a person who left are of no use"
    closed_on = date.fromisoformat(story.now["closed_on"])
    kept = {row["kind"]: date.fromisoformat(row["until"]) for row in answer["kept"]}
    assert set(kept.values()) == {closed_on.replace(year=closed_on.year + 10)}, "反洗钱法 article 34"
    assert [kind for kind in story.events()[decided:] if kind == "privacy.erasure_answered"]
    story.passes("+60d")
    assert not [kind for kind in story.events()[decided:] if kind.startswith(("exit.assessed", "purchase."))]
    assert scored(story) == 0, "no score reads of who has left"
    found = story.api.get(f"/v1/customers/{story.customer}/privacy")
    assert found["gone_after"] == max(kept.values()).isoformat()
    story.ends([*OUT_AT_ONCE, "privacy.answered"], [(closed_on, WISH, 0)], [*ASKED, *CLOSES])


def test_18_a_subscription_on_a_line_that_its_owner_locked_is_told_locked(story: Story):
    story.api.post(f"/v1/lines/{story.line}/pause", {}, 200)
    assert story.authorises(2_000_000)["code"] == "line.locked", "and not: too little left"
    line = story.now
    assert (line["lifecycle"], line["owed_minor"], line["days_past_due"]) == ("active", 0, 0)
    story.ends([], [], ["line.locked", "purchase.declined"], since="line.locked")


def test_19_rewards_and_a_coupon_are_shown_before_and_the_money_part_is_paid_out(story: Story):
    story.names_account()
    story.api.post(f"/v1/lines/{story.line}/rewards", {"amount_minor": 3_500})
    soon = (story.today + timedelta(days=5)).isoformat()
    coupon = story.api.post(
        f"/v1/lines/{story.line}/coupons", {"title": "Cinema ticket", "usable_until": soon}
    )
    kept_until = (story.today + timedelta(days=30)).isoformat()
    before = story.plan()["ties"]
    assert before["reward_minor"] == 3_500
    assert before["coupons"] == [{"title": "Cinema ticket", "usable_until": kept_until}]
    case = story.leaves()
    assert (case["state"], story.now["lifecycle"], story.now["credit_minor"]) == ("closed", "closed", 0)
    closed_on = story.today
    (payout,) = story.api.get(f"/v1/payouts?line={story.line}")["data"]
    assert (payout["amount_minor"], payout["state"]) == (3_500, "sent")
    left = story.api.get(f"/v1/lines/{story.line}/rewards")
    assert (left["balance_minor"], left["coupons"][0]["usable_until"]) == (0, kept_until)
    story.passes("+29d")
    assert story.api.post(f"/v1/coupons/{coupon['id']}/use", None, 200)["used_at"]
    kinds = story.events()
    assert kinds.index("reward.redeemed") < kinds.index("credit.paid_out") < kinds.index("line.closed")
    given = ["reward.redeemed", "coupon.kept", "credit.paid_out", "line.closed", "coupon.used"]
    story.ends(OUT_AT_ONCE, [(closed_on, WISH, 0)], [*ASKED, "exit.closed", *given])


def test_20_thirteen_months_from_the_31st_end_where_the_month_ends(story: Story):
    story.passes("+101d")  # 31 January 2027
    assert story.today == date(2027, 1, 31)
    assert story.leaves()["state"] == "closed"
    with story.api.db.transaction() as tx:
        row = tx.conn.execute("SELECT tail_until FROM exits.exit").fetchone()
    assert row
    assert row["tail_until"] == date(2028, 2, 29), "thirteen months after the 31st"
    story.ends(OUT_AT_ONCE, [(story.today, WISH, 0)], [*ASKED, *CLOSES])


def other_key(story: Story) -> Api:
    """A key of somebody else, for what takes two."""
    with story.api.db.transaction() as tx:
        who = access.create_staff(tx, "somebody else", Role.REVIEWER, None, present(tx))
        assert isinstance(who, Staff)
        secret = access.create_key(tx, "other", ("read", "write"), present(tx), who.id)
    return type(story.api)(story.api.db, story.api.client, secret)


ANOTHER = {
    "full_name": "Another Person",
    "id_number": "987654321",
    "phone": "+8613900000078",
    "email": "b@example.com",
}
HEIR = {
    "full_name": "Heir of the estate",
    "phone": "+8613900000077",
    "email": "heir@example.com",
    "authority": "probate-17",
}


def test_16_a_customer_dies_while_it_runs_off_and_the_estate_settles_it(american: Story):
    story = american
    story.proves()
    user = story.api.post(f"/v1/lines/{story.line}/users", ANOTHER)["id"]
    story.buys(600_000, 12)
    story.passes("+3d")
    story.leaves()
    _dies_and_is_settled(story)
    drawn = story.authorises(100, user=user)
    assert (drawn["state"], drawn["code"]) == ("declined", "line.stopped")
    with story.api.db.transaction() as tx:
        told = [notice.kind for notice in of_subject(tx, parse_public("usr", user) or UUID(int=0))]
    assert told == ["user.stopped"]
    assert story.metro2() == ("13", "XA", "X"), "deceased, and it had been their own wish to leave"


def _dies_and_is_settled(story: Story) -> None:
    schedule = story.plan()["schedule"]
    story.passes("+10d")
    path = f"/v1/lines/{story.line}/estate"
    case = story.api.post(path, {}, 200)
    assert (case["id"], case["type"], case["state"]) == (story.exit, "close", "run_off")
    assert story.authorises(100)["code"] == "line.stopped"
    estate = story.api.post(f"{path}/authority", HEIR, 200)
    told, today = estate["told_minor"], story.today
    assert told == story.api.get(f"/v1/lines/{story.line}/payoff")["total_minor"]
    assert datetime.fromisoformat(estate["told_at"]).date() <= today + timedelta(days=30)
    assert date.fromisoformat(estate["settle_by"]) == today + timedelta(days=30)
    assert story.plan()["schedule"][-1]["due_on"] == schedule[-1]["due_on"], "nothing falls due sooner"
    story.passes("+30d")
    grown = story.api.get(f"/v1/lines/{story.line}/payoff")["total_minor"] - told
    assert grown > 1_000
    story.pays(told)
    assert story.now["owed_minor"] == 0, "paid as told and in time: no interest since"
    story.passes("+11d")
    assert (story.case["state"], story.now["lifecycle"]) == ("closed", "closed")
    settled = ["purchase.declined", "estate.authority_shown", "estate.balance_told", "payment.received"]
    story.ends(
        [*LETTERS[:2], "estate.acknowledged"],  # the rest goes to who settles the estate
        [],  # told by Metro 2: see below
        [
            *ASKED,
            *RUNS_OFF,
            "estate.reported",
            "fee.stopped",
            *settled,
            "interest.given_back",
            *CLEARS,
        ],
    )
    assert story.letters() == [
        "exit.acknowledged",
        "exit.runoff",
        "estate.acknowledged",
        "estate.balance",
        "estate.closed",
    ]
    events = story.events()
    assert "fee.charged" not in events
    assert [kind for kind in events if kind.startswith(("estate.", "interest."))] == [
        "estate.reported",
        "estate.authority_shown",
        "estate.balance_told",
        "interest.given_back",
    ]


def test_20_a_notice_from_the_31st_ends_where_the_month_ends(story: Story):
    story.passes("+70d")  # 31 December 2026
    assert story.today == date(2026, 12, 31)
    body = {"reasons": ["product_ended"]}
    proposal = story.api.post(f"/v1/lines/{story.line}/terminate", body)
    approve = f"/v1/terminations/{proposal['id']}/approve"
    assert story.api.post(approve, None, 403)["code"] == "desk.own_proposal"
    story.exit = other_key(story).post(approve, None, 200)["exit"]
    case = story.case
    assert (case["state"], case["type"]) == ("notice", "termination")
    ends = datetime.fromisoformat(case["due_at"])
    assert local_day(ends, "Asia/Shanghai") == date(2027, 2, 28)
    assert local_day(ends + timedelta(seconds=1), "Asia/Shanghai") == date(2027, 3, 1)
    story.passes("+58d")
    assert story.today == date(2027, 2, 27)
    story.buys(600_000, 12)  # drawing goes on
    assert story.told_to_bureau() == []
    before = {due["due_on"]: due["total_minor"] for due in story.plan()["schedule"]}
    story.passes("+2d")
    assert story.case["state"] == "run_off"
    assert story.authorises(100)["code"] == "line.stopped"
    after = {due["due_on"]: due["total_minor"] for due in story.plan()["schedule"]}
    assert after == before
    bought = ["purchase.authorised", "purchase.captured"]
    ended = ["exit.confirmed", "line.locked", "line.moved", "line.spending_stopped"]
    story.ends(
        ["termination.notice", "exit.runoff"],
        [(date(2027, 2, 28), "lender_notice", 600_000)],
        ["exit.notice_given", "termination.approved", *bought, *ended, *RUNS_OFF, "purchase.declined"],
    )


def test_20_clocks_that_change_move_no_statement_and_no_end_of_a_notice(european: Story):
    """Europe: summer time begins on 28 March 2027, inside a notice from 31 January."""
    story, api = european, european.api
    story.passes("+101d")  # 31 January 2027
    story.buys(600_000, 12)
    before = story.plan()["schedule"]
    body = {"reasons": ["product_ended"]}
    proposal = api.post(f"/v1/lines/{story.line}/terminate", body)
    approve = f"/v1/terminations/{proposal['id']}/approve"
    story.exit = other_key(story).post(approve, None, 200)["exit"]
    ends = datetime.fromisoformat(story.case["due_at"])
    assert ends.astimezone(BRUSSELS).strftime("%d %H:%M %z") == "31 23:59 +0200"
    story.passes("+60d")
    assert story.case["state"] == "run_off"
    left = [due for due in story.plan()["schedule"] if due["total_minor"] > 1_000]  # no late fees
    assert left == before, "each month is earned by the contract's own calendar"
    late = ["hardship.offered"]  # two months were not paid by then
    fees = ["debt.arrears_told", *2 * ["fee.charged"]]
    ended = ["exit.confirmed", "line.locked", "line.moved", "line.spending_stopped"]
    story.ends(
        ["termination.notice", "debt.arrears", *late, "exit.runoff"],
        [],  # no bureau is known of that is told of agreements in Europe
        ["exit.notice_given", "termination.approved", *fees, *ended, *RUNS_OFF, *late],
    )


def test_mandate_shop_on_file_and_users_are_told_stopped_and_ended(story: Story):
    story.proves()
    mandate = story.api.post(
        f"/v1/lines/{story.line}/mandates",
        {"scheme": "cn_agreed", "reference": "AGREED-77", "signed_on": story.today.isoformat()},
    )
    who = {"full_name": "王小明", "id_number": "110101199003070003", "phone": "+8613900000077"}
    user = story.api.post(f"/v1/lines/{story.line}/users", who | {"email": "b@example.com"})["id"]
    held = story.authorises(4_000, stored_credential=True, user=user)
    assert (held["state"], held["user"]) == ("authorised", user)
    story.captures(held["id"], 4_000)
    ties = story.plan()["ties"]
    assert (ties["mandates"], ties["shops"], ties["users"]) == (["AGREED-77"], ["shop"], [user])
    assert story.leaves(proven=False)["state"] == "run_off", "proven a moment ago"
    declined = story.authorises(4_000, stored_credential=True, user=user)
    assert (declined["state"], declined["code"]) == ("declined", "line.stopped")
    paid = {"line": story.line, "amount_minor": 4_000, "value_on": story.today.isoformat()}
    story.api.post("/v1/payments", paid | {"reference": "D1", "mandate": mandate["id"]})
    story.passes("+15d")
    assert story.case["state"] == "closed"
    late = {
        "reference": "D2",
        "mandate": mandate["id"],
        "amount_minor": 1,
        "value_on": story.today.isoformat(),
    }
    refused = story.api.ask("POST", "/v1/payments", paid | late)
    assert (refused.status_code, refused.json()["code"]) == (409, "mandate.not_active")
    (shop,) = story.api.get(f"/v1/lines/{story.line}/stored-credentials")["data"]
    assert (shop["shop"], shop["declined"], shop["last_code"]) == ("shop", 1, "line.stopped")
    with story.api.db.transaction() as tx:
        told = [notice.kind for notice in of_subject(tx, parse_public("usr", user) or UUID(int=0))]
        journal = str(tx.conn.execute("SELECT * FROM store.journal").fetchall())
    assert told == ["user.stopped"]
    assert "王小明" not in journal
    assert "AGREED-77" not in journal
