"""What a step of a case does to its line: where the lifecycle goes, and which lock is set or lifted. Pure.

``steps`` carries it out, and the walk of ``together`` follows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from whiteslip.exits.model import State
from whiteslip.lines.model import Lifecycle, LockKind, Party

# A lock on all drawing, on no particular ground, and whose it is.
Whose: TypeAlias = tuple[LockKind, Party]

_STOP: Final = (LockKind.EXIT, Party.CUSTOMER)
_OWN: Final = (LockKind.CUSTOMER, Party.CUSTOMER)


@dataclass(frozen=True, slots=True)
class Effect:
    """``to``: where the lifecycle goes; ``sets`` and ``lifts``: a lock. None is no change."""

    to: Lifecycle | None = None
    sets: Whose | None = None
    lifts: Whose | None = None


_NONE: Final = Effect()
_ENDS: Final = {
    State.CLOSED: Effect(Lifecycle.CLOSED),
    State.CANCELLED: Effect(Lifecycle.ACTIVE, lifts=_STOP),
    # Not an exit any more, and still no drawing: the customer's own lock stays until they lift it.
    State.LAPSED: Effect(Lifecycle.ACTIVE, sets=_OWN, lifts=_STOP),
    State.REJECTED: Effect(Lifecycle.ACTIVE, sets=_OWN, lifts=_STOP),
}


def effect(before: State | None, after: State, lifecycle: Lifecycle) -> Effect:
    """What a case that goes from one state to another, or begins, does to a line in ``lifecycle``.

    Drawing stops with the request, by the customer's stop; or at the end of the lender's notice, by theirs.
    """
    if before is None:
        return _NONE if after is State.NOTICE else Effect(Lifecycle.CLOSING, sets=_STOP)
    if before is State.NOTICE:
        stops = Effect(Lifecycle.CLOSING, sets=(LockKind.EXIT, Party.ISSUER))
        return stops if after is State.CONFIRMED else _NONE
    if after in (State.RUN_OFF, State.CLEARING) and lifecycle is Lifecycle.CLOSING:
        return Effect(Lifecycle.RUN_OFF)
    return _ENDS.get(after, _NONE)
