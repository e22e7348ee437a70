"""The demonstration's models are sound, signed by its own key, and made champion by two."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from worlds import DAY, at

from whiteslip import app, lab
from whiteslip.app.demo import serve_models
from whiteslip.decisions import champions
from whiteslip.decisions.champions import Standing
from whiteslip.decisions.explaining import explained
from whiteslip.decisions.scoring import encoded, score
from whiteslip.decisions.stability import SCORE
from whiteslip.lab import load_recipe, read_table
from whiteslip.lab.fitting import noted
from whiteslip.store import Database
from whiteslip.watch.months import Month, facts

DATA: Final = Path(__file__).parents[3] / "shared" / "data" / "uci_credit_card.csv"
MODELS: Final = Path(app.__file__).with_name("models")
FULL = [Month(DAY, 30_000, 30_000, 0, None)] * 6
LATE = [Month(DAY, 900_000, 0, 300_000, at(DAY.replace(day=1)).date())] * 6


def test_the_models_score_what_the_books_tell_and_a_late_payer_is_riskier(db: Database, tmp_path: Path):
    people = {uuid4(): facts(1_000_000, FULL), uuid4(): facts(1_000_000, LATE)}
    with db.transaction() as tx:
        serve_models(tx, tmp_path, at(DAY))
        serve_models(tx, tmp_path, at(DAY))
        first, second = champions.in_service(tx, "behaviour")
        assert (first.standing, first.model.kind) == (Standing.CHAMPION, "scorecard")
        assert (second.standing, second.model.kind) == (Standing.CHALLENGER, "additive")
        champions.score_changed(tx, [first, second], list(people.items()), at(DAY))
        good, bad = (champions.last_score(tx, "behaviour", who) for who in people)
        assert good
        assert bad
        assert bad.scored.probability > 2 * good.scored.probability
        assert champions.replay_scores(tx) == (4, [])
    for each in (first.model, second.model):
        assert SCORE in each.reference
        # Expected losses take the probability over these months (docs/explanation/portfolio.md).
        assert each.horizon_months == 3
        assert each.training["unseen"]["auc"] > 0.83
        owing = people[bad.subject]
        assert explained(each, owing).changes[0].probability < score(each, owing).probability


@pytest.mark.skipif(not DATA.exists(), reason="the public data set is not beside the project")
def test_the_champion_is_what_the_lab_fits_to_the_byte():
    recipe = load_recipe("behaviour_default")
    table = read_table(DATA, recipe)
    fitted = lab.fit(table, recipe, "scorecard")
    measures = lab.measure(fitted.model, table, recipe, (fitted.out_of_fold, fitted.event))
    made = encoded(noted(fitted, measures, table.sha256).model)
    assert made == (MODELS / "behaviour-champion.json").read_bytes()


def test_a_recipe_of_shares_scores_no_sum_of_money():
    recipe = load_recipe("behaviour_default")
    assert not [name for name in recipe.columns if name.startswith(("limit", "billed", "paid"))]
    assert "utilisation_1" in recipe.columns
