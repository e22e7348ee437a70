"""I cannot pay as agreed: two or three plans with days and sums, and one button each."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import billing, exits
from whiteslip.billing import hardship as plans
from whiteslip.billing import store
from whiteslip.billing.model import Relief
from whiteslip.exits import hardship
from whiteslip.lines import Line
from whiteslip.notices.compose import advice
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.kit.problems import granted
from whiteslip.web.portal.dues import by_day
from whiteslip.web.portal.visit import Visit, signed_in


class Chosen(msgspec.Struct):
    """The form of a plan."""

    option: Relief


@get("/lines/{line_id:uuid}/hardship", sync_to_thread=True)
def ways(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """What may be agreed today, or the plan that stands."""
    return signed_in(request, lambda visit: _ways(visit, visit.line(line_id), Form()))


def _ways(visit: Visit, line: Line, form: Form, errors: Errors | None = None) -> Response[Any]:
    tx, today = visit.tx, line.today(visit.now)
    standing = store.hardship(tx, line.id)
    kept = standing if standing and standing.state == "agreed" else None
    debt = billing.debt(tx, line.id, today)
    open_to_choose = kept is None and debt.days_past_due > 0
    items = store.open_items(tx, [line.id])[line.id] if open_to_choose else []
    schedule = granted(exits.preview(tx, line.id, visit.now)).schedule
    return page(
        visit.request,
        "portal/hardship/page.html",
        form=form,
        errors=errors,
        line=line,
        back=visit.back_from(line),
        advised=advice(line.pack, language_of(visit.request)),
        past_due=line.money(debt.past_due_minor),
        kept=kept,
        dues=by_day(line, schedule) if kept else [],
        options=plans.options(items, line, today),
    )


@post("/lines/{line_id:uuid}/hardship", sync_to_thread=True)
def agree(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Agree on a plan. Doing it again changes nothing."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        chosen = form.read(Chosen)
        if isinstance(chosen, Errors):
            return _ways(visit, line, form, chosen)
        granted(hardship.agree(visit.tx, visit.ports.office, line.id, chosen.option, visit.actor, visit.now))
        return see_other(request, f"/lines/{line.id}/hardship")

    return signed_in(request, act)


hardship_handlers: Final = [ways, agree]
