"""Leaving, by the acts, on a real database: one story per test."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import Cursor
from psycopg.errors import UniqueViolation
from worlds import (
    DAY,
    TERMS,
    at,
    buy,
    give_back,
    items,
    line_of,
    name_account,
    night,
    open_line,
    pay,
)

from whiteslip import day, exits, identity, lines, notices, packs, purchases
from whiteslip.base import Refusal, end_of_day
from whiteslip.billing import store as billing_store
from whiteslip.billing.payouts import bounce, send_again
from whiteslip.billing.store import payouts
from whiteslip.decisions import Tables, decisions_about, replay
from whiteslip.exits import Exit, Office
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Ground, Identity, Outcome, Path, Reason, Route, State
from whiteslip.identity import Person, Vault
from whiteslip.lines.model import Lifecycle, LockKind, Party
from whiteslip.purchases import Capture, Declined, Purchase, Request
from whiteslip.store import Database
from whiteslip.store.database import journal_of

CALENDAR = packs.load("cn").calendar
OFFICE = Office(Tables.load(), "Test Lender")
VAULT = Vault(bytes(32))


def ask(
    db: Database, line: UUID, now: datetime, who: Identity = Identity.VERIFIED, not_me: bool = False
) -> Exit:
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", now, who, not_me)
    assert not isinstance(case, Refusal), case
    return case


def step(db: Database, case: Exit, now: datetime) -> Exit:
    with db.transaction() as tx:
        moved = exits.advance(tx, OFFICE, case.id, now)
    assert not isinstance(moved, Refusal)
    return moved


def shop(db: Database, line: UUID, now: datetime, amount_minor: int = 10_000) -> Purchase | Declined:
    with db.transaction() as tx:
        answer = purchases.authorise(tx, OFFICE.tables, [Request(line, "shop", amount_minor)], "shop", now)[0]
    assert not isinstance(answer, Refusal), answer
    return answer


def letters(db: Database, case: Exit) -> list[str]:
    with db.transaction() as tx:
        return [notice.kind for notice in notices.of_subject(tx, case.id)]


def kinds(db: Database, *subjects: UUID) -> list[str]:
    with db.transaction() as tx:
        return [row["kind"] for row in journal_of(tx, subjects)]


def sound(db: Database) -> bool:
    with db.transaction() as tx:
        assert day.every_violation(tx) == []
        return replay(tx).is_same


def test_a_wish_to_leave_reads_each_part_of_what_is_on_file_once(
    db: Database, monkeypatch: pytest.MonkeyPatch
):
    line = open_line(db)
    asked: list[str] = []
    send: Any = Cursor.execute

    def counted(self: Any, query: str, *given: Any) -> Any:
        asked.append(query)
        return send(self, query, *given)

    monkeypatch.setattr(Cursor, "execute", counted)
    assert ask(db, line, at(DAY)).state is State.CLOSED
    reads = [query for query in asked if query.startswith("SELECT")]
    assert len(asked) < 40
    assert reads
    assert len(set(reads)) == len(reads)


def test_somebody_proven_who_owes_nothing_is_out_in_one_transaction(db: Database):
    line = open_line(db)
    case = ask(db, line, at(DAY))
    assert (case.state, case.why, case.route) == (State.CLOSED, "nothing_open", Route.STRAIGHT_THROUGH)
    assert line_of(db, line).lifecycle is Lifecycle.CLOSED
    assert letters(db, case) == ["exit.acknowledged", "exit.closed"]
    assert case.tail_until == date(2027, 2, 15)
    assert sound(db)


def test_drawing_stops_in_the_transaction_of_the_request_whoever_asks(db: Database):
    for who in Identity:
        line = open_line(db)
        assert isinstance(shop(db, line, at(DAY)), Purchase)
        ask(db, line, at(DAY), who)
        declined = shop(db, line, at(DAY) + timedelta(seconds=1))
        assert isinstance(declined, Declined)
        assert declined.code == "line.stopped"


def test_the_stop_is_journalled_before_any_review_is_opened(db: Database):
    line, case = run_up(db)
    told = kinds(db, case.id, line)
    assert told.index("line.spending_stopped") < told.index("exit.review_opened")


def test_a_schedule_that_changed_is_found_on_any_later_day_also_when_its_case_is_over(db: Database):
    line = open_line(db)
    buy(db, line, 30_000, 3)
    case = ask(db, line, at(DAY))
    with psycopg.connect(db.url) as conn:
        conn.execute("SET session_replication_role = replica")  # past the triggers that refuse it
        conn.execute("UPDATE billing.instalment SET due_on = due_on - 1 WHERE line = %s AND no = 2", [line])

    def found(ended_after: datetime | None) -> list[str]:
        with db.transaction() as tx:
            return [v for v in exits_store.violations(tx, ended_after) if "changes no schedule" in v]

    assert len(found(at(DAY))) == 1
    with psycopg.connect(db.url) as conn:
        conn.execute("UPDATE exits.exit SET state = 'lapsed', since = %s WHERE id = %s", [at(DAY), case.id])
    later = at(DAY) + timedelta(days=400)
    assert found(later) == []
    assert len(found(None)) == 1


def test_a_debt_runs_off_on_the_same_days_and_sums_and_then_the_line_closes(db: Database):
    line = open_line(db)
    buy(db, line, 30_000, 3)
    before = [(row.due_on, row.principal_minor) for row in items(db, line)]
    case = ask(db, line, at(DAY))
    assert (case.state, case.plan.outcome) == (State.RUN_OFF, Outcome.RUNS_OFF)
    assert [(due.due_on, due.principal_minor) for due in case.plan.schedule] == before
    assert line_of(db, line).lifecycle is Lifecycle.RUN_OFF
    last = DAY
    for due_on, principal in before:
        statement = due_on - timedelta(days=TERMS.due_days)
        night(db, statement)
        left = before[before.index((due_on, principal)) :]
        assert [(row.due_on, row.principal_minor) for row in items(db, line)] == left
        pay(db, line, principal, due_on)
        last = due_on
        case = step(db, case, at(due_on))
    assert (case.state, case.why) == (State.CLEARING, "payment_not_cleared")
    assert step(db, case, at(last + timedelta(days=4))).state is State.CLEARING
    case = step(db, case, at(last + timedelta(days=5)))
    assert (case.state, case.why) == (State.CLOSED, "all_paid")
    assert letters(db, case) == ["exit.acknowledged", "exit.runoff", "exit.closed"]
    assert sound(db)


def test_asking_twice_is_asking_once_also_from_two_places(db: Database):
    line = open_line(db)
    buy(db, line, 5_000)
    first = ask(db, line, at(DAY), Identity.PENDING)
    second = ask(db, line, at(DAY) + timedelta(minutes=3), Identity.VERIFIED)
    assert first.id == second.id
    assert second.state is State.RUN_OFF
    assert letters(db, first).count("exit.acknowledged") == 1


def test_a_closed_line_cannot_be_closed_again_nor_opened(db: Database):
    line = open_line(db)
    case = ask(db, line, at(DAY))
    with db.transaction() as tx:
        again = exits.request(tx, OFFICE, line, Channel.API, "x", at(DAY))
        assert again == Refusal("exit.line_closed")
        back = exits.cancel(tx, OFFICE, case.id, "customer", at(DAY))
        assert isinstance(back, Refusal)
        assert back.code == "exit.not_cancellable"


def test_an_unproven_request_stays_stopped_and_lapses_to_the_customers_own_lock(db: Database):
    line = open_line(db)
    case = ask(db, line, at(DAY), Identity.PENDING)
    assert case.state is State.STOPPED
    assert step(db, case, at(DAY + timedelta(days=13))).state is State.STOPPED
    case = step(db, case, at(DAY + timedelta(days=14)))
    assert case.state is State.LAPSED
    after = line_of(db, line)
    assert (after.lifecycle, after.locks) == (Lifecycle.ACTIVE, {LockKind.CUSTOMER})
    assert isinstance(shop(db, line, at(DAY + timedelta(days=15))), Declined)
    assert letters(db, case) == ["exit.acknowledged", "exit.lapsed"]


def test_a_failed_proof_holds_the_last_step_only_and_ends_by_itself(db: Database):
    line = open_line(db)
    case = ask(db, line, at(DAY), Identity.PENDING)
    with db.transaction() as tx:
        held = exits.doubt(tx, OFFICE, case.id, "system", at(DAY))
    assert not isinstance(held, Refusal)
    assert (held.state, held.ground) == (State.HELD, Ground.IDENTITY)
    assert held.due_at == end_of_day(date(2026, 1, 22), "Asia/Shanghai")
    freed = step(db, held, end_of_day(date(2026, 1, 22), "Asia/Shanghai"))
    assert (freed.state, freed.path) == (State.CLOSED, Path.RUN_OFF)
    assert sound(db)


def test_who_says_later_that_it_was_not_them_is_looked_at_and_nothing_is_drawn_meanwhile(db: Database):
    line = open_line(db)
    buy(db, line, 5_000)
    case = ask(db, line, at(DAY))
    with db.transaction() as tx:
        held = exits.doubt(tx, OFFICE, case.id, "system", at(DAY))
    assert not isinstance(held, Refusal)
    assert (held.state, held.ground, held.identity) == (State.HELD, Ground.IDENTITY, Identity.DOUBTED)
    assert sound(db)


def test_contact_data_changed_lately_sends_the_case_to_a_person(db: Database):
    line = open_line(db)
    customer = line_of(db, line).customer
    with db.transaction() as tx:
        person = Person("Test Person", "AB1234567", "+8613900000021", "a@example.com")
        identity.enrol(tx, VAULT, customer, person, "test", at(DAY))
        identity.change_contact(tx, VAULT, customer, "+8613900000022", "b@example.com", "x", at(DAY))
    case = ask(db, line, at(DAY + timedelta(days=6)))
    assert (case.state, case.ground, case.route) == (State.HELD, Ground.IDENTITY, Route.HOLD)
    with db.transaction() as tx:
        done = exits.choose_path(tx, OFFICE, case.id, Path.RUN_OFF, ["called_back"], "staff:1", at(DAY))
    assert not isinstance(done, Refusal)
    assert done.state is State.CLOSED


def run_up(db: Database) -> tuple[UUID, Exit]:
    """A line drawn to ten times the usual, with a payment that came back: the desk looks at it."""
    line = open_line(db, statement_day=5)
    buy(db, line, 3_000, day=date(2026, 1, 15))
    night(db, date(2026, 2, 5))
    paid = pay(db, line, 3_000, date(2026, 2, 20))
    buy(db, line, 90_000, day=date(2026, 3, 20))
    give_back(db, paid, date(2026, 3, 20))
    return line, ask(db, line, at(date(2026, 3, 21)))


def test_a_run_up_with_a_returned_payment_goes_to_the_desk_which_chooses_the_path(db: Database):
    _, case = run_up(db)
    assert (case.state, case.route) == (State.CONFIRMED, Route.DESK)
    with db.transaction() as tx:
        now_ = at(date(2026, 3, 21))
        assert [each.id for each in exits_store.queue(tx, now_)] == [case.id]
        refused = exits.choose_path(tx, OFFICE, case.id, Path.CLOSE_NOW, ["x"], "staff:1", now_)
        assert isinstance(refused, Refusal)
        assert refused.code == "exit.path_not_possible"
        chosen = exits.choose_path(tx, OFFICE, case.id, Path.RUN_OFF, ["looked_at"], "staff:1", now_)
    assert not isinstance(chosen, Refusal)
    assert chosen.state is State.RUN_OFF
    with db.transaction() as tx:
        assert exits_store.queue(tx, now_) == []
        assert [choice["actor"] for choice in exits_store.choices(tx, case.id)] == ["staff:1"]


def test_a_desk_that_stays_silent_lets_the_case_go_on(db: Database):
    _, case = run_up(db)
    assert case.due_at
    assert step(db, case, case.due_at - timedelta(seconds=1)).state is State.CONFIRMED
    assert step(db, case, case.due_at).state is State.RUN_OFF


def test_a_legal_freeze_holds_and_its_end_lets_go(db: Database):
    line = open_line(db)
    buy(db, line, 5_000)
    case = ask(db, line, at(DAY))
    with db.transaction() as tx:
        lines.set_lock(tx, line, LockKind.LEGAL, Party.AUTHORITY, "order", "court", at(DAY))
    case = step(db, case, at(DAY))
    assert (case.state, case.ground, case.held_from) == (State.HELD, Ground.LEGAL, State.RUN_OFF)
    assert step(db, case, at(DAY + timedelta(days=400))).state is State.HELD
    with db.transaction() as tx:
        lines.lift_lock(tx, line, LockKind.LEGAL, Party.AUTHORITY, "court", at(DAY))
    assert step(db, case, at(DAY)).state is State.RUN_OFF


def test_a_customer_who_changes_their_mind_has_the_line_back_as_it_was(db: Database):
    line = open_line(db)
    buy(db, line, 5_000)
    before = line_of(db, line)
    case = ask(db, line, at(DAY))
    with db.transaction() as tx:
        back = exits.cancel(tx, OFFICE, case.id, "customer", at(DAY + timedelta(days=29)))
    assert not isinstance(back, Refusal)
    assert line_of(db, line) == before
    assert isinstance(shop(db, line, at(DAY + timedelta(days=3))), Purchase)
    assert letters(db, case)[-1] == "exit.cancelled"
    again = ask(db, line, at(DAY + timedelta(days=30)))
    assert again.id != case.id


def test_purchases_promised_before_are_honoured_and_those_after_are_not(db: Database):
    """Edge case 3: 100 held an hour before, captured as 60 and 40 five days later."""
    line = open_line(db)
    held = shop(db, line, at(DAY, 11), 10_000)
    assert isinstance(held, Purchase)
    case = ask(db, line, at(DAY))
    assert (case.state, case.why) == (State.RUN_OFF, "purchases_on_their_way")
    later = at(DAY + timedelta(days=5))
    with db.transaction() as tx:
        (first,) = purchases.capture(tx, [Capture(held.id, 6_000, final=False)], "shop", later)
        assert not isinstance(first, Refusal)
        (second,) = purchases.capture(tx, [Capture(held.id, 4_000)], "shop", later)
        assert not isinstance(second, Refusal)
    assert line_of(db, line).principal_minor == 10_000
    assert isinstance(shop(db, line, at(DAY) + timedelta(seconds=1)), Declined)
    assert sound(db)


def test_a_payment_that_comes_back_while_clearing_runs_off_again(db: Database):
    line = open_line(db)
    buy(db, line, 5_000)
    case = ask(db, line, at(DAY))
    paid = pay(db, line, 5_000, DAY)
    case = step(db, case, at(DAY))
    assert case.state is State.CLEARING
    give_back(db, paid, DAY + timedelta(days=2))
    case = step(db, case, at(DAY + timedelta(days=2)))
    assert (case.state, case.why) == (State.RUN_OFF, "payment_returned")
    assert line_of(db, line).owed_minor == 5_000


def test_a_credit_is_paid_out_when_the_line_closes(db: Database):
    line = open_line(db)
    buy(db, line, 5_000)
    pay(db, line, 6_200, DAY)
    later = DAY + timedelta(days=5)
    case = ask(db, line, at(later))
    assert case.state is State.CLOSED
    assert line_of(db, line).credit_minor == 0
    with db.transaction() as tx:
        closing = [n for n in notices.of_subject(tx, case.id) if n.kind == "exit.closed"]
    assert closing[0].facts["credit_minor"] == 1_200
    assert sound(db)


def closed_after_a_purchase(db: Database) -> tuple[Purchase, Exit]:
    """A line closed five days after its one purchase, of 80, was paid."""
    line = open_line(db)
    held = shop(db, line, at(DAY), 8_000)
    assert isinstance(held, Purchase)
    with db.transaction() as tx:
        purchases.capture(tx, [Capture(held.id, 8_000)], "shop", at(DAY))
    pay(db, line, 8_000, DAY)
    case = ask(db, line, at(DAY + timedelta(days=5)))
    assert case.state is State.CLOSED
    return held, case


def refund(db: Database, bought: Purchase, now: datetime) -> None:
    with db.transaction() as tx:
        assert isinstance(purchases.refund(tx, bought.id, 8_000, "shop", now), Purchase)
    assert line_of(db, bought.line).credit_minor == 8_000


def review(db: Database, now: datetime) -> None:
    with db.transaction() as tx:
        exits.review(tx, OFFICE, now)


def test_a_refund_after_closing_is_paid_out_and_the_line_stays_closed(db: Database):
    """Edge case 4: a refund of 80 on day 40 after closing."""
    bought, case = closed_after_a_purchase(db)
    name_account(db, case.line, at(DAY))
    late = at(DAY + timedelta(days=45))
    refund(db, bought, late)
    review(db, late)
    after = line_of(db, case.line)
    assert (after.credit_minor, after.lifecycle) == (0, Lifecycle.CLOSED)
    assert "credit.paid_out" in kinds(db, case.line)
    assert sound(db)


def test_a_credit_pays_the_debt_off_instead_of_waiting_for_bills(db: Database):
    line = open_line(db)
    first = shop(db, line, at(DAY), 9_000)
    assert isinstance(first, Purchase)
    with db.transaction() as tx:
        purchases.capture(tx, [Capture(first.id, 9_000)], "shop", at(DAY))
    pay(db, line, 9_000, DAY)
    buy(db, line, 5_000)
    with db.transaction() as tx:
        purchases.refund(tx, first.id, 9_000, "shop", at(DAY))
    assert line_of(db, line).credit_minor == 9_000
    case = ask(db, line, at(DAY + timedelta(days=5)))
    assert case.state is State.CLOSED
    assert sound(db)


def test_a_trifle_is_waived_and_never_aged(db: Database):
    line = open_line(db)
    buy(db, line, 5_000)
    pay(db, line, 4_963, DAY)
    case = ask(db, line, at(DAY + timedelta(days=5)))
    assert case.state is State.CLOSED
    assert "debt.waived" in kinds(db, line)
    assert sound(db)


def test_arrears_do_not_hold_anybody(db: Database):
    line = open_line(db)
    buy(db, line, 50_000)
    for on in (date(2026, 2, 5), date(2026, 3, 5), date(2026, 4, 5)):
        night(db, on)
    late = date(2026, 6, 10)
    case = ask(db, line, at(late))
    assert case.state is State.RUN_OFF
    with db.transaction() as tx:
        kept = exits_store.assessment(tx, case.id)
        assert kept
        assert {i.name: i.value for i in kept.parts.payment_record}["days_past_due"] == 105
        (decision,) = decisions_about(tx, case.id)
        assert decision.id == kept.decision
        assert decision.trace


def test_an_assessment_shows_each_figure_with_its_formula_and_inputs(db: Database):
    line = open_line(db)
    buy(db, line, 40_000, 3)
    with db.transaction() as tx:
        billing_store.take_book_total(tx, DAY, 90)
    case = ask(db, line, at(DAY))
    with db.transaction() as tx:
        kept = exits_store.assessment(tx, case.id)
    assert kept
    parts = kept.parts
    for part in (parts.solvency, parts.payment_record, parts.behaviour, parts.exposure, parts.portfolio):
        assert part
        for indicator in part:
            assert indicator.formula
            assert indicator.inputs
    shown = {i.name: i.value for part in (parts.solvency, parts.portfolio) for i in part}
    assert shown["utilisation"] == 4
    assert shown["share_of_book"] == 1_000_000
    assert shown["debt_to_income"] is None


def test_the_reason_is_asked_afterwards_and_kept(db: Database):
    line = open_line(db)
    case = ask(db, line, at(DAY))
    with db.transaction() as tx:
        told = exits.give_reason(tx, case.id, Reason.TOO_EXPENSIVE, "customer", at(DAY))
    assert not isinstance(told, Refusal)
    assert told.reason is Reason.TOO_EXPENSIVE


def test_a_preview_changes_nothing(db: Database):
    line = open_line(db)
    buy(db, line, 5_000)
    before = kinds(db, line)
    with db.transaction() as tx:
        plan = exits.preview(tx, line, at(DAY))
    assert not isinstance(plan, Refusal)
    assert (plan.outcome, plan.payoff_minor) == (Outcome.RUNS_OFF, 5_000)
    assert kinds(db, line) == before


def test_the_tail_ends_after_thirteen_months(db: Database):
    case = ask(db, open_line(db), at(DAY))
    assert case.tail_until
    assert step(db, case, at(case.tail_until - timedelta(days=1))).tail_until
    assert step(db, case, at(case.tail_until)).tail_until is None
    assert "exit.tail_ended" in kinds(db, case.id)


def test_a_refund_after_the_tail_is_paid_out_all_the_same(db: Database):
    bought, case = closed_after_a_purchase(db)
    assert case.tail_until
    review(db, at(case.tail_until))
    late = at(case.tail_until + timedelta(days=1))
    refund(db, bought, late)
    review(db, late)
    with db.transaction() as tx:
        after = exits_store.find(tx, case.id)
        (payout,) = payouts(tx, case.line)
    assert after
    assert after.tail_until is None
    assert (payout.amount_minor, line_of(db, case.line).credit_minor) == (8_000, 0)
    assert sound(db)


def change_contact(db: Database, line: UUID, now: datetime) -> None:
    customer = line_of(db, line).customer
    with db.transaction() as tx:
        if identity.contact_changed_at(tx, customer) is None:
            person = Person("Test Person", "AB1234567", "+8613900000021", "a@example.com")
            identity.enrol(tx, VAULT, customer, person, "test", now)
        identity.change_contact(tx, VAULT, customer, f"+86139{now:%Y%m%d}", "b@example.com", "x", now)


def test_a_credit_waits_while_contact_data_is_new_and_then_goes_out(db: Database):
    bought, case = closed_after_a_purchase(db)
    late = DAY + timedelta(days=45)
    change_contact(db, case.line, at(late - timedelta(days=1)))
    refund(db, bought, at(late))
    for days in (0, 5):
        review(db, at(late + timedelta(days=days)))
        assert line_of(db, case.line).credit_minor == 8_000
    review(db, at(late + timedelta(days=6)))
    assert line_of(db, case.line).credit_minor == 0
    assert sound(db)


def test_changing_contact_data_again_and_again_holds_a_credit_no_longer_than_its_own_clock(db: Database):
    bought, case = closed_after_a_purchase(db)
    late = DAY + timedelta(days=45)
    change_contact(db, case.line, at(late))
    refund(db, bought, at(late))
    last = CALENDAR.add_business_days(late, 7)
    change_contact(db, case.line, at(last - timedelta(days=2)))
    review(db, at(last - timedelta(days=1)))
    assert line_of(db, case.line).credit_minor == 8_000
    review(db, at(last))
    assert line_of(db, case.line).credit_minor == 0


def test_closing_pays_no_credit_out_while_contact_data_is_new_whoever_looked(db: Database):
    line = open_line(db)
    pay(db, line, 1_200, DAY)
    asked = DAY + timedelta(days=12)
    change_contact(db, line, at(asked))
    case = ask(db, line, at(asked))
    with db.transaction() as tx:
        done = exits.choose_path(tx, OFFICE, case.id, Path.RUN_OFF, ["called_back"], "staff:1", at(asked))
    assert not isinstance(done, Refusal)
    assert (done.state, line_of(db, line).credit_minor) == (State.CLOSED, 1_200)
    review(db, at(asked + timedelta(days=7)))
    assert line_of(db, line).credit_minor == 0
    assert sound(db)


def frozen(db: Database, line: UUID, order: bool, now: datetime) -> None:
    """An order of a court stands on the line, or is over."""
    with db.transaction() as tx:
        if order:
            lines.set_lock(tx, line, LockKind.LEGAL, Party.AUTHORITY, "order", "court", now)
        else:
            lines.lift_lock(tx, line, LockKind.LEGAL, Party.AUTHORITY, "court", now)


def test_a_credit_stays_while_an_order_of_the_law_stands_and_goes_out_when_it_has_ended(db: Database):
    """However long that takes: the payout's own clock does not go before the law."""
    bought, case = closed_after_a_purchase(db)
    late = DAY + timedelta(days=45)
    frozen(db, case.line, order=True, now=at(late))
    refund(db, bought, at(late))
    for days in (0, 30):
        review(db, at(late + timedelta(days=days)))
        assert line_of(db, case.line).credit_minor == 8_000
    frozen(db, case.line, order=False, now=at(late + timedelta(days=31)))
    review(db, at(late + timedelta(days=31)))
    with db.transaction() as tx:
        (payout,) = payouts(tx, case.line)
    assert (payout.amount_minor, line_of(db, case.line).credit_minor) == (8_000, 0)
    assert sound(db)


