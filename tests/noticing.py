"""Lines whose end the lender gives notice of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from worlds import DAY, at, line_of, open_line

from whiteslip import day, identity, notices, purchases
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office, terminations
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Cause, Kind, Termination
from whiteslip.identity import Person, Vault
from whiteslip.notices import DemoPhone
from whiteslip.purchases import Purchase, Request
from whiteslip.store import Database

OFFICE = Office(Tables.load(), "Test Lender")
VAULT = Vault(bytes(32))
WHY = (Cause.PRODUCT_ENDED,)
# Two months after the fifteenth of January.
ENDS = date(2026, 3, 15)

# Eighteen months in pack cn.
ASLEEP = date(2027, 7, 15)


def known(db: Database) -> UUID:
    """A line of somebody whom the vault knows, so that letters reach them."""
    line = open_line(db)
    person = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
    with db.transaction() as tx:
        identity.enrol(tx, VAULT, line_of(db, line).customer, person, "test", at(DAY))
    return line


def propose(
    db: Database,
    line: UUID,
    kind: Kind = Kind.TERMINATION,
    reasons: Sequence[Cause] = WHY,
    now: datetime = at(DAY),
) -> Termination | Refusal:
    with db.transaction() as tx:
        return terminations.propose(tx, line, kind, reasons, "staff:one", now)


def decide(
    db: Database, proposal: Termination | Refusal, approve: bool = True, actor: str = "staff:two"
) -> Termination | Refusal:
    assert isinstance(proposal, Termination), proposal
    with db.transaction() as tx:
        return terminations.decide(tx, OFFICE, proposal.id, approve, actor, proposal.proposed_at)


def noticed(db: Database, line: UUID, kind: Kind = Kind.TERMINATION, now: datetime = at(DAY)) -> UUID:
    """Notice that was proposed and approved; the case's id."""
    done = decide(db, propose(db, line, kind, now=now))
    assert isinstance(done, Termination), done
    assert done.exit
    return done.exit


def case_of(db: Database, exit_id: UUID) -> Exit:
    with db.transaction() as tx:
        found = exits_store.find(tx, exit_id)
    assert found
    return found


def letters(db: Database, exit_id: UUID) -> list[str]:
    with db.transaction() as tx:
        return [notice.kind for notice in notices.of_subject(tx, exit_id)]


def time_goes_by(db: Database, now: datetime) -> None:
    day.run_due(db, day.Ports(OFFICE, VAULT, DemoPhone(db)), now)


def draws(db: Database, line: UUID, now: datetime) -> bool:
    with db.transaction() as tx:
        (done,) = purchases.authorise(tx, OFFICE.tables, [Request(line, "shop", 100)], "shop", now)
        if isinstance(done, Purchase):
            purchases.release(tx, done.id, "shop", now)
    return isinstance(done, Purchase)
