"""Hardship plans: what is owed is asked for in smaller sums, or later, and never costs more.

Directive (EU) 2023/2225 article 35: before enforcement comes forbearance, such as a longer term, a
payment holiday, no interest or partial forgiveness. A schedule never changes in place: what is open is
carried to a new plan without interest and late fees. A customer agrees by themselves; what the desk
agrees for them takes two people where it gives something up. The acts want the line locked. None commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip import packs
from whiteslip.base import Money, Refusal, add_months, new_id
from whiteslip.billing import rules, store
from whiteslip.billing.booking import Booking
from whiteslip.billing.earning import accrued
from whiteslip.billing.model import (
    Component,
    Hardship,
    Instalment,
    NewPlan,
    OpenItem,
    Part,
    Relief,
    ReliefOption,
)
from whiteslip.billing.schedule import next_statement
from whiteslip.billing.valueloss import value_loss_bps
from whiteslip.lines import Line
from whiteslip.lines.model import Product
from whiteslip.packs import Pack
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)
_PRICE: Final = (Component.FEE, Component.INTEREST)


@dataclass(frozen=True, slots=True)
class Proposed:
    """A plan that one person at the desk proposed and another is to agree to."""

    line: UUID
    relief: Relief
    foreseen: bool
    proposed_by: str
    proposed_at: datetime


@dataclass(frozen=True, slots=True)
class Shape:
    """How a kind of relief spreads what is owed: equal instalments after months without any."""

    instalments: int
    free_months: int
    forgives_price: bool

    @classmethod
    def of(cls, relief: Relief, pack: Pack) -> Shape:
        """As the pack says."""
        usual = pack.count("forbearance.instalments")
        match relief:
            case Relief.LONGER:
                return cls(pack.count("forbearance.longer_instalments"), 0, False)
            case Relief.HOLIDAY:
                return cls(usual, pack.months("forbearance.holiday_months"), False)
            case Relief.REDUCED:
                return cls(usual, 0, True)


def options(items: Sequence[OpenItem], line: Line, today: date) -> list[ReliefOption]:
    """What a customer who cannot pay as agreed may choose from; none costs more than paying now.

    Giving up interest and fees is not among them where none are owed.
    """
    pack = packs.load(line.pack)
    owed = _owed(items, today)
    price = sum(part.amount_minor for part in owed if part.component in _PRICE)
    found: list[ReliefOption] = []
    for relief in Relief:
        shape = Shape.of(relief, pack)
        carried = _carried(owed, shape)
        if carried and (price or not shape.forgives_price):
            forgiven = price if shape.forgives_price else 0
            found.append(ReliefOption(relief, schedule(carried, shape, line, today), forgiven))
    return found


def _owed(items: Sequence[OpenItem], today: date) -> list[Part]:
    """Everything owed now, with what running months have earned by today."""
    return rules.owed_parts(items) + accrued(items, today)


def _carried(owed: Sequence[Part], shape: Shape) -> list[Part]:
    return [part for part in owed if not (shape.forgives_price and part.component in _PRICE)]


def schedule(carried: Sequence[Part], shape: Shape, line: Line, today: date) -> list[Instalment]:
    """Equal instalments from the next statement day on, or as many months later as are free."""
    sums = rules.by_component(carried)
    count = min(shape.instalments, max(1, sum(sums.values())))

    def split(component: Component) -> list[int]:
        whole = Money(sums.get(component, 0), line.currency)
        return [part.minor for part in whole.split([1] * count)]

    first = add_months(next_statement(today, line.statement_day), shape.free_months)
    rows: list[Instalment] = []
    parts = zip(*(split(c) for c in (Component.PRINCIPAL, *reversed(_PRICE))), strict=True)
    for index, (principal, interest, fee) in enumerate(parts):
        bill_on = add_months(first, index)
        due_on = bill_on + timedelta(days=line.terms.due_days)
        rows.append(Instalment(index + 1, bill_on, due_on, principal, interest, fee))
    return rows


def agree(
    tx: Tx, line: Line, relief: Relief, actor: str, now: datetime, foreseen: bool = False
) -> Hardship | Refusal:
    """Put a hardship plan in the place of everything that is open.

    Days past due stand still at today's count while it is kept and go on from there if it is not.
    ``foreseen`` says that the desk has heard of a difficulty before anything was past due. Agreeing
    while a plan stands returns that plan. Refusals: ``hardship.nothing_owed``,
    ``hardship.not_past_due``, ``hardship.option_not_offered``.
    """
    standing = store.hardship(tx, line.id)
    if standing and standing.state == "agreed":
        return standing
    booking = Booking(tx, [line], now)
    today, items = booking.day(line), booking.items[line.id]
    debt = store.debts(tx, [line.id], today).get(line.id)
    offered = options(items, line, today)
    if debt is None or not offered:
        return Refusal("hardship.nothing_owed")
    if not debt.days_past_due and not foreseen:
        return Refusal("hardship.not_past_due")
    chosen = next((option for option in offered if option.relief is relief), None)
    if chosen is None:
        return Refusal("hardship.option_not_offered", {"option": relief})
    loss_bps = _loss(items, chosen, today)
    made = _hardship(line, relief, debt.days_past_due, loss_bps, today, now)
    plan = NewPlan(made.plan, line.id, None, "hardship", Product(1), today, chosen.rows)
    _replace(booking, line, made, actor)
    store.add_plans(tx, [plan])
    store.add_hardship(tx, made)
    data = {"plan": made.plan, "option": relief, "total_minor": chosen.total_minor}
    more = {"forgiven_minor": chosen.forgiven_minor, "days_past_due": debt.days_past_due}
    lost = {"value_loss_bps": loss_bps}
    tx.record(Entry(now, "hardship.agreed", "line", line.id, actor, data | more | lost))
    _queries.drop_hardship_proposal(tx.conn, line=line.id)
    return made


def proposed(tx: Tx, line: UUID) -> Proposed | None:
    """The plan that waits for a second person at the desk."""
    row = _queries.hardship_proposal(tx.conn, line=line)
    return Proposed(**(row | {"relief": Relief(row["relief"])})) if row else None


def at_desk(
    tx: Tx, line: Line, relief: Relief, foreseen: bool, actor: str, now: datetime
) -> Hardship | Proposed | Refusal:
    """:func:`agree` for a customer who asked the desk. One that gives something up is proposed by the first
    call and agreed by the second, by somebody else; another kind of plan replaces the proposal.

    Refusals: those of ``agree``, ``desk.own_proposal``.
    """
    items = store.open_items(tx, [line.id])[line.id]
    chosen = next((each for each in options(items, line, line.today(now)) if each.relief is relief), None)
    if chosen is None or not chosen.forgiven_minor:
        return agree(tx, line, relief, actor, now, foreseen)
    waiting = proposed(tx, line.id)
    if waiting and (waiting.relief, waiting.foreseen) == (relief, foreseen):
        if waiting.proposed_by == actor:
            return Refusal("desk.own_proposal")
        return agree(tx, line, relief, actor, now, foreseen)
    refused = _refused(tx, line, foreseen, now)
    if refused:
        return refused
    _queries.propose_hardship(tx.conn, line=line.id, relief=relief, foreseen=foreseen, actor=actor, now=now)
    data = {"option": relief, "forgiven_minor": chosen.forgiven_minor}
    tx.record(Entry(now, "hardship.proposed", "line", line.id, actor, data))
    return Proposed(line.id, relief, foreseen, actor, now)


def turn_down(tx: Tx, line: Line, actor: str, now: datetime) -> Refusal | None:
    """A second person does not agree to a plan that was proposed; nothing of the debt changes.

    Refusals: ``desk.no_proposal``, ``desk.own_proposal``.
    """
    waiting = proposed(tx, line.id)
    if waiting is None:
        return Refusal("desk.no_proposal")
    if waiting.proposed_by == actor:
        return Refusal("desk.own_proposal")
    _queries.drop_hardship_proposal(tx.conn, line=line.id)
    data = {"option": waiting.relief, "proposed_by": waiting.proposed_by}
    tx.record(Entry(now, "hardship.turned_down", "line", line.id, actor, data))
    return None


def _refused(tx: Tx, line: Line, foreseen: bool, now: datetime) -> Refusal | None:
    debt = store.debts(tx, [line.id], line.today(now)).get(line.id)
    late = debt is not None and debt.days_past_due > 0
    return None if late or foreseen else Refusal("hardship.not_past_due")


def end(tx: Tx, line: Line, actor: str, now: datetime) -> Refusal | None:
    """End a plan before its time, because the customer wishes it: its days stay, and the days past due go on
    with each day that something is late. Refusal: ``hardship.not_agreed``.
    """
    row = _queries.end_hardship(tx.conn, line=line.id)
    if row is None:
        return Refusal("hardship.not_agreed")
    tx.record(Entry(now, "hardship.ended", "line", line.id, actor, {"plan": row["plan"]}))
    return None


def _loss(items: Sequence[OpenItem], chosen: ReliefOption, today: date) -> int:
    """What an option loses of the debt's value, in basis points of what is owed."""
    owed_minor = sum(part.amount_minor for part in _owed(items, today))
    before = [(item.due_on, item.principal_minor + item.interest_minor + item.fee_minor) for item in items]
    after = [(row.due_on, row.principal_minor + row.interest_minor + row.fee_minor) for row in chosen.rows]
    return value_loss_bps(owed_minor, before, after, today)


