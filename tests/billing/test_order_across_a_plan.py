"""What becomes known after a hardship plan of what was before it, in any order: the plan rests on what it
would have rested on, and interest and fees cost what they would have cost.
"""

from __future__ import annotations

from datetime import date, timedelta

import worlds
from billing.test_order_of_arrival import (
    NIGHTS,
    PROMPT,
    TODAY,
    WRONG_MINOR,
    WRONG_ON,
    Case,
    Disputed,
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


@settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    known=facts(), relief=st.sampled_from(Relief), before=st.none() | st.sampled_from(Relief), data=st.data()
)
def test_a_plan_rests_on_what_it_would_have_rested_on_had_all_been_known(
    db: Database, known: list[Fact], relief: Relief, before: Relief | None, data: st.DataObject
):
    run(db, known, as_banks_tell(data.draw(st.permutations(known))), relief, before)


def run(db: Database, known: list[Fact], other: list[Fact], relief: Relief, before: Relief | None) -> None:
    """Three lines: one is told all that is known on its day, two are told late, in one order and another."""
    first, second, prompt = cases(db, 3)
    truth, last, agreed = truth_of(known), DAY - timedelta(days=1), list[bool]()
    for day in sorted([*NIGHTS, EARLIER]):
        if last < PROMPT.on <= day:
            for case in (first, second):
                case.happens(PROMPT, PROMPT.on, None)
        until = day - timedelta(days=1) if day == EARLIER else day
        in_time(prompt, [PROMPT, *truth], last, until)
        last = until
        if day in NIGHTS:
            night(db, day)
        elif before:
            agreed = [agree_and_end(case, before, EARLIER) for case in (first, second, prompt)]
    in_time(prompt, truth, last, AGREED_ON - timedelta(days=1))
    wrong = {case.line: pay(db, case.line, WRONG_MINOR, AGREED_ON, "W", WRONG_ON) for case in (first, second)}
    agreed += [agree(case, relief, AGREED_ON) for case in (first, second, prompt)]
    in_time(prompt, truth, AGREED_ON - timedelta(days=1), TODAY)
    with db.transaction() as tx:  # as whatever is told late does
        pay_off_with_credit(tx, worlds.locked(tx, prompt.line), at(TODAY))
    for case, order in ((first, known), (second, other)):
        case.paid["W"] = wrong[case.line]
        for fact in order:
            case.happens(fact, TODAY, wrong[case.line])
    assert offences(db) == []
    if before and any(isinstance(fact, Disputed) for fact in known):
        return  # how much of it had been paid may differ by order: see docs/explanation/books.md
    assert (plans(first), worth(first)) == (plans(second), worth(second)), "whichever came first"
    if Returned(TODAY, "E") not in known:
        # What a second plan forgives depends on how the first spread its price, and that stands as agreed.
        # Who would have had no price to forgive would have had no such plan.
        if before is None or (all(agreed) and relief is not Relief.REDUCED):
            assert worth(first)["net"] == worth(prompt)["net"], "as if it had been known on its day"
        if all(agreed):
            kept, would_have = plans(first), plans(prompt)
            assert [each[:2] for each in kept] == [each[:2] for each in would_have], "the days it kept"
            assert before or kept == would_have, "and what it lost in value"
