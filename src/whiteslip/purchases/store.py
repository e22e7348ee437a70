"""Rows of purchases to and from the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.rows import tuple_row

from whiteslip import ledger
from whiteslip.base import new_id
from whiteslip.base.ids import NO_ID
from whiteslip.ledger import Account
from whiteslip.lines import Line
from whiteslip.lines.acts import locks_of, terms_of
from whiteslip.lines.model import Terms
from whiteslip.purchases.model import (
    Activity,
    Bears,
    Credential,
    Dispute,
    Ground,
    Merchant,
    Outcome,
    Purchase,
    RefundPromise,
    Standing,
    State,
    Why,
)
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row, columns_of

_queries = load_queries(__file__)
# How the view marks a part that the lender locked.
_ISSUERS: Final = "issuer:"
_EVER: Final = datetime.min.replace(tzinfo=UTC)


def merchants(tx: Tx, keys: Iterable[str], currency: str, now: datetime) -> dict[str, Merchant]:
    """Shops by key; those that are new are opened with a payable account."""
    wanted = sorted(set(keys))
    found = _merchants(tx, wanted, currency)
    for key in wanted:
        if key not in found:
            account = Account(new_id(now), "merchant.payable", new_id(now), currency)
            ledger.open_accounts(tx, [account])
            _queries.add_merchant(tx.conn, id=account.owner, key=key, currency=currency, payable=account.id)
    return found if len(found) == len(wanted) else _merchants(tx, wanted, currency)


def _merchants(tx: Tx, keys: list[str], currency: str) -> dict[str, Merchant]:
    rows = _queries.merchants(tx.conn, keys=keys, currency=currency)
    return {row["key"]: Merchant(**row) for row in rows}


def standings(tx: Tx, lines: Sequence[UUID], since: datetime) -> list[Standing | None]:
    """Each line as an authorisation sees it, in the order asked; None for one that is unknown.

    ``recent`` counts from ``since``. Rows are tuples in binary, for this is read for each purchase.
    """
    with tx.conn.cursor(row_factory=tuple_row, binary=True) as cursor:
        rows = cursor.execute(_queries.standings.sql, {"lines": lines, "since": since}).fetchall()
    terms = terms_of(tx, {row[3] for row in rows if row[0]})
    return [_standing(row, terms) if row[0] else None for row in rows]


def _standing(row: tuple[Any, ...], terms: Mapping[str, Terms]) -> Standing:
    line, currency, timezone, version, lifecycle, limit, principal, room, locks, oldest, recent, pack = row
    kinds, parts = locks_of([text.removeprefix(_ISSUERS) for text in locks] if locks else None)
    issuers = [text.removeprefix(_ISSUERS) for text in locks or () if text.startswith(_ISSUERS)]
    return Standing(
        line,
        currency,
        timezone,
        terms[version],
        lifecycle,
        limit,
        principal,
        room,
        kinds,
        parts,
        locks_of(issuers)[1],
        oldest,
        recent,
        pack,
    )


def add(tx: Tx, purchases: Sequence[Purchase], now: datetime, expires_at: datetime) -> None:
    """Store purchases just authorised. Raises LookupError, storing none, for a shop that nobody opened."""
    if not purchases:
        return
    added = _queries.add(
        tx.conn,
        now=now,
        expires_at=expires_at,
        id=[p.id for p in purchases],
        line=[p.line for p in purchases],
        merchant=[p.merchant for p in purchases],
        instalments=[p.instalments for p in purchases],
        category=[p.category for p in purchases],
        cash=[p.cash for p in purchases],
        strong=[p.strong for p in purchases],
        amount=[p.authorised_minor for p in purchases],
        hold=[p.hold for p in purchases],
        buyer=[p.buyer for p in purchases],
        shops=list({p.merchant for p in purchases}),
    )
    if added != len(purchases):
        raise LookupError("a purchase names a shop that was never opened")


def made_between(tx: Tx, line: UUID, since: datetime, until: datetime) -> list[Row]:
    """What a line was used for: id, shop, category, cash, instalments, authorised_at."""
    return list(_queries.made_between(tx.conn, line=line, since=since, until=until))


def store_credentials(tx: Tx, pairs: Sequence[tuple[UUID, UUID]], now: datetime) -> None:
    """Note that shops keep lines on file: pairs of line and shop."""
    if pairs:
        _queries.store_credentials(
            tx.conn, line=[line for line, _ in pairs], merchant=[shop for _, shop in pairs], now=now
        )


def count_declined(tx: Tx, line: UUID, merchant: UUID, code: str, now: datetime) -> None:
    """Note that a shop which keeps a line on file tried in vain."""
    _queries.count_declined(tx.conn, line=line, merchant=merchant, code=code, now=now)


def credentials(tx: Tx, line: UUID) -> list[Credential]:
    """Shops that keep a line on file, the last used first."""
    return [Credential(**row) for row in _queries.credentials(tx.conn, line=line)]


def credentials_by_shop(tx: Tx, line: UUID, after: str, count: int) -> list[Credential]:
    """Up to ``count`` shops that keep a line on file whose keys come after ``after``."""
    rows = _queries.credentials_by_shop(tx.conn, line=line, after=after, count=count)
    return [Credential(**row) for row in rows]


def add_captured(tx: Tx, merchant_id: UUID, purchases: Sequence[Purchase]) -> None:
    """Store purchases taken over from another system, captured whole."""
    if purchases:
        _queries.add_captured(
            tx.conn,
            merchant=merchant_id,
            id=[p.id for p in purchases],
            line=[p.line for p in purchases],
            instalments=[p.instalments for p in purchases],
            amount=[p.captured_minor for p in purchases],
            at=[p.authorised_at for p in purchases],
        )


def lines_of(tx: Tx, purchases: Sequence[UUID]) -> dict[UUID, UUID]:
    """The line of each purchase; unknown ids are absent."""
    rows = _queries.lines_of(tx.conn, ids=list(purchases))
    return {row["id"]: row["line"] for row in rows}


def _purchase(row: Row) -> Purchase:
    state: Row = {"state": State(row["state"])}
    return Purchase(**(row | state))


class Held(dict[UUID, tuple[Line, Purchase]]):
    """Locked purchases with their lines, and the accounts their shops are paid by."""

    def __init__(self, both: dict[UUID, tuple[Line, Purchase]], payables: dict[UUID, UUID]) -> None:
        super().__init__(both)
        self._payables = payables

    def payable(self, purchase: Purchase) -> UUID:
        """The payable account of the purchase's shop."""
        return self._payables[purchase.merchant]


