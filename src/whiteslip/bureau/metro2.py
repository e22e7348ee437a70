"""The Metro 2 character format: records of 426 characters. Pure.

Written from public field tables; check it against the bureau's own guide before use. Text stands
left in capitals, numbers stand right in zeros, days are MMDDYYYY with zeros for none, amounts are
whole dollars.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from whiteslip.base.ids import public
from whiteslip.bureau.model import Account, Consumer, Reporter
from whiteslip.bureau.names import ascii_capitals

LENGTH: Final = 426
LINE_END: Final = "\n"
MOST_DOLLARS: Final = 999_999_999
# Line of credit, unsecured, repaid monthly. Another product of the lender's may be another type.
_PORTFOLIO, _ACCOUNT_TYPE, _TERMS, _MONTHLY, _FIXED_RATE = "C", "15", "LOC", "M", "F"

_TEXT, _NUMBER = "text", "number"
_Layout = tuple[tuple[str, int, str], ...]

_HEADER: Final[_Layout] = (
    ("record_length", 4, _NUMBER),
    ("record", 6, _TEXT),
    ("cycle", 2, _TEXT),
    ("innovis", 10, _TEXT),
    ("equifax", 10, _TEXT),
    ("experian", 5, _TEXT),
    ("transunion", 10, _TEXT),
    ("activity_on", 8, _NUMBER),
    ("created_on", 8, _NUMBER),
    ("program_on", 8, _NUMBER),
    ("program_revised_on", 8, _NUMBER),
    ("reporter", 40, _TEXT),
    ("address", 96, _TEXT),
    ("phone", 10, _NUMBER),
    ("software_vendor", 40, _TEXT),
    ("software_version", 5, _TEXT),
    ("other_bureau", 10, _TEXT),
    ("reserved", 146, _TEXT),
)
_BASE: Final[_Layout] = (
    ("record_length", 4, _NUMBER),
    ("processing", 1, _NUMBER),
    ("stamp", 14, _NUMBER),
    ("correction", 1, _NUMBER),
    ("member", 20, _TEXT),
    ("cycle", 2, _TEXT),
    ("account", 30, _TEXT),
    ("portfolio", 1, _TEXT),
    ("account_type", 2, _TEXT),
    ("opened_on", 8, _NUMBER),
    ("limit", 9, _NUMBER),
    ("highest", 9, _NUMBER),
    ("terms", 3, _TEXT),
    ("frequency", 1, _TEXT),
    ("scheduled", 9, _NUMBER),
    ("paid", 9, _NUMBER),
    ("status", 2, _TEXT),
    ("rating", 1, _TEXT),
    ("profile", 24, _TEXT),
    ("special_comment", 2, _TEXT),
    ("compliance", 2, _TEXT),
    ("balance", 9, _NUMBER),
    ("past_due", 9, _NUMBER),
    ("charged_off", 9, _NUMBER),
    ("as_of", 8, _NUMBER),
    ("first_delinquent_on", 8, _NUMBER),
    ("closed_on", 8, _NUMBER),
    ("last_paid_on", 8, _NUMBER),
    ("interest_type", 1, _TEXT),
    ("reserved", 16, _TEXT),
    ("transaction", 1, _TEXT),
)
_PERSON: Final[_Layout] = (
    ("surname", 25, _TEXT),
    ("first_name", 20, _TEXT),
    ("middle_name", 20, _TEXT),
    ("generation", 1, _TEXT),
    ("social_security_number", 9, _NUMBER),
    ("born_on", 8, _NUMBER),
    ("phone", 10, _NUMBER),
    ("ecoa", 1, _TEXT),
    ("information", 2, _TEXT),
    ("country", 2, _TEXT),
    ("street", 32, _TEXT),
    ("street_more", 32, _TEXT),
    ("city", 20, _TEXT),
    ("state", 2, _TEXT),
    ("postal_code", 9, _TEXT),
    ("address_kind", 1, _TEXT),
    ("residence", 1, _TEXT),
)
# The statuses that the trailer counts, in its order; DF comes before the two reserved counts.
_COUNTED: Final = (
    *("DA", "05", "11", "13", "61", "62", "63", "64", "65", "71", "78", "80", "82", "83", "84"),
    *("88", "89", "93", "94", "95", "96", "97"),
)


@dataclass(slots=True)
class Totals:
    """What the trailer counts."""

    records: int = 0
    statuses: Counter[str] = field(default_factory=Counter[str])
    social_security_numbers: int = 0
    births: int = 0
    phones: int = 0

    def count(self, account: Account, person: Consumer) -> None:
        """Count a record that was written."""
        self.records += 1
        self.statuses[account.status] += 1
        self.social_security_numbers += bool(person.social_security_number)
        self.births += person.born_on is not None
        self.phones += bool(person.phone)


def _set(layout: _Layout, values: Mapping[str, str | int]) -> str:
    unknown = values.keys() - {name for name, _, _ in layout}
    if unknown:
        raise ValueError(f"a record has no fields {sorted(unknown)}")
    return "".join(_cell(values.get(name, ""), length, kind) for name, length, kind in layout)


def _cell(value: str | int, length: int, kind: str) -> str:
    if kind == _NUMBER:
        return str(value).zfill(length)[-length:]
    text = ascii_capitals(str(value))
    if text is None:
        raise ValueError("a record holds only what ASCII can spell")
    return text[:length].ljust(length)


def _day(day: date | None) -> str:
    return f"{day:%m%d}{day.year:04d}" if day else ""


def _amount(dollars: int) -> int:
    return min(dollars, MOST_DOLLARS)


def header(reporter: Reporter, as_of: date, now: datetime, version: str) -> str:
    """The header record. ``as_of`` is the day of the newest account information."""
    return _set(
        _HEADER,
        {
            "record_length": LENGTH,
            "record": "HEADER",
            "innovis": reporter.innovis,
            "equifax": reporter.equifax,
            "experian": reporter.experian,
            "transunion": reporter.transunion,
            "activity_on": _day(as_of),
            "created_on": _day(now.date()),
            "reporter": reporter.name,
            "address": reporter.address,
            "phone": reporter.phone,
            "software_vendor": "WHITESLIP",
            "software_version": version.replace(".", "")[:5],
        },
    )


def account_number(line: UUID) -> str:
    """The account number: the 26 letters of the line's public identifier, in capitals."""
    return public("line", line).removeprefix("line_").upper()


