"""Who counts as one that could be asked for a higher limit: nobody whom the offer would not reach."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from portfolio.lives import Lives

from whiteslip import treasury
from whiteslip.lake import Lake
from whiteslip.treasury import Basis

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
