"""Walks, cases and labelled alarms of people who leave, for tests of what is made of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from whiteslip import decisions, exits, insight
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.exits.model import Channel, Identity
from whiteslip.insight import Journey, Step
from whiteslip.store import Database, Entry, Tx
from whiteslip.watch import features, memory

TABLES = Tables.load()


def walks(db: Database, now: datetime, through: int = 30, stuck: int = 12) -> None:
    """Some close; the others go away from the page that asks who they are. A page takes 30 seconds."""
    with db.transaction() as tx:
        for n in range(through + stuck):
            steps = (Step.CHOOSE, Step.IDENTITY, Step.CHECK, Step.DONE)[: 2 if n < stuck else 4]
            for place, step in enumerate(steps):
                insight.see(tx, Journey.LEAVE, step, f"walk {n}", "cn", now + timedelta(seconds=30 * place))


def alarms(db: Database, now: datetime) -> None:
    """60 labelled alarms of the rule "rush": half are false, and those are barely over its bound."""
    held = memory.Memory(at=now.timestamp(), limit_minor=1_000_000, owed_minor=10_000)
    usual = features.facts(held)
    with db.transaction() as tx:
        for n in range(60):
            false = n % 4 in (0, 1)
            facts = usual | {"velocity_1h_z_centi": 510 + n if false else 900 + n}
            _labelled(tx, "rush", facts, not false, now + timedelta(seconds=n))


def unlike(db: Database, now: datetime) -> None:
    """60 labelled alarms of a rule that looks at no use of the limit; those of idle lines are false."""
    usual = features.facts(memory.Memory(at=now.timestamp(), limit_minor=1_000_000, owed_minor=10_000))
    with db.transaction() as tx:
        for n in range(60):
            false = n % 4 in (0, 1)
            facts = usual | {"returned_60d_centi": 200, "utilisation_bps": 300 if false else 4_000}
            _labelled(tx, "returned_twice", facts, not false, now + timedelta(minutes=5, seconds=n))


def _labelled(tx: Tx, rule: str, facts: dict[str, object], right: bool, when: datetime) -> None:
    line, alert = uuid4(), uuid4()
    kept = decisions.decide(tx, TABLES, "watch-monitor", line, facts, when)
    assert kept.outcome["rule"] == rule
    data = {"alert": alert, "rule": rule}
    tx.record(Entry(when, "alert.raised", "line", line, "system", data))
    tx.record(Entry(when, "alert.labelled", "line", line, "staff", data | {"right": right}))


def cases(db: Database, now: datetime) -> None:
    """120 cases, 24 of them without a reason: one by the act, the others after its likeness."""
    with db.transaction() as tx:
        first = tx.conn.execute("SELECT id FROM lines.v_line ORDER BY id LIMIT 1").fetchone()
        assert first
        exits.request(
            tx, Office(TABLES, "Test"), first["id"], Channel.PORTAL, "customer", now, Identity.VERIFIED
        )
        tx.conn.execute(
            """
            INSERT INTO exits.exit (id, reference, line, customer, kind, channel, reason, state, why, since,
                identity, requested_at, closed_at, plan)
            SELECT gen_random_uuid(), 'EX-' || l.id, l.id, l.customer, 'close', 'portal',
                (ARRAY['too_expensive', 'no_longer_needed', NULL, 'bad_service', 'too_expensive'])
                    [1 + mod(row_number() OVER (ORDER BY l.id), 5)],
                'clearing', 'payment_not_cleared', %(at)s, 'verified', %(at)s, NULL, e.plan
            FROM lines.v_line AS l CROSS JOIN exits.exit AS e WHERE l.id <> e.line ORDER BY l.id LIMIT 119
            """,
            {"at": now},
        )
