"""One neutral alternative on the choice page: to whom, once, with why, and never counted as a save."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from worlds import DAY, TERMS, TIMEZONE, at, buy, line_of, night, open_line

from whiteslip.decisions import Tables
from whiteslip.exits import Office, softer
from whiteslip.exits.offering import Shown, answer, show, switch_off
from whiteslip.exits.offers import Kind, Offer, OfferError, is_held_out, read_offer, reason_to_show
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Database
from whiteslip.store.database import journal_of

TABLES = Tables.load()
NOW = at(DAY)
PAUSE = Offer("a-month-off", Kind.PAUSE, hold_out_percent=0)
HELP = Offer("help", Kind.HARDSHIP_HELP, hold_out_percent=0)
NOBODY = UUID(int=0)
LINE = Line(
    NOBODY,
    NOBODY,
    "cn",
    "CNY",
    TIMEZONE,
    TERMS,
    "1",
    1_000,
    5,
    Lifecycle.ACTIVE,
    DAY,
    None,
    NOBODY,
    NOBODY,
    NOBODY,
    NOBODY,
)


def sees(db: Database, line: UUID, offer: Offer | None = PAUSE, now: datetime = NOW) -> Shown | None:
    with db.transaction() as tx:
        return show(tx, Office(TABLES, "Test Lender", offer), line_of(db, line), "customer", now)


def answers(db: Database, line: UUID, chosen: bool, now: datetime = NOW) -> Shown | None:
    with db.transaction() as tx:
        return answer(tx, line_of(db, line), chosen, "customer", now)


def told(db: Database, line: UUID) -> list[tuple[str, Any]]:
    with db.transaction() as tx:
        rows = journal_of(tx, [line])
    return [(row["kind"], row["data"]) for row in rows if row["kind"].startswith("offer.")]


def outcomes(db: Database) -> list[bool | None]:
    with db.transaction() as tx:
        rows = tx.conn.execute("SELECT chosen FROM exits.v_offer ORDER BY shown_at").fetchall()
    return [row["chosen"] for row in rows]


def test_without_a_file_nothing_is_offered_and_nothing_is_noted(db: Database):
    line = open_line(db)
    assert sees(db, line, None) is None
    assert told(db, line) == []


def test_an_offer_is_noted_once_with_why_and_not_repeated_within_its_window(db: Database):
    line = open_line(db)
    first = sees(db, line)
    assert first
    assert sees(db, line, now=NOW + timedelta(minutes=29)) == first, "a reload is the same look"
    for days in (1, 200, 364):
        assert sees(db, line, now=NOW + timedelta(days=days)) is None
    ((kind, data),) = told(db, line)
    assert (kind, data["offer"], data["why"]) == ("offer.shown", "a-month-off", "line_in_use")
    assert sees(db, line, now=NOW + timedelta(days=365))
    assert len(told(db, line)) == 2


def test_who_passes_it_over_is_not_asked_again_and_who_goes_away_is_not_counted_as_kept(db: Database):
    leaver, silent, taker = open_line(db), open_line(db), open_line(db)
    for line in (leaver, silent, taker):
        assert sees(db, line)
    answers(db, leaver, False)
    answers(db, taker, True)
    answers(db, taker, False)
    assert sees(db, leaver) is None
    assert sees(db, taker), "who goes back from it finds it where it was"
    assert sorted(map(str, outcomes(db))) == ["False", "None", "True"]
    assert [kind for kind, _ in told(db, leaver)] == ["offer.shown", "offer.passed_over"]
    assert [kind for kind, _ in told(db, silent)] == ["offer.shown"]
    assert [kind for kind, _ in told(db, taker)] == ["offer.shown", "offer.chosen"]


def test_an_answer_where_nothing_was_shown_is_none(db: Database):
    line, late = open_line(db), open_line(db)
    assert answers(db, line, True) is None
    assert sees(db, late)
    assert answers(db, late, True, NOW + timedelta(hours=1)) is None
    assert told(db, line) == []


def test_who_is_past_due_is_offered_help_only_and_others_are_not_asked_about_it(db: Database):
    late, well = open_line(db), open_line(db)
    buy(db, late, 50_000)
    night(db, date(2026, 2, 5))
    then = NOW + timedelta(days=90)
    assert sees(db, late, PAUSE, then) is None
    assert sees(db, late, Offer("less", Kind.LOWER_LIMIT, hold_out_percent=0), then) is None
    helped = sees(db, late, HELP, then)
    assert helped
    assert helped.why == "past_due"
    assert sees(db, well, HELP) is None


def test_a_paused_line_is_offered_no_pause(db: Database):
    line = open_line(db)
    with db.transaction() as tx:
        softer.pause(tx, line, "customer", NOW)
    assert sees(db, line) is None


@given(
    kind=st.sampled_from(Kind),
    days_past_due=st.integers(0, 400),
    forborne=st.booleans(),
    drawn=st.integers(0, 2_000),
    lifecycle=st.sampled_from(Lifecycle),
)
def test_nobody_in_difficulty_sees_anything_but_help(
    kind: Kind, days_past_due: int, forborne: bool, drawn: int, lifecycle: Lifecycle
):
    line = replace(LINE, principal_minor=drawn, lifecycle=lifecycle)
    why = reason_to_show(Offer("any", kind), line, days_past_due, forborne)
    if days_past_due or forborne:
        assert why is None or (kind is Kind.HARDSHIP_HELP and days_past_due)
    if lifecycle is not Lifecycle.ACTIVE:
        assert why is None


@pytest.mark.parametrize(
    "text",
    [
        'id = "gift"\nkind = "voucher"',
        'id = "again"\nkind = "pause"\nwindow_days = 1',
        'id = "long"\nkind = "pause"\ndays = 400',
        'id = "loud"\nkind = "pause"\nwords = "Stay!"',
        'id = "nobody-held-out"\nkind = "pause"\nhold_out_percent = 0',
        'kind = "pause"',
        "id =",
    ],
)
def test_a_file_that_offers_money_words_or_repetition_is_refused(tmp_path: Path, text: str):
    file = tmp_path / "offer.toml"
    file.write_text(text)
    with pytest.raises(OfferError, match=r"offer\.toml cannot be used"):
        read_offer(file)


def test_a_file_says_what_is_offered(tmp_path: Path):
    file = tmp_path / "offer.toml"
    file.write_text('id = "a-month-off"\nkind = "pause"\n')
    assert read_offer(file) == replace_percent(PAUSE, 20)


def replace_percent(offer: Offer, percent: int) -> Offer:
    return structs.replace(offer, hold_out_percent=percent)


def test_by_lot_some_see_nothing_are_noted_and_leave_like_everybody(db: Database):
    halved = replace_percent(PAUSE, 50)
    lines = [open_line(db) for _ in range(24)]
    seen = [sees(db, line, halved) for line in lines]
    for again in (seen, [sees(db, line, halved) for line in lines]):
        assert [bool(each) for each in again] == [
            not is_held_out(halved, line_of(db, line).customer) for line in lines
        ]
    held = lines[[bool(each) for each in seen].index(False)]
    assert [kind for kind, _ in told(db, held)] == ["offer.held_out"], "once, however often they look"
    assert answers(db, held, False) is None
    assert len([line for line in lines if told(db, line)[0][0] == "offer.shown"]) == sum(map(bool, seen))


@given(st.integers(10, 50))
def test_the_lot_is_the_same_for_one_customer_and_close_to_its_share(percent: int):
    offer = replace_percent(PAUSE, percent)
    customers = [UUID(int=n) for n in range(2_000)]
    drawn = [is_held_out(offer, customer) for customer in customers]
    assert drawn == [is_held_out(offer, customer) for customer in customers]
    assert abs(sum(drawn) / 2_000 - percent / 100) < 0.05


def test_an_offer_that_was_switched_off_is_shown_to_nobody_under_that_name(db: Database):
    line, other = open_line(db), open_line(db)
    with db.transaction() as tx:
        assert switch_off(tx, PAUSE.id, "only_delays", "system", NOW)
        assert not switch_off(tx, PAUSE.id, "only_delays", "system", NOW), "twice changes nothing"
    assert sees(db, line) is None
    assert told(db, line) == []
    assert sees(db, other, structs.replace(PAUSE, id="another-try"))
