"""Debts sold: from then on the customer owes somebody else, on the same terms.

A charged-off debt, or one of a line that is being or was left, is taken out of what is owed here. What
still reaches us of it is the buyer's: money is passed on, a refund is as good as paid, and what is disputed
is bought back at face value; once the dispute is lost it may be sold again. Two people sell: the first call
proposes, the second, by somebody else and on the same terms, does it and says that the price has come in.
Where the line's pack gives its customer days of notice (``debt.sale_notice_days``) the second only agrees:
the debt passes when they are over, on the terms that were agreed, or one person calls it off before.
The acts want the line locked. None commits.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from whiteslip import ledger, lines, packs
from whiteslip.base import Refusal, new_id
from whiteslip.base.calendar import after_days
from whiteslip.base.ids import NO_ID
from whiteslip.billing import rules, store
from whiteslip.billing.booking import Booking
from whiteslip.billing.earning import accrued
from whiteslip.billing.model import Part
from whiteslip.ledger import Account, recipes
from whiteslip.lines import Line
from whiteslip.lines.acts import open_house
from whiteslip.lines.model import Lifecycle, LockGround, LockKind, Party
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)
LOCK_REASON = "debt_sold"
NOTICE = "debt.sale_notice_days"


class State(StrEnum):
    """How far a sale is."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    SOLD = "sold"


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys debts. ``pay_to`` is shown to customers; ``due_minor`` is what we owe them, negative where
    a payment went back that they have already.
    """

    id: UUID
    name: str
    pay_to: str
    currency: str
    payable: UUID
    due_minor: int = 0


@dataclass(frozen=True, slots=True)
class Sale:
    """A line's sale. ``face_minor`` was owed on ``on_day``; ``left_minor`` of it has not reached us since,
    which says nothing of what the buyer was paid directly. Where it was agreed with notice, the debt passes
    at ``passes_at``.
    """

    id: UUID
    line: UUID
    buyer: UUID
    buyer_name: str
    pay_to: str
    price_minor: int
    state: State
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    agreed_at: datetime | None
    passes_at: datetime | None
    on_day: date | None
    face_minor: int | None
    left_minor: int | None


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What of a sold debt may still reach us, and the buyer's account."""

    sale: UUID
    payable: UUID
    left_minor: int


def add_buyer(tx: Tx, name: str, pay_to: str, currency: str, actor: str, now: datetime) -> Buyer | Refusal:
    """Register who buys debts. Refusals: ``buyer.name_taken``, ``buyer.invalid`` (a field is empty)."""
    if not name.strip() or not pay_to.strip():
        return Refusal("buyer.invalid")
    made = Buyer(new_id(now), name.strip(), pay_to.strip(), currency, new_id(now))
    open_house(tx, currency)
    ledger.open_accounts(tx, [Account(made.payable, "buyer.payable", made.id, currency)])
    fields = {"name": made.name, "pay_to": made.pay_to, "currency": currency}
    if _queries.add_buyer(tx.conn, id=made.id, **fields, payable=made.payable, now=now) is None:
        return Refusal("buyer.name_taken")
    tx.record(Entry(now, "buyer.added", "buyer", made.id, actor, {"currency": currency}))
    return made


def buyers(tx: Tx) -> list[Buyer]:
    """Everybody who buys debts, by name."""
    return [Buyer(**row) for row in _queries.buyers(tx.conn)]


def remit(tx: Tx, buyer_id: UUID, on: date, actor: str, now: datetime) -> int | Refusal:
    """Send a buyer what is theirs. Returns the minor units sent; none where nothing is.

    Booked ``on`` a business day. Refusal: ``buyer.not_found``.
    """
    row = _queries.buyer(tx.conn, id=buyer_id)
    if row is None:
        return Refusal("buyer.not_found")
    buyer = Buyer(**row)
    if buyer.due_minor <= 0:
        return 0
    house = open_house(tx, buyer.currency)
    sent = recipes.remit(new_id(now), house, buyer.payable, buyer.due_minor, now)
    ledger.post(tx, [sent], on, now)
    data = {"amount_minor": buyer.due_minor, "currency": buyer.currency}
    tx.record(Entry(now, "buyer.remitted", "buyer", buyer.id, actor, data))
    return buyer.due_minor


def remit_all(tx: Tx, day: date, now: datetime) -> int:
    """The night sends every buyer what is theirs. Returns to how many."""
    due = [buyer.id for buyer in buyers(tx) if buyer.due_minor > 0]
    for buyer in due:
        remit(tx, buyer, day, "system", now)
    return len(due)


def of_line(tx: Tx, line: UUID) -> list[Sale]:
    """The sales of a line's debt, oldest first; a proposal that waits is the last."""
    return [
        Sale(**(row | {"state": State(row["state"])})) for row in _queries.sales_of_line(tx.conn, line=line)
    ]


def done(tx: Tx, line: UUID) -> list[Sale]:
    """What was sold of a line's debt, oldest first."""
    return [sale for sale in of_line(tx, line) if sale.state is State.SOLD]


