"""Take the steps that ``rules`` finds due, and everything that goes with each. None commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip import billing, decisions, identity, lines, packs
from whiteslip.base import Refusal
from whiteslip.billing import estates as billing_estates
from whiteslip.billing import store as billing_store
from whiteslip.billing.acts import pay_off_with_credit
from whiteslip.billing.model import Record
from whiteslip.decisions import Tables, champions
from whiteslip.exits import assessment, letters, rules, store, ties, unopened
from whiteslip.exits.model import (
    Due,
    Exit,
    Facts,
    Ground,
    Kept,
    Kind,
    Path,
    Plan,
    Route,
    State,
    Step,
)
from whiteslip.exits.offers import Offer
from whiteslip.exits.rules import Clocks
from whiteslip.exits.telling import Heirs
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle, LockKind, Party
from whiteslip.notices import NewNotice
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Outcome as DisputeOutcome
from whiteslip.store import Entry, Tx
from whiteslip.store.timers import cancel_timer, set_timer

_KINDS: Final = {
    State.STOPPED: "exit.resumed",
    State.CONFIRMED: "exit.confirmed",
    State.RUN_OFF: "exit.run_off_started",
    State.CLEARING: "exit.clearing_started",
    State.CLOSED: "exit.closed",
    State.HELD: "exit.held",
    State.LAPSED: "exit.lapsed",
    State.CANCELLED: "exit.cancelled",
    State.REJECTED: "exit.rejected",
}
# On what ground a line's lifecycle moves.
GROUNDS: Final = {
    Kind.CLOSE: "customer_request",
    Kind.WITHDRAW: "withdrawal",
    Kind.TERMINATION: "termination",
    Kind.INACTIVITY: "inactivity",
    Kind.ESTATE: "estate",
}
_RECORD_DAYS: Final = 180
_RETURNED_DAYS: Final = 60


@dataclass(frozen=True, slots=True)
class Office:
    """What this room needs from outside: the policy tables, the lender's name on letters, the
    alternative that stands beside the ways to leave, if the lender has one, and who tells what is
    unusual about a line: the watch lives on a floor above. ``agency`` is the credit bureau whose files
    are read: name, address and telephone.
    """

    tables: Tables
    issuer_name: str
    offer: Offer | None = None
    watched: Callable[[Tx, UUID, datetime], Mapping[str, int]] | None = None
    agency: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """One case being worked on in one transaction."""

    tx: Tx
    office: Office
    clocks: Clocks
    line: Line
    now: datetime

    @classmethod
    def on(cls, tx: Tx, office: Office, line: Line, now: datetime) -> Work:
        """Take up a line, which the caller has locked."""
        return cls(tx, office, Clocks.of(packs.load(line.pack)), line, now)

    def refreshed(self) -> Work:
        """The same work with the line as it is now."""
        line = lines.get_line(self.tx, self.line.id)
        if isinstance(line, Refusal):
            raise LookupError(f"line {self.line.id} vanished")
        return replace(self, line=line)


def plan_of(tx: Tx, line: Line, now: datetime) -> Plan:
    """What is open on a line at ``now``, and what confirming would lead to."""
    today = line.today(now)
    open_minor = {
        (item.plan, item.no): item.principal_minor + item.interest_minor + item.fee_minor
        for item in billing_store.open_items(tx, [line.id])[line.id]
    }
    schedule = [
        Due(
            row["plan"],
            row["no"],
            row["due_on"],
            row["principal_minor"],
            row["interest_minor"],
            row["fee_minor"],
            open_minor[row["plan"], row["no"]],
        )
        for row in billing_store.schedule(tx, line.id)
        if (row["plan"], row["no"]) in open_minor
    ]
    disputed = purchases_store.suspended_minor(tx, line.id)
    activity = purchases_store.activity(tx, line.id, now)
    held_until = activity.last_expiry.date() if activity.last_expiry else None
    record = _record(tx, line, now)
    hanging = ties.ties_of(tx, line, now)
    return rules.plan(line, schedule, billing.payoff(tx, line, today), record, held_until, disputed, hanging)


def _record(tx: Tx, line: Line, now: datetime) -> Record:
    today = line.today(now)
    since = today - timedelta(days=_RECORD_DAYS)
    return billing_store.record(tx, line.id, today, since, now - timedelta(days=_RETURNED_DAYS))


def facts_of(work: Work, case: Exit | None = None) -> Facts:
    """What the next transition of ``case`` is decided on."""
    record = _record(work.tx, work.line, work.now)
    used = False
    if case and case.state is State.NOTICE:
        last_at = purchases_store.activity(work.tx, work.line.id, work.now).last_at
        used = last_at is not None and last_at > case.requested_at
    return Facts(
        today=work.line.today(work.now),
        owed_minor=work.line.owed_minor,
        held_minor=work.line.held_minor,
        clears_on=record.clears_on,
        legal_freeze=LockKind.LEGAL in work.line.locks,
        disputed_minor=purchases_store.suspended_minor(work.tx, work.line.id),
        used_since=used,
    )


def foreseen(work: Work, case: Exit, path: Path, ground: Ground | None = None) -> NewNotice | None:
    """The letter that choosing ``path`` would send as things stand, for the desk to read first.

    None where none goes out at once, and where a credit pays first what it covers or a trifle is
    waived: then what the letter says is known only once that has happened.
    """
    facts = facts_of(work)
    if ground is Ground.LEGAL:
        facts = replace(facts, legal_freeze=True)
    after = case if ground is Ground.LEGAL else rules.chosen(case, path)
    if settles_first(work, after):
        return None
    while step := rules.next_step(after, facts, work.now):
        after = rules.taken(after, step, work.now)
    if after.state is case.state:
        return None
    after = replace(after, due_at=rules.deadline(after, facts, work.clocks, work.line.timezone))
    plan = plan_of(work.tx, work.line, work.now)
    issuer_name = work.office.issuer_name
    return letters.foreseen(work.tx, case, after, work.line, plan, work.clocks, issuer_name, work.now)


def settles_first(work: Work, case: Exit) -> bool:
    """Whether a credit pays what it covers, or a trifle is waived, before anything else is done."""
    confirmed = replace(case, state=State.CONFIRMED)
    waives = rules.waives_remainder(confirmed, facts_of(work), work.clocks)
    return waives or bool(work.line.credit_minor and work.line.owed_minor)


def run(work: Work, case: Exit) -> Exit:
    """Take every step that is due, one after the other, and return where the case stands."""
    while True:
        work, facts = _settled(work, case)
        step = rules.next_step(case, facts, work.now)
        if step is None:
            return case
        case = _take(work, case, facts, step)
        work = work.refreshed()


def _settled(work: Work, case: Exit) -> tuple[Work, Facts]:
    """What somebody else drew is disputed, a leaving customer's credit pays what it covers, and a trifle
    that is left is waived. Returns what the next transition is decided on then.
    """
    if unopened.dispute_drawn(work.tx, work.line, case, work.now):
        work = work.refreshed()
    if case.state is State.RUN_OFF and _gives_interest_back(work):
        work = work.refreshed()
    if case.state in (State.CONFIRMED, State.RUN_OFF) and work.line.credit_minor and work.line.owed_minor:
        pay_off_with_credit(work.tx, work.line, work.now)
        work = work.refreshed()
    facts = facts_of(work, case)
    if rules.waives_remainder(case, facts, work.clocks):
        billing.waive_remainder(work.tx, work.line, work.clocks.de_minimis_minor, work.now)
        work = work.refreshed()
        facts = facts_of(work, case)
    return work, facts


def _gives_interest_back(work: Work) -> bool:
    """Whether an estate that paid what it was told, in time, has just been spared the interest since.

    Regulation Z, 12 CFR 1026.11(c)(3)(ii). What shops captured after the telling stays owed.
    """
    tx, line, now = work.tx, work.line, work.now
    estate = store.estate_of_line(tx, line.id)
    if estate is None or estate.told_at is None or estate.settle_by is None or not estate.told_minor:
        return False
    if store.paid_since(tx, line.id, estate.told_at, estate.settle_by) < estate.told_minor:
        return False
    today = line.today(now)
    bought = store.bought_since(tx, line.id, line.today(estate.told_at))
    rest = billing.payoff(tx, line, today).total_minor - bought
    return rest > 0 and billing_estates.give_back_interest(tx, line, rest, now) > 0


def _take(work: Work, case: Exit, facts: Facts, step: Step) -> Exit:
    moved = rules.taken(case, step, work.now)
    if moved.kind is not Kind.CLOSE:
        # A right that is exercised by saying so, a notice, a death: nothing is assessed.
        moved = replace(moved, route=Route.STRAIGHT_THROUGH)
    elif step.to in (State.CONFIRMED, State.HELD) and moved.route is None:
        moved = _assess(work, moved)
    if step.to is State.CLOSED:
        moved = replace(moved, closed_at=work.now, tail_until=rules.tail_end(facts.today, work.clocks))
    return enter(work, case, moved, facts)


def enter(work: Work, before: Exit, case: Exit, facts: Facts, stood: Heirs | None = None) -> Exit:
    """Everything that goes with entering a state: the line, the journal, the letters, the deadline.

    ``stood`` is who stood for the customer before, where that changed.
    """
    left = before.state
    due_at = rules.deadline(case, facts, work.clocks, work.line.timezone)
    case = replace(case, due_at=due_at)
    plan = plan_of(work.tx, work.line, work.now)
    if left is State.NOTICE:
        # What was open when notice was given has moved on since; from here on it runs off.
        case = replace(case, plan=plan)
    entry = {"exit": case.id, "from": left, "why": case.why, "ground": case.ground}
    actor = "system"
    work.tx.record(Entry(work.now, _KINDS[case.state], "exit", case.id, actor, entry))
    follow = _stop if left is State.NOTICE else _FOLLOWS.get(case.state)
    if follow:
        follow(work, case)
    if case.waits_for_desk:
        data = {"due_at": due_at, "route": case.route}
        work.tx.record(Entry(work.now, "exit.review_opened", "exit", case.id, actor, data))
    store.save(work.tx, case)
    remind(work, case)
    issuer_name = work.office.issuer_name
    letters.tell(work.tx, before, case, work.line, plan, work.clocks, issuer_name, work.now, stood)
    return case


def remind(work: Work, case: Exit) -> None:
    """Keep the case's one timer at its deadline."""
    if case.due_at:
        set_timer(work.tx, "exit.deadline", case.id, case.due_at, work.now)
    else:
        cancel_timer(work.tx, "exit.deadline", case.id, work.now)


