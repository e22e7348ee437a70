"""New terms that the customer was told: old and new side by side, and rejecting them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip.exits import newterms
from whiteslip.exits.model import Channel, Identity
from whiteslip.lines import changes
from whiteslip.notices.terms import terms_table
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import see_other
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.kit.problems import granted
from whiteslip.web.portal.visit import HOME, Visit, signed_in


@get("/lines/{line_id:uuid}/terms", sync_to_thread=True)
def show(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """The terms until then and from then on."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id)
        told = changes.told_of_line(visit.tx, line.id)
        if told is None:
            return see_other(request, HOME)
        before, after = (msgspec.to_builtins(each) for each in changes.both_terms(visit.tx, told))
        on = line.today(told.effective_at)
        return page(
            request,
            "portal/terms/page.html",
            line=line,
            on=on,
            reject_until=on - timedelta(days=1),
            rows=terms_table(before, after, line.currency, language_of(request)),
        )

    return signed_in(request, act)


@post("/lines/{line_id:uuid}/terms/reject", sync_to_thread=True)
def reject(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Say no: the line closes on the terms it has. Pressing twice changes nothing."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        if changes.told_of_line(visit.tx, line.id) is None:
            return see_other(request, HOME)
        office = visit.ports.office
        case = granted(
            newterms.reject(
                visit.tx, office, line.id, Channel.PORTAL, visit.actor, visit.now, Identity.VERIFIED
            )
        )
        return see_other(request, f"/exits/{case.reference}")

    return signed_in(request, act)


terms_handlers: Final = [show, reject]
