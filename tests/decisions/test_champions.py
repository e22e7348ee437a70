"""Models in service: a champion for real, challengers in silence, and a promotion takes two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from decisions.test_scoring import CARD, GOOD

from whiteslip.base import Refusal
from whiteslip.decisions import champions
from whiteslip.decisions.champions import Serving, Standing
from whiteslip.decisions.model import FactError, TableError
from whiteslip.decisions.scoring import Model, Part
from whiteslip.decisions.signing import sign
from whiteslip.store import Database, Tx

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()
OTHER = msgspec.structs.replace(CARD, parts=[*CARD.parts[:2], Part("paid", [0.5], [150, 240])])


def enter(tx: Tx, model: Model) -> Serving:
    return champions.enter(tx, sign(model, KEY), KEY.public_key(), "lab", NOW)


def crown(tx: Tx, model: Model, at: datetime = NOW) -> None:
    enter(tx, model)
    assert isinstance(champions.propose(tx, model.name, model.version, "one", at), Serving)
    assert isinstance(champions.promote(tx, model.name, model.version, "two", at), Serving)


def test_a_promotion_takes_two_people_and_retires_the_champion_before(db: Database):
    with db.transaction() as tx:
        assert enter(tx, CARD).standing is Standing.CHALLENGER
        assert champions.promote(tx, "card", CARD.version, "one", NOW) == Refusal(
            "model.not_proposed", {"standing": "challenger"}
        )
        champions.propose(tx, "card", CARD.version, "one", NOW)
        assert champions.promote(tx, "card", CARD.version, "one", NOW) == Refusal("model.same_person")
        champions.promote(tx, "card", CARD.version, "two", NOW)
        crown(tx, OTHER)
        assert {each.model.version: each.standing for each in champions.serving(tx)} == {
            CARD.version: Standing.RETIRED,
            OTHER.version: Standing.CHAMPION,
        }
        assert champions.propose(tx, "card", OTHER.version, "one", NOW) == Refusal(
            "model.not_a_challenger", {"standing": "champion"}
        )
        assert champions.propose(tx, "card", "0" * 12, "one", NOW) == Refusal("model.not_found")


def test_a_retired_champion_comes_back_by_two_people_and_retires_the_one_that_followed(db: Database):
    with db.transaction() as tx:
        crown(tx, CARD)
        crown(tx, OTHER)
        champions.propose(tx, "card", CARD.version, "one", NOW)
        assert champions.promote(tx, "card", CARD.version, "one", NOW) == Refusal("model.same_person")
        champions.promote(tx, "card", CARD.version, "two", NOW)
        assert {each.version: each.standing for each in champions.serving(tx)} == {
            CARD.version: Standing.CHAMPION,
            OTHER.version: Standing.RETIRED,
        }
        given = champions.score_batch(tx, "card", [(uuid4(), GOOD)], NOW)
        assert given
        assert given[0].version == CARD.version


def test_entering_twice_changes_nothing_and_an_altered_model_never_enters(db: Database):
    with db.transaction() as tx:
        assert enter(tx, CARD) == enter(tx, CARD)
        with pytest.raises(TableError, match="altered"):
            champions.enter(tx, sign(CARD, KEY), Ed25519PrivateKey.generate().public_key(), "lab", NOW)


def test_nobody_is_scored_before_there_is_a_champion(db: Database):
    with db.transaction() as tx:
        enter(tx, CARD)
        assert champions.score_batch(tx, "card", [(uuid4(), GOOD)], NOW) is None


def test_a_challenger_scores_the_same_facts_in_silence_and_the_two_are_compared(db: Database):
    people = [(uuid4(), GOOD | {"late": late}) for late in range(5)]
    with db.transaction() as tx:
        crown(tx, CARD)
        enter(tx, OTHER)
        given = champions.score_batch(tx, "card", people, NOW)
        assert given
        assert {each.version for each in given} == {CARD.version}
        last = champions.last_score(tx, "card", people[4][0])
        assert last
        assert (last.version, last.scored.points) == (CARD.version, given[4].scored.points)
        found = champions.side_by_side(tx, "card", OTHER.version)
        assert {subject for subject, *_ in found} == {subject for subject, _ in people}
        assert all(mine != other for *_, mine, other in found)


def test_every_score_comes_out_the_same_again_to_the_bit_after_a_promotion_too(db: Database):
    people = [
        (uuid4(), {"late": n % 13, "drawn": None if n % 5 == 0 else n / 50, "paid": n / 7}) for n in range(60)
    ]
    with db.transaction() as tx:
        crown(tx, CARD)
        champions.score_batch(tx, "card", people, NOW)
        crown(tx, OTHER, NOW + timedelta(days=1))
        champions.score_batch(tx, "card", people, NOW + timedelta(days=1))
        assert champions.replay_scores(tx) == (120, [])


def test_a_score_that_was_changed_behind_our_back_is_found(db: Database):
    with db.transaction() as tx:
        crown(tx, CARD)
        champions.score_batch(tx, "card", [(uuid4(), GOOD)], NOW)
        tx.conn.execute(
            "INSERT INTO decisions.score SELECT gen_random_uuid(), name, version, role, subject, facts, "
            "probability + 1e-15, points, reasons, at FROM decisions.score"
        )
        count, differing = champions.replay_scores(tx)
    assert (count, len(differing)) == (2, 1)


def test_facts_that_the_champion_does_not_take_leave_nothing_behind(db: Database):
    with db.transaction() as tx:
        crown(tx, CARD)
        with pytest.raises(FactError, match=r"card\.late"):
            champions.score_batch(tx, "card", [(uuid4(), GOOD), (uuid4(), GOOD | {"late": "3"})], NOW)
        assert champions.replay_scores(tx) == (0, [])
