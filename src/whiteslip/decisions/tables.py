"""The tables in use, and the engine that runs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID

import msgspec
import zen

from whiteslip.decisions.checks import table_faults
from whiteslip.decisions.columns import Decide, by_columns
from whiteslip.decisions.contract import checked_facts, checked_outcome, facts_at_once
from whiteslip.decisions.lifecycle import PolicyStep, in_force
from whiteslip.decisions.model import Contract, Outcome, Table, TableError, Trace

SHIPPED: Final = Path(__file__).with_name("tables")


class Engine:
    """zen-engine over a fixed set of tables, compiled once. Thread-safe."""

    def __init__(self, tables: Iterable[Table]) -> None:
        content: dict[str, dict[str, Any]] = {}
        self._by_columns: dict[str, Decide | None] = {}
        for table in tables:
            content[table.key] = dict(table.content)
            content[_many(table)] = looping(table)
            self._by_columns[table.key] = by_columns(table)
        self._zen = zen.ZenEngine({"loader": {"type": "static", "content": content}})

    def run(
        self, table: Table, facts: Mapping[str, object], trace: bool = False
    ) -> tuple[dict[str, Any], Outcome, Trace | None]:
        """Checked facts, outcome and, if asked for, the rules that matched.

        Raises FactError for facts, TableError for an outcome that break the contract.
        """
        plain = checked_facts(table.name, table.contract, facts)
        try:
            answer: Any = self._zen.evaluate(table.key, plain, {"trace": True} if trace else None)
        except RuntimeError as error:
            # The engine adds a stack backtrace after the first line.
            raise TableError(f"{table.key}: {str(error).partition(chr(10))[0]}") from None
        outcome = checked_outcome(table.name, table.contract, answer["result"])
        return plain, outcome, _matched(answer["trace"]) if trace else None

    def run_many(
        self, table: Table, batch: Sequence[Mapping[str, object]]
    ) -> list[tuple[dict[str, Any], Outcome]]:
        """What :meth:`run` gives for each, in one call into the engine or by columns.

        Where anything is wrong :meth:`run` says what, so both raise the same.
        """
        plain = facts_at_once(table.contract, batch)
        if plain is None:
            return [self.run(table, facts)[:2] for facts in batch]
        answers = self._answers(table, plain)
        if answers is None:
            return [self.run(table, facts)[:2] for facts in batch]
        seen: dict[bytes, Outcome] = {}
        both: list[tuple[dict[str, Any], Outcome]] = []
        for facts, answer in zip(plain, answers, strict=True):
            text = msgspec.json.encode(answer)
            if text not in seen:
                seen[text] = checked_outcome(table.name, table.contract, answer)
            both.append((facts, seen[text]))
        return both

    def _answers(self, table: Table, batch: list[dict[str, Any]]) -> Sequence[Mapping[str, Any]] | None:
        """Unchecked answers to checked facts, None to ask for one after the other."""
        decide = self._by_columns[table.key]
        if decide and (answers := decide(batch)):
            return answers
        try:
            looped: Any = self._zen.evaluate(_many(table), {"batch": batch})
        except RuntimeError:
            return None
        return looped["result"]["batch"]


def _many(table: Table) -> str:
    return f"{table.key}*"


def looping(table: Table) -> dict[str, Any]:
    """A graph that runs the table once for each element of ``batch``.

    A table of one node loops by itself. A larger graph is called by a node that loops.
    """
    nodes = [node for node in table.content["nodes"] if node["type"] == "decisionTableNode"]
    loop = {"inputField": "batch", "outputPath": "batch", "executionMode": "loop"}
    if len(table.content["nodes"]) == len(nodes) + 2 == 3:
        inner = nodes[0] | {"content": nodes[0]["content"] | loop}
    else:
        content = {"key": table.key, "passThrough": False} | loop
        inner = {"id": "loop", "type": "decisionNode", "name": "loop", "content": content}
    ends = [{"id": f"{end}*", "type": f"{end}Node", "name": end} for end in ("input", "output")]
    sides = [("input*", inner["id"]), (inner["id"], "output*")]
    edges = [
        {"id": source, "type": "edge", "sourceId": source, "targetId": target} for source, target in sides
    ]
    placed = [node | {"position": {"x": 0, "y": 0}} for node in (inner, *ends)]
    return {"contentType": table.content.get("contentType"), "nodes": placed, "edges": edges}


def _matched(trace: Mapping[str, Any]) -> Trace:
    """From the engine's trace, the rules that matched in each table node, in order."""
    steps: Trace = []
    for node in sorted(trace.values(), key=lambda node: node["order"]):
        data = node["traceData"]
        hits = cast("list[dict[str, Any] | None]", data if isinstance(data, list) else [data])
        rules = [str(hit["rule"]["_id"]) for hit in hits if hit and "rule" in hit]
        if rules:
            steps.append({"node": node["name"], "rules": rules})
    return steps


