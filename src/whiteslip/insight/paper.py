"""A month's report on paper: the same month gives the same bytes."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import typst

from whiteslip import notices
from whiteslip.base import add_months
from whiteslip.insight.model import Figures, Report
from whiteslip.insight.registry import MEASURES
from whiteslip.insight.words import Words

_HERE: Final = Path(__file__).parent
_FONTS: Final = Path(notices.__file__).parent / "fonts"
# What a month's report has in no column where it is the same in every row.
_GROUP, _EVERYBODY = "segment", "all"
_LONGEST: Final = 24


def as_pdf(report: Report, sha256: str, lang: str) -> bytes:
    """The report in a language, with its filters, formulas and sources."""
    words, until = Words(lang), add_months(report.month, 1) - timedelta(days=1)
    lead = words.paper("lead").format(since=report.month.isoformat(), until=until.isoformat())
    data = {
        "lang": "zh" if lang.startswith("zh") else "en",
        "month": f"{report.month:%Y-%m}",
        "sha256": sha256,
        "lead": lead,
        "words": {
            key: words.paper(key) for key in ("title", "proposals", "none", "evidence", "effect", "hash")
        },
        "sources": {key: words.paper(key) for key in ("formula", "source")},
        "proposals": [
            {"what": said.what, "evidence": said.evidence, "effect": said.effect}
            for said in (words.say(proposal) for proposal in report.proposals)
        ],
        "figures": [_table(figures, words) for figures in report.figures if figures.rows],
    }
    return typst.compile(
        str(_HERE / "report.typ"),
        format="pdf",
        font_paths=[str(_FONTS)],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data)},
    )


def _table(figures: Figures, words: Words) -> dict[str, Any]:
    alone = all(_EVERYBODY in row for row in figures.rows)
    places = [n for n, name in enumerate(figures.columns) if not (alone and name == _GROUP)]
    formula, source = MEASURES[figures.measure].said(words.lang)
    return {
        "title": words.measure(figures.measure),
        "formula": formula,
        "source": source,
        "columns": [words.column(figures.columns[n]) for n in places],
        "rows": [[words.cell(figures.columns[n], row[n]) for n in places] for row in figures.rows[:_LONGEST]],
    }
