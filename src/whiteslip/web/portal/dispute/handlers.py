"""Something is wrong with a purchase: what the customer says, and the receipt. Nothing of it is demanded
meanwhile, so it asks for no proof of who they are.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip.base import Refusal, local_day
from whiteslip.exits import owed
from whiteslip.lines import Line
from whiteslip.purchases import Purchase
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Dispute, Ground, Outcome
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import Refused, granted
from whiteslip.web.portal.visit import Visit, signed_in

# What a customer can say, the gravest first; the house itself finds what a shop forced.
GROUNDS: Final = (
    Ground.NOT_MINE,
    Ground.NOT_RECEIVED,
    Ground.NOT_AS_DESCRIBED,
    Ground.WRONG_AMOUNT,
    Ground.CANCELLED,
)


class Saying(msgspec.Struct):
    """What is wrong."""

    ground: Ground


def _found(visit: Visit, line: Line, purchase_id: UUID) -> tuple[Purchase, int, list[Dispute]]:
    """A purchase of the line, what of it can be disputed, and what was said of it. Raises Refused."""
    bought = {each.id: each for each in purchases_store.of_line(visit.tx, line.id)}
    if purchase_id not in bought:
        raise Refused(Refusal("purchase.not_found"))
    purchase = bought[purchase_id]
    said = [
        each for each in purchases_store.disputes_of_line(visit.tx, line.id) if each.purchase == purchase.id
    ]
    taken = sum(each.amount_minor for each in said if each.outcome is not Outcome.LOST)
    return purchase, purchase.captured_minor - purchase.refunded_minor - taken, said


def _page(visit: Visit, line: Line, purchase_id: UUID, form: Form, **shown: Any) -> Response[Any]:
    purchase, left, said = _found(visit, line, purchase_id)
    return page(
        visit.request,
        "portal/dispute/page.html",
        form=form,
        line=line,
        purchase=purchase,
        bought_on=local_day(purchase.authorised_at, line.timezone),
        left=line.money(max(left, 0)),
        said=said,
        grounds=GROUNDS,
        **shown,
    )


@get("/lines/{line_id:uuid}/purchases/{purchase_id:uuid}", sync_to_thread=True)
def show(request: WebRequest, line_id: FromPath[UUID], purchase_id: FromPath[UUID]) -> Response[Any]:
    """The purchase, what may be said of it, and what was."""
    return signed_in(request, lambda visit: _page(visit, visit.line(line_id), purchase_id, Form()))


@post("/lines/{line_id:uuid}/purchases/{purchase_id:uuid}", sync_to_thread=True)
def say(
    request: WebRequest, line_id: FromPath[UUID], purchase_id: FromPath[UUID], form: FromForm
) -> Response[Any]:
    """Dispute what is left of it. The page then says what was received, and by when it is decided."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        _, left, said = _found(visit, line, purchase_id)
        at = f"/lines/{line_id}/purchases/{purchase_id}"
        if said and not form.switching:
            return see_other(request, at)
        typed = form.read(Saying)
        if isinstance(typed, Errors):
            return _page(visit, line, purchase_id, form, errors=typed)
        if typed.ground not in GROUNDS:
            return _page(visit, line, purchase_id, form, errors=Errors().add("ground", "missing"))
        tx, office, actor, now = visit.tx, visit.ports.office, visit.actor, visit.now
        granted(owed.dispute(tx, office, purchase_id, left, typed.ground, actor, now))
        return see_other(request, at)

    return signed_in(request, act)


dispute_handlers: Final = [show, say]
