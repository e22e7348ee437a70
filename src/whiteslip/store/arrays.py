"""Lists on their way into set-based statements.

A batch travels as one array per column, so writing and reading arrays is much of what a batch costs.
psycopg's own dumper asks for each element how to write it; ours asks once per list. Ids, numbers and
texts go in PostgreSQL's binary form, which the server takes without parsing. The rest goes as text,
and the statement's cast (``::date[]``) gives its type.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.abc import DumperKey
from psycopg.adapt import Dumper, PyFormat
from psycopg.pq import Format

_NULL: Final = b"\xff\xff\xff\xff"
_head: Final = struct.Struct("!iiIii").pack  # dimensions, nulls, type of an element, length, first index
_length: Final = struct.Struct("!i").pack

_AS_TEXT: Final[dict[type, Callable[[Any], str]]] = {
    bool: lambda value: "t" if value else "f",
    date: date.isoformat,
    datetime: lambda at: f'"{at.isoformat()}"',
    bytes: lambda value: f'"\\\\x{value.hex()}"',
}


def _ids(values: Sequence[UUID]) -> list[bytes]:
    return [value.int.to_bytes(16, "big") for value in values]


def _numbers(values: Sequence[int]) -> list[bytes]:
    return [value.to_bytes(8, "big", signed=True) for value in values]


def _kind_of(values: list[Any]) -> type | None:
    """The one type of a list, None for one of nulls. Raises psycopg.DataError for any other list."""
    kinds = set(map(type, values))
    if len(kinds) == 1 and (kind := next(iter(kinds))) in _BINARY:
        return kind
    kinds.discard(type(None))
    if kinds and all(issubclass(kind, str) for kind in kinds):
        return str
    if not kinds:
        return None
    if len(kinds) == 1 and (kinds <= _BINARY.keys() or kinds <= _AS_TEXT.keys()):
        return kinds.pop()
    raise psycopg.DataError(f"an array cannot hold {', '.join(sorted(kind.__name__ for kind in kinds))}")


class ListDumper(Dumper):
    """One list of one type, with nulls.

    Raises psycopg.DataError for elements of a type that no statement of ours takes, for a mix, and
    for numbers beyond 64 bits.
    """

    def get_key(self, obj: list[Any], format: PyFormat) -> DumperKey:  # noqa: A002, ARG002
        """Lists of one type share a dumper, and so a prepared statement."""
        kind = _kind_of(obj)
        return (self.cls, kind) if kind and kind in _BINARY else self.cls

    def upgrade(self, obj: list[Any], format: PyFormat) -> Dumper:  # noqa: A002, ARG002
        """The dumper of this list's type."""
        kind = _kind_of(obj)
        return _BINARY[kind](self.cls) if kind and kind in _BINARY else self

    def dump(self, obj: list[Any]) -> bytes:
        """The array as text."""
        kind = _kind_of(obj)
        write = _AS_TEXT[kind] if kind else str
        return f"{{{','.join('NULL' if value is None else write(value) for value in obj)}}}".encode()


class _FixedDumper(ListDumper):
    """Elements of one width: their length is what joins them."""

    format = Format.BINARY
    element: int
    width: bytes
    written: Callable[[Sequence[Any]], list[bytes]]

    def dump(self, obj: list[Any]) -> bytes:
        cls = type(self)
        head = _head(1, 1, cls.element, len(obj), 1)
        try:
            if type(None) not in set(map(type, obj)):  # compares no ids
                return head + cls.width + cls.width.join(cls.written(obj))
            full = iter(cls.written([value for value in obj if value is not None]))
        except OverflowError as error:
            raise psycopg.DataError(str(error)) from None
        return head + b"".join([_NULL if value is None else cls.width + next(full) for value in obj])


class _IdDumper(_FixedDumper):
    oid, element, width = 2951, 2950, _length(16)
    written = staticmethod(_ids)


class _NumberDumper(_FixedDumper):
    oid, element, width = 1016, 20, _length(8)
    written = staticmethod(_numbers)


class _TextDumper(ListDumper):
    """Codes repeat: each different text is written once."""

    format, oid = Format.BINARY, 1009

    def dump(self, obj: list[Any]) -> bytes:
        written: dict[str | None, bytes] = {None: _NULL}
        for text in {text for text in obj if text is not None}:
            encoded = text.encode()
            written[text] = _length(len(encoded)) + encoded
        return _head(1, 1, 25, len(obj), 1) + b"".join([written[text] for text in obj])


_BINARY: Final[dict[type, type[ListDumper]]] = {UUID: _IdDumper, int: _NumberDumper, str: _TextDumper}