def loss_of(items: Sequence[OpenItem], relief: Relief, line: Line, today: date) -> int:
    """What a relief loses of the value of what is open, in basis points of what is owed."""
    shape, owed = Shape.of(relief, packs.load(line.pack)), _owed(items, today)
    carried = _carried(owed, shape)
    return (
        _loss(items, ReliefOption(relief, schedule(carried, shape, line, today), 0), today) if carried else 0
    )


def is_distressed(pack: Pack, loss_bps: int) -> bool:
    """Whether a restructuring loses more of a debt's value than the pack lets pass (EBA/GL/2026/05)."""
    return loss_bps > pack.bps("forbearance.value_loss_bps")


def observed_months(pack: Pack, loss_bps: int) -> int:
    """How long a restructured debt is observed, and with it stays in special mention and stage 2 at least, or
    in stage 3: one of distress is on probation, another cures sooner (EBA/GL/2026/05); never shorter than
    order 2023/1 demands where that is law.
    """
    distressed = is_distressed(pack, loss_bps)
    least = pack.months("forbearance.probation_months" if distressed else "forbearance.cure_months")
    return max(pack.months("forbearance.observation_months"), least)


def _hardship(
    line: Line, relief: Relief, frozen_days: int, loss_bps: int, today: date, now: datetime
) -> Hardship:
    pack = packs.load(line.pack)
    return Hardship(
        id=new_id(now),
        line=line.id,
        relief=relief,
        state="agreed",
        plan=new_id(now),
        agreed_on=today,
        frozen_days=frozen_days,
        observed_until=add_months(today, observed_months(pack, loss_bps)),
        grace_days=pack.days("forbearance.grace_days"),
        periods=pack.count("forbearance.observation_periods"),
        value_loss_bps=loss_bps,
        distressed=is_distressed(pack, loss_bps),
    )


