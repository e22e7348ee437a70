"""What a page of the desk shows as a figure: a chart, its table, and where its CSV and its PDF are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Option: TypeAlias = dict[str, Any]
_STILL_ALL: Final = {"survival": 1.0, "cif_by_customer": 0.0, "cif_by_us": 0.0, "cif_defaulted": 0.0}


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its table, or with no ``option`` a table alone. Cells are in words already.

    ``columns`` are names and kinds as the kit's table has them; ``links`` lead rows to their cases, empty
    for none; ``csv`` is the address of all rows. ``left_out`` rows are in the CSV only.
    """

    key: str
    title: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[str]]
    csv: str
    formula: str = ""
    source: str = ""
    option: Option | None = None
    links: Sequence[str] = ()
    left_out: int = 0

    @property
    def pdf(self) -> str:
        """The address of the figure on paper: beside its CSV, with the same filters."""
        return beside(self.csv, f"{self.key}.pdf")


def beside(address: str, name: str) -> str:
    """The address of another file in the same place and with the same query."""
    path, mark, query = address.partition("?")
    return f"{path.rpartition('/')[0]}/{name}{mark}{query}"


def every_month(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A survival curve's first group at every month since opening, so that a chart spaces them by time.

    The measure has a row only where a line ended; in between all is as it was.
    """
    own = [row for row in rows if all(row.get(key) == rows[0].get(key) for key in ("currency", "segment"))]
    known, found = {row["month"]: row for row in own}, list[dict[str, Any]]()
    stands: Mapping[str, Any] = _STILL_ALL
    for month in range(max(known, default=-1) + 1):
        stands = known.get(month, stands)
        found.append({"month": month, **{name: stands[name] for name in _STILL_ALL}})
    return found
