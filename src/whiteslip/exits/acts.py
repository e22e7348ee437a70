"""Ask to leave, prove who you are, change your mind, choose a path. None commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from whiteslip import lines, packs
from whiteslip.base import Refusal, ids, new_id
from whiteslip.exits import letters, rules, steps, store, ties, unopened
from whiteslip.exits.choices import Choice
from whiteslip.exits.model import TAKES_TWO, Channel, Exit, Ground, Identity, Kind, Path, Plan, Reason, State
from whiteslip.exits.rules import Clocks
from whiteslip.exits.work import Office, OnFile, Work
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle, LockKind, Party
from whiteslip.store import Entry, Tx


def preview(tx: Tx, line_id: UUID, now: datetime) -> Plan | Refusal:
    """What is open and what confirming would lead to. Changes nothing."""
    line = lines.get_line(tx, line_id)
    return line if isinstance(line, Refusal) else OnFile(tx, line, now).plan


def request(
    tx: Tx,
    office: Office,
    line_id: UUID,
    channel: Channel,
    actor: str,
    now: datetime,
    who: Identity = Identity.PENDING,
    not_me: bool = False,
    kind: Kind = Kind.CLOSE,
) -> Exit | Refusal:
    """Ask to close a line. Drawing stops in this transaction, whatever follows.

    Asking again while a case is open returns that case; a proof of identity that came with the second
    request counts. The lender's notice stands until it is known who asked. Refusals: ``line.not_found``,
    ``exit.line_closed``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    if line.lifecycle is Lifecycle.CLOSED:
        return Refusal("exit.line_closed")
    work = Work.on(tx, office, line, now)
    if known := store.open_of_line(tx, line_id):
        return known if who is Identity.PENDING else _identify(work, known, who, not_me, actor)
    case = Exit(
        id=new_id(now),
        reference=new_reference(tx),
        line=line.id,
        customer=line.customer,
        channel=channel,
        state=State.STOPPED,
        why="requested",
        since=now,
        requested_at=now,
        plan=work.on_file.plan,
        kind=kind,
        identity=who,
        not_me=not_me,
    )
    steps.affect(work, None, case, "estate" if kind is Kind.ESTATE else "customer_request", actor)
    data = {"line": line.id, "kind": kind, "channel": channel, "outcome": case.plan.outcome, "not_me": not_me}
    tx.record(Entry(now, "exit.requested", "exit", case.id, actor, data))
    tx.record(Entry(now, "line.spending_stopped", "line", line.id, actor, {"exit": case.id}))
    ties.stop(tx, line, case.plan.ties, actor, now)
    work = work.refreshed(anew=unopened.dispute_drawn(tx, line, case, now))
    case = replace(case, due_at=rules.deadline(case, steps.facts_of(work), work.clocks, line.timezone))
    store.add(tx, case)
    letters.tell(work, None, case, case.plan)
    return steps.run(work, case, new=True)


def new_reference(tx: Tx) -> str:
    """A reference that no case carries yet."""
    while store.by_reference(tx, reference := ids.new_reference("EX")):
        pass
    return reference