def about_account(line: UUID, member: str, account: Account, now: datetime) -> str:
    """The first 231 characters of a base segment: all that names nobody."""
    return _set(
        _BASE,
        {
            "record_length": LENGTH,
            "processing": 1,
            "stamp": f"{_day(now.date())}{now:%H%M%S}",
            "correction": int(account.is_correction),
            "member": member,
            "account": account_number(line),
            "portfolio": _PORTFOLIO,
            "account_type": _ACCOUNT_TYPE,
            "opened_on": _day(account.opened_on),
            "limit": _amount(account.limit_dollars),
            "highest": _amount(account.highest_dollars),
            "terms": _TERMS,
            "frequency": _MONTHLY,
            "scheduled": _amount(account.scheduled_dollars),
            "paid": _amount(account.paid_dollars),
            "status": account.status,
            "rating": account.rating,
            "profile": account.profile,
            "special_comment": account.special_comment,
            "compliance": account.compliance,
            "balance": _amount(account.balance_dollars),
            "past_due": _amount(account.past_due_dollars),
            "charged_off": _amount(account.charged_off_dollars),
            "as_of": _day(account.as_of),
            "first_delinquent_on": _day(account.first_delinquent_on),
            "closed_on": _day(account.closed_on),
            "last_paid_on": _day(account.last_paid_on),
            "interest_type": _FIXED_RATE,
        },
    )


def about_person(person: Consumer, ecoa: str) -> str:
    """The last 195 characters of a base segment: whom it names."""
    return _set(
        _PERSON,
        {
            "surname": person.surname,
            "first_name": person.first_name,
            "middle_name": person.middle_name,
            "generation": person.generation,
            "social_security_number": person.social_security_number,
            "born_on": _day(person.born_on),
            "phone": person.phone,
            "ecoa": ecoa,
            "country": "US" if person.street else "",
            "street": person.street,
            "street_more": person.street_more,
            "city": person.city,
            "state": person.state,
            "postal_code": person.postal_code.replace("-", ""),
        },
    )


def trailer(totals: Totals) -> str:
    """The trailer record: how many records of each status, and how many name what."""
    counts = (totals.records, "", 0, 0, 0, 0)  # records, reserved, DF, J1, J2, blocks: not blocked
    rest = (
        *(0, 0, 0, 0, 0, 0, 0),  # ECOA code Z; N1, K1, K2, K3, K4, L1
        *(totals.social_security_numbers, totals.social_security_numbers, 0, 0),
        *(totals.births, totals.births, 0, 0),
        totals.phones,
    )
    cells = (*counts, *(totals.statuses[status] for status in _COUNTED), *rest)
    numbers = "".join(_cell(cell, 9, _TEXT if cell == "" else _NUMBER) for cell in cells)
    return f"{LENGTH:04d}TRAILER{numbers}{'':19}"
