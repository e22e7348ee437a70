"""Policies: their versions, what they change, what they would have decided, and who puts them in force."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from whiteslip.base import Refusal
from whiteslip.decisions import Tables, policies
from whiteslip.decisions.differences import differences
from whiteslip.decisions.lifecycle import Policy
from whiteslip.insight.store import what_followed
from whiteslip.store import Tx
from whiteslip.web.api.access import Caller, Page, get, post, read, write
from whiteslip.web.api.shapes_policies import (
    ActivateBody,
    BacktestBody,
    BacktestShape,
    ChangeShape,
    DiffShape,
    DraftBody,
    FaultsShape,
    NoteBody,
    PolicyShape,
    ReasonBody,
    VersionShape,
)
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.pages import language_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses

_VERSION = "/policies/{name:str}/versions/{version:str}"
_READ = problem_responses(401, 403, 404)
_WRITE = problem_responses(401, 403, 404, 409, 422)


def _tables(request: WebRequest) -> Tables:
    return ports_of(request, Ports).office.tables


def _life(
    request: WebRequest,
    body: object,
    act: Callable[[Tx, Tables, str, datetime], Policy | Refusal],
    status: int = 200,
) -> Response[PolicyShape]:
    """One step of a version's life."""
    tables = _tables(request)

    def step(tx: Tx, now: datetime, caller: Caller) -> PolicyShape:
        return PolicyShape.of(granted(act(tx, tables, caller.person, now)))

    return write(request, body, step, status)


@get("/policies", summary="List policies", responses=problem_responses(401, 403))
def list_policies(request: WebRequest) -> Page:
    """Every version of every table that has a life; one of each table is active."""
    tables = _tables(request)

    def question(tx: Tx, now: datetime) -> Page:
        found = [policy for name in tables.names for policy in policies.every(tx, tables, name, now)]
        return Page([PolicyShape.of(policy) for policy in found], False, None)

    return read(request, question)


@get(_VERSION, summary="One version of a policy", responses=_READ)
def show(request: WebRequest, name: FromPath[str], version: FromPath[str]) -> VersionShape:
    """The table with its facts. ``version`` may be ``active``, ``shipped`` or its first digits."""
    tables = _tables(request)

    def question(tx: Tx, now: datetime) -> VersionShape:
        return VersionShape.of(granted(policies.table_of(tx, tables, name, version, now)))

    return read(request, question)


@post("/policies/{name:str}/versions", summary="Save a draft", responses=_WRITE)
def draft(request: WebRequest, name: FromPath[str], data: JSONBody[DraftBody]) -> Response[PolicyShape]:
    """The same content is the same version. It may have faults; ``validate`` tells them."""
    return _life(
        request,
        data,
        lambda tx, tables, by, now: policies.draft(tx, tables, name, data.content, by, now, data.note),
        201,
    )


@post(f"{_VERSION}/validate", summary="Look whether a version may decide", status_code=200, responses=_WRITE)
def validate(request: WebRequest, name: FromPath[str], version: FromPath[str]) -> Response[FaultsShape]:
    """Its faults in words; none when it may decide."""
    tables = _tables(request)

    def act(tx: Tx, now: datetime, _caller: Caller) -> FaultsShape:
        found = granted(policies.table_of(tx, tables, name, version, now))
        language = language_of(request)
        return FaultsShape(found.version, [fault.said(language) for fault in policies.faults_of(found)])

    return write(request, None, act)


@post(f"{_VERSION}/backtest", summary="Hold a version against the past", status_code=200, responses=_WRITE)
def backtest(
    request: WebRequest, name: FromPath[str], version: FromPath[str], data: JSONBody[BacktestBody]
) -> Response[BacktestShape]:
    """Past decisions decided again: old against new by count and money, and the first cases that change."""
    tables = _tables(request)

    def act(tx: Tx, now: datetime, caller: Caller) -> BacktestShape:
        found = granted(policies.table_of(tx, tables, name, version, now))
        follow = partial(what_followed, tx, day=now.date())
        ran = policies.run_backtest(tx, tables, found, caller.person, now, data.since, data.until, follow)
        return BacktestShape.of(granted(ran))

    return write(request, data, act)


@post(f"{_VERSION}/submit", summary="Ask for approval", status_code=200, responses=_WRITE)
def submit(
    request: WebRequest, name: FromPath[str], version: FromPath[str], data: JSONBody[NoteBody]
) -> Response[PolicyShape]:
    """A second person is asked. The version has been backtested before."""
    return _life(
        request,
        data,
        lambda tx, tables, by, now: policies.submit(tx, tables, name, version, by, now, data.note),
    )


@post(f"{_VERSION}/approve", summary="Approve what somebody else made", status_code=200, responses=_WRITE)
def approve(
    request: WebRequest, name: FromPath[str], version: FromPath[str], data: JSONBody[NoteBody]
) -> Response[PolicyShape]:
    """Refused with ``policy.same_person`` to the key that drafted or submitted it."""
    return _life(
        request,
        data,
        lambda tx, tables, by, now: policies.approve(tx, tables, name, version, by, now, data.note),
    )


@post(f"{_VERSION}/return", summary="Send a version back to its maker", status_code=200, responses=_WRITE)
def send_back(
    request: WebRequest, name: FromPath[str], version: FromPath[str], data: JSONBody[ReasonBody]
) -> Response[PolicyShape]:
    """It is a draft again; the reason stays with it."""
    return _life(
        request,
        data,
        lambda tx, tables, by, now: policies.send_back(tx, tables, name, version, by, now, data.reason),
    )


@post(f"{_VERSION}/activate", summary="Put a version in force", status_code=200, responses=_WRITE)
def activate(
    request: WebRequest, name: FromPath[str], version: FromPath[str], data: JSONBody[ActivateBody]
) -> Response[PolicyShape]:
    """Now, or from ``at``. Every running process takes it up with its next decision."""
    return _life(
        request,
        data,
        lambda tx, tables, by, now: policies.activate(tx, tables, name, version, by, now, data.at, data.note),
    )


@post("/policies/{name:str}/rollback", summary="Go back one version", status_code=200, responses=_WRITE)
def rollback(request: WebRequest, name: FromPath[str], data: JSONBody[ReasonBody]) -> Response[PolicyShape]:
    """The version before the one in force is in force again at once."""
    return _life(
        request,
        data,
        lambda tx, tables, by, now: policies.roll_back(tx, tables, name, by, now, data.reason),
    )


@get(
    "/policies/{name:str}/diff",
    summary="What a version changes",
    responses=problem_responses(401, 403, 404, 422),
)
def diff(
    request: WebRequest,
    name: FromPath[str],
    to: FromQuery[str],
    old: Annotated[str, QueryParameter(name="from")] = "active",
) -> DiffShape:
    """Rules added, removed, changed and moved, cell by cell."""
    tables = _tables(request)

    def question(tx: Tx, now: datetime) -> DiffShape:
        before = granted(policies.table_of(tx, tables, name, old, now))
        after = granted(policies.table_of(tx, tables, name, to, now))
        changes = msgspec.convert(msgspec.to_builtins(differences(before, after)), list[ChangeShape])
        return DiffShape(name, before.version, after.version, changes)

    return read(request, question)


handlers: list[Any] = [
    list_policies,
    show,
    draft,
    validate,
    backtest,
    submit,
    approve,
    send_back,
    activate,
    rollback,
    diff,
]
