"""Small books for one question each: why did the ratio move, and what was lost?"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from portfolio.lives import Lives

from whiteslip import portfolio
from whiteslip.base import Refusal
from whiteslip.lake import Lake

END = date(2026, 5, 31)


def _bad_and_good(bad: int, good: int) -> Lives:
    """A has owed ``bad`` since January, due on the 20th; B bought ``good`` in April, due next year."""
    made = Lives()
    made.line("a", date(2026, 1, 10), bad)
    made.buy("a", "a1", date(2026, 1, 10), bad)
    made.bill("a1", 1, bad, date(2026, 1, 12), date(2026, 1, 20))
    made.line("b", date(2026, 4, 10), good)
    made.buy("b", "b1", date(2026, 4, 10), good)
    made.bill("b1", 1, good, None, date(2027, 4, 10))
    return made


def _figures(book: Lives, place: Lake, *names: str) -> dict[str, list[dict[str, Any]]]:
    found = portfolio.compute_all(book.put(place, END), names=names)
    assert not isinstance(found, Refusal), found
    return {result.measure: result.records() for result in found}


def _last_month(rows: list[dict[str, Any]]) -> dict[str, tuple[int, int, Any]]:
    return {
        row["cause"]: (row["npl_change_minor"], row["book_change_minor"], pytest.approx(row["contribution"]))
        for row in rows
        if row["on_day"] == END
    }


def test_a_leaver_who_pays_off_raises_the_ratio_and_nothing_else_did(place: Lake):
    book = _bad_and_good(12_000, 10_000)
    book.settle("b1", 1, "payment", date(2026, 5, 12), 10_000)
    book.leave("b", date(2026, 5, 11), date(2026, 5, 20))
    rows = _figures(book, place, "npl_change")["npl_change"]
    may = _last_month(rows)
    # From 12/22 to 1. Exits: - (12/22) x (-10/12).
    assert (rows[-1]["ratio_before"], rows[-1]["ratio_after"]) == (pytest.approx(12 / 22), 1.0)
    assert may.pop("6_exits") == (0, -10_000, 5 / 11)
    assert all(each == (0, 0, 0) for each in may.values())


def test_the_constant_denominator_is_the_book_of_a_year_ago(place: Lake):
    book, opened = Lives(), date(2025, 1, 10)
    for line, bought, minor in (("a", date(2025, 3, 2), 1_000), ("b", date(2025, 5, 2), 9_000)):
        book.line(line, opened, 10_000)
        book.buy(line, f"{line}1", bought, minor)
    book.bill("a1", 1, 1_000, date(2025, 3, 10), date(2025, 3, 20))
    book.bill("b1", 1, 9_000, None, date(2027, 1, 1))
    book.settle("b1", 1, "payment", date(2026, 5, 20), 9_000)
    book.leave("b", date(2026, 5, 20), date(2026, 5, 21))
    rows = _figures(book, place, "npl")["npl"]
    ratio = {row["on_day"]: (row["npl_ratio"], row["constant_ratio"]) for row in rows}
    # Nobody owes anything until March 2025, which stands in for a year ago until March 2026.
    assert ratio[date(2025, 2, 28)] == (None, None)
    assert ratio[date(2025, 3, 31)] == (0.0, 0.0)
    assert ratio[date(2026, 3, 31)] == ratio[date(2025, 12, 31)] == (0.1, 1.0)
    # In May B pays 9,000 and leaves: 1,000 of what are 1,000 now and were 10,000 in May 2025.
    assert ratio[END] == (1.0, 0.1)


def test_a_bad_debt_that_is_sold_is_lost_and_not_cured(place: Lake):
    book = _bad_and_good(12_000, 20_000)
    book.line("c", date(2026, 1, 10), 8_000)
    book.buy("c", "c1", date(2026, 1, 10), 8_000)
    book.bill("c1", 1, 8_000, date(2026, 1, 12), date(2026, 1, 20))
    book.settle("c1", 1, "sold", date(2026, 5, 15), 8_000)
    found = _figures(book, place, "npl_change", "vintages", "excess_spread", "ecl_movement")
    may = _last_month(found["npl_change"])
    # From 20/40 to 12/32: - 8/32 + (20/40) x 8/32.
    assert may.pop("4_written_off") == (-8_000, -8_000, -1 / 8)
    assert all(each == (0, 0, 0) for each in may.values())
    (january,) = (row for row in found["vintages"] if (row["opened"], row["on_day"]) == (202601, END))
    assert (january["net_loss_minor"], january["net_loss_rate"]) == (8_000, 0.4)
    spread = found["excess_spread"][-1]
    assert (spread["written_off_minor"], spread["loss_rate"]) == (8_000, pytest.approx(12 * 8 / 40))
    # Its allowance was 60 % of 8,000.
    assert found["ecl_movement"][-1]["written_off_minor"] == -4_800
