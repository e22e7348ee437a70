"""Bases and covenants of the three examples, and of a deal with every rule, against plain SQL.

The books: eighteen lines under two laws for four months, drawn by lot from a seed, with everything that
a rule tells apart.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid4

import msgspec
import psycopg
from deals import STATED, deal
from psycopg.rows import dict_row
from worlds import at, buy, locked, nights, open_line, pay

from whiteslip import exits, funding, lines, purchases
from whiteslip.base import Refusal
from whiteslip.base.money import BASIS_POINTS, Rounding, divide
from whiteslip.billing import hardship, pledges
from whiteslip.billing.model import Relief
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.exits.model import Channel, Identity
from whiteslip.exits.withdrawal import withdraw
from whiteslip.funding import deals, rules, store
from whiteslip.funding.model import (
    Bucket,
    Concentration,
    Deal,
    LossStep,
    Position,
    Rule,
    Triggers,
    Verdict,
)
from whiteslip.lines.model import LockKind, Party, Product, Terms
from whiteslip.purchases import Capture, Purchase, Request
from whiteslip.purchases.disputes import dispute
from whiteslip.purchases.model import Ground
from whiteslip.store import Database, Tx

SQL: Final = {
    name.strip(): text.encode()
    for name, text in (
        part.split("\n", 1)
        for part in (Path(__file__).parent / "independent.sql").read_text().split("-- name: ")[1:]
    )
}
OFFICE: Final = Office(Tables.load(), "Test Lender")
TERMS: Final = Terms(
    due_days=20,
    late_fee_minor=300,
    late_fee_grace_days=3,
    products=(Product(1), Product(4), Product(6, monthly_fee_bps=60), Product(12, apr_bps=1_800)),
)
FIRST, LAST = date(2026, 1, 15), date(2026, 4, 30)
# Nights that bill, charge late fees or end a month, and some between.
NIGHTS: Final = [
    day
    for day in (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1))
    if day.day in (5, 19, 28, 29) or (day + timedelta(days=1)).day == 1
]
TRIGGERS: Final = Triggers(
    delinquency_3m_at_most_bps=900,
    annualised_loss_3m_at_most_bps=2_000,
    excess_spread_3m_at_least_bps=-5_000,
    payment_rate_at_least_bps=500,
    pool_at_least_minor=1_000_000,
    cumulative_loss=(LossStep(1, 50), LossStep(2, 300), LossStep(3, 2_000)),
)
_IN_ALL: Final = ("cumulative_loss_bps", "age_months")
STATE: Final = {
    "commitment_minor": "2000000",
    "eligibility.days_past_due_below": "15",
    "eligibility.charged_off_from_days": "45",
    "advance.seasoned_months": "1",
    "reserve_bps": "25",
    "overcollateralisation.initial_pool_minor": "1000001",
    "triggers.annualised_loss_3m_at_most_bps": "1500",
    "triggers.excess_spread_3m_at_least_bps": "0",
}


# Tight enough for each to take something of a pool.
LIMITS: Final = tuple(
    Concentration(
        by,
        bps,
        above_days=60 if by is Bucket.TERM else None,
        from_pd_bps=700 if by is Bucket.SCORE else None,
    )
    for by, bps in zip(Bucket, (2_100, 3_000, 2_500, 3_000, 4_000, 1_500, 700), strict=True)
)


def agreed() -> list[Deal]:
    """The three examples as they ship, what they require stated, and a deal with every rule and limit."""
    found: list[Deal] = []
    for name in deals.examples():
        text = deals.example(name)
        asked = {key: (STATED | STATE)[key] for key in deals.required(tomllib.loads(text))}
        found.append(deals.read(text, asked))
    every = deal(name="every-rule", currency="USD", triggers=TRIGGERS, reserve_bps=100, concentrations=LIMITS)
    strict = msgspec.structs.replace(
        every.eligibility,
        jurisdictions=("us", "uk"),
        cash_eligible=False,
        categories_excluded=("gambling",),
        instalments_at_most=11,
        rate_at_most_bps=700,
        term_days_at_most=125,
        remaining_days_at_least=5,
        balance_from_minor=25_000,
        balance_to_minor=55_000,
        forbearances_at_most=1,
        seasoned_days_at_least=6,
        set_off_at_most_minor=100,
        closed_account_eligible=False,
    )
    days = {"revolving_until": date(2026, 3, 1), "ends_on": LAST}
    return [*found, msgspec.structs.replace(every, eligibility=strict, **days)]


class World:
    """Lines that buy, pay and fall late by lot; what is bought goes to the facilities in turn."""

    def __init__(self, db: Database) -> None:
        self.db, self.dice, self.turn = db, Random(5), 0
        self.deals = agreed()
        self.lines = [
            open_line(db, terms=TERMS, day=FIRST, currency="USD", pack="eu" if n in (0, 4) else "us")
            for n in range(18)
        ]
        self.odd = {self.lines[3], self.lines[8]}
        with db.transaction() as tx:
            for n, each in enumerate(self.deals):
                funding.load(tx, each, "treasury", at(FIRST))
                stated = Position(200_000 + n * 40_000, 10_000 * n, 1_000 * n)
                funding.state_position(tx, each.name, stated, "treasury", at(FIRST))
            for line in self.lines[:12]:
                tx.conn.execute(_SCORE, (uuid4(), line, self.dice.random() / 5, at(FIRST)))

    def live(self, day: date) -> None:
        """A day: purchases at shops, payments by those who pay, and what befalls one or another."""
        for n, line in enumerate(self.lines):
            if self.dice.random() < (1.0 if day == FIRST else 0.08) and n not in (2, 3, 5, 7):
                self._shop(line, day, gambling=n == 8, cash=n == 9)
            if n % 5 and n != 3 and self.dice.random() < 0.1:
                pay(self.db, line, self.dice.randint(500, 30_000), day)
        self._befall(day)
        self._pledge(day)

    def _shop(self, line: UUID, day: date, gambling: bool, cash: bool) -> UUID | None:
        category = "gambling" if gambling else self.dice.choice(["", "food", "toys"])
        count = self.dice.choice([1, 4, 4, 6, 12])
        asked = Request(
            line, self.dice.choice("abc"), self.dice.randint(1_500, 95_000), count, category, cash
        )
        with self.db.transaction() as tx:
            (held,) = purchases.authorise(tx, OFFICE.tables, [asked], "shop", at(day))
            if not isinstance(held, Purchase):
                return None
            purchases.capture(tx, [Capture(held.id, held.authorised_minor)], "shop", at(day))
        return held.id

    def _befall(self, day: date) -> None:
        if day == FIRST:
            for n in (2, 3, 5, 7):
                buy(self.db, self.lines[n], 30_000, 1 if n == 3 else 4, day)
            buy(self.db, open_line(self.db, day=day), 30_000, 3, day)
        acts: dict[date, Callable[[Tx], Any]] = {
            FIRST + timedelta(days=1): lambda tx: withdraw(
                tx, OFFICE, self.lines[2], Channel.PORTAL, "customer", at(day)
            ),
            FIRST + timedelta(days=2): lambda tx: exits.request(
                tx, OFFICE, self.lines[3], Channel.PORTAL, "customer", at(day), Identity.VERIFIED
            ),
            date(2026, 2, 3): lambda tx: self._argue(tx, day),
            date(2026, 3, 2): lambda tx: lines.set_lock(
                tx, self.lines[4], LockKind.LEGAL, Party.AUTHORITY, "order", "court", at(day)
            ),
            date(2026, 3, 10): lambda tx: hardship.agree(
                tx, locked(tx, self.lines[10]), Relief.LONGER, "test", at(day), foreseen=True
            ),
        }
        if day in acts:
            with self.db.transaction() as tx:
                done = acts[day](tx)
            assert not isinstance(done, Refusal), done
        if day == date(2026, 4, 6):
            # Credit that nothing is billed for yet, beside what is owed.
            fresh = open_line(self.db, terms=TERMS, day=day, currency="USD", pack="us")
            self.odd.add(fresh)
            pay(self.db, fresh, 5_000, day)
            buy(self.db, fresh, 30_000, 1, day)

    def _argue(self, tx: Tx, day: date) -> Any:
        row = tx.conn.execute(
            "SELECT id, captured_minor FROM purchases.purchase WHERE line = %s ORDER BY authorised_at",
            (self.lines[6],),
        ).fetchone()
        assert row
        back = purchases.refund(tx, row["id"], 100, "shop", at(day))
        assert not isinstance(back, Refusal), back
        return dispute(tx, row["id"], 500, Ground.NOT_RECEIVED, "customer", at(day))

    def _pledge(self, day: date) -> None:
        """What nobody lends against goes to one facility after another, eligible or not."""
        with self.db.transaction() as tx:
            free = tx.conn.execute(
                "SELECT id, line, kind FROM billing.plan WHERE id NOT IN (SELECT plan FROM billing.pledge)"
                " ORDER BY opened_on, principal_minor"
            ).fetchall()
            for row in free:
                # What only the deal with every rule tells apart goes to that.
                odd = row["kind"] == "hardship" or row["line"] in self.odd
                facility = funding.facility_id(self.deals[-1 if odd else self.turn % len(self.deals)].name)
                self.turn += not odd
                pledges.pledge(tx, [row["id"]], facility, "treasury", at(day))


_SCORE: Final = """
INSERT INTO decisions.score (id, name, version, role, subject, facts, probability, reasons, at)
VALUES (%s, 'behaviour', 'v', 'champion', %s, '{}', %s, '{}', %s)
"""


Books: TypeAlias = psycopg.Connection[dict[str, Any]]


def again(books: Books, found: Deal, day: date, phase: str) -> tuple[dict[str, Any], dict[UUID, Any]]:
    """The base in SQL, and what each receivable adds with the rule that keeps it out."""
    asked = {"facility": funding.facility_id(found.name), "day": day, "phase": phase}
    proof = proof_again(books, found, day)
    row = books.execute(SQL["base"], asked).fetchone()
    books.execute(SQL["figures"], asked)
    ratios = books.execute(SQL["ratios"], asked).fetchone()
    lost = books.execute(SQL["cumulative"], asked).fetchone() or dict.fromkeys(_IN_ALL)
    assert row
    none = dict.fromkeys(("delinquency_3m_bps", "annualised_loss_3m_bps", "excess_spread_3m_bps"))
    return {**none, "payment_rate_bps": None, **row, **(ratios or {}), **lost}, proof


def proof_again(books: Books, found: Deal, day: date) -> dict[UUID, Any]:
    """The pool with what each receivable adds, in SQL."""
    books.execute("DROP TABLE IF EXISTS pool")
    books.execute(SQL["pool"], {"facility": funding.facility_id(found.name), "day": day})
    for limit in found.concentrations:
        books.execute(SQL["limit"], msgspec.structs.asdict(limit))
    rows = books.execute("SELECT plan, rule, counted_minor FROM pool").fetchall()
    return {each["plan"]: (each["rule"], 0 if each["rule"] else int(each["counted_minor"])) for each in rows}


def test_bases_proofs_and_covenants_agree_with_plain_sql_night_by_night(
    fresh_url: Callable[[], str],
):
    url = fresh_url()
    world = World(Database(url, size=2))
    with closing(world.db), Books.connect(url, autocommit=True, row_factory=dict_row) as books:
        books.execute(SQL["nights"])
        seen = _live(world, books)
    # The books had something for the rules to tell apart, and every ratio was told.
    assert seen.pop("limits") == {1, 2, 3, 4, 5, 6, 7}
    assert seen.pop("rates") == {8_500, 9_000, 10_000}
    kept_out = {rule for found in seen.values() for rule in found}
    missing = set(Rule) - kept_out
    assert missing == {Rule.PLEDGED_ELSEWHERE, Rule.ESTATE}


def _live(world: World, books: Books) -> dict[str, set[Any]]:
    """Every day of the books; on its nights all is compared. What was seen, by facility."""
    seen: dict[str, set[Any]] = {each.name: set() for each in world.deals} | {"limits": set(), "rates": set()}
    for step in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=step)
        world.live(day)
        if day in NIGHTS:
            nights(world.db, day, day)
            _compare(books, world, day, seen)
    return seen


def _compare(books: Books, world: World, day: date, seen: dict[str, set[Any]]) -> None:
    with world.db.transaction() as tx:
        funding.run_night(tx, day, at(day, 23))
        statements = [funding.statement(tx, each.name) for each in world.deals]
        kept = [store.proof(tx, funding.facility_id(each.name), day) for each in world.deals]
    for found, told, packed in zip(world.deals, statements, kept, strict=True):
        assert not isinstance(told, Refusal)
        assert packed
        proof = msgspec.json.decode(packed[1], type=list[Verdict])
        figures, second = again(books, found, day, told.base.phase)
        assert second == {v.receivable.plan: (v.rule, v.counted_minor) for v in proof}, (found.name, day)
        for name, value in figures.items():
            ours = getattr(told.base, name, None)
            ours = getattr(told.performance, name, None) if ours is None else ours
            assert value == ours, (found.name, day, name)
        if told.pledged_minor:
            lost = divide(max(0, told.lost_minor) * BASIS_POINTS, told.pledged_minor, Rounding.UP)
            assert lost == figures["cumulative_loss_bps"], "what a stress run goes on from"
        asked = figures | {"facility": funding.facility_id(found.name), "day": day}
        tests = [tuple(row.values()) for row in books.execute(SQL["tests"], asked).fetchall()]
        assert tests == sorted((c.test.value, c.actual, c.limit, c.headroom) for c in told.covenants)
        seen[found.name] |= {v.rule for v in proof if v.rule}
        if found.name == "affrm-2024-b":
            tight = msgspec.structs.replace(found, concentrations=LIMITS)
            pool = [v.receivable for v in proof]
            limited = rules.prove(tight, funding.facility_id(found.name), pool, day)
            ours = {v.receivable.plan: (v.rule, v.counted_minor) for v in limited}
            assert proof_again(books, tight, day) == ours, day
            seen["limits"] |= {number for v in limited for number, _ in v.excess}
        seen["rates"].add(told.base.advance_bps)
        if day == LAST:
            assert None not in (told.performance.delinquency_3m_bps, told.performance.payment_rate_bps)
