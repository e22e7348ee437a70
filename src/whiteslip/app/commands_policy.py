"""Policies at a terminal: read, draft, compare, backtest, and see them into force by two people."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.terminal import CommandError, Exit, answer, data, in_words, read_file, refuse, table
from whiteslip.app.wiring import working
from whiteslip.base import Refusal
from whiteslip.decisions import Tables, policies
from whiteslip.decisions.backtest import Backtest, became_words
from whiteslip.decisions.differences import Change, RuleChange, differences, tables_of
from whiteslip.decisions.lifecycle import Policy, State
from whiteslip.decisions.model import Table
from whiteslip.insight.store import what_followed
from whiteslip.store import Tx
from whiteslip.store.timers import present

Note = Annotated[str, Parameter(help="Why, in a sentence.")]
_SIGNS: Final = {Change.ADDED: "+", Change.REMOVED: "-", Change.CHANGED: "~", Change.MOVED: ">"}


@dataclass(frozen=True, slots=True)
class _Desk:
    """An open transaction, the tables and the present instant."""

    tx: Tx
    tables: Tables
    now: datetime

    def table(self, name: str, version: str) -> Table:
        found = policies.table_of(self.tx, self.tables, name, version, self.now)
        if isinstance(found, Refusal):
            raise CommandError(in_words(found), Exit.NOT_FOUND, hint="whiteslip policy list")
        return found

    def by(self, name: str) -> str:
        """The actor behind a name."""
        return acting(self.tx, name)


@contextmanager
def _desk() -> Generator[_Desk]:
    with working() as (platform, tx):
        yield _Desk(tx, platform.ports.office.tables, present(tx))


def _granted(found: Policy | Refusal) -> Policy:
    if isinstance(found, Refusal):
        refuse(found)
    return found


def _shape(policy: Policy) -> dict[str, Any]:
    return {
        "table": policy.name,
        "version": policy.version,
        "state": policy.state,
        "effective_at": policy.effective_at,
        "steps": [
            {"step": s.step, "by": s.actor, "at": s.at, "effective_at": s.effective_at, "note": s.note}
            for s in policy.steps
        ],
    }


def _told(policy: Policy, json: bool, hint: str = "") -> None:
    def human() -> None:
        when = f" from {policy.effective_at:%Y-%m-%d %H:%M}" if policy.state is State.SCHEDULED else ""
        data(f"{policy.name} {policy.version} is {policy.state}{when}")
        if hint:
            sys.stderr.write(f"next: whiteslip policy {hint}\n")

    answer(_shape(policy), json, human)


def show_all(*, json: Json = False) -> None:
    """List every policy table: the version in force and those on their way."""
    with _desk() as desk:
        found = [
            p for name in desk.tables.names for p in policies.every(desk.tx, desk.tables, name, desk.now)
        ]
    rows = [
        [p.name, p.version, p.state, f"{p.effective_at:%Y-%m-%d}" if p.effective_at else "-"] for p in found
    ]
    answer([_shape(p) for p in found], json, lambda: table(["table", "version", "state", "from"], rows))


def show(name: str, version: str = "active", /, *, json: Json = False) -> None:
    """Show a VERSION of table NAME as rules, from the top: the first that matches decides."""
    with _desk() as desk:
        found = desk.table(name, version)
    result = {"table": name, "version": found.version, "content": found.content}

    def human() -> None:
        for node, content in tables_of(found.content).items():
            data(f"{node} ({found.version})")
            table(["", "rule", "if", "then"], _rules(content), wrapped=["if", "then"])

    answer(result, json, human)


def _rules(node: Any) -> list[list[object]]:
    """Each rule in a line; what a cell does not say is left out."""

    def said(columns: Any, rule: Any) -> str:
        cells = [(c.get("field"), rule.get(c["id"], "").strip()) for c in columns]
        return "; ".join(f"{field} {text}" if field else text for field, text in cells if text)

    return [
        [number, rule["_id"], said(node["inputs"], rule) or "anything else", said(node["outputs"], rule)]
        for number, rule in enumerate(node["rules"], 1)
    ]


def pull(name: str, version: str = "active", /, *, to: Path | None = None) -> None:
    """Write a VERSION of table NAME as a JDM file, to edit: on stdout, or --to a file."""
    with _desk() as desk:
        found = desk.table(name, version)
    text = msgspec.json.format(msgspec.json.encode(found.content), indent=2).decode() + "\n"
    if to:
        to.write_text(text, "utf-8")
    else:
        data(text.rstrip("\n"))


def draft(name: str, file: Path, /, *, by: By, note: Note = "", json: Json = False) -> None:
    """Save a FILE as a draft of table NAME. It may still have faults; see validate."""
    content = _content(file)
    with _desk() as desk:
        made = _granted(policies.draft(desk.tx, desk.tables, name, content, desk.by(by), desk.now, note))
    _told(made, json, f"backtest {name} {made.version} --by {by}")


def _content(file: Path) -> dict[str, Any]:
    content = read_file(file)
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise CommandError(f"{file} is not a table: {error}") from None


def diff(
    name: str,
    version: str,
    /,
    *,
    old: Annotated[str, Parameter(name="--from", help="The version it is held against.")] = "active",
    json: Json = False,
) -> None:
    """Tell what a VERSION changes, graph and rules, against the one in force, or --from another."""
    with _desk() as desk:
        before, after = desk.table(name, old), desk.table(name, version)
    found = differences(before, after)
    shaped = [msgspec.to_builtins(change) for change in found]
    result = {"table": name, "from": before.version, "to": after.version, "changes": shaped}

    def human() -> None:
        data(f"{name}: {before.version} -> {after.version}, differences: {len(found)}")
        for change in found:
            _change(change)

    answer(result, json, human)


def _change(change: RuleChange) -> None:
    meaning = f": {change.meaning}" if change.meaning else ""
    table = f"{change.node}: " if change.node else ""
    what = f"rule {change.number} {change.rule}" if change.number else "the table" if table else "the graph"
    data(f"{_SIGNS[change.change]} {table}{what} {change.change}{meaning}")
    for cell in change.cells:
        if not change.number:
            data(f"    {cell.column}: {cell.before or 'none'} -> {cell.after or 'none'}")
        elif change.change is Change.CHANGED:
            data(f"    {cell.column}: {cell.before or 'anything'} -> {cell.after or 'anything'}")
        else:
            data(f"    {cell.column}: {cell.before or cell.after}")


def validate(name: str, version: str, /, *, json: Json = False) -> None:
    """Look whether a VERSION of table NAME, or a file, may decide; exit code 1 with its faults if not."""
    with _desk() as desk:
        if Path(version).is_file():
            contract = desk.table(name, "shipped").contract
            faults = policies.faults_of(Table(name, "", _content(Path(version)), contract))
        else:
            faults = policies.faults_of(desk.table(name, version))

    def human() -> None:
        for fault in faults:
            data(str(fault))
        data(f"{len(faults)} faults" if faults else "sound")

    answer({"table": name, "faults": [str(fault) for fault in faults]}, json, human)
    if faults:
        raise CommandError("this table may not decide", Exit.ERROR)


def backtest(
    name: str,
    version: str,
    /,
    *,
    by: By,
    since: datetime | None = None,
    until: datetime | None = None,
    json: Json = False,
) -> None:
    """Decide past decisions again under a VERSION: old against new by count and money, and the cases."""
    with _desk() as desk:
        found = desk.table(name, version)
        follow = partial(what_followed, desk.tx, day=desk.now.date())
        window = (_utc(since), _utc(until))
        ran = policies.run_backtest(desk.tx, desk.tables, found, desk.by(by), desk.now, *window, follow)
        if isinstance(ran, Refusal):
            refuse(ran)
    answer(msgspec.to_builtins(ran), json, partial(_matrix, ran))
    sys.stderr.write(f"next: whiteslip policy submit {name} {found.version} --by {by}\n")


def _utc(instant: datetime | None) -> datetime | None:
    return instant.replace(tzinfo=UTC) if instant and instant.tzinfo is None else instant


def _matrix(ran: Backtest) -> None:
    kept = ran.adjusted
    data(
        f"{ran.decisions} decisions, {ran.changed} change, {kept.count} of them in details alone; "
        f"{ran.reworded} only in their reasons"
    )
    if ran.undecidable:
        data(f"{ran.undecidable} have facts of an older version of Whiteslip and were left out")
    columns = ["was", "would be", "decisions", "minor units", "followed", "late 30", "late 90", "became"]
    rows = [
        [c.old, c.new, c.count, c.minor, c.followed, c.late_30, c.late_90, became_words(c.became)]
        for c in ran.cells
    ]
    if kept.count:
        counts = [
            kept.count,
            kept.minor,
            kept.followed,
            kept.late_30,
            kept.late_90,
            became_words(kept.became),
        ]
        rows.append(["of these", "adjusted", *counts])
    table(columns, rows, columns[2:-1])


def submit(name: str, version: str, /, *, by: By, note: Note = "", json: Json = False) -> None:
    """Ask a second person to approve a VERSION that was backtested."""
    with _desk() as desk:
        full = desk.table(name, version).version
        done = _granted(policies.submit(desk.tx, desk.tables, name, full, desk.by(by), desk.now, note))
    _told(done, json, f"approve {name} {full} --by SOMEBODY-ELSE")


def approve(name: str, version: str, /, *, by: By, note: Note = "", json: Json = False) -> None:
    """Approve a VERSION that somebody else made; exit code 4 for its maker."""
    with _desk() as desk:
        full = desk.table(name, version).version
        done = _granted(policies.approve(desk.tx, desk.tables, name, full, desk.by(by), desk.now, note))
    _told(done, json, f"activate {name} {full} --by {by}")


def send_back(name: str, version: str, /, *, by: By, reason: Note, json: Json = False) -> None:
    """Send a submitted VERSION back to its maker, with a reason."""
    with _desk() as desk:
        full = desk.table(name, version).version
        done = policies.send_back(desk.tx, desk.tables, name, full, desk.by(by), desk.now, reason)
    _told(_granted(done), json)


def activate(
    name: str,
    version: str,
    /,
    *,
    by: By,
    at: Annotated[datetime | None, Parameter(help="From which instant, in UTC; now if absent.")] = None,
    note: Note = "",
    json: Json = False,
) -> None:
    """Put an approved VERSION in force, now or --at an instant. What runs takes it up by itself."""
    with _desk() as desk:
        full = desk.table(name, version).version
        done = policies.activate(desk.tx, desk.tables, name, full, desk.by(by), desk.now, _utc(at), note)
    _told(_granted(done), json)


def rollback(name: str, /, *, by: By, reason: Note, json: Json = False) -> None:
    """Put the version before the one in force back in force, at once."""
    with _desk() as desk:
        done = policies.roll_back(desk.tx, desk.tables, name, desk.by(by), desk.now, reason)
    _told(_granted(done), json)


def register(app: App) -> None:
    """Add these commands."""
    policy = App(name="policy", help="Policy tables and the life of their versions.")
    policy.command(show_all, name="list")
    policy.command(show)
    policy.command(pull)
    policy.command(draft)
    policy.command(diff)
    policy.command(validate)
    policy.command(backtest)
    policy.command(submit)
    policy.command(approve)
    policy.command(send_back, name="return")
    policy.command(activate)
    policy.command(rollback)
    app.command(policy)
