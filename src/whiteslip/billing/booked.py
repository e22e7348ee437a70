"""What is booked of a line, read as the story that leads there (``retelling``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from whiteslip.billing import earlier, history, store
from whiteslip.billing.earning import settled
from whiteslip.billing.model import OpenItem, Part, Payment
from whiteslip.billing.retelling import Event, Key, Story, Untold
from whiteslip.lines import Line
from whiteslip.store import Tx

# What follows from other things, and from a purchase that has no price.
GIVEN_UP: Final = frozenset({"unearned", "unpriced"})
# Settlements that can be told again. Others (a hardship plan, a trifle given up) are agreed or done
# with what was known then, and stand.
TOLD: Final = frozenset({"payment", "refund", "credit", "disputed"})


@dataclass
class Booked:
    """What is booked of a line from a day on, and the story that leads there."""

    story: Story
    settled: dict[Key, int] = field(default_factory=dict[Key, int])
    days: dict[Key, date] = field(default_factory=dict[Key, date])
    charged: frozenset[tuple[UUID, int]] = frozenset()


def read(tx: Tx, line: Line, since: date, today: date) -> Booked:
    """The story of a line from ``since`` on, as it is booked. Raises :class:`Untold`."""
    payments = {payment.id: payment for payment in store.payments(tx, line.id)}
    undone = {payment.id for payment in payments.values() if not payment.stands}
    rows = history.all_instalments(tx, line.id)
    kinds = {(row["plan"], row["no"]): row["kind"] for row in rows}
    purchases = {row["plan"]: row["purchase"] for row in rows}
    if any(row["kind"] in ("residual", "hardship") and row["opened_on"] >= since for row in rows):
        raise Untold("a debt was put into a new plan")
    settlements = history.all_settlements(tx, line.id)
    before = _left_of(undone, settlements)
    booked, days = dict[Key, int](), dict[Key, date]()
    for source, kind, part, on in settlements:
        key = (source, kind, part.plan, part.no, part.component)
        if kind == "sold":
            raise Untold("the debt was sold")
        if source in undone:
            continue
        if on < since:
            before.append(part)
        else:
            booked[key] = booked.get(key, 0) + part.amount_minor
            days[key] = on
    items = settled([_item(row) for row in rows], before)
    billed = {
        (row["plan"], row["no"]): row["statement_on"] or row["bill_on"]
        for row in rows
        if row["statement_on"] or row["bill_on"] < today
    }
    told_of = _disputes(tx, line, since)
    events = _events(history.refunds(tx, line.id), booked, days, payments, purchases, kinds, told_of)
    story = Story(
        since,
        today,
        line.terms,
        items,
        billed,
        line.credit_minor - sum(_credit(key, minor) for key, minor in booked.items()),
        list(events),
        {(key[2], key[3]): key[0] for key in booked if key[1] == "waiver" and key[2] and key[3]},
        history.unpriced(tx, line.id),
        earlier.grace_days(tx, line.id),
    )
    charged = frozenset((row["plan"], row["no"]) for row in rows if row["charged"])
    return Booked(story, booked, days, charged)


def _left_of(undone: set[UUID], settlements: Sequence[tuple[UUID, str, Part, date]]) -> list[Part]:
    """What is left of payments that do not stand: nothing, but what they made a charge-off give up."""
    sums: dict[tuple[UUID, int, str], int] = {}
    for source, _, part, _ in settlements:
        if source in undone and part.plan and part.no:
            key = (part.plan, part.no, part.component)
            sums[key] = sums.get(key, 0) + part.amount_minor
    return [Part(component, minor, plan, no) for (plan, no, component), minor in sums.items() if minor]


def _disputes(tx: Tx, line: Line, since: date) -> dict[UUID, Event]:
    """Open disputes that began since: each takes what was open on its day, whatever it was known to be."""
    return {
        row["source"]: Event(
            row["source"],
            "disputed",
            row["began_on"],
            row["asked_minor"],
            purchase=row["purchase"],
            firm=False,
        )
        for row in history.open_suspensions(tx, line.id)
        if row["began_on"] >= since
    }


def _item(row: store.Row) -> OpenItem:
    """An instalment of which nothing is settled and that no bill has asked for."""
    names = ("plan", "no", "line", "bill_on", "due_on", "principal_minor", "interest_minor", "fee_minor")
    return OpenItem(
        **{name: row[name] for name in names},
        billed=False,
        charged=row["kind"] != "purchase",
        scheduled_interest_minor=row["interest_minor"],
        scheduled_fee_minor=row["fee_minor"],
        outstanding_minor=row["outstanding_minor"],
        opened_on=row["opened_on"],
        purchase=row["purchase"],
        kind=row["kind"],
    )


def _credit(key: Key, minor: int) -> int:
    """By how much a settlement raises the customer's credit."""
    _source, kind, plan, _no, _component = key
    return minor if plan is None else -minor if kind == "credit" else 0


