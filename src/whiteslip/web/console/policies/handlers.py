"""Policies: their versions as tables, what a draft changes, and who puts it in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip.applications import store as applications_store
from whiteslip.base import Money, Refusal
from whiteslip.decisions import policies
from whiteslip.decisions import store as decisions_store
from whiteslip.decisions.backtest import backtest, changed_csv, matrix_csv
from whiteslip.decisions.counterfactual import otherwise, together
from whiteslip.decisions.differences import differences
from whiteslip.decisions.grid import grids_of
from whiteslip.decisions.lifecycle import Policy, State
from whiteslip.decisions.model import Table, TableError
from whiteslip.decisions.reasons import SENTENCES, principal
from whiteslip.decisions.tables import Engine
from whiteslip.insight.store import what_followed
from whiteslip.web.console.applications.telling import counterfactuals, waterfall
from whiteslip.web.console.duty import Duty, on_duty
from whiteslip.web.console.files import text_file
from whiteslip.web.console.paper import pdf_file
from whiteslip.web.console.policies import matrix as matrices
from whiteslip.web.console.policies.editing import POLICIES, editing_handlers, table_of
from whiteslip.web.kit.cookies import WebRequest, settings_of
from whiteslip.web.kit.forms import Form, FromForm, see_other
from whiteslip.web.kit.i18n import Speech
from whiteslip.web.kit.pages import page, speech_of
from whiteslip.web.kit.problems import Refused, granted

_DRAFTS: Final = 5
# The table that decides about applications.
_LIMITS: Final = "application-limit"
_ALL: Final = 10**9
TONES: Final = {State.ACTIVE: "good", State.SUBMITTED: "care", State.SCHEDULED: "info"}


def _life(duty: Duty, table: Table) -> Policy:
    return granted(policies.policy_of(duty.tx, duty.ports.office.tables, table.name, table.version, duty.now))


@get("/policies", sync_to_thread=True)
def every(request: WebRequest) -> Response[Any]:
    """All tables: what is in force, and what is on its way."""

    def act(duty: Duty) -> Response[str]:
        tables = duty.ports.office.tables
        found = [(name, _shown(policies.every(duty.tx, tables, name, duty.now))) for name in tables.names]
        return page(request, "console/policies/list.html", found=found, tones=TONES, **duty.shown())

    return on_duty(request, act)


def _shown(found: list[Policy]) -> list[Policy]:
    """All that ever counted or waits, and the newest drafts: each save makes one."""
    drafts = [policy for policy in found if policy.state is State.DRAFT][_DRAFTS:]
    return [policy for policy in found if policy not in drafts]


def _page(
    duty: Duty, table: Table, refusal: Refusal | None = None, form: Form | None = None
) -> Response[Any]:
    tables, life = duty.ports.office.tables, _life(duty, table)
    active = policies.active(duty.tx, tables, table.name, duty.now)
    changes = differences(active, table)
    steps = [(step.at, step, _who(duty, step.actor)) for step in reversed(life.steps)]
    cells = {(c.node, c.rule, cell.column): cell.before for c in changes for cell in c.cells}
    codes = table.contract.outcome["reasons"].one_of
    ran = life.backtest
    return page(
        duty.request,
        "console/policies/version.html",
        table=table,
        life=life,
        active=active,
        is_active=active.version == table.version,
        changes=changes,
        cells=cells,
        kinds={(change.node, change.rule): change.change for change in changes},
        grids=grids_of(table),
        faults=policies.faults_of(table),
        ran=ran,
        matrix=matrices.figure(table, ran, speech_of(duty.request), duty.ports.pack.currency)
        if ran and "cells" in ran
        else None,
        money=partial(_money, speech_of(duty.request), duty.ports.pack.currency),
        cases=_cases(duty, ran),
        steps=steps,
        sentences=[(code, SENTENCES.get(code, {})) for code in codes],
        is_maker=duty.actor in life.makers,
        tones=TONES,
        refusal=refusal,
        form=form or Form(),
        **duty.shown(),
    )


def _money(speech: Speech, currency: str, minor: int) -> str:
    return speech.money(Money(minor, currency))


def _cases(duty: Duty, ran: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Cases that change: all that were kept, or with ``was`` and ``would_be`` those of a cell."""
    asked = duty.request.query_params
    was, would_be = asked.get("was"), asked.get("would_be")
    kept: list[dict[str, Any]] = (ran or {}).get("cases", [])
    return [each for each in kept if was in (None, each["old"]) and would_be in (None, each["new"])]


def _who(duty: Duty, actor: str) -> str:
    """A member of staff by name, anybody else by kind."""
    name = duty.named(actor)
    return actor.partition(":")[0] if name == actor else name


