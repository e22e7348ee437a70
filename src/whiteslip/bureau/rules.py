"""What is reported of a line, derived from its history. Pure.

Lateness is counted at the end of a day from the oldest due day of what a bill asked for. Three
things do not count as late: a trifle below one dollar, which the file could not show; a sum that
is disputed as a billing error; and what the lender conceded to an objection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from whiteslip.base import add_months
from whiteslip.bureau.model import (
    LATENESS,
    Account,
    Asked,
    ClosedBy,
    Closing,
    Facts,
    Ground,
    Objection,
    Outcome,
    Previous,
)

MINOR_PER_DOLLAR: Final = 100
PROFILE_MONTHS: Final = 24
LATE_FROM: Final = 30
DELETED, PAID_AND_CLOSED, CURRENT, CHARGED_OFF = "DA", "13", "11", "97"
# Paid in full, was a charge-off; and the comment where a part was accepted for the whole.
PAID_CHARGE_OFF, SETTLED_FOR_LESS = "64", "AU"
# Comments: purchased by another company; paying under a partial payment agreement; in forbearance.
SOLD, IN_PLAN, IN_FORBEARANCE = "AH", "AC", "CP"
# Days past due from which a status applies, with its sign in the payment history.
_STATUSES: Final = (
    (180, "84", "6"),
    (150, "83", "5"),
    (120, "82", "4"),
    (90, "80", "3"),
    (60, "78", "2"),
    (LATE_FROM, "71", "1"),
)


# Special comments: closed at the credit grantor's request; closed for inactivity.
_COMMENTS: Final = {ClosedBy.GRANTOR: "M", ClosedBy.INACTIVITY: "CI"}
# Whose the account is (Regulation B): one person's; a person's who has died.
_INDIVIDUAL, _DECEASED = "1", "X"


@dataclass(frozen=True, slots=True)
class Late:
    """What is late at the end of a day: since when, for how long, and what of it for 30 days."""

    days: int
    since: date | None
    minor: int

    @property
    def status(self) -> str:
        """The account status of an account that is not paid off."""
        return next((status for days, status, _ in _STATUSES if self.days >= days), CURRENT)

    @property
    def sign(self) -> str:
        """The payment rating, and the sign of a month in the payment history."""
        return next((sign for days, _, sign in _STATUSES if self.days >= days), "0")

    @property
    def is_reported(self) -> bool:
        """Whether it is late enough to be told."""
        return self.days >= LATE_FROM


_NOT_LATE: Final = Late(0, None, 0)


def month_end(day: date) -> date:
    """The last day of the month of ``day``."""
    return add_months(day.replace(day=1), 1) - timedelta(days=1)


def dollars(minor: int) -> int:
    """Whole dollars: cents are cut off, and a credit balance is nothing owed."""
    return max(0, minor) // MINOR_PER_DOLLAR


def balance(facts: Facts, day: date) -> int:
    """What is owed at the end of ``day``, in minor units."""
    return sum(minor for on, minor in facts.movements if on <= day)


def highest(facts: Facts, day: date) -> int:
    """The most that was owed at the end of any day until ``day``, in minor units."""
    changes: dict[date, int] = {}
    for on, minor in facts.movements:
        if on <= day:
            changes[on] = changes.get(on, 0) + minor
    most = owed = 0
    for on in sorted(changes):
        owed += changes[on]
        most = max(most, owed)
    return most


def late(facts: Facts, day: date, as_of: date) -> Late:
    """What is late at the end of ``day``, as it is known when the file of ``as_of`` is made."""
    if any(_concedes_month(each, day) for each in facts.objections):
        return _NOT_LATE
    conceded = max((each.opened_on for each in facts.objections if _concedes_all(each)), default=date.min)
    items = sorted(_unpaid(facts.asked, day))
    for objection in facts.objections:
        if objection.disputed_minor:
            items = _without_disputed(items, objection, facts.due_days, day, as_of)
    items = [(due_on, minor) for due_on, minor in items if conceded <= due_on < day]
    told, since = 0, None
    for due_on, minor in items:
        told += minor
        if told >= MINOR_PER_DOLLAR:
            since = due_on
            break
    if since is None:
        return _NOT_LATE
    limit = day - timedelta(days=LATE_FROM)
    return Late((day - since).days, since, sum(minor for due_on, minor in items if due_on <= limit))


def _unpaid(asked: Sequence[Asked], day: date) -> list[tuple[date, int]]:
    found: list[tuple[date, int]] = []
    for item in asked:
        if item.billed_on <= day and item.due_on < day:
            left = item.minor - sum(minor for on, minor in item.settled if on <= day)
            if left > 0:
                found.append((item.due_on, left))
    return found


def _concedes_month(objection: Objection, day: date) -> bool:
    month = objection.month
    corrected = objection.outcome is Outcome.CORRECTED and objection.field in LATENESS
    return corrected and month is not None and (month.year, month.month) == (day.year, day.month)


def _concedes_all(objection: Objection) -> bool:
    return objection.outcome is Outcome.CORRECTED and objection.field in LATENESS and objection.month is None


def _without_disputed(
    items: Sequence[tuple[date, int]], objection: Objection, due_days: int, day: date, as_of: date
) -> list[tuple[date, int]]:
    """Take a disputed sum out of what is late, the oldest first; it is nobody's arrears while it is
    looked into (Regulation Z, 12 CFR 1026.13(d)). If the bill stays, the sum has a fresh due day; if
    it was wrong, the books say so from then on.
    """
    resolved = objection.resolved_on
    begins = min(objection.opened_on, as_of) if objection.is_open else objection.opened_on
    if day < begins or (resolved and day >= resolved and objection.outcome is Outcome.CORRECTED):
        return list(items)
    fresh = resolved + timedelta(days=due_days) if resolved and day >= resolved else None
    left, kept = objection.disputed_minor or 0, list[tuple[date, int]]()
    for due_on, minor in items:
        taken = min(left, minor) if resolved is None or due_on <= resolved else 0
        left -= taken
        if minor > taken:
            kept.append((due_on, minor - taken))
        if taken and fresh:
            kept.append((fresh, taken))
    return sorted(kept)


def profile(facts: Facts, as_of: date) -> str:
    """24 signs, the month before ``as_of`` first: 0 current, E nothing owed, 1 to 6 late, L charged off,
    B before.
    """
    return "".join(_sign(facts, day, as_of) for day in month_ends(as_of))


def month_ends(as_of: date) -> list[date]:
    """The last days of the ``PROFILE_MONTHS`` months before that of ``as_of``, the newest first."""
    return [month_end(add_months(as_of.replace(day=1), -back)) for back in range(1, PROFILE_MONTHS + 1)]


def _sign(facts: Facts, day: date, as_of: date) -> str:
    if day < facts.opened_on:
        return "B"
    if facts.charged_off_on and day >= facts.charged_off_on and balance(facts, day):
        return "L"
    sign = late(facts, day, as_of).sign
    return "E" if sign == "0" and not dollars(balance(facts, day)) else sign


def compliance(facts: Facts, closing: ClosedBy | None, previous: Previous | None) -> str:
    """The compliance condition code: closed by the consumer, disputed, looked into, or removed.

    XB, XF: disputed, the record or the account itself (FCRA), or the bill (FCBA); XD, XJ: the same after
    the consumer closed. XC, XG, XE: looked into, the consumer disagrees. XA: closed by the consumer. XR
    takes a code back that was reported before and no longer applies.
    """
    left = closing is ClosedBy.CONSUMER
    grounds = {each.ground for each in facts.objections if each.is_open}
    if facts.account_disputed:
        return "XD" if left else "XB"
    if facts.bill_disputed or Ground.BILLING_ERROR in grounds:
        return "XJ" if left else "XF"
    if Ground.RECORD in grounds:
        return "XD" if left else "XB"
    answered = [each for each in facts.objections if each.resolved_at]
    last = max(answered, key=lambda each: (each.resolved_at, each.opened_at), default=None)
    if last and last.outcome is Outcome.STAYS:
        return "XE" if left else ("XG" if last.ground is Ground.BILLING_ERROR else "XC")
    if left:
        return "XA"
    return "XR" if previous and previous.compliance not in ("", "XR") else ""


def _settled_day(facts: Facts, as_of: date) -> date | None:
    """The last day until ``as_of`` on which what is owed changed."""
    return max((on for on, _ in facts.movements if on <= as_of), default=None)


def _rating(facts: Facts, as_of: date) -> Late:
    """How late the account was when it was paid off, if that was in the month of ``as_of``."""
    day = _settled_day(facts, as_of)
    if day is None or (day.year, day.month) != (as_of.year, as_of.month):
        return _NOT_LATE
    return late(facts, day - timedelta(days=1), as_of)


def first_delinquency(facts: Facts, now: Late, as_of: date, previous: Previous | None) -> date | None:
    """The first day of thirty days late that led to ``now`` without a month end in between that was
    current. It never moves forward: what an earlier file said stays while the account stays late.
    """
    if not now.is_reported or now.since is None:
        return None
    since = now.since
    for day in month_ends(as_of):
        before = late(facts, day, as_of)
        if not before.is_reported or before.since is None:
            break
        since = min(since, before.since)
    first = since + timedelta(days=LATE_FROM)
    if previous and previous.first_delinquent_on:
        return min(first, previous.first_delinquent_on) if _unbroken(facts, as_of) else first
    return first


def _lost_since(facts: Facts, as_of: date) -> date | None:
    """The first delinquency that led to a charge-off; what is paid afterwards does not move it (Fair
    Credit Reporting Act section 623(a)(5)).
    """
    off_on = facts.charged_off_on
    return first_delinquency(facts, late(facts, off_on, as_of), off_on, None) if off_on else None


def _unbroken(facts: Facts, as_of: date) -> bool:
    """Late at the month end before, so that what was said then goes on."""
    return late(facts, month_ends(as_of)[0], as_of).is_reported


def account(facts: Facts, as_of: date, previous: Previous | None = None) -> Account:
    """What the file of ``as_of`` says of a line."""
    closing = facts.closing if facts.closing and facts.closing.closed_on <= as_of else None
    owed = balance(facts, as_of)
    done = closing is not None and closing.settled_on is not None and closing.settled_on <= as_of
    sold_on = facts.sold_on if facts.sold_on and facts.sold_on <= as_of else None
    if sold_on:
        # It is told as it stood when it was sold, with nothing owed to us.
        owed, done = 0, False
    paid_off = done and owed == 0
    arrears = _rating(facts, as_of) if paid_off else late(facts, _last_day(sold_on, as_of), as_of)
    status = _status(facts, owed or bool(sold_on), paid_off, arrears)
    is_late = arrears.is_reported and not paid_off and not sold_on
    month = as_of.replace(day=1)
    standing = [each for each in facts.paid if not (each.returned_on and each.returned_on <= as_of)]
    standing = [each for each in standing if each.value_on <= as_of]
    return Account(
        as_of=as_of,
        opened_on=facts.opened_on,
        limit_dollars=dollars(facts.limit_minor),
        highest_dollars=dollars(highest(facts, as_of)),
        scheduled_dollars=dollars(_scheduled(facts, month, as_of)) if owed > 0 else 0,
        paid_dollars=dollars(sum(each.minor for each in standing if each.value_on >= month)),
        status=status,
        rating=arrears.sign if status == PAID_AND_CLOSED else "",
        profile=profile(facts, as_of),
        special_comment=_comment(facts, closing, status, as_of),
        compliance=compliance(facts, closing.by if closing else None, previous),
        balance_dollars=dollars(owed),
        past_due_dollars=dollars(arrears.minor) if is_late else 0,
        charged_off_dollars=dollars(facts.charged_off_minor or 0),
        first_delinquent_on=_lost_since(facts, as_of) or first_delinquency(facts, arrears, as_of, previous),
        closed_on=closing.closed_on if closing else sold_on,
        last_paid_on=max((each.value_on for each in standing), default=None),
        is_correction=_corrects(facts, previous),
        ecoa=_DECEASED if facts.deceased else _INDIVIDUAL,
    )


def _last_day(sold_on: date | None, as_of: date) -> date:
    """The last day on which a debt was ours."""
    return sold_on - timedelta(days=1) if sold_on else as_of


def _status(facts: Facts, owed_minor: int, paid_off: bool, arrears: Late) -> str:
    """The account status. Of a charged-off debt it stays 97 until nothing is owed, and is 64 then."""
    if facts.never_made:
        return DELETED
    if facts.charged_off_minor:
        return CHARGED_OFF if owed_minor else PAID_CHARGE_OFF
    return PAID_AND_CLOSED if paid_off else arrears.status


def _comment(facts: Facts, closing: Closing | None, status: str, as_of: date) -> str:
    """The special comment, of which there is one: who owns the debt now, then that a part was accepted for
    the whole, then the plan by which it is paid, then who closed.
    """
    if facts.sold_on and facts.sold_on <= as_of:
        return SOLD
    settled = facts.settled_on is not None and facts.settled_on <= as_of
    if settled and status == PAID_CHARGE_OFF:
        return SETTLED_FOR_LESS
    if facts.relief and balance(facts, as_of) > 0:
        waits = facts.relief == "holiday" and facts.relief_due_on and as_of < facts.relief_due_on
        return IN_FORBEARANCE if waits else IN_PLAN
    return _COMMENTS.get(closing.by, "") if closing else ""


def _scheduled(facts: Facts, month: date, as_of: date) -> int:
    """What the newest bill of the month asks for."""
    bills = [(on, minor) for on, minor in facts.bills if month <= on <= as_of]
    return max(bills)[1] if bills else 0


def _corrects(facts: Facts, previous: Previous | None) -> bool:
    """Whether the lender has conceded something since the file before."""
    return previous is not None and any(
        each.outcome is Outcome.CORRECTED and each.resolved_at and each.resolved_at > previous.made_at
        for each in facts.objections
    )


def outlived(told: Account, years: int) -> bool:
    """Whether a charged-off debt has been told for as long as it may be: so many years from its first
    delinquency (Fair Credit Reporting Act section 605(a) and (c), without the 180 days more that (c) allows).
    """
    first = told.first_delinquent_on
    lost = told.status in (CHARGED_OFF, PAID_CHARGE_OFF)
    return lost and first is not None and add_months(first, 12 * years) <= told.as_of


def is_told(new: Account, previous: Previous | None) -> bool:
    """Whether a line belongs into the file.

    A line that was never told of and is deemed never made is not told of at all; one that ended
    with the file before is told of again only where something about it changed.
    """
    if previous is None:
        return new.status != DELETED
    ended = previous.status in (DELETED, PAID_AND_CLOSED, PAID_CHARGE_OFF) or previous.special_comment == SOLD
    if not ended:
        return True
    return new.is_correction or (new.status, new.compliance, new.closed_on) != (
        previous.status,
        previous.compliance,
        previous.closed_on,
    )
