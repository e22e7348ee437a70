"""Rewards: cash back on the ledger, and coupons beside it. None commits.

Cash back is what we owe the customer (``line.reward``, against ``house.rewards``): earned by the
terms' ``reward_bps`` on what a shop sends, taken back with what it takes back, redeemed as credit at
face value. A coupon is a promise of a shop or of the lender and not money.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from whiteslip import ledger, lines, packs
from whiteslip.base import Rate, Refusal, Rounding, new_id
from whiteslip.ledger import Account, recipes
from whiteslip.ledger.recipes import House
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle, Terms
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Coupon:
    """Something to be used until the end of a day. It is not money and is not paid out."""

    id: UUID
    line: UUID
    title: str
    usable_until: date
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What a shop has kept of a purchase before and after an event: what cash back is counted on.

    ``earlier``: the terms on which it was bought, where the line has others by now.
    """

    line: Line
    before_minor: int
    after_minor: int
    earlier: Terms | None = None


def earned_on(terms: Terms, line: Line, kept_minor: int) -> int:
    """The cash back on what a shop has kept of one purchase that was made on ``terms``, rounded down."""
    return Rate(terms.reward_bps).of(line.money(kept_minor), Rounding.DOWN).minor


def follow(tx: Tx, changes: Sequence[Kept], actor: str, now: datetime) -> None:
    """Earn, or give back, what the terms say about changed purchases.

    What was redeemed in the meantime is not asked for again: a balance never falls below zero.
    """
    for change in changes:
        line, terms = change.line, change.earlier or change.line.terms
        difference = earned_on(terms, line, change.after_minor) - earned_on(terms, line, change.before_minor)
        if difference > 0:
            _add(tx, line, difference, now)
            tx.record(Entry(now, "reward.earned", "line", line.id, actor, {"amount_minor": difference}))
        elif difference < 0:
            _take_back(tx, line, -difference, actor, now)


def grant(tx: Tx, line_id: UUID, amount_minor: int, actor: str, now: datetime) -> Refusal | None:
    """Give cash back for another reason than a purchase. Refusals: ``line.not_found``,
    ``line.not_active``, ``reward.amount_invalid``.
    """
    line = _active(tx, line_id)
    if isinstance(line, Refusal):
        return line
    if amount_minor <= 0:
        return Refusal("reward.amount_invalid")
    _add(tx, line, amount_minor, now)
    tx.record(Entry(now, "reward.granted", "line", line.id, actor, {"amount_minor": amount_minor}))
    return None


def redeem(tx: Tx, line: Line, actor: str, now: datetime) -> int:
    """Turn all cash back of a locked line into its credit balance. Returns the minor units."""
    account, balance = _account(tx, line)
    if account is None or balance <= 0:
        return 0
    event = new_id(now)
    ledger.post(tx, [recipes.redeem(event, line.book, account, balance, now)], line.today(now), now)
    tx.record(Entry(now, "reward.redeemed", "line", line.id, actor, {"amount_minor": balance}))
    return balance


def balance_of(tx: Tx, line: Line) -> int:
    """The cash back of a line in minor units."""
    return _account(tx, line)[1]


def give_coupon(
    tx: Tx, line_id: UUID, title: str, usable_until: date, actor: str, now: datetime
) -> Coupon | Refusal:
    """Give a coupon. Refusals: ``line.not_found``, ``line.not_active``, ``coupon.out_of_date``."""
    line = _active(tx, line_id)
    if isinstance(line, Refusal):
        return line
    if usable_until < line.today(now):
        return Refusal("coupon.out_of_date", {"usable_until": usable_until.isoformat()})
    made = Coupon(new_id(now), line.id, title, usable_until)
    _queries.add_coupon(tx.conn, id=made.id, line=line.id, title=title, usable_until=usable_until, now=now)
    tx.record(Entry(now, "coupon.given", "line", line.id, actor, {"coupon": made.id}))
    return made


def use_coupon(tx: Tx, coupon_id: UUID, actor: str, now: datetime) -> Coupon | Refusal:
    """A shop took the coupon; it works on a closed line. Using it twice changes nothing.

    Refusals: ``coupon.not_found``, ``coupon.out_of_date``.
    """
    row = _queries.coupon(tx.conn, id=coupon_id)
    line = lines.get_line(tx, row["line"]) if row else None
    if row is None or line is None or isinstance(line, Refusal):
        return Refusal("coupon.not_found")
    found = Coupon(**row)
    if found.used_at:
        return found
    if found.usable_until < line.today(now):
        return Refusal("coupon.out_of_date", {"usable_until": found.usable_until.isoformat()})
    _queries.use_coupon(tx.conn, id=found.id, now=now)
    tx.record(Entry(now, "coupon.used", "line", line.id, actor, {"coupon": found.id}))
    return replace(found, used_at=now)


def kept_until(line: Line, coupon_until: date, closes_on: date) -> date:
    """Until when a coupon can be used if the line closes on a day: the pack's grace at the least."""
    return max(coupon_until, closes_on + timedelta(days=packs.load(line.pack).days("rewards.grace_days")))


def keep_coupons(tx: Tx, line: Line, now: datetime) -> None:
    """The line closes: every coupon that is good stays good for the pack's grace at the least."""
    today = line.today(now)
    until = kept_until(line, today, today)
    kept = _queries.keep_coupons(tx.conn, line=line.id, until=until, today=today)
    if kept:
        tx.record(Entry(now, "coupon.kept", "line", line.id, "system", {"count": kept, "until": until}))


def coupons_of(tx: Tx, line: UUID) -> list[Coupon]:
    """All coupons of a line, those that end first before the others."""
    return [Coupon(**row) for row in _queries.coupons_of_line(tx.conn, line=line)]


def _active(tx: Tx, line_id: UUID) -> Line | Refusal:
    line = lines.get_line(tx, line_id, lock=True)
    if not isinstance(line, Refusal) and line.lifecycle is not Lifecycle.ACTIVE:
        return Refusal("line.not_active", {"lifecycle": line.lifecycle})
    return line


def _account(tx: Tx, line: Line) -> tuple[UUID | None, int]:
    row = _queries.reward_account(tx.conn, line=line.id, currency=line.currency)
    return (row["id"], row["balance_minor"]) if row else (None, 0)


def _add(tx: Tx, line: Line, amount_minor: int, now: datetime) -> None:
    """Earn; the account is opened with the first of it, so that most lines do without one."""
    account, _ = _account(tx, line)
    if account is None:
        account = new_id(now)
        ledger.open_accounts(tx, [Account(account, "line.reward", line.id, line.currency, debit_limit=0)])
    earned = recipes.reward(new_id(now), House.of(line.currency), account, amount_minor, now)
    ledger.post(tx, [earned], line.today(now), now)


def _take_back(tx: Tx, line: Line, amount_minor: int, actor: str, now: datetime) -> None:
    account, balance = _account(tx, line)
    least = min(amount_minor, balance)
    if account is None or least <= 0:
        return
    moved = recipes.take_back_reward(new_id(now), House.of(line.currency), account, least, now)
    ledger.post(tx, [moved], line.today(now), now)
    tx.record(Entry(now, "reward.taken_back", "line", line.id, actor, {"amount_minor": least}))