def _assess(work: Work, case: Exit) -> Exit:
    """Look at the case in five parts and ask the policy table for its route; keep both."""
    tx, line, now = work.tx, work.line, work.now
    today = line.today(now)
    inputs = assessment.Inputs(
        case=case,
        line=line,
        plan=plan_of(tx, line, now),
        debt=billing.debt(tx, line.id, today),
        record=_record(tx, line, now),
        activity=purchases_store.activity(tx, line.id, now),
        bills=billing_store.bills(tx, line.id),
        book=billing_store.book_total(tx, line.currency, today),
        contact_changed_at=identity.contact_changed_at(tx, case.customer),
        now=now,
        open_disputes=_open_disputes(tx, line),
        score=champions.last_score(tx, "behaviour", line.id),
        watched=work.office.watched(tx, line.id, now) if work.office.watched else {},
    )
    facts = assessment.facts(inputs)
    decision = decisions.decide(tx, work.office.tables, "exit-routing", case.id, facts, now)
    route = Route(decision.outcome["route"])
    kept = Kept(case.id, now, decision.id, route, decision.reasons, assessment.assess(inputs))
    store.add_assessment(tx, kept)
    data = {"decision": decision.id, "route": route, "reasons": list(decision.reasons)}
    tx.record(Entry(now, "exit.assessed", "exit", case.id, "system", data))
    # A doubted identity is routed by what the desk finds, so it is asked again once proven.
    return replace(case, route=route) if case.state is State.CONFIRMED else case