def newest(tx: Tx, line: UUID) -> Sale | None:
    """The sale that is proposed, or agreed and has its days yet; else the last one of a line's debt."""
    return next(reversed(of_line(tx, line)), None)


def proposals(tx: Tx, after: UUID | None, count: int) -> list[Sale]:
    """Sales that wait for the second person, in order of the line."""
    found = [row["line"] for row in _queries.sale_proposals(tx.conn, after=after or NO_ID, count=count)]
    return [sale for sale in (newest(tx, line) for line in found) if sale]


def fault(tx: Tx, line: Line, buyer: Buyer, price_minor: int) -> Refusal | None:
    """Why a line's debt cannot be sold to ``buyer`` for that price."""
    if not line.owed_minor:
        return Refusal("sale.nothing_owed")
    if line.lifecycle not in (Lifecycle.RUN_OFF, Lifecycle.CLOSED) and not store.charged_off(tx, [line.id]):
        return Refusal("sale.not_for_sale")
    if line.held_minor:
        return Refusal("sale.purchases_held")
    if LockKind.LEGAL in line.locks:
        return Refusal("sale.legal_freeze")
    plan = store.hardship(tx, line.id)
    if plan and plan.state == "agreed":
        return Refusal("sale.hardship_kept")
    pledged = _queries.pledged_of_line(tx.conn, line=line.id)
    if pledged:
        return Refusal("sale.pledged", {"plans": pledged})
    if buyer.currency != line.currency:
        return Refusal("sale.currency_differs", {"currency": buyer.currency})
    if not 0 <= price_minor <= line.owed_minor:
        return Refusal("sale.price_invalid", {"most_minor": line.owed_minor})
    return None


def sell(tx: Tx, line: Line, buyer_id: UUID, price_minor: int, actor: str, now: datetime) -> Sale | Refusal:
    """Propose to sell the line's debt, or do it where somebody else has proposed the same.

    Other terms replace the proposal. With days of notice it is agreed, and done by :func:`conclude`. Drawing
    ends for good; a line that is closed stays so. Where everything is sold or agreed on the same terms it
    changes nothing; what a dispute brought back is sold by another sale. Refusals: ``buyer.not_found``,
    ``desk.own_proposal``, and ``sale.`` with ``agreed`` (on other terms), ``nothing_owed``, ``not_for_sale``,
    ``purchases_held``, ``legal_freeze``, ``hardship_kept``, ``pledged``, ``currency_differs``,
    ``price_invalid``.
    """
    standing = newest(tx, line.id)
    same = standing is not None and (standing.buyer, standing.price_minor) == (buyer_id, price_minor)
    if standing and standing.state is State.AGREED:
        return standing if same else Refusal("sale.agreed")
    if standing and standing.state is State.SOLD:
        if not line.owed_minor:
            return standing
        standing = None
    row = _queries.buyer(tx.conn, id=buyer_id)
    if row is None:
        return Refusal("buyer.not_found")
    buyer = Buyer(**row)
    refused = fault(tx, line, buyer, price_minor)
    if refused:
        return refused
    if standing is None or not same:
        _queries.propose_sale(
            tx.conn,
            id=standing.id if standing else new_id(now),
            line=line.id,
            buyer=buyer.id,
            price_minor=price_minor,
            actor=actor,
            now=now,
        )
        data = {"buyer": buyer.id, "owed_minor": line.owed_minor, "price_minor": price_minor}
        tx.record(Entry(now, "debt.sale_proposed", "line", line.id, actor, data))
    elif standing.proposed_by == actor:
        return Refusal("desk.own_proposal")
    elif days := packs.load(line.pack).days(NOTICE):
        _agree(tx, line, standing, days, actor, now)
    else:
        _hand_over(tx, line, standing, actor, now)
    return _after(tx, line)


def _after(tx: Tx, line: Line) -> Sale:
    after = newest(tx, line.id)
    if after is None:
        raise LookupError(f"the sale of line {line.id} vanished")
    return after


def _agree(tx: Tx, line: Line, sale: Sale, days: int, actor: str, now: datetime) -> None:
    passes_at = after_days(now, days, line.timezone)
    _queries.agree_sale(tx.conn, id=sale.id, actor=actor, now=now, passes_at=passes_at)
    data = {"buyer": sale.buyer, "price_minor": sale.price_minor, "passes_at": passes_at}
    tx.record(Entry(now, "debt.sale_agreed", "line", line.id, actor, data))


def agreed(tx: Tx, line: UUID) -> Sale | None:
    """The sale of a line's debt that was agreed and has its days yet."""
    found = newest(tx, line)
    return found if found and found.state is State.AGREED else None


def conclude(tx: Tx, line: Line, sale: Sale, now: datetime) -> Sale | Refusal:
    """The days of an agreed sale are over. Refusals: those of :func:`fault`, which may have arisen since."""
    row = _queries.buyer(tx.conn, id=sale.buyer)
    if row is None:
        raise LookupError(f"the buyer of line {line.id} vanished")
    refused = fault(tx, line, Buyer(**row), sale.price_minor)
    if refused:
        return refused
    _hand_over(tx, line, sale, "system", now)
    return _after(tx, line)


