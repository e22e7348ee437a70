"""The stress run against closed forms, against drawing line by line, and against the books' own rules."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from statistics import NormalDist
from uuid import UUID

import msgspec
import numpy as np
import pytest
from deals import deal, receivable
from hypothesis import given, settings
from hypothesis import strategies as st

from whiteslip.funding import rules
from whiteslip.funding.model import Overcollateralisation, Phase, Position
from whiteslip.treasury import cash, credit, findings, leaving, simulate, stress, words
from whiteslip.treasury.scenario import AGES, BAD, STATES, Assumptions, Question, Start, Terms

NORMAL = NormalDist()
CALM = Assumptions(correlation=0.0, contagion=0.0, shocks_times=0.0, pays_off=0.0)
CHAIN = np.array(
    [
        [1, 0, 0, 0, 0, 0],
        [0.10, 0.87, 0.03, 0, 0, 0],
        [0.05, 0.60, 0.10, 0.25, 0, 0],
        [0.02, 0.10, 0.03, 0.15, 0.70, 0],
        [0.01, 0.04, 0.02, 0.03, 0.10, 0.80],
        [0, 0, 0, 0, 0, 1],
    ]
)


def start(lines: int = 10_000, hazard: float = 0.0005, terms: Terms | None = None) -> Start:
    """Two segments of lines, of which six in ten owe 300.00."""
    counts = np.zeros((2, len(AGES), STATES), np.int64)
    counts[:] = np.array([0.3, 0.6, 0.05, 0.03, 0.01, 0.01]) * lines / (2 * len(AGES))
    return Start(
        day=date(2026, 1, 31),
        currency="CNY",
        segments=("a", "b"),
        lines=counts,
        owed=(counts * np.array([0.0, 3e4, 3e4, 3e4, 3e4, 3e4])).astype(np.float64),
        left_lines=np.zeros((2, STATES), np.int64),
        left_owed=np.zeros((2, STATES)),
        limit=np.array([1e5, 2e5]),
        chain=np.repeat(CHAIN[None], 2, axis=0),
        hazard=np.full(len(AGES), hazard),
        payment=0.3,
        prepayment=0.05,
        earning=0.18,
        terms=terms,
    )


def test_defaults_of_a_large_book_have_vasiceks_quantiles_and_their_own_mean():
    p, rho, scenarios = 0.03, 0.15, 20_000
    chain = np.eye(STATES)
    chain[1] = [0, 1 - p, 0, 0, 0, p]
    dice = np.random.default_rng(7)
    factor = credit.fortunes(dice, scenarios, 1, 0.9, 0.0)[:, 0]
    matrix = credit.conditional(credit.thresholds(chain), factor, rho)
    lines = np.zeros((scenarios, STATES), np.int64)
    lines[:, 1] = 1_000_000
    rate = credit.moved(dice, lines, matrix)[:, 1, BAD] / 1_000_000
    assert rate.mean() == pytest.approx(p, rel=0.03)
    for level in (0.5, 0.9, 0.99):
        closed = NORMAL.cdf((NORMAL.inv_cdf(p) + math.sqrt(rho) * NORMAL.inv_cdf(level)) / math.sqrt(1 - rho))
        assert np.quantile(rate, level) == pytest.approx(closed, rel=0.06)


@settings(max_examples=40)
@given(
    st.lists(st.floats(0.01, 1.0), min_size=STATES, max_size=STATES),
    st.floats(0.0, 0.6),
    st.floats(-3.0, 3.0),
)
def test_a_conditional_matrix_is_one_and_over_all_fortunes_the_matrix_itself(
    weights: list[float], rho: float, fortune: float
):
    row = np.array(weights) / sum(weights)
    limits = credit.thresholds(np.array([row]))
    one = credit.conditional(limits, np.array([fortune]), rho)[0, 0]
    assert one.sum() == pytest.approx(1.0, abs=1e-9)
    # The mean over a normal fortune, by Gauss and Hermite.
    points, mass = np.polynomial.hermite_e.hermegauss(80)
    mean = (credit.conditional(limits, points, rho)[:, 0] * (mass / mass.sum())[:, None]).sum(axis=0)
    assert mean == pytest.approx(row, abs=2e-3)
    better = credit.conditional(limits, np.array([fortune + 1.0]), rho)[0, 0]
    assert better[BAD] <= one[BAD] + 1e-12


def test_groups_have_the_law_of_lines_drawn_one_by_one():
    dice, times, lines = np.random.default_rng(3), 4_000, 40
    held = np.zeros((times, STATES), np.int64)
    held[:, 2] = lines
    groups = credit.moved(dice, held, CHAIN[None])[:, 2]
    single = dice.random((times, lines, 1)) > np.cumsum(CHAIN[2])
    to = single.sum(axis=2).clip(max=STATES - 1)
    alone = np.stack([(to == state).sum(axis=1) for state in range(STATES)], axis=1)
    assert groups.mean(axis=0) == pytest.approx(lines * CHAIN[2], abs=0.25)
    assert groups.mean(axis=0) == pytest.approx(alone.mean(axis=0), abs=0.3)
    assert groups.var(axis=0) == pytest.approx(lines * CHAIN[2] * (1 - CHAIN[2]), rel=0.12, abs=0.01)
    assert np.cov(groups.T)[1, 3] == pytest.approx(-lines * CHAIN[2, 1] * CHAIN[2, 3], rel=0.15)


def test_contagion_makes_as_many_leave_as_a_branching_process():
    branching, days, lines = 0.5, 400, 10_000_000
    asked = Question(leave=0.001, within_days=1, after_days=0)
    mood = leaving.Mood.calm(msgspec.structs.replace(CALM, contagion=branching), asked, 200)
    dice, open_lines = np.random.default_rng(5), np.full((200, 1), lines, np.int64)
    gone = np.zeros(200)
    for day in range(days):
        today = leaving.leave(dice, open_lines, np.zeros(1), mood.hazard(day))
        mood.spread(today[:, 0].astype(float), open_lines[:, 0].astype(float))
        gone += today[:, 0]
    assert gone.mean() / lines == pytest.approx(0.001 / (1 - branching), rel=0.01)


def test_ten_per_cent_leave_in_a_week_when_that_is_asked_and_twice_as_many_when_exits_double():
    calm = simulate.run(start(), CALM, Question(months=2, scenarios=50))
    twice = simulate.run(start(), CALM, Question(months=2, scenarios=50, exits=2.0))
    assert calm.exits.sum(axis=1).mean() == pytest.approx(10_000 * (1 - math.exp(-0.0005 * 59)), rel=0.03)
    assert twice.exits.sum() / calm.exits.sum() == pytest.approx(2.0, rel=0.05)
    run = simulate.run(start(hazard=0.0), CALM, Question(months=2, scenarios=50, leave=0.1))
    assert run.exits[:, :30].sum() == run.exits[:, 37:].sum() == 0
    assert run.exits.sum(axis=1).mean() == pytest.approx(1_000, rel=0.02)
    # What leaves frees its undrawn limit x 10 % x 75 %: 150,000 less what is owed on average.
    room = 150_000 - start().book / 10_000
    assert run.freed[:, -1].mean() == pytest.approx(1_000 * room * 0.075, rel=0.1)


@settings(max_examples=12)
@given(
    st.integers(1, 4), st.integers(0, 2**31), st.floats(0.0, 3.0), st.floats(0.0, 0.5), st.floats(0.0, 0.5)
)
def test_lines_and_money_are_conserved_and_a_seed_gives_the_same(
    months: int, seed: int, exits: float, leave: float, rho: float
):
    asked = Question(months=months, scenarios=4, seed=seed, exits=exits, leave=leave, cash_minor=10**9)
    given = msgspec.structs.replace(Assumptions(), correlation=rho, servicing=0.0)
    found = simulate.run(start(), given, asked)
    assert (found.open_lines + found.exits.cumsum(axis=1) == 10_000).all()
    assert (np.diff(found.freed, axis=1) >= 0).all()
    assert (found.book >= 0).all()
    again = simulate.run(start(), given, asked)
    assert (again.cash == found.cash).all()
    # Where nobody lends, nothing is earned and nothing late, what is owed less is there as cash.
    calm = msgspec.structs.replace(given, shocks_times=0.0)
    closed = simulate.run(replace(start(), earning=0.0), calm, asked)
    assert (closed.cash + closed.book)[:, -1] == pytest.approx(10**9 + start().book, rel=1e-5)


def test_a_run_is_the_same_in_blocks_and_longer():
    asked = Question(months=1, scenarios=simulate.BLOCK + 3)
    whole = simulate.run(start(), Assumptions(), asked)
    first = simulate.run(start(), Assumptions(), msgspec.structs.replace(asked, scenarios=simulate.BLOCK))
    assert (whole.cash[: simulate.BLOCK] == first.cash).all()
    assert len(whole.cash) == asked.scenarios


def test_the_base_is_that_of_the_nightly_rules():
    agreed = deal(commitment_minor=10**12)
    balances = np.array([0.0, 500_000, 300_000, 200_000, 100_000, 50_000])
    late = (0, 0, 15, 40, 70, 100)
    pool = [
        receivable(n, int(balances[n]), currency="CNY", days_past_due=late[n], pledged_to=UUID(int=1))
        for n in range(1, STATES)
    ]
    proof = rules.prove(agreed, UUID(int=1), pool, date(2026, 3, 31))
    base = rules.base_of(agreed, proof, Position(), Phase.REVOLVING, None)
    terms = Terms(agreed, debt=0.0, reserve=0.0, pledged=1.0, excess=0.0)
    nobody = np.zeros((1, STATES))
    revolving = np.zeros(1, np.bool_)
    assert cash.base_of(terms, balances[None], nobody, revolving)[0] == base.base_minor == 680_000
    # Half of those 1 to 29 days late are under fifteen; leavers count unless the deal says no.
    young = msgspec.structs.replace(agreed.eligibility, days_past_due_below=15, closed_account_eligible=False)
    strict = Terms(msgspec.structs.replace(agreed, eligibility=young), 0.0, 0.0, 1.0, 0.0)
    assert strict.weights()[2] == pytest.approx(14 / 29)
    assert cash.eligible_of(strict, nobody, balances[None])[0] == 0
    assert cash.eligible_of(terms, nobody, balances[None])[0] == 800_000


@pytest.mark.parametrize(("phase", "bps"), [(Phase.REVOLVING, 265), (Phase.AMORTISING, 515)])
def test_a_facility_that_amortises_holds_back_the_target_of_that_phase(phase: Phase, bps: int):
    over = Overcollateralisation(initial_pool_minor=10**9, revolving_bps=265, amortising_bps=515)
    agreed = deal(commitment_minor=10**12, advance=None, overcollateralisation=over)
    pool = [receivable(1, 2 * 10**8, currency="CNY", pledged_to=UUID(int=1))]
    proof = rules.prove(agreed, UUID(int=1), pool, date(2026, 3, 31))
    nightly = rules.base_of(agreed, proof, Position(), phase, None)
    terms = Terms(agreed, 0.0, 0.0, 1.0, 0.0, amortising=phase is Phase.AMORTISING)
    balances, nobody = np.array([[0.0, 2e8, 0, 0, 0, 0]]), np.zeros((1, STATES))
    found = cash.base_of(terms, balances, nobody, cash.Till.open(1, 0.0, terms).amortising)[0]
    assert found == nightly.base_minor == 2 * 10**8 - 10**5 * bps
    run = simulate.run(start(terms=terms), CALM, Question(months=1, scenarios=1))
    eligible = float(start().owed.sum(axis=(0, 1)) @ terms.weights())
    assert run.headroom[0, 0] == pytest.approx(eligible - 10**5 * bps, rel=0.02)


def test_a_day_costs_interest_on_what_is_drawn_and_a_fee_on_what_is_not():
    agreed = deal(commitment_minor=1_000_000, unused_fee_bps=50)
    terms = Terms(agreed, debt=400_000, reserve=0.0, pledged=1.0, excess=0.0)
    # 6 % of 400,000 and 0.5 % of 600,000 are 27,000 a year.
    assert cash.funding_cost(cash.Till.open(1, 0.0, terms), terms)[0] == pytest.approx(27_000 / 365)
    assert cash.funding_cost(cash.Till.open(1, 0.0, None), None)[0] == 0


def test_a_facility_turns_on_its_agreed_day_in_every_future_and_the_funding_desk_is_told_before():
    over = Overcollateralisation(initial_pool_minor=10**9, revolving_bps=265, amortising_bps=515)
    last = date(2026, 3, 15)
    agreed = deal(commitment_minor=10**12, advance=None, overcollateralisation=over, revolving_until=last)
    terms = Terms(agreed, 1e8, 0.0, 1.0, 0.0)
    asked = Question(months=3, scenarios=5, cash_minor=10**9)
    run = simulate.run(start(terms=terms), CALM, asked)
    turned = (last - start().day).days
    assert (run.events["revolving_ends"] == turned).all(), "the day after the last"
    later = msgspec.structs.replace(agreed, revolving_until=date(2027, 1, 1))
    never = simulate.run(start(terms=replace(terms, deal=later)), CALM, asked)
    assert "amortising" not in run.events or (run.events["amortising"] == cash.NEVER).all()
    assert (never.events.get("revolving_ends", np.array([cash.NEVER])) == cash.NEVER).all()
    assert (run.headroom[:, :turned] == never.headroom[:, :turned]).all()
    # On the day it keeps 2.5 % of the first pool more, and pays down with that day's principal.
    fall = never.headroom[:, turned] - run.headroom[:, turned]
    assert (fall < 10**9 * 0.025).all()
    paid_down = (never.cash - run.cash)[:, turned]
    assert fall + paid_down == pytest.approx(np.full(5, 10**9 * 0.025), rel=1e-3)
    (told,) = (
        e for e in findings.finding(start(terms=terms), asked, run).events if e.name == "revolving_ends"
    )
    assert (told.who, told.share, told.first_on) == ("funding", 1.0, date(2026, 3, 16))
    assert told.act_by == max(date(2026, 2, 1), date(2026, 3, 16) - timedelta(days=45))
    ended = simulate.run(start(terms=replace(terms, amortising=True)), CALM, asked)
    assert (ended.events["revolving_ends"] == cash.NEVER).all(), "it had turned before"


@pytest.mark.parametrize(("cash_minor", "unpaid"), [(10**9, False), (0, True)])
def test_on_the_last_day_all_that_is_drawn_is_due_and_treasury_is_named_where_it_cannot_be_paid(
    cash_minor: int, unpaid: bool
):
    ends = date(2026, 3, 20)
    agreed = deal(commitment_minor=10**12, revolving_until=date(2026, 3, 10), ends_on=ends, unused_fee_bps=50)
    terms = Terms(agreed, 1e8, 0.0, 1.0, 0.0)
    asked = Question(months=3, scenarios=5, cash_minor=cash_minor)
    run = simulate.run(start(terms=terms), CALM, asked)
    due = (ends - start().day).days - 1
    told = {each.name: each for each in findings.finding(start(terms=terms), asked, run).events}
    assert ("unpaid_at_maturity" in told) is unpaid
    # What is lent on the day before still counts; from the day on headroom is what is owed.
    if unpaid:
        assert (run.events["unpaid_at_maturity"] == due).all()
        found = told["unpaid_at_maturity"]
        assert (found.who, found.first_on, found.share) == ("treasury", ends, 1.0)
        assert found.act_by == max(start().day + timedelta(days=1), ends - timedelta(days=45))
        assert (run.headroom[:, due] < 0).all()
    else:
        assert (run.events["revolving_ends"] == due - 9).all()
        assert (run.headroom[:, due:] == 0).all(), "repaid, and nothing is drawn again"
        assert (run.cash[:, due] < run.cash[:, due - 1]).all()
    fees = [cash.funding_cost(cash.Till.open(1, 0.0, terms), terms, over)[0] for over in (False, True)]
    assert fees[0] - fees[1] == pytest.approx((10**12 - 1e8) * 0.005 / 365)


def test_progress_rises_and_ends_at_the_work_that_was_named():
    asked = Question(months=1, scenarios=simulate.BLOCK + 3)
    for tornado in (0, 2):
        told: list[int] = []
        found = stress.answer(start(), CALM, asked, tornado, told=told.append)
        assert isinstance(found, findings.Finding)
        assert told == sorted(set(told)), "each time more is done"
        assert told[:2] == [simulate.BLOCK, asked.scenarios]
        assert told[-1] == stress.work(asked, tornado)


def test_a_base_that_falls_is_cured_by_cash_and_without_cash_amortises():
    # Half of all leave in a week, and the deal does not want receivables of who left.
    agreed = deal(commitment_minor=10**12)
    wary = msgspec.structs.replace(agreed.eligibility, closed_account_eligible=False)
    terms = Terms(msgspec.structs.replace(agreed, eligibility=wary), 1.3e8, 0.0, 1.0, 0.0)
    asked = Question(months=3, scenarios=20, leave=0.5, cash_minor=10**9)
    rich = simulate.run(start(terms=terms), CALM, asked)
    assert "deficient" in rich.events
    assert (rich.events["deficient"] == cash.NEVER).all()
    assert (rich.headroom >= -1).all()
    poor = simulate.run(start(terms=terms), CALM, msgspec.structs.replace(asked, cash_minor=0))
    assert ((poor.events["deficient"] >= 30) & (poor.events["deficient"] <= 37)).all()
    assert (poor.events["amortising"] == poor.events["deficient"] + terms.deal.cure_days).all()
    # Treasury has ten days' notice of that, which here is from the first day on.
    found = findings.finding(start(terms=terms), asked, poor)
    (first,) = (each for each in found.events if each.name == "deficient")
    assert (first.who, first.share) == ("treasury", 1.0)
    assert first.act_by < first.first_on <= first.half_on
    told = words.duties(found.events, "en", str, lambda share: f"{share:.0%}")
    assert any("Treasury by" in each and "100%" in each for each in told)
    assert all("exit" not in who for who, _ in findings.DUTIES.values())
    # Who left, left: the same exits on the same days, whatever that did to the facility.
    assert (poor.exits == rich.exits).all()
