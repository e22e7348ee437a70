"""A customer has died: the line stops, costs nothing more, and the estate is told what is owed."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from worlds import DAY, at, buy, items, line_of, nights, open_line, pay, quote

from whiteslip import day, exits, identity, notices
from whiteslip.base import Refusal
from whiteslip.billing.model import Component
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office, desk, estates, owed
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Estate, Ground, Identity, Kind, Path, State
from whiteslip.identity import Person, Vault
from whiteslip.lines.model import Lifecycle
from whiteslip.notices import DemoPhone
from whiteslip.purchases import disputes
from whiteslip.purchases.model import Dispute
from whiteslip.store import Database

OFFICE = Office(Tables.load(), "Test Lender")
VAULT = Vault(bytes(32))
NOON = at(DAY)
PERSON = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")


def known(db: Database) -> UUID:
    """A line of somebody whom the vault knows, so that letters reach them."""
    line = open_line(db)
    with db.transaction() as tx:
        identity.enrol(tx, VAULT, line_of(db, line).customer, PERSON, "test", NOON)
    return line


def report(db: Database, line: UUID) -> Exit:
    with db.transaction() as tx:
        case = estates.report(tx, OFFICE, line, Channel.DESK, "staff:one", NOON)
    assert isinstance(case, Exit), case
    return case


def show(db: Database, case: Exit, days: int = 0) -> Exit:
    """The heir shows who they are, ``days`` after the report."""
    contact = uuid4()
    with db.transaction() as tx:
        identity.enrol(tx, VAULT, contact, PERSON, "test", NOON)
        now = at(DAY + timedelta(days=days))
        done = estates.show_authority(tx, OFFICE, case.id, contact, "en", "probate 12/26", "staff:one", now)
    assert isinstance(done, Exit), done
    return done


def disputed(db: Database, line: UUID) -> UUID:
    """A shop posts what nobody authorised."""
    with db.transaction() as tx:
        posted = disputes.force_post(tx, line, "shop", 990, "shop", NOON)
    assert isinstance(posted, Dispute), posted
    return posted.id


def again(db: Database, case: Exit) -> Exit:
    with db.transaction() as tx:
        found = exits_store.find(tx, case.id)
    assert found
    return found


def estate_of(db: Database, line: UUID) -> Estate | None:
    with db.transaction() as tx:
        return exits_store.estate_of_line(tx, line)


def letters(db: Database, case: Exit) -> list[str]:
    with db.transaction() as tx:
        return [notice.kind for notice in notices.of_subject(tx, case.id)]


def later(db: Database, days: int) -> None:
    """Deadlines run, and what is due is done."""
    now = at(DAY + timedelta(days=days))
    day.run_due(db, day.Ports(OFFICE, VAULT, DemoPhone(db)), now)
    with db.transaction() as tx:
        exits.review(tx, OFFICE, now)


def fees(db: Database, line: UUID) -> int:
    return sum(item.of(Component.FEE) for item in items(db, line))


def test_drawing_and_fees_stop_in_the_transaction_of_the_report(db: Database):
    line = known(db)
    buy(db, line, 60_000, 6)
    assert fees(db, line) > 0
    before = [(item.no, item.due_on, item.principal_minor) for item in items(db, line)]
    case = report(db, line)
    assert (case.kind, case.state) == (Kind.ESTATE, State.STOPPED)
    assert line_of(db, line).drawing_stopped
    assert fees(db, line) == 0
    assert [(item.no, item.due_on, item.principal_minor) for item in items(db, line)] == before
    assert letters(db, case) == ["estate.acknowledged"]
    assert report(db, line).id == case.id


def test_no_late_fee_is_charged_to_an_estate(db: Database):
    alive, dead = known(db), known(db)
    for line in (alive, dead):
        buy(db, line, 10_000)
    show(db, report(db, dead))
    nights(db, DAY, DAY + timedelta(days=90))
    assert line_of(db, alive).fee_minor == 3_000
    assert line_of(db, dead).fee_minor == 0


def test_the_estate_is_told_the_balance_in_the_transaction_in_which_it_shows_its_paper(db: Database):
    line = known(db)
    buy(db, line, 60_000, 12)
    case = report(db, line)
    done = show(db, case, 5)
    assert (done.state, done.why) == (State.RUN_OFF, "debt_open")
    estate = estate_of(db, line)
    assert estate
    on = DAY + timedelta(days=5)
    assert estate.told_minor == quote(db, line, on).total_minor > 60_000
    assert estate.settle_by == on + timedelta(days=30)
    assert letters(db, case) == ["estate.acknowledged", "estate.balance"]
    with db.transaction() as tx:
        to = [notice.recipient for notice in notices.of_subject(tx, case.id)]
    assert to == [line_of(db, line).customer, estate.contact]


@pytest.mark.parametrize("shown", [True, False])
def test_what_is_owed_anew_is_told_to_who_settles_the_estate_or_else_to_the_address_on_file(
    db: Database, shown: bool
):
    line = known(db)
    posted = disputed(db, line)
    case = report(db, line)
    if shown:
        show(db, case)
    with db.transaction() as tx:
        owed.resolve_dispute(tx, OFFICE, posted, False, "staff:one", NOON)
        (letter,) = notices.of_subject(tx, line)
    estate = estate_of(db, line)
    assert estate
    assert letter.kind == "debt.owed_anew"
    assert letter.recipient == (estate.contact if shown else line_of(db, line).customer)


@pytest.mark.parametrize(("days", "spared"), [(30, True), (31, False)])
def test_what_was_told_settles_everything_for_thirty_days(db: Database, days: int, spared: bool):
    line = known(db)
    buy(db, line, 600_000, 12)
    case = show(db, report(db, line))
    estate = estate_of(db, line)
    assert estate
    assert estate.told_minor
    nights(db, DAY, DAY + timedelta(days=days - 1))
    owed = quote(db, line, DAY + timedelta(days=days)).total_minor
    assert owed > estate.told_minor + 5_000, "interest ran"
    pay(db, line, estate.told_minor, DAY + timedelta(days=days))
    with db.transaction() as tx:
        exits.advance(tx, OFFICE, case.id, at(DAY + timedelta(days=days)))
    assert (line_of(db, line).owed_minor == 0) is spared
    later(db, days + 11)
    assert again(db, case).state is (State.CLOSED if spared else State.RUN_OFF)
    if spared:
        assert letters(db, case)[-1] == "estate.closed"


def test_a_wish_to_leave_that_was_proven_stays_the_customers(db: Database):
    line = known(db)
    buy(db, line, 60_000, 3)
    with db.transaction() as tx:
        own = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", NOON, Identity.VERIFIED)
    assert isinstance(own, Exit)
    case = report(db, line)
    assert (case.id, case.kind, case.state) == (own.id, Kind.CLOSE, State.RUN_OFF)
    show(db, case)
    assert letters(db, case) == ["exit.acknowledged", "exit.runoff", "estate.acknowledged", "estate.balance"]


def test_a_wish_that_nobody_proved_becomes_the_estates(db: Database):
    line = known(db)
    with db.transaction() as tx:
        own = exits.request(tx, OFFICE, line, Channel.FORM, "form", NOON)
    assert isinstance(own, Exit)
    assert report(db, line).kind is Kind.ESTATE
    later(db, 29)
    assert again(db, own).state is State.STOPPED, "and does not lapse in fourteen days"


def test_a_death_without_a_paper_goes_to_a_person_and_never_back_to_drawing(db: Database):
    line = known(db)
    buy(db, line, 10_000)
    case = report(db, line)
    later(db, 30)
    held = again(db, case)
    assert (held.state, held.ground, held.why) == (State.HELD, Ground.IDENTITY, "authority_not_shown")
    assert held.waits_for_desk
    assert show(db, held, 31).state is State.RUN_OFF


def test_a_death_reported_in_error_brings_the_line_back_and_apologises(db: Database):
    line = known(db)
    buy(db, line, 10_000)
    case = show(db, report(db, line))
    with db.transaction() as tx:
        asked = estates.undo(tx, OFFICE, case.id, "staff:one", at(DAY + timedelta(days=100)))
        assert asked == case, "one person's word gives nobody back what can be drawn"
        again = estates.undo(tx, OFFICE, case.id, "staff:one", at(DAY + timedelta(days=100)))
        assert again == Refusal("desk.own_proposal")
    assert line_of(db, line).drawing_stopped
    with db.transaction() as tx:
        done = estates.undo(tx, OFFICE, case.id, "staff:two", at(DAY + timedelta(days=100)))
    assert isinstance(done, Exit)
    assert done.state is State.CANCELLED
    assert line_of(db, line).lifecycle is Lifecycle.ACTIVE
    assert not line_of(db, line).drawing_stopped
    assert estate_of(db, line) is None
    assert letters(db, case)[-1] == "estate.undone"
    nights(db, DAY, DAY + timedelta(days=90))
    assert line_of(db, line).fee_minor == 3_000, "fees may arise again"


@pytest.mark.parametrize("asked", [True, False])
def test_who_proves_to_be_the_customer_or_fails_to_settles_no_estate(db: Database, asked: bool):
    """Whoever has the phone of who died can give its code; a paper shows who settles the estate."""
    line = known(db)
    if asked:
        with db.transaction() as tx:
            exits.request(tx, OFFICE, line, Channel.FORM, "form", NOON)
    case = report(db, line)
    with db.transaction() as tx:
        for how in (
            exits.request(tx, OFFICE, line, Channel.API, "customer", NOON, Identity.VERIFIED),
            exits.request(tx, OFFICE, line, Channel.API, "customer", NOON, Identity.DOUBTED),
            exits.confirm(tx, OFFICE, case.id, "customer", NOON),
        ):
            assert how == case
        told = exits.doubt(tx, OFFICE, case.id, "form", NOON)
    assert told == Refusal("exit.doubt_not_possible", {"state": "stopped", "kind": "estate"})
    assert again(db, case) == case


def test_a_death_may_be_reported_again_at_once_where_the_first_report_was_an_error(db: Database):
    """On a clock that stands still the same instant is kept of both."""
    line = known(db)
    case = report(db, line)
    with db.transaction() as tx:
        assert isinstance(estates.undo(tx, OFFICE, case.id, "customer", NOON, proven=True), Exit)
    other = report(db, line)
    assert (other.state, other.id == case.id) == (State.STOPPED, False)
    assert estate_of(db, line)


def test_heirs_who_dispute_are_waited_for_by_two_people_on_the_ground_of_law(db: Database):
    line = known(db)
    buy(db, line, 10_000)
    case = show(db, report(db, line))
    why = ["order_received"]
    with db.transaction() as tx:
        refused = desk.choose(tx, OFFICE, case.id, Path.HOLD, why, "staff:one", NOON, Ground.IDENTITY)
        assert isinstance(refused, Refusal)
        desk.choose(tx, OFFICE, case.id, Path.HOLD, why, "staff:one", NOON, Ground.LEGAL)
    with db.transaction() as tx:
        desk.carry_out(tx, OFFICE, case.id, NOON + desk.UNDO)
    assert again(db, case).state is State.RUN_OFF
    with db.transaction() as tx:
        desk.decide(tx, OFFICE, case.id, True, "staff:two", NOON)
    with db.transaction() as tx:
        desk.carry_out(tx, OFFICE, case.id, NOON + desk.UNDO)
    held = again(db, case)
    assert (held.state, held.ground) == (State.HELD, Ground.LEGAL)
    pay(db, line, 10_000, DAY)
    later(db, 200)
    assert again(db, case).state is State.HELD, "no last step while they dispute"
    with db.transaction() as tx:
        done = estates.release(tx, OFFICE, case.id, "staff:two", at(DAY + timedelta(days=201)))
    assert isinstance(done, Exit)
    assert done.state is State.CLOSED
    assert letters(db, case) == ["estate.acknowledged", "estate.balance", "estate.held", "estate.closed"]


def test_what_shops_capture_later_bears_no_fee_and_is_no_interest(db: Database):
    line = known(db)
    case = show(db, report(db, line))
    assert case.state is State.CLOSED
    with db.transaction() as tx:
        assert estates.report(tx, OFFICE, line, Channel.DESK, "x", NOON) == Refusal("exit.line_closed")
        assert estates.undo(tx, OFFICE, case.id, "x", NOON) == Refusal(
            "exit.not_open", {"state": State.CLOSED}
        )
        assert exits_store.violations(tx) == []
    other = known(db)
    report(db, other)
    buy(db, other, 60_000, 6)
    assert fees(db, other) == 0
