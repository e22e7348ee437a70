"""What is booked of a line, read as the story that leads there (``retelling``)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from whiteslip.base import Money
from whiteslip.base.ids import NO_ID
from whiteslip.billing import earlier, history, store
from whiteslip.billing.earning import settled
from whiteslip.billing.model import Component, Hardship, OpenItem, Part, Payment
from whiteslip.billing.retelling import Event, Key, Story, Untold
from whiteslip.lines import Line
from whiteslip.store import Tx
from whiteslip.store.database import Row

# What follows from other things, and from a purchase that has no price.
GIVEN_UP: Final = frozenset({"unearned", "unpriced"})
# Settlements that can be told again. Others (a hardship plan, a trifle given up) are agreed or done
# with what was known then, and stand.
TOLD: Final = frozenset({"payment", "refund", "credit", "disputed"})

# Source, kind, part and the day it counts from.
_Settled: TypeAlias = tuple[UUID, str, Part, date]


@dataclass
class Booked:
    """What is booked of a line from a day on, and the story that leads there."""

    story: Story
    settled: dict[Key, int] = field(default_factory=dict[Key, int])
    days: dict[Key, date] = field(default_factory=dict[Key, date])
    charged: frozenset[tuple[UUID, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Took:
    """What a hardship plan took over by what is known, by component, the principal of each purchase in it,
    and the credit beside it.
    """

    left: Mapping[str, int]
    shares: Mapping[UUID, int]
    credit_minor: int


@dataclass(frozen=True)
class Facts:
    """All that is booked of a line. ``undone`` are payments that do not stand; ``about`` has the purchase of
    each refund and dispute, ``told_on`` the day on which each source settled something first.
    """

    tx: Tx
    line: Line
    today: date
    rows: Sequence[Row]
    settlements: Sequence[_Settled]
    payments: Mapping[UUID, Payment]
    undone: frozenset[UUID]
    disputes: Sequence[Row]
    about: Mapping[UUID, UUID]
    told_on: Mapping[UUID, date]

    @classmethod
    def of(cls, tx: Tx, line: Line, today: date) -> Facts:
        payments = {payment.id: payment for payment in store.payments(tx, line.id)}
        settlements = history.all_settlements(tx, line.id)
        if any(kind == "sold" for _, kind, _, _ in settlements):
            raise Untold("the debt was sold")
        return cls(
            tx,
            line,
            today,
            history.all_instalments(tx, line.id),
            settlements,
            payments,
            frozenset(payment.id for payment in payments.values() if not payment.stands),
            disputes := history.suspensions(tx, line.id),
            history.refunds(tx, line.id) | {row["source"]: row["purchase"] for row in disputes},
            history.told_on(tx, line.id),
        )

    def standing(self) -> list[_Settled]:
        """What was settled by what stands."""
        return [each for each in self.settlements if each[0] not in self.undone]

    def earlier(self, plans: Collection[UUID], day: date) -> set[UUID]:
        """What had settled one of ``plans`` on ``day`` before a hardship plan took them over."""
        return {
            source
            for source, _, part, on in self.standing()
            if on == day == self.told_on[source] and part.plan in plans
        }

    def booked(
        self, rows: Sequence[Row], settlements: Iterable[_Settled], since: date, until: date
    ) -> Booked:
        """``settlements`` as of ``rows``: those before ``since`` have settled them, the others are the story
        up to ``until``.
        """
        before, done, days = list[Part](), dict[Key, int](), dict[Key, date]()
        for source, kind, part, on in settlements:
            key = (source, kind, part.plan, part.no, part.component)
            if on < since:
                before.append(part)
            else:
                done[key] = done.get(key, 0) + part.amount_minor
                days[key] = on
        credited = sum(_credit(kind, part) for _, kind, part, on in self.standing() if on >= since)
        story = Story(
            since,
            until,
            self.line.terms,
            settled([_item(row) for row in rows], before),
            {(row["plan"], row["no"]): on for row in rows if (on := _asked_on(row, until))},
            self.line.credit_minor - credited,
            list(self._events(done, days, since, until)),
            {(key[2], key[3]): key[0] for key in done if key[1] == "waiver" and key[2] and key[3]},
            history.unpriced(self.tx, self.line.id),
            earlier.grace_days(self.tx, self.line.id),
            self._shares({row["plan"] for row in rows if row["kind"] == "hardship"}, since),
        )
        charged = frozenset((row["plan"], row["no"]) for row in rows if row["charged"])
        return Booked(story, done, days, charged)

    def _events(
        self, done: Mapping[Key, int], days: Mapping[Key, date], since: date, until: date
    ) -> Iterable[Event]:
        """What happened, from what it settled; an open dispute takes what was open on its day, whatever it
        was known to be.
        """
        opened = {
            row["source"]: Event(
                row["source"],
                "disputed",
                row["began_on"],
                row["asked_minor"],
                "",
                row["purchase"],
                firm=False,
            )
            for row in self.disputes
            if row["open"] and since <= row["began_on"] <= until
        }
        yield from opened.values()
        sums: dict[tuple[UUID, str], int] = {}
        on: dict[UUID, date] = {}
        fees = {(row["plan"], row["no"]) for row in self.rows if row["kind"] == "late_fee"}
        for key, minor in done.items():
            source, kind, plan, no, _ = key
            if kind in TOLD:
                sums[source, kind] = sums.get((source, kind), 0) + minor
                on[source] = days[key]
            elif kind not in GIVEN_UP and not (kind == "waiver" and (plan, no) in fees):
                raise Untold(f"a line with something {kind} since")
        if any(kind == "unearned" and source not in on and source not in opened for source, kind, *_ in done):
            raise Untold("fees were stopped since")
        for (source, kind), minor in sums.items():
            if source not in opened:
                paid = self.payments.get(source)
                yield Event(
                    source, kind, on[source], minor, paid.reference if paid else "", self.about.get(source)
                )

    def _shares(self, plans: set[UUID], since: date) -> dict[UUID, int]:
        """Principal of purchases that is in hardship ``plans``: what they took over less what was refunded or
        disputed of it before ``since``.
        """
        bought = {row["plan"]: row["purchase"] for row in self.rows}
        sums: dict[UUID, int] = {}
        for source, kind, part, on in self.settlements:
            if part.component != Component.PRINCIPAL or part.plan is None:
                continue
            purchase, minor = bought[part.plan], part.amount_minor
            if source in self.about and part.plan in plans and on < since:
                purchase, minor = self.about[source], -minor
            elif not (kind == "carried" and source in plans):
                continue
            if purchase:
                sums[purchase] = sums.get(purchase, 0) + minor
        return sums


def _asked_on(row: Row, until: date) -> date | None:
    """The day of the bill that asked for an instalment, or ought to have, up to ``until``."""
    if row["statement_on"] and row["statement_on"] <= until:
        return row["statement_on"]
    return row["bill_on"] if row["bill_on"] < until else None


def read(tx: Tx, line: Line, since: date, today: date) -> Booked:
    """The story of a line from ``since`` on, as it is booked. Raises :class:`Untold`."""
    facts = Facts.of(tx, line, today)
    if overtaken(facts.rows, since):
        raise Untold("a debt was put into a new plan")
    left = [(NO_ID, "", part, date.min) for part in _left_of(facts.undone, facts.settlements)]
    return facts.booked(facts.rows, left + facts.standing(), since, today)


def overtaken(rows: Sequence[Row], since: date) -> bool:
    """Whether a debt was put into a new plan on ``since`` or later."""
    return any(row["kind"] in ("residual", "hardship") and row["opened_on"] >= since for row in rows)


def read_before(
    facts: Facts,
    made: Hardship | None,
    previous: Hardship | None,
    since: date,
    took: Took | None,
    stands: bool = False,
) -> Story:
    """The story of a line up to the agreement of a hardship plan, or up to today, from ``since`` on. Where
    that is the day on which the ``previous`` plan was agreed, ``took`` is what that had taken over: its
    instalments are what they would have been then, or ``stands``, what was agreed.

    What has settled something else, because the plan had taken over what it was for, is told as it ought to
    have been. Raises :class:`Untold`.
    """
    until = made.agreed_on if made else facts.today + timedelta(days=1)
    rows = _rows_before(facts, made, previous, since)
    plans = {row["plan"] for row in rows}
    older = {row["plan"] for row in facts.rows if row["opened_on"] <= since} - plans
    at_its_end, before = facts.earlier(plans, until), facts.earlier(older, since) if took else set[UUID]()
    # What late truth led to before, a price given back or a plan of what came to be owed again, is told anew.
    overs = {row["plan"] for row in facts.rows if row["carried_over"]}
    causes = {*facts.payments, *facts.about, *history.unpriced(facts.tx, facts.line.id).values()}
    told = [
        (source, kind, part, on)
        for source, kind, part, on in facts.standing()
        if (source not in overs or on < since)
        and not (made and source in (made.plan, made.id))
        and (on < until or (on == until and source in at_its_end))
        and (part.plan is None or part.plan in plans or kind in TOLD)
        and (took is None or (on >= since and source not in before))
        and (on < since or kind != "waiver" or source not in causes)
    ]
    story = facts.booked(rows, told, since, until).story
    if previous and took:
        spread = _within if stands else _anew
        items = spread(story.items, previous.plan, took, facts.line.currency)
        story = replace(story, items=items, carried=took.shares, credit_minor=took.credit_minor)
    if story.credit_minor < 0:
        raise Untold("credit is gone that would have been needed")
    return replace(
        story,
        # What credit was used for follows from the rest.
        events=[e for e in story.events if e.kind != "credit" and (e.firm or e.on < until)],
        billed_on={key: on for key, on in story.billed_on.items() if on < until},
    )


def _within(items: Sequence[OpenItem], plan: UUID, took: Took, _: str) -> list[OpenItem]:
    """``items`` with those of a plan as they are where it ``took`` over less, or more, than is booked: less
    of the earliest instalments, or more of the last.
    """
    own = [item for item in items if item.plan == plan]
    parts = list[Part]()
    for name in Component:
        over = sum(item.of(name) for item in own) - took.left.get(name, 0)
        for item in own if over > 0 else ():
            minor = min(over, item.of(name))
            parts.append(Part(name, minor, item.plan, item.no))
            over -= minor
        if over < 0:
            parts.append(Part(name, over, plan, own[-1].no))
    return settled(items, parts)


def _anew(items: Sequence[OpenItem], plan: UUID, took: Took, currency: str) -> list[OpenItem]:
    """``items`` with those of a plan as they would be, had it been made of what it ``took`` over."""
    own = [item for item in items if item.plan == plan]
    parts = list[Part]()
    for name in Component:
        shares = Money(took.left.get(name, 0), currency).split([1] * len(own))
        for item, share in zip(own, shares, strict=True):
            parts.append(Part(name, item.of(name) - share.minor, plan, item.no))
    return settled(items, parts)


def _rows_before(facts: Facts, made: Hardship | None, previous: Hardship | None, since: date) -> list[Row]:
    """Instalments that could be open when ``made`` was agreed, or today. Those of what came to be owed again
    ``since`` are told anew.
    """

    def carried(plan: UUID) -> set[UUID | None]:
        return {part.plan for by, kind, part, _ in facts.settlements if (by, kind) == (plan, "carried")}

    rows = facts.rows
    if made:
        taken = carried(made.plan)
        rows = [
            row
            for row in rows
            if row["plan"] != made.plan and (row["opened_on"] < made.agreed_on or row["plan"] in taken)
        ]
    rows = [row for row in rows if not row["carried_over"] or row["opened_on"] < since]
    if previous is None:
        return rows
    gone = carried(previous.plan)
    return [
        row
        for row in rows
        if row["plan"] == previous.plan
        or (row["opened_on"] >= previous.agreed_on and row["plan"] not in gone)
    ]


def _left_of(undone: Collection[UUID], settlements: Sequence[_Settled]) -> list[Part]:
    """What is left of payments that do not stand: nothing, but what they made a charge-off give up."""
    sums: dict[tuple[UUID, int, str], int] = {}
    for source, _, part, _ in settlements:
        if source in undone and part.plan and part.no:
            key = (part.plan, part.no, part.component)
            sums[key] = sums.get(key, 0) + part.amount_minor
    return [Part(component, minor, plan, no) for (plan, no, component), minor in sums.items() if minor]


def _item(row: Row) -> OpenItem:
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


def _credit(kind: str, part: Part) -> int:
    """By how much a settlement raises the customer's credit."""
    return part.amount_minor if part.plan is None else -part.amount_minor if kind == "credit" else 0
