"""The night judges offers and reports a month; a proposal becomes a draft like any other, and no more."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from leavers import alarms, walks
from pypdf import PdfReader
from worlds import DAY, TIMEZONE, at, buy, nights, open_lines, pay

from whiteslip import day, exits, insight
from whiteslip.base import Refusal, end_of_day
from whiteslip.decisions import Tables, policies
from whiteslip.decisions.lifecycle import Policy, State
from whiteslip.exits import Office, offering, softer
from whiteslip.exits.model import Channel, Identity, Reason
from whiteslip.exits.offers import Kind, Offer
from whiteslip.identity import Vault
from whiteslip.insight import Journey, Step, Window, paper, store
from whiteslip.insight.model import ProposalKind, Report
from whiteslip.insight.registry import line_facts
from whiteslip.lines.acts import get_line
from whiteslip.notices import DemoPhone
from whiteslip.portfolio import Result
from whiteslip.store import Database

TABLES = Tables.load()
OFFICE = Office(TABLES, "Test Lender")
JANUARY = date(2026, 1, 1)
NIGHT = date(2026, 1, 31)


def figures(db: Database, name: str, window: Window) -> list[dict[str, object]]:
    with db.transaction() as tx:
        found = insight.compute(tx, None, name, window)
    assert isinstance(found, Result), found
    return found.records()


def reported(db: Database, month: date = JANUARY) -> Report:
    with db.transaction() as tx:
        found = insight.make_report(tx, TABLES, month, TIMEZONE, "system", end_of_day(NIGHT, TIMEZONE))
    assert isinstance(found, Report), found
    return found


def test_a_month_is_reported_once_and_its_proposal_becomes_a_draft_that_decides_nothing(db: Database):
    walks(db, at(DAY))
    alarms(db, at(DAY))
    with db.transaction() as tx:
        early = insight.make_report(tx, TABLES, JANUARY, TIMEZONE, "system", at(NIGHT))
    assert isinstance(early, Refusal)
    assert early.code == "insight.month_not_over"
    report = reported(db)
    stuck, rush = report.proposals
    assert (stuck.kind, stuck.about, stuck.evidence["went_away"]) == (
        ProposalKind.FRICTION,
        "leave.identity",
        12,
    )
    assert stuck.effect.value == pytest.approx(12 - 0.05 * 42)
    assert stuck.effect.low < stuck.effect.value < stuck.effect.high
    assert (rush.kind, rush.about) == (ProposalKind.THRESHOLD, "rush")
    assert rush.change
    assert (rush.change.now, rush.change.then) == ("> 500", "> 566"), "learnt on one half of the alarms"
    assert (rush.evidence["false_removed"], rush.evidence["false"]) == (14, 15), "measured on the other"
    assert rush.evidence["right_kept"] == rush.evidence["right"]
    assert rush.effect.low > 0.5
    with db.transaction() as tx:
        tx.conn.execute("DELETE FROM insight.step")
    assert reported(db) == report, "what was told stays told"
    now = at(date(2026, 2, 1))
    with db.transaction() as tx:
        assert insight.draft_proposal(tx, TABLES, JANUARY, 1, "staff:one", now) == Refusal(
            "insight.no_change"
        )
        drafted = insight.draft_proposal(tx, TABLES, JANUARY, 2, "staff:one", now)
        assert isinstance(drafted, Policy)
        assert insight.draft_proposal(tx, TABLES, JANUARY, 9, "staff:one", now) == Refusal(
            "insight.not_found"
        )
    with db.transaction() as tx:
        assert drafted.state is State.DRAFT
        assert drafted.backtest
        assert drafted.backtest["decisions"] == 60
        assert policies.active(tx, TABLES, "watch-monitor", now).version != drafted.version
        assert store.drafts(tx, JANUARY)[2].version == drafted.version
        assert policies.submit(tx, TABLES, "watch-monitor", drafted.version, "staff:one", now)
        approved = policies.approve(tx, TABLES, "watch-monitor", drafted.version, "staff:one", now)
        assert isinstance(approved, Refusal), "it takes two, as ever"


def test_walks_of_a_simulated_world_are_told_apart_and_propose_nothing(db: Database, tmp_path: Path):
    """42 walks of people and 40 of nobody, all of whom go away from the first page."""
    walks(db, at(DAY))
    with db.transaction() as tx:
        for n in range(40):
            insight.see(tx, Journey.LEAVE, Step.CHOOSE, f"nobody {n}", "cn", at(DAY), simulated=True)
    window = Window(JANUARY, NIGHT, "none", TIMEZONE)
    firsts = {row["segment"]: row for row in figures(db, "funnel", window) if row["screen"] == "1_choose"}
    assert {group: (row["walks"], row["went_away"]) for group, row in firsts.items()} == {
        "all": (42, 0),
        "demonstration": (40, 40),
    }
    by_pack = figures(db, "funnel", replace(window, segment="pack"))
    assert {row["segment"] for row in by_pack} == {"cn", "demonstration"}
    report = reported(db)
    assert [each.about for each in report.proposals] == ["leave.identity"]
    pdf = PdfReader(io.BytesIO(paper.as_pdf(report, "0" * 64, "en")))
    assert "Demo, by lot" in "".join(page.extract_text() for page in pdf.pages)


def leave(db: Database, line: UUID, now: datetime, reason: Reason | None = None) -> None:
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", now, Identity.VERIFIED)
        assert not isinstance(case, Refusal)
        if reason:
            exits.give_reason(tx, case.id, reason, "customer", now)


def test_the_night_takes_an_offer_away_that_only_delays_and_says_so(db: Database, tmp_path: Path):
    """Those shown leave after two months, those held out at once: 120 each, by rows as acts leave them."""
    shown_at = datetime(2025, 3, 1, 4, tzinfo=UTC)
    with db.transaction() as tx:
        tx.conn.execute(
            """
            INSERT INTO exits.offer (id, customer, line, offer, kind, days, why, held_out, held_out_percent,
                drawn_bps, months, shown_at)
            SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'a-month-off', 'pause', 30,
                'line_in_use', mod(n, 2) = 0, 50, 5000, 20, %(at)s
            FROM generate_series(1, 240) AS n
            """,
            {"at": shown_at},
        )
        tx.conn.execute(
            """
            INSERT INTO exits.exit (id, reference, line, customer, kind, channel, state, why, since, identity,
                requested_at, plan)
            SELECT gen_random_uuid(), 'EX-' || line, line, customer, 'close', 'portal', 'run_off',
                'debt_open', shown_at, 'verified',
                shown_at + CASE WHEN held_out THEN INTERVAL '1 hour' ELSE INTERVAL '60 days' END, '{}'
            FROM exits.offer
            """
        )
    ports = day.Ports(OFFICE, Vault(bytes(32)), DemoPhone(db))
    with db.transaction() as tx:
        assert insight.judge_offers(tx, NIGHT, TIMEZONE, end_of_day(NIGHT, TIMEZONE)) == 1
        assert insight.judge_offers(tx, NIGHT, TIMEZONE, end_of_day(NIGHT, TIMEZONE)) == 0
    (line,) = open_lines(db, 1)
    with db.transaction() as tx:
        found = get_line(tx, line)
        assert not isinstance(found, Refusal)
        own = Office(TABLES, "Test", Offer("a-month-off", Kind.PAUSE, hold_out_percent=0))
        assert offering.show(tx, own, found, "customer", at(NIGHT)) is None
        (row,) = tx.conn.execute(
            "SELECT data FROM store.v_journal WHERE kind = 'offer.switched_off'"
        ).fetchall()
    assert row["data"] == {"offer": "a-month-off", "why": "only_delays"}
    (told,) = figures(db, "offers", Window(JANUARY, NIGHT, "none", TIMEZONE))
    assert (told["verdict"], told["ended"], told["left_30_uplift"], told["left_180_uplift"]) == (
        "only_delays",
        "yes",
        -1,
        0,
    )
    assert [p.about for p in reported(db).proposals] == ["a-month-off.only_delays"]
    assert ports.lake is None


def test_what_was_done_is_counted_from_the_books(db: Database):
    """24 of 60 lines leave in March; 12 pause; what they paid afterwards is seen until September."""
    lines = open_lines(db, 60)
    march = date(2026, 3, 10)
    for n, line in enumerate(lines[:16]):
        buy(db, line, 30_000, day=march - timedelta(days=20))
        if n % 2:
            pay(db, line, 30_000, march - timedelta(days=1))
    for n, line in enumerate(lines[36:]):
        leave(db, line, at(march), Reason.TOO_EXPENSIVE if n % 2 else None)
    with db.transaction() as tx:
        for line in lines[16:28]:
            softer.pause(tx, line, "customer", at(march))
    nights(db, date(2026, 3, 5), date(2026, 3, 5))
    until = march + timedelta(days=60 + 180)
    window = Window(date(2026, 2, 1), until, "none", TIMEZONE)
    assert [(r["reason"], r["exits"]) for r in figures(db, "reasons", window)] == [
        ("not_said", 12),
        ("too_expensive", 12),
    ]
    hazard = {str(r["month"])[:7]: (r["at_risk"], r["asked"]) for r in figures(db, "hazard", window)}
    assert (hazard["2026-02"], hazard["2026-03"], hazard["2026-04"]) == ((60, 0), (60, 24), (36, 0))
    outcomes = {r["did"]: (r["lines"], r["late"]) for r in figures(db, "outcomes", window)}
    assert outcomes == {"left": (24, 0), "paused": (12, 0), "stayed": (24, 8)}, "8 bought and never paid"
    assert [(r["band"], r["lines"], r["left"]) for r in figures(db, "leavers", window)] == [
        ("unscored", 60, 24)
    ]
    (within,) = [r for r in figures(db, "rejoins", window) if r["within"] == "within_06"]
    assert (within["leavers"], within["rejoined"]) == (24, 0)
    (total,) = figures(db, "complaints", window)
    assert (total["exits"], total["complaints"]) == (24, 0)
    with db.transaction() as tx:
        rows = line_facts(tx, march - timedelta(days=1), TIMEZONE)
    assert (len(rows), sum(row["asked"] for row in rows)) == (60, 24)
    assert sum(row["purchases_3m"] for row in rows) == 16
    assert not any(str(line) in str(rows) for line in lines)
