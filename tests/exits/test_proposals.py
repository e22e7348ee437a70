"""Restricting is proposed, takes two where a table says so, and can be objected to."""

from __future__ import annotations

import ast
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from worlds import DAY, at, buy, give_back, items, line_of, locked, night, open_line, pay

from whiteslip import day, exits, identity, lines, notices, purchases
from whiteslip.base import Refusal
from whiteslip.decisions import Tables, grounds
from whiteslip.exits import Office, proposals, restrictions, softer
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Cause
from whiteslip.exits.proposals import Objection, RestrictionProposal, StayWhy
from whiteslip.exits.restrictions import Limits, Measure
from whiteslip.identity import Person, Vault
from whiteslip.lines.model import Feature, LockKind, Part, Party
from whiteslip.notices import DemoPhone
from whiteslip.purchases import Declined, Request
from whiteslip.store import Database

TABLES = Tables.load()
OFFICE = Office(TABLES, "Test Lender")
VAULT = Vault(bytes(32))
NOON = at(DAY)
WHY = (Cause.CONTACT_LOST,)
CAP = Limits(Measure.LOWER_CAP, cap_minor=100_000)
PAUSE = Limits(Measure.PAUSE_FEATURE, feature="cash")


def known(db: Database) -> UUID:
    line = open_line(db)
    person = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
    with db.transaction() as tx:
        identity.enrol(tx, VAULT, line_of(db, line).customer, person, "test", NOON)
    return line


def propose(
    db: Database,
    line: UUID,
    limits: Limits,
    reasons: tuple[Cause, ...] = WHY,
    alert: UUID | None = None,
    now: datetime = NOON,
) -> RestrictionProposal:
    with db.transaction() as tx:
        done = proposals.propose(tx, OFFICE, line, limits, reasons, "first", now, alert)
    assert isinstance(done, RestrictionProposal), done
    return done


def stopped(db: Database, line: UUID, reasons: tuple[Cause, ...] = WHY, now: datetime = NOON) -> None:
    proposal = propose(db, line, Limits(), reasons, now=now)
    with db.transaction() as tx:
        done = proposals.decide(tx, OFFICE, proposal.id, True, "second", now)
    assert isinstance(done, RestrictionProposal)
    assert done.outcome == "done"


def objected(db: Database, line: UUID, words: str = "") -> Objection:
    with db.transaction() as tx:
        done = proposals.object_to(tx, VAULT, line, words, "customer", NOON)
    assert isinstance(done, Objection), done
    return done


def letters(db: Database, line: UUID) -> list[str]:
    with db.transaction() as tx:
        return [notice.kind for notice in notices.of_subject(tx, line)]


def test_stopping_takes_two_and_not_the_same_person_twice(db: Database):
    line = known(db)
    proposal = propose(db, line, Limits())
    assert (proposal.outcome, line_of(db, line).locks, letters(db, line)) == ("open", frozenset(), [])
    with db.transaction() as tx:
        own = proposals.decide(tx, OFFICE, proposal.id, True, "first", NOON)
        twice = proposals.propose(tx, OFFICE, line, Limits(), WHY, "third", NOON)
    assert isinstance(own, Refusal)
    assert isinstance(twice, Refusal)
    assert (own.code, twice.code) == ("desk.own_proposal", "restriction.proposed")
    with db.transaction() as tx:
        proposals.decide(tx, OFFICE, proposal.id, True, "second", NOON)
    assert line_of(db, line).locks == {LockKind.ISSUER}
    assert letters(db, line) == ["line.restricted"]


def test_what_the_second_person_turns_down_changes_nothing(db: Database):
    line = known(db)
    proposal = propose(db, line, Limits())
    with db.transaction() as tx:
        done = proposals.decide(tx, OFFICE, proposal.id, False, "second", NOON)
    assert isinstance(done, RestrictionProposal)
    assert (done.outcome, line_of(db, line).locks, letters(db, line)) == ("rejected", frozenset(), [])


def test_a_mild_measure_is_one_persons_unless_a_machine_saw_it_or_much_is_owed(db: Database):
    assert propose(db, known(db), PAUSE).outcome == "done"
    assert propose(db, known(db), PAUSE, alert=uuid4()).outcome == "open"
    debtor = open_line(db, limit_minor=5_000_000)
    buy(db, debtor, 1_500_000, 3)
    assert propose(db, debtor, CAP).outcome == "open"


def test_a_cap_below_what_is_drawn_makes_nothing_due_and_is_given_back(db: Database):
    line = known(db)
    buy(db, line, 300_000, 3)
    before = items(db, line)
    assert propose(db, line, CAP).outcome == "done"
    capped = line_of(db, line)
    assert (capped.limit_minor, capped.advised_limit_minor, capped.available_minor) == (100_000, 300_000, 0)
    assert items(db, line) == before
    assert letters(db, line) == ["line.limit_cut"]
    with db.transaction() as tx:
        restrictions.lift(tx, OFFICE, line, "reason_ended", "desk", NOON)
    assert line_of(db, line).limit_minor == 1_000_000


