"""One case being worked on: what it needs from outside, and what is on file about its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID

from whiteslip import billing, identity, lines, packs
from whiteslip.base import Refusal
from whiteslip.billing import rules as billing_rules
from whiteslip.billing import store as billing_store
from whiteslip.billing.acts import free_of_debt
from whiteslip.billing.model import Debt, OpenItem, Record
from whiteslip.decisions import Tables
from whiteslip.exits import rules, store, ties
from whiteslip.exits.model import Due, Estate, Plan, Ties
from whiteslip.exits.offers import Offer
from whiteslip.exits.rules import Clocks
from whiteslip.lines import Customer, Line
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Activity, Dispute
from whiteslip.purchases.model import Outcome as DisputeOutcome
from whiteslip.store import Tx

_RECORD_DAYS: Final = 180
_RETURNED_DAYS: Final = 60


@dataclass(frozen=True, slots=True)
class Office:
    """What this room needs from outside: the policy tables, the lender's name on letters, the
    alternative that stands beside the ways to leave, if the lender has one, and who tells what is
    unusual about a line: the watch lives on a floor above. ``agency`` is the credit bureau whose files
    are read: name, address and telephone.
    """

    tables: Tables
    issuer_name: str
    offer: Offer | None = None
    watched: Callable[[Tx, UUID, datetime], Mapping[str, int]] | None = None
    agency: str = ""


@dataclass(frozen=True)
class OnFile:
    """What is on file about a line at ``now``: each part is read when it is first asked for, and kept.

    It holds while the line is locked and no money moves on it: see :meth:`Work.refreshed`.
    """

    tx: Tx
    line: Line
    now: datetime

    @cached_property
    def customer(self) -> Customer:
        """Whose line it is."""
        found = lines.get_customer(self.tx, self.line.customer)
        if isinstance(found, Refusal):
            raise LookupError(f"line {self.line.id} has no customer")
        return found

    @cached_property
    def contact_changed_at(self) -> datetime | None:
        """When it last changed how the customer is reached."""
        return identity.contact_changed_at(self.tx, self.line.customer)

    @cached_property
    def estate(self) -> Estate | None:
        """The estate that is settled, if a death was reported."""
        return store.estate_of_line(self.tx, self.line.id)

    @cached_property
    def open_items(self) -> list[OpenItem]:
        """What is unpaid, by due day."""
        return billing_store.open_items(self.tx, [self.line.id])[self.line.id]

    @cached_property
    def debt(self) -> Debt:
        """What is owed, and since when some of it is past due."""
        owed = billing.debt if self.open_items else free_of_debt
        return owed(self.tx, self.line.id, self.line.today(self.now))

    @cached_property
    def record(self) -> Record:
        """Bills and payments of half a year."""
        today = self.line.today(self.now)
        since, returned_since = (
            today - timedelta(days=_RECORD_DAYS),
            self.now - timedelta(days=_RETURNED_DAYS),
        )
        return billing_store.record(self.tx, self.line.id, today, since, returned_since)

    @cached_property
    def activity(self) -> Activity:
        """How the line was used."""
        return purchases_store.activity(self.tx, self.line.id, self.now)

    @cached_property
    def open_disputes(self) -> list[Dispute]:
        """Disputes that nobody has answered yet."""
        found = purchases_store.disputes_of_line(self.tx, self.line.id)
        return [dispute for dispute in found if dispute.outcome is DisputeOutcome.OPEN]

    @property
    def disputed_minor(self) -> int:
        """What of the debt is disputed now and so not demanded."""
        return sum(dispute.suspended_minor for dispute in self.open_disputes)

    @cached_property
    def ties(self) -> Ties:
        """What else hangs on the line."""
        return ties.ties_of(self.tx, self.line, self.now)

    @cached_property
    def plan(self) -> Plan:
        """What is open, and what confirming would lead to."""
        quote = billing_rules.payoff_quote(self.open_items, self.line.credit_minor, self.line.today(self.now))
        last = self.activity.last_expiry
        held_until = last.date() if last else None
        return rules.plan(
            self.line, self._schedule(), quote, self.record, held_until, self.disputed_minor, self.ties
        )

    def _schedule(self) -> list[Due]:
        """The instalments that are open, with what each was when it was made."""
        if not self.open_items:
            return []
        open_minor = {
            (item.plan, item.no): item.principal_minor + item.interest_minor + item.fee_minor
            for item in self.open_items
        }
        return [
            Due(
                row["plan"],
                row["no"],
                row["due_on"],
                row["principal_minor"],
                row["interest_minor"],
                row["fee_minor"],
                open_minor[row["plan"], row["no"]],
            )
            for row in billing_store.schedule(self.tx, self.line.id)
            if (row["plan"], row["no"]) in open_minor
        ]


@dataclass(frozen=True, slots=True)
class Work:
    """One case being worked on in one transaction."""

    tx: Tx
    office: Office
    clocks: Clocks
    line: Line
    now: datetime
    on_file: OnFile

    @classmethod
    def on(cls, tx: Tx, office: Office, line: Line, now: datetime) -> Work:
        """Take up a line, which the caller has locked."""
        return cls(tx, office, Clocks.of(packs.load(line.pack)), line, now, OnFile(tx, line, now))

    def refreshed(self, anew: bool = False) -> Work:
        """The same work with the line as it is now; what is on file is read again if money has moved, or
        where something else on it has changed (``anew``).
        """
        line = lines.get_line(self.tx, self.line.id)
        if isinstance(line, Refusal):
            raise LookupError(f"line {self.line.id} vanished")
        same = not anew and _money(line) == _money(self.on_file.line)
        return replace(self, line=line, on_file=self.on_file if same else OnFile(self.tx, line, self.now))


def _money(line: Line) -> tuple[int, ...]:
    return line.principal_minor, line.interest_minor, line.fee_minor, line.credit_minor, line.held_minor
