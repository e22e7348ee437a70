"""The form and the size of a table that comes from outside. Pure.

What passes here can be walked without surprise: see :mod:`whiteslip.decisions.checks` for its sense.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

import msgspec

from whiteslip.decisions.faults import Fault, Place

BYTES: Final = 256 * 1024
NODES: Final = 20
COLUMNS: Final = 50
RULES: Final = 500
CELL: Final = 500

_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Text = Annotated[str, msgspec.Meta(max_length=CELL)]
# Digits that a cell may hold in a row: more than 2^53 is not exact once the engine has read it.
_NUMBER: Final = re.compile(r"\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?")
_STRING: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_EXACT: Final = 1 << 53
_POINTED: Final = re.compile(r"\$\.nodes\[(?P<node>\d+)\](?:\.content\.rules\[(?P<rule>\d+)\])?")


class _Column(msgspec.Struct):
    id: _Word
    name: _Text = ""
    field: _Word | None = None


class _Output(msgspec.Struct):
    id: _Word
    field: _Word
    name: _Text = ""


class _Line(msgspec.Struct):
    key: _Word
    value: _Text
    id: _Text = ""


class _Content(msgspec.Struct, rename="camel"):
    hit_policy: str = ""
    execution_mode: str = "single"
    input_field: str | None = None
    output_path: str | None = None
    pass_through: bool = False
    inputs: Annotated[list[_Column], msgspec.Meta(max_length=COLUMNS)] = []
    outputs: Annotated[list[_Output], msgspec.Meta(max_length=COLUMNS)] = []
    rules: Annotated[list[dict[_Word, _Text]], msgspec.Meta(max_length=RULES)] = []
    expressions: Annotated[list[_Line], msgspec.Meta(max_length=COLUMNS)] = []


class _Node(msgspec.Struct):
    id: _Word
    type: _Word
    name: _Word
    content: _Content | None = None


class _Named(msgspec.Struct):
    id: _Word
    name: _Word


class _Edge(msgspec.Struct, rename="camel"):
    source_id: _Word
    target_id: _Word


class _Graph(msgspec.Struct):
    nodes: Annotated[list[_Node], msgspec.Meta(max_length=NODES)]
    edges: Annotated[list[_Edge], msgspec.Meta(max_length=NODES * NODES)]


def shape_faults(content: Mapping[str, Any]) -> list[Fault]:
    """What is wrong with the form of a table, with its path; empty when it can be read."""
    try:
        size = len(msgspec.json.encode(content))
        if size > BYTES:
            return [Fault("too_large", {"bytes": size, "most": BYTES})]
        graph = msgspec.convert(content, _Graph)
    except (msgspec.ValidationError, msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        return [Fault("form", {"detail": str(error)}, _place(content, str(error)))]
    if len({node.id for node in graph.nodes}) != len(graph.nodes):
        return [Fault("two_nodes")]
    return [
        fault
        for node in graph.nodes
        if node.content
        for fault in _content_faults(Place(node.id, node.name), node.content)
    ]


def _place(content: Mapping[str, Any], message: str) -> Place | None:
    """Where in the graph a message such as ``… at `$.nodes[1].content.rules[2]``` points to, if anywhere."""
    at = _POINTED.search(message)
    if at is None:
        return None
    node: Any = content["nodes"][int(at["node"])]
    try:
        named = msgspec.convert(node, _Named)
    except msgspec.ValidationError:
        return None
    return Place(named.id, named.name, number=int(at["rule"]) + 1 if at["rule"] else 0)


def _content_faults(place: Place, content: _Content) -> list[Fault]:
    """Columns that share an id, and numbers that are not exact, each with its place."""
    faults: list[Fault] = []
    columns = {column.id: column.name or column.id for column in (*content.inputs, *content.outputs)}
    if len(columns) != len(content.inputs) + len(content.outputs):
        faults.append(Fault("two_columns", place=place))
    cells = [
        (replace(place, number=number, column=columns.get(column, column)), text)
        for number, rule in enumerate(content.rules, 1)
        for column, text in rule.items()
        if not column.startswith("_")
    ]
    cells += [(replace(place, column=line.key), line.value) for line in content.expressions]
    for at, text in cells:
        bare = _STRING.sub(" ", text)
        if "^" in bare:
            faults.append(Fault("power", place=at))
        for number in _NUMBER.findall(bare):
            if float(number.replace("_", "")) > _EXACT:
                faults.append(Fault("inexact", {"number": number[:30]}, at))
    return faults
