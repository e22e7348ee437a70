"""The twins of a chart: its table, its CSV and its PDF have the same rows and the same totals."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from io import BytesIO, StringIO

import httpx
from pypdf import PdfReader

_NONE = frozenset({"", "–", "—"})
# A count, or a sum with the two digits of its minor unit. Shares, rates and scores add up to nothing.
_COUNTED = re.compile(r"-?[\d,]+(\.\d\d)?")
_FOOT = re.compile(r"\d+/\d+$")


@dataclass(frozen=True)
class Table:
    """A figure's table as its page has it: the kind and the name of each column, and cells in words."""

    heads: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[str]]

    @classmethod
    def of(cls, figure: str) -> Table:
        """Read it from the figure's HTML."""
        body = figure.partition("<tbody>")[2].partition("</tbody>")[0]
        heads = re.findall(r'<th scope="col" class="(\w+)">(.*?)</th>', figure, re.S)
        lines = re.findall(r"<tr>(.*?)</tr>", body, re.S)
        rows = [
            [_said(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", each, re.S)] for each in lines
        ]
        return cls([(kind, _said(name)) for kind, name in heads], rows)

    def counted(self) -> dict[str, list[int]]:
        """The columns of counts and of sums in minor units, by name and place."""
        found = dict[str, list[int]]()
        for n, (kind, name) in enumerate(self.heads):
            cells = [row[n].replace("−", "-") for row in self.rows]
            is_counted = all(cell in _NONE or _COUNTED.fullmatch(cell) for cell in cells)
            if kind in {"money", "number"} and is_counted and not set(cells) <= _NONE:
                found[f"{name} ({n})"] = [
                    0 if cell in _NONE else int(re.sub(r"[,.]", "", cell)) for cell in cells
                ]
        return found


def unequal_csv(table: Table, text: str) -> list[str]:
    """Columns of counts and sums whose total the CSV does not have, in the order of the page.

    Where a page leaves rows out it leaves them out of all columns: then what it shows must stand in the
    CSV in that order.
    """
    heads, *rows = csv.reader(StringIO(text))
    if len(rows) < len(table.rows):
        return [f"{len(table.rows)} rows, {len(rows)} in the CSV"]
    columns = [[_number(row[n]) for row in rows] for n in range(len(heads))]
    minded, first = list[str](), 0
    for name, shown in table.counted().items():
        for n in range(first, len(columns)):
            if _equal(shown, columns[n]):
                first = n + 1
                break
        else:
            minded.append(f"{name} adds up to {sum(shown)} and to something else in the CSV")
    return minded


def _equal(shown: Sequence[int], column: Sequence[float]) -> bool:
    if len(shown) == len(column):
        return sum(shown) == sum(column)
    left = iter(column)
    return all(any(value == other for other in left) for value in shown)


def unequal_pdf(title: str, table: Table, content: bytes) -> list[str]:
    """What the PDF lacks of the page's table: its title, a row, a cell.

    Its rows are read in one piece behind the heads, so that what they add up to is the same.
    """
    sheets = [sheet.extract_text() for sheet in PdfReader(BytesIO(content)).pages]
    page = _bare(sheets[0].partition("\n")[0])
    bodies = [_FOOT.sub("", _bare(sheet)) for sheet in sheets]
    foot = bodies[-1][at:] if (at := bodies[-1].find(f"{page}·")) >= 0 else page
    heads = _bare("".join(name for _, name in table.heads))
    before, found, rows = "".join(each.removesuffix(foot) for each in bodies).partition(heads)
    if _bare(title) not in before or not found:
        return ["its PDF is of something else"]
    cells = _bare("".join(cell for row in table.rows for cell in row))
    return [] if rows.replace(heads, "").startswith(cells) else ["its PDF has other rows"]


def minded(desk: httpx.Client, figure: str) -> tuple[list[str], int]:
    """What is wrong with a figure's twins, and how many columns of counts and sums were compared."""
    table, title = Table.of(figure), _said(re.findall(r"<h2>(.*?)</h2>", figure)[0])
    files = {kind: unescape(href) for href, kind in re.findall(r'href="([^"]+\.(csv|pdf)[^"]*)"', figure)}
    if not table.rows:
        return ["no table"], 0
    if set(files) != {"csv", "pdf"}:
        return [f"only {sorted(files)}"], 0
    found = list[str]()
    if unescape(re.findall(r'data-csv="([^"]*)"', figure)[0]) != files["csv"]:
        found.append("its marks lead to another file")
    answer = desk.get(files["csv"])
    if answer.headers["content-type"] != "text/csv; charset=utf-8":
        found.append(f"no CSV at {files['csv']}: {answer.status_code}")
    else:
        found += unequal_csv(table, answer.text)
    paper = desk.get(files["pdf"])
    if paper.status_code != 200 or paper.headers["content-type"] != "application/pdf":
        found.append(f"no PDF at {files['pdf']}: {paper.status_code}")
    else:
        found += unequal_pdf(title, table, paper.content)
    return found, len(table.counted())


def _said(cell: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", cell)).strip()


def _bare(text: str) -> str:
    """Without spaces, which wrapping moves; the font of paper has no minus sign."""
    return re.sub(r"\s", "", text).replace("−", "–")


def _number(cell: str) -> float:
    try:
        return float(cell or 0)
    except ValueError:
        return float("nan")
