"""What is held of a person: handed over whole, erased as far as may be, gone when its time is over."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import msgspec
import pytest
from applicants import BURDENED, LENDER, NOON, PERSON, accepted, applied
from bureaus import OFFICE, US_TERMS, VAULT, ask, open_us_line
from hypothesis import given
from hypothesis import strategies as st
from identity.test_vault import every_value
from worlds import DAY, TIMEZONE, at, buy, line_of, pay

from whiteslip import complaints, exits, identity, lines, packs, privacy, purchases
from whiteslip.applications.model import State as ApplicationState
from whiteslip.applications.reviews import decide, request_review
from whiteslip.base import Refusal, add_months, new_id
from whiteslip.complaints import Complaint, Topic
from whiteslip.day.forgetting import FORGET
from whiteslip.exits import Exit, estates, freezes
from whiteslip.exits.freezes import Freeze
from whiteslip.exits.model import Channel, Identity
from whiteslip.exits.orders import UNTOLD
from whiteslip.exits.orders import Order as LawOrder
from whiteslip.identity import Person, codes
from whiteslip.identity.documents import documents_of
from whiteslip.identity.vault import enrol_contact
from whiteslip.lines.model import Agreement, Lifecycle, NewLine
from whiteslip.lines.users import add_user
from whiteslip.privacy import Answer, Order, Overview, RecordKind, rules
from whiteslip.privacy.acts import overdue
from whiteslip.purchases import Declined, Request
from whiteslip.store import Database
from whiteslip.store.database import journal_of, verify_journal

NAME = "Given M Surname"
ISSUER = OFFICE.issuer_name


def customer_of(db: Database, line: UUID) -> UUID:
    return line_of(db, line).customer


def known(db: Database, customer: UUID) -> Overview:
    with db.transaction() as tx:
        found = privacy.overview(tx, customer)
    assert not isinstance(found, Refusal)
    return found


def erase(db: Database, customer: UUID, day: date) -> Answer:
    with db.transaction() as tx:
        done = privacy.erase(tx, customer, FORGET, ISSUER, "customer", at(day))
    assert not isinstance(done, Refusal)
    return done


def erase_expired(db: Database, today: date) -> int:
    with db.transaction() as tx:
        return privacy.erase_expired(tx, FORGET, today, at(today))


def in_vault(db: Database, customer: UUID) -> bool:
    with db.transaction() as tx:
        return isinstance(identity.peek(tx, VAULT, customer), Person)


def closed_line(db: Database, day: date = DAY) -> UUID:
    line = open_us_line(db, NAME)
    assert ask(db, line, day).state == "closed"
    return line


def test_everything_that_is_held_of_a_person_is_handed_over_as_json(db: Database):
    line = open_us_line(db, NAME)
    customer = customer_of(db, line)
    buy(db, line, 12_000)
    pay(db, line, 5_000, DAY)
    ask(db, line, DAY + timedelta(days=1))
    with db.transaction() as tx:
        found = privacy.export(tx, VAULT, customer, "customer", at(DAY))
        assert not isinstance(found, Refusal)
        everything = {row["kind"] for row in journal_of(tx, [customer, line])}
    text = msgspec.json.encode(found).decode()
    assert json.loads(text)["person"]["full_name"] == NAME
    (told,) = found["lines"]
    assert [p["amount_minor"] for p in told["payments"]] == [5_000]
    assert [row["principal_minor"] for row in told["instalments"]] == [12_000]
    assert [case["state"] for case in told["exits"]] == ["run_off"]
    assert [d["table_name"] for d in found["decisions"]] == ["exit-routing"]
    assert {row["kind"] for row in found["journal"]} >= everything
    assert {letter["kind"] for letter in found["letters"]} == {"exit.acknowledged", "exit.runoff"}


def complained(db: Database, customer: UUID, words: str) -> Complaint:
    with db.transaction() as tx:
        done = complaints.file(
            tx, VAULT, packs.load("us"), ISSUER, customer, Topic.FEE, "portal", "customer", at(DAY), words
        )
    assert isinstance(done, Complaint)
    return done


def test_complaints_with_their_words_and_sealed_documents_are_handed_over_too(db: Database):
    line = open_us_line(db, NAME)
    customer = customer_of(db, line)
    complained(db, customer, "charged twice")
    with db.transaction() as tx:
        found = privacy.export(tx, VAULT, customer, "customer", at(DAY))
    assert not isinstance(found, Refusal)
    assert [each["words"] for each in found["complaints"]] == ["charged twice"]
    assert [each["kind"] for each in found["documents"]] == ["complaint"]
    assert "complaint.filed" in {row["kind"] for row in found["journal"]}
    assert "sealed" not in str(found["documents"])


def test_words_whose_clock_has_run_out_go_when_somebody_asks_and_no_others(db: Database):
    line = open_us_line(db, NAME)
    customer = customer_of(db, line)
    complained(db, customer, "charged twice")
    assert erase(db, customer, DAY).erased["documents"] == 0
    later = DAY + timedelta(days=366 * 30)
    assert erase(db, customer, later).erased["documents"] == 1
    with db.transaction() as tx:
        assert documents_of(tx, customer) == []


def test_a_journal_never_holds_what_an_export_hands_over(db: Database):
    line = closed_line(db)
    customer = customer_of(db, line)
    with db.transaction() as tx:
        privacy.export(tx, VAULT, customer, "customer", at(DAY))
    erase(db, customer, DAY)
    with db.transaction() as tx:
        person = identity.peek(tx, VAULT, customer)
        assert isinstance(person, Person)
        rows = json.dumps([msgspec.to_builtins(row) for row in journal_of(tx, [customer, line])])
    assert not any(part in rows for part in (NAME, person.id_number, person.phone, person.email))


def test_while_a_line_is_open_the_contract_keeps_its_records_and_their_clocks_have_not_begun(db: Database):
    line = open_us_line(db, NAME)
    found = known(db, customer_of(db, line))
    assert (found.ended_on, found.until) == (None, None)
    assert {kept.kind for kept in found.kept} == set(RecordKind)
    assert all(kept.until is None for kept in found.kept)


def test_traces_of_coming_and_going_are_erased_at_once_and_the_person_stays_for_the_law(db: Database):
    line = closed_line(db)
    customer = customer_of(db, line)
    with db.transaction() as tx:
        for _ in range(2):
            codes.send_code(tx, VAULT, customer, "sign_in", 15, 5, at(DAY - timedelta(days=3)))
    answer = erase(db, customer, DAY + timedelta(days=1))
    assert answer.erased["traces"] == 2
    assert in_vault(db, customer)
    assert all(kept.until == add_months(DAY, kept.months) for kept in answer.kept)
    assert erase(db, customer, DAY + timedelta(days=2)).erased["traces"] == 0


def test_when_every_clock_has_run_out_the_night_erases_the_person(db: Database):
    line = closed_line(db)
    customer = customer_of(db, line)
    until = known(db, customer).until
    assert until
    assert erase_expired(db, until - timedelta(days=1)) == 0
    assert in_vault(db, customer)
    assert erase_expired(db, until) == 1
    assert not in_vault(db, customer)
    assert erase_expired(db, until + timedelta(days=1)) == 0
    with db.transaction() as tx:
        assert lines.get_customer(tx, customer) == lines.Customer(customer, None, "en", at(date(2026, 1, 2)))
        assert privacy.export(tx, VAULT, customer, "x", at(until)) == Refusal("identity.not_found")
        assert "identity.erased" in {row["kind"] for row in journal_of(tx, [customer])}


def test_whom_no_night_has_erased_for_fifteen_business_days_is_overdue(db: Database):
    line = closed_line(db)
    until = known(db, customer_of(db, line)).until
    assert until
    last = packs.load(line_of(db, line).pack).calendar.add_business_days(until, 15)
    with db.transaction() as tx:
        assert overdue(tx, last) == 0
        assert overdue(tx, last + timedelta(days=1)) == 1
    erase_expired(db, last)
    with db.transaction() as tx:
        assert overdue(tx, last + timedelta(days=30)) == 0


def test_who_has_a_line_that_is_not_closed_is_never_erased(db: Database):
    line = open_us_line(db, NAME)
    customer = customer_of(db, line)
    buy(db, line, 5_000)
    ask(db, line, DAY)
    assert line_of(db, line).lifecycle is Lifecycle.RUN_OFF
    assert erase_expired(db, DAY + timedelta(days=365 * 40)) == 0
    assert in_vault(db, customer)


def test_of_two_packs_the_longer_clock_counts(db: Database):
    longer = packs.load("cn")
    kept = rules.kept([packs.load("us"), longer], DAY)
    assert {k.kind: k.months for k in kept}[RecordKind.IDENTITY] == 120
    assert {k.source for k in kept if k.kind is RecordKind.IDENTITY} == {
        longer.parameters["retention.identity_years"].source
    }


def test_an_authoritys_order_keeps_somebody_and_no_longer_than_the_law_lets_it(db: Database):
    line = closed_line(db)
    customer = customer_of(db, line)
    until = known(db, customer).until
    assert until
    with db.transaction() as tx:
        too_long = privacy.keep_longer(tx, customer, "FIU 1", add_months(until, 61), "desk", at(DAY))
        order = privacy.keep_longer(tx, customer, "FIU 1", add_months(until, 12), "desk", at(DAY))
    assert isinstance(too_long, Refusal)
    assert too_long.code == "privacy.order_too_long"
    assert isinstance(order, Order)
    assert known(db, customer).until == order.until
    assert erase_expired(db, until + timedelta(days=1)) == 0
    with db.transaction() as tx:
        assert privacy.release(tx, order.id, "desk", at(until)) == order
        assert privacy.release(tx, order.id, "desk", at(until)) == Refusal("privacy.order_not_found")
    assert erase_expired(db, until + timedelta(days=1)) == 1


def test_a_new_line_stops_the_clocks_of_who_comes_back(db: Database):
    line = closed_line(db)
    customer = customer_of(db, line)
    with db.transaction() as tx:
        new = NewLine(new_id(at(DAY)), customer, 100_000, 5, DAY)
        lines.open_lines(tx, Agreement("us", "USD", TIMEZONE, US_TERMS), [new], "test", at(DAY))
    assert known(db, customer).until is None
    assert erase_expired(db, DAY + timedelta(days=365 * 40)) == 0


@pytest.mark.parametrize("name", packs.names())
@given(day=st.dates(date(2020, 1, 1), date(2060, 12, 31)))
def test_every_kind_has_a_clock_in_every_pack_and_it_ends_on_a_day_of_the_calendar(name: str, day: date):
    pack = packs.load(name)
    kept = rules.kept([pack], day)
    assert [k.kind for k in kept] == list(RecordKind)
    assert all(k.until and k.until > day and k.source for k in kept)


ESTATE_CONTACT = Person("Heir Of Somebody", "", "+8613900000077", "heir@example.com")
FRIEND = Person("A Friend Who Draws", "FR1234567", "+8613900000055", "friend@example.com")


def named_anywhere(db: Database, *people: Person) -> list[str]:
    """Places of the database that hold something of these people in the clear."""
    secrets = [
        text.encode()
        for who in people
        for text in (who.full_name, who.id_number, who.phone, who.email)
        if text
    ]
    return [place for place, value in every_value(db) for secret in secrets if secret in value]


def test_a_declined_applicant_without_a_line_is_erased_when_the_notice_need_not_be_kept_any_longer(
    db: Database,
):
    months = LENDER.pack.months("retention.adverse_action_months")
    assert LENDER.pack.parameters["retention.adverse_action_months"].source
    declined = applied(db, BURDENED)
    assert declined.state is ApplicationState.DECLINED
    with db.transaction() as tx:
        asked = request_review(tx, LENDER, declined.id, "I have a new job", "customer", NOON)
        assert not isinstance(asked, Refusal)
    friend = replace(PERSON, id_number="AB1234567", phone="+8613900000022", email="b@example.com")
    accepted_one = applied(db, person=friend)
    accepted(db, accepted_one)
    gone_on = add_months(DAY, months)
    assert erase_expired(db, gone_on + timedelta(days=1)) == 0, "the desk still owes an answer"
    with db.transaction() as tx:
        done = decide(tx, LENDER, declined.id, 0, ["debt_service_high"], "as_the_table", "staff:b", NOON)
        assert not isinstance(done, Refusal)
    assert erase_expired(db, gone_on - timedelta(days=1)) == 0
    assert erase_expired(db, gone_on) == 1
    assert not in_vault(db, declined.customer)
    assert in_vault(db, accepted_one.customer), "who has a line has other clocks"
    assert erase_expired(db, gone_on + timedelta(days=1)) == 0
    with db.transaction() as tx:
        assert documents_of(tx, declined.customer) == []
        assert identity.find(tx, VAULT, id_number=PERSON.id_number) == []
        assert verify_journal(tx) == []
    assert named_anywhere(db, PERSON) == []
    assert applied(db, now=at(gone_on)).state is ApplicationState.OFFERED, "and is nobody we know"


def test_users_of_a_line_and_contacts_of_an_estate_go_with_the_customer_they_are_known_for(db: Database):
    line = open_us_line(db, NAME)
    customer = customer_of(db, line)
    user, first, heir = (new_id(at(DAY)) for _ in range(3))
    buy(db, line, 12_000)
    with db.transaction() as tx:
        add_user(tx, line, user, "en", "customer", at(DAY))
        identity.enrol(tx, VAULT, user, FRIEND, "customer", at(DAY))
        case = estates.report(tx, OFFICE, line, Channel.DESK, "desk", at(DAY))
        assert not isinstance(case, Refusal), case
        for contact in (first, heir):
            enrol_contact(tx, VAULT, contact, ESTATE_CONTACT, "desk", at(DAY))
            shown = estates.show_authority(tx, OFFICE, case.id, contact, "en", "probate-17", "desk", at(DAY))
            assert not isinstance(shown, Refusal), shown
    pay(db, line, 12_000, DAY)
    with db.transaction() as tx:
        exits.advance_line(tx, OFFICE, line, at(DAY + timedelta(days=30)))
    assert line_of(db, line).lifecycle is Lifecycle.CLOSED
    until = known(db, customer).until
    assert until
    assert erase_expired(db, until - timedelta(days=1)) == 0
    assert all(in_vault(db, who) for who in (customer, user, first, heir))
    assert erase_expired(db, until) == 1
    assert not any(in_vault(db, who) for who in (customer, user, first, heir))
    assert named_anywhere(db, FRIEND, ESTATE_CONTACT) == []
    with db.transaction() as tx:
        assert verify_journal(tx) == []


def test_statements_stay_as_long_as_they_were_promised_to_be_within_reach():
    law = packs.load("us")
    reach = replace(law.parameters["statement.access_months"], value=90)
    longer = replace(law, parameters={**law.parameters, reach.key: reach})
    (kept,) = [each for each in rules.kept([longer], DAY) if each.kind is RecordKind.STATEMENTS]
    assert (kept.months, kept.source) == (90, reach.source)
    assert all(each.months == 24 for each in rules.kept([law], DAY) if each.kind is RecordKind.STATEMENTS)


@pytest.mark.parametrize("ground", LawOrder)
def test_a_copy_of_all_that_is_held_tells_of_no_order_that_nobody_may_hear_of(db: Database, ground: LawOrder):
    line = open_us_line(db)
    customer = customer_of(db, line)
    with db.transaction() as tx:
        for actor in ("staff:a", "staff:b"):
            assert isinstance(freezes.place(tx, OFFICE, line, ground, "12 C 34/26", actor, at(DAY)), Freeze)
        asked = [Request(line, "shop", 1_000)]
        (declined,) = purchases.authorise(tx, OFFICE.tables, asked, "shop", at(DAY))
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", at(DAY), Identity.VERIFIED)
        assert isinstance(case, Exit)
        assert case.ground == "legal"
        found = json.dumps(privacy.export(tx, VAULT, customer, "customer", at(DAY)), default=str)
    assert isinstance(declined, Declined)
    assert (declined.code, *declined.reasons) == ("line.locked", "line.locked"), (
        "a shop hears of a lock alone"
    )
    tell = ('"legal"', '"legal_freeze": true', "line.freeze", "line.frozen", "12 C 34/26", f'"{ground}"')
    told = [word for word in tell if word in found]
    assert bool(told) is (ground not in UNTOLD), told
    for actor in ("staff:a", "staff:b"):
        with db.transaction() as tx:
            freezes.lift(tx, OFFICE, line, actor, at(DAY))
    with db.transaction() as tx:
        found = json.dumps(privacy.export(tx, VAULT, customer, "customer", at(DAY)), default=str)
    assert ('"legal"' in found) is (ground not in UNTOLD), "nor when it is over"
