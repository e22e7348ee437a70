"""What becomes known late on a line with hardship plans, in any order and at any time: the plans rest on what
they would have rested on, and interest and fees cost what they would have cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TypeAlias

import worlds
from billing.test_order_of_arrival import (
    NIGHTS,
    PROMPT,
    TODAY,
    WRONG_MINOR,
    WRONG_ON,
    Case,
    Corrected,
    Fact,
    Returned,
    as_banks_tell,
    cases,
    facts,
    in_time,
    truth_of,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from worlds import DAY, at, line_of, night, offences, pay

from whiteslip import billing
from whiteslip.billing import hardship, store
from whiteslip.billing.acts import pay_off_with_credit
from whiteslip.billing.model import Hardship, Relief
from whiteslip.store import Database

EARLIER, AGREED_ON = date(2026, 2, 12), date(2026, 3, 8)
# Days around which it matters on which side of an agreement something counts.
HOT = [day + timedelta(days=after) for day in (EARLIER, AGREED_ON) for after in (-1, 0, 1)]

# What is told, in this order, and when.
Telling: TypeAlias = Sequence[tuple[date, Fact]]


def agree(case: Case, relief: Relief, day: date) -> bool:
    """Agree on a plan, whether or not something is late; whether there was anything to agree on."""
    with case.db.transaction() as tx:
        line = worlds.locked(tx, case.line)
        return isinstance(hardship.agree(tx, line, relief, "customer", at(day), foreseen=True), Hardship)


def agree_and_end(case: Case, relief: Relief, day: date) -> bool:
    """A plan that its customer ends on the day it is agreed: another may follow."""
    made = agree(case, relief, day)
    with case.db.transaction() as tx:
        hardship.end(tx, worlds.locked(tx, case.line), "customer", at(day))
    return made


def plans(case: Case) -> list[tuple[date, int, int, bool, date]]:
    """What each plan of a line keeps of the debt."""
    with case.db.transaction() as tx:
        return [
            (made.agreed_on, made.frozen_days, made.value_loss_bps, made.distressed, made.observed_until)
            for made in store.hardships(tx, case.line)
        ]


def worth(case: Case) -> dict[str, int]:
    """What a line owes of the debt and of its price, less its credit; and its days past due."""
    line = line_of(case.db, case.line)
    with case.db.transaction() as tx:
        days = billing.debt(tx, case.line, TODAY).days_past_due
    return {
        "net": line.owed_minor - line.credit_minor,
        "dpd": days if line.owed_minor else 0,
    }


many = settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
reliefs = st.sampled_from(Relief)


@many
@given(known=facts(HOT), relief=reliefs, before=st.none() | reliefs, data=st.data())
def test_a_plan_rests_on_what_it_would_have_rested_on_had_all_been_known(
    db: Database, known: list[Fact], relief: Relief, before: Relief | None, data: st.DataObject
):
    other = as_banks_tell(data.draw(st.permutations(known)))
    told = [[(TODAY, fact) for fact in order] for order in (known, other)]
    first, second, prompt, agreed = run(db, known, told, relief, before)
    assert (plans(first), worth(first)) == (plans(second), worth(second)), "whichever came first"
    # That the prompt payment came back is not known on its day: no fee arose that would have. And who would
    # have had no price to forgive would have had no such plan.
    if Returned(TODAY, "E") not in known and agreed:
        assert worth(first)["net"] == worth(prompt)["net"], "as if it had been known on its day"
        assert plans(first) == plans(prompt), "the days it kept, and what it lost in value"


@many
@given(
    known=facts(HOT).map(lambda known: [fact for fact in known if not isinstance(fact, Returned)]),
    relief=reliefs,
    before=st.none() | reliefs,
    data=st.data(),
)
def test_it_makes_no_difference_when_something_becomes_known(
    db: Database, known: list[Fact], relief: Relief, before: Relief | None, data: st.DataObject
):
    # A second plan is agreed with what the first has left then: what it forgives and loses may differ by
    # how that had been paid.
    told = [data.draw(st.permutations(list(zip(told_on(data, known), known, strict=True)))) for _ in range(2)]
    first, second, prompt, agreed = run(db, known, told, relief, before)
    if agreed:
        ends = [
            ([each[: 2 if before else 5] for each in plans(case)], worth(case)) for case in (first, second)
        ]
        if not before or relief is not Relief.REDUCED:
            assert ends[0] == ends[1], "whenever it came"
        assert ends[0][0] == ends[1][0], "the days they kept"
        assert ends[0][0] == [each[: 2 if before else 5] for each in plans(prompt)], "as if known on its day"


def told_on(data: st.DataObject, known: Sequence[Fact]) -> list[date]:
    """A day on which each fact is told; a correction after what it corrects."""
    first = [max(fact.on, AGREED_ON) if isinstance(fact, Corrected) else fact.on for fact in known]
    return [data.draw(st.just(TODAY) | st.dates(day + timedelta(days=1), TODAY)) for day in first]


def run(
    db: Database, known: Sequence[Fact], told: Sequence[Telling], relief: Relief, before: Relief | None
) -> tuple[Case, Case, Case, bool]:
    """Three lines: two are told late, each in its way, one is told all that is known on its day. Whether all
    of them have had every plan.
    """
    first, second, prompt = cases(db, 3)
    truth, last, agreed = truth_of(known), DAY - timedelta(days=1), list[bool]()

    def tell(after: date, until: date) -> None:
        for case, telling in zip((first, second), told, strict=True):
            for day, fact in sorted(telling, key=lambda each: each[0]):
                if after < day <= until:
                    case.happens(fact, day, case.paid.get("W"))
        in_time(prompt, [PROMPT, *truth], after, until)

    for day in sorted([*NIGHTS, EARLIER, PROMPT.on]):
        until = day if day in NIGHTS else day - timedelta(days=1)
        tell(last, until)
        last = until
        if day in NIGHTS:
            night(db, day)
        elif day == PROMPT.on:
            for case in (first, second):
                case.happens(PROMPT, day, None)
        elif before:
            agreed = [agree_and_end(case, before, EARLIER) for case in (first, second, prompt)]
    tell(last, AGREED_ON - timedelta(days=1))
    for case in (first, second):
        case.paid["W"] = pay(db, case.line, WRONG_MINOR, AGREED_ON, "W", WRONG_ON)
    agreed += [agree(case, relief, AGREED_ON) for case in (first, second, prompt)]
    tell(AGREED_ON - timedelta(days=1), TODAY)
    with db.transaction() as tx:  # as whatever is told late does
        pay_off_with_credit(tx, worlds.locked(tx, prompt.line), at(TODAY))
    assert offences(db) == []
    return first, second, prompt, all(agreed)
