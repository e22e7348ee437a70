"""The scorecard of applications: a model like any other, the lender's own once two people promoted it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from applicants import BURDENED, SOUND, applied
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from worlds import DAY, at

from whiteslip.app.cli import run
from whiteslip.applications import rules, scorecard
from whiteslip.applications.scorecard import shipped
from whiteslip.decisions import champions, replay
from whiteslip.decisions.champions import Standing
from whiteslip.decisions.model import FactError, TableError
from whiteslip.decisions.scoring import Model, Part, decoded, encoded, points_of, score
from whiteslip.decisions.signing import make_key, sign
from whiteslip.identity import Person
from whiteslip.store import Database, Tx

GOOD: dict[str, Any] = {
    "debt_service_ratio_bps": 500,
    "lenders_elsewhere": 0,
    "income_proven": 1,
    "past_due_elsewhere": 0,
}
# The lender's own: nothing but debt service counts.
OWN = msgspec.structs.replace(
    shipped(),
    parts=[Part("debt_service_ratio_bps", [2000, 5000], [140, 100, 20])],
    training={"origin": "ours"},
)
SILENT = msgspec.structs.replace(OWN, bias=400.0)
KEY = Ed25519PrivateKey.generate()


def renamed(name: str) -> Model:
    first, *others = shipped().facts
    old = first.name
    return msgspec.structs.replace(
        shipped(),
        facts=[msgspec.structs.replace(first, name=name), *others],
        columns=[name if each == old else each for each in shipped().columns],
        parts=[
            msgspec.structs.replace(each, fact=name) if each.fact == old else each for each in shipped().parts
        ],
    )


@pytest.mark.parametrize("name", ["age_years", "marital_status", "exits_before", "complaints_12m"])
def test_protected_grounds_and_the_use_of_rights_score_nobody(name: str):
    with pytest.raises(TableError, match="stays out of scores"):
        decoded(encoded(renamed(name)))


def test_the_points_double_the_odds_of_paying_as_stated():
    best = score(shipped(), GOOD)
    assert best.points == 458 + 60 + 50 + 34 + 40
    paying = (1 - best.probability) / best.probability
    assert math.isclose(paying, 30 * 2 ** ((best.points - 600) / 20))


def test_what_is_missing_has_its_own_points_or_is_an_error():
    assert score(shipped(), GOOD | {"past_due_elsewhere": None}).points == 642 - 40 + 26
    with pytest.raises(FactError, match=r"application\.lenders_elsewhere"):
        score(shipped(), GOOD | {"lenders_elsewhere": None})


@given(
    st.fixed_dictionaries(
        {
            "debt_service_ratio_bps": st.integers(0, 100_000),
            "lenders_elsewhere": st.integers(0, 99),
            "income_proven": st.integers(0, 1),
            "past_due_elsewhere": st.none() | st.integers(0, 99),
        }
    )
)
def test_reasons_are_the_costliest_characteristics_in_order_and_mending_them_mends_the_score(
    facts: dict[str, Any],
):
    made = score(shipped(), facts)
    losses = {
        fact.reason: loss for fact in shipped().facts for name, loss in made.against if name == fact.name
    }
    assert [losses[r] for r in made.reasons] == sorted(losses.values(), reverse=True)[:4]
    assert made.points == 642 - sum(losses.values())
    mended = facts | {f.name: GOOD[f.name] for f in shipped().facts if f.reason in made.reasons}
    assert points_of(score(shipped(), mended)) == points_of(made) + sum(losses[r] for r in made.reasons)


def promoted(tx: Tx, model: Model) -> None:
    champions.enter(tx, sign(model, KEY), KEY.public_key(), "lab", at(DAY, 8))
    champions.propose(tx, model.name, model.version, "one", at(DAY, 8))
    champions.promote(tx, model.name, model.version, "two", at(DAY, 8))


def test_the_lenders_own_model_scores_applicants_once_two_promoted_it_and_both_replay(db: Database):
    before = applied(db, SOUND)
    assert before.scorecard_version == shipped().version
    with db.transaction() as tx:
        promoted(tx, OWN)
        champions.enter(tx, sign(SILENT, KEY), KEY.public_key(), "lab", at(DAY, 8))
    other = Person("王安", "440106198505054322", "+8613900000077", "b@example.com")
    made = applied(db, BURDENED, person=other, now=at(DAY, 14))
    assert (made.scorecard_version, made.score) == (OWN.version, 458 + 20)
    assert "debt_service_high" in made.reasons
    with db.transaction() as tx:
        last = champions.last_score(tx, scorecard.NAME, made.id)
        assert last
        assert (last.version, last.scored.points) == (OWN.version, made.score)
        assert [row[0] for row in champions.side_by_side(tx, scorecard.NAME, SILENT.version)] == [made.id]
        assert champions.replay_scores(tx) == (2, [])
        assert replay(tx).is_same
        assert {each.standing for each in champions.serving(tx, scorecard.NAME)} == {
            Standing.CHAMPION,
            Standing.CHALLENGER,
        }


def test_a_model_that_cannot_score_applications_does_not_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path))
    assert scorecard.faults(OWN) == []
    assert set(rules.score_facts(SOUND)) == scorecard.FACTS
    additive = msgspec.structs.replace(renamed("shoe_size"), kind="additive", scale=None)
    assert len(scorecard.faults(additive)) == 2
    *known, elsewhere = shipped().parts
    blind = msgspec.structs.replace(OWN, parts=[*known, msgspec.structs.replace(elsewhere, missing=None)])
    assert scorecard.faults(blind) == ["past_due_elsewhere is absent where no bureau's file was read"]
    path = tmp_path / "signed.json"
    path.write_bytes(sign(additive, make_key(tmp_path / "model.key")))
    assert run(["models", "enter", str(path), "--by", "ann"]) == 1
    assert "cannot score applications: shoe_size" in capsys.readouterr().err
