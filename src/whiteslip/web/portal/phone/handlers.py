"""The demonstration phone: where codes and letters arrive when nobody is real."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, get

from whiteslip import identity
from whiteslip.base import Refusal
from whiteslip.notices.mailers import on_phone
from whiteslip.store.timers import present
from whiteslip.web.kit.cookies import WebRequest, ports_of, settings_of
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused
from whiteslip.web.portal.outside import claim_of
from whiteslip.web.portal.visit import known


@get("/phone", sync_to_thread=True)
def phone(request: WebRequest) -> Response[Any]:
    """What the phone shows of whoever is signed in, or is on the way to be. Only in demonstrations."""
    if not settings_of(request).demo:
        raise Refused(Refusal("request.not_found"))
    ports = ports_of(request, Ports)
    with ports.database.reading() as tx:
        now = present(tx)
        visit, claim = known(request, ports, tx, now), claim_of(request, now)
        owner = visit.customer.id if visit else claim.subject if claim else None
        person = identity.peek(tx, ports.vault, owner) if owner else Refusal("identity.not_found")
        shown = on_phone(tx, owner) if owner else []
    # The people of a demonstration are invented; a visitor who plays one needs their papers.
    holder = None if isinstance(person, Refusal) else person
    return page(request, "portal/phone/page.html", messages=shown, holder=holder)


phone_handlers: Final = [phone]
