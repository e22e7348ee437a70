"""The watch learns from the journal, raises what a table says, and wakes nobody for leaving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from worlds import DAY, at, give_back, line_of, nights, open_line, pay

from whiteslip import complaints, day, exits, identity, packs, purchases, watch
from whiteslip.base import Refusal
from whiteslip.complaints import Topic
from whiteslip.decisions import Tables, grounds, replay
from whiteslip.decisions.contract import checked_facts
from whiteslip.exits import Office, softer
from whiteslip.exits.model import Channel, Identity
from whiteslip.identity import Person, Vault
from whiteslip.notices import DemoPhone
from whiteslip.purchases import Purchase, Request, disputes
from whiteslip.purchases.model import Ground
from whiteslip.store import Database
from whiteslip.watch import Act, Alert, State, features, memory, rules, store
from whiteslip.watch.model import Event

TABLES = Tables.load()
OFFICE = Office(TABLES, "Test Lender")
VAULT = Vault(bytes(32))
START = datetime(2026, 1, 15, 4, tzinfo=UTC)


def buys(
    db: Database,
    line: UUID,
    amount_minor: int,
    now: datetime,
    shop: str = "bookshop",
    category: str = "books",
) -> UUID:
    with db.transaction() as tx:
        (done,) = purchases.authorise(
            tx, TABLES, [Request(line, shop, amount_minor, 1, category)], "shop", now
        )
    assert isinstance(done, Purchase), done
    with db.transaction() as tx:
        purchases.capture(tx, [purchases.Capture(done.id, amount_minor)], "shop", now)
    return done.id


def follow(db: Database, now: datetime) -> None:
    day.run_watch(db, day.Ports(OFFICE, VAULT, DemoPhone(db)), now)


def alerts(db: Database) -> list[Alert]:
    with db.transaction() as tx:
        return store.alerts(tx)


def quiet_months(db: Database, line: UUID) -> datetime:
    """A small purchase every third day for two months; returns the noon after."""
    for step in range(0, 60, 3):
        buys(db, line, 4_000 + 150 * (step % 7), at(DAY + timedelta(days=step)))
    return at(DAY + timedelta(days=60))


def bust_out(db: Database, line: UUID, now: datetime) -> datetime:
    """Nine tenths of the limit within hours."""
    for step in range(6):
        buys(db, line, 150_000, now + timedelta(hours=step), f"jeweller-{step}", "jewellery")
    return now + timedelta(hours=6)


def texts(db: Database) -> list[tuple[UUID, str]]:
    with db.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT line, memory::text AS memory FROM watch.memory ORDER BY line"
        ).fetchall()
    return [(row["line"], row["memory"]) for row in rows]


def test_memories_made_again_from_the_first_row_are_the_same_to_the_bit(db: Database):
    first, second = open_line(db), open_line(db)
    now = quiet_months(db, first)
    follow(db, now)
    paid = pay(db, first, 20_000, DAY + timedelta(days=61))
    nights(db, DAY + timedelta(days=50), DAY + timedelta(days=52))
    give_back(db, paid, DAY + timedelta(days=63))
    with db.transaction() as tx:
        person = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
        identity.enrol(tx, VAULT, line_of(db, second).customer, person, "test", now)
    buys(db, second, 10_000, now)
    follow(db, now + timedelta(days=4))
    before = texts(db)
    assert {line for line, _ in before} == {first, second}
    with db.transaction() as tx:
        assert watch.rebuild(tx)[1] == []
        tx.conn.execute("UPDATE watch.memory SET memory = '{}' WHERE line = %s", (first,))
        tx.conn.execute("DELETE FROM watch.memory WHERE line = %s", (second,))
    with db.transaction() as tx:
        assert watch.rebuild(tx, write=True)[1] == sorted([first, second])
    assert texts(db) == before


def test_a_bust_out_is_told_within_the_hours_it_takes_with_reasons_that_replay(db: Database):
    line = open_line(db)
    now = quiet_months(db, line)
    follow(db, now)
    assert alerts(db) == [], "a quiet life wakes nobody"
    follow(db, bust_out(db, line, now))
    found = alerts(db)
    assert [each for each in found if each.rule == "bust_out"]
    alert = next(each for each in found if each.rule == "bust_out")
    assert (alert.act, alert.tells, alert.state) == (Act.STOP, "fraud", State.OPEN)
    assert alert.reasons == ("velocity_high", "new_shops", "utilisation_jump")
    shown = {each.name: each for each in alert.shown}
    usual = shown["bought_24h_minor"].usual
    assert usual is not None
    assert shown["bought_24h_minor"].value > 10 * usual
    assert not line_of(db, line).locks, "an alert does nothing by itself"
    with db.transaction() as tx:
        assert replay(tx).differences == ()


def test_a_rule_is_quiet_for_its_cool_down_and_an_old_journal_wakes_nobody(db: Database):
    line = open_line(db)
    end = bust_out(db, line, quiet_months(db, line))
    follow(db, end + timedelta(days=3))
    assert alerts(db) == [], "it is read for the first time, days later"
    other = open_line(db)
    now = quiet_months(db, other)
    follow(db, bust_out(db, other, now))
    fired = [each.rule for each in alerts(db)]
    assert fired.count("bust_out") == 1
    assert len(fired) == len(set(fired)), "no rule twice within its cool-down"


def test_an_alert_is_acknowledged_then_labelled_and_what_is_false_too_often_only_asks_to_watch(db: Database):
    line = open_line(db)
    now = quiet_months(db, line)
    follow(db, bust_out(db, line, now))
    alert = next(each for each in alerts(db) if each.rule == "bust_out")
    with db.transaction() as tx:
        early = watch.label(tx, alert.id, False, "desk", now)
        assert isinstance(early, Refusal)
        assert early.code == "alert.not_acknowledged"
        watch.acknowledge(tx, alert.id, "desk", now)
        done = watch.label(tx, alert.id, False, "desk", now)
        assert isinstance(done, Alert)
        assert (done.state, done.label) == (State.LABELLED, False)
        assert [each.id for each in store.labelled(tx)] == [alert.id]
        for copy in range(10):
            tx.conn.execute(
                "INSERT INTO watch.alert SELECT (json_populate_record(a, json_build_object("
                "'id', gen_random_uuid(), 'reference', 'AL-' || %s))).* "
                "FROM watch.alert AS a WHERE a.id = %s",
                (copy, alert.id),
            )
    other = open_line(db)
    follow(db, bust_out(db, other, quiet_months(db, other)))
    demoted = next(each for each in alerts(db) if each.line == other and each.rule == "bust_out")
    assert (demoted.act, demoted.demoted) == (Act.WATCH, True)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 100))
def test_a_budget_of_false_alarms_needs_labels_and_is_a_share_of_them(
    labelled: int, wrong: int, percent: int
):
    wrong = min(wrong, labelled)
    over = rules.is_over_budget(labelled, wrong, percent)
    assert over == (labelled >= 10 and wrong > labelled * percent / 100)


def test_leaving_pausing_disputing_and_complaining_move_nothing(db: Database):
    line = open_line(db)
    now = quiet_months(db, line)
    bought = buys(db, line, 12_000, now)
    follow(db, now)
    before = texts(db)
    customer = line_of(db, line).customer
    with db.transaction() as tx:
        person = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
        identity.enrol(tx, VAULT, customer, person, "test", now)
        done = (
            disputes.dispute(tx, bought, 9_000, Ground.NOT_RECEIVED, "customer", now),
            complaints.file(
                tx, VAULT, packs.load("cn"), "Test", customer, Topic.FEE, "portal", "customer", now
            ),
            softer.pause(tx, line, "customer", now),
            exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", now, Identity.PENDING),
        )
    assert not [each for each in done if isinstance(each, Refusal)]
    follow(db, now)
    assert texts(db) == before


def test_no_kind_and_no_fact_of_the_watch_is_about_leaving_or_complaining():
    assert not grounds.forbidden(TABLES["watch-monitor"].contract.facts)
    assert not grounds.forbidden(kind.replace(".", "_") for kind in memory.KINDS)
    parts = {kind.partition(".")[0] for kind in memory.KINDS}
    assert parts == {"line", "identity", "purchase", "bill", "payment"}


events = st.lists(
    st.tuples(
        st.sampled_from(sorted(memory.KINDS)),
        st.integers(0, 10**12),
        st.integers(0, 90 * 86_400),
        st.sampled_from(["", "books", "jewellery", "travel"]),
        st.integers(0, 40),
        st.booleans(),
    ),
    max_size=60,
)


def history(drawn: Sequence[tuple[str, int, int, str, int, bool]]) -> list[Event]:
    now, made = START, list[Event]()
    for seq, (kind, amount, wait, category, shop, is_night) in enumerate(drawn, 1):
        now += timedelta(seconds=wait)
        made.append(Event(seq, now, kind, amount, amount * 3, category, f"shop-{shop}", is_night))
    return made


@given(events)
def test_any_history_gives_facts_that_the_table_takes_and_a_memory_of_bounded_size(
    drawn: Sequence[tuple[str, int, int, str, int, bool]],
):
    held = memory.Memory()
    for event in history(drawn):
        memory.learn(held, event)
        memory.learn(held, event)  # twice is once
    contract = TABLES["watch-monitor"].contract
    facts = features.facts(held)
    assert checked_facts("watch-monitor", contract, facts) == facts
    assert len(held.shops) <= 12
    assert len(held.categories) <= 16
    again = msgspec.json.decode(msgspec.json.encode(held), type=memory.Memory)
    assert again == held, "what is stored is what was held"


def test_the_divergence_of_the_same_mix_is_nothing_and_of_another_is_all():
    same = [memory.Share(1.0, 10.0), memory.Share(2.0, 20.0)]
    assert features.divergence(same) == 0.0
    assert abs(features.divergence([memory.Share(1.0, 0.0), memory.Share(0.0, 1.0)]) - 1.0) < 1e-12


def as_of(happened: Sequence[Event]) -> dict[str, object]:
    held = memory.Memory()
    for event in happened:
        memory.learn(held, event)
    return features.facts(held)


def with_other_sums(happened: Sequence[Event], amount: int, balance: int) -> list[Event]:
    """The same history; bills leave out what is disputed, and the limit was cut by whoever left."""
    kinds = {"bill.issued", "line.limit_changed"}
    return [
        replace(event, amount_minor=amount, balance_minor=balance) if event.kind in kinds else event
        for event in happened
    ]


@given(events, st.integers(0, 10**12), st.integers(0, 10**12))
def test_what_scores_may_read_is_moved_by_no_bill_and_no_limit(
    drawn: Sequence[tuple[str, int, int, str, int, bool]], amount: int, balance: int
):
    happened = history(drawn)
    first, other = as_of(happened), as_of(with_other_sums(happened, amount, balance))
    assert [first[name] for name in features.SCORED] == [other[name] for name in features.SCORED]


def test_who_lowers_the_limit_uses_no_more_of_it():
    before = [
        ("line.opened", 1_000_000, 0, "", 0, False),
        ("purchase.authorised", 500_000, 86_400, "books", 1, False),
    ]
    lowered = ("line.limit_changed", 200_000, 0, "", 0, False)
    after = ("purchase.authorised", 5_000, 3_600, "books", 1, False)
    assert as_of(history([*before, lowered, after])) == as_of(history([*before, after]))


def test_what_scores_may_not_read_is_what_bills_and_limits_move():
    day = 86_400
    happened = history([
        ("line.opened", 1_000_000, 0, "", 0, False),
        ("purchase.authorised", 100_000, day, "books", 1, False),
        ("bill.issued", 100_000, 3 * day, "", 0, False),
        ("payment.received", 9_000, 5 * day, "", 0, False),
        ("line.limit_changed", 1_000_000, 5 * day, "", 0, False),
        ("bill.issued", 100_000, 20 * day, "", 0, False),
        ("purchase.authorised", 5_000, 3_600, "books", 1, False),
    ])  # fmt: skip
    first, other = as_of(happened), as_of(with_other_sums(happened, 9_000, 9_000))
    assert {name for name in first if first[name] != other[name]} == set(first) - set(features.SCORED)
