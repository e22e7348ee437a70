"""The rejected rows of a run as a CSV file that a spreadsheet can open without running anything."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final
from uuid import UUID

from whiteslip.base.spreadsheet import inert
from whiteslip.intake import store
from whiteslip.intake.fault import IntakeError
from whiteslip.store import Tx

COLUMNS: Final = ("line", "reference", "column", "code", "what to do")
_PAGE: Final = 1_000


def write(tx: Tx, run: UUID, path: Path) -> None:
    """Write every rejected row of ``run``; the file appears when it is whole.

    Raises IntakeError when the path cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerow(COLUMNS)
            after = 0
            while page := store.rejected(tx, run, after, _PAGE):
                for row in page:
                    cells = (str(row.row), row.reference or "", row.column or "", row.code, row.text)
                    writer.writerow([inert(cell) for cell in cells])
                after = page[-1].row
        part.replace(path)
    except OSError as error:
        message = f"the report {path} cannot be written: {error.strerror}; give another path"
        raise IntakeError("report.unwritable", message) from None