def _replace(booking: Booking, line: Line, made: Hardship, actor: str) -> None:
    """Carry what is open to the new plan; what the relief forgives is waived first."""
    today, shape = booking.day(line), Shape.of(made.relief, packs.load(line.pack))
    if shape.forgives_price:
        charged = [part for part in rules.owed_parts(booking.items[line.id]) if part.component in _PRICE]
        if charged:
            booking.waive(line, made.id, charged, today)
            waived = {"amount_minor": sum(part.amount_minor for part in charged)}
            booking.tx.record(Entry(booking.now, "debt.waived", "line", line.id, actor, waived))
    parts = _carried(_owed(booking.items[line.id], today), shape)
    booking.settle(line, made.plan, "carried", parts, today)
    booking.write()


def watch(tx: Tx, day: date, now: datetime) -> int:
    """The night's look at hardship plans. Returns how many moved.

    A plan is broken when an instalment stays unpaid longer than its grace. Observation ends after its
    months, with as many instalments paid as its periods and nothing past due.
    """
    broken = store.break_hardships(tx, day)
    for line, plan in broken:
        tx.record(Entry(now, "hardship.broken", "line", line, "system", {"plan": plan}))
    observed = store.end_hardships(tx, day)
    for line, plan in observed:
        tx.record(Entry(now, "hardship.observed", "line", line, "system", {"plan": plan}))
    return len(broken) + len(observed)
