"""An order of the law on a line without a case: two place it, two lift it, and whoever leaves may as ever."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from exits.test_restrictions import OFFICE, known, letters
from worlds import DAY, at, buy, line_of, offences

from whiteslip import exits, lines, notices
from whiteslip.base import Refusal
from whiteslip.exits import Exit, freezes
from whiteslip.exits import store as exits_store
from whiteslip.exits.freezes import Freeze, Order
from whiteslip.exits.model import Channel, Ground, Identity, State
from whiteslip.exits.orders import UNTOLD
from whiteslip.lines.model import LockKind, Party
from whiteslip.store import Database

NOW, FILE = at(DAY), "12 C 34/26"
ANN, BEN = "staff:ann", "staff:ben"


def place(db: Database, line: UUID, actor: str, ground: Order = Order.COURT_ORDER) -> Freeze | Refusal:
    with db.transaction() as tx:
        return freezes.place(tx, OFFICE, line, ground, FILE, actor, NOW)


def lift(db: Database, line: UUID, actor: str) -> Freeze | Refusal:
    with db.transaction() as tx:
        return freezes.lift(tx, OFFICE, line, actor, NOW + timedelta(days=2))


def frozen(db: Database, ground: Order = Order.COURT_ORDER) -> UUID:
    line = known(db)
    for actor in (ANN, BEN):
        assert isinstance(place(db, line, actor, ground), Freeze)
    return line


def test_one_proposes_another_places_and_nobody_but_two_lift_it(db: Database):
    line = known(db)
    buy(db, line, 10_000)
    assert isinstance(place(db, line, ANN), Freeze)
    assert place(db, line, ANN) == Refusal("desk.own_proposal")
    assert not line_of(db, line).drawing_stopped, "a proposal stops nothing"
    placed = place(db, line, BEN)
    assert isinstance(placed, Freeze)
    assert (placed.state, place(db, line, ANN)) == ("placed", placed)
    assert line_of(db, line).locks == {LockKind.LEGAL}
    assert place(db, line, ANN, Order.SANCTIONS) == Refusal("freeze.other_stands")
    with db.transaction() as tx:
        for party in (Party.CUSTOMER, Party.ISSUER):
            refused = lines.lift_lock(tx, line, LockKind.LEGAL, party, "x", NOW)
            assert isinstance(refused, Refusal)
            assert refused.code == "lock.not_yours"
    assert isinstance(lift(db, line, BEN), Freeze)
    assert lift(db, line, BEN) == Refusal("desk.own_proposal")
    assert line_of(db, line).drawing_stopped
    lifted = lift(db, line, ANN)
    assert isinstance(lifted, Freeze)
    assert lifted.state == "lifted"
    assert not line_of(db, line).drawing_stopped
    assert lift(db, line, ANN) == Refusal("freeze.not_standing")
    assert letters(db, line) == ["line.frozen", "line.unfrozen"]
    assert line_of(db, line).owed_minor == 10_000
    assert offences(db) == []


@pytest.mark.parametrize("ground", sorted(UNTOLD))
def test_who_is_looked_into_is_not_told(db: Database, ground: Order):
    line = frozen(db, ground)
    for actor in (ANN, BEN):
        lift(db, line, actor)
    assert letters(db, line) == []


@pytest.mark.parametrize("ground", Order)
def test_a_case_that_waits_does_not_tell_of_an_order_that_nobody_may_be_told_of(db: Database, ground: Order):
    line = frozen(db, ground)
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", NOW, Identity.VERIFIED)
        assert isinstance(case, Exit)
        told = [letter.kind for letter in notices.of_subject(tx, case.id)]
        assert case.state is State.HELD
    assert told == ["exit.acknowledged", *([] if ground in UNTOLD else ["exit.held"])]


def test_another_ground_takes_the_place_of_a_proposal(db: Database):
    line = known(db)
    place(db, line, ANN)
    other = place(db, line, BEN, Order.ATTACHMENT)
    assert isinstance(other, Freeze)
    assert (other.state, other.ground, other.proposed_by) == ("proposed", Order.ATTACHMENT, BEN)


def test_who_leaves_meanwhile_is_held_and_goes_on_when_it_is_lifted(db: Database):
    line = frozen(db)
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", NOW, Identity.VERIFIED)
    assert not isinstance(case, Refusal)
    assert (case.state, case.ground) == (State.HELD, Ground.LEGAL)
    for actor in (ANN, BEN):
        assert isinstance(lift(db, line, actor), Freeze)
    with db.transaction() as tx:
        found = exits_store.find(tx, case.id)
    assert found
    assert found.state is State.CLOSED
    assert offences(db) == []
