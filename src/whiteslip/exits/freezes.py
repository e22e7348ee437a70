"""An order of the law on a line, without a case: two people place it and two lift it. None commits.

Drawing stops and no credit is paid out; what is owed and its days stay as they were, and asking to leave
is as open as ever, with the final step held. The party that set it is the authority: neither customer nor
lender lifts it by a wish of their own. Who is looked into must not hear of it by us, so two grounds are told
to nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from whiteslip import exits, lines
from whiteslip.base import Refusal, new_id
from whiteslip.exits import store, telling
from whiteslip.exits.helping import tell
from whiteslip.exits.orders import UNTOLD, Order
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.lines import Line
from whiteslip.lines.model import LockGround, LockKind, Party
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)
_WHOSE: Final = (LockKind.LEGAL, Party.AUTHORITY)


# An authority's own number of its file.
FILE_NUMBER: Final = re.compile(r"[\w/. ()-]{1,60}")


@dataclass(frozen=True, slots=True)
class Freeze:
    """An order on a line: proposed, then ``placed_at``; a lift that is proposed, then ``lifted_at``.

    ``reference`` is the authority's own file number.
    """

    id: UUID
    line: UUID
    ground: Order
    reference: str
    proposed_by: str
    proposed_at: datetime
    placed_by: str | None = None
    placed_at: datetime | None = None
    lift_by: str | None = None
    lifted_by: str | None = None
    lifted_at: datetime | None = None

    @property
    def state(self) -> str:
        """Where it stands: proposed, placed, lift_proposed or lifted."""
        if self.lifted_at:
            return "lifted"
        if self.placed_at is None:
            return "proposed"
        return "lift_proposed" if self.lift_by else "placed"


def of_line(tx: Tx, line: UUID) -> Freeze | None:
    """The order that is proposed or stands on a line."""
    row = _queries.freeze_of_line(tx.conn, line=line)
    return msgspec.convert(row, Freeze) if row else None


def place(
    tx: Tx, office: Office, line_id: UUID, ground: Order, reference: str, actor: str, now: datetime
) -> Freeze | Refusal:
    """Propose an order, or place it where somebody else has proposed the same.

    Another ground or reference takes the place of what was proposed. Placed, it stays as it is.
    Refusals: ``line.not_found``, ``freeze.other_stands``, ``desk.own_proposal``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    found = of_line(tx, line.id)
    same = found is not None and (found.ground, found.reference) == (ground, reference)
    if found and found.placed_at:
        return found if same else Refusal("freeze.other_stands")
    if found is None or not same:
        _queries.drop_freeze(tx.conn, line=line.id)
        _queries.propose_freeze(
            tx.conn, id=new_id(now), line=line.id, ground=ground, reference=reference, actor=actor, now=now
        )
        tx.record(Entry(now, "line.freeze_proposed", "line", line.id, actor, {"ground": ground}))
        return _again(tx, line)
    if found.proposed_by == actor:
        return Refusal("desk.own_proposal")
    _queries.place_freeze(tx.conn, id=found.id, actor=actor, now=now)
    lines.set_lock(tx, line.id, *_WHOSE, ground, actor, now, ground=LockGround.ORDER)
    data = {"ground": ground, "proposed_by": found.proposed_by}
    tx.record(Entry(now, "line.frozen", "line", line.id, actor, data))
    placed = _again(tx, line)
    if ground not in UNTOLD and store.open_of_line(tx, line.id) is None:
        _tell(tx, office, line, placed, Act.FROZEN, now)
    exits.advance_line(tx, office, line.id, now)
    return placed


def lift(tx: Tx, office: Office, line_id: UUID, actor: str, now: datetime) -> Freeze | Refusal:
    """The authority has spoken: propose to lift its order, or lift it where somebody else has proposed that.

    A case that it held goes on. Refusals: ``line.not_found``, ``freeze.not_standing``, ``desk.own_proposal``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    found = of_line(tx, line.id)
    if found is None or found.placed_at is None:
        return Refusal("freeze.not_standing")
    if found.lift_by == actor:
        return Refusal("desk.own_proposal")
    if found.lift_by is None:
        _queries.propose_lift(tx.conn, id=found.id, actor=actor)
        tx.record(Entry(now, "line.unfreeze_proposed", "line", line.id, actor, {"ground": found.ground}))
        return _again(tx, line)
    _queries.lift_freeze(tx.conn, id=found.id, actor=actor, now=now)
    refused = lines.lift_lock(tx, line.id, *_WHOSE, actor, now, ground=LockGround.ORDER)
    if refused:
        return refused
    data = {"ground": found.ground, "proposed_by": found.lift_by}
    tx.record(Entry(now, "line.unfrozen", "line", line.id, actor, data))
    lifted = _by_id(tx, found.id)
    if found.ground not in UNTOLD:
        _tell(tx, office, line, lifted, Act.UNFROZEN, now)
    exits.advance_line(tx, office, line.id, now)
    return lifted


def turn_down(tx: Tx, line_id: UUID, actor: str, now: datetime) -> Freeze | Refusal:
    """Another person does not agree to what was proposed, an order or its lift: everything stays as it was.

    Returns the order as it was proposed. Refusals: ``line.not_found``, ``freeze.nothing_proposed``,
    ``desk.own_proposal``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    found = of_line(tx, line.id)
    proposed_by = found and (found.lift_by if found.placed_at else found.proposed_by)
    if found is None or proposed_by is None:
        return Refusal("freeze.nothing_proposed")
    if proposed_by == actor:
        return Refusal("desk.own_proposal")
    data = {"ground": found.ground, "proposed_by": proposed_by}
    if found.placed_at:
        _queries.keep_freeze(tx.conn, id=found.id)
        tx.record(Entry(now, "line.unfreeze_turned_down", "line", line.id, actor, data))
    else:
        _queries.drop_freeze(tx.conn, line=line.id)
        tx.record(Entry(now, "line.freeze_turned_down", "line", line.id, actor, data))
    return found


def _again(tx: Tx, line: Line) -> Freeze:
    found = of_line(tx, line.id)
    if found is None:
        raise LookupError(f"the order on line {line.id} vanished")
    return found


def _by_id(tx: Tx, freeze: UUID) -> Freeze:
    return msgspec.convert(_queries.freeze_by_id(tx.conn, id=freeze), Freeze)


def _tell(tx: Tx, office: Office, line: Line, freeze: Freeze, act: Act, now: datetime) -> None:
    facts = {"at": now, "ground": freeze.ground, "order_reference": freeze.reference}
    tell(tx, office.issuer_name, line, telling.of(act), facts, str(freeze.id), now)