@dataclass(frozen=True, slots=True)
class InUse:
    """Which version of each table is in force when, as far as this process has heard."""

    shipped: Mapping[str, Table]
    activated: Mapping[tuple[str, str], Table]
    activations: Mapping[str, Sequence[PolicyStep]]
    last_activation: UUID | None
    engine: Engine

    def at(self, name: str, now: datetime) -> Table:
        """The version of table ``name`` that is in force at ``now``. Raises TableError."""
        if name not in self.shipped:
            raise TableError(f"there is no table {name!r}; there are {', '.join(sorted(self.shipped))}")
        last = in_force(self.activations.get(name, ()), now)
        if last is None:
            return self.shipped[name]
        table = self.activated[name, last.version]
        if table.contract != self.shipped[name].contract:
            raise TableError(f"{table.key} is in force but takes other facts than this version of Whiteslip")
        return table


class Tables:
    """Policy tables: those shipped, read and checked at the start, and those activated since.

    Activations are heard of when a decision is kept, see :func:`whiteslip.decisions.decide`.
    ``in_use`` is replaced whole, so threads may share one.
    """

    def __init__(self, tables: Iterable[Table]) -> None:
        shipped = {table.name: table for table in tables}
        faults = [
            f"{table.name}: {fault}"
            for table in shipped.values()
            for fault in table_faults(table.content, table.contract)
        ]
        if faults:
            raise TableError("; ".join(faults))
        self.in_use = InUse(shipped, {}, {}, None, Engine(shipped.values()))

    @classmethod
    def load(cls, folder: Path = SHIPPED) -> Tables:
        """Every ``<name>.json`` of ``folder`` with its ``<name>.facts.json``. Raises TableError."""
        paths = [path for path in sorted(folder.glob("*.json")) if not path.name.endswith(".facts.json")]
        return cls(_read(path) for path in paths)

    def hear(self, activations: Sequence[PolicyStep], activated: Sequence[Table]) -> None:
        """Take in every activation recorded, in order, and the versions they name."""
        shipped = self.in_use.shipped
        by_name: dict[str, list[PolicyStep]] = {}
        for each in activations:
            by_name.setdefault(each.name, []).append(each)
        every = {(table.name, table.version): table for table in (*shipped.values(), *activated)}
        last = activations[-1].id if activations else None
        self.in_use = InUse(shipped, every, by_name, last, Engine(every.values()))

    @property
    def engine(self) -> Engine:
        """The engine over every version in use."""
        return self.in_use.engine

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tables, sorted."""
        return tuple(sorted(self.in_use.shipped))

    def __getitem__(self, name: str) -> Table:
        """The version that was shipped; its contract is everybody's. Raises TableError."""
        if name not in self.in_use.shipped:
            raise TableError(f"there is no table {name!r}; there are {', '.join(self.names)}")
        return self.in_use.shipped[name]


def _read(path: Path) -> Table:
    try:
        content = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        contract = msgspec.json.decode(path.with_suffix(".facts.json").read_bytes(), type=Contract)
    except FileNotFoundError as error:
        raise TableError(f"{path.stem}: {Path(error.filename).name} is missing") from error
    except msgspec.DecodeError as error:
        raise TableError(f"{path.stem}: {error}") from error
    return Table.of(path.stem, content, contract)


def evaluate(tables: Tables, name: str, facts: Mapping[str, object]) -> Outcome:
    """What the shipped version of a table answers to ``facts``. Nothing is kept."""
    return tables.engine.run(tables[name], facts)[1]
