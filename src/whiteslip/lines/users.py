"""Others who may draw on a line: add them, remove them, find them. None commits.

What names them is in the identity vault under their own id; here is who and since when. They draw on
the customer's line and owe nothing themselves, so every lock of the line holds them too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from whiteslip.base import Refusal
from whiteslip.base.ids import NO_ID
from whiteslip.lines.acts import get_line
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class AuthorisedUser:
    """Somebody besides the customer who may draw on a line, until ``removed_at``."""

    id: UUID
    line: UUID
    language: str
    added_at: datetime
    removed_at: datetime | None = None


def add_user(
    tx: Tx, line_id: UUID, user: UUID, language: str, actor: str, now: datetime
) -> AuthorisedUser | Refusal:
    """Let somebody draw, who has been put into the vault under the id ``user``.

    Refusals: ``line.not_found``, ``line.not_active``.
    """
    line = get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    if line.lifecycle is not Lifecycle.ACTIVE:
        return Refusal("line.not_active", {"lifecycle": line.lifecycle})
    _queries.add_user(tx.conn, id=user, line=line.id, language=language, now=now)
    tx.record(Entry(now, "line.user_added", "line", line.id, actor, {"user": user}))
    return AuthorisedUser(user, line.id, language, now)


def remove_user(tx: Tx, user_id: UUID, actor: str, now: datetime) -> AuthorisedUser | Refusal:
    """Stop somebody from drawing. Removing twice changes nothing. Refusal: ``user.not_found``."""
    row = _queries.one_user(tx.conn, id=user_id)
    if row is None:
        return Refusal("user.not_found")
    get_line(tx, row["line"], lock=True)
    if _queries.remove_user(tx.conn, id=user_id, now=now):
        tx.record(Entry(now, "line.user_removed", "line", row["line"], actor, {"user": user_id}))
    return AuthorisedUser(**_queries.one_user(tx.conn, id=user_id))


def users_of(tx: Tx, line: UUID, after: UUID | None = None, count: int | None = None) -> list[AuthorisedUser]:
    """Who may draw on a line besides the customer, or could, in the order they were added: those with ids
    above ``after``, all or up to ``count``.
    """
    rows = _queries.users_of_line(tx.conn, line=line, after=after or NO_ID, count=count)
    return [AuthorisedUser(**row) for row in rows]


def may_draw(tx: Tx, users: Iterable[UUID]) -> dict[UUID, UUID]:
    """The line of each who may draw at present; others are absent."""
    return {row["id"]: row["line"] for row in _queries.active_users(tx.conn, ids=list(users))}


def customers_among(tx: Tx, people: Iterable[UUID]) -> list[UUID]:
    """Those of some people of the vault who have an agreement of their own, always in one query."""
    return [row["id"] for row in _queries.are_customers(tx.conn, ids=list(people))]
