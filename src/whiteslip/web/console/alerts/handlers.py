"""Alerts of the watch: a queue of their own, and each on one page with what may be said of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter

from whiteslip import watch
from whiteslip.base import Money, Refusal
from whiteslip.exits import proposals, stepups
from whiteslip.exits.model import ONLY_WITH_NOTICE, Cause
from whiteslip.exits.restrictions import Limits, Measure
from whiteslip.watch import Alert, Shown
from whiteslip.watch import store as watch_store
from whiteslip.watch.acts import TABLE
from whiteslip.web.console.duty import HOME, Duty, on_duty, submitted
from whiteslip.web.console.figures import Figure
from whiteslip.web.console.files import csv_file
from whiteslip.web.console.paper import WHOLE, Sheet, pdf_file
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, parse_money, see_other
from whiteslip.web.kit.i18n import Texts
from whiteslip.web.kit.pages import page, speech_of
from whiteslip.web.kit.problems import Refused

AT: Final = f"{HOME}/alerts"
Desk = Annotated[Literal["fraud", "risk"] | None, QueryParameter(name="tells")]
Rule = Annotated[str | None, QueryParameter(name="rule")]
_TO_RESTRICT: Final = {cause.value: cause for cause in Cause if cause not in ONLY_WITH_NOTICE}
_ALL: Final = 1_000_000
_COLUMNS: Final = ("reference", "line", "rule", "act", "tells", "happened_at", "raised_at", "state")
_CENTI: Final = 100
_BPS: Final = 10_000


class Labelling(msgspec.Struct):
    """What came of an alert."""

    outcome: Literal["true", "false"]


def _found(duty: Duty, reference: str) -> Alert:
    found = watch_store.by_reference(duty.tx, reference)
    if found is None:
        raise Refused(Refusal("alert.not_found"))
    return found


def _written(name: str, value: int | None, currency: str) -> object:
    """A feature as a page shows it: money, a share in per cent, or a count."""
    if value is None:
        return None
    if name.endswith("_minor"):
        return Money(value, currency)
    return f"{value / _CENTI:.1f}%" if name.endswith("_bps") else f"{value / _CENTI:.1f}"


def _features(shown: tuple[Shown, ...], currency: str) -> list[tuple[str, object, object]]:
    return [
        (each.name, _written(each.name, each.value, currency), _written(each.name, each.usual, currency))
        for each in shown
    ]


def _row_of(duty: Duty, rule: str) -> str:
    """What the table says of the row that fired, in the words of who wrote the policy."""
    nodes: list[Any] = duty.ports.office.tables.in_use.at(TABLE, duty.now).content["nodes"]
    tables: list[Any] = [node["content"]["rules"] for node in nodes if node["type"] == "decisionTableNode"]
    rows: list[Any] = [row for found in tables for row in found]
    return next((str(row.get("_description", "")) for row in rows if row["_id"] == rule), "")


@get("/alerts", sync_to_thread=True)
def queue(request: WebRequest, tells: Desk = None, rule: Rule = None) -> Response[Any]:
    """What waits for somebody, or what one desk is told, or all of one rule; the strongest act on top."""

    def act(duty: Duty) -> Response[str]:
        rows = watch_store.waiting(duty.tx, tells=tells, rule=rule)
        query = urlencode({name: value for name, value in (("tells", tells), ("rule", rule)) if value})
        shown = {"rows": rows, "tells": tells, "rule": rule, "narrowed": f"?{query}" if query else ""}
        return page(request, "console/alerts/list.html", **shown, **duty.shown())

    return on_duty(request, act)


@get("/alerts.pdf", sync_to_thread=True)
def as_paper(request: WebRequest, tells: Desk = None, rule: Rule = None) -> Response[Any]:
    """The queue on paper, all of it."""

    def act(duty: Duty) -> Response[Any]:
        speech = speech_of(request)
        t = Texts("console/alerts", speech)
        found = watch_store.waiting(duty.tx, _ALL, tells, rule)
        rows = [
            [
                each.reference,
                t(f"rule_{each.rule}"),
                t(f"act_{each.act}"),
                t(f"tells_{each.tells}"),
                speech.instant(each.raised_at),
                t(f"state_{each.state}"),
            ]
            for each in found
        ]
        columns = [(t(name), "text") for name in ("reference", "rule", "act", "tells", "raised", "state")]
        figure = Figure("alerts", t("alerts_title"), columns, rows, f"{AT}.csv")
        filters = [(t("tells"), t(f"tells_{tells}" if tells else "tells_all"))]
        filters += [(t("rule"), t.first((f"rule_{rule}", "rule_other"), {"word": rule}))] if rule else []
        sheet = Sheet(t("alerts_title"), filters, [figure], [(t("alerts_title"), speech.number(len(rows)))])
        return pdf_file(sheet, WHOLE, "alerts", speech)

    return on_duty(request, act)


@get("/alerts.csv", sync_to_thread=True)
def as_csv(request: WebRequest, tells: Desk = None, rule: Rule = None) -> Response[Any]:
    """The queue as CSV, all of it."""

    def act(duty: Duty) -> Response[Any]:
        rows = watch_store.waiting(duty.tx, _ALL, tells, rule)
        return csv_file("alerts.csv", _COLUMNS, [[*map(partial(_cell, row), _COLUMNS)] for row in rows])

    return on_duty(request, act)


def _cell(found: Alert, column: str) -> str:
    value: object = getattr(found, column)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _page(duty: Duty, found: Alert, form: Form, **shown: Any) -> Response[str]:
    line = duty.line(found.line)
    asked = stepups.asked(duty.tx, line.id)
    return page(
        duty.request,
        "console/alerts/page.html",
        form=form,
        alert=found,
        line=line,
        features=_features(found.shown, line.currency),
        row=_row_of(duty, found.rule),
        to_restrict=list(_TO_RESTRICT) if found.act in list(Measure) and not line.drawing_stopped else [],
        asked_until=asked.until if asked else None,
        proposed=proposals.open_of_line(duty.tx, line.id) is not None,
        **shown,
        **duty.shown(),
    )


@get("/alerts/{reference:str}", sync_to_thread=True)
def show(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """One alert."""
    return on_duty(request, lambda duty: _page(duty, _found(duty, reference), Form()))


def _act(
    request: WebRequest, reference: str, form: Form, act: Callable[[Duty, Alert], object]
) -> Response[Any]:
    return submitted(request, form, lambda duty: _found(duty, reference), act, _page, f"{AT}/{reference}")


@post("/alerts/{reference:str}/acknowledge", sync_to_thread=True)
def acknowledge(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """Look into it."""
    return _act(
        request,
        reference,
        Form(),
        lambda duty, found: watch.acknowledge(duty.tx, found.id, duty.actor, duty.now),
    )


@post("/alerts/{reference:str}/label", sync_to_thread=True)
def label(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Say what came of it."""

    def act(duty: Duty, found: Alert) -> object:
        typed = form.read(Labelling)
        if isinstance(typed, Errors):
            return typed
        return watch.label(duty.tx, found.id, typed.outcome == "true", duty.actor, duty.now)

    return _act(request, reference, form, act)


