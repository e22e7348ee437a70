"""Which accounts move for which event. Pure: ids and amounts in, transfers out.

Two sets of accounts take part. The obligor's :class:`Book`: what they owe (principal, interest,
fees: assets) and what we owe them (credit: a liability). The :class:`House`: cash and income.
A counterparty (a shop) has one payable account of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Final
from uuid import UUID, uuid5

from whiteslip.base import new_id
from whiteslip.ledger.model import Phase, Transfer

HOUSE_CODES: Final = (
    "house.cash",
    "house.interest_income",
    "house.fee_income",
    "house.waived",
    "house.migration",
    "house.disputed",
    "house.unclaimed",
    "house.rewards",
    "house.charged_off",
    "house.credit_losses",
    "house.recoveries",
    "house.sold",
    "house.fraud_losses",
)
SOLD: Final = "debt.sell"
_HOUSE_IDS: Final = UUID("8d0ce9c1-64fb-5d8a-a4f1-3a52bb8d4f6e")
_LAST: Final = 0xFFFF << 112
# What brings money in after a charge-off, or takes it out again; the rest corrects the loss.
_RECOVERING: Final = frozenset(
    {"payment.receive", "payment.return", "payment.correct", "purchase.refund", "credit.apply"}
)


@dataclass(frozen=True, slots=True)
class Book:
    """The four accounts of one obligor."""

    principal: UUID
    interest: UUID
    fee: UUID
    credit: UUID

    def of(self, component: str) -> UUID:
        """The account of a component: principal, interest, fee or credit."""
        found: UUID = getattr(self, component)
        return found


@dataclass(frozen=True, slots=True)
class House:
    """The house's own accounts in one currency."""

    cash: UUID
    interest_income: UUID
    fee_income: UUID
    waived: UUID
    migration: UUID
    disputed: UUID
    unclaimed: UUID
    rewards: UUID
    charged_off: UUID
    credit_losses: UUID
    recoveries: UUID
    sold: UUID
    fraud_losses: UUID

    @classmethod
    @cache
    def of(cls, currency: str) -> House:
        """The house's accounts in ``currency``. Their ids follow from code and currency, so nobody looks
        them up, and are above all others: what everybody moves is locked last, and so for the shortest time.
        """
        return cls(*(UUID(int=_LAST | uuid5(_HOUSE_IDS, f"{code} {currency}").int) for code in HOUSE_CODES))

    def income(self, component: str) -> UUID:
        """Where interest or fees are earned."""
        return self.interest_income if component == "interest" else self.fee_income


def hold(key: UUID, event: UUID, principal: UUID, payable: UUID, amount: int) -> Transfer:
    """Reserve a purchase, under the transfer's ``key``: principal would rise, the shop would be owed."""
    return Transfer(key, event, "purchase.hold", principal, payable, amount, Phase.PENDING)


def capture(event: UUID, held: UUID, amount: int, now: datetime) -> Transfer:
    """Turn (part of) a hold into debt; what is left of the hold is released."""
    return Transfer(new_id(now), event, "purchase.capture", None, None, amount, Phase.POST, pending=held)


def release(event: UUID, held: UUID, now: datetime) -> Transfer:
    """Give a hold up."""
    return Transfer(new_id(now), event, "purchase.release", None, None, None, Phase.VOID, pending=held)


def expire(event: UUID, held: UUID, now: datetime) -> Transfer:
    """A hold has run out; nobody gave it up."""
    return Transfer(new_id(now), event, "purchase.expire", None, None, None, Phase.EXPIRE, pending=held)


def charge(event: UUID, book: Book, house: House, component: str, amount: int, now: datetime) -> Transfer:
    """Bill interest or a fee: it is owed and earned."""
    return Transfer(
        new_id(now), event, f"charge.{component}", book.of(component), house.income(component), amount
    )


def uncharge(event: UUID, book: Book, house: House, component: str, amount: int, now: datetime) -> Transfer:
    """Take a charge back: it is neither owed nor earned after all."""
    return Transfer(
        new_id(now), event, f"uncharge.{component}", house.income(component), book.of(component), amount
    )


def _spread(
    event: UUID,
    recipe: str,
    source: UUID,
    book: Book,
    parts: Mapping[str, int],
    now: datetime,
    value_on: date | None,
) -> list[Transfer]:
    return [
        Transfer(new_id(now), event, recipe, source, book.of(component), amount, value_on=value_on)
        for component, amount in parts.items()
        if amount
    ]


def receive(
    event: UUID, book: Book, house: House, parts: Mapping[str, int], now: datetime, value_on: date
) -> list[Transfer]:
    """Take a payment, spread over what it settles: principal, interest, fee, credit."""
    return _spread(event, "payment.receive", house.cash, book, parts, now, value_on)


