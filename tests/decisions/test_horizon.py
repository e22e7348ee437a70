"""How far a model looks ahead: in the artefact, out of its label, and absent in the ones from before."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET
from scored import CARD, KEY
from worlds import DAY, at

from whiteslip.base import Refusal
from whiteslip.decisions import champions
from whiteslip.decisions.model import TableError
from whiteslip.decisions.scoring import Model, decoded, encoded
from whiteslip.decisions.signing import sign, verified
from whiteslip.store import Database

SILENT = msgspec.structs.replace(CARD, horizon_months=UNSET)


def test_an_artefact_from_before_keeps_its_bytes_its_version_and_its_signature():
    assert b"horizon" not in encoded(SILENT)
    again = verified(sign(SILENT, KEY), KEY.public_key())
    assert (again.horizon_months, again.version) == (UNSET, SILENT.version)
    assert CARD.version != SILENT.version, "what a score means is part of what was signed"
    assert decoded(encoded(CARD)).horizon_months == 6


@pytest.mark.parametrize("months", [0, -1, 121])
def test_a_horizon_that_cannot_be_is_refused(months: int):
    with pytest.raises(TableError, match="horizon_months"):
        decoded(encoded(msgspec.structs.replace(CARD, horizon_months=months)))


def test_the_books_know_the_horizon_of_each_model_that_is_kept(db: Database):
    for model, months in ((CARD, 6), (SILENT, None)):
        with db.transaction() as tx:
            entered = champions.enter(tx, sign(model, KEY), KEY.public_key(), "lab", at(DAY))
            assert not isinstance(entered, Refusal)
            row = tx.conn.execute(
                "SELECT horizon_months FROM decisions.v_model_step WHERE version = %s", [model.version]
            ).fetchone()
        assert row == {"horizon_months": months}
        assert isinstance(model, Model)
