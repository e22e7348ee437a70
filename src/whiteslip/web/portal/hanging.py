"""What else hangs on a line, as the customer's pages tell it: with names, which the vault alone knows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from whiteslip import identity
from whiteslip.base import Refusal
from whiteslip.exits.model import Plan, Ties
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle
from whiteslip.lines.users import users_of
from whiteslip.purchases import store as purchases_store
from whiteslip.web.portal.visit import Visit


@dataclass(frozen=True, slots=True)
class Hanging:
    """``names`` are of those who may draw besides the customer, ``declined`` of shops that tried since."""

    ties: Ties
    names: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()


def hanging(visit: Visit, line: Line, plan: Plan) -> Hanging:
    """What hangs on a line at present; on one that is closed, what is left of it."""
    people = [
        identity.peek(visit.tx, visit.ports.vault, user.id)
        for user in users_of(visit.tx, line.id)
        if user.removed_at is None
    ]
    names = tuple(who.full_name for who in people if not isinstance(who, Refusal))
    known = purchases_store.credentials(visit.tx, line.id)
    stopped = line.lifecycle is not Lifecycle.ACTIVE
    declined = tuple(each.shop for each in known if stopped and each.last_code == "line.stopped")
    return Hanging(replace(plan.ties, shops=tuple(each.shop for each in known)), names, declined)
