"""How long what is kept, and when who asks is answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from whiteslip.base import add_months, end_of_day, local_day
from whiteslip.packs import Pack
from whiteslip.packs.model import Unit
from whiteslip.privacy.model import Kept, Outcome, RecordKind, Request, Why

MONTHS_A_YEAR: Final = 12
# Of somebody who applied and got no line only the notice of why is kept for a law.
APPLICANTS: Final = "retention.adverse_action_months"
# Of several the longest counts: statements stay as long as the customer was promised to reach them.
CLOCKS: Final[Mapping[RecordKind, tuple[str, ...]]] = {
    RecordKind.IDENTITY: ("retention.identity_years",),
    RecordKind.TRANSACTIONS: ("retention.transactions_years",),
    RecordKind.STATEMENTS: ("retention.statements_years", "statement.access_months"),
    RecordKind.DECISIONS: ("retention.decisions_months",),
}

_NOT_ALL: Final = frozenset(Why) - {Why.DONE}
# Which reasons go with which answer.
WHYS: Final[Mapping[Outcome, frozenset[Why]]] = {
    Outcome.GRANTED: frozenset({Why.DONE}),
    Outcome.PARTLY: _NOT_ALL,
    Outcome.REFUSED: _NOT_ALL,
}


def months_of(pack: Pack, key: str) -> int:
    """A clock of a pack in months, in whichever unit the law put it."""
    in_years = pack.parameters[key].unit is Unit.YEARS
    return pack.years(key) * MONTHS_A_YEAR if in_years else pack.months(key)


def longest(pack: Pack, keys: Iterable[str]) -> str:
    """Which of a pack's clocks runs longest; of equals the first."""
    return max(keys, key=lambda key: months_of(pack, key))


def last_in_time(pack: Pack, today: date) -> date:
    """The last day on which a clock may have run out for erasing today to be late."""
    days = pack.business_days("privacy.erasure_business_days")
    end = today
    while pack.calendar.add_business_days(end, days) >= today:
        end -= timedelta(days=1)
    return end


def kept(packs: Iterable[Pack], ended_on: date | None) -> tuple[Kept, ...]:
    """What stays of somebody whose lines are under ``packs``: for each kind the longest clock."""
    found: list[Kept] = []
    under = list(packs)
    for kind, keys in CLOCKS.items():
        clocks = [(months_of(pack, key), pack, key) for pack in under for key in [longest(pack, keys)]]
        if not clocks:
            continue
        months, pack, key = max(clocks, key=lambda clock: clock[0])
        until = add_months(ended_on, months) if ended_on else None
        found.append(Kept(kind, months, pack.parameters[key].source, until))
    return tuple(found)


def longest_order(pack: Pack, until: date) -> date:
    """The last day to which an authority may have records kept, which would go on ``until``.

    Regulation (EU) 2024/1624 article 77(4): five years more at most.
    """
    return add_months(until, pack.years("retention.extension_years") * MONTHS_A_YEAR)


def answer_due(pack: Pack, asked_at: datetime) -> datetime:
    """When who asks is answered: the pack's time from the day they asked, to the end of its last day.

    GDPR article 12(3): a month; 11 CCR 7021(b): 45 days; China: fifteen working days.
    """
    last = pack.last_day("privacy.answer", local_day(asked_at, pack.timezone))
    return end_of_day(last, pack.timezone)


def extended_due(pack: Pack, asked_at: datetime) -> datetime | None:
    """When that is once it was extended; None where the pack knows no extension."""
    if not pack.parameters["privacy.extension"].value:
        return None
    first = pack.last_day("privacy.answer", local_day(asked_at, pack.timezone))
    return end_of_day(pack.last_day("privacy.extension", first), pack.timezone)


def may_answer(request: Request, outcome: Outcome) -> bool:
    """Whether it may be answered so: what the lender left lying too long it cannot refuse."""
    return not (request.overdue_at and outcome is Outcome.REFUSED)
