"""A table that could surprise is refused when it is read, not when it decides."""

from __future__ import annotations

import copy
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from whiteslip.decisions import TableError, Tables, checks, faults, shape
from whiteslip.decisions.checks import table_faults
from whiteslip.decisions.tables import SHIPPED

TABLE = Tables.load()["purchase-authorisation"]
Edit = Callable[[dict[str, Any]], object]


def node(content: dict[str, Any]) -> dict[str, Any]:
    return next(n["content"] for n in content["nodes"] if n["type"] == "decisionTableNode")


def cell(column: str, text: str) -> Edit:
    return lambda content: node(content)["rules"][0].update({column: text})


EDITS: list[tuple[Edit, str]] = [
    (cell("amount", "> avilable_minor"), "uses avilable_minor, which is unknown"),
    (cell("amount", "> rand(9)"), "uses rand, which is unknown or not allowed"),
    (cell("amount", "> date('now')"), "uses date, which is unknown or not allowed"),
    (cell("amount", "> > 1"), "is not an expression"),
    (cell("reason", "map([1], #)"), "uses a sign that is not allowed"),
    (cell("code", '"line.unheard_of"'), "code cannot be"),
    (cell("allow", ""), "allow cannot be 'empty'"),
    (cell("_id", "allowed"), "each rule has an _id of its own"),
    (lambda c: node(c)["rules"].pop(), "the last rule must match everything"),
    (lambda c: node(c).update(hitPolicy="collect"), "hit policy is first"),
    (lambda c: node(c).update(executionMode="loop"), "loops over a list"),
    (lambda c: node(c).update(inputField="lock"), "moves its input or output"),
    (lambda c: node(c)["inputs"][0].update(field="age"), "age is unknown here"),
    (lambda c: node(c)["outputs"].pop(1), "code never reaches the output"),
    (lambda c: c["nodes"][1].update(type="functionNode"), "nodes of type functionNode are not allowed"),
    (lambda c: c["nodes"].pop(0), "one input node and one output node"),
    (lambda c: c["edges"][1].update(targetId="table"), "the graph has a cycle"),
    (lambda c: c["edges"][1].update(sourceId="nowhere"), "'nowhere' is missing or unknown"),
    (lambda c: c.pop("edges"), "'edges' is missing or unknown"),
]


@pytest.mark.parametrize(("edit", "fault"), EDITS)
def test_what_a_table_may_not_contain(edit: Edit, fault: str):
    content = copy.deepcopy(dict(TABLE.content))
    assert table_faults(content, TABLE.contract) == []
    edit(content)
    found = table_faults(content, TABLE.contract)
    assert any(fault in str(each) for each in found), found


def shipped(folder: Path) -> Path:
    shutil.copytree(SHIPPED, folder / "tables")
    return folder / "tables"


def test_the_shipped_tables_are_those_that_are_used(tmp_path: Path):
    used = (
        "application-limit",
        "exit-routing",
        "issuer-restriction",
        "purchase-authorisation",
        "score-drift",
        "watch-monitor",
    )
    assert Tables.load().names == used
    assert Tables.load(shipped(tmp_path)).names == Tables.load().names


def test_a_table_without_contract_is_named(tmp_path: Path):
    folder = shipped(tmp_path)
    (folder / "exit-routing.facts.json").unlink()
    with pytest.raises(TableError, match=r"exit-routing: exit-routing\.facts\.json is missing"):
        Tables.load(folder)


def test_a_file_that_is_no_table_is_named(tmp_path: Path):
    folder = shipped(tmp_path)
    (folder / "exit-routing.json").write_text("{")
    with pytest.raises(TableError, match="exit-routing: "):
        Tables.load(folder)


def test_tables_with_faults_are_not_used(tmp_path: Path):
    folder = shipped(tmp_path)
    path = folder / "exit-routing.json"
    path.write_text(path.read_text().replace('"< 7"', '"< seven"'))
    with pytest.raises(
        TableError,
        match=r"exit-routing: .*, rule 3, Days since contact change: '< seven' uses seven, which is unknown",
    ):
        Tables.load(folder)


def test_every_fault_has_a_sentence_in_both_languages_with_the_same_facts():
    for code, said in faults.SENTENCES.items():
        assert set(said) == {"en", "zh-CN"}, code
        one, other = (set(re.findall(r"{(\w+)}", said[lang])) for lang in ("en", "zh-CN"))
        assert one == other, code
    used = {
        code
        for module in (checks, shape)
        for code in re.findall(r'Fault\(\s*"(\w+)"', Path(module.__file__ or "").read_text())
    }
    assert used == {code for code in faults.SENTENCES if not code.startswith("place")}