def bounce(
    event: UUID, book: Book, house: House, parts: Mapping[str, int], now: datetime, value_on: date
) -> list[Transfer]:
    """A payment came back: what it had settled is owed again."""
    return _give_up_cash(event, "payment.return", book, house, parts, now, value_on)


def correct(
    event: UUID, book: Book, house: House, parts: Mapping[str, int], now: datetime, value_on: date
) -> list[Transfer]:
    """A payment was not what was booked: all of it is taken back, and booked anew beside this."""
    return _give_up_cash(event, "payment.correct", book, house, parts, now, value_on)


def _give_up_cash(
    event: UUID,
    recipe: str,
    book: Book,
    house: House,
    parts: Mapping[str, int],
    now: datetime,
    value_on: date,
) -> list[Transfer]:
    return [
        Transfer(new_id(now), event, recipe, book.of(component), house.cash, amount, value_on=value_on)
        for component, amount in parts.items()
        if amount
    ]


def refund(event: UUID, book: Book, payable: UUID, parts: Mapping[str, int], now: datetime) -> list[Transfer]:
    """A shop gives money back: it settles debt first, the rest is the customer's credit."""
    return _spread(event, "purchase.refund", payable, book, parts, now, None)


def apply_credit(event: UUID, book: Book, parts: Mapping[str, int], now: datetime) -> list[Transfer]:
    """Use the customer's credit balance for what fell due."""
    return _spread(event, "credit.apply", book.credit, book, parts, now, None)


def pay_out(event: UUID, book: Book, house: House, amount: int, now: datetime) -> Transfer:
    """Send the customer's credit balance to them."""
    return Transfer(new_id(now), event, "credit.pay_out", book.credit, house.cash, amount)


def bounce_payout(event: UUID, house: House, amount: int, now: datetime) -> Transfer:
    """A payout came back: the money is here and belongs to somebody we could not reach."""
    return Transfer(new_id(now), event, "payout.bounce", house.cash, house.unclaimed, amount)


def set_aside(event: UUID, book: Book, house: House, amount: int, now: datetime) -> Transfer:
    """A credit balance has no account to go to: it leaves the line and waits for its owner."""
    return Transfer(new_id(now), event, "credit.set_aside", book.credit, house.unclaimed, amount)


def pay_again(event: UUID, house: House, amount: int, now: datetime) -> Transfer:
    """Send unclaimed money to an account that its owner has named since."""
    return Transfer(new_id(now), event, "payout.again", house.unclaimed, house.cash, amount)


def give_back(event: UUID, book: Book, house: House, component: str, amount: int, now: datetime) -> Transfer:
    """Interest or a fee that was paid is not earned after all: it becomes the customer's credit."""
    recipe = f"{component}.give_back"
    return Transfer(new_id(now), event, recipe, house.income(component), book.credit, amount)


def reward(event: UUID, house: House, account: UUID, amount: int, now: datetime) -> Transfer:
    """Cash back is earned: it is the customer's from now on."""
    return Transfer(new_id(now), event, "reward.earn", house.rewards, account, amount)


def take_back_reward(event: UUID, house: House, account: UUID, amount: int, now: datetime) -> Transfer:
    """What cash back was earned on has gone back to the shop."""
    return Transfer(new_id(now), event, "reward.take_back", account, house.rewards, amount)


def redeem(event: UUID, book: Book, account: UUID, amount: int, now: datetime) -> Transfer:
    """Cash back becomes the customer's credit balance: money that is theirs."""
    return Transfer(new_id(now), event, "reward.redeem", account, book.credit, amount)


def suspend(event: UUID, book: Book, house: House, parts: Mapping[str, int], now: datetime) -> list[Transfer]:
    """A charge is disputed: it is not demanded while that stands."""
    return _spread(event, "dispute.open", house.disputed, book, parts, now, None)


def unsuspend(event: UUID, book: Book, house: House, amount: int, now: datetime) -> Transfer:
    """Less was owed than it seemed when a charge was disputed: that much never stood in suspense."""
    return Transfer(new_id(now), event, "dispute.less", book.principal, house.disputed, amount)


def force(event: UUID, house: House, payable: UUID, amount: int, now: datetime) -> Transfer:
    """A shop posts what nobody authorised: it is owed the money, and nobody owes it to us yet."""
    return Transfer(new_id(now), event, "purchase.force", house.disputed, payable, amount)


def charge_back(event: UUID, house: House, payable: UUID, amount: int, now: datetime) -> Transfer:
    """The customer was right: the shop, or the lender whose loss it is, gives back what was disputed."""
    return Transfer(new_id(now), event, "dispute.won", payable, house.disputed, amount)


