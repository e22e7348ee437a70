"""Two editors of a policy: fields, which need no script, and the graph drawn. Both save drafts only.

A version is its content, so nothing that is saved here overwrites anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip.base import Refusal
from whiteslip.decisions import policies
from whiteslip.decisions.faults import Fault
from whiteslip.decisions.grid import Grid, drawn, edited, grids_of, with_rows
from whiteslip.decisions.lifecycle import Policy
from whiteslip.decisions.model import Table
from whiteslip.decisions.shape import BYTES, shape_faults
from whiteslip.decisions.words import in_language
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.envelope import style_nonce
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.kit.problems import Refused, granted

POLICIES: Final = f"{HOME}/policies"
_UNFINISHED: Final = "unfinished"
Again: TypeAlias = Callable[[Errors, Refusal | None, bool], Response[Any]]


def table_of(duty: Duty, name: str, version: str) -> Table:
    """A version of a table. Raises Refused."""
    return granted(policies.table_of(duty.tx, duty.ports.office.tables, name, version, duty.now))


def _newest(duty: Duty, name: str) -> Policy:
    """The version saved last; the one in force where none was ever saved."""
    found = policies.every(duty.tx, duty.ports.office.tables, name, duty.now)
    return next((policy for policy in found if policy.steps), found[0])


def _overtaken(duty: Duty, table: Table, form: Form) -> Refusal | None:
    """Whether somebody else saved a version since the editor was opened. Said once; then both may stand."""
    newest = _newest(duty, table.name)
    if form.value("seen", newest.version) == newest.version or duty.actor in newest.makers:
        return None
    return Refusal("policy.overtaken", {"version": newest.version})


def _save(duty: Duty, table: Table, content: Mapping[str, Any], form: Form, again: Again) -> Response[Any]:
    """Keep a draft. One with faults is shown again, and kept when that is asked for."""
    tables = duty.ports.office.tables
    malformed = shape_faults(content)
    faults = malformed or policies.faults_of(Table.of(table.name, content, tables[table.name].contract))
    if malformed or (faults and form.value("do") != _UNFINISHED):
        return again(_errors(faults, language_of(duty.request)), None, not malformed)
    overtaken = _overtaken(duty, table, form)
    if overtaken:
        return again(Errors(), overtaken, bool(faults))
    done = policies.draft(duty.tx, tables, table.name, content, duty.actor, duty.now, form.value("note"))
    if isinstance(done, Refusal):
        return again(Errors(), done, bool(faults))
    return see_other(duty.request, f"{POLICIES}/{table.name}/{done.version}")


def _errors(faults: Sequence[Fault], language: str) -> Errors:
    """Each fault as an error of the form, which leads to the table it is in."""
    errors = Errors()
    for fault in faults:
        errors.add(f"at-{fault.place.node}" if fault.place else "", "fault", said=fault.said(language))
    return errors


def _shown(duty: Duty, table: Table) -> dict[str, Any]:
    return {
        "table": table,
        "seen": _newest(duty, table.name).version,
        "facts": table.contract.facts,
        **duty.shown(),
    }


@get("/policies/{name:str}/{version:str}/edit", sync_to_thread=True)
def fields(request: WebRequest, name: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """The table as fields. It can be read and left; only saving makes a draft."""

    def act(duty: Duty) -> Response[Any]:
        table = table_of(duty, name, version)
        return _fields(duty, table, {grid.node: grid.rows for grid in grids_of(table)})

    return on_duty(request, act, chooses=True)


def _fields(
    duty: Duty,
    table: Table,
    rows: Mapping[str, Sequence[Mapping[str, str]]],
    form: Form | None = None,
    errors: Errors | None = None,
    refusal: Refusal | None = None,
    may_keep: bool = False,
) -> Response[Any]:
    return page(
        duty.request,
        "console/policies/edit.html",
        grids=grids_of(table),
        rows=rows,
        may_keep=may_keep,
        form=form,
        errors=errors,
        refusal=refusal,
        **_shown(duty, table),
    )


@post("/policies/{name:str}/{version:str}/edit", sync_to_thread=True)
def edit(request: WebRequest, name: FromPath[str], version: FromPath[str], form: FromForm) -> Response[Any]:
    """Add, remove or move a rule, which keeps nothing yet; or save a draft."""

    def act(duty: Duty) -> Response[Any]:
        table = table_of(duty, name, version)
        rows = {grid.node: _typed(grid, form) for grid in grids_of(table)}
        verb, _, place = form.value("do", "save").partition(":")
        if form.switching or verb not in {"save", _UNFINISHED}:
            node, _, number = place.rpartition(":")
            if node in rows and number.isdecimal():
                rows[node] = edited(rows[node], verb, int(number))
            return _fields(duty, table, rows, form)

        def again(errors: Errors, refusal: Refusal | None, may_keep: bool) -> Response[Any]:
            return _fields(duty, table, rows, form, errors, refusal, may_keep)

        return _save(duty, table, with_rows(table, rows), form, again)

    return on_duty(request, act, chooses=True)


def _typed(grid: Grid, form: Form) -> list[Mapping[str, str]]:
    """The rows as they were typed: each column comes once a row, in the rows' order."""
    keys = ["_id", *([] if grid.is_named else ["_description"]), *(column.id for column in grid.columns)]
    columns = [[text.strip() for text in form.fields.get(f"{grid.node}.{key}", ())] for key in keys]
    return [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=False)]


