"""Duties: each is served by something that exists, or says that it is not yet."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import whiteslip
from whiteslip import packs
from whiteslip.packs.duties import duty_faults

HOUSE = Path(whiteslip.__file__).parent
ROOT = HOUSE.parents[1]
ENTRY: dict[str, Any] = {
    "sentence": "A lender keeps its word.",
    "law": "none",
    "features": ["exits"],
    "tests": ["tests/exits/test_acts.py::test_a_preview_changes_nothing"],
}


def written(file: str) -> set[str]:
    """The names of the tests in a file of tests; none where there is no such file."""
    path = ROOT / file
    nodes = ast.parse(path.read_text()).body if path.exists() else []
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_that_a_duty_names_is_written():
    named = [(duty.id, test) for duty in packs.duties().values() for test in duty.tests]
    assert len(named) > 40
    assert [
        (duty, test) for duty, test in named if test.split("::")[1] not in written(test.split("::")[0])
    ] == []


def test_every_feature_that_tests_hold_to_a_duty_is_a_room_or_a_page():
    served = {feature for duty in packs.duties().values() if duty.tests for feature in duty.features}
    assert {feature for feature in served if not (HOUSE / feature).is_dir()} == set()


def test_every_feature_that_is_planned_has_a_place_in_the_house():
    rooms = set(re.findall(r"[a-z]+", (ROOT / ".importlinter").read_text()))
    features = {feature.split("/")[0] for duty in packs.duties().values() for feature in duty.features}
    assert features - rooms == set()


def test_every_parameter_that_a_room_reads_serves_a_duty_with_its_law():
    for name in packs.names():
        for one in packs.load(name).listed():
            assert packs.duties()[one.duty].law


def test_no_duty_and_no_source_claims_compliance():
    said = [f"{duty.sentence} {duty.planned}" for duty in packs.duties().values()]
    said += [one.source for name in packs.names() for one in packs.load(name).listed()]
    assert [text for text in said if re.search(r"compl(y|ies|ian)|合规", text, re.I)] == []


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"law": ""}, "lacks its sentence, its law or its features"),
        ({"features": []}, "lacks its sentence, its law or its features"),
        ({"sentence": "no end"}, "lacks its sentence, its law or its features"),
        ({"tests": []}, "has either tests or a plan, and not both"),
        ({"planned": "later"}, "has either tests or a plan, and not both"),
        ({"tests": ["tests/exits"]}, "names 'tests/exits', which is no test"),
        ({"country": "x"}, "has ['country', 'features', 'law', 'sentence', 'tests'], not ["),
    ],
)
def test_a_duty_that_breaks_the_form_is_a_fault(changed: dict[str, Any], fault: str):
    assert duty_faults({"word-kept": ENTRY}, {"word-kept"}) == []
    (found,) = duty_faults({"word-kept": ENTRY | changed}, {"word-kept"})
    assert found.startswith(f"duties: word-kept {fault}")


def test_a_duty_that_no_parameter_serves_is_a_fault():
    assert duty_faults({"word-kept": ENTRY}, set()) == ["duties: word-kept is served by no parameter"]
    assert duty_faults({"Word": ENTRY}, {"Word"}) == ["duties: Word is no id of small letters and hyphens"]


def test_a_duty_without_tests_says_what_is_planned():
    assert duty_faults({"word-kept": ENTRY | {"tests": [], "planned": "Later."}}, {"word-kept"}) == []


def test_every_duty_is_served():
    assert [duty.id for duty in packs.duties().values() if duty.planned or not duty.tests] == []
