"""Rows and the model."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from whiteslip.applications.model import Application, Asked, Fact, Outcome, Review, Source, State
from whiteslip.decisions.scoring import Model, decoded, encoded
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row, columns_of

_queries = load_queries(__file__)


def _application(row: Row) -> Application:
    return msgspec.convert(row, Application)


def _row(new: Application) -> Row:
    row = columns_of(new)
    return row | {"reasons": list(new.reasons)}


def add(tx: Tx, new: Application, asked: Asked) -> None:
    """Store an application with its facts."""
    _queries.add_application(tx.conn, **_row(new))
    values = asked.values
    _queries.add_facts(
        tx.conn,
        application=new.id,
        names=list(values),
        values=list(values.values()),
        sources=[asked.source(name).value for name in values],
        now=new.applied_at,
    )


def save(tx: Tx, application: Application) -> None:
    """Store what became of it."""
    _queries.save(tx.conn, **_row(application))


def get(tx: Tx, application: UUID, lock: bool = False) -> Application | None:
    """An application."""
    if lock:
        _queries.lock_application(tx.conn, id=application)
    row = _queries.application(tx.conn, id=application)
    return _application(row) if row else None


def by_reference(tx: Tx, reference: str) -> Application | None:
    """An application by what it is called on letters."""
    found = _queries.id_of_reference(tx.conn, reference=reference)
    return get(tx, found) if found else None


def of_customer(tx: Tx, customer: UUID) -> list[Application]:
    """Somebody's applications, newest first."""
    return [_application(row) for row in _queries.of_customer(tx.conn, customer=customer)]


def open_of_customer(tx: Tx, customer: UUID) -> Application | None:
    """The one that waits for them or for the desk."""
    found = _queries.open_of_customer(tx.conn, customer=customer)
    return get(tx, found) if found else None


def recent(tx: Tx, state: State | None, count: int, before: UUID | None = None) -> list[Application]:
    """Applications, newest first."""
    return [_application(row) for row in _queries.recent(tx.conn, state=state, count=count, before=before)]


def waiting(tx: Tx, count: int) -> list[Application]:
    """What waits for a person, the nearest deadline first."""
    return [_application(row) for row in _queries.waiting(tx.conn, count=count)]


def counts(tx: Tx) -> dict[State, int]:
    """How many applications stand in each state."""
    return {State(row["state"]): row["count"] for row in _queries.counts(tx.conn)}


def facts(tx: Tx, application: UUID) -> list[Fact]:
    """The facts given, with their sources."""
    return [msgspec.convert(row, Fact) for row in _queries.facts(tx.conn, application=application)]


def asked(tx: Tx, application: UUID) -> Asked:
    """The facts as they were given."""
    found = facts(tx, application)
    values = {fact.name: fact.value for fact in found}
    return Asked(**values, sources={fact.name: Source(fact.source) for fact in found})


def keep_scorecard(tx: Tx, card: Model) -> str:
    """Keep a scorecard's version with its content, and return it."""
    version = card.version
    _queries.keep_scorecard(tx.conn, version=version, content=encoded(card))
    return version


def scorecard(tx: Tx, version: str) -> Model:
    """A scorecard as it was. Raises LookupError for a version that scored nobody."""
    content = _queries.scorecard(tx.conn, version=version)
    if content is None:
        raise LookupError(f"no scorecard {version} was used")
    return decoded(bytes(content))


def add_review(tx: Tx, review: Review) -> None:
    """Store a review that was asked for."""
    _queries.add_review(
        tx.conn,
        id=review.id,
        application=review.application,
        note=review.note,
        requested_at=review.requested_at,
        due_at=review.due_at,
    )


def reviews(tx: Tx, application: UUID) -> list[Review]:
    """The reviews of an application, oldest first."""
    return [msgspec.convert(row, Review) for row in _queries.reviews(tx.conn, application=application)]


def decide_review(
    tx: Tx, application: UUID, outcome: Outcome, why: str | None, actor: str, now: datetime
) -> None:
    """Write how the open review ended, if there is one."""
    _queries.decide_review(tx.conn, application=application, outcome=outcome, why=why, actor=actor, now=now)
