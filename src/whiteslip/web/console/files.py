"""Figures of a page as a file to keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from litestar import Response

from whiteslip.base.spreadsheet import csv_text


def csv_file(name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response[Any]:
    """Rows as a CSV file called ``name``."""
    return text_file(name, csv_text(heads, rows))


def text_file(name: str, text: str) -> Response[Any]:
    """What is CSV already, as a file called ``name``."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv", headers=headers)
