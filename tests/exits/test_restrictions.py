"""The lender stops drawing: with reasons, with a letter, with an end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from worlds import DAY, at, buy, items, line_of, open_line

from whiteslip import day, exits, identity, notices
from whiteslip.base import Refusal, end_of_day
from whiteslip.decisions import Tables
from whiteslip.exits import Office, restrictions, softer
from whiteslip.exits.model import Cause, Channel, Identity, Restriction, State
from whiteslip.exits.restrictions import Limits, Measure
from whiteslip.identity import Person, Vault
from whiteslip.lines.model import Lifecycle, LockKind
from whiteslip.notices import DemoPhone
from whiteslip.store import Database

OFFICE = Office(Tables.load(), "Test Lender")
NOON = at(DAY)
VAULT = Vault(bytes(32))
WHY = (Cause.INCOME_LOST, Cause.CONTACT_LOST)


def known(db: Database) -> UUID:
    """A line of somebody whom the vault knows, so that letters reach them."""
    line = open_line(db)
    person = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
    with db.transaction() as tx:
        kept = identity.enrol(tx, VAULT, line_of(db, line).customer, person, "test", NOON)
    assert not isinstance(kept, Refusal)
    return line


def restrict(
    db: Database, line: UUID, reasons: Sequence[Cause] = WHY, now: datetime = NOON
) -> Restriction | Refusal:
    with db.transaction() as tx:
        return restrictions.restrict(tx, OFFICE, line, reasons, "desk", now)


def letters(db: Database, line: UUID) -> list[str]:
    with db.transaction() as tx:
        return [notice.kind for notice in notices.of_subject(tx, line)]


def time_goes_by(db: Database, now: datetime) -> int:
    return day.run_due(db, day.Ports(OFFICE, VAULT, DemoPhone(db)), now)


def test_drawing_stops_and_the_letter_goes_out_in_one_transaction(db: Database):
    line = known(db)
    buy(db, line, 30_000, 3)
    before = items(db, line)
    done = restrict(db, line)
    assert isinstance(done, Restriction)
    assert done.review_on == DAY + timedelta(days=90)
    assert line_of(db, line).locks == {LockKind.ISSUER}
    assert letters(db, line) == ["line.restricted"]
    assert items(db, line) == before, "nothing is called in"


@pytest.mark.parametrize("reasons", [(), (Cause.PAST_DUE, Cause.PAST_DUE), tuple(Cause)[:5]])
def test_one_to_four_reasons_each_once(db: Database, reasons: Sequence[Cause]):
    line = known(db)
    refused = restrict(db, line, reasons)
    assert isinstance(refused, Refusal)
    assert (refused.code, letters(db, line)) == ("restriction.reasons_invalid", [])


def test_it_ends_by_itself_when_nobody_renews_it(db: Database):
    line = known(db)
    done = restrict(db, line)
    assert isinstance(done, Restriction)
    ends = end_of_day(done.review_on, "Asia/Shanghai")
    with db.transaction() as tx:
        again = restrictions.end(tx, OFFICE, done.id, ends - timedelta(seconds=1))
    assert again == ends, "not a second sooner"
    time_goes_by(db, ends)
    assert line_of(db, line).locks == frozenset()
    assert letters(db, line) == ["line.restricted", "line.restriction_lifted"]


def test_it_stands_longer_only_with_reasons_and_another_letter(db: Database):
    line = known(db)
    first = restrict(db, line)
    later = NOON + timedelta(days=80)
    second = restrict(db, line, [Cause.INSOLVENCY], later)
    assert isinstance(first, Restriction)
    assert isinstance(second, Restriction)
    assert (second.id, second.review_on) == (first.id, DAY + timedelta(days=170))
    time_goes_by(db, end_of_day(first.review_on, "Asia/Shanghai"))
    assert line_of(db, line).locks == {LockKind.ISSUER}
    assert letters(db, line) == ["line.restricted", "line.restricted"]


def test_the_customers_own_lock_outlives_the_lenders(db: Database):
    line = known(db)
    restrict(db, line)
    with db.transaction() as tx:
        softer.pause(tx, line, "customer", NOON)
        restrictions.lift(tx, OFFICE, line, "reason_ended", "desk", NOON)
    assert line_of(db, line).locks == {LockKind.CUSTOMER}


def test_who_is_restricted_leaves_like_anybody_and_the_letter_stands(db: Database):
    """Edge case 15: the lender restricts, the customer closes the next day."""
    line = known(db)
    restrict(db, line)
    with db.transaction() as tx:
        case = exits.request(
            tx, OFFICE, line, Channel.PORTAL, "customer", NOON + timedelta(days=1), Identity.VERIFIED
        )
    assert not isinstance(case, Refusal)
    assert case.state is State.CLOSED
    assert letters(db, line) == ["line.restricted"]
    time_goes_by(db, NOON + timedelta(days=100))
    assert letters(db, line) == ["line.restricted"], "nobody is told that a closed line works again"
    refused = restrict(db, line, now=NOON + timedelta(days=101))
    assert isinstance(refused, Refusal)
    assert refused.code == "line.not_active"


@pytest.mark.parametrize("how", ["is_cancelled", "lapses"])
def test_a_cap_that_ends_while_a_wish_to_leave_is_open_does_not_stay_when_the_wish_is_over(
    db: Database, how: str
):
    line = known(db)
    buy(db, line, 30_000, 3)
    before = line_of(db, line).limit_minor
    with db.transaction() as tx:
        cap = Limits(Measure.LOWER_CAP, cap_minor=100_000)
        restrictions.restrict(tx, OFFICE, line, WHY, "desk", NOON, cap)
        case = exits.request(tx, OFFICE, line, Channel.FORM, "form", NOON)
        assert not isinstance(case, Refusal)
        restrictions.lift(tx, OFFICE, line, "looked_at", "desk", NOON)
        if how == "is_cancelled":
            exits.cancel(tx, OFFICE, case.id, "customer", NOON)
    if how == "lapses":
        time_goes_by(db, NOON + timedelta(days=15))
    found = line_of(db, line)
    assert (found.lifecycle, found.limit_minor) == (Lifecycle.ACTIVE, before)
