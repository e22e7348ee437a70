"""Every covenant that a night tests is tested by a run, and trips on the day on which the night's does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

import msgspec
import numpy as np
from deals import deal
from hypothesis import given, settings
from hypothesis import strategies as st
from treasury.test_simulation import CALM, start

from whiteslip.funding import covenants
from whiteslip.funding.covenants import Figures
from whiteslip.funding.model import Base, Deal, LossStep, Phase, Position, Test, Triggers
from whiteslip.treasury import cash, findings, simulate, words
from whiteslip.treasury.scenario import STATES, Floats, Question, Terms

# What a run calls a test of the night that it does not call by its own name.
RENAMED: Final = {Test.BORROWING_BASE: "deficient", Test.MATURITY: "unpaid_at_maturity"}
BEGUN, BEFORE = date(2026, 1, 10), date(2026, 1, 31)
MONTHS: Final = simulate.days_of(BEFORE, 4)
# Four scenarios, drawn by lot; days and months in rows.
FUTURES: Final = 4


def agreed(dice: np.random.Generator) -> Deal:
    """A deal with every trigger, each as likely to trip as not."""

    def some(low: int, high: int) -> int:
        return int(dice.integers(low, high))

    limits = Triggers(
        delinquency_3m_at_most_bps=some(3_500, 4_500),
        annualised_loss_3m_at_most_bps=some(1_000, 3_500),
        excess_spread_3m_at_least_bps=some(-3_000, 1_000),
        payment_rate_at_least_bps=some(100, 900),
        pool_at_least_minor=some(20_000, 60_000),
        cumulative_loss=(
            LossStep(2, some(100, 400)),
            LossStep(3, some(400, 800)),
            LossStep(9, some(900, 2_000)),
        ),
    )
    return deal(
        begins_on=BEGUN, triggers=limits, reserve_bps=some(100, 300), minimum_use_minor=some(1, 9_000)
    )


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_happens_each_trigger_trips_on_the_day_of_the_nightly_rule(seed: int):
    dice = np.random.default_rng(seed)
    found = agreed(dice)
    lost, pledged = int(dice.integers(0, 2_000)), int(dice.integers(200_000, 300_000))
    terms = Terms(
        found, 0.0, float(dice.integers(0, 300)), 1.0, 0.0, lost=float(lost), ever_pledged=float(pledged)
    )
    till = cash.Till.open(FUTURES, 0.0, terms)
    till.debt = dice.integers(1, 20_000, FUTURES).astype(np.float64)
    days, months = (sum(MONTHS), FUTURES), (len(MONTHS), FUTURES)
    drawn: dict[str, Any] = {
        "lost": dice.integers(0, 300, days),
        "bought": dice.integers(0, 4_000, days),
        "eligible": dice.integers(18_000, 900_000, days),
        "owed": dice.integers(20_000, 40_000, (*months, STATES)),
        "collected": dice.integers(0, 10_000, months),
        "earned": dice.integers(0, 9_000, months),
    }
    # A night tells the payment rate once it knows three months; before, nothing here breaks it.
    drawn["collected"][:2] = 10**6
    tested, day, opening = cash.Covenants(terms, FUTURES), 0, np.full((FUTURES, STATES), 30_000.0)
    for month, length in enumerate(MONTHS):
        for _ in range(length):
            today = BEFORE + timedelta(days=day + 1)
            tested.lose(
                till, drawn["lost"][day].astype(float), drawn["bought"][day].astype(float), today, day
            )
            tested.daily(till, drawn["eligible"][day].astype(float), day)
            day += 1
        owed: Floats = drawn["owed"][month].astype(float)
        defaulted = drawn["lost"][day - length : day].sum(axis=0).astype(float)
        nothing = np.zeros(FUTURES)
        flows = cash.Flows(drawn["collected"][month].astype(float), nothing, drawn["earned"][month], nothing)
        tested.monthly(till, opening, owed, defaulted, flows, day - 1)
        opening = owed
    for future in range(FUTURES):
        nightly = _by_night(
            found, {name: each[:, future] for name, each in drawn.items()}, till.debt[future], terms
        )
        told = {
            name: int(first[future]) for name, first in till.events.items() if first[future] != cash.NEVER
        }
        assert told == nightly


def _by_night(found: Deal, drawn: dict[str, Any], debt: float, terms: Terms) -> dict[str, int]:
    """The first day of each breach as the night would see the same book, one night after another."""
    firsts, nights, pledged, amortising, day = (
        dict[str, int](),
        list[Figures](),
        int(terms.ever_pledged),
        False,
        0,
    )
    position = Position(int(debt), 0, int(terms.reserve))
    earlier = Figures(BEFORE, 0, 0, int(terms.lost), 0, 0)
    for month, length in enumerate(MONTHS):
        pool, late = int(drawn["owed"][month][:5].sum()), int(drawn["owed"][month][3:5].sum())
        for step in range(length):
            on, is_last = BEFORE + timedelta(days=day + 1), step == length - 1
            flows = (int(drawn[name][month]) if is_last else 0 for name in ("collected", "earned"))
            nights.append(Figures(on, pool, late, int(drawn["lost"][day]), *flows))
            pledged += 0 if amortising else int(drawn["bought"][day])
            in_all = covenants.performance(found, [earlier, *nights], [], pledged)
            how = msgspec.structs.replace(
                covenants.performance(found, nights, []),
                cumulative_loss_bps=in_all.cumulative_loss_bps,
                age_months=in_all.age_months,
            )
            phase = Phase.AMORTISING if amortising else Phase.REVOLVING
            good = int(drawn["eligible"][day])
            base = Base(phase, pool, good, 0, 0, 8_500, 0, 10**9, int(debt), (), ())
            broken = {each.test for each in covenants.tests(found, base, position, how) if each.is_breached}
            for test in broken:
                firsts.setdefault(test.value, day)
            amortising = amortising or bool(broken - {Test.RESERVE, Test.MINIMUM_USE})
            day += 1
    return firsts


def test_a_loss_beyond_the_schedule_trips_in_the_month_of_the_nightly_rule_and_risk_is_told_before():
    steps = (LossStep(2, 150), LossStep(3, 260), LossStep(12, 500))
    found = deal(commitment_minor=10**12, begins_on=BEGUN, triggers=Triggers(cumulative_loss=steps))
    terms = Terms(found, 1.0, 0.0, 0.8, 0.0, amortising=True, lost=1e6, ever_pledged=2.5e8)
    asked = Question(months=6, scenarios=3, cash_minor=10**9)
    run = simulate.run(start(terms=terms), CALM, asked)
    nights = [Figures(BEFORE, 1, 0, int(terms.lost), 0, 0)]
    lengths = simulate.days_of(BEFORE, asked.months)
    for future in range(asked.scenarios):
        made, tripped = list(nights), list[int]()
        for month, length in enumerate(lengths):
            for _ in range(length):
                lost = round(float(run.defaults[future, month]) * 0.8 / length)
                made.append(Figures(made[-1].day + timedelta(days=1), 1, 0, lost, 0, 0))
                how = covenants.performance(found, made, [], 250_000_000)
                assert how.cumulative_loss_bps is not None
                assert how.age_months is not None
                if how.cumulative_loss_bps > covenants.loss_limit(found, how.age_months):
                    tripped.append(month)
        ends = np.cumsum(lengths)
        assert (
            int(np.searchsorted(ends, run.events["cumulative_loss"][future], side="right")) == tripped[0] > 0
        )
    (told,) = (
        e for e in findings.finding(start(terms=terms), asked, run).events if e.name == "cumulative_loss"
    )
    assert (told.who, told.share) == ("risk", 1.0)
    assert told.act_by < told.first_on
    said = words.duties([told], "en", str, lambda share: f"{share:.0%}")[0]
    assert "above what its schedule allows" in said
    # What is bought while it revolves is pledged too: the same losses are a smaller share.
    revolving = simulate.run(start(terms=replace(terms, amortising=False)), CALM, asked).events[
        "cumulative_loss"
    ]
    assert ((revolving == cash.NEVER) | (revolving > run.events["cumulative_loss"])).all()
    strict = msgspec.structs.replace(found, triggers=Triggers(cumulative_loss=(LossStep(12, 1),)))
    turned = simulate.run(start(terms=replace(terms, deal=strict, amortising=False)), CALM, asked)
    assert (turned.events["cumulative_loss"] == 0).all(), "what was lost before counts on the first day"


def test_whatever_a_night_tests_a_run_has_somebody_for_who_acts_and_words_for_it():
    for test in Test:
        name = RENAMED.get(test, test.value)
        assert name in findings.DUTIES, name
        assert f"what_{name}" in words.SENTENCES, name
