"""A crowd large enough to be told about: 400 lines, and all that figures of leaving tell apart.

What people do is planted, so that it can be found again: who has long bought nothing leaves, those with a
high score are late, an offer to pause keeps some. Rows are those that acts leave, written in bulk.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID, uuid4

from scored import KEY
from worlds import TERMS, at, buy, nights, pay

from whiteslip import lines
from whiteslip.base import new_id
from whiteslip.decisions import champions
from whiteslip.decisions.scoring import Fact, Model, Part
from whiteslip.decisions.signing import sign
from whiteslip.insight.model import OTHER_WAYS, SCREENS, Journey, Step
from whiteslip.lines import Customer
from whiteslip.lines.acts import open_house
from whiteslip.lines.model import Agreement, NewLine
from whiteslip.store import Database, Entry, Tx

FIRST: Final = date(2025, 1, 10)
SINCE: Final = date(2025, 2, 1)
UNTIL: Final = date(2025, 12, 31)
_LINES: Final = {"cn": 280, "hk": 120}
# What somebody did in these days is what "outcomes" tells of.
_START: Final = UNTIL - timedelta(days=270)
_REASONS: Final = ("too_expensive", "no_longer_needed", "bad_service", None)


def crowd(db: Database) -> None:
    """Fill a database."""
    dice = Random(11)
    with db.transaction() as tx:
        known = _open(tx)
        _ask(tx, known, dice)
        _complain(tx, dice)
        _score(tx, [line for line, _, _ in known], dice)
        _soften(tx, [line for line, _, _ in known], dice)
        _offer(tx, known, dice)
        _walk(tx, dice)
        serve(tx, leaving_model(), at(FIRST))
    _owe(db, [line for line, _, _ in known])


def serve(tx: Tx, model: Model, now: datetime) -> None:
    """Make a model the champion of its name."""
    champions.enter(tx, sign(model, KEY), KEY.public_key(), "lab", now)
    champions.propose(tx, model.name, model.version, "one", now)
    champions.promote(tx, model.name, model.version, "two", now)


def leaving_model() -> Model:
    """Idle lines leave, lines in use do not."""
    facts = [
        Fact("months_idle", "months since the last purchase", "months", "inactive", 0, 1_200),
        Fact("limit_minor", "limit", "minor units", "limit", 0, 1e12),
        Fact("purchases_12m", "purchases in a year", "purchases", "purchases_few", 0, 1e6),
    ]
    return Model(
        name="leaving",
        kind="additive",
        target="asks to leave within thirty days",
        facts=facts,
        columns=[fact.name for fact in facts],
        bias=-3.0,
        parts=[
            Part("months_idle", [3.0, 9.0], [0.0, 0.4, 1.1]),
            Part("limit_minor", [500_000.0], [0.3, 0.0]),
            Part("purchases_12m", [1.0, 3.0], [0.9, 0.2, 0.0]),
        ],
    )


def _open(tx: Tx) -> list[tuple[UUID, UUID, str]]:
    """(line, customer, pack) of everybody, opened over two months."""
    found = list[tuple[UUID, UUID, str]]()
    now = at(FIRST)
    open_house(tx, "CNY")
    for pack, count in _LINES.items():
        people = [Customer(new_id(now), None, "en", now) for _ in range(count)]
        opened = [
            NewLine(new_id(now), p.id, 300_000 if n % 3 else 900_000, 5, FIRST + timedelta(days=n % 60))
            for n, p in enumerate(people)
        ]
        lines.open_customers(tx, people, now)
        agreement = Agreement(pack, "CNY", "Asia/Shanghai", TERMS)
        lines.open_lines(tx, agreement, opened, "test", now)
        found += [(new.id, new.customer, pack) for new in opened]
    return found


def _ask(tx: Tx, known: list[tuple[UUID, UUID, str]], dice: Random) -> None:
    """A third asks to leave; some change their mind, some close, and of those some come back."""
    leavers = dice.sample(known, 140)
    back = list[NewLine]()
    for n, (line, customer, _) in enumerate(leavers):
        asked = at(SINCE + timedelta(days=dice.randrange(333)))
        state = dice.choices(("run_off", "closed", "cancelled", "lapsed", "clearing"), (3, 8, 1, 1, 2))[0]
        kind = dice.choices(("close", "withdraw", "termination"), (8, 2, 1))[0]
        closed = asked + timedelta(days=dice.randrange(1, 20)) if state == "closed" else None
        tx.conn.execute(
            """
            INSERT INTO exits.exit (id, reference, line, customer, kind, channel, reason, state, why, since,
                identity, requested_at, confirmed_at, closed_at, plan)
            VALUES (%s, %s, %s, %s, %s, 'portal', %s, %s, 'test', %s, 'verified', %s, %s, %s, '{}')
            """,
            (
                uuid4(),
                f"EX-{n}",
                line,
                customer,
                kind,
                dice.choice(_REASONS),
                state,
                asked,
                asked,
                asked,
                closed,
            ),
        )
        if closed:
            tx.conn.execute(
                "UPDATE lines.line SET lifecycle = 'closed', closed_on = %s WHERE id = %s",
                (closed.date(), line),
            )
            if n % 4 == 0:
                opened = closed.date() + timedelta(days=dice.randrange(0, 200))
                back.append(NewLine(new_id(at(FIRST)), customer, 300_000, 5, opened))
    lines.open_lines(tx, Agreement("cn", "CNY", "Asia/Shanghai", TERMS), back, "test", at(FIRST))


def _complain(tx: Tx, dice: Random) -> None:
    asked = tx.conn.execute("SELECT customer, requested_at FROM exits.exit ORDER BY reference").fetchall()
    for n, row in enumerate(asked * 2):
        if dice.random() < 0.4:
            filed = row["requested_at"] + timedelta(days=dice.randrange(-20, 120))
            topic = dice.choices(("closing", "fee", "identity"), (5, 4, 1))[0]
            tx.conn.execute(
                """
                INSERT INTO complaints.complaint
                    (id, reference, customer, pack, topic, channel, filed_at, due_at, extensions)
                VALUES (%s, %s, %s, 'cn', %s, 'portal', %s, %s, 0)
                """,
                (uuid4(), f"CP-{n}", row["customer"], topic, filed, filed + timedelta(days=15)),
            )


def _score(tx: Tx, found: list[UUID], dice: Random) -> None:
    """Behaviour scores of most, twice: the newer one counts."""
    for n, line in enumerate(found):
        for day in (FIRST + timedelta(days=20), FIRST + timedelta(days=50)) if n % 10 else ():
            tx.conn.execute(
                """
                INSERT INTO decisions.score
                    (id, name, version, role, subject, facts, probability, points, reasons, at)
                VALUES (%s, 'behaviour', 'v', 'champion', %s, '{}', %s, NULL, '{}', %s)
                """,
                (uuid4(), line, dice.randrange(1, 999) / 1_000, at(day)),
            )


def _soften(tx: Tx, known: list[UUID], dice: Random) -> None:
    """Of those who stay some lower their limit, some pause."""
    gone = {row["line"] for row in tx.conn.execute("SELECT line FROM exits.exit").fetchall()}
    found = dice.sample(known, len(known))
    found = [line for line in found if line not in gone]
    for n, line in enumerate(found[:70]):
        when = at(_START + timedelta(days=dice.randrange(-5, 100)))
        if n % 2:
            data = {"from_minor": 300_000, "to_minor": 100_000 if n % 7 else 400_000}
            actor = "customer" if n % 5 else "staff:ann"
            tx.record(Entry(when, "line.limit_changed", "line", line, actor, data))
        else:
            tx.conn.execute(
                """
                INSERT INTO lines.lock (id, line, kind, party, ground, reason, set_at, began_at)
                VALUES (%s, %s, 'customer', 'customer', 'general', 'customer_request', %s, %s)
                """,
                (uuid4(), line, when, when),
            )


def _offer(tx: Tx, known: list[tuple[UUID, UUID, str]], dice: Random) -> None:
    """Two offers, to people who look at the way out; the second to too few to be told of."""
    rows = tx.conn.execute("SELECT line, requested_at FROM exits.exit").fetchall()
    asked = {row["line"]: row["requested_at"] for row in rows}
    for n, (line, customer, _) in enumerate(dice.sample(known, 260)):
        shown = at(SINCE + timedelta(days=dice.randrange(200)))
        if line in asked:
            shown = asked[line] - timedelta(days=dice.choice((0, 1, 20, 50, 100)))
        tx.conn.execute(
            """
            INSERT INTO exits.offer (id, customer, line, offer, kind, days, why, held_out, held_out_percent,
                drawn_bps, months, shown_at)
            VALUES (%s, %s, %s, %s, 'pause', 30, 'line_in_use', %s, 50, %s, %s, %s)
            """,
            (
                UUID(int=dice.getrandbits(128)), customer, line, "a-month-off" if n < 245 else "another",
                dice.random() < 0.5, dice.randrange(10_000), dice.randrange(24), shown,
            ),
        )  # fmt: skip
    tx.conn.execute("INSERT INTO exits.offer_end VALUES ('another', 'no_effect', 'system', %s)", (at(UNTIL),))


def _walk(tx: Tx, dice: Random) -> None:
    """500 walks: through, stuck, or another way; a step after the other, some at the same second."""
    for n in range(500):
        journey = dice.choices(list(Journey), (8, 2, 1))[0]
        when = at(SINCE + timedelta(days=dice.randrange(330))) + timedelta(minutes=dice.randrange(600))
        screens = SCREENS[journey]
        steps = list(screens[: dice.randrange(1, len(screens) + 1)])
        if len(steps) > 2 and dice.random() < 0.3:
            steps.remove(Step.IDENTITY)
        ways = [None, Step.DONE, Step.DONE, Step.DONE, dice.choice(OTHER_WAYS)]
        end = dice.choice(ways)
        for step in [*steps, *([end] if end else [])]:
            tx.conn.execute(
                "INSERT INTO insight.step (walk, step, journey, pack, at) VALUES (%s, %s, %s, %s, %s)",
                (n.to_bytes(4), step, journey, "cn" if n % 3 else "hk", when),
            )
            when += timedelta(seconds=dice.choice((0, 4, 20, 45, 90, 240)))


def _owe(db: Database, found: list[UUID]) -> None:
    """Thirty who still may buy, in April; some pay in time, some late, some never."""
    with db.transaction() as tx:
        rows = tx.conn.execute("SELECT id FROM lines.line WHERE lifecycle = 'active'").fetchall()
    active, bought = {row["id"] for row in rows}, date(2025, 6, 20)
    buyers = [line for line in found if line in active][:36]
    for line in buyers:
        buy(db, line, 30_000, 1, bought)
    nights(db, date(2025, 7, 5), date(2025, 7, 5))
    for n, line in enumerate(buyers):
        if n % 3:
            pay(db, line, 30_000, date(2025, 7, 20) if n % 3 == 1 else date(2025, 9, 20))


def idlers(db: Database) -> tuple[date, date]:
    """400 lines; half bought long ago, half buy every month. In a month idle ones ask to leave ten times as
    often, and so in the month after. Returns the days before those two months.
    """
    dice, day = Random(5), date(2025, 9, 30)
    plans, exits = list[tuple[object, ...]](), list[tuple[object, ...]]()
    with db.transaction() as tx:
        now = at(FIRST)
        open_house(tx, "CNY")
        people = [Customer(new_id(now), None, "en", now) for _ in range(400)]
        opened = [NewLine(new_id(now), p.id, 300_000, 5, FIRST) for p in people]
        lines.open_customers(tx, people, now)
        lines.open_lines(tx, Agreement("cn", "CNY", "Asia/Shanghai", TERMS), opened, "test", now)
        for n, line in enumerate(opened):
            last = day + timedelta(days=29) if n % 2 else day - timedelta(days=100 + dice.randrange(120))
            plans += [
                (uuid4(), line.id, uuid4(), last - timedelta(days=25 * earlier)) for earlier in range(5)
            ]
            month = next((m for m in (0, 1) if dice.random() < (0.05 if n % 2 else 0.5)), None)
            if month is not None:
                asked = at(day + timedelta(days=30 * month + dice.randrange(1, 30)))
                exits.append((uuid4(), f"EX-{n}", line.id, line.customer, asked, asked))
        cursor = tx.conn.cursor()
        cursor.executemany(
            """
            INSERT INTO billing.plan (id, line, purchase, kind, principal_minor, instalments, opened_on,
                apr_bps, monthly_fee_bps)
            VALUES (%s, %s, %s, 'purchase', 5000, 1, %s, 0, 0)
            """,
            plans,
        )
        cursor.executemany(
            """
            INSERT INTO exits.exit (id, reference, line, customer, kind, channel, state, why, since, identity,
                requested_at, plan)
            VALUES (%s, %s, %s, %s, 'close', 'portal', 'run_off', 'test', %s, 'verified', %s, '{}')
            """,
            exits,
        )
    return day, day + timedelta(days=30)
