"""Each measure against figures worked out by hand."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest
from portfolio.lives import Lives

from whiteslip import portfolio
from whiteslip.base import Refusal
from whiteslip.lake import Lake
from whiteslip.portfolio import MEASURES, Parameters, Result, acts, kept
from whiteslip.portfolio.book import points_until
from whiteslip.portfolio.markov import default_within, matrix, term_structure
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
    moves = [(1, 1, 2), (1, 2, 2), (2, 5, 4)]
    chain = matrix(moves)
    assert chain.sum(axis=1) == pytest.approx([1] * 6)
    assert default_within(chain, 1) == [0, 0, 1_000_000, 0, 1_000_000, 1_000_000]
    assert default_within(chain, 2)[1] == 500_000
    assert term_structure(moves, 12, {"current": (1, 2)})[1] == (1, 2)


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
