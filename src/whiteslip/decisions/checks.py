"""What a policy table may contain. Pure.

The engine forgives too much for money: an expression that does not parse never matches, a name
that does not exist is null. So tables are read here first, when they are loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

import zen

from whiteslip.decisions.contract import accepts, contract_faults, expected
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


def table_faults(content: Mapping[str, Any], contract: Contract) -> list[str]:
    """What is wrong with a table and its contract, in words; empty when it may be used."""
    faults = contract_faults(contract)
    try:
        nodes: dict[str, Mapping[str, Any]] = {node["id"]: node for node in content["nodes"]}
        edges = [(edge["sourceId"], edge["targetId"]) for edge in content["edges"]]
        kinds = [node["type"] for node in nodes.values()]
        strange = sorted(set(kinds) - _NODES)
        if strange:
            return [*faults, f"nodes of type {', '.join(strange)} are not allowed"]
        if kinds.count("inputNode") != 1 or kinds.count("outputNode") != 1:
            return [*faults, "a table has one input node and one output node"]
        before: dict[str, set[str]] = {key: {s for s, target in edges if target == key} for key in nodes}
        return faults + _walk(nodes, before, contract)
    except CycleError:
        return [*faults, "the graph has a cycle"]
    except KeyError as error:
        return [*faults, f"{error} is missing or unknown in the graph"]


def _walk(
    nodes: Mapping[str, Mapping[str, Any]], before: Mapping[str, set[str]], contract: Contract
) -> list[str]:
    """Follow the names from input to output; each node may read only what reaches it."""
    faults: list[str] = []
    leaving: dict[str, dict[str, int]] = {}
    for key in TopologicalSorter(before).static_order():
        node = nodes[key]
        known = {name: size for source in before[key] for name, size in leaving[source].items()}
        content: Mapping[str, Any] = node.get("content") or {}
        made: dict[str, int] = {}
        match node["type"]:
            case "inputNode":
                made = dict.fromkeys(contract.facts, _FACT_SIZE)
            case "decisionTableNode":
                made = _outputs(content, known)
                faults += _table_node(content, known, contract)
            case "expressionNode":
                for line in content["expressions"]:
                    faults += _expression(line["value"], known | made, zen.compile_expression)
                    made[line["key"]] = _size(line["value"], known | made)
            case _:
                faults += [
                    f"{name} never reaches the output" for name in contract.outcome.keys() - known.keys()
                ]
        if content.get("executionMode", "single") != "single":
            faults.append(f"{node['name']} loops over a list")
        if content.get("inputField") or content.get("outputPath"):
            faults.append(f"{node['name']} moves its input or output to another path")
        large = sorted(name for name, size in made.items() if size > _LARGEST)
        if large:
            return [*faults, f"{', '.join(large)}: grows without bound"]
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


def _table_node(content: Mapping[str, Any], known: Mapping[str, int], contract: Contract) -> list[str]:
    faults: list[str] = []
    inputs, outputs, rules = content["inputs"], content["outputs"], content["rules"]
    if content["hitPolicy"] != "first":
        faults.append("a table's hit policy is first; collect by column, as reasons[]")
    ids = [rule.get("_id", "") for rule in rules]
    if "" in ids or len(set(ids)) != len(ids):
        faults.append("each rule has an _id of its own")
    if not rules or any(rules[-1].get(column["id"]) for column in inputs):
        faults.append("the last rule must match everything, or there may be no outcome")
    for column in inputs:
        field = column.get("field")
        if field and field not in known:
            faults.append(f"{field} is unknown here")
    for rule in rules:
        for column in inputs:
            compile_ = zen.compile_unary_expression if column.get("field") else zen.compile_expression
            faults += _expression(rule.get(column["id"]) or "", known, compile_)
        for column in outputs:
            faults += _output(column["field"], rule.get(column["id"]) or "", known, contract)
    return faults


def _expression(text: str, known: Mapping[str, int], compile_: Callable[[str], object]) -> list[str]:
    if not text.strip():
        return []
    bare = _STRING.sub(" ", text)
    if _FORBIDDEN.search(bare):
        return [f"{text!r} uses a sign that is not allowed"]
    unknown = set(_IDENTIFIER.findall(bare)) - known.keys() - _WORDS - _FUNCTIONS
    if unknown:
        return [f"{text!r} uses {', '.join(sorted(unknown))}, which is unknown or not allowed"]
    try:
        compile_(text)
    except RuntimeError:
        return [f"{text!r} is not an expression"]
    return []


def _output(key: str, text: str, known: Mapping[str, int], contract: Contract) -> list[str]:
    """A cell of an output column; a literal one is also held to the contract now."""
    faults = _expression(text, known, zen.compile_expression)
    name = key.removesuffix("[]")
    field = contract.outcome.get(name)
    if faults or field is None or set(_IDENTIFIER.findall(_STRING.sub(" ", text))) - _WORDS:
        return faults
    if not text.strip():
        fits = field.nullable or field.type is Kind.CODES
    else:
        value: Any = zen.evaluate_expression(text, {})
        fits = accepts(field, [value] if key.endswith("[]") else value)
    return [] if fits else [f"{name} cannot be {text or 'empty'!r}: it takes {expected(field)}"]