def _open_disputes(tx: Tx, line: Line) -> int:
    found = purchases_store.disputes_of_line(tx, line.id)
    return sum(dispute.outcome is DisputeOutcome.OPEN for dispute in found)


def _stop(work: Work, case: Exit) -> None:
    """The lender's notice is over: drawing stops. One that was called off leaves nothing behind."""
    if case.state is not State.CONFIRMED:
        return
    tx, line, now = work.tx, work.line, work.now
    ties.stop(tx, line, "system", now)
    lines.set_lock(tx, line.id, LockKind.EXIT, Party.ISSUER, case.reference, "system", now)
    lines.move(tx, line, Lifecycle.CLOSING, GROUNDS[case.kind], "system", now)
    tx.record(Entry(now, "line.spending_stopped", "line", line.id, "system", {"exit": case.id}))


def call_off(work: Work, notice: Exit, why: str, actor: str) -> Exit:
    """End a notice before its time; the line goes on as if it had not been given."""
    done = rules.called_off(notice, why, work.now)
    data = {"from": notice.state, "why": why}
    work.tx.record(Entry(work.now, "exit.cancelled", "exit", done.id, actor, data))
    store.save(work.tx, done)
    remind(work, done)
    issuer_name = work.office.issuer_name
    letters.tell(work.tx, notice, done, work.line, notice.plan, work.clocks, issuer_name, work.now)
    return done


