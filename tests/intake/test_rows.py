"""Cells become figures, or a reason with line, column, what was found and how to mend it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.intake import IntakeError, load_mapping, sample
from whiteslip.intake.model import History, Rejected
from whiteslip.intake.rows import MENDING, read_header, read_row

MAPPING = load_mapping("whiteslip-sample").mapping
NAMES = sample.header()
HEADER = read_header(MAPPING, NAMES)
GOOD = sample.make(2).splitlines()[1].split(",")
DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "import-a-portfolio.md"


def row(**cells: str) -> History | Rejected:
    """The first customer of the sample, with some cells written over."""
    changed = list(GOOD)
    for name, cell in cells.items():
        changed[NAMES.index(name.replace("_2025_", "_2025-"))] = cell
    return read_row(MAPPING, HEADER, changed, 7, is_ended=True)


def test_a_good_row_is_a_history():
    history = row()
    assert isinstance(history, History)
    assert (history.reference, history.row, history.language) == ("S-0000", 7, "en")
    assert history.limit_minor == 800_000
    assert (history.months[0].balance_minor, history.months[0].paid_minor) == (171_090, 559_485)
    assert history.opened_on == date(2023, 11, 18)
    assert history.person
    assert history.person.phone == "+447700900000"


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("limit", "", "cell.empty"),
        ("limit", "-5", "amount.negative"),
        ("limit", "1,000", "amount.not_a_number"),
        ("limit", "1e5", "amount.not_a_number"),
        ("limit", "１０００", "amount.not_a_number"),
        ("limit", "inf", "amount.not_a_number"),
        ("limit", "12.345", "amount.too_fine"),
        ("limit", "999999999999999", "amount.too_large"),
        ("limit", "=1+1", "cell.formula"),
        ("paid_2025_03", "-1.00", "amount.negative"),
        ("balance_2025_03", "@SUM(A1)", "cell.formula"),
        ("balance_2025_03", "+cmd|' /C calc'!A0", "cell.formula"),
        ("status_2025_02", "17", "status.unknown"),
        ("status_2025_02", "late", "status.unknown"),
        ("status_2025_02", "", "cell.empty"),
        ("customer", "=HYPERLINK(1)", "cell.formula"),
        ("customer", "-2+3+cmd", "cell.formula"),
        ("customer", "", "cell.empty"),
        ("customer", "x" * 65, "cell.too_long"),
        ("opened_on", "2025-02-30", "date.impossible"),
        ("opened_on", "2023-W46-6", "date.impossible"),
        ("opened_on", "18/11/2023", "date.impossible"),
        ("opened_on", "1923-01-01", "date.impossible"),
        ("opened_on", "2031-01-01", "date.impossible"),
        ("opened_on", "2025-03-01", "date.after_history"),
        ("defaulted", "maybe", "flag.unknown"),
        ("language", "fr", "language.unknown"),
        ("full_name", "", "cell.empty"),
        ("full_name", "=1+1", "cell.formula"),
        ("id_number", "510104190901071704", "person.invalid"),
        ("phone", "12", "person.invalid"),
        ("email", "nobody", "person.invalid"),
    ],
)
def test_a_cell_that_cannot_be_used_rejects_the_row(column: str, cell: str, code: str):
    found = row(**{column: cell})
    assert isinstance(found, Rejected)
    assert (found.row, found.code, found.column) == (7, code, column.replace("_2025_", "_2025-"))
    assert found.text.startswith(f"line 7, column {found.column}: found ")
    assert found.text.endswith(MENDING[code])


@pytest.mark.parametrize(
    ("column", "cell"),
    [("id_number", "510104190901071704"), ("phone", "12"), ("email", "nobody"), ("full_name", "=SECRET()")],
)
def test_personal_data_is_in_no_message(column: str, cell: str):
    found = row(**{column: cell})
    assert isinstance(found, Rejected)
    assert cell not in found.text
    assert "not shown" in found.text


@pytest.mark.parametrize(
    ("cell", "minor"), [("3913.0", 391_300), ("-5", -500), ("0.1", 10), ("1.230000", 123)]
)
def test_amounts_are_exact(cell: str, minor: int):
    history = row(balance_2025_06=cell)
    assert isinstance(history, History)
    assert history.months[-1].balance_minor == minor


def test_a_row_with_another_number_of_cells_says_so():
    found = read_row(MAPPING, HEADER, [*GOOD, "extra"], 3, is_ended=True)
    assert isinstance(found, Rejected)
    assert (found.code, found.reference) == ("row.cell_count", None)
    assert "28 cells where the header has 27" in found.text


@pytest.mark.parametrize("kept", range(1, len(GOOD)))
def test_a_file_that_ends_inside_a_row_is_noticed_wherever_it_ends(kept: int):
    found = read_row(MAPPING, HEADER, GOOD[:kept], 3, is_ended=False)
    assert isinstance(found, Rejected)
    assert found.code == "row.cut_off"


def test_a_file_that_ends_before_the_last_cell_is_noticed():
    found = read_row(MAPPING, HEADER, [*GOOD[:-1], ""], 3, is_ended=False)
    assert isinstance(found, Rejected)
    assert found.code == "row.cut_off"


@given(st.lists(st.text(max_size=30), min_size=len(GOOD), max_size=len(GOOD)))
def test_whatever_a_row_holds_it_is_a_history_or_a_rejection(cells: list[str]):
    found = read_row(MAPPING, HEADER, cells, 2, is_ended=True)
    assert isinstance(found, History | Rejected)


@given(st.integers(0, len(GOOD) - 1), st.text(max_size=20))
def test_one_strange_cell_in_a_good_row_is_a_history_or_a_rejection_there(place: int, cell: str):
    cells = list(GOOD)
    cells[place] = cell
    found = read_row(MAPPING, HEADER, cells, 2, is_ended=True)
    if isinstance(found, Rejected):
        assert found.column == NAMES[place] or found.code == "date.after_history"


def test_a_header_that_lacks_a_column_names_it_and_what_is_close():
    names = ["limit " if name == "limit" else name for name in NAMES]
    with pytest.raises(IntakeError, match=r"lacks limit \(is it 'limit '\?\)") as caught:
        read_header(MAPPING, names)
    assert caught.value.code == "file.header_missing"


def test_a_header_with_a_column_twice_is_refused():
    with pytest.raises(IntakeError, match="'phone' twice") as caught:
        read_header(MAPPING, [*NAMES, "phone"])
    assert caught.value.code == "file.header_duplicated"


def test_columns_nobody_asked_for_are_listed_and_not_read():
    header = read_header(MAPPING, [*NAMES, "sex"])
    assert header.unused == ["sex"]
    assert "sex" not in header.places


def test_columns_may_stand_in_any_order():
    order = list(reversed(range(len(NAMES))))
    header = read_header(MAPPING, [NAMES[place] for place in order])
    turned = read_row(MAPPING, header, [GOOD[place] for place in order], 7, is_ended=True)
    assert turned == row()


def test_every_reason_is_in_the_docs():
    text = DOCS.read_text("utf-8")
    assert [code for code in MENDING if f"`{code}`" not in text] == []
