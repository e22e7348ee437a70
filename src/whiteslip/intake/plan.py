"""From what a file reports to what the books will say, by written rules. Pure.

In each month, in this order: the payment, then what the balance shows was bought or taken off,
then the statement, then the credit balance is used for what the statement asks for. The rules,
each counted in the report under its code:

``opening.rolled_back``   the balance before the first month is the first balance plus what was paid
``opening.paid_in_full``  where the first status says paid in full, it is what was paid
``opening.credit``        where that is negative, it is a credit balance
``purchase.derived``      the balance rose above (balance before - payment): the rise is one purchase
``balance.adjusted``      it fell below: the fall is taken off the oldest debt, the rest is credit
``balance.credit``        a negative balance is a credit balance
``balance.over_limit``    the debt was above the limit: taken over as it is, nothing can be drawn
``payment.above_debt``    what a payment exceeds the debt by is credit
``statement.asks_nothing``  a statement with nothing to pay is kept as reported; no bill is made
``status.contradicts``    late by the status though the balance before was not owed: kept, not used
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from whiteslip.base.money import BASIS_POINTS
from whiteslip.billing.model import Instalment
from whiteslip.intake.mapping import Mapping, Schedule
from whiteslip.intake.model import Cut, Debt, Flow, History, Takeover
from whiteslip.lines.model import MOST_INSTALMENTS


class Calendar:
    """Statement and due days by month, made once: histories share them."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        due = timedelta(days=mapping.agreement.terms.due_days)
        longest = len(mapping.months) + MOST_INSTALMENTS + 1
        self.days = [mapping.statement_on(month) for month in range(-1, longest)]
        self.due = [day + due for day in self.days]

    def rows(self, month: int, amount_minor: int, count: int, minimum_bps: int = 0) -> list[Instalment]:
        """``count`` equal instalments from the statement of ``month``; the last takes the rounding.

        With ``minimum_bps`` that share of the amount is asked for up to the file's last month, and
        the instalments follow.
        """
        asked = len(self.mapping.months) - month if minimum_bps else 0
        share = amount_minor * minimum_bps // BASIS_POINTS
        left = amount_minor - share * asked
        part = left // count
        sums = [share] * asked + [part] * (count - 1) + [left - part * (count - 1)]
        return [
            Instalment(no + 1, self.days[month + no + 1], self.due[month + no + 1], minor, 0, 0)
            for no, minor in enumerate(sums)
        ]


class _Books:
    """What is open of a customer's debts, by the month that bills it; and the credit balance.

    Debt without interest and fees is settled in the order of ``billing.rules.allocate``: by due
    day, which is also the order of bills, then by plan.
    """

    def __init__(self, months: int) -> None:
        self._open: list[list[list[int]]] = [[] for _ in range(months)]  # [debt, no, minor] by month
        self._first = 0
        self.owed = 0
        self.credit = 0

    def add(self, debt: int, month: int, rows: Sequence[Instalment]) -> None:
        """The next debt, whose first instalment the statement of ``month`` bills."""
        for row in rows:
            self._open[month + row.no].append([debt, row.no, row.principal_minor])
            self.owed += row.principal_minor
        self._first = min(self._first, month + 1)

    def settle(self, amount: int, until: int | None = None) -> tuple[list[Cut], int]:
        """Take ``amount`` off, oldest first, of what is billed by month ``until``; and what is left."""
        cuts, last = list[Cut](), len(self._open) if until is None else until + 2
        at = self._first
        while amount and at < last:
            for item in self._open[at]:
                part = min(amount, item[2])
                if part:
                    cuts.append(Cut(item[0], item[1], part))
                    item[2] -= part
                    amount -= part
                    self.owed -= part
            if amount:
                at += 1
        self._first = at
        return cuts, amount

    def is_late(self, month: int) -> int:
        """How many months the oldest unpaid instalment was due before the statement of ``month``."""
        for at in range(self._first, month + 1):
            if any(item[2] for item in self._open[at]):
                return month + 1 - at
        return 0

    def is_asked(self, month: int) -> bool:
        """Whether the statement of ``month`` has something unpaid to bill. The first one also bills
        what the statement before the file asked for.
        """
        first = 0 if month == 0 else month + 1
        return any(item[2] for at in range(first, month + 2) for item in self._open[at])


