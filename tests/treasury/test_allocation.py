"""Freed capacity: the programme against every plan there is, its prices, and the least size."""

from __future__ import annotations

import re
from datetime import date
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from whiteslip.base import Refusal
from whiteslip.treasury import allocation, reading, words
from whiteslip.treasury.allocation import Problem, Row
from whiteslip.treasury.model import LEAST, OTHER, Appetite, Basis, Freed, Segment

FREED = Freed("a", 50, 5_000_000, 4_000_000, 4_000_000, 3_000_000)
GIVEN = Appetite(step_minor=100_000, funding_minor=10_000_000, loss_at_most_minor=500_000)


def segment(name: str, lines: int = 1_000, pd_ppm: int = 20_000, yield_bps: int = 1_800) -> Segment:
    return Segment(name, lines, 100_000_000, 40_000_000, pd_ppm, yield_bps)


def basis(*segments: Segment, freed: tuple[Freed, ...] = (FREED,)) -> Basis:
    return Basis(date(2026, 1, 31), "CNY", "limit", 3, freed, segments)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    size, small = draw(st.integers(1, 3)), st.integers(0, 9)
    each = st.tuples(*[small] * size)
    rows = [Row(f"row {n}", "", draw(each), draw(st.integers(0, 40))) for n in range(draw(st.integers(1, 3)))]
    rows.insert(0, Row("weighted", "", draw(each), draw(st.integers(0, 40))))
    brings = tuple(draw(st.integers(-3, 20)) for _ in range(size))
    most = tuple(draw(st.integers(0, 5)) for _ in range(size))
    names = tuple("abc"[:size])
    rows += [
        Row("demand", name, tuple(int(n == place) for n in range(size)), most[place])
        for place, name in enumerate(names)
    ]
    return Problem(names, brings, tuple(rows), most, draw(st.integers(1, 3)), draw(st.integers(0, 15)))


@settings(max_examples=120)
@given(problems())
def test_no_plan_within_the_limits_is_worth_more_than_the_best(asked: Problem):
    answer = allocation.solve(asked)
    every = product(*(range(most + 1) for most in asked.most))
    optimum = max(asked.worth(offers) for offers in every if not asked.broken(offers))
    assert answer.best.worth_minor == optimum
    for rival in (answer.best, answer.greedy, answer.proportional):
        offers = [count for _, count in rival.offers]
        assert asked.broken(offers) == []
        assert asked.worth(offers) == rival.worth_minor <= optimum


@settings(max_examples=120)
@given(problems())
def test_no_limit_is_worth_less_than_nothing_and_all_together_no_less_than_the_plan(asked: Problem):
    answer = allocation.solve(asked)
    offers = [count for _, count in answer.best.offers]
    earned = sum(brings * count for brings, count in zip(asked.brings, offers, strict=True))
    covered, unsure = 0.0, 1e-6
    for price, row in zip(answer.prices, asked.rows, strict=True):
        assert price.worth_minor >= 0
        assert (
            price.used == sum(use * count for use, count in zip(row.uses, offers, strict=True)) <= price.bound
        )
        covered += price.worth_minor / price.per * price.bound
        unsure += 0.5 / price.per * price.bound
    # Weak duality: no plan earns more than its limits are worth. Prices are whole minor units.
    assert earned <= covered + unsure


def test_a_little_more_of_what_binds_brings_its_price_and_of_the_rest_nothing():
    asked = allocation.problem(basis(segment("a"), segment("b", yield_bps=900)), GIVEN)
    answer = allocation.solve(asked)
    # 40,000.00 of limit was freed: forty offers of 1,000.00, all where an offer brings most.
    # Drawn 400.00 of 1,000.00; exposure 460.00; loss 460.00 x 2 % x 60 % = 5.52; 400.00 x 13 % less that.
    assert dict(answer.best.offers) == {"a": 40, "b": 0}
    assert answer.best.worth_minor == 40 * (5_200 - 552)
    prices = {(price.name, price.segment): price for price in answer.prices}
    assert prices["limit", ""].worth_minor == 4_648
    assert all(not each.worth_minor for key, each in prices.items() if key != ("limit", ""))
    more = Freed("a", 50, 5_000_000, 4_100_000, 4_000_000, 3_000_000)
    two = segment("a"), segment("b", yield_bps=900)
    again = allocation.solve(allocation.problem(basis(*two, freed=(more,)), GIVEN))
    assert again.best.worth_minor - answer.best.worth_minor == prices["limit", ""].worth_minor
    english, chinese = (
        words.explain(answer.prices, "CNY", lang, lambda money: f"¥{money.minor // 100}")
        for lang in ("en", "zh-CN")
    )
    assert english[0] == "All of the freed limit is used: ¥1000 more of it would bring ¥46 a year."
    assert chinese[0] == "释放的额度已用满：再多 ¥1000，每年可多得 ¥46。"
    assert len(english) == len(chinese) == 2


def test_limits_of_risk_hold_and_have_words():
    risky = basis(segment("a", pd_ppm=90_000, yield_bps=4_000), segment("b", pd_ppm=10_000, lines=100))
    answer = allocation.solve(allocation.problem(risky, GIVEN))
    offers = dict(answer.best.offers)
    # The mean PD may be 5 %: each offer at 9 % needs one at 1 %, and twenty of a hundred consent.
    assert offers == {"a": 20, "b": 20}
    binding = {price.name for price in answer.prices if price.worth_minor}
    assert "pd" in binding
    assert words.explain(answer.prices, "CNY", "en", str)
    few = allocation.solve(allocation.problem(basis(segment("a", lines=LEAST - 1)), GIVEN))
    assert few.best.offers == ()


@given(st.lists(st.integers(1, 40), max_size=8))
def test_who_left_is_told_of_only_among_at_least_ten(counts: list[int]):
    found = [Freed(f"s{n}", lines, lines, lines, lines, lines) for n, lines in enumerate(counts)]
    told = reading._merged(found)
    if sum(counts) < LEAST:
        assert isinstance(told, Refusal)
        return
    assert not isinstance(told, Refusal)
    assert all(each.lines >= LEAST for each in told)
    assert sum(each.limit_minor for each in told) == sum(counts)
    assert [each.segment for each in told].count(OTHER) <= 1


def test_every_sentence_is_there_in_both_languages_with_the_same_facts():
    for code, sentence in words.SENTENCES.items():
        facts = {lang: set(re.findall(r"{(\w+)}", text)) for lang, text in sentence.items()}
        assert set(facts) == {"en", "zh-CN"}, code
        assert facts["en"] == facts["zh-CN"], code
