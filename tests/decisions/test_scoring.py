"""Scores: facts are held to their contract, reasons are true, and what was altered is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.decisions.grounds import NEUTRAL, PROTECTED
from whiteslip.decisions.model import FactError, TableError
from whiteslip.decisions.scoring import (
    Curve,
    Derived,
    Fact,
    Model,
    Part,
    Scale,
    Tree,
    calibrated,
    decoded,
    encoded,
    model_faults,
    score,
)
from whiteslip.decisions.signing import make_key, sign, verified

FACTS = [
    Fact("late", "times late", "times", "past_due_often", 0, 12),
    Fact("drawn", "drawn of the limit", "share", "utilisation_high", 0, 2, may_miss=True),
    Fact("paid", "paid of what was billed", "share", "payments_low", 0, 10),
]
CARD = Model(
    name="card",
    kind="scorecard",
    target="did not pay",
    facts=FACTS,
    columns=["late", "drawn", "paid"],
    parts=[
        Part("late", [1, 3], [220, 180, 120]),
        Part("drawn", [0.3, 0.8], [210, 190, 150], missing=200),
        Part("paid", [0.1, 0.9], [140, 190, 230]),
    ],
    scale=Scale(600, 20.0, 40),
)
TREES = Model(
    name="trees",
    kind="trees",
    target="did not pay",
    facts=FACTS,
    derived=[Derived("both", "sum", ["late", "drawn"], "past_due_often")],
    columns=["late", "both"],
    bias=-1.0,
    trees=[
        Tree([0, -1, 1, -1, -1], [1.5, 0, 3.5, 0, 0], [1, -1, 3, -1, -1], [2, -1, 4, -1, -1],
             [True, False, False, False, False], [0.1, -0.5, 0.9, 0.4, 1.6]),
    ],
)  # fmt: skip
GOOD = {"late": 0, "drawn": 0.1, "paid": 1.0}

people = st.fixed_dictionaries({
    "late": st.integers(0, 12),
    "drawn": st.none() | st.floats(0, 2),
    "paid": st.floats(0, 10),
})  # fmt: skip


def test_a_scorecard_by_hand():
    found = score(CARD, {"late": 2, "drawn": 0.9, "paid": 0.05})
    assert found.points == 180 + 150 + 140
    odds = 20 * 2 ** ((470 - 600) / 40)
    assert found.probability == pytest.approx(1 / (1 + odds))
    assert found.reasons == ("payments_low", "utilisation_high", "past_due_often")
    assert dict(found.against) == {"paid": 90, "drawn": 60, "late": 40}


def test_trees_by_hand():
    found = score(TREES, {"late": 3, "drawn": 1.0, "paid": 1})
    assert found.probability == pytest.approx(1 / (1 + math.exp(-(-1.0 + 1.6))))
    assert dict(found.against) == pytest.approx({"late": 0.8, "both": 0.7})
    assert found.reasons == ("past_due_often",)


@given(people)
def test_what_counts_against_somebody_is_what_lies_between_them_and_the_best(person: dict[str, Any]):
    best = sum(max(part.scores) for part in CARD.parts)
    found = score(CARD, person)
    assert best - (found.points or 0) == pytest.approx(sum(minor for _, minor in found.against))


@given(people)
def test_reasons_are_true_putting_the_first_right_lowers_the_risk(person: dict[str, Any]):
    found = score(CARD, person)
    if found.against:
        name = found.against[0][0]
        better = score(CARD, person | {name: GOOD[name]})
        assert better.probability < found.probability
        assert name not in dict(better.against)


@given(people)
def test_reasons_are_at_most_four_and_each_is_told_once(person: dict[str, Any]):
    for model in (CARD, TREES):
        if model is TREES and person["drawn"] is None:
            continue
        reasons = score(model, person).reasons
        assert len(reasons) == len(set(reasons)) <= 4


@pytest.mark.parametrize(
    "value",
    [None, "3", True, math.nan, math.inf, -math.inf, 10**400, -1, 13, [], {}, b"3", 2 + 0j],
    ids=str,
)
def test_a_hostile_fact_is_refused_with_its_path(value: object):
    with pytest.raises(FactError, match=r"card\.late"):
        score(CARD, GOOD | {"late": value})
    absent = {name: fact for name, fact in GOOD.items() if name != "late"}
    with pytest.raises(FactError, match=r"card\.late.*nothing"):
        score(CARD, absent)


def test_a_fact_that_may_be_absent_has_a_score_of_its_own():
    assert score(CARD, GOOD | {"drawn": None}).points == 220 + 200 + 230


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_calibration_never_turns_the_order_around(a: float, b: float):
    curve = Curve([0.1, 0.4, 0.8], [0.05, 0.05, 0.9])
    low, high = sorted((a, b))
    assert calibrated(curve, low) <= calibrated(curve, high)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"columns": ["late", "drawn", "paid", "ghost"]}, "ghost is read and unknown"),
        ({"parts": [Part("late", [3, 1], [1, 2, 3])]}, "do not ascend"),
        ({"parts": [Part("late", [1], [1, 2, 3])]}, "1 cuts and 3 scores"),
        ({"scale": None}, "a scorecard has a scale"),
        ({"calibration": Curve([0.1, 0.1], [0, 1])}, "does not ascend"),
        ({"facts": [*FACTS, FACTS[0]]}, "named twice"),
    ],
)
def test_a_model_that_does_not_hang_together_is_refused(change: dict[str, Any], says: str):
    with pytest.raises(TableError, match=says):
        decoded(encoded(msgspec.structs.replace(CARD, **change)))


def test_a_tree_that_could_loop_is_refused():
    looping = msgspec.structs.replace(TREES.trees[0], left=[0, -1, 3, -1, -1])
    assert "no children after it" in model_faults(msgspec.structs.replace(TREES, trees=[looping]))[0]


@given(st.sampled_from(sorted(PROTECTED | NEUTRAL)), st.sampled_from(["{}", "months_since_{}", "{}_group"]))
def test_no_model_reads_a_protected_ground_or_that_somebody_left(word: str, shape: str):
    fact = Fact(shape.format(word), "", "", "x", 0, 1)
    assert any(
        "stays out of scores" in fault
        for fault in model_faults(msgspec.structs.replace(CARD, facts=[*FACTS, fact]))
    )


def test_a_signed_model_comes_back_and_one_digit_changed_does_not(tmp_path: Path):
    key = make_key(tmp_path / "model.key")
    assert (tmp_path / "model.key").stat().st_mode & 0o777 == 0o600
    artefact = sign(CARD, key)
    assert verified(artefact, make_key(tmp_path / "model.key").public_key()) == CARD
    altered = json.loads(artefact)
    altered["model"] = altered["model"].replace("120", "121", 1)
    for content in (json.dumps(altered).encode(), artefact[:-40], b"{}", b"\xff\xfe", b""):
        with pytest.raises(TableError):
            verified(content, key.public_key())
    with pytest.raises(TableError, match="another key"):
        verified(artefact, Ed25519PrivateKey.generate().public_key())
