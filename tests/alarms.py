"""An alert in a database, without waiting for one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip import decisions
from whiteslip.base import new_id
from whiteslip.decisions import Tables
from whiteslip.store import Database
from whiteslip.watch import Act, Alert, features, memory, store

TABLES = Tables.load()


def raised(db: Database, line: UUID, now: datetime, rule: str = "bust_out", act: Act = Act.STOP) -> Alert:
    """An alert of a line, with a decision that is kept."""
    held = memory.Memory(at=now.timestamp(), limit_minor=1_000_000, owed_minor=930_000)
    held.daily = memory.Usual(mean=9.0, spread=0.4, count=40, z=7.5)
    held.day_sum, held.month_sum = 810_000.0, 845_000.0
    with db.transaction() as tx:
        decision = decisions.decide(tx, TABLES, "watch-monitor", line, features.facts(held), now)
        alert = Alert(
            id=new_id(now),
            reference=f"AL-{rule[:4].upper()}-01",
            line=line,
            seq=1,
            rule=rule,
            reasons=("velocity_high", "utilisation_jump"),
            act=act,
            feature=None,
            tells="fraud",
            demoted=False,
            decision=decision.id,
            shown=features.shown(held),
            happened_at=now,
            raised_at=now,
        )
        store.add_alert(tx, alert)
    return alert
