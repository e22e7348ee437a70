"""Charge-off: the lender takes a debt as lost; the customer goes on owing it, and it costs no more.

Two people take a loss, and two accept a part for the whole: the first call proposes, the second, by
somebody else, does it; the night proposes too. From then on money that comes in is a recovery
(``recipes.mirror``). Nothing is called in and the order of settling stays. The acts want the line
locked. None commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from whiteslip import lines, packs
from whiteslip.base import Refusal, new_id
from whiteslip.base.ids import NO_ID
from whiteslip.billing import rules, store
from whiteslip.billing.booking import Booking
from whiteslip.billing.model import Component, Debt, Part
from whiteslip.ledger import recipes
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle, LockGround, LockKind, Party
from whiteslip.store import Entry, Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)


class State(StrEnum):
    """How far it is. ``SETTLED``: a part was accepted for the whole."""

    PROPOSED = "proposed"
    CHARGED_OFF = "charged_off"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class ChargeOff:
    """A line's charge-off; ``amount_minor`` is what was owed on ``on_day``."""

    line: UUID
    state: State
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    on_day: date | None
    days_past_due: int | None
    amount_minor: int | None
    settle_by: str | None
    settled_on: date | None


def _charge_off(row: Row) -> ChargeOff:
    row["state"] = State(row["state"])
    return ChargeOff(**row)


def of_line(tx: Tx, line: UUID) -> ChargeOff | None:
    """The charge-off of a line, proposed or done."""
    row = _queries.charge_off(tx.conn, line=line)
    return _charge_off(row) if row else None


def proposals(tx: Tx, after: UUID | None, count: int) -> list[ChargeOff]:
    """Charge-offs that wait for the second person, in order of the line."""
    rows = _queries.charge_off_proposals(tx.conn, after=after or NO_ID, count=count)
    return [_charge_off(row) for row in rows]


def propose_due(tx: Tx, day: date, now: datetime) -> int:
    """The night proposes what is past due for longer than the pack's days. Returns how many."""
    before = {
        name: day - timedelta(days=packs.load(name).days("debt.charge_off_after_days"))
        for name in packs.names()
    }
    due = _queries.charge_offs_due(tx.conn, pack=list(before), before=list(before.values()))
    if not (found := [row["line"] for row in due]):
        return 0
    count, debts = 0, store.debts(tx, found, day)
    for line in lines.get_lines(tx, found, lock=True).values():
        if _is_due(tx, line, debts.get(line.id)):
            _propose(tx, line, "system", now)
            count += 1
    return count


def _is_due(tx: Tx, line: Line, debt: Debt | None) -> bool:
    """Past due for longer than the pack's days, and no hardship plan is being kept."""
    if debt is None or not debt.past_due_minor:
        return False
    plan = store.hardship(tx, line.id)
    kept = plan is not None and plan.state == "agreed"
    return not kept and debt.days_past_due > packs.load(line.pack).days("debt.charge_off_after_days")


def _propose(tx: Tx, line: Line, actor: str, now: datetime) -> None:
    _queries.propose_charge_off(tx.conn, line=line.id, actor=actor, now=now)
    data = {"owed_minor": line.owed_minor}
    tx.record(Entry(now, "debt.charge_off_proposed", "line", line.id, actor, data))


def charge_off(tx: Tx, line: Line, actor: str, now: datetime) -> ChargeOff | Refusal:
    """Propose to take the line's debt as lost, or do it where somebody else has proposed it.

    Drawing ends for good. Months that were not billed give up their interest and fees, and none arise
    any more. Doing it again changes nothing. Refusals: ``charge_off.not_due``,
    ``charge_off.purchases_held``, ``desk.own_proposal``.
    """
    standing = of_line(tx, line.id)
    if standing and standing.state is not State.PROPOSED:
        return standing
    today = line.today(now)
    debt = store.debts(tx, [line.id], today).get(line.id)
    if debt is None or not _is_due(tx, line, debt):
        days = packs.load(line.pack).days("debt.charge_off_after_days")
        return Refusal("charge_off.not_due", {"days": days})
    if line.held_minor:
        return Refusal("charge_off.purchases_held")
    if standing is None:
        _propose(tx, line, actor, now)
    elif standing.proposed_by == actor:
        return Refusal("desk.own_proposal")
    else:
        _take_loss(tx, line, debt, actor, now)
    return _after(tx, line)


def _take_loss(tx: Tx, line: Line, debt: Debt, actor: str, now: datetime) -> None:
    event, booking = new_id(now), Booking(tx, [line], now)
    today = booking.day(line)
    booking.trace(line, event, "unearned", _unbilled_price(booking, line))
    booking.move(line, recipes.charge_off(event, booking.house(line), line.owed_minor, now))
    booking.write()
    _queries.charge_off_line(
        tx.conn,
        line=line.id,
        actor=actor,
        day=today,
        days_past_due=debt.days_past_due,
        amount_minor=line.owed_minor,
    )
    if line.lifecycle is not Lifecycle.CLOSED:
        why, ground = "charged_off", LockGround.CHARGE_OFF
        lines.set_lock(tx, line.id, LockKind.ISSUER, Party.ISSUER, why, actor, now, ground=ground)
    data = {"amount_minor": line.owed_minor, "days_past_due": debt.days_past_due}
    tx.record(Entry(now, "debt.charged_off", "line", line.id, actor, data))


def _unbilled_price(booking: Booking, line: Line) -> Sequence[Part]:
    """Interest and fees that no bill has made owed."""
    return [
        Part(component, item.of(component), item.plan, item.no)
        for item in booking.items[line.id]
        for component in (Component.FEE, Component.INTEREST)
        if not item.charged and item.of(component)
    ]


def settle(tx: Tx, line: Line, actor: str, now: datetime) -> ChargeOff | Refusal:
    """Propose to accept what was paid since the charge-off for the whole, or do it where somebody else
    has proposed it: the rest is given up for good.

    Where nothing is owed any more it changes nothing. Refusals: ``charge_off.not_charged_off``,
    ``charge_off.nothing_paid``, ``desk.own_proposal``.
    """
    standing = of_line(tx, line.id)
    if standing is None or standing.on_day is None:
        return Refusal("charge_off.not_charged_off")
    if not line.owed_minor:
        return standing
    recovered = _queries.recovered(tx.conn, line=line.id, since=standing.on_day)
    if recovered <= 0:
        return Refusal("charge_off.nothing_paid")
    if standing.settle_by is None:
        _queries.propose_settlement(tx.conn, line=line.id, actor=actor)
        data = {"recovered_minor": recovered, "owed_minor": line.owed_minor}
        tx.record(Entry(now, "debt.settlement_proposed", "line", line.id, actor, data))
        return _after(tx, line)
    if standing.settle_by == actor:
        return Refusal("desk.own_proposal")
    booking = Booking(tx, [line], now)
    parts = rules.owed_parts(booking.items[line.id])
    booking.waive(line, new_id(now), parts, booking.day(line))
    booking.write()
    _queries.settle_line(tx.conn, line=line.id, day=booking.day(line))
    data = {"recovered_minor": recovered, "waived_minor": line.owed_minor}
    tx.record(Entry(now, "debt.settled", "line", line.id, actor, data))
    return _after(tx, line)


def _after(tx: Tx, line: Line) -> ChargeOff:
    done = of_line(tx, line.id)
    if done is None:
        raise LookupError(f"the charge-off of line {line.id} vanished")
    return done