def test_what_came_back_is_not_sent_again_while_an_order_of_the_law_stands(db: Database):
    bought, case = closed_after_a_purchase(db)
    name_account(db, case.line, at(DAY))
    whose = line_of(db, case.line).customer
    late = at(DAY + timedelta(days=45))
    refund(db, bought, late)
    review(db, late)
    frozen(db, case.line, order=True, now=late)
    with db.transaction() as tx:
        (payout,) = payouts(tx, case.line)
        bounce(tx, payout.id, "bank", late)
        assert send_again(tx, payout.id, whose, "staff:1", late) == Refusal("payout.legal_freeze")
    frozen(db, case.line, order=False, now=late)
    with db.transaction() as tx:
        sent = send_again(tx, payout.id, whose, "staff:1", late)
    assert not isinstance(sent, Refusal)
    assert sent.state == "sent"
    assert sound(db)


def test_unknown_cases_are_refused(db: Database):
    with db.transaction() as tx:
        for answer in (
            exits.advance(tx, OFFICE, uuid4(), at(DAY)),
            exits.confirm(tx, OFFICE, uuid4(), "x", at(DAY)),
            exits.cancel(tx, OFFICE, uuid4(), "x", at(DAY)),
            exits.give_reason(tx, uuid4(), Reason.OTHER, "x", at(DAY)),
        ):
            assert answer == Refusal("exit.not_found")


def test_the_database_allows_one_open_case_per_line(db: Database):
    line = open_line(db)
    buy(db, line, 5_000)
    case = ask(db, line, at(DAY))
    with pytest.raises(UniqueViolation), db.transaction() as tx:
        exits_store.add(tx, replace(case, id=uuid4(), reference="EX-AAAA-00"))


def test_the_nightly_review_moves_what_is_due_and_nothing_else(db: Database):
    paid, owing = open_line(db), open_line(db)
    for line in (paid, owing):
        buy(db, line, 5_000)
    cases = {line: ask(db, line, at(DAY)) for line in (paid, owing)}
    pay(db, paid, 5_000, DAY)
    with db.transaction() as tx:
        after = None
        while after := exits.review(tx, OFFICE, at(DAY + timedelta(days=6)), after, 1)[1]:
            pass
        states = {line: exits_store.find(tx, case.id) for line, case in cases.items()}
    assert [case.state for case in states.values() if case] == [State.CLOSED, State.RUN_OFF]
