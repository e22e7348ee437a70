"""The demonstration's models are sound, signed by its own key, and made champion by two."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from worlds import DAY, at

from whiteslip.app.demo import serve_models
from whiteslip.decisions import champions
from whiteslip.decisions.champions import Standing
from whiteslip.decisions.explaining import explained
from whiteslip.decisions.stability import SCORE
from whiteslip.lab import load_recipe
from whiteslip.store import Database
from whiteslip.watch.months import Month, facts

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
        assert each.training["unseen"]["auc"] > 0.77
        assert explained(each, people[bad.subject]).changes[0].probability < bad.scored.probability


def test_a_recipe_of_shares_scores_no_sum_of_money():
    recipe = load_recipe("behaviour_shares")
    assert not [name for name in recipe.columns if name.startswith(("limit", "billed", "paid"))]
    assert "utilisation_1" in recipe.columns
