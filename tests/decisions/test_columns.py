"""What is decided by columns is what the engine decides, whatever a table says."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from whiteslip.decisions import Tables
from whiteslip.decisions.columns import by_columns
from whiteslip.decisions.model import Contract, Field, Kind, Table, TableError
from whiteslip.decisions.tables import Engine

CONTRACT = Contract(
    meaning="",
    facts={
        "open": Field(Kind.BOOLEAN, ""),
        "state": Field(Kind.TEXT, "", one_of=("active", "closing", "closed")),
        "owed_minor": Field(Kind.INTEGER, ""),
        "limit_minor": Field(Kind.INTEGER, ""),
        "known_days": Field(Kind.INTEGER, ""),
    },
    outcome={"answer": Field(Kind.INTEGER, ""), "reasons": Field(Kind.CODES, "", one_of=("one", "two"))},
)
WORDS = st.sampled_from(["active", "closing", "closed", "nothing"])
SEVERAL = st.lists(WORDS, min_size=1, max_size=3).map(lambda words: ", ".join(f'"{word}"' for word in words))
SIGNS = st.sampled_from(["<", "<=", ">", ">=", "> ", "=="])
NUMBERS = st.integers(-3, 30) | st.sampled_from([2**53 - 1, 10**15])
OTHERS = st.sampled_from(["limit_minor", "limit_minor / 20", "limit_minor/3", "owed_minor * 2", "known_days"])
CELLS = {
    "open": st.sampled_from(["", "true", "false", "not true"]),
    "state": st.just("") | SEVERAL | SEVERAL.map(lambda words: f"not in [{words}]"),
    "owed_minor": st.just("")
    | st.tuples(SIGNS, NUMBERS | OTHERS).map(lambda both: f"{both[0]}{both[1]}")
    | st.sampled_from(["[1..5]", "3", " > 4 ", "> 2 and < 9"]),
    "known_days": st.sampled_from(["", "", "< 7", "known_days"]),
}
RULES = st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=6)
AMOUNTS = st.integers(-3, 30) | st.integers(-(2**53), 2**53)
FACTS = st.fixed_dictionaries(
    {
        "open": st.booleans(),
        "state": st.sampled_from(CONTRACT.facts["state"].one_of),
        "owed_minor": AMOUNTS,
        "limit_minor": AMOUNTS,
        "known_days": st.integers(0, 9),
    }
)


def table_of(rules: list[dict[str, str]], **content: object) -> Table:
    """A table whose rules answer with their number; the last one meets everybody."""
    said = [
        rule | {"id": f"r{n}", "_id": f"r{n}", "answer": str(n), "reasons": '["one"]'}
        for n, rule in enumerate([*rules, dict.fromkeys(CELLS, "")])
    ]
    inner = {
        "hitPolicy": "first",
        "executionMode": "single",
        "inputField": None,
        "outputPath": None,
        "passThrough": False,
        "inputs": [{"id": name, "name": name, "field": name} for name in CELLS],
        "outputs": [{"id": name, "name": name, "field": name} for name in CONTRACT.outcome],
        "rules": said,
    }
    kinds = {"input": "inputNode", "table": "decisionTableNode", "output": "outputNode"}
    nodes: list[dict[str, Any]] = [
        {"id": name, "name": name, "type": kind, "position": {"x": 0, "y": 0}} for name, kind in kinds.items()
    ]
    nodes[1]["content"] = inner | content
    edges = [
        {"id": f"{source}{target}", "type": "edge", "sourceId": source, "targetId": target}
        for source, target in (("input", "table"), ("table", "output"))
    ]
    return Table.of("drawn", {"nodes": nodes, "edges": edges}, CONTRACT)


@settings(deadline=None)
@given(RULES, st.lists(FACTS, max_size=6))
def test_what_is_decided_by_columns_is_what_the_engine_decides(
    rules: list[dict[str, str]], batch: list[dict[str, Any]]
):
    table = table_of(rules)
    engine = Engine([table])
    try:
        alone = [engine.run(table, facts)[:2] for facts in batch]
    except TableError:
        return
    assert engine.run_many(table, batch) == alone


def test_plain_cells_are_read_and_all_others_are_the_engines():
    plain = {
        "open": "true",
        "state": 'not in ["active"]',
        "owed_minor": "> limit_minor / 20",
        "known_days": "",
    }
    assert by_columns(table_of([plain])) is not None
    for more in (
        {"known_days": "[1..7]"},
        {"owed_minor": "> known_days * 2"},
        {"owed_minor": "> 1_000"},
        {"owed_minor": "3"},
        {"state": '"active" or true'},
        {"open": "not true"},
    ):
        assert by_columns(table_of([plain | more])) is None
    assert by_columns(table_of([plain], hitPolicy="collect")) is None


def test_whoever_meets_no_rule_is_the_engines():
    table = table_of([{"open": "true", "state": "", "owed_minor": "", "known_days": ""}])
    del table.content["nodes"][1]["content"]["rules"][1]
    decide = by_columns(table)
    facts = {"open": True, "state": "active", "owed_minor": 0, "limit_minor": 0, "known_days": 0}
    assert decide is not None
    assert decide([facts]) == [{"answer": 0, "reasons": ["one"]}]
    assert decide([facts, facts | {"open": False}]) is None


def test_purchases_and_the_watch_are_decided_by_columns():
    tables = Tables.load()
    assert all(by_columns(tables[name]) for name in ("purchase-authorisation", "watch-monitor"))