def test_a_limit_that_the_customer_lowered_meanwhile_stays_lowered(db: Database):
    line = known(db)
    propose(db, line, CAP)
    with db.transaction() as tx:
        softer.reduce(tx, line, 50_000, "customer", NOON)
        restrictions.lift(tx, OFFICE, line, "reason_ended", "desk", NOON)
    assert line_of(db, line).limit_minor == 50_000


def test_a_paused_feature_is_one_part_of_drawing_and_comes_back(db: Database):
    line = known(db)
    propose(db, line, PAUSE)
    assert (line_of(db, line).locks, line_of(db, line).locked_parts) == (frozenset(), {Part(Feature.CASH)})
    assert letters(db, line) == ["line.feature_paused"]
    asked = Request(line, "shop", 100, cash=True)
    with db.transaction() as tx:
        (refused,) = purchases.authorise(tx, OFFICE.tables, [asked], "shop", NOON)
    assert isinstance(refused, Declined)
    assert refused.code == "line.feature_restricted", "the customer did not lock it"
    with db.transaction() as tx:
        lines.set_lock(tx, line, LockKind.CUSTOMER, Party.CUSTOMER, "x", "x", NOON, Part(Feature.CASH))
        (refused,) = purchases.authorise(tx, OFFICE.tables, [asked], "shop", NOON)
    assert isinstance(refused, Declined)
    assert refused.code == "line.feature_restricted", "lifting their own lock would not help them"
    with db.transaction() as tx:
        lines.lift_lock(tx, line, LockKind.CUSTOMER, Party.CUSTOMER, "x", NOON, Part(Feature.CASH))
    with db.transaction() as tx:
        restrictions.lift(tx, OFFICE, line, "reason_ended", "desk", NOON)
    assert line_of(db, line).locked_parts == frozenset()


@pytest.mark.parametrize(
    "limits",
    [
        Limits(Measure.LOWER_CAP),
        Limits(Measure.LOWER_CAP, cap_minor=1_000_000),
        Limits(Measure.LOWER_CAP, cap_minor=0),
        Limits(Measure.PAUSE_FEATURE),
        Limits(Measure.PAUSE_FEATURE, feature="merchant"),
        Limits(Measure.STOP, cap_minor=5),
        Limits(Measure.STOP, feature="cash"),
    ],
)
def test_half_a_measure_is_refused(db: Database, limits: Limits):
    line = open_line(db)
    with db.transaction() as tx:
        done = proposals.propose(tx, OFFICE, line, limits, WHY, "first", NOON)
    assert isinstance(done, Refusal)
    assert done.code == "restriction.measure_invalid"


def test_an_objection_nobody_answers_in_time_ends_the_restriction_and_its_words_are_sealed(db: Database):
    line = known(db)
    stopped(db, line)
    mine = objected(db, line, "It was the bank's mistake.")
    with db.transaction() as tx:
        rows = tx.conn.execute("SELECT data::text AS data FROM store.journal").fetchall()
        again = proposals.object_to(tx, VAULT, line, "", "customer", NOON)
    assert not [row for row in rows if "mistake" in row["data"]]
    assert isinstance(again, Refusal)
    assert again.code == "restriction.objection_open"
    ports = day.Ports(OFFICE, VAULT, DemoPhone(db))
    day.run_due(db, ports, mine.due_at - timedelta(seconds=1))
    assert line_of(db, line).locks
    day.run_due(db, ports, mine.due_at)
    assert not line_of(db, line).locks
    assert letters(db, line) == ["line.restricted", "line.restriction_lifted"]


def test_only_somebody_without_a_part_in_it_answers_an_objection(db: Database):
    line = known(db)
    stopped(db, line)
    mine = objected(db, line)
    with db.transaction() as tx:
        for actor in ("first", "second"):
            refused = proposals.answer(tx, OFFICE, mine.id, StayWhy.STILL_SO, actor, NOON)
            assert isinstance(refused, Refusal)
            assert refused.code == "restriction.own"
        for actor in ("third", "fourth"):
            proposals.answer(tx, OFFICE, mine.id, StayWhy.STILL_SO, actor, NOON)
    assert line_of(db, line).locks == {LockKind.ISSUER}
    assert letters(db, line) == ["line.restricted", "line.restriction_kept"]
    other = objected(db, line)
    with db.transaction() as tx:
        proposals.answer(tx, OFFICE, other.id, None, "third", NOON)
    assert not line_of(db, line).locks


