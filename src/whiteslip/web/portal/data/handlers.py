"""What is held of a customer, for themselves: to read, to take along, to have erased."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Response, get, post

from whiteslip import privacy
from whiteslip.day.forgetting import FORGET
from whiteslip.privacy import store as privacy_store
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.portal.visit import Visit, granted, signed_in

_HOME: Final = "/data"
_MONTHS_A_YEAR: Final = 12


@get(_HOME, sync_to_thread=True)
def your_data(request: WebRequest) -> Response[Any]:
    """What is kept, by which source and until when; what was erased, if that was asked for."""

    def show(visit: Visit) -> Response[Any]:
        known = granted(privacy.overview(visit.tx, visit.customer.id))
        answered = privacy_store.answers(visit.tx, visit.customer.id)
        return page(
            request,
            "portal/data/page.html",
            known=known,
            years={kept.kind: -(-kept.months // _MONTHS_A_YEAR) for kept in known.kept},
            answered=answered[0] if answered else None,
        )

    return signed_in(request, show)


@get("/data.json", sync_to_thread=True)
def take_along(request: WebRequest) -> Response[Any]:
    """Everything, as a file that machines read. It takes a proof of who asks."""

    def show(visit: Visit) -> Response[Any]:
        unproven = visit.must_prove(_HOME)
        if unproven:
            return unproven
        found = granted(
            privacy.export(visit.tx, visit.ports.vault, visit.customer.id, visit.actor, visit.now)
        )
        return Response(
            msgspec.json.format(msgspec.json.encode(found), indent=2),
            media_type="application/json",
            headers={"Content-Disposition": 'attachment; filename="my-data.json"'},
        )

    return signed_in(request, show)


@post("/data/erase", sync_to_thread=True)
def erase(request: WebRequest) -> Response[Any]:
    """Erase what no law keeps. It takes a proof of who asks."""

    def act(visit: Visit) -> Response[Any]:
        unproven = visit.must_prove(_HOME)
        if unproven:
            return unproven
        issuer = visit.ports.office.issuer_name
        granted(privacy.erase(visit.tx, visit.customer.id, FORGET, issuer, visit.actor, visit.now))
        return see_other(request, _HOME)

    return signed_in(request, act)


data_handlers: Final = [your_data, take_along, erase]
