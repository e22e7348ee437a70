"""How long what is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final

from whiteslip.base import add_months
from whiteslip.packs import Pack
from whiteslip.packs.model import Unit
from whiteslip.privacy.model import Kept, RecordKind

MONTHS_A_YEAR: Final = 12
# Of somebody who applied and got no line only the notice of why is kept for a law.
APPLICANTS: Final = "retention.adverse_action_months"
CLOCKS: Final[Mapping[RecordKind, str]] = {
    RecordKind.IDENTITY: "retention.identity_years",
    RecordKind.TRANSACTIONS: "retention.transactions_years",
    RecordKind.STATEMENTS: "retention.statements_years",
    RecordKind.DECISIONS: "retention.decisions_months",
}


def months_of(pack: Pack, key: str) -> int:
    """A clock of a pack in months, in whichever unit the law put it."""
    in_years = pack.parameters[key].unit is Unit.YEARS
    return pack.years(key) * MONTHS_A_YEAR if in_years else pack.months(key)


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
    for kind, key in CLOCKS.items():
        longest = max(under, key=lambda pack: months_of(pack, key), default=None)
        if longest is None:
            continue
        months = months_of(longest, key)
        until = add_months(ended_on, months) if ended_on else None
        found.append(Kept(kind, months, longest.parameters[key].source, until))
    return tuple(found)


def longest_order(pack: Pack, until: date) -> date:
    """The last day to which an authority may have records kept, which would go on ``until``.

    Regulation (EU) 2024/1624 article 77(4): five years more at most.
    """
    return add_months(until, pack.years("retention.extension_years") * MONTHS_A_YEAR)
