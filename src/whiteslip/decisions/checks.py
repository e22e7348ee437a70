"""What a policy table may contain. Pure.

The engine forgives too much for money: an expression that does not parse never matches, a name
that does not exist is null. So tables are read here first, when they are loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

import zen

from whiteslip.decisions.contract import accepts, contract_faults, expected
from whiteslip.decisions.faults import Fault, Place
from whiteslip.decisions.model import Contract, Kind

_NODES: Final = {"inputNode", "decisionTableNode", "expressionNode", "outputNode"}
_WORDS: Final = {"and", "or", "not", "in", "true", "false", "null"}
# Everything else the language offers can loop, read the clock or roll dice.
_FUNCTIONS: Final = {
    "abs",
    "ceil",
    "contains",
    "endsWith",
    "floor",
    "len",
    "max",
    "min",
    "round",
    "startsWith",
}
_STRING: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w*")
_FORBIDDEN: Final = re.compile(r"[#`;\\{}]")
# A fact is a number or a short code. What a formula makes is at most its text and all that it reads:
# with twenty lines that each double the one before, a table could fill any memory.
_FACT_SIZE, _LARGEST = 100, 100_000


def table_faults(content: Mapping[str, Any], contract: Contract) -> list[Fault]:
    """What is wrong with a table and its contract; empty when it may be used."""
    faults = [Fault("contract", {"detail": detail}) for detail in contract_faults(contract)]
    try:
        nodes: dict[str, Mapping[str, Any]] = {node["id"]: node for node in content["nodes"]}
        edges = [(edge["sourceId"], edge["targetId"]) for edge in content["edges"]]
        kinds = [node["type"] for node in nodes.values()]
        strange = sorted(set(kinds) - _NODES)
        if strange:
            return [*faults, Fault("strange_nodes", {"kinds": ", ".join(strange)})]
        if kinds.count("inputNode") != 1 or kinds.count("outputNode") != 1:
            return [*faults, Fault("one_of_each")]
        before: dict[str, set[str]] = {key: {s for s, target in edges if target == key} for key in nodes}
        try:
            order = list(TopologicalSorter(before).static_order())
        except CycleError as error:
            names = [nodes[key]["name"] if key in nodes else key for key in error.args[1]]
            return [*faults, Fault("cycle", {"names": " → ".join(names)})]
        return faults + _walk(nodes, before, order, contract)
    except KeyError as error:
        return [*faults, Fault("missing", {"what": str(error)})]


def _walk(
    nodes: Mapping[str, Mapping[str, Any]],
    before: Mapping[str, set[str]],
    order: Sequence[str],
    contract: Contract,
) -> list[Fault]:
    """Follow the names from input to output; each node may read only what reaches it."""
    faults: list[Fault] = []
    leaving: dict[str, dict[str, int]] = {}
    for key in order:
        node = nodes[key]
        place = Place(key, node["name"])
        known = {name: size for source in before[key] for name, size in leaving[source].items()}
        content: Mapping[str, Any] = node.get("content") or {}
        made: dict[str, int] = {}
        match node["type"]:
            case "inputNode":
                made = dict.fromkeys(contract.facts, _FACT_SIZE)
            case "decisionTableNode":
                made = _outputs(content, known)
                faults += _table_node(content, known, contract, place)
            case "expressionNode":
                for line in content["expressions"]:
                    at = replace(place, column=line["key"])
                    faults += _expression(line["value"], known | made, zen.compile_expression, at)
                    made[line["key"]] = _size(line["value"], known | made)
            case _:
                lost = [name for name in contract.outcome if name not in known]
                faults += [Fault("unreached", {"name": name}) for name in lost]
        if content.get("executionMode", "single") != "single":
            faults.append(Fault("loops", place=place))
        if content.get("inputField") or content.get("outputPath"):
            faults.append(Fault("moves", place=place))
        large = sorted(name for name, size in made.items() if size > _LARGEST)
        if large:
            return [*faults, Fault("grows", {"names": ", ".join(large)}, place)]
        leaving[key] = (known if content.get("passThrough") else {}) | made
    return faults


def _size(text: str, known: Mapping[str, int]) -> int:
    """A bound, in characters, of what a formula can make."""
    return len(text) + sum(known.get(word, 0) for word in _IDENTIFIER.findall(_STRING.sub(" ", text)))


def _outputs(content: Mapping[str, Any], known: Mapping[str, int]) -> dict[str, int]:
    """What a table says, and a bound of each: one rule matches, so the largest of its cells."""
    return {
        column["field"].removesuffix("[]"): max(
            (_size(rule.get(column["id"]) or "", known) for rule in content["rules"]), default=0
        )
        for column in content["outputs"]
    }


def _table_node(
    content: Mapping[str, Any], known: Mapping[str, int], contract: Contract, place: Place
) -> list[Fault]:
    faults: list[Fault] = []
    inputs, outputs, rules = content["inputs"], content["outputs"], content["rules"]
    if content["hitPolicy"] != "first":
        faults.append(Fault("hit_policy", place=place))
    ids = [rule.get("_id", "") for rule in rules]
    if "" in ids or len(set(ids)) != len(ids):
        faults.append(Fault("own_ids", place=place))
    if not rules or any(rules[-1].get(column["id"]) for column in inputs):
        faults.append(Fault("last_rule", place=place))
    for column in inputs:
        field = column.get("field")
        if field and field not in known:
            at = replace(place, column=_title(column))
            faults.append(Fault("unknown_fact", {"field": field}, at))
    for number, rule in enumerate(rules, 1):
        for column in inputs:
            compile_ = zen.compile_unary_expression if column.get("field") else zen.compile_expression
            at = replace(place, number=number, column=_title(column))
            faults += _expression(rule.get(column["id"]) or "", known, compile_, at)
        for column in outputs:
            at = replace(place, number=number, column=_title(column))
            faults += _output(column["field"], rule.get(column["id"]) or "", known, contract, at)
    return faults


def _title(column: Mapping[str, Any]) -> str:
    return column.get("name") or column.get("field") or column["id"]


def _expression(
    text: str, known: Mapping[str, int], compile_: Callable[[str], object], place: Place
) -> list[Fault]:
    if not text.strip():
        return []
    bare = _STRING.sub(" ", text)
    if _FORBIDDEN.search(bare):
        return [Fault("sign", {"text": repr(text)}, place)]
    unknown = set(_IDENTIFIER.findall(bare)) - known.keys() - _WORDS - _FUNCTIONS
    if unknown:
        return [Fault("unknown_name", {"text": repr(text), "names": ", ".join(sorted(unknown))}, place)]
    try:
        compile_(text)
    except RuntimeError:
        return [Fault("no_expression", {"text": repr(text)}, place)]
    return []


def _output(key: str, text: str, known: Mapping[str, int], contract: Contract, place: Place) -> list[Fault]:
    """A cell of an output column; a literal one is also held to the contract now."""
    faults = _expression(text, known, zen.compile_expression, place)
    name = key.removesuffix("[]")
    field = contract.outcome.get(name)
    if faults or field is None or set(_IDENTIFIER.findall(_STRING.sub(" ", text))) - _WORDS:
        return faults
    if not text.strip():
        fits = field.nullable or field.type is Kind.CODES
    else:
        value: Any = zen.evaluate_expression(text, {})
        fits = accepts(field, [value] if key.endswith("[]") else value)
    if fits:
        return []
    wanted = {"expected": expected(field), "expected_zh-CN": expected(field, "zh-CN")}
    return [Fault("cannot_be", {"name": name, "text": repr(text or "empty"), **wanted}, place)]