def held(tx: Tx, ids: Sequence[UUID], lines: dict[UUID, Line]) -> Held:
    """Lock purchases, in id order, whose lines are locked already."""
    rows = list(_queries.purchases(tx.conn, ids=list(ids)))
    payables = {row["merchant"]: row.pop("payable") for row in rows}
    found = [_purchase(row) for row in rows]
    return Held({purchase.id: (lines[purchase.line], purchase) for purchase in found}, payables)


def save(tx: Tx, purchases: Sequence[Purchase]) -> None:
    """Write purchases' amounts and states back."""
    if purchases:
        _queries.save(
            tx.conn,
            id=[p.id for p in purchases],
            captured_minor=[p.captured_minor for p in purchases],
            refunded_minor=[p.refunded_minor for p in purchases],
            hold=[p.hold for p in purchases],
            held_minor=[p.held_minor for p in purchases],
            state=[p.state for p in purchases],
        )


def of_line(tx: Tx, line: UUID) -> list[Purchase]:
    """A line's purchases, oldest first."""
    return [_purchase(row) for row in _queries.of_line(tx.conn, line=line)]


def page(tx: Tx, line: UUID, after: Purchase | None, count: int) -> list[Purchase]:
    """Up to ``count`` of a line's purchases that follow ``after``, oldest first."""
    at, last = (after.authorised_at, after.id) if after else (_EVER, NO_ID)
    return [_purchase(row) for row in _queries.page(tx.conn, line=line, at=at, after=last, count=count)]


