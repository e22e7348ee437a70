"""The softer exits: everything, a part, for a while, firmly; and a lower limit."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from worlds import DAY, at, buy, items, line_of, nights, offences, open_line, pay

from whiteslip import exits, purchases
from whiteslip.base import Refusal
from whiteslip.day import Ports, run_due
from whiteslip.decisions import Tables
from whiteslip.exits import Office, softer
from whiteslip.exits.model import Channel, Identity
from whiteslip.identity import Vault
from whiteslip.lines import Line, increases, set_lock
from whiteslip.lines.locks import standing
from whiteslip.lines.model import Feature, Lock, LockKind, Part, Party
from whiteslip.notices import DemoPhone
from whiteslip.purchases import Capture, Declined, Purchase, Request
from whiteslip.store import Database

TABLES = Tables.load()
OFFICE = Office(TABLES, "Test Lender")
NOON = at(DAY)


def answer(db: Database, asked: Request, now: datetime = NOON) -> str:
    """``granted``, or the code of the decline."""
    with db.transaction() as tx:
        (said,) = purchases.authorise(tx, TABLES, [asked], "shop", now)
    assert isinstance(said, Purchase | Declined), said
    return "granted" if isinstance(said, Purchase) else said.code


def pause(
    db: Database,
    line: UUID,
    part: Part | None = None,
    days: int | None = None,
    firm: bool = False,
    now: datetime = NOON,
) -> Line | Refusal:
    with db.transaction() as tx:
        return softer.pause(tx, line, "customer", now, days, firm, part)


def resume(db: Database, line: UUID, part: Part | None = None, now: datetime = NOON) -> Line | Refusal:
    with db.transaction() as tx:
        return softer.resume(tx, line, "customer", now, part)


def locks(db: Database, line: UUID) -> list[Lock]:
    with db.transaction() as tx:
        return standing(tx, line)


def time_goes_by(db: Database, now: datetime) -> int:
    return run_due(db, Ports(OFFICE, Vault(bytes(32)), DemoPhone(db)), now)


def test_a_pause_stops_drawing_until_the_customer_resumes(db: Database):
    line = open_line(db)
    pause(db, line)
    assert answer(db, Request(line, "shop", 1_000)) == "line.locked"
    resume(db, line)
    assert answer(db, Request(line, "shop", 1_000)) == "granted"


@pytest.mark.parametrize(
    ("part", "hit", "passes"),
    [
        (Part(Feature.MERCHANT, "arcade"), {"merchant": "arcade"}, {"merchant": "grocer"}),
        (Part(Feature.CATEGORY, "games"), {"category": "games"}, {"category": "books"}),
        (Part(Feature.CASH), {"cash": True}, {"cash": False}),
        (Part(Feature.INSTALMENTS), {"instalments": 3}, {"instalments": 1}),
    ],
    ids=lambda value: value.feature if isinstance(value, Part) else "",
)
def test_a_locked_part_declines_what_would_use_it_and_nothing_else(
    db: Database, part: Part, hit: dict[str, object], passes: dict[str, object]
):
    line = open_line(db)
    pause(db, line, part)

    def request(how: dict[str, object]) -> Request:
        return Request(**{"line": line, "merchant": "shop", "amount_minor": 1_000} | how)  # type: ignore[arg-type]

    assert answer(db, request(hit)) == "line.feature_paused"
    assert answer(db, request(passes)) == "granted"
    assert not line_of(db, line).drawing_stopped, "the line itself goes on"
    resume(db, line, part)
    assert answer(db, request(hit)) == "granted"


def test_the_night_is_locked_from_midnight_to_five_where_the_contract_lives(db: Database):
    line = open_line(db, timezone="America/New_York")
    pause(db, line, Part(Feature.NIGHT))
    one_at_night_there = at(DAY, 14)  # 14:00 in Shanghai is 01:00 in New York
    assert answer(db, Request(line, "shop", 100), one_at_night_there) == "line.feature_paused"
    five_there = one_at_night_there + timedelta(hours=4)
    assert answer(db, Request(line, "shop", 100), five_there) == "granted"


def test_a_lock_for_a_while_ends_by_itself_and_can_end_sooner(db: Database):
    line, other = open_line(db), open_line(db)
    for each in (line, other):
        pause(db, each, days=7)
    resume(db, other, now=NOON + timedelta(days=1))
    assert answer(db, Request(other, "shop", 100), NOON + timedelta(days=1)) == "granted"
    assert time_goes_by(db, NOON + timedelta(days=7, microseconds=-1)) == 0
    assert line_of(db, line).drawing_stopped
    assert time_goes_by(db, NOON + timedelta(days=7)) == 1
    assert not line_of(db, line).drawing_stopped


def test_a_firm_lock_is_not_talked_away_and_only_gets_longer(db: Database):
    line = open_line(db)
    pause(db, line, days=30, firm=True)
    refused = resume(db, line, now=NOON + timedelta(days=29))
    assert isinstance(refused, Refusal)
    assert refused.code == "lock.firm"
    pause(db, line, days=7, firm=True)
    (lock,) = locks(db, line)
    assert (lock.until, lock.firm) == (NOON + timedelta(days=30), True), "this did not shorten it"
    pause(db, line, days=60, firm=True)
    time_goes_by(db, NOON + timedelta(days=30))
    assert line_of(db, line).drawing_stopped, "it was made longer"
    time_goes_by(db, NOON + timedelta(days=60))
    assert not line_of(db, line).drawing_stopped


def test_asking_for_a_pause_again_never_ends_it_sooner(db: Database):
    line, other = open_line(db), open_line(db)
    pause(db, line)
    pause(db, line, days=1)
    pause(db, other, days=7)
    pause(db, other, days=1)
    assert [lock.until for lock in locks(db, line)] == [None], "the days of a stranger do not open it up"
    time_goes_by(db, NOON + timedelta(days=2))
    assert [line_of(db, each).drawing_stopped for each in (line, other)] == [True, True]
    time_goes_by(db, NOON + timedelta(days=7))
    assert [line_of(db, each).drawing_stopped for each in (line, other)] == [True, False]


@pytest.mark.parametrize("longer", [None, 90])
def test_what_is_paused_beside_a_firm_lock_outlasts_it(db: Database, longer: int | None):
    line = open_line(db)
    pause(db, line, days=30, firm=True)
    pause(db, line, days=longer)
    time_goes_by(db, NOON + timedelta(days=30))
    assert line_of(db, line).drawing_stopped
    resume(db, line, now=NOON + timedelta(days=30))
    assert not line_of(db, line).drawing_stopped


@pytest.mark.parametrize(
    ("days", "firm", "code"),
    [
        (None, True, "lock.firm_needs_days"),
        (0, False, "lock.days_out_of_range"),
        (91, True, "lock.days_out_of_range"),
    ],
)
def test_a_lock_lasts_from_one_to_ninety_days(db: Database, days: int | None, firm: bool, code: str):
    line = open_line(db)
    refused = pause(db, line, days=days, firm=firm)
    assert isinstance(refused, Refusal)
    assert refused.code == code
    assert locks(db, line) == []


def test_what_the_lender_locked_the_customer_does_not_lift(db: Database):
    line = open_line(db)
    with db.transaction() as tx:
        set_lock(tx, line, LockKind.ISSUER, Party.ISSUER, "returned_payments", "desk", NOON)
    pause(db, line)
    resume(db, line)
    assert answer(db, Request(line, "shop", 100)) == "line.restricted"


def test_a_firm_lock_does_not_keep_anybody_from_leaving(db: Database):
    line = open_line(db)
    pause(db, line, days=90, firm=True)
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.API, "customer", NOON, Identity.VERIFIED)
    assert not isinstance(case, Refusal)
    assert line_of(db, line).lifecycle == "closed"


def test_a_limit_cut_below_what_is_drawn_makes_nothing_due_and_falls_with_repayments(db: Database):
    line = open_line(db, limit_minor=1_000_000)
    buy(db, line, 600_000, 6)
    before = items(db, line)
    with db.transaction() as tx:
        reduced = softer.reduce(tx, line, 200_000, "customer", NOON)
    assert not isinstance(reduced, Refusal)
    assert reduced.advised_limit_minor == 600_000, "what is told is never below what is drawn"
    assert reduced.available_minor == 0
    assert items(db, line) == before, "not a day and not a sum has changed"
    nights(db, DAY, DAY + timedelta(days=21))
    pay(db, line, 100_000, DAY + timedelta(days=22))
    falling = line_of(db, line)
    assert falling.advised_limit_minor == falling.principal_minor < 600_000
    pay(db, line, 700_000, DAY + timedelta(days=23))
    assert line_of(db, line).advised_limit_minor == 200_000
    assert offences(db) == []


@pytest.mark.parametrize(
    ("limit_minor", "code"),
    [(0, "limit.not_positive"), (1_000_000, "limit.not_lower"), (2_000_000, "limit.not_lower")],
)
def test_a_limit_is_only_lowered_here(db: Database, limit_minor: int, code: str):
    line = open_line(db, limit_minor=1_000_000)
    with db.transaction() as tx:
        refused = softer.reduce(tx, line, limit_minor, "customer", NOON)
    assert isinstance(refused, Refusal)
    assert refused.code == code
    assert line_of(db, line).limit_minor == 1_000_000


def test_a_line_that_is_being_left_has_nothing_to_pause_or_lower(db: Database):
    line = open_line(db)
    buy(db, line, 10_000)
    with db.transaction() as tx:
        exits.request(tx, OFFICE, line, Channel.API, "customer", NOON, Identity.VERIFIED)
    for refused in (pause(db, line), pause(db, line, Part(Feature.CASH))):
        assert isinstance(refused, Refusal)
        assert refused.code == "line.not_active"
    with db.transaction() as tx:
        assert isinstance(softer.reduce(tx, line, 1_000, "customer", NOON), Refusal)


def test_a_pause_that_is_told_late_counts_from_its_day_and_what_was_bought_since_costs_nothing(db: Database):
    line, other = open_line(db), open_line(db)
    began, told = NOON + timedelta(hours=1), at(DAY + timedelta(days=40))
    requests = [
        (Request(line, "arcade", 60_000, 6), NOON),
        (Request(line, "arcade", 30_000, 6), began + timedelta(hours=1)),
        (Request(other, "arcade", 30_000, 6, cash=True), began + timedelta(hours=1)),
        (Request(other, "grocer", 60_000, 6), began + timedelta(hours=1)),
    ]
    bought: list[UUID] = []
    with db.transaction() as tx:
        for request, at_ in requests:
            (held,) = purchases.authorise(tx, TABLES, [request], "shop", at_)
            assert isinstance(held, Purchase)
            bought.append(held.id)
        whole = [Capture(bought[0], 60_000), *(Capture(p, 15_000, final=False) for p in bought[1:3])]
        purchases.capture(tx, [*whole, Capture(bought[3], 60_000)], "shop", began + timedelta(hours=2))
        for _ in range(2):
            softer.pause_late(tx, line, began, "desk", told, days=90, firm=True)
            softer.pause_late(tx, other, began, "desk", told, days=30, part=Part(Feature.CASH))
        purchases.capture(tx, [Capture(p, 15_000) for p in bought[1:3]], "shop", told)
    (lock,) = locks(db, line)
    assert (lock.began_at, lock.set_at, lock.until) == (began, told, began + timedelta(days=90))
    assert answer(db, Request(line, "shop", 100), told) == "line.locked"
    assert locks(db, other) == [], "thirty days were over before it was told"
    fees = dict.fromkeys(bought, 0)
    for each in (line, other):
        for item in items(db, each):
            fees[item.purchase or each] += item.fee_minor
    # 0.6 % of 600.00 a month is 3.60, six times; what came after the pause, or used its part, has none.
    assert list(fees.values()) == [2_160, 0, 0, 2_160]
    with db.transaction() as tx:
        kinds = tx.conn.execute(
            "SELECT kind, count(*) AS n FROM store.journal WHERE kind IN ('line.locked', 'purchase.unpriced')"
            " GROUP BY kind ORDER BY kind"
        ).fetchall()
    assert [(row["kind"], row["n"]) for row in kinds] == [("line.locked", 2), ("purchase.unpriced", 2)]
    assert offences(db) == []


def test_a_limit_that_rose_under_a_pause_that_is_told_late_is_what_it_was(db: Database):
    line = open_line(db, 100_000)
    began, told = at(DAY + timedelta(days=1)), at(DAY + timedelta(days=20))
    with db.transaction() as tx:
        made = increases.propose(tx, line, 200_000, at(DAY + timedelta(days=5)), "test", NOON)
        assert not isinstance(made, Refusal)
        increases.consent(tx, made.id, "customer", NOON)
        increases.take_effect(tx, made.id, at(DAY + timedelta(days=5)))
    assert line_of(db, line).limit_minor == 200_000
    with db.transaction() as tx:
        softer.pause_late(tx, line, began, "desk", told)
        (found,) = increases.increases_of(tx, line)
        early = softer.pause_late(tx, line, at(DAY - timedelta(days=1)), "desk", told)
        never = softer.pause_late(tx, line, told + timedelta(seconds=1), "desk", told)
    assert line_of(db, line).limit_minor == 100_000
    assert (found.state, found.ended_why) == (increases.State.DROPPED, "paused")
    assert [refused.code for refused in (early, never) if isinstance(refused, Refusal)] == [
        "lock.began_at_invalid"
    ] * 2


def test_pauses_that_are_told_in_any_order_leave_the_lock_of_the_last_word(db: Database):
    first, second = NOON, at(DAY + timedelta(days=3))
    told = at(DAY + timedelta(days=5))
    found: list[tuple[datetime, datetime | None, bool]] = []
    for order in ((0, 1), (1, 0)):
        line = open_line(db)
        with db.transaction() as tx:
            for which in order:
                began, days = ((first, 20), (second, 40))[which]
                softer.pause_late(tx, line, began, "desk", told, days=days, firm=which == 0)
        found += [(lock.began_at, lock.until, lock.firm) for lock in locks(db, line)]
    both = {(first, first + timedelta(days=20), True), (second, second + timedelta(days=40), False)}
    assert (set(found), len(found)) == (both, 4)
    line = open_line(db)
    with db.transaction() as tx:
        softer.pause(tx, line, "customer", second)
        softer.resume(tx, line, "customer", told)
        softer.pause_late(tx, line, first, "desk", told + timedelta(days=1))
    assert locks(db, line) == [], "who resumed since has lifted it"
