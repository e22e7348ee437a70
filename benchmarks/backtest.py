"""Past decisions decided again: our backtest against the bare engine, one decision after the other."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from random import Random
from typing import Any, Final
from uuid import UUID

import zen

from benchmarks.bench import Bench, Measure
from whiteslip.decisions import Tables, decide_batch
from whiteslip.decisions.backtest import backtest
from whiteslip.decisions.model import Table
from whiteslip.store import Database

DECISIONS: Final = 100_000
_BATCH: Final = 2_000
_NAME: Final = "purchase-authorisation"
_NOW: Final = datetime(2026, 3, 1, 9, tzinfo=UTC)
_LOCKS: Final = ("none", "none", "none", "none", "customer", "issuer")


def _facts(dice: Random) -> dict[str, Any]:
    return {
        "amount_minor": dice.randint(100, 300_000),
        "available_minor": dice.randint(0, 2_000_000),
        "lock": dice.choice(_LOCKS),
        "lifecycle": "active",
        "dpd_days": dice.choice((0, 0, 0, 0, 12)),
        "velocity_24h": dice.randint(0, 25),
        "per_purchase_cap_minor": 200_000,
        "instalments": dice.choice((1, 3, 6, 12)),
    }


def _stricter(table: Table) -> Table:
    """A draft that lets through fewer purchases a day."""
    content: dict[str, Any] = dict(table.content)
    nodes = [dict(node) for node in content["nodes"]]
    inner = next(node for node in nodes if node["type"] == "decisionTableNode")
    rules = [dict(rule) for rule in inner["content"]["rules"]]
    next(rule for rule in rules if rule["velocity"])["velocity"] = ">= 10"
    inner["content"] = inner["content"] | {"rules": rules}
    return Table.of(table.name, content | {"nodes": nodes}, table.contract)


def backtesting(bench: Bench) -> Measure:
    """Decisions per second: read, decided again, counted; the yardstick only decides, from memory."""
    database, tables, dice = Database(bench.whiteslip("backtest"), 1), Tables.load(), Random(11)
    for _ in range(DECISIONS // _BATCH):
        batch = [(UUID(int=dice.getrandbits(128), version=4), _facts(dice)) for _ in range(_BATCH)]
        with database.transaction() as tx:
            decide_batch(tx, tables, _NAME, batch, _NOW)
    draft = _stricter(tables[_NAME])
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {"draft": dict(draft.content)}}})
    again, held = Random(11), list[dict[str, Any]]()
    for _ in range(DECISIONS):
        again.getrandbits(128)
        held.append(_facts(again))
    ours: list[float] = []
    theirs: list[float] = []
    changed = 0
    for _ in range(bench.rounds):
        began = time.perf_counter()
        for facts in held:
            engine.evaluate("draft", facts)
        theirs.append(DECISIONS / (time.perf_counter() - began))
        began = time.perf_counter()
        with database.transaction() as tx:
            found = backtest(tx, draft)
        ours.append(DECISIONS / (time.perf_counter() - began))
        changed = found.changed
        if found.decisions != DECISIONS:
            raise RuntimeError(f"{found.decisions} decisions were read, not {DECISIONS}")
    database.close()
    seconds = max(DECISIONS / rate for rate in ours)
    notes = {"slowest run of 100,000, seconds": round(seconds, 2), "decisions that change": changed}
    return Measure(
        "backtest",
        "decisions/s, read and counted",
        "zen-engine one by one, from memory",
        "evaluations/s",
        ours,
        theirs,
        notes=notes,
    )