def call_off(tx: Tx, line: Line, sale: Sale, why: str, actor: str, now: datetime) -> None:
    """An agreed sale does not come, because of ``why``; the debt stays where it is."""
    _queries.drop_open_sale(tx.conn, line=line.id)
    data = {"buyer": sale.buyer, "price_minor": sale.price_minor, "why": why}
    tx.record(Entry(now, "debt.sale_called_off", "line", line.id, actor, data))


def turn_down(tx: Tx, line: Line, actor: str, now: datetime) -> Refusal | None:
    """A second person does not agree to a sale that was proposed; the debt stays where it is.

    Refusals: ``desk.no_proposal``, ``desk.own_proposal``.
    """
    waiting = newest(tx, line.id)
    if waiting is None or waiting.state is not State.PROPOSED:
        return Refusal("desk.no_proposal")
    if waiting.proposed_by == actor:
        return Refusal("desk.own_proposal")
    _queries.drop_open_sale(tx.conn, line=line.id)
    data = {"buyer": waiting.buyer, "price_minor": waiting.price_minor, "proposed_by": waiting.proposed_by}
    tx.record(Entry(now, "debt.sale_turned_down", "line", line.id, actor, data))
    return None


def _hand_over(tx: Tx, line: Line, sale: Sale, actor: str, now: datetime) -> None:
    """Take everything that is owed out of the books, with what running months have earned by today."""
    booking = Booking(tx, [line], now)
    today, items = booking.day(line), booking.items[line.id]
    parts = rules.owed_parts(items) + accrued(items, today)
    face = sum(part.amount_minor for part in parts)
    house, lost = booking.house(line), bool(store.charged_off(tx, [line.id]))
    booking.move(line, *recipes.sell(sale.id, line.book, house, rules.by_component(parts), now))
    if sale.price_minor:
        booking.move(line, recipes.take_price(sale.id, house, lost, sale.price_minor, now))
    booking.settle(line, sale.id, "sold", parts, today)
    booking.write()
    _queries.sell_line(tx.conn, id=sale.id, actor=actor, day=today, face_minor=face)
    if line.lifecycle is not Lifecycle.CLOSED:
        ground = LockGround.SALE
        lines.set_lock(tx, line.id, LockKind.ISSUER, Party.ISSUER, LOCK_REASON, actor, now, ground=ground)
    data = {"buyer": sale.buyer, "face_minor": face, "price_minor": sale.price_minor}
    tx.record(Entry(now, "debt.sold", "line", line.id, actor, data))


def outstanding(tx: Tx, wanted: Collection[Line]) -> dict[UUID, list[Outstanding]]:
    """Sold debts among lines, by line, oldest first, spent ones too. Only a line that cannot be drawn on
    has any.
    """
    asked = [line.id for line in wanted if line.drawing_stopped]
    found: dict[UUID, list[Outstanding]] = {}
    for row in _queries.outstanding_sales(tx.conn, lines=asked) if asked else ():
        found.setdefault(row["line"], []).append(Outstanding(row["id"], row["payable"], row["left_minor"]))
    return found


def redirect(sold: Sequence[Outstanding], parts: Sequence[Part]) -> tuple[list[Part], list[Outstanding]]:
    """Of a payment's parts, what would be the customer's credit is the buyers', the oldest sale's first, up
    to what is left of the sold debts. Returns the parts and what is left then. Pure.
    """
    spare = sum(part.amount_minor for part in parts if part.component == "credit")
    kept = [part for part in parts if part.component != "credit"]
    left: list[Outstanding] = []
    for each in sold:
        taken = min(spare, each.left_minor)
        if taken:
            kept.append(Part("sold", taken, sale=each.sale))
        spare -= taken
        left.append(replace(each, left_minor=each.left_minor - taken))
    if spare:
        kept.append(Part("credit", spare))
    return kept, left


def of_purchase(tx: Tx, line: Line, purchase: UUID, amount_minor: int) -> list[tuple[Outstanding, Part]]:
    """Up to ``amount_minor`` of a purchase that was sold with its line's debt and has not reached us, the
    oldest sale's first.
    """
    sold = outstanding(tx, [line]).get(line.id)
    if not sold:
        return []
    rows = {row["sale"]: row for row in _queries.sold_of_purchase(tx.conn, purchase=purchase)}
    found: list[tuple[Outstanding, Part]] = []
    for each in sold:
        minor = min(amount_minor, each.left_minor, rows[each.sale]["minor"]) if each.sale in rows else 0
        if minor > 0:
            found.append((each, Part("sold", minor, rows[each.sale]["plan"], 1, each.sale)))
            amount_minor -= minor
    return found


def schedule(tx: Tx, sale: UUID) -> list[tuple[date, int]]:
    """What was open when a debt was sold: due day and minor units."""
    return [(row["due_on"], row["amount_minor"]) for row in _queries.sold_schedule(tx.conn, sale=sale)]
