"""CSV that computes nothing when a spreadsheet opens it."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.base.spreadsheet import csv_text, inert


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "-1", "\tx", "\nx", " =1"]
)
def test_what_looks_like_a_formula_has_an_apostrophe_before_it(cell: str):
    assert inert(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["S-1", "", "a=b", "12.50", -5, -0.5, None])
def test_words_and_figures_stay_as_they_are(cell: object):
    assert inert(cell) == cell


@given(st.lists(st.tuples(st.text('=+-@\t\r\n",x1 '), st.integers())))
def test_a_file_has_each_row_again_and_no_cell_begins_a_formula(rows: list[tuple[str, int]]):
    read = list(csv.reader(io.StringIO(csv_text(("name", "n"), rows), newline="")))
    assert read[0] == ["name", "n"]
    assert [[str(inert(name)), str(n)] for name, n in rows] == read[1:]
    for name, _ in read[1:]:
        assert not name.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