def _run_off(work: Work, case: Exit) -> None:
    if work.line.lifecycle is Lifecycle.CLOSING:
        lines.move(work.tx, work.line, Lifecycle.RUN_OFF, case.why, "system", work.now)


def _close(work: Work, case: Exit) -> None:
    ties.end(work.tx, work.line, work.now)
    work = work.refreshed()
    pay_out(work, case)
    lines.move(work.tx, work.line, Lifecycle.CLOSED, GROUNDS[case.kind], "system", work.now)


def pay_out(work: Work, case: Exit) -> None:
    """Pay out the credit of a line that closes or has closed; what may not go yet the night tries again.

    While an order of the law stands on the line nothing leaves it.
    """
    tx, line, now = work.tx, work.line, work.now
    if line.credit_minor <= 0 or LockKind.LEGAL in line.locks:
        return
    sent = billing_store.payouts(tx, line.id)
    began_at = store.credit_since(tx, line.id, sent[-1].sent_at if sent else None) or now
    since = line.today(max(began_at, case.closed_at or now))
    changed_at = identity.contact_changed_at(tx, case.customer)
    if rules.may_pay_out(changed_at, since, line.today(now), now, work.clocks):
        billing.pay_out_credit(tx, line, "system", now)


def _keep_locked(work: Work, case: Exit) -> None:
    """Not an exit any more, and still no drawing: the customer's own lock stays until they lift it."""
    why = f"exit_{case.state}"
    lines.set_lock(work.tx, work.line.id, LockKind.CUSTOMER, Party.CUSTOMER, why, "system", work.now)
    reopen(work, why, "system")


def reopen(work: Work, ground: str, actor: str) -> None:
    """Lift the stop and bring the line back to where it was."""
    lines.lift_lock(work.tx, work.line.id, LockKind.EXIT, Party.CUSTOMER, actor, work.now)
    lines.move(work.tx, work.line, Lifecycle.ACTIVE, ground, actor, work.now)


_FOLLOWS: Final[dict[State, Callable[[Work, Exit], None]]] = {
    State.RUN_OFF: _run_off,
    State.CLEARING: _run_off,
    State.CLOSED: _close,
    State.LAPSED: _keep_locked,
    State.REJECTED: _keep_locked,
}
