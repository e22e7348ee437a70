"""What each side says of a dispute, with its papers: kept in the vault, read by who decides. None commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from whiteslip import lines, packs
from whiteslip.base import Refusal, new_id
from whiteslip.identity import Vault
from whiteslip.identity.documents import keep
from whiteslip.identity.papers import made_safe
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Outcome
from whiteslip.store import Entry, Tx, load_queries

KIND: Final = "dispute"
_queries = load_queries(__file__)


class Side(StrEnum):
    """Who says it."""

    CUSTOMER = "customer"
    SHOP = "shop"


@dataclass(frozen=True, slots=True)
class Statement:
    """What one side says of a dispute, or a paper of theirs: ``document`` is in the vault."""

    id: UUID
    dispute: UUID
    side: Side
    document: UUID
    media_type: str
    kept_by: str
    kept_at: datetime


def take_words(
    tx: Tx, vault: Vault, dispute_id: UUID, side: Side, words: str, actor: str, now: datetime
) -> Statement | Refusal:
    """Write down what a side says. Refusals: ``dispute.not_found``, ``dispute.resolved``, ``document.empty``,
    ``identity.not_found``.
    """
    said = words.strip().encode()
    return _taken(tx, vault, dispute_id, side, ("text/plain", said), actor, now)


def take_paper(
    tx: Tx, vault: Vault, dispute_id: UUID, side: Side, content: bytes, actor: str, now: datetime
) -> Statement | Refusal:
    """Take a paper of a side, made safe. Refusals: those of :func:`take_words` and of ``made_safe``."""
    found = purchases_store.dispute(tx, dispute_id)
    line = lines.get_line(tx, found.line) if found else None
    if line is None or isinstance(line, Refusal):
        return Refusal("dispute.not_found")
    paper = made_safe(content, packs.load(line.pack).count("evidence.most_kilobytes"))
    if isinstance(paper, Refusal):
        return paper
    return _taken(tx, vault, dispute_id, side, (paper.media_type, paper.content), actor, now)


def _taken(
    tx: Tx, vault: Vault, dispute_id: UUID, side: Side, said: tuple[str, bytes], actor: str, now: datetime
) -> Statement | Refusal:
    found = purchases_store.dispute(tx, dispute_id)
    line = lines.get_line(tx, found.line, lock=True) if found else None
    if found is None or line is None or isinstance(line, Refusal):
        return Refusal("dispute.not_found")
    if found.outcome is not Outcome.OPEN:
        return Refusal("dispute.resolved")
    media_type, content = said
    if not content:
        return Refusal("document.empty")
    until = now + timedelta(days=366 * packs.load(line.pack).years("retention.transactions_years"))
    kept = keep(tx, vault, line.customer, KIND, media_type, content, until, actor, now)
    if isinstance(kept, Refusal):
        return kept
    new = Statement(new_id(now), found.id, side, kept, media_type, actor, now)
    _queries.add_dispute_statement(
        tx.conn,
        id=new.id,
        dispute=new.dispute,
        side=new.side,
        document=new.document,
        media_type=new.media_type,
        kept_by=new.kept_by,
        kept_at=new.kept_at,
    )
    data = {"dispute": found.id, "side": side, "document": kept}
    tx.record(Entry(now, "dispute.statement_kept", "line", line.id, actor, data))
    return new


def of_dispute(tx: Tx, dispute: UUID) -> list[Statement]:
    """What was said, in order."""
    return [msgspec.convert(row, Statement) for row in _queries.dispute_statements(tx.conn, dispute=dispute)]