def _events(
    refunds: dict[UUID, UUID],
    booked: dict[Key, int],
    days: dict[Key, date],
    payments: dict[UUID, Payment],
    purchases: dict[UUID, UUID | None],
    kinds: dict[tuple[UUID, int], str],
    disputes: dict[UUID, Event],
) -> Iterable[Event]:
    """What happened, from what it settled."""
    yield from disputes.values()
    sums: dict[tuple[UUID, str], int] = {}
    of: dict[UUID, set[UUID]] = {}
    on: dict[UUID, date] = {}
    for (source, kind, plan, no, component), minor in booked.items():
        if kind in TOLD:
            sums[source, kind] = sums.get((source, kind), 0) + minor
            on[source] = days[source, kind, plan, no, component]
            bought = purchases[plan] if plan else None
            of.setdefault(source, set()).update({bought} if bought else ())
        elif kind not in GIVEN_UP and not (
            kind == "waiver" and plan and no and kinds[plan, no] == "late_fee"
        ):
            raise Untold(f"a line with something {kind} since")
    if any(kind == "unearned" and source not in on and source not in disputes for source, kind, *_ in booked):
        raise Untold("fees were stopped since")
    for (source, kind), minor in sums.items():
        if source in disputes:
            continue
        reference = payments[source].reference if source in payments else ""
        bought = refunds.get(source)
        if kind == "disputed" or (kind == "refund" and bought is None):
            if len(of[source]) > 1:
                raise Untold("a refund went to more than one purchase")
            bought = next(iter(of[source]), None)
        yield Event(source, kind, on[source], minor, reference, bought)


def read_before(tx: Tx, line: Line, plan: UUID, relief: UUID, agreed_on: date, since: date) -> Story:
    """The story of a line up to the day on which the hardship ``plan`` was agreed, from ``since`` on or from
    the first payment that the plan had not been told of. ``relief`` gave up what was forgiven then.

    Raises :class:`Untold`.
    """
    settlements = history.all_settlements(tx, line.id)
    payments = {payment.id: payment for payment in store.payments(tx, line.id)}
    undone = {payment.id for payment in payments.values() if not payment.stands}
    late = [on for source, _, part, on in settlements if source in payments and part.plan == plan]
    since = min([since, *(on for on in late if on < agreed_on)])
    every = history.all_instalments(tx, line.id)
    if any(row["kind"] in ("residual", "hardship") and row["plan"] != plan for row in every):
        raise Untold("a debt was put into another plan as well")
    rows = [row for row in every if row["opened_on"] <= agreed_on and row["plan"] != plan]
    plans = {None, *(row["plan"] for row in rows)}
    before, booked, days = list[Part](), dict[Key, int](), dict[Key, date]()
    credit_minor = line.credit_minor
    for source, kind, part, on in settlements:
        key = (source, kind, part.plan, part.no, part.component)
        if on >= since:
            credit_minor -= _credit(key, part.amount_minor)
        if source in undone | {plan, relief} or part.plan not in plans or on > agreed_on:
            continue
        if on < since:
            before.append(part)
        else:
            booked[key] = booked.get(key, 0) + part.amount_minor
            days[key] = on
    if credit_minor < 0:
        raise Untold("credit is gone that would have been needed")
    purchases = {row["plan"]: row["purchase"] for row in rows}
    kinds = {(row["plan"], row["no"]): row["kind"] for row in rows}
    disputes = {key: one for key, one in _disputes(tx, line, since).items() if one.on <= agreed_on}
    events = _events(history.refunds(tx, line.id), booked, days, payments, purchases, kinds, disputes)
    paid = {one.id: one for one in payments.values() if one.stands and since <= one.value_on < agreed_on}
    return Story(
        since,
        agreed_on,
        line.terms,
        settled([_item(row) for row in rows], before),
        {
            (row["plan"], row["no"]): on
            for row in rows
            if (on := row["statement_on"] or row["bill_on"]) < agreed_on
        },
        credit_minor,
        [event for event in events if event.kind != "payment" or event.source not in paid]
        + [Event(p.id, "payment", p.value_on, p.amount_minor, p.reference) for p in paid.values()],
        {(key[2], key[3]): key[0] for key in booked if key[1] == "waiver" and key[2] and key[3]},
        history.unpriced(tx, line.id),
        earlier.grace_days(tx, line.id),
    )
