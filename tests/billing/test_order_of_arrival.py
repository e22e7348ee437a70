"""What becomes known late, in any order of arrival: a line ends where it would have, had all been known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID, uuid4

import worlds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import DAY, at, line_of, night, offences, pay

from whiteslip import billing
from whiteslip.billing import disputed, late, rules
from whiteslip.billing.model import Payment
from whiteslip.store import Database

TODAY = date(2026, 3, 10)
# Bills, the late fee on what is unpaid of the first, and bills again. Nothing happens in other nights.
NIGHTS = (date(2026, 2, 5), date(2026, 2, 28), date(2026, 3, 5))
WRONG_MINOR, WRONG_ON = 20_000, date(2026, 2, 20)
days = st.integers(5, 54).map(lambda after: DAY + timedelta(days=after))


@dataclass(frozen=True)
class Paid:
    """A payment, told of on the last day."""

    on: date
    minor: int
    reference: str


@dataclass(frozen=True)
class Disputed:
    """The customer had said that a purchase was wrong."""

    on: date
    minor: int
    purchase: int


@dataclass(frozen=True)
class Paused:
    """The customer had paused the line before they bought: what was bought costs nothing."""

    on: date
    purchase: int


@dataclass(frozen=True)
class Corrected:
    """What the payment that all lines have was in truth."""

    on: date
    minor: int


Fact = Paid | Disputed | Corrected | Paused


@st.composite
def facts(draw: st.DrawFn) -> list[Fact]:
    """A few facts: payments, disputes of some purchases, a pause before some, the correction or not."""
    paid = [
        Paid(on, minor, f"R-{number}")
        for number, (on, minor) in enumerate(
            draw(st.lists(st.tuples(days, st.integers(1, 150_000)), max_size=3))
        )
    ]
    wrong = [
        Disputed(draw(days), draw(st.integers(1, minor)), number)
        for number, minor in ((0, 90_000), (1, 60_000), (2, 120_000))
        if draw(st.booleans())
    ]
    right = [Corrected(draw(days), draw(st.integers(1, 150_000)))] if draw(st.booleans()) else []
    paused = [Paused(DAY + timedelta(days=number), number) for number in range(3) if draw(st.booleans())]
    return [*paid, *wrong, *right, *paused]


@dataclass(frozen=True)
class Case:
    """A line with its purchases and, once it has been booked, the payment that may be wrong."""

    db: Database
    line: UUID
    bought: list[UUID]

    def happens(self, fact: Fact, day: date, wrong: Payment | None) -> None:
        """A fact is told of on ``day``; without ``wrong``, the correction is what was true from the start."""
        match fact:
            case Paid():
                pay(self.db, self.line, fact.minor, day, fact.reference, fact.on)
            case Disputed():
                with self.db.transaction() as tx:
                    line, bought = worlds.locked(tx, self.line), self.bought[fact.purchase]
                    disputed.suspend(tx, line, uuid4(), bought, fact.minor, at(day), fact.on)
            case Paused():
                with self.db.transaction() as tx:
                    line, bought = worlds.locked(tx, self.line), self.bought[fact.purchase]
                    late.unprice(tx, line, [bought], uuid4(), at(day))
            case Corrected() if wrong:
                worlds.correct(self.db, wrong.id, fact.minor, fact.on, day)
            case Corrected():
                pay(self.db, self.line, fact.minor, day, "W", fact.on)

    def ends(self) -> dict[str, object]:
        """All that is derived from what is booked, on the last day."""
        line = line_of(self.db, self.line)
        with self.db.transaction() as tx:
            debt = billing.debt(tx, self.line, TODAY)
            suspended = tx.conn.execute(
                "SELECT sum(s.suspended_minor) AS minor FROM billing.v_suspension AS s"
                " JOIN billing.suspension AS n ON n.source = s.source WHERE n.line = %s",
                (self.line,),
            ).fetchone()
        return {
            "balances": (line.principal_minor, line.interest_minor, line.fee_minor, line.credit_minor),
            "past due": (debt.past_due_minor, debt.past_due_since, debt.days_past_due),
            "class": (rules.class_of(debt), rules.stage_of(debt), rules.bucket(debt)),
            "disputed": suspended,
            "open": [
                (i.due_on, i.billed, i.kind, i.principal_minor, i.interest_minor, i.fee_minor)
                for i in worlds.items(self.db, self.line)
            ],
        }


def cases(db: Database, count: int) -> list[Case]:
    """Lines that bought 900.00 in 3 for nothing, 600.00 in 6 for a fee and 1,200.00 in 12 at interest."""
    wanted = ((90_000, 3), (60_000, 6), (120_000, 12))
    return [
        Case(
            db,
            line,
            [
                worlds.buy(db, line, minor, n, DAY + timedelta(days=at))
                for at, (minor, n) in enumerate(wanted)
            ],
        )
        for line in worlds.open_lines(db, count)
    ]


def in_time(case: Case, known: Sequence[Fact], after: date, until: date) -> None:
    """What is true of the days after one until another happens, each on its day."""
    order = {Paused: 0, Disputed: 1, Corrected: 2, Paid: 2}
    now = sorted((f for f in known if after < f.on <= until), key=lambda f: (f.on, order[type(f)]))
    for fact in now:
        case.happens(fact, fact.on, None)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(known=facts(), data=st.data())
def test_the_order_of_arrival_of_what_becomes_known_late_makes_no_difference(
    db: Database, known: list[Fact], data: st.DataObject
):
    other = data.draw(st.permutations(known))
    first, second, prompt = cases(db, 3)
    truth = (
        known if any(isinstance(f, Corrected) for f in known) else [*known, Corrected(WRONG_ON, WRONG_MINOR)]
    )
    last = DAY - timedelta(days=1)
    for day in NIGHTS:
        in_time(prompt, truth, last, day)
        night(db, day)
        last = day
    in_time(prompt, truth, last, TODAY)
    for case, order in ((first, known), (second, other)):
        wrong = pay(db, case.line, WRONG_MINOR, TODAY, "W", WRONG_ON)
        for fact in order:
            case.happens(fact, TODAY, wrong)
    assert first.ends() == second.ends(), "whichever came first"
    assert first.ends() == prompt.ends(), "as if it had been known on its day"
    assert offences(db) == []
