"""The scorecard: what it refuses to read, how it scores, which reasons it gives."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.applications.scorecard import SHIPPED, Card, Scorecard, ScorecardError, shipped

GOOD: dict[str, Any] = {
    "debt_service_ratio_bps": 500,
    "lenders_elsewhere": 0,
    "income_source": "imported",
    "past_due_elsewhere": 0,
}


def raw() -> dict[str, Any]:
    return json.loads((SHIPPED / "application.json").read_text())


def card(**changes: Any) -> Scorecard:
    return Scorecard(msgspec.convert(raw() | changes, Card))


@pytest.mark.parametrize(
    "name",
    """sex age age_years marital_status ethnic_group religion health_score social_ties exits_before
    days_since_pause open_disputes complaints_12m withdrawals closed_lines""".split(),  # noqa: SIM905
)
def test_protected_grounds_and_the_use_of_rights_score_nobody(name: str):
    bad = raw()["characteristics"]
    bad[0] |= {"name": name}
    with pytest.raises(ScorecardError, match="may not score anybody"):
        card(characteristics=bad)


def test_the_points_double_the_odds_as_stated():
    shown = shipped()
    best = shown.score(GOOD)
    assert best.score == 458 + 60 + 50 + 34 + 40
    assert shown.card.pdo == 20
    at_base = shown.card.base_odds * 2 ** ((best.score - 600) / 20)
    assert math.isclose(best.odds, at_base)


def test_what_is_missing_has_its_own_points_or_is_an_error():
    assert shipped().score(GOOD | {"past_due_elsewhere": None}).parts[-1].points == 26
    with pytest.raises(ScorecardError, match="lenders_elsewhere is missing"):
        shipped().score(GOOD | {"lenders_elsewhere": None})
    with pytest.raises(ScorecardError, match="lacks"):
        shipped().score({"lenders_elsewhere": 1})
    with pytest.raises(ScorecardError, match="1 more"):
        shipped().score(GOOD | {"shoe_size": 43})


@pytest.mark.parametrize("value", [math.nan, math.inf, "12", True, 10**400])
def test_hostile_facts_are_refused_and_not_repeated(value: Any):
    if value == 10**400:
        with pytest.raises((ScorecardError, OverflowError)):
            shipped().score(GOOD | {"debt_service_ratio_bps": value})
        return
    with pytest.raises(ScorecardError, match="no points for") as said:
        shipped().score(GOOD | {"debt_service_ratio_bps": value})
    assert "12" not in str(said.value)


@pytest.mark.parametrize(
    "bins",
    [
        [],
        [{"points": 1, "below": 5}],
        [{"points": 1, "below": 5}, {"points": 2, "below": 3}, {"points": 0}],
        [{"points": 1, "codes": ["a"]}, {"points": 2}],
        [{"points": 1, "codes": ["a"]}, {"points": 2, "codes": ["a"]}],
    ],
)
def test_bins_with_a_gap_or_an_overlap_are_refused(bins: list[Any]):
    bad = raw()["characteristics"]
    bad[0] |= {"bins": bins}
    with pytest.raises(ScorecardError):
        card(characteristics=bad)


def test_a_fitted_card_ships_in_the_same_form_with_its_weights_of_evidence(tmp_path: Path):
    fitted: dict[str, Any] = raw() | {"origin": "fitted"}
    for one in fitted["characteristics"][0]["bins"]:
        one["woe"] = 0.25
    path = tmp_path / "fitted.json"
    path.write_text(json.dumps(fitted))
    read = Scorecard.load(path)
    assert read.card.characteristics[0].bins[0].woe == 0.25
    assert read.version != shipped().version
    assert read.score(GOOD) == shipped().score(GOOD)


@given(
    st.fixed_dictionaries(
        {
            "debt_service_ratio_bps": st.integers(0, 100_000),
            "lenders_elsewhere": st.integers(0, 99),
            "income_source": st.sampled_from(["stated", "imported", "bureau_file"]),
            "past_due_elsewhere": st.none() | st.integers(0, 99),
        }
    )
)
def test_reasons_are_the_costliest_characteristics_in_order_and_mending_them_mends_the_score(
    facts: dict[str, Any],
):
    made = shipped().score(facts)
    losses = {part.reason: part.loss for part in made.parts}
    reasons = made.reasons(4)
    assert len(reasons) <= 4
    assert [losses[r] for r in reasons] == sorted((x for x in losses.values() if x > 0), reverse=True)[:4]
    assert made.score == 642 - sum(losses.values())
    mended = dict(facts)
    for part in made.parts:
        if part.reason in reasons:
            mended[part.name] = GOOD[part.name]
    assert shipped().score(mended).score == made.score + sum(losses[r] for r in reasons)