def test_that_a_restriction_stays_takes_two_who_give_the_same_reason(
    db: Database,
):
    line = known(db)
    stopped(db, line)
    mine = objected(db, line)
    with db.transaction() as tx:
        first = proposals.answer(tx, OFFICE, mine.id, StayWhy.NOT_SHOWN, "third", NOON)
        assert isinstance(first, proposals.Objection)
        assert (first.outcome, first.stay_why) == (None, StayWhy.NOT_SHOWN)
        again = proposals.answer(tx, OFFICE, mine.id, StayWhy.NOT_SHOWN, "third", NOON)
        assert again == Refusal("desk.own_proposal")
        other = proposals.answer(tx, OFFICE, mine.id, StayWhy.STILL_SO, "fourth", NOON)
        assert isinstance(other, proposals.Objection)
        assert other.stay_by == "fourth", "another reason takes the place of what was proposed"
    assert letters(db, line) == ["line.restricted"]
    ports = day.Ports(OFFICE, VAULT, DemoPhone(db))
    day.run_due(db, ports, mine.due_at)
    assert not line_of(db, line).locks, "one is not two: the clock ends it"


def late_and_returned(db: Database) -> tuple[UUID, UUID]:
    """Two lines: a bill of one is past due 42 days after DAY, a payment of the other came back on day 40."""
    late, gone = open_line(db), open_line(db)
    buy(db, late, 30_000)
    night(db, DAY + timedelta(days=21))
    paid = pay(db, gone, 1_000, DAY)
    give_back(db, paid, DAY + timedelta(days=40))
    return late, gone


def test_the_night_ends_what_has_no_reason_any_more_and_leaves_the_rest(db: Database):
    late, gone = late_and_returned(db)
    doubted, now = open_line(db), at(DAY + timedelta(days=42))
    stopped(db, late, (Cause.PAST_DUE,), now)
    stopped(db, gone, (Cause.RETURNED_PAYMENTS,), now)
    stopped(db, doubted, (Cause.SUSPECTED_FRAUD,), now)

    def ended(days: int) -> set[UUID]:
        now = at(DAY + timedelta(days=days))
        with db.transaction() as tx:
            proposals.lift_ended(tx, OFFICE, now)
            over = {line for line in (late, gone, doubted) if not exits_store.restriction_of_line(tx, line)}
            for line, why in ((late, Cause.PAST_DUE), (gone, Cause.RETURNED_PAYMENTS)):
                refused = restrictions.fault(tx, locked(tx, line), Limits(), [why], now)
                assert (refused is not None) == (line in over), "what may be given anew is what stands"
        return over

    assert ended(100) == set()
    assert ended(101) == {gone}
    pay(db, late, 40_000, DAY + timedelta(days=102))
    assert ended(102) == {gone, late}


def test_a_reason_that_the_books_deny_is_refused_alone_or_among_true_ones_and_by_the_second_person(
    db: Database,
):
    late, gone = late_and_returned(db)
    now, due_on = at(DAY + timedelta(days=42)), DAY + timedelta(days=41)

    def refused(line: UUID, *reasons: Cause, now: datetime = now) -> str:
        with db.transaction() as tx:
            done = proposals.propose(tx, OFFICE, line, PAUSE, reasons, "first", now)
        assert isinstance(done, Refusal), done
        return f"{done.code}: {done.facts.get('reason')}"

    assert refused(late, Cause.RETURNED_PAYMENTS) == "cause.not_borne: returned_payments"
    assert refused(gone, Cause.CONTACT_LOST, Cause.PAST_DUE) == "cause.not_borne: past_due"
    assert refused(late, Cause.PAST_DUE, now=at(due_on)) == "cause.not_borne: past_due", "it is due today"
    first = propose(db, late, Limits(), (Cause.PAST_DUE,), now=now)
    pay(db, late, 40_000, DAY + timedelta(days=42))
    with db.transaction() as tx:
        done = proposals.decide(tx, OFFICE, first.id, True, "second", now)
    assert isinstance(done, Refusal)
    assert (done.code, line_of(db, late).locks) == ("cause.not_borne", frozenset()), "paid meanwhile"


def test_no_reason_and_no_fact_of_a_restriction_is_a_dispute_a_complaint_an_exit_or_a_score():
    named = [cause.value for cause in Cause] + list(TABLES["issuer-restriction"].contract.facts)
    assert not grounds.forbidden(named)
    assert not [name for name in named if "score" in name.split("_")]


def test_only_proposals_restrict_so_that_no_door_goes_round_the_table():
    callers: set[str] = set()
    source = Path(exits.__file__).parents[1]
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and node.attr == "restrict"
                and isinstance(node.value, ast.Name)
            ):
                callers.add(f"{path.relative_to(source)}:{node.value.id}")
    assert callers == {"exits/proposals.py:restrictions"}
