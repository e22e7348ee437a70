"""Another day for later bills: choose one, look at the days, move."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip.billing import payday as days
from whiteslip.billing import store
from whiteslip.billing.model import OpenItem
from whiteslip.exits import payday
from whiteslip.lines import Line
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import granted
from whiteslip.web.portal.visit import HOME, Visit, signed_in


def chosen_day(form: Form) -> int | None:
    """The day of the month that a form names."""
    typed = form.value("day")
    return next((day for day in days.DAYS if str(day) == typed), None)


@get("/lines/{line_id:uuid}/payday", sync_to_thread=True)
def ask(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Which day, of those that every month has."""
    return signed_in(request, lambda visit: _page(visit, visit.line(line_id), Form()))


def _page(
    visit: Visit, line: Line, form: Form, errors: Errors | None = None, chosen: int | None = None
) -> Response[Any]:
    tx, today = visit.tx, line.today(visit.now)
    items = sorted(store.open_items(tx, [line.id])[line.id], key=lambda item: item.due_on)
    return page(
        visit.request,
        "portal/payday/page.html",
        form=form,
        errors=errors,
        chosen=chosen,
        line=line,
        fault=payday.fault(tx, line, visit.now),
        options=[
            (str(day), day, days.first_due(line, items, day, today))
            for day in days.DAYS
            if day != line.statement_day
        ],
        rows=_days(items, chosen) if chosen else [],
    )


def _days(items: Sequence[OpenItem], chosen: int) -> list[tuple[date, date | None, int]]:
    """What is to pay by due day: the day it had, the one it gets if it moves, and the sum."""
    sums: dict[tuple[date, date | None], int] = {}
    for item in items:
        if item.billed:
            sums[item.due_on, None] = sums.get((item.due_on, None), 0) + item.total_minor
    for row in days.moved(items, chosen):
        day = row.was_due_on, row.due_on
        sums[day] = sums.get(day, 0) + row.open_minor
    return [(was, to, minor) for (was, to), minor in sorted(sums.items(), key=lambda each: each[0][0])]


@post("/lines/{line_id:uuid}/payday", sync_to_thread=True)
def answer(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Show what would be due when, or move it. What was moved is told in a letter, too."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        day = chosen_day(form)
        if day is None or day == line.statement_day:
            return _page(visit, line, form, errors=Errors().add("day", "missing"))
        if form.value("do") != "move" or form.switching:
            return _page(visit, line, form, chosen=day)
        granted(payday.move(visit.tx, visit.ports.office, line.id, day, visit.actor, visit.now))
        return see_other(request, f"{HOME}?done=moved")

    return signed_in(request, act)


payday_handlers: Final = [ask, answer]
