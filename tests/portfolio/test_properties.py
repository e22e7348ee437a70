"""Every measure on paper, and on books drawn by lot: sums, parts, and rows in any order."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from portfolio import golden, holds
from portfolio.lives import Lives

from whiteslip import portfolio
from whiteslip.base import Refusal
from whiteslip.lake import Lake
from whiteslip.portfolio import MEASURES, Result

END = date(2026, 12, 31)
_BEFORE = date(2026, 11, 30)
_LIMITS = (90_000, 300_000, 1_500_000, 5_000_000)
_WHOLE = {"opened", "months_on_book", "month", "stage", "leaving"}
_COUNTS = {"lines", "lines_30", "lines_60", "lines_90", "ended", "by_customer", "by_us", "defaulted",
           "defaulted_lines", "may_be_asked", "lines_by_score", "lines_by_roll_rates",
           "lines_horizon_unknown", "lines_pooled"}  # fmt: skip


def figures(place: Lake, segment: str = "none") -> dict[str, Result]:
    found = portfolio.compute_all(place, segment=segment)
    assert not isinstance(found, Refusal), found
    return {result.measure: result for result in found}


@pytest.fixture(scope="module")
def on_paper(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Every measure of the book that was worked out by hand."""
    return figures(golden.book().put(Lake(tmp_path_factory.mktemp("paper"), bytes(32)), golden.END))


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_is_what_it_is_on_paper(name: str, on_paper: dict[str, Result]):
    columns, wanted = golden.GOLDEN[name]
    assert [tuple(row[column] for column in columns) for row in on_paper[name].records()] == wanted


def test_doors_tell_nothing_of_fewer_than_ten_who_leave(on_paper: dict[str, Result]):
    for name, hidden in (("freed", 2), ("cohorts", 4), ("survival", 0)):
        told = portfolio.told(on_paper[name])
        assert told.columns == on_paper[name].columns
        assert len(told.rows) == hidden
        assert not any(isinstance(cell, int | float) for row in told.rows for cell in row), name
    assert portfolio.told(on_paper["npl"]) == on_paper["npl"]
    counts = {"a": 9, "b": 30, "c": 12}
    few = [{"currency": "CNY", "segment": name, "on_day": END, "lines": n} for name, n in counts.items()]
    tell = MEASURES["freed"].tell
    assert tell
    assert [row["lines"] for row in tell(few)] == [None, 30, None], "nor what would follow from the whole"


# A purchase: days after its line was opened, minor units, shop, and how each instalment goes.
_WAYS = ("early", "paid", "late", "half", "never", "refunded", "given_up", "sold", "sold_early", "not_billed")
_PURCHASE = st.tuples(
    st.integers(0, 120),
    st.integers(1, 60_000),
    st.sampled_from(("x", "y", "z")),
    st.lists(st.sampled_from(_WAYS), min_size=1, max_size=3),
)
_LINE = st.tuples(
    st.integers(0, 300),
    st.sampled_from(_LIMITS),
    st.sampled_from(("CNY", "CNY", "HKD")),
    st.lists(_PURCHASE, max_size=2),
    st.none() | st.tuples(st.sampled_from(("close", "withdraw", "termination")), st.integers(0, 200)),
    st.none() | st.integers(1, 60),
    # A lock on drawing: since when, and how long.
    st.none() | st.tuples(st.integers(0, 200), st.none() | st.integers(0, 90)),
    # What the model says a month before and now, in millionths, and how far it looks ahead.
    st.none()
    | st.tuples(st.integers(0, 1_000_000), st.integers(0, 1_000_000), st.sampled_from((None, 1, 12))),
    # Whether something is disputed, and whether that is settled.
    st.none() | st.booleans(),
)


