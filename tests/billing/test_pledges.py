"""A plan is pledged to one facility at a time, and the customer feels nothing of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from worlds import DAY, at, buy, offences, open_line, quote

from whiteslip.base import Refusal
from whiteslip.billing import pledges
from whiteslip.store import Database
from whiteslip.store.database import journal_of

NOON = at(DAY)


def plans_of(db: Database, line: UUID) -> list[UUID]:
    with db.transaction() as tx:
        rows = tx.conn.execute("SELECT id FROM billing.plan WHERE line = %s ORDER BY id", (line,)).fetchall()
    return [row["id"] for row in rows]


def pledged(db: Database, plans: list[UUID]) -> list[tuple[UUID, UUID, bool]]:
    """Plan, facility and whether the pledge stands, as rooms above read it."""
    with db.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT plan, facility, until IS NULL AS stands FROM billing.v_pledge"
            " WHERE plan = ANY(%s) ORDER BY since",
            (plans,),
        ).fetchall()
    return [(row["plan"], row["facility"], row["stands"]) for row in rows]


def test_a_plan_is_pledged_to_one_facility_until_that_lets_it_go(db: Database):
    line, warehouse, trust = open_line(db), uuid4(), uuid4()
    buy(db, line, 30_000, 3)
    buy(db, line, 10_000)
    before = quote(db, line, DAY)
    both = plans_of(db, line)
    with db.transaction() as tx:
        assert pledges.pledge(tx, both[:1], warehouse, "treasury", NOON) == 1
        assert pledges.pledge(tx, both[:1], warehouse, "treasury", NOON) == 0, "twice is once"
        assert pledges.pledge(tx, both, trust, "treasury", NOON) == Refusal("plan.pledged", {"plans": 1})
        assert pledges.release(tx, both, trust, "treasury", NOON) == 0, "it never had them"
    assert pledged(db, both) == [(both[0], warehouse, True)], "all or none"
    later = NOON + timedelta(days=1)
    with db.transaction() as tx:
        assert pledges.release(tx, both, warehouse, "treasury", later) == 1
        assert pledges.pledge(tx, both, trust, "treasury", later) == 2
        entries = journal_of(tx, [line])
    assert pledged(db, both)[0] == (both[0], warehouse, False), "what was stays known"
    assert sorted(pledged(db, both)[1:]) == sorted((plan, trust, True) for plan in both)
    kinds = [entry["kind"] for entry in entries if entry["kind"].startswith("plan.")]
    assert kinds == ["plan.pledged", "plan.pledge_released", "plan.pledged", "plan.pledged"]
    assert quote(db, line, DAY) == before
    assert offences(db) == []


def test_a_plan_that_does_not_exist_is_not_pledged(db: Database):
    with db.transaction() as tx:
        assert pledges.pledge(tx, [uuid4()], uuid4(), "treasury", NOON) == Refusal("plan.not_found")
