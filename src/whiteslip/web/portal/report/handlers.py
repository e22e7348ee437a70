"""Objecting to what credit bureaus are told of a line, open or long closed: no papers, and no reason."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import bureau, packs
from whiteslip.base import Refusal
from whiteslip.bureau import Subject
from whiteslip.bureau import store as bureau_store
from whiteslip.lines import Line
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.portal.visit import Visit, signed_in


class Objecting(msgspec.Struct):
    """The form."""

    part: Subject


def _page(visit: Visit, line: Line, form: Form, **shown: Any) -> Response[Any]:
    return page(
        visit.request,
        "portal/report/page.html",
        form=form,
        line=line,
        parts=list(Subject),
        known=bureau_store.objections_of(visit.tx, [line.id])[::-1],
        answer_days=packs.load(line.pack).days("bureau.objection_days"),
        **shown,
    )


@get("/lines/{line_id:uuid}/report", sync_to_thread=True)
def show(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Earlier objections and how they stand, and the form of another."""
    return signed_in(request, lambda visit: _page(visit, visit.line(line_id), Form()))


@post("/lines/{line_id:uuid}/report", sync_to_thread=True)
def object_to(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Object to a part of the record; a letter acknowledges it in the same act."""

    def act(visit: Visit) -> Response[Any]:
        typed, line = form.read(Objecting), visit.line(line_id)
        if isinstance(typed, Errors):
            return _page(visit, line, form, errors=typed)
        issuer = visit.ports.office.issuer_name
        done = bureau.object_to(visit.tx, issuer, line.id, typed.part, visit.actor, visit.now)
        if isinstance(done, Refusal):
            return _page(visit, line, form, refusal=done)
        return see_other(request, f"/lines/{line_id}/report")

    return signed_in(request, act)


report_handlers: Final = [show, object_to]
