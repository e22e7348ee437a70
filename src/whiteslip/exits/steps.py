"""Take the steps that ``rules`` finds due, and everything that goes with each. None commits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from whiteslip import billing, decisions, lines
from whiteslip.billing import estates as billing_estates
from whiteslip.billing import store as billing_store
from whiteslip.billing.acts import pay_off_with_credit
from whiteslip.decisions import champions
from whiteslip.exits import accounts, assessment, letters, overtaken, rules, store, ties, unopened
from whiteslip.exits.following import effect
from whiteslip.exits.model import (
    BY_LENDER,
    Exit,
    Facts,
    Ground,
    Kept,
    Kind,
    Path,
    Route,
    State,
    Step,
)
from whiteslip.exits.noticed import is_proven
from whiteslip.exits.telling import Heirs
from whiteslip.exits.work import Work
from whiteslip.lines.model import LockKind
from whiteslip.notices import NewNotice
from whiteslip.store import Entry
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


def facts_of(work: Work, case: Exit | None = None, beside: Exit | None = None) -> Facts:
    """What the next transition of ``case`` is decided on; of a notice: what goes on ``beside`` it, if that is
    known to be something else than what the books have.
    """
    used = False
    if case and case.state is State.NOTICE:
        last_at = work.on_file.activity.last_at
        used = last_at is not None and last_at > case.requested_at
        beside = beside or store.open_of_line(work.tx, work.line.id)
    return Facts(
        today=work.line.today(work.now),
        owed_minor=work.line.owed_minor,
        held_minor=work.line.held_minor,
        clears_on=work.on_file.record.clears_on,
        legal_freeze=LockKind.LEGAL in work.line.locks,
        disputed_minor=work.on_file.disputed_minor,
        used_since=used,
        beside=beside,
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
    return letters.foreseen(work, case, after, work.on_file.plan)


def settles_first(work: Work, case: Exit) -> bool:
    """Whether a credit pays what it covers, or a trifle is waived, before anything else is done."""
    confirmed = replace(case, state=State.CONFIRMED)
    waives = rules.waives_remainder(confirmed, facts_of(work), work.clocks)
    return waives or bool(work.line.credit_minor and work.line.owed_minor)


def run(work: Work, case: Exit, new: bool = False, beside: Exit | None = None) -> Exit:
    """Take every step that is due, one after the other, and return where the case stands.

    The case is stored as it came in; one that is ``new`` has no timer yet. ``beside``: see :func:`facts_of`.
    """
    begun, timed_at = case, None if new else case.due_at
    while not case.has_ended:
        work, facts = _settled(work, case, beside)
        step = rules.next_step(case, facts, work.now)
        if step is None:
            break
        before, case = case, _take(work, case, facts, step)
        if _follow(before, case) and not case.has_ended:
            work = work.refreshed()
    if case is not begun:
        store.save(work.tx, case)
    if case.due_at != timed_at:
        remind(work, case)
    if case is not begun or case.state is State.HELD:
        weigh_notice(work, case)
    return case


def weigh_notice(work: Work, case: Exit) -> None:
    """Take what is due on the lender's notice beside a case that was proven, whatever came of that at once,
    or that is over.
    """
    notice = None if case.kind in BY_LENDER else store.notice_of_line(work.tx, work.line.id)
    if notice:
        run(work.refreshed(), notice, beside=case if is_proven(case) else None)


def _settled(work: Work, case: Exit, beside: Exit | None) -> tuple[Work, Facts]:
    """What somebody else drew is disputed, a leaving customer's credit pays what it covers, and a trifle
    that is left is waived. Returns what the next transition is decided on then.
    """
    if unopened.dispute_drawn(work.tx, work.line, case, work.now):
        work = work.refreshed(anew=True)
    if case.state is State.RUN_OFF and _gives_interest_back(work):
        work = work.refreshed()
    if case.state in (State.CONFIRMED, State.RUN_OFF) and work.line.credit_minor and work.line.owed_minor:
        pay_off_with_credit(work.tx, work.line, work.now)
        work = work.refreshed()
    if waive_trifle(work, case):
        work = work.refreshed()
    return work, facts_of(work, case, beside)


def waive_trifle(work: Work, case: Exit) -> bool:
    """Give up what is left and too little to be asked for; whether there was any."""
    if not rules.waives_remainder(case, facts_of(work, case), work.clocks):
        return False
    return billing.waive_remainder(work.tx, work.line, work.clocks.de_minimis_minor, work.now) > 0


def _gives_interest_back(work: Work) -> bool:
    """Whether an estate that paid what it was told, in time, has just been spared the interest since.

    Regulation Z, 12 CFR 1026.11(c)(3)(ii). What shops captured after the telling stays owed.
    """
    tx, line, now = work.tx, work.line, work.now
    estate = work.on_file.estate
    if estate is None or estate.told_at is None or estate.settle_by is None or not estate.told_minor:
        return False
    if store.paid_since(tx, line.id, estate.told_at, estate.settle_by) < estate.told_minor:
        return False
    bought = store.bought_since(tx, line.id, line.today(estate.told_at))
    rest = work.on_file.plan.payoff_minor - bought
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
    """What goes with entering a state: the line, the journal, the letters. The case is not stored.

    ``stood`` is who stood for the customer before, where that changed.
    """
    left = before.state
    due_at = rules.deadline(case, facts, work.clocks, work.line.timezone)
    case = replace(case, due_at=due_at)
    plan = work.on_file.plan
    if left is State.NOTICE:
        # What was open when notice was given has moved on since; from here on it runs off.
        case = replace(case, plan=plan)
    entry = {"exit": case.id, "from": left, "why": case.why, "ground": case.ground}
    actor = "system"
    work.tx.record(Entry(work.now, _KINDS[case.state], "exit", case.id, actor, entry))
    if follow := _follow(before, case):
        follow(work, left, case)
    if case.waits_for_desk:
        data = {"due_at": due_at, "route": case.route}
        work.tx.record(Entry(work.now, "exit.review_opened", "exit", case.id, actor, data))
    letters.tell(work, before, case, plan, stood)
    return case


def _follow(before: Exit, case: Exit) -> Callable[[Work, State, Exit], None] | None:
    """What entering a state does to the line, if anything."""
    return _stop if before.state is State.NOTICE else _FOLLOWS.get(case.state)


def remind(work: Work, case: Exit) -> None:
    """Keep the case's one timer at its deadline."""
    if case.due_at:
        set_timer(work.tx, "exit.deadline", case.id, case.due_at, work.now)
    else:
        cancel_timer(work.tx, "exit.deadline", case.id, work.now)