@get("/policies/{name:str}/{version:str}/graph", sync_to_thread=True)
def graph(request: WebRequest, name: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """The graph and its tables, drawn. Without a script the page leads to the fields."""

    def act(duty: Duty) -> Response[Any]:
        table = table_of(duty, name, version)
        return _graph(duty, table, msgspec.json.encode(table.content).decode())

    return on_duty(request, act, chooses=True)


def _graph(
    duty: Duty,
    table: Table,
    text: str,
    form: Form | None = None,
    errors: Errors | None = None,
    refusal: Refusal | None = None,
    may_keep: bool = False,
) -> Response[Any]:
    facts, lang = table.contract.facts, language_of(duty.request)
    known = (*facts.values(), *table.contract.outcome.values())
    offers = {
        "facts": {name: in_language(lang, fact.meaning) or fact.meaning for name, fact in facts.items()},
        "codes": sorted({code for field in known for code in field.one_of}),
    }
    return page(
        duty.request,
        "console/policies/graph.html",
        text=text,
        offers=msgspec.json.encode(offers).decode(),
        nonce=style_nonce(duty.request),
        may_keep=may_keep,
        form=form or Form(),
        errors=errors,
        refusal=refusal,
        **_shown(duty, table),
    )


@post("/policies/{name:str}/{version:str}/graph", sync_to_thread=True, request_max_body_size=2 * BYTES)
def draw(request: WebRequest, name: FromPath[str], version: FromPath[str], form: FromForm) -> Response[Any]:
    """Save what was drawn as a draft, by the same act and with the same checks as the fields."""

    def act(duty: Duty) -> Response[Any]:
        table, text = table_of(duty, name, version), form.value("graph")
        content = _read(text)
        if content is None:
            raise Refused(Refusal("request.malformed"))
        if form.switching:
            return _graph(duty, table, text, form)

        def again(errors: Errors, refusal: Refusal | None, may_keep: bool) -> Response[Any]:
            return _graph(duty, table, text, form, errors, refusal, may_keep)

        whole = content if shape_faults(content) else drawn(table, content)
        return _save(duty, table, whole, form, again)

    return on_duty(request, act, chooses=True)


def _read(text: str) -> dict[str, Any] | None:
    """A graph as the page's script sends it, or None: only somebody who writes it by hand gets it wrong."""
    if "\\u0000" in text:  # the database cannot hold it
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


editing_handlers: Final = [fields, edit, graph, draw]
