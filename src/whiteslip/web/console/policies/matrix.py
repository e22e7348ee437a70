"""A backtest's matrix: what was decided against what would be, as a figure; its cells lead to their cases."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from whiteslip.base import Money
from whiteslip.decisions.model import Table
from whiteslip.web.console.figures import Figure
from whiteslip.web.console.paper import Sheet
from whiteslip.web.console.policies.editing import POLICIES
from whiteslip.web.kit.i18n import Speech, Texts

_FOLDER: Final = "console/policies"
KEY: Final = "matrix"
# Where a page lists the cases that change.
CASES: Final = "cases"


def _word(t: Texts, code: str) -> str:
    return t.first((f"outcome_{code}", "outcome_other"), {"word": code})


def cases_at(table: Table, was: str, would_be: str) -> str:
    """Where the cases of a cell are listed."""
    query = urlencode({"was": was, "would_be": would_be})
    return f"{POLICIES}/{table.name}/{table.version}?{query}#{CASES}"


def figure(table: Table, ran: Mapping[str, Any], speech: Speech, currency: str) -> Figure:
    """Old outcomes down, new ones across, by their share of all decisions; the table counts and sums money of
    the currency that the installation lends in.
    """
    t, counts = Texts(_FOLDER, speech), partial(_counts, speech=speech, currency=currency)
    cells: list[dict[str, Any]] = ran["cells"]
    total = max(1, sum(cell["count"] for cell in cells))
    names = sorted({cell[end] for cell in cells for end in ("old", "new")})
    links = [
        cases_at(table, cell["old"], cell["new"]) if cell["old"] != cell["new"] else "" for cell in cells
    ]
    marks = [
        [names.index(cell["new"]), names.index(cell["old"]), cell["count"] / total, link]
        for cell, link in zip(cells, links, strict=True)
    ]
    said = [_word(t, name) for name in names]
    rows = [
        [_word(t, cell["old"]), _word(t, cell["new"]), *counts(cell, cell["old"] != cell["new"])]
        for cell in cells
    ]
    # What was kept by an older version lacks some of it.
    adjusted: dict[str, Any] = ran.get("adjusted") or {"count": 0}
    if adjusted["count"]:
        rows.append([t("adjusted_row"), "", *counts(adjusted, True)])
        links.append(f"{POLICIES}/{table.name}/{table.version}#adjusted")
    columns = [
        (t("column_was"), "text"), (t("column_would"), "text"), (t("column_count"), "number"),
        (t("column_money", currency=currency), "money"), (t("column_followed"), "number"),
        (t("column_late", n=30), "number"), (t("column_late", n=90), "number"),
    ]  # fmt: skip
    return Figure(
        KEY,
        t("matrix_title"),
        columns,
        rows,
        f"{POLICIES}/{table.name}/{table.version}/{KEY}.csv",
        t("matrix_formula"),
        t("matrix_source"),
        {
            "xAxis": {"type": "category", "data": said},
            "yAxis": {"type": "category", "data": said, "inverse": True},
            "visualMap": {"min": 0, "max": 1, "show": False, "inRange": {"color": ["var:sunk", "var:brand"]}},
            "series": [{"type": "heatmap", "data": marks, "percent": True, "label": {"show": True}}],
        },
        links,
    )


def _counts(found: Mapping[str, Any], is_change: bool, speech: Speech, currency: str) -> list[str]:
    later = [speech.number(found[name]) if is_change else "–" for name in ("followed", "late_30", "late_90")]
    return [speech.number(found["count"]), speech.figure(Money(found["minor"], currency)), *later]


def sheet(table: Table, active: Table, ran: Mapping[str, Any], speech: Speech, currency: str) -> Sheet:
    """The matrix on paper: of which draft, against which version."""
    t = Texts(_FOLDER, speech)
    name = t.first((f"table_{table.name}", "table_other"), {"word": table.name})
    filters = [
        (t("column_version"), table.version),
        (t("matrix_against"), active.version),
        (t("column_count"), speech.number(ran["decisions"])),
    ]
    return Sheet(name, filters, [figure(table, ran, speech, currency)])