def _assess(work: Work, case: Exit) -> Exit:
    """Look at the case in five parts and ask the policy table for its route; keep both."""
    tx, line, now, known = work.tx, work.line, work.now, work.on_file
    inputs = assessment.Inputs(
        case=case,
        line=line,
        plan=known.plan,
        debt=known.debt,
        record=known.record,
        activity=known.activity,
        bills=billing_store.bills(tx, line.id),
        book=billing_store.book_total(tx, line.currency, line.today(now)),
        contact_changed_at=known.contact_changed_at,
        now=now,
        open_disputes=len(known.open_disputes),
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


def affect(work: Work, left: State | None, case: Exit, ground: str, actor: str) -> None:
    """Do to the line what a case does that has left a state, or begins: see ``following``."""
    found, tx, line = effect(left, case.state, work.line.lifecycle), work.tx, work.line
    if found.sets:
        reason = case.reference if found.sets[0] is LockKind.EXIT else ground
        lines.set_lock(tx, line.id, *found.sets, reason, actor, work.now)
    if found.lifts:
        lines.lift_lock(tx, line.id, *found.lifts, actor, work.now)
    if found.to:
        lines.move(tx, line, found.to, ground, actor, work.now)


def _stop(work: Work, left: State, case: Exit) -> None:
    """The lender's notice is over: drawing stops. One that was called off leaves nothing behind."""
    if case.state is not State.CONFIRMED:
        return
    tx, line, now = work.tx, work.line, work.now
    ties.stop(tx, line, work.on_file.ties, "system", now)
    affect(work, left, case, GROUNDS[case.kind], "system")
    tx.record(Entry(now, "line.spending_stopped", "line", line.id, "system", {"exit": case.id}))


def call_off(work: Work, notice: Exit, why: str, actor: str) -> Exit:
    """End a notice before its time; the line goes on as if it had not been given."""
    done = rules.called_off(notice, why, work.now)
    data = {"from": notice.state, "why": why}
    work.tx.record(Entry(work.now, "exit.cancelled", "exit", done.id, actor, data))
    store.save(work.tx, done)
    remind(work, done)
    letters.tell(work, notice, done, notice.plan)
    return done


def _run_off(work: Work, left: State, case: Exit) -> None:
    overtaken.overtake(work.tx, work.line.id, case.id, work.now)
    affect(work, left, case, case.why, "system")


def _close(work: Work, left: State, case: Exit) -> None:
    if ties.end(work.tx, work.line, work.on_file.ties, work.now):
        work = work.refreshed()
    overtaken.overtake(work.tx, work.line.id, case.id, work.now)
    pay_out(work, case)
    affect(work, left, case, GROUNDS[case.kind], "system")


def pay_out(work: Work, case: Exit) -> None:
    """Pay out the credit of a line that closes or has closed; what may not go yet the night tries again.

    While an order of the law stands on the line nothing leaves it.
    """
    tx, line, now = work.tx, work.line, work.now
    if line.credit_minor <= 0 or LockKind.LEGAL in line.locks:
        return
    sent_at = max((payout.sent_at for payout in billing_store.payouts(tx, line.id)), default=None)
    began_at = store.credit_since(tx, line.id, sent_at) or now
    since = line.today(max(began_at, case.closed_at or now))
    changed_at = work.on_file.contact_changed_at
    if rules.may_pay_out(changed_at, since, line.today(now), now, work.clocks):
        paid = billing.pay_out_credit(tx, line, accounts.payee(tx, line), "system", now)
        if paid and paid.awaits_account:
            accounts.ask(tx, work.office, line, paid, now)


def _keep_locked(work: Work, left: State, case: Exit) -> None:
    affect(work, left, case, f"exit_{case.state}", "system")


_FOLLOWS: Final[dict[State, Callable[[Work, State, Exit], None]]] = {
    State.RUN_OFF: _run_off,
    State.CLEARING: _run_off,
    State.CLOSED: _close,
    State.LAPSED: _keep_locked,
    State.REJECTED: _keep_locked,
}
