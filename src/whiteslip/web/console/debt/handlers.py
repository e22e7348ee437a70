"""A debt at the desk: a plan for who cannot pay as agreed, and its sale. What costs somebody takes two."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import billing, packs
from whiteslip.base.ids import parse_public, public
from whiteslip.billing import chargeoff, sales, store
from whiteslip.billing import hardship as plans
from whiteslip.billing import payday as days
from whiteslip.billing.model import Relief
from whiteslip.exits import arrears, debtsales, defaultnotices, hardship, payday
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle
from whiteslip.web.console.duty import HOME, Duty, on_duty, submitted
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, parse_money
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import granted

_NUMBER: Final = re.compile(r"[0-9]{1,15}")


def _at(line_id: UUID) -> str:
    return f"{HOME}/lines/{line_id}/debt"


def _page(duty: Duty, line: Line, form: Form, **shown: Any) -> Response[Any]:
    tx, today = duty.tx, line.today(duty.now)
    debt = billing.debt(tx, line.id, today)
    standing = store.hardship(tx, line.id)
    kept = standing if standing and standing.state == "agreed" else None
    items = [] if kept else store.open_items(tx, [line.id])[line.id]
    offered = plans.options(items, line, today)
    every = store.open_items(tx, [line.id])[line.id]
    waiting, sale = plans.proposed(tx, line.id), sales.newest(tx, line.id)
    return page(
        duty.request,
        "console/debt/page.html",
        form=form,
        line=line,
        debt=debt,
        kept=kept,
        rows=store.rows_of(tx, line.id, kept.plan) if kept else [],
        options=offered,
        late=debt.days_past_due > 0,
        waiting=waiting,
        own_plan=waiting is not None and waiting.proposed_by == duty.actor,
        payday_fault=payday.fault(tx, line, duty.now),
        payday_options=[
            (day, days.first_due(line, every, day, today)) for day in days.DAYS if day != line.statement_day
        ],
        charge_off=chargeoff.of_line(tx, line.id),
        told_on=arrears.last_told(tx, line.id) if debt.past_due_minor else None,
        default_days=packs.load(line.pack).days("debt.default_notice_days") if debt.past_due_minor else 0,
        default_notice=defaultnotices.standing(tx, line, duty.now) if debt.past_due_minor else None,
        sale=sale,
        sale_buyer=public("byr", sale.buyer) if sale else "",
        sale_notice=packs.load(line.pack).days(sales.NOTICE),
        own_sale=sale is not None and sale.proposed_by == duty.actor,
        buyers=[
            (public("byr", one.id), one.name) for one in sales.buyers(tx) if one.currency == line.currency
        ],
        for_sale=bool(line.owed_minor)
        and (debt.charged_off or line.lifecycle in (Lifecycle.RUN_OFF, Lifecycle.CLOSED)),
        **shown,
        **duty.shown(),
    )


@get("/lines/{line_id:uuid}/debt", sync_to_thread=True)
def show(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """The debt of a line: plan, charge-off, sale."""
    return on_duty(request, lambda duty: _page(duty, duty.line(line_id), Form()))


def _change(
    request: WebRequest, line_id: UUID, form: Form, act: Callable[[Duty, Line], object]
) -> Response[Any]:
    """Do something and show the page again, with what is wrong in a field; a "no" is a page of its own."""

    def granted_act(duty: Duty, line: Line) -> object:
        return granted(act(duty, line))

    return submitted(request, form, lambda duty: duty.line(line_id), granted_act, _page, _at(line_id))


@post("/lines/{line_id:uuid}/debt/plan", sync_to_thread=True)
def agree(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Agree on a plan for a customer who asked, or propose one that gives something up."""

    def act(duty: Duty, line: Line) -> object:
        chosen = form.value("option")
        if chosen not in list(Relief):
            return Errors().add("option", "missing")
        foreseen = bool(form.value("foreseen"))
        office = duty.ports.office
        return hardship.at_desk(duty.tx, office, line.id, Relief(chosen), foreseen, duty.actor, duty.now)

    return _change(request, line_id, form, act)


@post("/lines/{line_id:uuid}/debt/plan/end", sync_to_thread=True)
def end(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """End a plan because the customer wishes it."""
    return _change(
        request,
        line_id,
        form,
        lambda duty, line: hardship.end(duty.tx, duty.ports.office, line.id, duty.actor, duty.now),
    )


@post("/lines/{line_id:uuid}/debt/default-notice", sync_to_thread=True)
def give_notice(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Give notice of default: the breach may be put right before anything follows from it."""
    return _change(
        request,
        line_id,
        form,
        lambda duty, line: defaultnotices.give(duty.tx, duty.ports.office, line.id, duty.actor, duty.now),
    )


@post("/lines/{line_id:uuid}/debt/payday", sync_to_thread=True)
def move_payday(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Make later bills on another day, because the customer wishes it."""

    def act(duty: Duty, line: Line) -> object:
        typed = form.value("day")
        day = next((one for one in days.DAYS if str(one) == typed), None)
        if day is None:
            return Errors().add("day", "missing")
        return payday.move(duty.tx, duty.ports.office, line.id, day, duty.actor, duty.now)

    return _change(request, line_id, form, act)


@post("/lines/{line_id:uuid}/debt/sale", sync_to_thread=True)
def sell(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Propose a sale, or carry out what somebody else proposed on the same terms."""

    def act(duty: Duty, line: Line) -> object:
        buyer = parse_public("byr", form.value("buyer"))
        shown = form.value("price_minor")
        price = (
            line.money(int(shown))
            if _NUMBER.fullmatch(shown)
            else parse_money(form.value("price"), line.currency)
        )
        if buyer is None or price is None:
            errors = Errors()
            errors = errors if buyer else errors.add("buyer", "missing")
            return errors if price else errors.add("price", "invalid" if form.value("price") else "missing")
        office = duty.ports.office
        return debtsales.sell(duty.tx, office, line.id, buyer, price.minor, duty.actor, duty.now)

    return _change(request, line_id, form, act)


@post("/lines/{line_id:uuid}/debt/plan/turn-down", sync_to_thread=True)
def turn_plan_down(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Do not agree to the plan that a colleague proposed; the first is refused."""
    return _change(
        request, line_id, form, lambda duty, line: plans.turn_down(duty.tx, line, duty.actor, duty.now)
    )


@post("/lines/{line_id:uuid}/debt/sale/turn-down", sync_to_thread=True)
def turn_sale_down(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Do not agree to the sale that a colleague proposed; the first is refused."""
    return _change(
        request, line_id, form, lambda duty, line: sales.turn_down(duty.tx, line, duty.actor, duty.now)
    )


@post("/lines/{line_id:uuid}/debt/sale/call-off", sync_to_thread=True)
def call_sale_off(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Call off a sale that was agreed, while its days of notice run."""
    return _change(
        request,
        line_id,
        form,
        lambda duty, line: debtsales.call_off(duty.tx, duty.ports.office, line.id, duty.actor, duty.now),
    )


debt_handlers: Final = [
    show,
    agree,
    end,
    move_payday,
    sell,
    give_notice,
    turn_plan_down,
    turn_sale_down,
    call_sale_off,
]
