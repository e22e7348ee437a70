"""Tables as CSV (RFC 4180) that a spreadsheet can open without computing anything."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

# A cell that begins with one of these is a formula to a spreadsheet (OWASP, CSV injection).
_RUN: Final = ("=", "+", "-", "@", "\t", "\n")
_ENDS: Final = re.compile(r"\r\n?")


def inert(cell: object) -> object:
    """A cell that nothing computes: text that looks like a formula has an apostrophe before it."""
    if not isinstance(cell, str):
        return cell
    # A bare carriage return would end the row for some readers.
    text = _ENDS.sub("\n", cell)
    return f"'{text}" if text.startswith(_RUN) or text.lstrip().startswith(_RUN) else text


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows below their heads as CSV, each cell inert."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([inert(head) for head in heads])
    writer.writerows([inert(cell) for cell in row] for row in rows)
    return text.getvalue()