def demand(event: UUID, book: Book, house: House, amount: int, now: datetime) -> Transfer:
    """The shop was right: what was disputed is owed."""
    return Transfer(new_id(now), event, "dispute.lost", book.principal, house.disputed, amount)


def rebook(event: UUID, book: Book, moved: Mapping[str, int], now: datetime) -> list[Transfer]:
    """Money settles something else than it did: ``moved`` is by how much more of each component, summing
    to nothing.
    """
    less = {component: -minor for component, minor in moved.items() if minor < 0}
    transfers: list[Transfer] = []
    for component, minor in moved.items():
        left = minor
        for source, has in less.items():
            amount = min(has, left)
            if amount > 0:
                transfers.append(
                    Transfer(new_id(now), event, "late.rebook", book.of(source), book.of(component), amount)
                )
                less[source] -= amount
                left -= amount
    return transfers


def waive(event: UUID, book: Book, house: House, parts: Mapping[str, int], now: datetime) -> list[Transfer]:
    """Give up small remainders by rule."""
    return _spread(event, "waive", house.waived, book, parts, now, None)


def unwaive(event: UUID, book: Book, house: House, parts: Mapping[str, int], now: datetime) -> list[Transfer]:
    """Take a waiver back: what it gave up is owed again."""
    return [
        Transfer(new_id(now), event, "unwaive", book.of(component), house.waived, amount)
        for component, amount in parts.items()
        if amount
    ]


def charge_off(event: UUID, house: House, amount: int, now: datetime) -> Transfer:
    """Write a debt off: the loss is taken, and stands against what the obligor goes on owing."""
    return Transfer(new_id(now), event, "charge_off", house.credit_losses, house.charged_off, amount)


def mirror(book: Book, house: House, moved: Transfer, now: datetime) -> list[Transfer]:
    """What goes with a transfer that changes a debt after its charge-off, so that the two still cancel.

    Money that comes in is a recovery, and so is the price where the debt is sold; what is given up,
    disputed or newly owed corrects the loss.
    """
    debt = (book.principal, book.interest, book.fee)
    if (moved.debit in debt) == (moved.credit in debt):
        return []
    recovers = moved.recipe in _RECOVERING
    other = house.recoveries if recovers else house.credit_losses
    if moved.recipe == SOLD:
        other = house.sold
    sides = (house.charged_off, other) if moved.credit in debt else (other, house.charged_off)
    recipe = "charge_off.recover" if recovers else "charge_off.correct"
    return [Transfer(new_id(now), moved.event, recipe, *sides, moved.amount, value_on=moved.value_on)]


def sell(event: UUID, book: Book, house: House, parts: Mapping[str, int], now: datetime) -> list[Transfer]:
    """A debt is sold: the obligor owes it to somebody else from now on."""
    return _spread(event, SOLD, house.sold, book, parts, now, None)


def take_price(event: UUID, house: House, lost: bool, amount: int, now: datetime) -> Transfer:
    """The buyer pays. Of a debt that was ``lost`` before it is a recovery; of another, the price less what
    was sold is what the sale cost.
    """
    other = house.recoveries if lost else house.sold
    return Transfer(new_id(now), event, "debt.price", house.cash, other, amount)


def pass_on(event: UUID, house: House, payable: UUID, amount: int, now: datetime, value_on: date) -> Transfer:
    """Money arrives here for a debt that was sold: it is the buyer's."""
    return Transfer(new_id(now), event, "debt.pass_on", house.cash, payable, amount, value_on=value_on)


def take_back(
    event: UUID, house: House, payable: UUID, amount: int, now: datetime, value_on: date
) -> Transfer:
    """Money that was passed on has gone back to its payer's bank."""
    return Transfer(new_id(now), event, "debt.take_back", payable, house.cash, amount, value_on=value_on)


def deem_collected(event: UUID, shop: UUID, payable: UUID, amount: int, now: datetime) -> Transfer:
    """A shop gives back what a sold debt was for: to the buyer it is as if the customer had paid."""
    return Transfer(new_id(now), event, "debt.deem_collected", shop, payable, amount)


def buy_back(event: UUID, house: House, payable: UUID, amount: int, now: datetime) -> Transfer:
    """A part of a sold debt is disputed: it is bought back at face value and demanded by nobody."""
    return Transfer(new_id(now), event, "debt.buy_back", house.disputed, payable, amount)


def remit(event: UUID, house: House, payable: UUID, amount: int, now: datetime) -> Transfer:
    """Send a buyer what is theirs."""
    return Transfer(new_id(now), event, "debt.remit", payable, house.cash, amount)


def migrate_in(
    event: UUID, debit: UUID, credit: UUID, amount: int, now: datetime, value_on: date
) -> Transfer:
    """Take over a balance from another system, against the migration account."""
    return Transfer(new_id(now), event, "migration.take_over", debit, credit, amount, value_on=value_on)
