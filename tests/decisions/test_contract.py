"""Facts meet their contract before the engine sees them, and outcomes before anybody else does."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.decisions import FactError, TableError
from whiteslip.decisions.contract import EXACT, checked_facts, checked_outcome, contract_faults
from whiteslip.decisions.model import Contract, Field, Kind

CONTRACT = Contract(
    meaning="For tests.",
    facts={
        "days": Field(Kind.INTEGER, "Days.", "days", min=0, max=10),
        "share": Field(Kind.NUMBER, "A share.", "ratio"),
        "known": Field(Kind.BOOLEAN, "A flag."),
        "lock": Field(Kind.TEXT, "A code.", one_of=("none", "legal")),
    },
    outcome={
        "score": Field(Kind.INTEGER, "A score.", "points", min=0),
        "ground": Field(Kind.TEXT, "A ground.", one_of=("legal",), nullable=True),
        "reasons": Field(Kind.CODES, "Reasons.", one_of=("a", "b")),
    },
)
FACTS: dict[str, Any] = {"days": 3, "share": 0.5, "known": True, "lock": "none"}


def test_good_facts_come_back_in_the_contracts_order():
    turned = dict(reversed(list(FACTS.items())))
    assert list(checked_facts("t", CONTRACT, turned).items()) == list(FACTS.items())


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"days": 11}, "t.days: expected integer of days from 0 to 10, was given integer 11"),
        ({"days": -1}, "was given integer -1"),
        ({"days": 3.0}, "t.days: expected integer of days from 0 to 10, was given number 3.0"),
        ({"days": True}, "was given boolean true"),
        ({"days": None}, "was given null"),
        ({"days": EXACT + 1}, "an integer beyond"),
        ({"share": math.nan}, "a number that is not finite"),
        ({"share": math.inf}, "a number that is not finite"),
        ({"share": "0.5"}, "was given text"),
        ({"known": 1}, "t.known: expected boolean, was given integer 1"),
        ({"lock": "exit"}, "t.lock: expected text, one of none, legal, was given text"),
        ({"lock": ["none"]}, "was given list"),
    ],
)
def test_a_bad_fact_is_named_with_what_was_expected(changed: dict[str, Any], fault: str):
    with pytest.raises(FactError) as caught:
        checked_facts("t", CONTRACT, FACTS | changed)
    assert fault in str(caught.value)


@pytest.mark.parametrize("missing", sorted(FACTS))
def test_every_fact_is_required(missing: str):
    with pytest.raises(FactError, match=rf"t\.{missing}: expected .*, was given nothing"):
        checked_facts("t", CONTRACT, {k: v for k, v in FACTS.items() if k != missing})


@given(st.text(min_size=5))
def test_an_error_never_repeats_a_text(secret: str):
    for facts in (FACTS | {"lock": secret}, FACTS | {f"extra {secret}": 1}):
        with pytest.raises(FactError) as caught:
            checked_facts("t", CONTRACT, facts)
        assert caught.value.given in ("text", "1 more")


def test_an_outcome_has_the_contracts_keys_in_plain_types():
    outcome = checked_outcome("t", CONTRACT, {"score": 3.0, "reasons": ["a"], "passed through": 1})
    assert outcome == {"score": 3, "ground": None, "reasons": ["a"]}
    assert type(outcome["score"]) is int


@pytest.mark.parametrize(
    "changed", [{"score": None}, {"score": -1}, {"score": 1.5}, {"ground": "luck"}, {"reasons": ["c"]}]
)
def test_an_outcome_against_the_contract_is_an_error(changed: dict[str, Any]):
    with pytest.raises(TableError, match="t answered"):
        checked_outcome("t", CONTRACT, {"score": 1, "reasons": []} | changed)


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({"Days": Field(Kind.BOOLEAN, "x")}, "'Days' is no name"),
        ({"days": Field(Kind.INTEGER, "x")}, "days has no unit"),
        ({"known": Field(Kind.BOOLEAN, "")}, "known has no meaning"),
        ({"known": Field(Kind.BOOLEAN, "x", nullable=True)}, "known cannot be nullable"),
        ({"known": Field(Kind.BOOLEAN, "x", min=0)}, "known: only numbers have bounds"),
        ({"name": Field(Kind.TEXT, "Free text.")}, "name: one_of goes with text"),
        ({"lock": Field(Kind.TEXT, "x", one_of=("No Code",))}, "'No Code' is no code"),
        ({"list": Field(Kind.CODES, "x", one_of=("a",))}, "list cannot be a list"),
    ],
)
def test_a_contract_itself_is_held_to_rules(facts: dict[str, Field], fault: str):
    assert contract_faults(CONTRACT) == []
    assert any(fault in found for found in contract_faults(Contract("x", facts, CONTRACT.outcome)))


def test_a_contract_without_reasons_has_a_fault():
    assert contract_faults(Contract("x", {}, {})) == ["the outcome needs reasons, a list of codes"]
