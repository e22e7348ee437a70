"""Figures of the desk on paper: one template for all pages, the same bytes for the same figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import typst
from litestar import Response

from whiteslip import notices
from whiteslip.base import Refusal
from whiteslip.web.console.figures import Figure
from whiteslip.web.console.paper.drawing import drawn
from whiteslip.web.kit.i18n import Speech, Texts
from whiteslip.web.kit.problems import Refused

_HERE: Final = Path(__file__).parent
_FONTS: Final = Path(notices.__file__).parent / "fonts"
# The font has no minus sign; the dash is as wide.
_UNPRINTED: Final = {ord("−"): "–"}
# All figures of a page are in the file of this name.
WHOLE: Final = "page"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is printed: a page's title, what it was filtered by, its large figures, and its figures."""

    title: str
    filters: Sequence[tuple[str, str]]
    figures: Sequence[Figure]
    heads: Sequence[tuple[str, str]] = field(default=())


def pdf_file(sheet: Sheet, name: str, file: str, speech: Speech) -> Response[Any]:
    """One figure by its name, or the ``page`` with all of them. Raises Refused for what is neither."""
    figures = [each for each in sheet.figures if name in (WHOLE, each.key)]
    if not figures and name != WHOLE:
        raise Refused(Refusal("request.not_found"))
    heads = sheet.heads if name == WHOLE else ()
    content = as_pdf(Sheet(sheet.title, sheet.filters, figures, heads), speech)
    headers = {"Content-Disposition": f'attachment; filename="{file}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


def as_pdf(sheet: Sheet, speech: Speech) -> bytes:
    """The sheet as PDF in the reader's language. Words reach the template as data, never as markup."""
    t = Texts("console", speech)
    data = {
        "lang": speech.lang.partition("-")[0],
        "title": sheet.title,
        "filters": [[name, value] for name, value in sheet.filters if value],
        "heads": sheet.heads,
        "figures": [_told(each, t, speech) for each in sheet.figures],
        "words": {key: t(key) for key in ("formula", "source", "colon")},
    }
    said = json.dumps(data, ensure_ascii=False).translate(_UNPRINTED)
    made = _compiler().compile(format="pdf", sys_inputs={"data": said}, timestamp=0)
    if not isinstance(made, bytes):
        raise TypeError("a sheet is one PDF")
    return made


@cache
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[_FONTS])
    return typst.Compiler(input=_HERE / "sheet.typ", root=_HERE, font_paths=fonts)


def _told(figure: Figure, t: Texts, speech: Speech) -> dict[str, Any]:
    left_out = figure.left_out and t("left_out", n=figure.left_out, shown=len(figure.rows))
    return {
        "title": figure.title,
        "drawing": drawn(figure.option, speech) if figure.option else None,
        "columns": [name for name, _ in figure.columns],
        "numbers": [kind in ("money", "number") for _, kind in figure.columns],
        "rows": [[str(cell) for cell in row] for row in figure.rows],
        "left_out": left_out or None,
        "formula": figure.formula,
        "source": figure.source,
    }
