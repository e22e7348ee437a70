"""Ask the books, the journal and the decisions whether they are sound."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Final

from cyclopts import App, Parameter

from whiteslip import decisions, ledger
from whiteslip.app.commands_setup import Json
from whiteslip.app.terminal import CommandError, Exit, answer, data, table
from whiteslip.app.wiring import working
from whiteslip.decisions import champions
from whiteslip.ledger.acts import unpinned
from whiteslip.store.database import journal_head, verify_journal

# How many rows, and the SHA-256 that the last one ends with.
_HEAD: Final = re.compile(r"(\d{1,18}):([0-9a-f]{64})", re.ASCII)
Kept = Annotated[
    str | None,
    Parameter(help="A head written down elsewhere, as ROWS:HEAD: the chain must still pass through it."),
]


def trial_balance(*, json: Json = False) -> None:
    """Sum all accounts by code and currency; exit code 1 when debits and credits differ."""
    with working() as (_, tx):
        rows = ledger.trial_balance(tx)
    balanced = ledger.is_balanced(rows)
    columns = ["code", "currency", "accounts", "debits", "credits", "pending_debits", "pending_credits"]
    shown = [{column: getattr(row, column) for column in columns} for row in rows]

    def human() -> None:
        table(columns, [list(row.values()) for row in shown], columns[2:])
        data("balanced" if balanced else "NOT BALANCED")

    answer({"balanced": balanced, "rows": shown}, json, human)
    if not balanced:
        raise CommandError("debits and credits differ", Exit.ERROR)


def audit_verify(*, kept: Kept = None, json: Json = False) -> None:
    """Follow the journal's hash chain from its first row; exit code 1 when it is broken."""
    earlier = _head(kept) if kept else None
    with working() as (_, tx):
        rows, digest = journal_head(tx)
        faults = verify_journal(tx, earlier) + unpinned(tx)
    result = {"rows": rows, "head": digest.hex(), "faults": faults}

    def human() -> None:
        for fault in faults:
            data(fault)
        data(f"{rows} rows, {len(faults)} faults, head {digest.hex()}")

    answer(result, json, human)
    if faults:
        raise CommandError("the journal is not what was written", Exit.ERROR)


def _head(text: str) -> tuple[int, bytes]:
    found = _HEAD.fullmatch(text)
    if found is None:
        raise CommandError(f"{text!r} is no head; write it as ROWS:HEAD", Exit.USAGE)
    return int(found[1]), bytes.fromhex(found[2])


def replay(*, since: datetime | None = None, json: Json = False) -> None:
    """Decide and score again all that was kept; exit code 1 when anything comes out differently."""
    with working() as (_, tx):
        found = decisions.replay(tx, since)
        scores, rescored = champions.replay_scores(tx, since)
    result = {
        "decisions": found.decisions,
        "differences": found.differing,
        "scores": scores,
        "scores_differing": len(rescored),
        "altered_tables": list(found.altered),
        "first": [
            {"decision": str(d.decision), "table": d.table_name, "version": d.version, "fault": d.fault}
            for d in (*found.differences[:20], *rescored[:20])
        ],
    }

    def human() -> None:
        data(f"{found.decisions} decisions, {found.differing} differ")
        if scores:
            data(f"{scores} scores, {len(rescored)} differ")

    answer(result, json, human)
    if rescored or not found.is_same:
        raise CommandError("decisions do not come out as they were kept", Exit.ERROR)


def register(app: App) -> None:
    """Add these commands."""
    books = App(name="ledger", help="The books.")
    books.command(trial_balance, name="trial-balance")
    app.command(books)
    audit = App(name="audit", help="The journal.")
    audit.command(audit_verify, name="verify")
    app.command(audit)
    decided = App(name="decisions", help="Decisions.")
    decided.command(replay)
    app.command(decided)
