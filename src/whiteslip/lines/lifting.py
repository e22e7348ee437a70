"""Whose word lifts which lock. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from whiteslip.base import Refusal
from whiteslip.lines.model import Lock, LockGround, Party


def lifted_by(party: Party, ground: LockGround, same: Sequence[Lock], now: datetime) -> Lock | Refusal | None:
    """The lock that a party's word lifts: its own on that ground, or else its firm one, among locks of
    ``same`` kind and part. None where it has none and nobody else has.

    Refusals: ``lock.not_yours`` where only others have set that lock, ``lock.firm`` before the end of a
    firm one.
    """
    own = [each for each in same if each.party is party]
    lock = next((each for want in (ground, LockGround.FIRM) for each in own if each.ground is want), None)
    if lock is None:
        other = next((each for each in same if each.party is not party), None)
        return Refusal("lock.not_yours", {"kind": other.kind, "party": other.party}) if other else None
    if lock.firm and lock.until and now < lock.until:
        return Refusal("lock.firm", {"until": lock.until.isoformat()})
    return lock
