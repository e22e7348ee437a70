"""Figures of a page as a file to keep."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from litestar import Response


def csv_file(name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response[Any]:
    """Rows as a CSV file called ``name``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return text_file(name, text.getvalue())


def text_file(name: str, text: str) -> Response[Any]:
    """What is CSV already, as a file called ``name``."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
