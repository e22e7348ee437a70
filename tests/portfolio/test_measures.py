"""Each measure against figures worked out by hand."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portfolio.lives import Lives

from whiteslip import portfolio
from whiteslip.base import Refusal
from whiteslip.lake import Lake
from whiteslip.portfolio import MEASURES, Parameters, Result, acts, kept
from whiteslip.portfolio.book import points_until
from whiteslip.portfolio.markov import default_within, few, matrix, term_structure
from whiteslip.portfolio.survival import estimate


def figures(place: Lake, *names: str, **given: Any) -> dict[str, Result]:
    found = portfolio.compute_all(place, names=names or tuple(MEASURES), **given)
    assert not isinstance(found, Refusal), found
    return {result.measure: result for result in found}


def last(result: Result) -> dict[str, Any]:
    return result.records()[-1]


def test_a_book_worked_out_by_hand(by_hand: Lake):
    # Bills on 5 February fall due on the 25th; 31 May is 95 days later. Late fees of 3,000 each:
    # A one; B one; C three instalments of 16,666/16,667/11,667, due 25 February to 25 April, three.
    found = figures(by_hand)
    assert found["npl"].records()[0]["book_minor"] == 30_000 + 12_000 + 45_000
    now = last(found["npl"])
    assert now["npl_minor"] == now["book_minor"] == 87_000 + 5 * 3_000
    assert now["npl_ratio"] == 1.0
    assert now["constant_ratio"] == 102_000 / 87_000
    assert [row["dpd_30_minor"] for row in found["dpd"].records()][-2:] == [102_000, 102_000]
    assert [(r["asset_class"], r["balance_minor"]) for r in found["classes"].records()] == [
        ("3_substandard", 102_000)
    ]
    first = found["prepayment"].records()[0]
    assert first["prepaid_minor"] == 8_000
    assert found["dilution"].records()[0]["refunded_minor"] == 5_000
    assert found["payment_rate"].records()[0]["collected_minor"] == 8_000
    assert last(found["vintages"])["originated_minor"] == 100_000
    assert last(found["vintages"])["defaulted_lines"] == 3
    # One seller is behind no purchase of the test world: all principal is in one heap.
    assert last(found["concentration"])["hhi"] == 1.0
    stage_3 = last(found["ecl"])
    assert (stage_3["stage"], stage_3["lines"], stage_3["drawn_ecl_minor"]) == (3, 3, 61_200)
    assert last(found["coverage"])["npl_minor"] == 102_000
    assert not found["freed"].rows
    (group,) = found["cohorts"].records()
    assert (group["bucket"], group["months_on_book"], group["leaving"]) == ("dpd_90_plus", 4, 0)
    assert (group["lines"], group["owed_minor"], group["undrawn_minor"]) == (3, 102_000, 2_898_000)


def test_figures_of_an_older_snapshot_say_that_they_are_stale(by_hand: Lake):
    asked = date(2026, 6, 1)
    result = figures(by_hand, "npl", as_of=asked)["npl"]
    assert (result.stale, result.day, result.as_of) == (True, date(2026, 5, 31), asked)
    assert not figures(by_hand, "npl")["npl"].stale


def test_figures_are_computed_once_and_kept_beside_their_snapshot(
    by_hand: Lake, monkeypatch: pytest.MonkeyPatch
):
    assert portfolio.prepare(by_hand) == len(MEASURES)
    assert portfolio.prepare(by_hand) == 0
    first = figures(by_hand)

    def no_engine(_address: str) -> None:
        raise AssertionError("computed again")

    with monkeypatch.context() as patch:
        patch.setattr(acts, "opened", no_engine)
        again = figures(by_hand)
        assert again == first
        for one, other in zip(first["npl"].rows, again["npl"].rows, strict=True):
            assert [type(cell) for cell in one] == [type(cell) for cell in other]
        with pytest.raises(AssertionError, match="computed again"):
            figures(by_hand, parameters=Parameters(lgd_bps=1))
    (folder,) = by_hand.folder.glob("day=*/figures-*")
    for place in folder.glob("npl-*.json"):
        place.write_bytes(place.read_bytes().replace(b"102000", b"102001"))
    assert figures(by_hand) == first
    # Another version of the code computes anew, and what the old one kept goes.
    with monkeypatch.context() as patch:
        patch.setattr(kept, "_code", lambda: "another")
        assert figures(by_hand, "npl")["npl"] == first["npl"]
    assert [path.name for path in by_hand.folder.glob("day=*/figures-*")] == ["figures-another"]


def test_kept_figures_of_a_snapshot_that_was_changed_are_not_served(by_hand: Lake):
    figures(by_hand, "npl")
    (path,) = by_hand.folder.glob("day=*/line.parquet")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    refused = portfolio.compute(by_hand, "npl")
    assert isinstance(refused, Refusal)
    assert refused.code == "lake.changed"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"names": ["profit"]}, "portfolio.measure_unknown"),
        ({"segment": "postcode"}, "portfolio.segment_unknown"),
        ({}, "lake.empty"),
    ],
)
def test_what_is_not_known_is_refused(place: Lake, given: dict[str, Any], code: str):
    refused = portfolio.compute_all(place, **given)
    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_interest_that_is_sold_before_a_bill_asks_for_it_is_earned_and_lost(place: Lake):
    # 12,000, and 300 of interest for a month that no bill has closed: sold when 180 of that are earned. Of
    # another 10,000 with 500, which are billed, 200 were given up before: it was paid early in part.
    book = Lives()
    book.line("a", date(2026, 1, 5), 50_000)
    book.buy("a", "a1", date(2026, 1, 5), 12_000)
    book.bill("a1", 1, 12_000, None, date(2026, 3, 20), interest=300)
    book.settle("a1", 1, "sold", date(2026, 2, 16), 12_000)
    book.settle("a1", 1, "sold", date(2026, 2, 16), 180, "interest")
    book.line("b", date(2026, 1, 5), 50_000)
    book.buy("b", "b1", date(2026, 1, 5), 10_000)
    book.bill("b1", 1, 10_000, date(2026, 3, 1), date(2026, 3, 20), interest=500)
    book.settle("b1", 1, "payment", date(2026, 2, 3), 4_000)
    book.settle("b1", 1, "unearned", date(2026, 2, 3), 200, "interest")
    spread = figures(book.put(place, date(2026, 3, 31)), "excess_spread")["excess_spread"].records()
    told = [(row["opening_minor"], row["charged_minor"], row["written_off_minor"]) for row in spread]
    assert told == [(0, 0, 0), (22_000, 180, 12_180), (6_000, 300, 0)]
    assert spread[1]["excess_spread"] == pytest.approx(12 * (180 - 12_180) / 22_000)
    assert spread[2]["excess_spread"] == pytest.approx(12 * 300 / 6_000)


def test_a_segment_splits_and_adds_up(by_hand: Lake):
    whole = figures(by_hand, "dpd")["dpd"].records()
    parts = figures(by_hand, "dpd", segment="limit")["dpd"].records()
    assert {row["segment"] for row in parts} == {"to_2m"}
    assert sum(row["book_minor"] for row in parts) == sum(row["book_minor"] for row in whole)


def test_loss_follows_what_is_assumed(by_hand: Lake):
    half = last(figures(by_hand, "ecl", parameters=Parameters(lgd_bps=5_000))["ecl"])
    assert half["drawn_ecl_minor"] == 51_000


def test_points_keep_the_end_of_the_month():
    wanted = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    assert points_until(date(2026, 4, 30), date(2026, 2, 3)) == wanted


def test_a_chain_worked_out_by_hand():
    # Current: half stay, half fall late; late: all default. Two months: a half has defaulted.
    moves = [(1, 1, 20), (1, 2, 20), (2, 5, 40)]
    chain = matrix(moves)
    assert chain.sum(axis=1) == pytest.approx([1] * 6)
    assert default_within(chain, 1) == [0, 0, 1_000_000, 0, 1_000_000, 1_000_000]
    assert default_within(chain, 2)[1] == 500_000
    assert term_structure(moves, 12, {"current": (1, 2)})[1] == (1, 2)
    # In 30 to 59 nobody was, and nobody in worse ones: it rolls to the next, as 60 to 89 does.
    assert few(moves) == [3, 4]


def test_a_bucket_with_too_few_lines_is_taken_together_with_the_next_worse_until_there_are_thirty():
    # Of 29 that were 1 to 29 days late one rolled on, of ten that were 30 to 59 days late all did.
    moves = [(1, 1, 30), (2, 1, 28), (2, 3, 1), (3, 4, 10), (4, 5, 40)]
    chain = matrix(moves)
    assert chain[2] == pytest.approx([0, 28 / 39, 0, 1 / 39, 10 / 39, 0])
    assert chain[3] == pytest.approx([0, 0, 0, 0, 10 / 50, 40 / 50]), "39 are still the better ones' alone"
    assert chain[4] == pytest.approx([0, 0, 0, 0, 0, 1])
    assert chain[1] == pytest.approx([0, 1, 0, 0, 0, 0])
    assert few(moves) == [2, 3]
    assert few([]) == [0, 1, 2, 3, 4]


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 5), st.integers(1, 40)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_every_row_of_a_chain_is_one_whatever_was_seen_and_in_whatever_order(
    moves: list[tuple[int, int, int]], dice: random.Random
):
    chain = matrix(moves)
    assert chain.sum(axis=1) == pytest.approx([1] * 6)
    assert (chain == matrix(dice.sample(moves, len(moves)))).all()
    assert set(few(moves)) <= {0, 1, 2, 3, 4}
    within = [default_within(chain, months) for months in (1, 12, 36)]
    assert within[0] <= within[1] <= within[2] or all(
        one <= two <= three for one, two, three in zip(*within, strict=True)
    )


def test_a_loss_before_default_is_worth_less_by_the_rate_of_what_is_owed(place: Lake):
    # Four lines owe 100,000 each and may draw no more. One pays no interest, one 12 % a year, one owes a
    # quarter of it at 12 %, which is 3 % on the whole; the last is 31 days late at 12 %. A model says 20 % in
    # twelve months.
    book = Lives()
    for name, rates in (("a", (0,)), ("b", (1_200,)), ("c", (0, 1_200)), ("d", (1_200,))):
        book.line(name, date(2026, 1, 5), 100_000)
        for n, rate in enumerate(rates):
            plan, minor = f"{name}{n}", 100_000 if len(rates) == 1 else (75_000, 25_000)[n]
            book.buy(name, plan, date(2026, 1, 5), minor, rate_bps=rate)
            due = date(2026, 2, 28) if name == "d" else date(2026, 6, 30)
            book.bill(plan, 1, minor, date(2026, 2, 1) if name == "d" else None, due)
        book.score(name, date(2026, 3, 31), 200_000)
    one, two = figures(book.put(place, date(2026, 3, 31)), "ecl")["ecl"].records()
    # A month is survived by 0.8 ^ (1/12). Defaults of month m are worth 1.01 ^ -m, or 1.0025 ^ -m:
    alive, year = 0.8 ** (1 / 12), range(1, 13)
    at = {rate: sum(alive ** (m - 1) * (1 - alive) / rate**m for m in year) for rate in (1.01, 1.0025)}
    assert at == {1.01: pytest.approx(0.187998, abs=5e-7), 1.0025: pytest.approx(0.196896, abs=5e-7)}
    # Of 100,000 at a loss given default of 60 %: 12,000 undiscounted, 11,280 and 11,814.
    assert one["drawn_ecl_minor"] == 12_000 + 11_280 + 11_814
    # Lifetime: 1 - 0.8 ^ 3 = 48.8 %, of which 36 months at 1 % leave 41.57 %.
    life = sum(alive ** (m - 1) * (1 - alive) / 1.01**m for m in range(1, 37))
    assert two["drawn_ecl_minor"] == round(100_000 * round(round(life * 1e6) * 0.6) / 1e6)
    assert (two["lines"], life) == (1, pytest.approx(0.4157, abs=1e-3))


def test_a_net_loss_is_less_the_price_of_a_debt_that_was_sold(place: Lake):
    # Of 20,000 that were bought 8,000 are given up, and 12,000 sold for 1,500: 18,500 are lost.
    book = Lives()
    book.line("a", date(2026, 1, 5), 50_000)
    book.buy("a", "a1", date(2026, 1, 5), 20_000)
    book.bill("a1", 1, 20_000, date(2026, 1, 20), date(2026, 2, 5))
    book.settle("a1", 1, "waiver", date(2026, 2, 20), 8_000)
    book.sell("a1", 1, date(2026, 3, 20), 12_000, 1_500)
    rows = figures(book.put(place, date(2026, 3, 31)), "vintages")["vintages"].records()
    assert [row["net_loss_minor"] for row in rows] == [0, 8_000, 18_500]
    assert rows[-1]["net_loss_rate"] == pytest.approx(0.925)


def test_survival_worked_out_by_hand():
    base = {"currency": "CNY", "segment": "all"}
    rows = [
        base | {"month": 1, "ended": 2, "by_customer": 1, "by_us": 0, "defaulted": 0},
        base | {"month": 3, "ended": 2, "by_customer": 0, "by_us": 1, "defaulted": 1},
    ]
    random.Random(1).shuffle(rows)
    first, second = estimate(rows)
    assert (first["at_risk"], first["survival"], first["cif_by_customer"]) == (4, 0.75, 0.25)
    assert (second["at_risk"], second["survival"]) == (2, 0.0)
    assert (second["cif_by_us"], second["cif_defaulted"]) == (0.375, 0.375)


def test_every_measure_says_its_formula_and_source():
    assert len(MEASURES) == 18
    assert all(m.title and m.formula and m.source for m in MEASURES.values())


def test_how_a_month_changes_a_book_worked_out_by_hand(by_hand: Lake):
    # In May all three lines, A 33,000, B 15,000 and C 54,000, go from 64 to 95 days past due.
    given = Parameters(pd_ppm={"dpd_60_89": (100_000, 500_000)})
    names = ("roll_rates", "npl_change", "cdr", "excess_spread", "ecl_movement")
    found = figures(by_hand, *names, parameters=given)
    rolled = last(found["roll_rates"])
    assert (rolled["from_bucket"], rolled["to_bucket"], rolled["lines"]) == ("dpd_60_89", "dpd_90_plus", 3)
    assert (rolled["opening_minor"], rolled["closing_minor"], rolled["rate"]) == (102_000, 102_000, 1.0)
    may = found["npl_change"].records()[-6:]
    assert [row["contribution"] for row in may] == [1.0, 0, 0, 0, 0, 0]
    assert (may[0]["npl_change_minor"], may[0]["ratio_before"], may[0]["ratio_after"]) == (102_000, 0, 1.0)
    assert (last(found["cdr"])["mdr"], last(found["cdr"])["cdr"]) == (1.0, 1.0)
    # C's third late fee came in April, on 87,000 and four fees before it.
    april, spread = found["excess_spread"].records()[-2:]
    assert (april["charged_minor"], april["gross_yield"]) == (3_000, pytest.approx(12 * 3_000 / 99_000))
    assert spread["excess_spread"] == 0
    # LGD 60 %: half of (102,000 + a tenth of 2,898,000 undrawn) before, all of it now.
    movement = last(found["ecl_movement"])
    assert (movement["opening_minor"], movement["closing_minor"]) == (117_540, 235_080)
    assert movement["to_stage_3_minor"] == 117_540
