"""The review desk: one person per case, and two for every hold. None commits.

The desk chooses how somebody leaves, never whether. Closing and running off take one person; holding
the last step takes two, because it alone keeps a customer waiting. A proposal that nobody decides
stops nothing: the case's own deadline goes on and ends in the customer's favour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip.base import Refusal, new_id
from whiteslip.exits import acts, store
from whiteslip.exits.model import Exit, Ground, Path, Proposal
from whiteslip.exits.steps import Office, Work
from whiteslip.store import Entry, Tx

# Long enough to look at a case, short enough that lunch does not keep it.
CLAIM: Final = timedelta(minutes=20)


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


def choose(
    tx: Tx, office: Office, exit_id: UUID, path: Path, reasons: Sequence[str], actor: str, now: datetime
) -> Exit | Refusal:
    """Choose to close now or to run off: one person's choice. Raises ValueError for a hold.

    A hold that was proposed is overtaken by it. Refusals: ``case.taken``, and those of
    ``exits.choose_path``.
    """
    if path is Path.HOLD:
        raise ValueError("a hold is proposed by one and decided by another")
    taken = take(tx, exit_id, actor, now)
    if taken:
        return taken
    done = acts.choose_path(tx, office, exit_id, path, reasons, actor, now)
    if isinstance(done, Exit):
        standing = store.proposal(tx, exit_id)
        if standing:
            store.decide_proposal(tx, standing.id, "overtaken", None, now)
        store.release_claim(tx, exit_id, actor)
    return done


def propose_hold(
    tx: Tx,
    office: Office,
    exit_id: UUID,
    ground: Ground,
    reasons: Sequence[str],
    actor: str,
    now: datetime,
) -> Proposal | Refusal:
    """Propose to hold the last step; somebody else decides. Nothing changes until then.

    Refusals: ``case.taken``, ``exit.not_found``, ``exit.path_not_possible``, ``desk.proposal_open``.
    """
    both = acts.locked(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    line, case = both
    if not acts.can_choose(Work.on(tx, office, line, now), case, Path.HOLD, ground):
        return Refusal("exit.path_not_possible", {"path": Path.HOLD, "state": case.state})
    if store.proposal(tx, exit_id):
        return Refusal("desk.proposal_open")
    taken = take(tx, exit_id, actor, now)
    if taken:
        return taken
    new = Proposal(new_id(now), exit_id, ground, tuple(reasons), actor, now)
    store.add_proposal(tx, new)
    store.release_claim(tx, exit_id, actor)
    data = {"ground": ground, "reasons": list(reasons)}
    tx.record(Entry(now, "exit.hold_proposed", "exit", exit_id, actor, data))
    return new


def decide_hold(
    tx: Tx, office: Office, exit_id: UUID, approve: bool, actor: str, now: datetime
) -> Exit | Refusal:
    """Another person approves the hold or turns it down; then the case is there to be chosen for.

    Refusals: ``exit.not_found``, ``desk.no_proposal``, ``desk.own_proposal``, ``exit.path_not_possible``.
    """
    both = acts.locked(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    case = both[1]
    standing = store.proposal(tx, exit_id)
    if standing is None:
        return Refusal("desk.no_proposal")
    if standing.proposed_by == actor:
        return Refusal("desk.own_proposal")
    if not approve:
        store.decide_proposal(tx, standing.id, "rejected", actor, now)
        tx.record(Entry(now, "exit.hold_turned_down", "exit", exit_id, actor))
        return case
    done = acts.choose_path(
        tx, office, exit_id, Path.HOLD, standing.reasons, actor, now, standing.ground, standing.proposed_by
    )
    if isinstance(done, Exit):
        store.decide_proposal(tx, standing.id, "approved", actor, now)
    return done