def make(history: History, calendar: Calendar) -> Takeover:
    """A customer's history as it will be booked."""
    mapping = calendar.mapping
    schedule = choose(history, mapping)
    made = Takeover(history, schedule)
    books = _Books(len(calendar.days))
    months = history.months
    opening, rule = _opening(history, mapping)
    if opening > 0:
        _owe(made, books, calendar, -1, opening, schedule.opening)
        made.rules[rule] += 1
    elif opening < 0:
        made.opening_credit = books.credit = -opening
        made.rules["opening.credit"] += 1
    before = opening
    for place, month in enumerate(months):
        flow = Flow()
        if month.paid_minor:
            flow.payment, flow.payment_credit = books.settle(month.paid_minor)
            books.credit += flow.payment_credit
            made.rules["payment.above_debt"] += flow.payment_credit > 0
        rise = month.balance_minor - (before - month.paid_minor)
        if rise > 0:
            _owe(made, books, calendar, place, rise, schedule.purchases)
            made.rules["purchase.derived"] += 1
        elif rise < 0:
            flow.adjustment, flow.adjustment_credit = books.settle(-rise)
            books.credit += flow.adjustment_credit
            made.rules["balance.adjusted"] += 1
        made.late_months.append(books.is_late(place))
        flow.is_billed = books.is_asked(place)
        flow.credit_used, left = books.settle(books.credit, place)
        books.credit = left
        _count(made, mapping, place, before)
        made.rules["statement.asks_nothing"] += not flow.is_billed
        made.flows.append(flow)
        before = month.balance_minor
    made.rules["balance.over_limit"] += made.peak_minor > history.limit_minor
    return made


def _opening(history: History, mapping: Mapping) -> tuple[int, str]:
    """The balance before the first month, which no file tells, and the rule it comes from."""
    first = history.months[0]
    if (
        first.status is not None
        and mapping.months_late[first.status].paid_in_full
        and first.balance_minor >= 0
    ):
        return first.paid_minor, "opening.paid_in_full"
    return first.balance_minor + first.paid_minor, "opening.rolled_back"


def _owe(made: Takeover, books: _Books, calendar: Calendar, month: int, minor: int, count: int) -> None:
    """Turn an amount into a debt on the schedule."""
    rows = calendar.rows(month, minor, count, made.schedule.minimum_bps)
    books.add(len(made.debts), month, rows)
    opened_on = _purchased_on(calendar.mapping, month)
    made.debts.append(Debt(month, minor, opened_on, rows))
    made.peak_minor = max(made.peak_minor, books.owed)


def _purchased_on(mapping: Mapping, month: int) -> date:
    return mapping.day(month, mapping.days.purchase)


def _count(made: Takeover, mapping: Mapping, place: int, before: int) -> None:
    """Count the rules that a month's balance and status fall under."""
    month = made.history.months[place]
    made.rules["balance.credit"] += month.balance_minor < 0
    if month.status is None:
        return
    status = mapping.months_late[month.status]
    if status.rule:
        made.rules[status.rule] += 1
    made.rules["status.contradicts"] += status.months_late > 0 and before <= 0


def choose(history: History, mapping: Mapping) -> Schedule:
    """The schedule of the mapping under which the file's own status is met
    best: first by months that are late or not as reported, then by how late, then by the mapping's
    order. What is asked for by a month is compared with what was paid by then.
    """
    months = history.months
    if len(mapping.schedules) == 1 or months[0].status is None:
        return mapping.schedules[0]
    opening, _ = _opening(history, mapping)
    rises: list[int] = []
    paid: list[int] = []
    total, before = max(0, -opening), opening
    for month in months:
        rise = month.balance_minor - (before - month.paid_minor)
        total += month.paid_minor - min(0, rise)
        rises.append(max(0, rise))
        paid.append(total)
        before = month.balance_minor
    reported = [mapping.months_late[m.status].months_late if m.status is not None else 0 for m in months]
    best, best_score = mapping.schedules[0], (-1, 0)
    for schedule in mapping.schedules:
        agreeing = distance = 0
        for mine, theirs in zip(_late(max(0, opening), rises, paid, schedule), reported, strict=True):
            agreeing += (mine > 0) == (theirs > 0)
            distance += abs(mine - theirs)
        if (agreeing, -distance) > best_score:
            best, best_score = schedule, (agreeing, -distance)
    return best


def _late(opening: int, rises: Sequence[int], paid: Sequence[int], schedule: Schedule) -> list[int]:
    """Months late at each statement. ``asked`` sums what fell due by a month; ``paid`` what was paid."""
    months = range(len(rises))
    asked = [_asked_by(opening, schedule.opening, schedule.minimum_bps, month + 1) for month in months]
    for bought, minor in enumerate(rises):
        if minor:
            for month in months[bought + 1 :]:
                asked[month] += _asked_by(minor, schedule.purchases, schedule.minimum_bps, month - bought)
    late: list[int] = []
    oldest = 0  # sums only grow, so what is covered once stays covered
    for month in months:
        while oldest <= month and asked[oldest] <= paid[month]:
            oldest += 1
        late.append(month - oldest + 1)
    return late


def _asked_by(amount: int, count: int, minimum_bps: int, bills: int) -> int:
    """What the first ``bills`` statements, all of the file, ask for."""
    if minimum_bps:
        return amount * minimum_bps // BASIS_POINTS * bills
    return amount if bills >= count else amount // count * bills
