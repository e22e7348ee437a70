"""Each night scores who lives, keeps what is news, and says when the scored are no longer as they were."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scored import CARD, FACTS, OFFICE, TABLES, TREES, bought, score_night, serve
from worlds import DAY, at, locked, nights, open_lines, pay

from whiteslip import complaints, day, exits, identity, packs
from whiteslip.base import Refusal
from whiteslip.complaints import Topic
from whiteslip.day.model import Ports
from whiteslip.decisions import champions, decisions_about, replay
from whiteslip.decisions.grounds import forbidden
from whiteslip.decisions.scoring import Part
from whiteslip.decisions.stability import SCORE, Spread, index, psi
from whiteslip.exits import Office, softer
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity
from whiteslip.identity import Person, Vault
from whiteslip.notices import DemoPhone
from whiteslip.purchases import disputes
from whiteslip.purchases.model import Dispute, Ground
from whiteslip.store import Database
from whiteslip.store.database import journal_of
from whiteslip.watch import features, months, nightly, store
from whiteslip.watch.months import Month


def kept(db: Database) -> list[tuple[UUID, str, float, dict[str, float]]]:
    with db.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT subject, role, probability, facts FROM decisions.score ORDER BY at, subject, role"
        ).fetchall()
    return [(row["subject"], row["role"], row["probability"], row["facts"]) for row in rows]


@dataclass
class Book:
    """Three lines, alike until the last one stops paying, and what was scored of them."""

    db: Database
    good: UUID
    late: UUID
    unused: UUID
    last: date


@pytest.fixture
def book(db: Database) -> Book:
    good, late, unused = open_lines(db, 3, statement_day=5)
    for line in (good, late):
        bought(db, line, 60_000, DAY, 3)
    with db.transaction() as tx:
        serve(tx, CARD, TREES)
    for n in range(3):
        nights(db, date(2026, 2 + n, 5), date(2026, 2 + n, 5))
        pay(db, good, 20_000, date(2026, 2 + n, 15))
    return Book(db, good, late, unused, date(2026, 4, 20))


def test_a_night_scores_everybody_by_champion_and_challenger_and_keeps_only_news(book: Book):
    assert score_night(book.db, book.last) == 3
    found = {(who, role): (probability, facts) for who, role, probability, facts in kept(book.db)}
    assert len(found) == 6
    assert found[book.good, "champion"][1] == {"months_late_1": -1, "billed_1": 20_000, "paid_1": 20_000}
    assert found[book.late, "champion"][1] == {"months_late_1": 2, "billed_1": 60_000, "paid_1": 0}
    assert found[book.unused, "champion"][1] == {"months_late_1": -2, "billed_1": 0, "paid_1": 0}
    assert found[book.late, "champion"][0] > 10 * found[book.good, "champion"][0]
    assert found[book.late, "challenger"][0] > 5 * found[book.good, "challenger"][0]

    assert score_night(book.db, book.last + timedelta(days=1)) == 3
    assert len(kept(book.db)) == 6, "nothing had changed"
    with book.db.transaction() as tx:
        again = store.bands(tx, book.last + timedelta(days=1), "behaviour")
        assert store.bands(tx, book.last, "behaviour") == again, "and all of them were counted"
        assert again[CARD.version, SCORE, 1] == 1
        assert champions.replay_scores(tx) == (6, [])
        pairs = champions.side_by_side(tx, "behaviour", TREES.version)
    assert {who for who, *_ in pairs} == {book.good, book.late, book.unused}
    # The night that was cut off and runs again counts nobody twice.
    score_night(book.db, book.last)
    with book.db.transaction() as tx:
        assert store.bands(tx, book.last, "behaviour") == again
    # What changes at a statement is news, for both, at one instant.
    nights(book.db, date(2026, 5, 5), date(2026, 5, 5))
    score_night(book.db, date(2026, 5, 5))
    assert len(kept(book.db)) > 6
    assert len([role for _, role, *_ in kept(book.db) if role == "challenger"]) * 2 == len(kept(book.db))


def test_leaving_reducing_pausing_disputing_and_complaining_move_no_score(db: Database):
    plain, vocal = open_lines(db, 2, statement_day=5)
    ports = Ports(OFFICE, Vault(bytes(32)), DemoPhone(db))
    for line in (plain, vocal):
        bought(db, line, 90_000, DAY, 3)
        small = bought(db, line, 12_000, DAY)
    with db.transaction() as tx:
        serve(tx, CARD, TREES)
        disputed = disputes.dispute(tx, small, 9_000, Ground.NOT_RECEIVED, "customer", at(DAY, 13))
        assert isinstance(disputed, Dispute)
        person = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
        customer = locked(tx, vocal).customer
        identity.enrol(tx, ports.vault, customer, person, "test", at(DAY, 8))
        pack = packs.load("cn")
        filed = complaints.file(
            tx, ports.vault, pack, "Test", customer, Topic.FEE, "portal", "customer", at(DAY, 14)
        )
        assert not isinstance(filed, Refusal)
        assert not isinstance(softer.reduce(tx, vocal, 110_000, "customer", at(DAY, 14)), Refusal)
        assert not isinstance(softer.pause(tx, vocal, "customer", at(DAY, 15)), Refusal)
    asked = None
    for n, amount in enumerate((42_000, 30_000, 30_000)):
        nights(db, date(2026, 2 + n, 5), date(2026, 2 + n, 6))
        day.run_watch(db, ports, at(date(2026, 2 + n, 6)))
        score_night(db, date(2026, 2 + n, 6))
        for line in (plain, vocal):
            pay(db, line, amount, date(2026, 2 + n, 15))
        with db.transaction() as tx:
            if n == 0:
                asked = exits.request(tx, OFFICE, vocal, Channel.PORTAL, "customer", at(date(2026, 2, 16)))
            if n == 1:
                disputes.resolve(tx, disputed.id, False, "desk", at(date(2026, 3, 20)))
    assert isinstance(asked, exits.Exit)
    found: dict[UUID, list[tuple[str, float, object]]] = {plain: [], vocal: []}
    for who, role, probability, facts in kept(db):
        found[who].append((role, probability, facts))
    assert len(found[plain]) == 6
    assert found[plain] == found[vocal]
    with db.transaction() as tx:
        limits = store.lines_to_score(tx, date(2026, 4, 30), UUID(int=0), 2)
        both = nightly.facts_of(tx, limits, date(2026, 4, 30), at(date(2026, 4, 30)))
    assert both[plain] == both[vocal]
    assert both[plain]["purchases_30d_centi"] != 0
    assert forbidden(both[plain]) == []


def test_a_leaver_with_the_worst_score_goes_straight_through_and_the_reviewer_reads_why(db: Database):
    line, clean = open_lines(db, 2, statement_day=5)
    for each in (line, clean):
        bought(db, each, 4_000, DAY)
    nights(db, date(2026, 2, 5), date(2026, 3, 5))
    now = at(date(2026, 3, 10))
    ports = Ports(OFFICE, Vault(bytes(32)), DemoPhone(db))
    day.run_watch(db, ports, now)
    for each in (line, clean):
        pay(db, each, 7_000, date(2026, 3, 8))
    worst = msgspec.structs.replace(CARD, parts=[Part("months_late_1", [2], [-500, -500]), *CARD.parts[1:]])
    with db.transaction() as tx:
        serve(tx, worst)
    score_night(db, date(2026, 3, 9))
    seeing = Office(TABLES, "Test Lender", watched=nightly.watched)
    with db.transaction() as tx:
        # With and without what the watch sees: the same route.
        asked = [
            exits.request(tx, office, each, Channel.PORTAL, "customer", now, Identity.VERIFIED)
            for each, office in ((line, seeing), (clean, OFFICE))
        ]
        assert isinstance(asked[0], exits.Exit)
        assert isinstance(asked[1], exits.Exit)
        seen, plain = (exits_store.assessment(tx, each.id) for each in asked if isinstance(each, exits.Exit))
    assert seen
    assert plain
    assert (seen.route, seen.reasons) == (plain.route, plain.reasons)
    figures = {each.name: each for each in seen.parts.behaviour}
    score = figures["behaviour_score"]
    assert score.value is not None
    assert score.value > 9_000
    assert score.inputs["reasons"] == "payments_low"
    assert figures["velocity_30d_z_centi"].unit == "centi"
    assert "velocity_30d_z_centi" not in {each.name for each in plain.parts.behaviour}
    facts = set(TABLES["exit-routing"].contract.facts)
    assert not [name for name in facts if "score" in name or name in features.SCORED[1:-1]]


def test_facts_a_version_does_not_take_leave_the_line_out_and_hold_up_nothing(book: Book):
    narrow = msgspec.structs.replace(
        CARD, facts=[msgspec.structs.replace(FACTS[0], most=1), *FACTS[1:]], target="pays late"
    )
    with book.db.transaction() as tx:
        serve(tx, narrow)
    assert score_night(book.db, book.last) == 3
    with book.db.transaction() as tx:
        counted = store.bands(tx, book.last, "behaviour")
        assert counted[narrow.version, SCORE, nightly.UNSCORED] == 1
        assert tx.conn.execute("SELECT count(*) AS n FROM decisions.score").fetchone() == {"n": 5}


def test_a_shift_of_scores_is_told_once_with_a_decision_that_replays(db: Database):
    open_lines(db, 120)
    other, all_first = Spread([0.05], [0.1, 0.9, 0.0]), Spread([0.05], [1.0, 0.0, 0.0])
    calm = msgspec.structs.replace(
        CARD, reference={SCORE: all_first, "billed_1": Spread([1.0], [1.0, 0.0, 0.0])}
    )
    strange = msgspec.structs.replace(CARD, reference=CARD.reference | {SCORE: other})
    with db.transaction() as tx:
        serve(tx, strange, calm)
    for n in range(3):
        score_night(db, DAY + timedelta(days=n))
    with db.transaction() as tx:
        (told,) = store.shifts(tx)
        assert (told.version, told.figures["act"]) == (strange.version, "review")
        assert told.figures["reasons"] == ["scores_shifted"]
        assert told.decision in {each.id for each in decisions_about(tx, champions.subject_of("behaviour"))}
        assert replay(tx).differences == ()
        rows = journal_of(tx, [champions.subject_of("behaviour")])
        assert [row["kind"] for row in rows].count("model.shifted") == 1
        index_of = {
            (row["version"], row["item"]): row["index"]
            for version in (strange.version, calm.version)
            for row in store.stability(tx, "behaviour", version, DAY, DAY + timedelta(days=2))
            if row["day"] == DAY + timedelta(days=2)
        }
    # Everybody is in the first band: 0.1 before, all of them now, the bands of nobody at their floor.
    by_hand = (1 - 0.1) * math.log(1 / 0.1) + (1e-4 - 0.9) * math.log(1e-4 / 0.9)
    assert index_of[strange.version, SCORE] == pytest.approx(by_hand)
    assert index_of[calm.version, SCORE] == index_of[calm.version, "billed_1"] == 0


@given(st.lists(st.integers(0, 50), min_size=3, max_size=3).filter(any))
def test_the_index_is_zero_where_nothing_moved_and_never_below(counts: list[int]):
    total = sum(counts)
    same = Spread([0.2], [each / total for each in counts])
    assert psi(same, dict(enumerate(counts))) == pytest.approx(0)
    assert index([0.2, 0.5, 0.3], same.shares) >= 0


@pytest.mark.parametrize(
    ("month", "before", "code"),
    [
        (Month(date(2026, 3, 5), 0, 0, 0, None), 0, -2),
        (Month(date(2026, 3, 5), 100, 0, 0, None), 0, -1),
        (Month(date(2026, 3, 5), 100, 0, 40, None), 100, 0),
        (Month(date(2026, 3, 5), 100, 0, 40, date(2026, 3, 4)), 100, 1),
        (Month(date(2026, 3, 5), 100, 0, 40, date(2026, 2, 2)), 100, 2),
    ],
)
def test_lateness_is_told_as_the_recipe_has_it(month: Month, before: int, code: int):
    assert months.lateness(month, before) == code
