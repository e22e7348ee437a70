"""A customer has died: the line stops, costs nothing more, and whoever settles it is told the balance.

Regulation Z, 12 CFR 1026.11(c), taken for every jurisdiction: the balance is told within thirty days
(here at once), no fee arises after the request, and who pays the sum told within thirty days owes no
interest for the time between. The paper that shows who may settle the estate is the only evidence
that is ever asked for. A wish to leave that the customer had proven stays theirs. None commits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from whiteslip import exits, lines
from whiteslip.base import Refusal
from whiteslip.billing import estates as billing_estates
from whiteslip.billing import store as billing_store
from whiteslip.exits import acts, letters, rules, steps, store
from whiteslip.exits.model import Channel, Estate, Exit, Kind, State
from whiteslip.exits.telling import Heirs
from whiteslip.exits.work import Office, Work
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle, LockKind, Party
from whiteslip.store import Entry, Tx


class StandsWhy(StrEnum):
    """Why a reported death is not undone though somebody proposed it."""

    PAPER_SHOWS_IT = "paper_shows_it"
    NOT_PROVEN = "not_proven"


def report(
    tx: Tx, office: Office, line_id: UUID, channel: Channel, actor: str, now: datetime
) -> Exit | Refusal:
    """Somebody says that the customer has died: drawing and fees stop in this transaction.

    A letter goes to the address on file, so that who is alive can say so. A case that is open goes on, a
    line that has closed stays closed; reporting twice is the same as once. Refusals: ``line.not_found``,
    ``exit.line_closed`` where nothing can come of a closed line any more.
    """
    locked = lines.get_line(tx, line_id, lock=True)
    if not isinstance(locked, Refusal) and locked.lifecycle is Lifecycle.CLOSED:
        return _report_late(tx, office, locked, actor, now)
    known = None if isinstance(locked, Refusal) else store.open_of_line(tx, line_id)
    case = exits.request(tx, office, line_id, channel, actor, now, kind=Kind.ESTATE)
    if isinstance(case, Refusal) or store.estate_of_line(tx, line_id):
        return case
    work = _work(tx, office, case, now)
    took_over = rules.as_estate(case) != case
    case = _taken_over(work, case) if took_over else case
    store.add_estate(tx, Estate(line_id, case.id, actor, now, took_over=took_over))
    tx.record(Entry(now, "estate.reported", "line", line_id, actor, {"exit": case.id}))
    billing_estates.stop_fees(tx, work.line, actor, now)
    if known:
        # A case that began with the report has told it; whoever else may draw was told when it began.
        letters.tell(work, known, case, work.on_file.plan, Heirs.NONE)
    return steps.run(_work(tx, office, case, now), case)


def _report_late(tx: Tx, office: Office, line: Line, actor: str, now: datetime) -> Exit | Refusal:
    """A death after the line has closed: what is owed anew, or was paid out in vain, is the estate's."""
    case = next((each for each in store.of_line(tx, line.id) if each.state is State.CLOSED), None)
    if case is None or not _has_loose_ends(tx, line, case):
        return Refusal("exit.line_closed")
    if store.estate_of_line(tx, line.id):
        return case
    store.add_estate(tx, Estate(line.id, case.id, actor, now))
    tx.record(Entry(now, "estate.reported", "line", line.id, actor, {"exit": case.id}))
    billing_estates.stop_fees(tx, line, actor, now)
    work = Work.on(tx, office, line, now)
    letters.tell(work, case, case, work.on_file.plan, Heirs.NONE)
    return case


def _has_loose_ends(tx: Tx, line: Line, case: Exit) -> bool:
    """Whether a closed line owes or is owed something, or was paid out what may still come back."""
    payouts = billing_store.payouts(tx, line.id)
    waits = any(each.state == "unclaimed" for each in payouts)
    return bool(line.owed_minor or line.credit_minor or waits or (case.in_tail and payouts))


def _taken_over(work: Work, case: Exit) -> Exit:
    """A wish that nobody has proven, as the estate's: it has the estate's time."""
    case = rules.as_estate(case)
    if case.state is State.STOPPED:
        due_at = rules.deadline(case, steps.facts_of(work), work.clocks, work.line.timezone)
        case = replace(case, due_at=due_at)
    store.save(work.tx, case)
    steps.remind(work, case)
    return case


def _work(tx: Tx, office: Office, case: Exit, now: datetime) -> Work:
    line = lines.get_line(tx, case.line, lock=True)
    if isinstance(line, Refusal):
        raise LookupError(f"line {case.line} vanished")
    return Work.on(tx, office, line, now)


