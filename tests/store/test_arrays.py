"""Lists reach PostgreSQL as they are."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whiteslip.store import Database

# PostgreSQL keeps no NUL in a text, and its dates begin long before ours.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ARRAYS = st.one_of(
    *(
        st.tuples(st.just(sql), st.lists(st.none() | element, max_size=6))
        for sql, element in (
            ("uuid", st.uuids()),
            ("text", TEXTS),
            ("bigint", st.integers(-(1 << 63), (1 << 63) - 1)),
            ("boolean", st.booleans()),
            ("date", st.dates(date(1900, 1, 1))),
            ("timestamptz", INSTANTS),
            ("bytea", st.binary(max_size=20)),
        )
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ARRAYS)
def test_a_list_comes_back_as_it_went_in(db: Database, array: tuple[str, list[object]]):
    kind, values = array
    with db.dry_run() as tx:
        row = tx.conn.execute(f"SELECT %s::{kind}[] AS back", [values]).fetchone()  # type: ignore[arg-type]
    assert row == {"back": values}


@pytest.mark.parametrize("text", ["NULL", "null", "", " ", "{}", 'a"b', "a\\", "a,b", "白条"])
def test_texts_that_look_like_array_syntax_stay_texts(db: Database, text: str):
    with db.dry_run() as tx:
        row = tx.conn.execute("SELECT %s::text[] AS back", [[text, None]]).fetchone()
    assert row == {"back": [text, None]}


class Colour(StrEnum):
    RED = "red"


def test_codes_of_an_enumeration_go_as_their_text(db: Database):
    with db.dry_run() as tx:
        row = tx.conn.execute("SELECT %s::text[] AS back", [[Colour.RED, "blue"]]).fetchone()
    assert row == {"back": ["red", "blue"]}


@pytest.mark.parametrize(
    ("values", "words"), [([1, "one"], "int, str"), ([UUID(int=1), 1], "UUID, int"), ([1.5], "float")]
)
def test_a_list_that_no_statement_takes_is_refused(db: Database, values: list[object], words: str):
    with db.dry_run() as tx, pytest.raises(psycopg.DataError, match=f"an array cannot hold {words}"):
        tx.conn.execute("SELECT %s::text[]", [values])


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1])
def test_a_number_that_no_column_can_hold_is_refused(db: Database, number: int):
    with db.dry_run() as tx, pytest.raises(psycopg.DataError, match="int too big"):
        tx.conn.execute("SELECT %s::bigint[]", [[number]])


def test_numbers_fit_narrow_columns_too(db: Database):
    with db.dry_run() as tx:
        row = tx.conn.execute("SELECT %s::smallint[] AS back", [[1, None, -2]]).fetchone()
    assert row == {"back": [1, None, -2]}
