"""Tables of plain cells, decided column by column: a batch in a tenth of the engine's time. Pure.

What a cell may say here is a part of what the engine takes; a table that says anything else is the engine's
alone. The engine stays the measure: it decides what is decided by itself, and every replay.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from whiteslip.decisions.model import Kind, Table

# What a rule leaves of the places in a batch, given its columns of facts by name.
_Columns: TypeAlias = Mapping[str, Sequence[Any]]
_Test: TypeAlias = Callable[[_Columns, list[int]], list[int]]
# For each set of facts the answer of the first rule that it meets; None where one meets no rule.
Decide: TypeAlias = Callable[[Sequence[Mapping[str, Any]]], list[Mapping[str, Any]] | None]

_PLAIN: Final = {
    "hitPolicy": "first",
    "executionMode": "single",
    "inputField": None,
    "outputPath": None,
    "passThrough": False,
}
_WORD: Final = r'"[^"\\]*"'
_WORDS: Final = re.compile(rf"{_WORD}(?:\s*,\s*{_WORD})*")
_NOT_IN: Final = re.compile(rf"not in \[({_WORDS.pattern})\]")
_COMPARED: Final = re.compile(r"(<=|>=|<|>)\s*(?:(\d{1,15})|([a-z][a-z0-9_]*)(?:\s*/\s*([1-9]\d{0,8}))?)")
# The engine gives paths and lists in other fields a meaning of their own.
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_OPERATORS: Final = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def by_columns(table: Table) -> Decide | None:
    """How to decide a batch of checked facts by ``table``; None where a cell says more than we read."""
    nodes = {node["type"]: node for node in table.content["nodes"]}
    if len(table.content["nodes"]) != 3 or set(nodes) != {"inputNode", "decisionTableNode", "outputNode"}:
        return None
    content = nodes["decisionTableNode"]["content"]
    if {name: content.get(name) for name in _PLAIN} != _PLAIN:
        return None
    rules = [(_tests(table, content, rule), _answer(content, rule)) for rule in content["rules"]]
    if any(tests is None or answer is None for tests, answer in rules):
        return None
    return _decider(list(table.contract.facts), cast("list[tuple[list[_Test], Mapping[str, Any]]]", rules))


def _decider(names: Sequence[str], rules: Sequence[tuple[Sequence[_Test], Mapping[str, Any]]]) -> Decide:
    def decide(batch: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]] | None:
        columns = {name: [facts[name] for facts in batch] for name in names}
        answers: list[Mapping[str, Any] | None] = [None] * len(batch)
        waiting = list(range(len(batch)))
        for tests, answer in rules:
            met = waiting
            for test in tests:
                met = test(columns, met)
            if met:
                for place in met:
                    answers[place] = answer
                waiting = [place for place in waiting if answers[place] is None]
        return None if waiting else cast("list[Mapping[str, Any]]", answers)

    return decide


def _tests(table: Table, content: Mapping[str, Any], rule: Mapping[str, str]) -> list[_Test] | None:
    tests: list[_Test] = []
    for column in content["inputs"]:
        cell = rule.get(column["id"], "").strip()
        if not cell:
            continue
        test = _test(table, column.get("field") or "", cell)
        if test is None:
            return None
        tests.append(test)
    return tests


def _test(table: Table, name: str, cell: str) -> _Test | None:
    fact = table.contract.facts.get(name)
    match fact and fact.type:
        case Kind.BOOLEAN if cell in ("true", "false"):
            return _among(name, frozenset({cell == "true"}), wanted=True)
        case Kind.TEXT if _WORDS.fullmatch(cell):
            return _among(name, frozenset(json.loads(f"[{cell}]")), wanted=True)
        case Kind.TEXT if listed := _NOT_IN.fullmatch(cell):
            return _among(name, frozenset(json.loads(f"[{listed[1]}]")), wanted=False)
        case Kind.INTEGER if compared := _COMPARED.fullmatch(cell):
            return _than(table, name, compared)
        case _:
            return None


def _among(name: str, values: frozenset[Any], *, wanted: bool) -> _Test:
    """Words repeat, so each different one is asked about once."""

    def test(columns: _Columns, places: list[int]) -> list[int]:
        column = columns[name]
        different = set(column)
        fit = {value for value in different if (value in values) is wanted}
        if not fit:
            return []
        return places if fit == different else [place for place in places if column[place] in fit]

    return test


def _than(table: Table, name: str, compared: re.Match[str]) -> _Test | None:
    """Whole numbers are compared exactly: x > y / n as n * x > y."""
    sign, number, other, divisor = compared.groups()
    holds = _OPERATORS[sign]
    if number:
        bound = int(number)
        return lambda columns, places: [at for at in places if holds(columns[name][at], bound)]
    fact = table.contract.facts.get(other)
    if fact is None or fact.type is not Kind.INTEGER:
        return None
    times = int(divisor or 1)

    def test(columns: _Columns, places: list[int]) -> list[int]:
        ours, theirs = columns[name], columns[other]
        return [place for place in places if holds(times * ours[place], theirs[place])]

    return test


def _answer(content: Mapping[str, Any], rule: Mapping[str, str]) -> Mapping[str, Any] | None:
    answer: dict[str, Any] = {}
    for column in content["outputs"]:
        if column["field"] in answer or not _NAME.fullmatch(column["field"]):
            return None
        if cell := rule.get(column["id"], "").strip():
            try:
                answer[column["field"]] = json.loads(cell)
            except ValueError:
                return None
    return answer