def show_authority(
    tx: Tx,
    office: Office,
    exit_id: UUID,
    contact: UUID,
    language: str,
    authority: str,
    actor: str,
    now: datetime,
) -> Exit | Refusal:
    """Somebody has shown that they settle the estate; they are told the balance at once.

    ``contact`` is in the identity vault already; ``authority`` refers to the paper. Shown again, the
    new person is told the balance as it is then. Refusals: ``exit.not_found``, ``exit.not_open``,
    ``estate.not_reported``.
    """
    both = _both(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    line, case, estate = both
    if not case.is_open and not (case.state is State.CLOSED and _has_loose_ends(tx, line, case)):
        return Refusal("exit.not_open", {"state": case.state})
    tx.record(Entry(now, "estate.authority_shown", "line", line.id, actor, {"exit": case.id}))
    before, case = case, rules.with_authority(case)
    store.save(tx, case)
    work = Work.on(tx, office, line, now)
    plan = work.on_file.plan
    estate = replace(
        estate,
        contact=contact,
        language=language,
        authority=authority,
        told_at=now,
        told_minor=plan.payoff_minor,
        settle_by=line.today(now) + timedelta(days=work.clocks.interest_free_days),
    )
    store.save_estate(tx, estate)
    # Whoever showed it before stands for the line no more: the new person is told as if they were first.
    work = Work.on(tx, office, line, now)
    letters.tell(work, before, case, plan, Heirs.REPORTED)
    data = {"exit": case.id, "told_minor": estate.told_minor, "settle_by": estate.settle_by}
    tx.record(Entry(now, "estate.balance_told", "line", line.id, actor, data))
    return steps.run(work, case)


def undo(
    tx: Tx, office: Office, exit_id: UUID, actor: str, now: datetime, proven: bool = False
) -> Exit | Refusal:
    """The report was an error: it takes two people, or the customer who has ``proven`` that it is them; the
    first changes nothing yet. A case that it began is taken back; one that the customer had begun
    goes on as theirs, or lapses where nobody had proven it: their own lock stays. Fees given up stay
    given up. Refusals: ``exit.not_found``, ``estate.not_reported``, ``exit.not_open``,
    ``desk.own_proposal``.
    """
    both = _both(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    line, case, estate = both
    if not case.is_open and (case.state is not State.CLOSED or case.kind is Kind.ESTATE):
        return Refusal("exit.not_open", {"state": case.state})
    if not proven and estate.undo_asked_by is None:
        store.save_estate(tx, replace(estate, undo_asked_by=actor))
        tx.record(Entry(now, "estate.undo_proposed", "line", line.id, actor, {"exit": case.id}))
        return case
    if not proven and estate.undo_asked_by == actor:
        return Refusal("desk.own_proposal")
    tx.record(Entry(now, "estate.ended", "line", line.id, actor, {"exit": case.id}))
    store.end_estate(tx, line.id, now)
    billing_estates.allow_fees(tx, line)
    work = Work.on(tx, office, line, now)
    if case.kind is Kind.ESTATE and estate.took_over:
        lapsed = rules.undone(case, took_over=True, now=now)
        lapsed = steps.enter(work, case, lapsed, steps.facts_of(work), letters.heirs_of(estate))
        store.save(tx, lapsed)
        steps.remind(work, lapsed)
        steps.weigh_notice(work, lapsed)
        return lapsed
    if case.kind is Kind.ESTATE:
        return acts.take_back(work, case, "reported_in_error", actor)
    letters.tell(work, case, case, work.on_file.plan, letters.heirs_of(estate))
    return case


def turn_down_undo(tx: Tx, exit_id: UUID, why: StandsWhy, actor: str, now: datetime) -> Exit | Refusal:
    """Another person does not agree that the report was an error: it stands, and everything with it.

    Refusals: ``exit.not_found``, ``estate.not_reported``, ``estate.nothing_proposed``, ``desk.own_proposal``.
    """
    both = _both(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    line, case, estate = both
    if estate.undo_asked_by is None:
        return Refusal("estate.nothing_proposed")
    if estate.undo_asked_by == actor:
        return Refusal("desk.own_proposal")
    store.save_estate(tx, replace(estate, undo_asked_by=None))
    data = {"exit": case.id, "why": why, "proposed_by": estate.undo_asked_by}
    tx.record(Entry(now, "estate.undo_turned_down", "line", line.id, actor, data))
    return case


def release(tx: Tx, office: Office, exit_id: UUID, actor: str, now: datetime) -> Exit | Refusal:
    """The heirs agree, or a court has spoken: the hold on the ground of law ends and the case goes on.

    Refusals: ``exit.not_found``, ``estate.not_reported``.
    """
    both = _both(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    line, case, _ = both
    refused = lines.lift_lock(tx, line.id, LockKind.LEGAL, Party.AUTHORITY, actor, now)
    return refused or steps.run(Work.on(tx, office, line, now).refreshed(), case)


def _both(tx: Tx, exit_id: UUID) -> tuple[Line, Exit, Estate] | Refusal:
    both = acts.locked(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    estate = store.estate_of_line(tx, both[0].id)
    return (*both, estate) if estate else Refusal("estate.not_reported")