def confirm(tx: Tx, office: Office, exit_id: UUID, actor: str, now: datetime) -> Exit | Refusal:
    """The customer proved who they are, here or in the session they came from.

    Refusals: ``exit.not_found``, ``exit.not_open``.
    """
    both = _open(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    line, case = both
    return _identify(Work.on(tx, office, line, now), case, Identity.VERIFIED, False, actor)


def doubt(
    tx: Tx, office: Office, exit_id: UUID, actor: str, now: datetime, not_me: bool = False
) -> Exit | Refusal:
    """The proof failed or cannot be given, or it was not the customer who asked, or they never opened the
    line: a person looks at it, also where somebody had been taken for them. Drawing stays stopped.

    Refusals: ``exit.not_found``, ``exit.not_open``, ``exit.doubt_not_possible``.
    """
    both = _open(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    line, case = both
    work = Work.on(tx, office, line, now)
    waits = case.state is State.STOPPED and case.kind is not Kind.ESTATE
    if waits and case.identity is not Identity.VERIFIED:
        return _identify(work, case, Identity.DOUBTED, not_me, actor)
    news = not_me and not case.not_me
    if case.identity is Identity.DOUBTED and (news or case.state is State.HELD):
        if not news:
            return case
        after = case
    elif rules.can_doubt(case) and work.on_file.estate is None:
        after = rules.doubted(case)
    else:
        return Refusal("exit.doubt_not_possible", {"state": case.state, "kind": case.kind})
    return _checked(work, replace(after, not_me=case.not_me or not_me), actor)


def _open(tx: Tx, exit_id: UUID) -> tuple[Line, Exit] | Refusal:
    both = locked(tx, exit_id)
    if isinstance(both, Refusal) or both[1].is_open:
        return both
    return Refusal("exit.not_open", {"state": both[1].state})


def _identify(work: Work, case: Exit, who: Identity, not_me: bool, actor: str) -> Exit:
    """Note what is known of who asked. What was proven once is not doubted by a later slip; and whether it is
    the customer says nothing of who settles an estate: a paper shows that, or the report is undone.
    """
    if case.state is not State.STOPPED or case.identity is Identity.VERIFIED or case.kind is Kind.ESTATE:
        return case
    return _checked(work, replace(case, identity=who, not_me=case.not_me or not_me), actor)


def _checked(work: Work, case: Exit, actor: str) -> Exit:
    """Note what is known of who asked, and take the steps that follow from it."""
    store.save(work.tx, case)
    data = {"identity": case.identity} | ({"not_me": True} if case.not_me else {})
    work.tx.record(Entry(work.now, "exit.identity_checked", "exit", case.id, actor, data))
    return steps.run(work, case)


def choose_path(
    tx: Tx,
    office: Office,
    exit_id: UUID,
    path: Path,
    reasons: Sequence[str],
    actor: str,
    now: datetime,
    ground: Ground | None = None,
    proposed_by: str | None = None,
    letter_sha256: str | None = None,
) -> Exit | Refusal:
    """The desk chooses how the customer leaves, never whether.

    ``CLOSE_NOW`` does not wait for payments to clear; ``RUN_OFF`` lets money decide; ``HOLD``
    needs a ``ground`` and two people (``proposed_by``, another ``actor``) and ends by itself.
    ``REJECT`` takes two as well: it was not the customer who asked. Choosing either of the first two
    on a case held for identity says that the desk is satisfied. ``letter_sha256`` is the hash of the
    letter that was read before choosing.
    Refusals: ``exit.not_found``,
    ``exit.path_not_possible``, ``exit.ground_missing``, ``desk.second_person_missing``.
    """
    both = locked(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    line, case = both
    work = Work.on(tx, office, line, now)
    if not can_choose(work, case, path, ground):
        return Refusal("exit.path_not_possible", {"path": path, "state": case.state})
    if path is Path.HOLD and ground is None:
        return Refusal("exit.ground_missing")
    if path in TAKES_TWO and proposed_by in (None, actor):
        return Refusal("desk.second_person_missing")
    kept = store.assessment(tx, case.id)
    blind = rules.is_blind(case.id, work.clocks.blind_sample_bps)
    made = Choice(case.id, path, tuple(reasons), actor, now, now, ground, letter_sha256=letter_sha256)
    store.add_choice(tx, made, kept.route if kept else None, blind)
    data = {"path": path, "ground": ground, "reasons": list(reasons), "proposed_by": proposed_by}
    tx.record(Entry(now, "exit.path_chosen", "exit", case.id, actor, data))
    if ground is Ground.LEGAL:
        lines.set_lock(tx, line.id, LockKind.LEGAL, Party.AUTHORITY, case.reference, actor, now)
    else:
        case = rules.chosen(case, path)
        store.save(tx, case)
    return steps.run(work.refreshed(), case)


def can_choose(work: Work, case: Exit, path: Path, ground: Ground | None = None) -> bool:
    """Whether the desk may put a case on ``path``; an estate that heirs dispute may wait on the
    ground of law wherever it stands.
    """
    estate = work.on_file.estate is not None
    if path is Path.HOLD and ground is not Ground.IDENTITY and estate:
        return rules.may_hold_estate(case)
    return rules.can_choose(case, path, steps.facts_of(work), estate)


def cancel(tx: Tx, office: Office, exit_id: UUID, actor: str, now: datetime) -> Exit | Refusal:
    """The customer changes their mind: the line is back as it was, without a new assessment.

    Refusals: ``exit.not_found``, ``exit.not_cancellable`` (closed already, the time is over, or the
    customer is said to have died).
    """
    both = locked(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    line, case = both
    work = Work.on(tx, office, line, now)
    if not rules.can_cancel(case, work.clocks, now) or store.estate_of_line(tx, line.id):
        return Refusal("exit.not_cancellable", {"state": case.state, "days": work.clocks.cancel_days})
    return take_back(work, case, "customer_changed_their_mind", actor)


def take_back(work: Work, case: Exit, why: str, actor: str) -> Exit:
    """Take an open case back: the line is as it was before."""
    tx, now = work.tx, work.now
    done = rules.called_off(case, why, now)
    steps.affect(work, case.state, done, "exit_cancelled", actor)
    tx.record(Entry(now, "exit.cancelled", "exit", case.id, actor, {"from": case.state, "why": why}))
    store.save(tx, done)
    steps.remind(work, done)
    letters.tell(work, case, done, case.plan)
    steps.weigh_notice(work, done)
    return done


def advance(tx: Tx, office: Office, exit_id: UUID, now: datetime) -> Exit | Refusal:
    """Take whatever steps are due on a case: after a payment, at a deadline, in the night.

    A credit that reaches a closed line (a late refund) is paid out, once the customer's contact data
    is not new any more and no order of the law stands on the line; what is owed there and a trifle is given
    up. Doing it again changes nothing.
    Refusal: ``exit.not_found``.
    """
    both = locked(tx, exit_id)
    return both if isinstance(both, Refusal) else _advance(tx, office, *both, now)


def _advance(tx: Tx, office: Office, line: Line, case: Exit, now: datetime) -> Exit:
    if case.state is State.CLOSED and line.credit_minor:
        steps.pay_out(Work.on(tx, office, line, now), case)
    elif case.state is State.CLOSED and line.owed_minor:
        steps.waive_trifle(Work.on(tx, office, line, now), case)
    if rules.tail_is_over(case, line.today(now)):
        case = replace(case, tail_until=None)
        store.save(tx, case)
        tx.record(Entry(now, "exit.tail_ended", "exit", case.id, "system"))
        return case
    return case if case.has_ended else steps.run(Work.on(tx, office, line, now), case)


def advance_line(tx: Tx, office: Office, line_id: UUID, now: datetime) -> Exit | None:
    """:func:`advance` for the line's open case, if there is one."""
    case = store.standing(tx, line_id)
    if case is None:
        return None
    moved = advance(tx, office, case.id, now)
    return None if isinstance(moved, Refusal) else moved


def review(
    tx: Tx, office: Office, now: datetime, after: UUID | None = None, count: int = 200
) -> tuple[int, UUID | None]:
    """Advance up to ``count`` cases above ``after`` that something may be due for.

    Returns how many there were, and the last of them, None after the last page.
    """
    small = max(packs.load(name).minor("exit.de_minimis_minor") for name in packs.names())
    due = store.to_review(tx, after, small, now, count)
    # Lines first, then cases: the order in which every act locks.
    found = lines.get_lines(tx, due.values(), lock=True) if due else {}
    for case in store.lock_many(tx, due) if due else ():
        # Of one line two cases may be due: the second sees what the first did.
        both = (line, case) if (line := found.pop(case.line, None)) else locked(tx, case.id)
        if not isinstance(both, Refusal):
            _advance(tx, office, *both, now)
    return len(due), max(due) if len(due) == count else None


def give_reason(tx: Tx, exit_id: UUID, reason: Reason, actor: str, now: datetime) -> Exit | Refusal:
    """The customer says why they left: afterwards, if at all. Refusal: ``exit.not_found``."""
    both = locked(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    case = replace(both[1], reason=reason)
    store.save(tx, case)
    tx.record(Entry(now, "exit.reason_given", "exit", case.id, actor, {"reason": reason}))
    return case


def clocks_of(line: Line) -> Clocks:
    """The parameters that leaving this line is governed by."""
    return Clocks.of(packs.load(line.pack))


def locked(tx: Tx, exit_id: UUID) -> tuple[Line, Exit] | Refusal:
    """The line first, then the case: the order in which every act locks."""
    case = store.find(tx, exit_id)
    if case is None:
        return Refusal("exit.not_found")
    line = lines.get_line(tx, case.line, lock=True)
    if isinstance(line, Refusal):
        return line
    again = store.find(tx, exit_id, lock=True)
    return (line, again) if again else Refusal("exit.not_found")
