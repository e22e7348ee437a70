"""Timers: what happens when one falls due. The clock is an argument, so a test clock drives it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from whiteslip import bureau, exits, identity, notices
from whiteslip.base import Refusal
from whiteslip.day.model import Ports
from whiteslip.identity import Vault
from whiteslip.notices import Addressee
from whiteslip.store import Database, Tx
from whiteslip.store.timers import Timer, finish_timer, pop_timer, retry_timer


def run_one(database: Database, ports: Ports, now: datetime) -> bool:
    """Pop the timer that is longest due and do what it asks for; False when none is due.

    The timer stays locked until its work has committed: a crash in between leaves it due.
    """
    with database.transaction() as tx:
        timer = pop_timer(tx, now)
        if timer is None:
            return False
        again = HANDLERS[timer.kind](database, tx, ports, timer, now)
        if again:
            retry_timer(tx, timer, again)
        else:
            finish_timer(tx, timer, now)
    return True


def run_due(database: Database, ports: Ports, now: datetime) -> int:
    """Run every timer that is due at ``now``; returns how many."""
    done = 0
    while run_one(database, ports, now):
        done += 1
    return done


def addressee(tx: Tx, vault: Vault, recipient: UUID) -> Addressee:
    """Whom a letter goes to. Raises LookupError for somebody the vault does not know."""
    person = identity.peek(tx, vault, recipient)
    if isinstance(person, Refusal):
        raise LookupError(f"the vault does not know {recipient}")
    return Addressee(person.full_name, person.email, person.phone)


def _exit_deadline(_database: Database, tx: Tx, ports: Ports, timer: Timer, now: datetime) -> datetime | None:
    """The deadline that the step has set, if any, is a timer of its own."""
    finish_timer(tx, timer, now)
    exits.advance(tx, ports.office, timer.subject, now)
    return None


def _notice_send(database: Database, _tx: Tx, ports: Ports, timer: Timer, now: datetime) -> datetime | None:
    """Sending is not undone by a rollback, so it keeps its own transactions; see ``notices``."""
    return notices.deliver(
        database, timer.subject, ports.mailer, lambda tx, who: addressee(tx, ports.vault, who), now
    )


def _objection_due(
    _database: Database, tx: Tx, _ports: Ports, timer: Timer, now: datetime
) -> datetime | None:
    bureau.unanswered(tx, timer.subject, now)
    return None


Handler = Callable[[Database, Tx, Ports, Timer, datetime], datetime | None]
HANDLERS: Final[dict[str, Handler]] = {
    "bureau.objection_due": _objection_due,
    "exit.deadline": _exit_deadline,
    "notice.send": _notice_send,
}
