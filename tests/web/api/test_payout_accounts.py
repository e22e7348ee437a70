"""Where a credit goes: to an account that was verified, and to no other."""

from __future__ import annotations

from typing import Any

import pytest

from whiteslip.base.ids import parse_public
from whiteslip.identity.accounts import scheme_of
from whiteslip.store import Database

from .conftest import Api
from .story import Story
from .test_api import code_on_phone

CARD, OTHER = "6222020200112233446", "6222020200112233453"


def of(api: Api) -> Story:
    customer = api.customer()
    return Story(api, customer, api.line(100_000, customer))


@pytest.fixture
def waiting(api: Api) -> Story:
    """Somebody who left with 12.00 to their credit and no account named."""
    story = of(api)
    story.pays(1_200)
    story.passes("+15d")
    assert story.leaves()["state"] == "closed"
    return story


def payout(story: Story) -> dict[str, Any]:
    (found,) = story.api.get(f"/v1/payouts?line={story.line}")["data"]
    return found


def test_a_credit_without_an_account_waits_is_asked_for_and_goes_out_when_the_bank_has_said_whose_it_is(
    waiting: Story,
):
    kept = payout(waiting)
    assert (kept["state"], kept["account"], waiting.now["credit_minor"]) == ("unclaimed", None, 0)
    (asked,) = waiting.written("payout.account_needed")
    assert asked["payout_minor"] == 1_200
    made = waiting.names_account(CARD[:4] + " " + CARD[4:], verified=False)
    assert (made["ends"], made["verified_at"], payout(waiting)["state"]) == ("3446", None, "unclaimed")
    (told,) = waiting.written("payout.account_changed")
    assert told["changed_at"], "while money is on its way out, whoever names an account is written to"
    again = waiting.api.ask("POST", f"/v1/payouts/{kept['id']}/send-again")
    assert (again.status_code, again.json()["code"]) == (409, "payout.no_account")
    at = f"/v1/lines/{waiting.line}/payout-account"
    waiting.api.post(f"{at}/verify", {"account": made["id"], "how": "micro_deposit"}, 200)
    sent = payout(waiting)
    assert (sent["state"], sent["account"]) == ("sent", made["id"])
    number = waiting.api.post(f"{at}/reveal", None, 200)
    assert (number["number"], number["full_name"]) == (CARD, waiting.name)
    kinds = waiting.events()
    assert kinds.index("payout.waiting") < kinds.index("payout_account.given")
    assert kinds[-2:] == ["credit.paid_out", "payout_account.revealed"]


def test_naming_an_account_takes_the_customer_and_verifying_it_a_person(waiting: Story, db: Database):
    waiting.passes("+1h")  # the proof of leaving is over
    at = f"/v1/lines/{waiting.line}/payout-account"
    refused = waiting.api.ask("POST", at, {"number": CARD})
    assert (refused.status_code, refused.json()["code"]) == (403, "identity.not_verified")
    waiting.proves()
    wrong = waiting.api.ask("POST", at, {"number": CARD[:-1] + "7"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "payout_account.number_invalid")
    made = waiting.names_account(verified=False)
    with db.transaction() as tx:
        tx.conn.execute("UPDATE identity.api_key SET owner = NULL")
    nobody = waiting.api.ask("POST", f"{at}/verify", {"account": made["id"], "how": "name_match"})
    assert nobody.json()["code"] == "key.no_owner"


def test_another_account_ends_the_one_before_at_once_and_the_customer_is_told(api: Api):
    story = of(api)
    first = story.names_account(CARD)
    assert story.written("payout.account_changed") == []
    second = story.names_account(OTHER, verified=False)
    assert len(story.written("payout.account_changed")) == 1
    assert story.names_account(OTHER, verified=False) == second, "the same number again is no change"
    at = f"/v1/lines/{story.line}/payout-account/verify"
    gone = story.api.ask("POST", at, {"account": first["id"], "how": "name_match"})
    assert gone.json()["code"] == "payout_account.not_found"
    story.pays(1_200)
    story.passes("+15d")
    story.leaves()
    assert payout(story)["state"] == "unclaimed", "nothing goes to the one, or yet to the other"


def test_nothing_is_verified_while_contact_data_is_new_and_both_places_are_written_to(waiting: Story):
    waiting.passes("+1m")
    waiting.proves()
    waiting.passes("+1m")
    at, new = f"/v1/customers/{waiting.customer}/contact", "+8613900000099"
    waiting.api.post(at, {"place": new})
    code = code_on_phone(waiting.api, waiting.customer)
    waiting.api.post(f"{at}/confirm", {"code": code}, 200)
    made = waiting.names_account(verified=False)
    told = [kind for kind in waiting.every_letter() if kind.startswith("payout.account_changed")]
    assert sorted(told) == ["payout.account_changed", "payout.account_changed (former)"]
    body = {"account": made["id"], "how": "name_match"}
    verify = f"/v1/lines/{waiting.line}/payout-account/verify"
    refused = waiting.api.ask("POST", verify, body)
    assert (refused.status_code, refused.json()["code"]) == (409, "payout_account.contact_new")
    waiting.passes("+8d")
    waiting.api.post(verify, body, 200)
    assert payout(waiting)["state"] == "sent"


@pytest.mark.parametrize(
    ("number", "scheme"),
    [
        ("DE89370400440532013000", "iban"),
        ("DE89370400440532013001", None),
        (CARD, "card"),
        ("4000000000000003", None),
        ("20000055779911", "sort_code"),
        ("1110000250123456789", "routing"),
        ("1110000240123456789", None),
    ],
)
def test_a_number_is_taken_by_its_own_check_digits(number: str, scheme: str | None):
    known = [scheme] if scheme else ["iban", "card", "routing"]
    assert scheme_of(number, known) == scheme


def test_the_number_is_in_no_table_as_it_was_typed(waiting: Story, db: Database):
    waiting.names_account()
    subject = parse_public("cus", waiting.customer)
    with db.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT sealed, to_jsonb(a) AS row FROM identity.payout_account AS a"
        ).fetchall()
        data = tx.conn.execute("SELECT data FROM store.journal WHERE subject = %s", [subject]).fetchall()
    assert rows
    assert all(CARD.encode() not in bytes(row["sealed"]) for row in rows)
    assert CARD not in str([*rows, *data])
