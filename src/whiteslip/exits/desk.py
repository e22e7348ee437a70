"""The review desk: one person per case, and two for whatever keeps somebody waiting. None commits.

The desk chooses how somebody leaves, never whether. Closing and running off take one person; holding
the last step, and finding that it was not the customer who asked, take two. What is chosen is
recorded at once and carried out by a timer half a minute later: until then its maker takes it back,
and no letter or webhook has gone out. Whatever the desk has not carried out stops nothing: the case's
own deadline goes on and ends in the customer's favour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip.base import Refusal, new_id
from whiteslip.exits import acts, steps, store
from whiteslip.exits.choices import Choice, Proposal
from whiteslip.exits.model import TAKES_TWO, Exit, Ground, Path
from whiteslip.exits.work import Office, Work
from whiteslip.notices.acts import preview
from whiteslip.store import Entry, Tx
from whiteslip.store.timers import cancel_timer, set_timer

# Long enough to look at a case, short enough that lunch does not keep it.
CLAIM: Final = timedelta(minutes=20)
UNDO: Final = timedelta(seconds=30)


def take_next(tx: Tx, actor: str, now: datetime, but: Sequence[UUID] = ()) -> Exit | None:
    """Take the case nearest to its deadline that nobody else works on; None when there is none.

    Two people who ask at once never get the same case. ``but`` are cases that were just skipped.
    """
    passed = list(but)
    while case := store.next_case(tx, actor, passed, now):
        # Somebody may have taken it between our look at the claims and our lock on the case.
        if store.claim(tx, case.id, actor, now + CLAIM, now):
            return case
        passed.append(case.id)
    return None


def take(tx: Tx, exit_id: UUID, actor: str, now: datetime) -> Refusal | None:
    """Take a case by name, or keep it. Refusal: ``case.taken`` while somebody else works on it."""
    if store.claim(tx, exit_id, actor, now + CLAIM, now):
        return None
    claim = store.claim_of(tx, exit_id, now)
    return Refusal("case.taken", {"until": claim.until.isoformat()} if claim else {})


def read_letter(work: Work, case: Exit, path: Path, ground: Ground | None = None) -> tuple[str, str] | None:
    """The letter that choosing ``path`` would send, word for word without the name, and its SHA-256."""
    letter = steps.foreseen(work, case, path, ground)
    return preview(letter, work.now) if letter else None


def choose(
    tx: Tx,
    office: Office,
    exit_id: UUID,
    path: Path,
    reasons: Sequence[str],
    actor: str,
    now: datetime,
    ground: Ground | None = None,
    letter_sha256: str | None = None,
) -> Choice | Refusal:
    """Choose a path; it is carried out in half a minute, unless it is taken back.

    A hold, which needs a ``ground``, and a rejection are proposed by it: another person decides.
    With ``letter_sha256``, the hash of the letter that was read, that very letter goes out or none.
    Refusals: ``case.taken``, ``exit.not_found``, ``exit.path_not_possible``, ``exit.ground_missing``,
    ``desk.proposal_open``, ``desk.choice_standing``, ``desk.letter_changed``.
    """
    both = acts.locked(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    line, case = both
    work = Work.on(tx, office, line, now)
    if not acts.can_choose(work, case, path, ground):
        return Refusal("exit.path_not_possible", {"path": path, "state": case.state})
    if path is Path.HOLD and ground is None:
        return Refusal("exit.ground_missing")
    if path in TAKES_TWO and store.proposal(tx, exit_id):
        return Refusal("desk.proposal_open")
    ground = ground if path is Path.HOLD else None
    made = Choice(exit_id, path, tuple(reasons), actor, now, now + UNDO, ground, None, letter_sha256)
    return _record(work, case, made)


def decide(
    tx: Tx,
    office: Office,
    exit_id: UUID,
    approve: bool,
    actor: str,
    now: datetime,
    letter_sha256: str | None = None,
) -> Choice | Exit | Refusal:
    """Another person approves what was proposed, which is carried out in half a minute, or turns it
    down at once; then the case is there to be chosen for.

    Refusals: those of :func:`choose`, ``desk.no_proposal``, ``desk.own_proposal``.
    """
    both = acts.locked(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    line, case = both
    standing = store.proposal(tx, exit_id)
    if standing is None:
        return Refusal("desk.no_proposal")
    if standing.proposed_by == actor:
        return Refusal("desk.own_proposal")
    if not approve:
        store.decide_proposal(tx, standing.id, "rejected", actor, now)
        data = {"path": standing.path}
        tx.record(Entry(now, "exit.proposal_turned_down", "exit", exit_id, actor, data))
        return case
    work = Work.on(tx, office, line, now)
    if not acts.can_choose(work, case, standing.path, standing.ground):
        return Refusal("exit.path_not_possible", {"path": standing.path, "state": case.state})
    made = Choice(
        exit_id,
        standing.path,
        standing.reasons,
        actor,
        now,
        now + UNDO,
        standing.ground,
        standing.id,
        letter_sha256,
    )
    return _record(work, case, made)


def _record(work: Work, case: Exit, made: Choice) -> Choice | Refusal:
    """Keep a choice until it is carried out; the letter it sends is the one that was read."""
    tx, now = work.tx, work.now
    if store.pending(tx, case.id):
        return Refusal("desk.choice_standing")
    taken = take(tx, case.id, made.actor, now)
    if taken:
        return taken
    letter = None
    if made.path not in TAKES_TWO or made.proposal:
        letter = read_letter(work, case, made.path, made.ground)
    sha256 = letter[1] if letter else None
    if made.letter_sha256 and made.letter_sha256 != sha256:
        return Refusal("desk.letter_changed")
    made = replace(made, letter_sha256=sha256)
    store.add_pending(tx, made)
    set_timer(tx, "exit.choice_due", case.id, made.due_at, now)
    data = {"path": made.path, "ground": made.ground, "due_at": made.due_at, "letter_sha256": sha256}
    tx.record(Entry(now, "exit.choice_made", "exit", case.id, made.actor, data))
    return made


def undo(tx: Tx, exit_id: UUID, actor: str, now: datetime) -> Choice | Refusal:
    """Take one's own choice back before it is carried out; the case is one's own again.

    Refusals: ``exit.not_found``, ``desk.nothing_to_undo`` (also when the half minute is over),
    ``desk.not_own_choice``.
    """
    both = acts.locked(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    made = store.pending(tx, exit_id)
    if made is None or now >= made.due_at:
        return Refusal("desk.nothing_to_undo")
    if made.actor != actor:
        return Refusal("desk.not_own_choice")
    store.drop_pending(tx, exit_id)
    cancel_timer(tx, "exit.choice_due", exit_id, now)
    take(tx, exit_id, actor, now)
    tx.record(Entry(now, "exit.choice_undone", "exit", exit_id, actor, {"path": made.path}))
    return made


def carry_out(tx: Tx, office: Office, exit_id: UUID, now: datetime) -> None:
    """Do what was chosen half a minute ago: propose it, or take the path.

    Where that is not possible any more, or would send another letter than the one that was read
    (a payment came in between, or midnight), nothing is done and the case is back at the desk.
    """
    both = acts.locked(tx, exit_id)
    made = store.pending(tx, exit_id)
    if isinstance(both, Refusal) or made is None:
        return
    line, case = both
    store.drop_pending(tx, exit_id)
    store.release_claim(tx, exit_id, made.actor)
    proposal = store.proposal(tx, exit_id)
    work = Work.on(tx, office, line, now)
    if made.path in TAKES_TWO and made.proposal is None:
        if acts.can_choose(work, case, made.path, made.ground):
            _propose(tx, made, now)
        else:
            _overtaken(tx, made, "exit.path_not_possible", now)
        return
    letter = read_letter(work, case, made.path, made.ground)
    if (letter[1] if letter else None) != made.letter_sha256:
        _overtaken(tx, made, "desk.letter_changed", now)
        return
    by = proposal.proposed_by if proposal and proposal.id == made.proposal else None
    done = acts.choose_path(
        tx, office, exit_id, made.path, made.reasons, made.actor, now, made.ground, by, made.letter_sha256
    )
    if isinstance(done, Refusal):
        _overtaken(tx, made, done.code, now)
    elif proposal and proposal.id == made.proposal:
        store.decide_proposal(tx, proposal.id, "approved", made.actor, now)
    elif proposal:
        store.decide_proposal(tx, proposal.id, "overtaken", None, now)


def _propose(tx: Tx, made: Choice, now: datetime) -> None:
    new = Proposal(new_id(now), made.exit, made.path, made.ground, made.reasons, made.actor, now)
    store.add_proposal(tx, new)
    data = {"path": made.path, "ground": made.ground, "reasons": list(made.reasons)}
    tx.record(Entry(now, "exit.path_proposed", "exit", made.exit, made.actor, data))


def _overtaken(tx: Tx, made: Choice, why: str, now: datetime) -> None:
    data = {"path": made.path, "why": why}
    tx.record(Entry(now, "exit.choice_overtaken", "exit", made.exit, made.actor, data))


def snooze(tx: Tx, exit_id: UUID, until: datetime, actor: str, now: datetime) -> Exit | Refusal:
    """Put a case aside till an instant before its deadline, which goes on.

    Refusals: ``exit.not_found``, ``case.taken``, ``desk.choice_standing``, ``desk.snooze_not_possible``.
    """
    both = acts.locked(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    case = both[1]
    if not case.waits_for_desk or case.due_at is None or not now < until < case.due_at:
        return Refusal("desk.snooze_not_possible")
    if store.pending(tx, exit_id):
        return Refusal("desk.choice_standing")
    taken = take(tx, exit_id, actor, now)
    if taken:
        return taken
    store.snooze(tx, exit_id, actor, until)
    store.release_claim(tx, exit_id, actor)
    tx.record(Entry(now, "exit.snoozed", "exit", exit_id, actor, {"until": until}))
    return case
