"""What a month's file says of a line, by the acts, on a real database: one story per test.

Lines are of pack ``us`` with days in Shanghai, as everything in the test world.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from uuid import UUID, uuid4

import metro2
import pytest
from bureaus import (
    OFFICE,
    OPENED,
    REPORTER,
    US_TERMS,
    VAULT,
    ask,
    codes,
    exit_of,
    make,
    open_us_line,
    said,
    step,
    told,
)
from worlds import (
    TERMS,
    TIMEZONE,
    at,
    buy,
    give_back,
    line_of,
    locked,
    night,
    offences,
    pay,
    refund,
)

from whiteslip import billing, bureau, exits, identity, lines, purchases
from whiteslip.base import Refusal, end_of_day
from whiteslip.bureau import Reporter, rules, store
from whiteslip.bureau.metro2 import account_number
from whiteslip.exits import estates, terminations
from whiteslip.exits.model import Cause, Channel, Identity, State, Termination
from whiteslip.exits.model import Kind as ExitKind
from whiteslip.exits.withdrawal import withdraw
from whiteslip.lines.model import Lifecycle, LockKind, Party, Terms
from whiteslip.purchases import Capture, Purchase, Request, disputes
from whiteslip.purchases.model import Ground
from whiteslip.store import Database
from whiteslip.store.database import journal_of


def test_an_open_line_in_use_is_told_of_as_current(db: Database):
    line = open_us_line(db)
    buy(db, line, 30_099, 3, date(2026, 1, 10))
    night(db, date(2026, 2, 5))
    pay(db, line, 10_033, date(2026, 2, 20))
    record = said(db, line, date(2026, 2, 1))
    assert codes(record) == ("11", "", "")
    assert record.numbers["credit_limit"] == 5_000
    assert record.numbers["highest_credit"] == 300
    assert record.numbers["current_balance"] == 200
    assert record.numbers["scheduled_payment"] == 100
    assert record.numbers["actual_payment"] == 100
    assert record.texts["payment_history"] == "0" + "B" * 23
    assert record.days["date_opened"] == OPENED
    assert record.days["last_payment"] == date(2026, 2, 20)
    assert record.days["date_of_information"] == date(2026, 2, 28)
    assert record.days["date_closed"] is None
    assert (record.texts["portfolio_type"], record.texts["account_type"]) == ("C", "15")


def test_the_record_names_the_person_and_the_header_the_lender(db: Database):
    line = open_us_line(db, "Zoë Marie O’Brien-Łoś Jr.")
    text, _ = make(db, OPENED)
    record = metro2.read(text)[account_number(line)]
    texts = record.texts
    assert (texts["surname"], texts["first_name"], texts["middle_name"]) == ("OBRIEN-LOS", "ZOE", "MARIE")
    assert texts["generation"] == "J"
    assert texts["ecoa"] == "1"
    assert record.numbers["ssn"] > 0
    assert texts["identification_number"] == "MEMBER1"
    header = metro2.header(text)
    assert header.texts["reporter_name"] == "TEST LENDER"
    assert header.texts["equifax"] == "EQ1"
    assert header.days["activity_date"] == date(2026, 1, 31)


@pytest.mark.parametrize(
    ("through", "status", "sign"),
    [
        (date(2026, 2, 28), "11", "0"),
        (date(2026, 3, 31), "71", "1"),
        (date(2026, 4, 30), "78", "2"),
        (date(2026, 5, 31), "80", "3"),
        (date(2026, 6, 30), "82", "4"),
        (date(2026, 7, 31), "83", "5"),
        (date(2026, 8, 31), "84", "6"),
    ],
)
def test_days_past_due_choose_the_status(db: Database, through: date, status: str, sign: str):
    line = open_us_line(db)
    buy(db, line, 12_000, 1, date(2026, 1, 10))
    night(db, date(2026, 2, 5))  # due on 25 February
    record = said(db, line, through)
    assert codes(record) == (status, "", "")
    assert record.numbers["amount_past_due"] == (0 if status == "11" else 120)
    assert record.days["first_delinquency"] == (None if status == "11" else date(2026, 3, 27))
    after = said(db, line, rules.month_end(through + timedelta(days=1)))
    assert after.texts["payment_history"][0] == sign


def test_the_first_delinquency_stays_while_the_customer_only_pays_the_oldest_debt(db: Database):
    line = open_us_line(db)
    buy(db, line, 60_000, 6, date(2026, 1, 10))  # due on the 25th of February to July
    for month in range(2, 8):
        night(db, date(2026, month, 5))
        if month >= 4:
            pay(db, line, 10_000, date(2026, month, 28))
    record = said(db, line, date(2026, 7, 1))
    assert record.texts["account_status"] == "71"
    assert record.days["first_delinquency"] == date(2026, 3, 27), "late at every month end since"
    pay(db, line, 20_000, date(2026, 8, 3))
    cured = said(db, line, date(2026, 8, 1))
    assert codes(cured) == ("11", "", "")
    assert cured.days["first_delinquency"] is None
    assert cured.texts["payment_history"].startswith("11111" + "00B")


def test_closed_by_the_consumer_with_a_balance_stays_current_until_zero_and_then_is_paid(db: Database):
    """Edge case 2: three of six instalments are left, nobody is late, every file says XA."""
    line = open_us_line(db)
    buy(db, line, 60_000, 6, date(2026, 1, 10))
    asked = date(2026, 5, 2)
    for month in range(2, 8):
        night(db, date(2026, month, 5))
        if month == 5:
            case = ask(db, line, asked + timedelta(days=4))
            assert case.state is State.RUN_OFF
        pay(db, line, 10_000, date(2026, month, 20))
        record = said(db, line, date(2026, month, 1))
        assert record.texts["account_status"] == "11"
        assert record.numbers["current_balance"] == 100 * (7 - month)
        assert record.texts["compliance_code"] == ("XA" if month >= 5 else "")
        assert record.days["date_closed"] == (date(2026, 5, 6) if month >= 5 else None)
        assert record.texts["special_comment"] == ""
    case = step(db, exit_of(db, line), date(2026, 8, 2))
    assert case.state is State.CLOSED
    done = said(db, line, date(2026, 8, 1))
    assert codes(done) == ("13", "0", "XA")
    assert done.days["date_closed"] == date(2026, 5, 6), "when purchases stopped, not the pay-off day"
    assert "1" not in done.texts["payment_history"]
    assert told(db, line, date(2026, 9, 1)) is None, "what has ended is told of once"


def test_closed_late_and_paid_off_in_the_month_is_rated_as_it_was_paid(db: Database):
    line = open_us_line(db)
    buy(db, line, 12_000, 1, date(2026, 1, 10))
    night(db, date(2026, 2, 5))
    case = ask(db, line, date(2026, 4, 1))
    late = said(db, line, date(2026, 4, 1))
    assert codes(late) == ("78", "", "XA")
    pay(db, line, 12_000, date(2026, 5, 4))
    assert step(db, case, date(2026, 5, 20)).state is State.CLOSED
    done = said(db, line, date(2026, 5, 1))
    assert codes(done) == ("13", "2", "XA")
    assert done.days["first_delinquency"] == date(2026, 3, 27)


def test_zero_that_has_not_cleared_is_not_yet_paid_and_closed(db: Database):
    line = open_us_line(db)
    buy(db, line, 12_000, 1, date(2026, 1, 10))
    night(db, date(2026, 2, 5))
    pay(db, line, 12_000, date(2026, 2, 27))
    assert ask(db, line, date(2026, 2, 28)).state is State.CLEARING
    record = said(db, line, date(2026, 2, 1), made=date(2026, 3, 1))
    assert codes(record) == ("11", "", "XA")
    assert record.numbers["current_balance"] == 0


@pytest.mark.parametrize("who", [Identity.PENDING, Identity.DOUBTED])
def test_a_request_that_nobody_proved_closes_nothing_nor_does_its_lapse(db: Database, who: Identity):
    line = open_us_line(db)
    case = ask(db, line, date(2026, 1, 20), who)
    assert codes(said(db, line, date(2026, 1, 1), made=date(2026, 1, 21))) == ("11", "", "")
    if who is Identity.PENDING:
        assert step(db, case, date(2026, 2, 4)).state is State.LAPSED
        record = said(db, line, date(2026, 2, 1))
        assert codes(record) == ("11", "", "")
        assert record.days["date_closed"] is None


def test_a_cancelled_exit_takes_back_what_was_told_of_it_once(db: Database):
    line = open_us_line(db)
    buy(db, line, 12_000, 3, date(2026, 1, 10))
    case = ask(db, line, date(2026, 1, 20))
    assert codes(said(db, line, date(2026, 1, 1), made=date(2026, 2, 3))) == ("11", "", "XA")
    with db.transaction() as tx:
        exits.cancel(tx, OFFICE, case.id, "customer", at(date(2026, 2, 4)))
    night(db, date(2026, 2, 5))
    pay(db, line, 4_000, date(2026, 2, 20))
    taken_back = said(db, line, date(2026, 2, 1))
    assert codes(taken_back) == ("11", "", "XR")
    assert taken_back.days["date_closed"] is None
    pay(db, line, 8_000, date(2026, 3, 4))
    assert codes(said(db, line, date(2026, 3, 1))) == ("11", "", "")


def test_an_exit_cancelled_before_it_was_told_leaves_no_trace(db: Database):
    line = open_us_line(db)
    buy(db, line, 12_000, 3, date(2026, 1, 10))
    case = ask(db, line, date(2026, 1, 20))
    with db.transaction() as tx:
        exits.cancel(tx, OFFICE, case.id, "customer", at(date(2026, 1, 25)))
    assert codes(said(db, line, date(2026, 1, 1))) == ("11", "", "")


def test_restricted_by_the_issuer_and_closed_by_the_customer_is_closed_by_the_customer(db: Database):
    """Edge case 15: the lender's lock of the day before is no closing of the lender's."""
    line = open_us_line(db)
    buy(db, line, 12_000, 3, date(2026, 1, 10))
    with db.transaction() as tx:
        lines.set_lock(tx, line, LockKind.ISSUER, Party.ISSUER, "review", "staff", at(date(2026, 1, 19)))
    record = said(db, line, date(2026, 1, 1), made=date(2026, 1, 20))
    assert (codes(record), record.texts["special_comment"]) == (("11", "", ""), "")
    ask(db, line, date(2026, 1, 20))
    record = said(db, line, date(2026, 1, 1))
    assert (codes(record), record.texts["special_comment"]) == (("11", "", "XA"), "")
    assert record.days["date_closed"] == date(2026, 1, 20)


def test_only_a_line_that_the_lender_closed_says_so(db: Database):
    line = open_us_line(db)
    for to in (Lifecycle.CLOSING, Lifecycle.CLOSED):
        with db.transaction() as tx:
            lines.move(tx, locked(tx, line), to, "issuer_notice", "staff", at(date(2026, 1, 20)))
    record = said(db, line, date(2026, 1, 1))
    assert (codes(record), record.texts["special_comment"]) == (("13", "0", ""), "M")


def test_a_late_debit_after_closing_keeps_the_day_of_closing(db: Database):
    """Edge case 7: the last payment comes back; the line stays closed and owes again, not late."""
    line = open_us_line(db)
    buy(db, line, 12_000, 1, date(2026, 1, 10))
    case = ask(db, line, date(2026, 1, 20))
    paid = pay(db, line, 12_000, date(2026, 1, 22))
    assert step(db, case, date(2026, 2, 10)).state is State.CLOSED
    assert codes(said(db, line, date(2026, 2, 1))) == ("13", "0", "XA")
    give_back(db, paid, date(2026, 3, 12))
    night(db, date(2026, 3, 12))
    record = said(db, line, date(2026, 3, 1))
    assert codes(record) == ("11", "", "XA")
    assert record.numbers["current_balance"] == 120
    assert record.days["date_closed"] == date(2026, 1, 20)


@pytest.mark.parametrize("won", [True, False])
def test_a_charge_that_is_disputed_at_the_door_is_told_as_disputed_and_not_as_late(db: Database, won: bool):
    """Edge case 8: 120 of 300 is disputed, the rest is paid."""
    line = open_us_line(db)
    with db.transaction() as tx:
        now = at(date(2026, 1, 10))
        (held,) = purchases.authorise(tx, OFFICE.tables, [Request(line, "shop", 30_000)], "shop", now)
        assert isinstance(held, Purchase)
        purchases.capture(tx, [Capture(held.id, 30_000)], "shop", now)
        opened = disputes.dispute(tx, held.id, 12_000, Ground.NOT_RECEIVED, "customer", now)
        assert not isinstance(opened, Refusal)
    case = ask(db, line, date(2026, 1, 20))
    pay(db, line, 18_000, date(2026, 1, 22))
    for month in (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)):
        record = said(db, line, month)
        assert codes(record) == ("11", "", "XJ")
        assert record.numbers["amount_past_due"] == 0
    with db.transaction() as tx:
        disputes.resolve(tx, opened.id, won, "desk", at(date(2026, 4, 20)))
    if won:
        assert step(db, case, date(2026, 4, 20)).state is State.CLOSED
        assert codes(said(db, line, date(2026, 4, 1))) == ("13", "0", "XA")
        return
    record = said(db, line, date(2026, 4, 1))
    assert codes(record) == ("11", "", "XA")
    assert (record.numbers["current_balance"], record.numbers["amount_past_due"]) == (120, 0)


def test_who_withdraws_was_never_a_customer_as_far_as_bureaus_go(db: Database):
    """Edge case 13: no closed account in the history, and what was told is deleted."""
    line, told_of = open_us_line(db, day=date(2026, 2, 1)), open_us_line(db, day=date(2026, 1, 25))
    assert told(db, told_of, date(2026, 1, 1), made=date(2026, 2, 1)) is not None
    with db.transaction() as tx:
        for one in (line, told_of):
            done = withdraw(tx, OFFICE, one, Channel.API, "customer", at(date(2026, 2, 7)))
            assert not isinstance(done, Refusal)
    assert told(db, line, date(2026, 2, 1)) is None
    assert codes(said(db, told_of, date(2026, 2, 1)))[0] == "DA"
    assert told(db, told_of, date(2026, 3, 1)) is None


def test_an_agreement_deemed_never_made_is_deleted_once_where_it_was_told(db: Database):
    """Such as one that was withdrawn from by letter, or opened by mistake."""
    line, unknown = open_us_line(db, day=date(2026, 1, 25)), open_us_line(db, day=date(2026, 2, 1))
    assert told(db, line, date(2026, 1, 1), made=date(2026, 2, 1)) is not None
    for one in (line, unknown):
        with db.transaction() as tx:
            assert bureau.deem_never_made(tx, one, "staff", at(date(2026, 2, 7))) is None
    assert codes(said(db, line, date(2026, 2, 1)))[0] == "DA"
    assert told(db, unknown, date(2026, 2, 1)) is None, "never told of, so nothing to delete"
    assert told(db, line, date(2026, 3, 1)) is None


def test_a_withdrawal_that_comes_late_is_no_deletion(db: Database):
    line = open_us_line(db)
    with db.transaction() as tx:
        late = bureau.deem_never_made(tx, line, "staff", at(OPENED + timedelta(days=15)))
        assert late == Refusal("bureau.withdrawal_late", {"days": 14})
        nobody = bureau.deem_never_made(tx, uuid4(), "staff", at(OPENED))
        assert nobody == Refusal("line.not_found")


def test_whoever_cannot_be_named_is_left_out_and_listed(db: Database):
    unknown, chinese = open_us_line(db, enrol=False), open_us_line(db, "王小明")
    text, report = make(db, OPENED)
    assert metro2.read(text) == {}
    assert dict(report.left_out) == {unknown: "identity.not_found", chinese: "bureau.name_not_latin"}
    assert report.records == 0


def test_other_packs_lines_and_lines_opened_later_are_not_in_the_file(db: Database):
    later = open_us_line(db, day=date(2026, 3, 1))
    assert told(db, later, date(2026, 2, 1)) is None
    assert told(db, later, date(2026, 3, 1)) is not None


def test_the_same_month_again_says_the_same_and_months_to_come_are_refused(db: Database):
    line = open_us_line(db)
    buy(db, line, 12_000, 3, date(2026, 1, 10))
    ask(db, line, date(2026, 1, 20))
    once, again = make(db, OPENED)[0], make(db, OPENED)[0]
    assert once == again
    with db.transaction() as tx:
        early = bureau.report_month(
            tx, date(2026, 3, 1), REPORTER, lambda _: Refusal("x"), len, "t", at(date(2026, 2, 28))
        )
        assert early == Refusal("bureau.month_not_begun", {"month": "2026-03"})
        named = Reporter("白条")
        foreign = bureau.report_month(tx, OPENED, named, lambda _: Refusal("x"), len, "t", at(OPENED))
        assert foreign == Refusal("bureau.reporter_not_latin")


def test_nothing_that_is_kept_names_the_person(db: Database):
    line = open_us_line(db, "Covert Middle Hidden")
    customer = line_of(db, line).customer
    text, report = make(db, OPENED)
    assert "HIDDEN" in text
    with db.transaction() as tx:
        person = identity.peek(tx, VAULT, customer)
        assert not isinstance(person, Refusal)
        kept = [str(row) for row in store.told_of_line(tx, line)]
        kept += [str(row) for row in journal_of(tx, [line, customer, report.submission])]
        dump = tx.conn.execute("SELECT string_agg(r::text, ' ') AS all FROM bureau.record AS r").fetchone()
        assert dump
    everything = " ".join([*kept, str(dump["all"])]).upper()
    for secret in ("HIDDEN", "COVERT", person.id_number, person.phone, person.email.upper()):
        assert secret not in everything
    assert "bureau.reported" in " ".join(kept)


def test_what_is_derived_agrees_with_the_books_on_every_day_of_a_muddled_life(db: Database):
    dice = Random(7)
    terms = Terms(
        due_days=20,
        late_fee_minor=1_500,
        late_fee_grace_days=3,
        products=(*US_TERMS.products[:2], *TERMS.products[2:]),
    )
    ours = [open_us_line(db, terms=terms) for _ in range(4)]
    bought: list[tuple[UUID, UUID]] = []
    day = OPENED
    for _ in range(150):
        day += timedelta(days=1)
        for line in ours:
            owed = line_of(db, line).owed_minor
            if dice.random() < 0.12 and owed < 300_000:
                count = dice.choice((1, 3, 6, 12))
                bought.append((line, buy(db, line, dice.randint(500, 40_000), count, day)))
            if dice.random() < 0.06:
                amount = dice.choice((dice.randint(1, 30_000), owed + 500))
                paid = pay(db, line, amount, day, value_on=day - timedelta(days=dice.choice((0, 0, 2))))
                if dice.random() < 0.3:
                    give_back(db, paid, day)
        if bought and dice.random() < 0.05:
            line, purchase = bought.pop(dice.randrange(len(bought)))
            refund(db, line, purchase, dice.randint(1, 400), day)
        night(db, day)
        if day.day in (7, 28):
            agrees(db, ours, day)
    assert offences(db) == []


def agrees(db: Database, ours: list[UUID], day: date) -> None:
    with db.transaction() as tx:
        found = store.page(tx, "us", "USD", TIMEZONE, day, None, 100)
        debts = billing.debts(tx, ours, day)
        for facts, _ in found:
            line, debt = locked(tx, facts.line), debts.get(facts.line)
            assert rules.balance(facts, day) == line.owed_minor
            unpaid = sum(minor for _, minor in rules._unpaid(facts.asked, day))
            assert unpaid == (debt.past_due_minor if debt else 0)
            if unpaid >= rules.MINOR_PER_DOLLAR and debt:
                late = rules.late(facts, day, day)
                assert late.days <= debt.days_past_due
            metro2.read(make(db, day, day + timedelta(days=1))[0])


def test_end_of_day_is_the_contracts(db: Database):
    """A request just before midnight closes on the contract's day, not on UTC's next or last."""
    line = open_us_line(db)
    with db.transaction() as tx:
        moment = end_of_day(date(2026, 1, 20), TIMEZONE)
        exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", moment, Identity.VERIFIED)
    assert said(db, line, date(2026, 1, 1)).days["date_closed"] == date(2026, 1, 20)


@pytest.mark.parametrize(("kind", "comment"), [(ExitKind.TERMINATION, "M"), (ExitKind.INACTIVITY, "CI")])
def test_what_the_lender_ended_is_told_from_the_end_of_its_notice(db: Database, kind: ExitKind, comment: str):
    line = open_us_line(db)
    given, ends = at(date(2026, 6, 10)), date(2026, 8, 10)
    with db.transaction() as tx:
        proposal = terminations.propose(tx, line, kind, [Cause.PRODUCT_ENDED], "one", given)
        assert isinstance(proposal, Termination), proposal
        terminations.decide(tx, OFFICE, proposal.id, True, "two", given)
    assert said(db, line, date(2026, 6, 1)).texts["special_comment"] == "", "the notice runs"
    with db.transaction() as tx:
        exits.review(tx, OFFICE, end_of_day(ends, TIMEZONE))
    record = said(db, line, date(2026, 8, 1))
    assert (codes(record), record.texts["special_comment"]) == (("13", "0", ""), comment)
    assert record.days["date_closed"] == ends


def test_who_leaves_during_the_lenders_notice_is_told_of_as_having_left(db: Database):
    line = open_us_line(db)
    with db.transaction() as tx:
        given = at(date(2026, 6, 10))
        proposal = terminations.propose(tx, line, ExitKind.TERMINATION, [Cause.PRODUCT_ENDED], "one", given)
        assert isinstance(proposal, Termination), proposal
        terminations.decide(tx, OFFICE, proposal.id, True, "two", given)
    ask(db, line, date(2026, 6, 20))
    record = said(db, line, date(2026, 6, 1))
    assert (codes(record), record.texts["special_comment"]) == (("13", "0", "XA"), "")
    assert record.days["date_closed"] == date(2026, 6, 20)


@pytest.mark.parametrize("left_before", [True, False])
def test_the_account_of_somebody_who_has_died_says_so(db: Database, left_before: bool):
    line = open_us_line(db)
    buy(db, line, 30_000, 3, date(2026, 1, 10))
    if left_before:
        ask(db, line, date(2026, 1, 20))
    with db.transaction() as tx:
        estates.report(tx, OFFICE, line, Channel.DESK, "staff", at(date(2026, 1, 21)))
    record = said(db, line, date(2026, 1, 1))
    assert record.texts["ecoa"] == "X"
    assert record.texts["compliance_code"] == ("XA" if left_before else "")
    assert record.texts["special_comment"] == ""