def _book(drawn: Sequence[Any]) -> Lives:
    book = Lives()
    for n, (age, limit, currency, purchases, leaves, helped, locked, scores, settled) in enumerate(drawn):
        line, opened = f"line{n}", END - timedelta(days=age)
        book.line(line, opened, limit, currency)
        if locked:
            since = min(END, opened + timedelta(days=locked[0]))
            until = None if locked[1] is None else since + timedelta(days=locked[1])
            book.lock(line, since, until if until and until <= END else None)
        if settled is not None:
            book.dispute(line, opened, END if settled else None)
        for on, pd_ppm in zip((_BEFORE, END), scores or (), strict=False):
            book.score(line, on, pd_ppm, scores[2] if scores else None)
        paid_off = True
        for m, (after, minor, shop, ways) in enumerate(purchases):
            on = opened + timedelta(days=after)
            if on <= END and minor >= len(ways):
                paid_off &= _schedule(book, line, f"{line}-{m}", on, minor, shop, ways)
        if leaves:
            kind, after = leaves
            stopped = min(END, opened + timedelta(days=after))
            book.leave(line, stopped, stopped if paid_off else None, kind)
        elif helped:
            book.help(line, min(END, opened + timedelta(days=helped)), helped)
    return book


def _schedule(
    book: Lives, line: str, plan: str, on: date, minor: int, shop: str, ways: Sequence[str]
) -> bool:
    """A purchase and what becomes of it; says whether nothing of it will be open on the last day."""
    # At one shop nothing costs interest, at the others up to 12 % a year.
    book.buy(line, plan, on, minor, shop, {"x": 0, "y": 700, "z": 1_200}[shop])
    settled = True
    for no, way in enumerate(ways):
        part = minor // len(ways) + (minor % len(ways) if not no else 0)
        stated = on + timedelta(days=10 + 30 * no)
        due = stated + timedelta(days=20)
        billed = stated <= END and way not in ("early", "sold_early", "not_billed")
        extra = 7 if (billed and way != "refunded") or way == "sold_early" else 0
        book.bill(plan, no, part, stated if billed else None, due, interest=extra, fee=2 * extra)
        day, kind, amount = {
            "early": (stated - timedelta(days=3), "payment", part),
            "paid": (due, "payment", part),
            "late": (due + timedelta(days=45), "payment", part),
            "half": (due + timedelta(days=5), "payment", part // 2),
            "refunded": (stated - timedelta(days=1), "refund", part),
            "given_up": (due + timedelta(days=100), "waiver", part),
            "sold": (due + timedelta(days=100), "sold", part),
            "sold_early": (stated - timedelta(days=2), "sold", part),
        }.get(way, (END + timedelta(days=1), "payment", 0))
        if day > END or day < on or not amount:
            settled = False
            continue
        if kind == "sold":
            book.sell(plan, no, day, amount, amount // 3)
        else:
            book.settle(plan, no, kind, day, amount)
        if way == "sold_early":
            # What the month has earned until then.
            book.settle(plan, no, kind, day, 3, "interest")
        elif extra and way != "half":
            book.settle(plan, no, kind, day, extra, "interest")
            book.settle(plan, no, kind, day, 2 * extra, "fee")
        settled &= amount == part and way != "half"
    return settled


@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(_LINE, min_size=4, max_size=14), st.randoms(use_true_random=False))
def test_sums_are_kept_parts_add_up_and_no_order_matters(drawn: list[Any], dice: Random):
    book = _book(drawn)
    with tempfile.TemporaryDirectory() as folder:
        places = [Lake(Path(folder, name), bytes(32)) for name in ("one", "other")]
        whole = figures(book.put(places[0], END))
        parts = figures(book.put(places[1], END, dice), "limit")
    for name in MEASURES:
        assert parts[name].columns == whole[name].columns or not whole[name].rows
        assert _added(parts[name]) == _added(whole[name]), name
    for currency in {row["currency"] for row in book.rows["line"]}:
        own = {name: _of(result, currency) for name, result in whole.items()}
        for name in MEASURES:
            holds.HOLDS[name](own, book, currency)


def _of(result: Result, currency: str) -> list[dict[str, Any]]:
    return [row for row in result.records() if row["currency"] == currency]


def _added(result: Result) -> dict[tuple[Any, ...], dict[str, int]]:
    """Money and lines by all that tells rows apart but the segment. What is zero is as if not there."""
    found = defaultdict[tuple[Any, ...], dict[str, int]](dict)
    for row in result.records():
        key = tuple(
            value
            for name, value in row.items()
            if name != "segment" and (isinstance(value, str | date) or name in _WHOLE)
        )
        for name, value in row.items():
            if name.endswith("_minor") or name in _COUNTS:
                found[key][name] = found[key].get(name, 0) + value
    return {key: sums for key, sums in found.items() if any(sums.values())}
