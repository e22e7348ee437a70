"""Alerts of the watch: list, show, acknowledge, label."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct

from whiteslip import watch
from whiteslip.base.ids import public
from whiteslip.store import Tx
from whiteslip.watch import Alert, Shown
from whiteslip.watch import store as watch_store
from whiteslip.web.api.access import PAGE, Caller, Page, get, identifier, post, write
from whiteslip.web.api.lists import Limit, listed, one
from whiteslip.web.api.locks import EmptyBody
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.problems import granted, problem_responses


class LabelBody(Struct, forbid_unknown_fields=True):
    """What came of an alert: whether it was right."""

    right: bool


class AlertShape(Struct):
    """An alert: the row that fired, what it proposes, and features with their usual values."""

    id: str
    reference: str
    line: str
    rule: str
    reasons: list[str]
    act: str
    feature: str | None
    tells: str
    demoted: bool
    decision: str
    shown: list[Shown]
    happened_at: datetime
    raised_at: datetime
    state: str
    acknowledged_at: datetime | None
    right: bool | None

    @classmethod
    def of(cls, found: Alert) -> AlertShape:
        """Shape an alert."""
        return cls(
            id=public("alr", found.id),
            reference=found.reference,
            line=public("line", found.line),
            rule=found.rule,
            reasons=list(found.reasons),
            act=found.act,
            feature=found.feature,
            tells=found.tells,
            demoted=found.demoted,
            decision=public("dec", found.decision),
            shown=list(found.shown),
            happened_at=found.happened_at,
            raised_at=found.raised_at,
            state=found.state,
            acknowledged_at=found.acknowledged_at,
            right=found.label,
        )


@get("/alerts", summary="List alerts", responses=problem_responses(401, 403, 422))
def list_alerts(
    request: WebRequest,
    rule: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    limit: Limit = PAGE,
) -> Page:
    """Alerts in the order in which they were raised; all, or those of a rule."""

    def question(tx: Tx, start: UUID | None, count: int) -> list[Alert]:
        return watch_store.page(tx, start, count, rule)

    return listed(request, "alr", after, limit, question, AlertShape.of)


@get("/alerts/{alert_id:str}", summary="Show an alert", responses=problem_responses(401, 403, 404))
def show_alert(request: WebRequest, alert_id: FromPath[str]) -> AlertShape:
    """One alert."""
    return one(request, "alr", alert_id, "alert.not_found", watch_store.alert, AlertShape.of)


@post(
    "/alerts/{alert_id:str}/acknowledge",
    summary="Look into an alert",
    status_code=200,
    responses=problem_responses(401, 403, 404, 422),
)
def acknowledge(
    request: WebRequest, alert_id: FromPath[str], data: JSONBody[EmptyBody]
) -> Response[AlertShape]:
    """Say that somebody looks into it. Twice changes nothing."""
    wanted = identifier("alr", alert_id, "alert.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> AlertShape:
        return AlertShape.of(granted(watch.acknowledge(tx, wanted, caller.actor, now)))

    return write(request, data, act, 200)


@post(
    "/alerts/{alert_id:str}/label",
    summary="Say what came of an alert",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def label(request: WebRequest, alert_id: FromPath[str], data: JSONBody[LabelBody]) -> Response[AlertShape]:
    """Whether it was right. Saying it again corrects it."""
    wanted = identifier("alr", alert_id, "alert.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> AlertShape:
        return AlertShape.of(granted(watch.label(tx, wanted, data.right, caller.actor, now)))

    return write(request, data, act, 200)


handlers: list[Any] = [list_alerts, show_alert, acknowledge, label]