@get("/policies/{name:str}/{version:str}", sync_to_thread=True)
def show(request: WebRequest, name: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """One version: its rules, what it changes, what it would have decided, and its life."""
    return on_duty(request, lambda duty: _page(duty, table_of(duty, name, version)))


@post("/policies/{name:str}/{version:str}", sync_to_thread=True)
def step(request: WebRequest, name: FromPath[str], version: FromPath[str], form: FromForm) -> Response[Any]:
    """One step of its life: backtest, submit, approve, return, activate, or roll the table back."""

    def act(duty: Duty) -> Response[Any]:
        table = table_of(duty, name, version)
        if form.switching:
            return _page(duty, table, form=form)
        done = _step(duty, table, form)
        if isinstance(done, Refusal):
            return _page(duty, table, done, form)
        return see_other(request, f"{POLICIES}/{name}/{done}")

    return on_duty(request, act, chooses=True)


def _step(duty: Duty, table: Table, form: Form) -> str | Refusal:
    """Do it; returns the version to look at next."""
    tx, tables, by, now = duty.tx, duty.ports.office.tables, duty.actor, duty.now
    name, version, note = table.name, table.version, form.value("note")
    match form.value("do"):
        case "backtest":
            follow = partial(what_followed, tx, day=now.date())
            done = policies.run_backtest(tx, tables, table, by, now, follow=follow)
        case "submit":
            done = policies.submit(tx, tables, name, version, by, now, note)
        case "approve":
            done = policies.approve(tx, tables, name, version, by, now, note)
        case "return":
            done = policies.send_back(tx, tables, name, version, by, now, note)
        case "activate":
            at = _instant(duty, form.value("at"))
            done = (
                at
                if isinstance(at, Refusal)
                else policies.activate(tx, tables, name, version, by, now, at, note)
            )
        case "rollback":
            done = policies.roll_back(tx, tables, name, by, now, note)
        case _:
            done = Refusal("request.invalid")
    return done if isinstance(done, Refusal) else done.version


def _instant(duty: Duty, text: str) -> datetime | Refusal | None:
    """An instant as the page's field gives it, in the lender's time zone; None for now."""
    if not text.strip():
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(settings_of(duty.request).timezone))
    except ValueError:
        return Refusal("policy.in_the_past")


@get("/decisions/{decision_id:uuid}", sync_to_thread=True)
def decision(request: WebRequest, decision_id: FromPath[UUID]) -> Response[Any]:
    """One decision: its facts, its outcome, why, and by which version."""

    def act(duty: Duty) -> Response[Any]:
        found = decisions_store.decision(duty.tx, decision_id)
        if found is None:
            raise Refused(Refusal("request.not_found"))
        table = decisions_store.kept_version(duty.tx, found.table_name, found.version)
        if table is None:
            raise TableError(f"{found.table_name}@{found.version} is missing")
        application = applications_store.get(duty.tx, found.subject) if found.table_name == _LIMITS else None
        engine = Engine([table])
        singles = otherwise(engine, table, found.facts)
        return page(
            request,
            "console/policies/decision.html",
            decision=found,
            contract=table.contract,
            reasons=[SENTENCES.get(code, {}) for code in principal(found.reasons)],
            fired=_fired(engine, table, found.facts),
            application=application,
            waterfall=waterfall(duty.tx, application, speech_of(request)) if application else None,
            better=counterfactuals(duty.tx, application, found, speech_of(request)) if application else [],
            otherwise=singles,
            pair=None if singles else together(engine, table, found.facts),
            **duty.shown(),
        )

    return on_duty(request, act)


def _fired(engine: Engine, table: Table, facts: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    """The rules that match the facts, run again: table, number of the rule from 1, and its meaning."""
    matched = {step["node"]: step["rules"] for step in engine.run(table, facts, trace=True)[2] or []}
    return [
        (grid.title, number, row.get("_description") or row["_id"])
        for grid in grids_of(table)
        for number, row in enumerate(grid.rows, 1)
        if row["_id"] in matched.get(grid.title, ())
    ]


@get("/policies/{name:str}/{version:str}/changed.csv", sync_to_thread=True)
def changed(request: WebRequest, name: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """Every past decision that a version would change, as CSV. Nothing is kept."""

    def act(duty: Duty) -> Response[Any]:
        table = table_of(duty, name, version)
        faults = policies.faults_of(table)
        if faults:
            raise Refused(Refusal("policy.invalid", {"fault": str(faults[0]), "faults": len(faults)}))
        text = changed_csv(backtest(duty.tx, table, until=duty.now, shown=_ALL))
        return text_file(f"{name}-{table.version}-changed.csv", text)

    return on_duty(request, act)


def _ran(duty: Duty, table: Table) -> Mapping[str, Any]:
    ran = _life(duty, table).backtest
    if not ran or "cells" not in ran:
        raise Refused(Refusal("policy.not_backtested"))
    return ran


@get("/policies/{name:str}/{version:str}/matrix.pdf", sync_to_thread=True)
def matrix_paper(request: WebRequest, name: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """The matrix of the last backtest of a version, as PDF."""

    def act(duty: Duty) -> Response[Any]:
        table, speech = table_of(duty, name, version), speech_of(request)
        active = policies.active(duty.tx, duty.ports.office.tables, name, duty.now)
        paper = matrices.sheet(table, active, _ran(duty, table), speech, duty.ports.pack.currency)
        return pdf_file(paper, matrices.KEY, f"{name}-{table.version}-matrix", speech)

    return on_duty(request, act)


@get("/policies/{name:str}/{version:str}/matrix.csv", sync_to_thread=True)
def matrix(request: WebRequest, name: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """What the last backtest of a version counted, as CSV: each old outcome by each new one."""

    def act(duty: Duty) -> Response[Any]:
        table = table_of(duty, name, version)
        ran = _ran(duty, table)
        return text_file(f"{name}-{table.version}-matrix.csv", matrix_csv(ran))

    return on_duty(request, act)


policy_handlers: Final = [every, show, step, changed, matrix, matrix_paper, decision, *editing_handlers]