def find(tx: Tx, purchase_id: UUID) -> Purchase | None:
    """A purchase by id, not locked."""
    row = _queries.one(tx.conn, id=purchase_id)
    return _purchase(row) if row else None


def shops_of_line(tx: Tx, line: UUID) -> list[str]:
    """Keys of the twenty shops that a line bought at last, the latest first."""
    return [row["key"] for row in _queries.shops(tx.conn, line=line)]


def expired(tx: Tx, now: datetime, count: int) -> list[UUID]:
    """Purchases whose hold has run out."""
    return [row["id"] for row in _queries.expired(tx.conn, now=now, count=count)]


def activity(tx: Tx, line: UUID, now: datetime) -> Activity:
    """How the line was used: the last 30 days against the 150 days before them."""
    row = _queries.activity(
        tx.conn, line=line, recent=now - timedelta(days=30), before=now - timedelta(days=180)
    )
    return Activity(**row)


def payable_of(tx: Tx, merchant: UUID) -> UUID:
    """The payable account of a shop."""
    return _queries.payable(tx.conn, id=merchant)


def add_dispute(tx: Tx, opened: Dispute) -> None:
    """Store a dispute that was just opened."""
    row = columns_of(opened)
    _queries.add_dispute(tx.conn, **row)


def resolve_dispute(tx: Tx, done: Dispute) -> None:
    """Write how a dispute ended."""
    _queries.resolve_dispute(
        tx.conn,
        id=done.id,
        outcome=done.outcome,
        now=done.resolved_at,
        why=done.why,
        bears=done.bears,
    )


def dispute(tx: Tx, dispute_id: UUID) -> Dispute | None:
    """A dispute by id."""
    row = _queries.dispute(tx.conn, id=dispute_id)
    return _dispute(row) if row else None


def disputes_of_line(
    tx: Tx, line: UUID, after: UUID | None = None, count: int | None = None
) -> list[Dispute]:
    """A line's disputes, oldest first: those with ids above ``after``, all or up to ``count``."""
    rows = _queries.disputes(tx.conn, line=line, after=after or NO_ID, count=count)
    return [_dispute(row) for row in rows]


def open_disputes(tx: Tx, count: int) -> list[Dispute]:
    """Disputes that nobody has decided, the nearest deadline first."""
    return [_dispute(row) for row in _queries.open_disputes(tx.conn, count=count)]


def shops(tx: Tx, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Keys of shops by their ids."""
    return {row["id"]: row["key"] for row in _queries.shops_by_id(tx.conn, ids=list(ids))}


def _dispute(row: Row) -> Dispute:
    row["ground"], row["outcome"] = Ground(row["ground"]), Outcome(row["outcome"])
    row["why"] = Why(row["why"]) if row["why"] else None
    row["bears"] = Bears(row["bears"]) if row["bears"] else None
    return Dispute(**row)


def disputed_of_purchase(tx: Tx, purchase: UUID) -> int:
    """What of a purchase is disputed, or was given back after a dispute."""
    return _queries.disputed_of_purchase(tx.conn, purchase=purchase)


def suspended_minor(tx: Tx, line: UUID) -> int:
    """What of a line's debt is disputed now and so not demanded."""
    return _queries.suspended(tx.conn, line=line)


def keep_terms(tx: Tx, line: UUID, version: str) -> None:
    """Note the terms on which everything was bought that has no note yet."""
    _queries.keep_terms(tx.conn, line=line, version=version)


def add_refund_promise(tx: Tx, promised: RefundPromise) -> None:
    """Store what a shop promised."""
    _queries.add_refund_promise(tx.conn, **columns_of(promised))


def refund_promise(tx: Tx, promise_id: UUID) -> RefundPromise | None:
    """A promise by id."""
    row = _queries.refund_promise(tx.conn, id=promise_id)
    return RefundPromise(**row) if row else None


def promised_of_purchase(tx: Tx, purchase: UUID, now: datetime) -> int:
    """What of a purchase shops have promised, are not late with and have not sent."""
    return _queries.promised_of_purchase(tx.conn, purchase=purchase, now=now)