@post("/alerts/{reference:str}/restrict", sync_to_thread=True)
def propose(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Propose what the alert suggests; a table says whether it takes a second person."""

    def act(duty: Duty, found: Alert) -> object:
        chosen, line = form.value("reason"), duty.line(found.line)
        cap = parse_money(form.value("cap"), line.currency) if found.act == Measure.LOWER_CAP else None
        if chosen not in _TO_RESTRICT:
            return Errors().add("reason", "missing")
        if found.act == Measure.LOWER_CAP and cap is None:
            return Errors().add("cap", "missing")
        feature = found.feature if found.act == Measure.PAUSE_FEATURE else None
        limits = Limits(Measure(found.act), feature, cap.minor if cap else None)
        office, why = duty.ports.office, [Cause(chosen)]
        done = proposals.propose(duty.tx, office, line.id, limits, why, duty.actor, duty.now, found.id)
        return done if isinstance(done, Refusal) else see_other(request, f"{HOME}/lines/{line.id}")

    return _act(request, reference, form, act)


@post("/alerts/{reference:str}/step-up", sync_to_thread=True)
def step_up(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """Ask the customer to confirm that it is them, as the alert suggests."""

    def act(duty: Duty, found: Alert) -> object:
        if found.act is not watch.Act.STEP_UP:
            raise Refused(Refusal("alert.no_step_up"))
        return stepups.ask(duty.tx, duty.ports.office, found.line, duty.actor, duty.now, found.id)

    return _act(request, reference, Form(), act)


alert_handlers: Final = [queue, as_csv, as_paper, show, acknowledge, label, propose, step_up]
