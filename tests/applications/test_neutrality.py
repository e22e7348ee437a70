"""Using a right changes no fact, no score and no limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from applicants import LENDER, NOON, PERSON, SOUND, TABLES, accepted, applied
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import DAY, TERMS, at, buy, items, line_of, locked, nights, open_line, pay

from whiteslip import decisions, exits, identity, lines, purchases
from whiteslip.applications.scorecard import shipped
from whiteslip.applications.steps import Assessment, assess_increase
from whiteslip.base import Refusal
from whiteslip.decisions.grounds import NEUTRAL, forbidden
from whiteslip.exits import Office
from whiteslip.exits.model import Channel, Identity, State
from whiteslip.exits.withdrawal import withdraw
from whiteslip.identity import Person
from whiteslip.lines.model import LockKind, Party
from whiteslip.purchases import Capture, Purchase, Request, disputes
from whiteslip.purchases.model import Ground
from whiteslip.store import Database

OFFICE = Office(TABLES, "Test Lender")
LATER = DAY + timedelta(days=60)
USES = st.lists(st.sampled_from(["pause", "leave", "dispute", "firm_lock"]), min_size=1, max_size=4)


def test_no_table_and_no_scorecard_names_the_use_of_a_right():
    assert forbidden(each.name for each in shipped().facts) == []
    facts = TABLES["application-limit"].contract.facts
    assert {name for name in facts if set(name.split("_")) & NEUTRAL} == set()
    assert "of_age" in facts
    assert {name for name in facts if forbidden([name])} == {"of_age"}, "legal age, and no other ground"


def test_a_former_customer_has_the_facts_score_and_limit_of_a_stranger(db: Database):
    first = accepted(db, applied(db))
    buy(db, first, 90_000)
    nights(db, DAY, DAY + timedelta(days=30))
    pay(db, first, 90_000, DAY + timedelta(days=31))
    with db.transaction() as tx:
        case = exits.request(
            tx, OFFICE, first, Channel.PORTAL, "customer", at(DAY + timedelta(days=31)), Identity.VERIFIED
        )
        assert not isinstance(case, Refusal)
    with db.transaction() as tx:
        exits.review(tx, OFFICE, at(LATER))
        done = exits.advance(tx, OFFICE, case.id, at(LATER))
        assert not isinstance(done, Refusal)
        assert done.state is State.CLOSED
    back = applied(db, now=at(LATER))
    stranger = applied(
        db, person=Person("王安", "440106198505054322", "+8613900000077", "b@example.com"), now=at(LATER)
    )
    assert back.customer == line_of(db, first).customer, "the same customer, applying anew"
    assert (back.score, back.limit_minor, back.outcome) == (
        stranger.score,
        stranger.limit_minor,
        stranger.outcome,
    )
    assert facts_of(db, back.id) == facts_of(db, stranger.id)


def facts_of(db: Database, subject: UUID) -> object:
    with db.transaction() as tx:
        return decisions.decisions_about(tx, subject)[-1].facts


def test_who_withdrew_in_the_first_days_comes_back_like_anybody(db: Database):
    made = applied(db)
    line = accepted(db, made)
    with db.transaction() as tx:
        case = withdraw(tx, OFFICE, line, Channel.PORTAL, "customer", NOON)
        assert not isinstance(case, Refusal)
        assert case.state is State.CLOSED
    back = applied(db, now=at(LATER))
    assert (back.customer, back.score, back.limit_minor) == (made.customer, made.score, made.limit_minor)
    assert facts_of(db, back.id) == facts_of(db, made.id)


def lived(db: Database, uses: list[str]) -> UUID:
    """A line that bought and paid, with some rights used on the way."""
    line = open_line(db, 1_000_000, TERMS)
    with db.transaction() as tx:
        identity.enrol(tx, LENDER.vault, line_of(db, line).customer, PERSON, "test", NOON)
    bought = _bought(db, line)
    for step, use in enumerate(uses):
        _use(db, line, bought, use, DAY + timedelta(days=step + 1))
    nights(db, DAY, DAY + timedelta(days=21))
    owed = sum(item.principal_minor + item.interest_minor + item.fee_minor for item in items(db, line))
    if owed:
        pay(db, line, owed, DAY + timedelta(days=22))
    return line


def _bought(db: Database, line: UUID) -> UUID:
    with db.transaction() as tx:
        (held,) = purchases.authorise(tx, TABLES, [Request(line, "shop", 90_000, 1)], "shop", NOON)
        assert isinstance(held, Purchase)
        purchases.capture(tx, [Capture(held.id, 90_000)], "shop", NOON)
    return held.id


def _use(db: Database, line: UUID, bought: UUID, use: str, day: date) -> None:
    now = at(day)
    with db.transaction() as tx:
        if use == "pause":
            lines.set_lock(tx, line, LockKind.CUSTOMER, Party.CUSTOMER, "asked", "customer", now)
            lines.lift_lock(tx, line, LockKind.CUSTOMER, Party.CUSTOMER, "customer", now)
        elif use == "firm_lock":
            until = now + timedelta(hours=5)
            lines.set_lock(
                tx, line, LockKind.CUSTOMER, Party.CUSTOMER, "asked", "customer", now, None, until, firm=True
            )
        elif use == "leave":
            case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", now, Identity.VERIFIED)
            assert not isinstance(case, Refusal)
            exits.cancel(tx, OFFICE, case.id, "customer", now)
        else:
            disputes.dispute(tx, bought, 10_000, Ground.NOT_MINE, "customer", now)


def assessed(db: Database, line: UUID) -> Assessment:
    with db.transaction() as tx:
        wish = replace(SOUND, wanted_minor=3_000_000)
        return assess_increase(tx, LENDER, locked(tx, line), wish, at(LATER), subject=line)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(USES)
def test_pausing_disputing_and_asking_to_leave_change_no_fact_score_or_limit(db: Database, uses: list[str]):
    with_rights, without = assessed(db, lived(db, uses)), assessed(db, lived(db, []))
    assert with_rights.decision.facts == without.decision.facts
    assert with_rights.points == without.points
    assert (with_rights.outcome, with_rights.limit_minor) == (without.outcome, without.limit_minor)


def test_a_higher_limit_is_offered_and_not_given(db: Database):
    line = lived(db, [])
    made = assessed(db, line)
    assert made.limit_minor == 1_600_000
    assert line_of(db, line).limit_minor == 1_000_000
