"""What a page of the desk shows as a figure: a chart, its table, and where its CSV and its PDF are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Option: TypeAlias = dict[str, Any]


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
