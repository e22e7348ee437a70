"""What becomes known late, in any order of arrival: a line ends where it would have, had all been known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID, uuid4

import worlds
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from worlds import DAY, at, line_of, night, offences, pay

from whiteslip import billing
from whiteslip.base import new_id
from whiteslip.billing import disputed, late, payments, rules
from whiteslip.billing.acts import pay_off_with_credit
from whiteslip.billing.model import Payment
from whiteslip.store import Database

TODAY = date(2026, 3, 10)
# Bills, the late fee on what is unpaid of the first, and bills again. Nothing happens in other nights.
NIGHTS = (date(2026, 2, 5), date(2026, 2, 28), date(2026, 3, 5))
WRONG_MINOR, WRONG_ON = 20_000, date(2026, 2, 20)
# What counts from the day on which it is told is taken in the order in which it comes.
days = st.integers(5, 53).map(lambda after: DAY + timedelta(days=after))
BOUGHT = (90_000, 60_000, 120_000)


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


@dataclass(frozen=True)
class Refunded:
    """The shop had given money of a purchase back."""

    on: date
    minor: int
    purchase: int


@dataclass(frozen=True)
class Returned:
    """The bank took a payment back: it was never made."""

    on: date
    reference: str


Fact = Paid | Disputed | Corrected | Paused | Refunded | Returned


# Paid and known on that day, before the bill is late.
PROMPT = Paid(date(2026, 2, 24), 35_000, "E")


@st.composite
def facts(draw: st.DrawFn, hot: Sequence[date] = ()) -> list[Fact]:
    """A few facts: payments, some of which come back, disputes and refunds of some purchases, a pause
    before some, the correction or not. Half of them count from ``hot`` days.
    """
    when = st.sampled_from(hot) | days if hot else days
    paid = [
        Paid(on, minor, f"R-{number}")
        for number, (on, minor) in enumerate(
            draw(st.lists(st.tuples(when, st.integers(1, 150_000)), max_size=3))
        )
    ]
    wrong = [
        Disputed(draw(when), draw(st.integers(1, minor)), number)
        for number, minor in enumerate(BOUGHT)
        if draw(st.booleans())
    ]
    given = [
        Refunded(draw(when), draw(st.integers(1, minor)), number)
        for number, minor in enumerate(BOUGHT)
        if draw(st.integers(0, 2)) == 0
    ]
    right = [Corrected(draw(when), draw(st.integers(1, 150_000)))] if draw(st.booleans()) else []
    paused = [Paused(DAY + timedelta(days=number), number) for number in range(3) if draw(st.booleans())]
    known = [fact.reference for fact in paid] + ["E", "W"]
    back = [Returned(TODAY, reference) for reference in known if draw(st.integers(0, 3)) == 0]
    return [*paid, *wrong, *given, *right, *paused, *back]


@dataclass(frozen=True)
class Case:
    """A line with its purchases and, once it has been booked, the payment that may be wrong."""

    db: Database
    line: UUID
    bought: list[UUID]
    paid: dict[str, Payment]

    def happens(self, fact: Fact, day: date, wrong: Payment | None) -> None:
        """A fact is told of on ``day``; without ``wrong``, the correction is what was true from the start."""
        match fact:
            case Paid():
                paid = pay(self.db, self.line, fact.minor, day, fact.reference, fact.on)
                self.paid[fact.reference] = paid
            case Returned():
                worlds.give_back(self.db, self.paid[fact.reference], day)
            case Refunded():
                bought = self.bought[fact.purchase]
                worlds.refund(self.db, self.line, bought, fact.minor, day, fact.on)
            case Disputed():
                with self.db.transaction() as tx:
                    line, bought = worlds.locked(tx, self.line), self.bought[fact.purchase]
                    disputed.suspend(tx, line, uuid4(), bought, fact.minor, at(day), fact.on)
            case Paused():
                with self.db.transaction() as tx:
                    line, bought = worlds.locked(tx, self.line), self.bought[fact.purchase]
                    late.unprice(tx, line, [bought], uuid4(), at(day))
            case Corrected() if wrong:
                with self.db.transaction() as tx:  # refused where it came back before
                    payments.correct(tx, wrong.id, fact.minor, fact.on, "test", at(day))
            case Corrected():
                pay(self.db, self.line, fact.minor, day, "W", fact.on)

    def ends(self) -> dict[str, object]:
        """All that is derived from what is booked, on the last day."""
        line = line_of(self.db, self.line)
        with self.db.transaction() as tx:
            debt = billing.debt(tx, self.line, TODAY)
            suspended = tx.conn.execute(
                "SELECT sum(amount_minor) AS minor FROM billing.v_suspended WHERE line = %s",
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
    made: list[Case] = []
    for line in worlds.open_lines(db, count):
        bought: list[UUID] = []
        for after, (minor, instalments) in enumerate(zip(BOUGHT, (3, 6, 12), strict=True)):
            day = DAY + timedelta(days=after)
            bought.append(worlds.buy(db, line, minor, instalments, day, new_id(at(day))))
        made.append(Case(db, line, bought, {}))
    return made


def in_time(case: Case, known: Sequence[Fact], after: date, until: date) -> None:
    """What is true of the days after one until another happens, each on its day."""
    order: dict[type[Fact], int] = {Paused: 0, Disputed: 1, Refunded: 2, Corrected: 3, Paid: 3}
    now = sorted((f for f in known if after < f.on <= until), key=lambda f: (f.on, order[type(f)]))
    for fact in now:
        case.happens(fact, fact.on, None)


def truth_of(known: Sequence[Fact]) -> list[Fact]:
    """What would have happened, had all been known: what came back was never paid."""
    back = {fact.reference for fact in known if isinstance(fact, Returned)}
    right = next((fact for fact in known if isinstance(fact, Corrected)), Corrected(WRONG_ON, WRONG_MINOR))
    others = [fact for fact in known if not isinstance(fact, Returned | Corrected)]
    stands: list[Fact] = [fact for fact in others if not (isinstance(fact, Paid) and fact.reference in back)]
    return [*stands, right] if "W" not in back else stands


def as_banks_tell(told: Sequence[Fact]) -> list[Fact]:
    """The order in which things are told, but that no payment comes back before it has come."""
    order = list(told)
    for paid in [fact for fact in told if isinstance(fact, Paid)]:
        back = Returned(TODAY, paid.reference)
        if back in order and order.index(back) < order.index(paid):
            first, second = order.index(back), order.index(paid)
            order[first], order[second] = paid, back
    return order


@settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(known=facts(), data=st.data())
def test_the_order_of_arrival_of_what_becomes_known_late_makes_no_difference(
    db: Database, known: list[Fact], data: st.DataObject
):
    other = as_banks_tell(data.draw(st.permutations(known)))
    first, second, prompt = cases(db, 3)
    truth, last = truth_of(known), DAY - timedelta(days=1)
    for day in NIGHTS:
        if last < PROMPT.on <= day:
            for case in (first, second):
                case.happens(PROMPT, PROMPT.on, None)
        in_time(prompt, [PROMPT, *truth], last, day)
        night(db, day)
        last = day
    in_time(prompt, truth, last, TODAY)
    with db.transaction() as tx:  # as whatever is told late does
        pay_off_with_credit(tx, worlds.locked(tx, prompt.line), at(TODAY))
    for case, order in ((first, known), (second, other)):
        wrong = case.paid["W"] = pay(db, case.line, WRONG_MINOR, TODAY, "W", WRONG_ON)
        for fact in order:
            case.happens(fact, TODAY, wrong)
    assert first.ends() == second.ends(), "whichever came first"
    # That the prompt payment came back is not known on its day: no fee arose that would have.
    if Returned(TODAY, "E") not in known:
        assert first.ends() == prompt.ends(), "as if it had been known on its day"
    assert offences(db) == []
