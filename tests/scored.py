"""Behaviour models for tests, and a book that they score."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace
from worlds import DAY, TIMEZONE, at, nights, open_lines, pay

from whiteslip import purchases
from whiteslip.base import add_months, end_of_day
from whiteslip.decisions import Tables, champions
from whiteslip.decisions.scoring import Fact, Model, Part, Scale, Tree
from whiteslip.decisions.signing import sign
from whiteslip.decisions.stability import SCORE, Spread
from whiteslip.exits import Office
from whiteslip.purchases import Capture, Request
from whiteslip.store import Database, Tx
from whiteslip.watch import nightly

TABLES = Tables.load()
OFFICE = Office(TABLES, "Test Lender")
KEY = Ed25519PrivateKey.generate()
FACTS = [
    Fact("months_late_1", "months past due", "months", "past_due_recently", -2, 99),
    Fact("billed_1", "owed", "minor units", "balance_high", -1e12, 1e12),
    Fact("paid_1", "paid", "minor units", "payments_low", 0, 1e12),
]
CARD = Model(
    name="behaviour",
    kind="scorecard",
    target="does not pay",
    horizon_months=6,
    facts=FACTS,
    columns=["months_late_1", "billed_1", "paid_1"],
    parts=[
        Part("months_late_1", [1, 2], [220, 120, 60]),
        Part("billed_1", [10_000, 90_000], [210, 190, 170]),
        Part("paid_1", [100], [190, 210]),
    ],
    scale=Scale(600, 20.0, 40),
    reference={
        SCORE: Spread([0.05], [0.9, 0.1, 0.0]),
        "months_late_1": Spread([1.0], [0.9, 0.1, 0.0]),
    },
)
TREES = Model(
    name="behaviour",
    kind="trees",
    target="does not pay",
    facts=FACTS[:1],
    columns=["months_late_1"],
    bias=-2.0,
    trees=[Tree([0, -1, -1], [0.5, 0, 0], [1, -1, -1], [2, -1, -1], [True, False, False], [0.0, -0.5, 2.0])],
)


def serve(tx: Tx, champion: Model, challenger: Model | None = None, now: datetime = at(DAY)) -> None:
    champions.enter(tx, sign(champion, KEY), KEY.public_key(), "lab", now)
    champions.propose(tx, champion.name, champion.version, "one", now)
    champions.promote(tx, champion.name, champion.version, "two", now)
    if challenger:
        champions.enter(tx, sign(challenger, KEY), KEY.public_key(), "lab", now)


def score_night(db: Database, on: date) -> int:
    """The two stages of a night as the night runs them; returns how many lines were scored."""
    now, done, after = end_of_day(on, TIMEZONE), 0, None
    while True:
        with db.transaction() as tx:
            count, after = nightly.score_page(tx, on, now, after)
        done += count
        if after is None:
            break
    with db.transaction() as tx:
        nightly.measure_shift(tx, TABLES, on, now)
    return done


def bought(db: Database, line: UUID, amount_minor: int, day: date, instalments: int = 1) -> UUID:
    with db.transaction() as tx:
        (held,) = purchases.authorise(
            tx, TABLES, [Request(line, "shop", amount_minor, instalments)], "shop", at(day)
        )
        assert isinstance(held, purchases.Purchase), held
        purchases.capture(tx, [Capture(held.id, amount_minor)], "shop", at(day))
    return held.id


def scored_book(db: Database, last: date) -> list[UUID]:
    """Forty lines; some never bought, some stopped paying. Champion and challenger score each statement."""
    book = open_lines(db, 40, statement_day=5)
    for n, line in enumerate(book):
        if n % 5:
            bought(db, line, 24_000 + 6_000 * (n % 7), DAY, 6)
    card = replace(CARD, reference=REFERENCE, training={"unseen": {"auc": 0.781}})
    with db.transaction() as tx:
        serve(tx, card, TREES)
    month = date(2026, 2, 5)
    while month <= last:
        nights(db, month, month)
        score_night(db, month)
        for n, line in enumerate(book):
            if n % 5 and n % 4:
                pay(db, line, 4_000 + 1_000 * (n % 7), month + timedelta(days=9))
        month = add_months(month, 1)
    score_night(db, last)
    return book


REFERENCE = {
    SCORE: Spread([0.002, 0.01, 0.05, 0.3], [0.3, 0.3, 0.2, 0.15, 0.05, 0.0]),
    "months_late_1": Spread([-1.0, 1.0, 2.0], [0.2, 0.6, 0.15, 0.05, 0.0]),
    "billed_1": Spread([10_000.0, 90_000.0], [0.4, 0.5, 0.1, 0.0]),
    "paid_1": Spread([100.0], [0.4, 0.6, 0.0]),
}
