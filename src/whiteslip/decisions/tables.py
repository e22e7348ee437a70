"""The tables in use, and the engine that runs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import msgspec
import zen

from whiteslip.decisions.checks import table_faults
from whiteslip.decisions.contract import checked_facts, checked_outcome, facts_at_once
from whiteslip.decisions.model import Contract, Outcome, Table, TableError, Trace

SHIPPED: Final = Path(__file__).with_name("tables")


class Engine:
    """zen-engine over a fixed set of tables, compiled once. Thread-safe."""

    def __init__(self, tables: Iterable[Table]) -> None:
        content: dict[str, dict[str, Any]] = {}
        for table in tables:
            content[table.key] = dict(table.content)
            content[_many(table)] = looping(table)
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
        """What :meth:`run` gives for each, in one call into the engine; a third of the time.

        Where anything is wrong :meth:`run` says what, so both raise the same.
        """
        plain = facts_at_once(table.contract, batch)
        if plain is None:
            return [self.run(table, facts)[:2] for facts in batch]
        try:
            answers: Any = self._zen.evaluate(_many(table), {"batch": plain})
        except RuntimeError:
            return [self.run(table, facts)[:2] for facts in batch]
        seen: dict[bytes, Outcome] = {}
        both: list[tuple[dict[str, Any], Outcome]] = []
        for facts, answer in zip(plain, answers["result"]["batch"], strict=True):
            text = msgspec.json.encode(answer)
            if text not in seen:
                seen[text] = checked_outcome(table.name, table.contract, answer)
            both.append((facts, seen[text]))
        return both


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


class Tables:
    """Policy tables, read and checked at the start. Thread-safe, never changed."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables = {table.name: table for table in tables}
        faults = [
            f"{table.name}: {fault}"
            for table in self._tables.values()
            for fault in table_faults(table.content, table.contract)
        ]
        if faults:
            raise TableError("; ".join(faults))
        self.engine = Engine(self._tables.values())

    @classmethod
    def load(cls, folder: Path = SHIPPED) -> Tables:
        """Every ``<name>.json`` of ``folder`` with its ``<name>.facts.json``. Raises TableError."""
        paths = [path for path in sorted(folder.glob("*.json")) if not path.name.endswith(".facts.json")]
        return cls(_read(path) for path in paths)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tables, sorted."""
        return tuple(sorted(self._tables))

    def __getitem__(self, name: str) -> Table:
        if name not in self._tables:
            raise TableError(f"there is no table {name!r}; there are {', '.join(self.names)}")
        return self._tables[name]


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
    """What a table answers to ``facts``. Nothing is kept."""
    return tables.engine.run(tables[name], facts)[1]
