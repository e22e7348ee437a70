"""Who counts as one that could be asked for a higher limit: nobody whom the offer would not reach."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portfolio import golden
from portfolio.lives import Lives

from whiteslip import treasury
from whiteslip.base import Refusal
from whiteslip.lake import Lake
from whiteslip.portfolio import Parameters
from whiteslip.portfolio.model import BUCKETS
from whiteslip.treasury import Basis, reading
from whiteslip.treasury.model import LEAST, OTHER, Freed, Segment

END = date(2026, 4, 30)
OPENED, MONTH_AGO = date(2026, 1, 10), END - timedelta(days=30)


def _leaves(book: Lives, line: str) -> None:
    book.leave(line, MONTH_AGO)


def _is_locked(book: Lives, line: str) -> None:
    book.lock(line, MONTH_AGO)


def _is_late(book: Lives, line: str) -> None:
    book.buy(line, f"of-{line}", OPENED, 1_000)
    book.bill(f"of-{line}", 1, 1_000, MONTH_AGO, END - timedelta(days=1))


def _is_helped(book: Lives, line: str) -> None:
    book.help(line, MONTH_AGO, 0)


def _disputes(book: Lives, line: str) -> None:
    book.dispute(line, MONTH_AGO)


@pytest.mark.parametrize("befalls", [_leaves, _is_locked, _is_late, _is_helped, _disputes])
def test_one_who_leaves_is_paused_late_helped_or_disputes_is_not_counted_as_one_to_ask(
    tmp_path: Path, befalls: object
):
    book = Lives()
    for n in range(32):
        book.line(f"l{n}", OPENED, 100_000)
    for n in range(10):
        book.leave(f"l{n}", MONTH_AGO, MONTH_AGO)
    # What is over keeps nobody out.
    book.lock("l10", OPENED, MONTH_AGO)
    book.dispute("l11", OPENED, MONTH_AGO)
    assert callable(befalls)
    befalls(book, "l12")
    basis = treasury.basis(book.put(Lake(tmp_path, bytes(32)), END), None, "none", 3, None)
    assert isinstance(basis, Basis), basis
    assert [(each.name, each.lines) for each in basis.segments] == [("all", 21)]


def test_what_a_plan_starts_from_is_what_it_is_on_paper(tmp_path: Path):
    names = ("freed", "cohorts", "roll_rates", "excess_spread")
    place = golden.book().put(Lake(tmp_path, bytes(32)), golden.END)
    found = reading.figures(place, names, None, "none", Parameters(), "")
    assert not isinstance(found, Refusal)
    own = {name: result.records() for name, result in found.items()}
    # B left in March, E in April, when G was locked too.
    assert reading.freed_by(own["freed"]) == [Freed("all", 3, 110_000, 110_000, 11_000, 8_250)]
    # D alone may be asked. A, C, D, F and G stay, A and C owe 19,000. Of two that were current one fell late;
    # with the late ones, which all roll on, five of six did, and that counts like a hundred lines: 1 less
    # (100/6 + 1) / 102 default. 700 were charged on 22,100, 28,000 and 22,000: 1,165 bps a year.
    assert reading.segments(own) == [Segment(OTHER, 1, 290_000, 19_000, 826_797, 1_165)]


_SOME = st.sampled_from(("a", "b", "c"))
_COHORTS = st.lists(
    st.tuples(_SOME, st.integers(0, 40), st.integers(0, 9**9), st.integers(0, 9**9), st.booleans()),
    min_size=1,
)
_MOVES = st.lists(
    st.tuples(_SOME, st.sampled_from(BUCKETS[1:]), st.sampled_from(BUCKETS), st.integers(1, 50))
)


@given(_COHORTS, _MOVES, st.lists(st.tuples(_SOME, st.integers(1, 9**6), st.integers(0, 9**5))))
def test_segments_add_up_to_the_lines_there_are_and_none_is_of_a_few(
    cohorts: list[tuple[str, int, int, int, bool]],
    moves: list[tuple[str, str, str, int]],
    spread: list[tuple[str, int, int]],
):
    own = {
        "cohorts": [
            {
                "segment": s,
                "may_be_asked": n,
                "limit_minor": limit,
                "owed_minor": owed,
                "leaving": int(leaving),
            }
            for s, n, limit, owed, leaving in cohorts
        ],
        "roll_rates": [
            {"segment": s, "from_bucket": one, "to_bucket": two, "lines": n} for s, one, two, n in moves
        ],
        "excess_spread": [
            {"segment": s, "on_day": END, "opening_minor": opening, "charged_minor": charged}
            for s, opening, charged in spread
        ],
    }
    found = reading.segments(own)
    assert sum(each.lines for each in found) == sum(n for _, n, _, _, _ in cohorts)
    assert sum(each.limit_minor for each in found) == sum(row[2] for row in cohorts if not row[4])
    assert sum(each.owed_minor for each in found) == sum(row[3] for row in cohorts if not row[4])
    assert all(0 <= each.pd_ppm <= 1_000_000 and each.yield_bps >= 0 for each in found)
    assert len(found) == 1 or all(each.lines >= LEAST for each in found)
    assert found == reading.segments({name: rows[::-1] for name, rows in own.items()})
