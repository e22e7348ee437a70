"""Mappings: which column means what, and the days that a monthly file leaves out."""

from __future__ import annotations

import calendar
import codecs
import hashlib
import tomllib
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec

from whiteslip import packs
from whiteslip.base import add_months
from whiteslip.base.money import BASIS_POINTS, MINOR_DIGITS
from whiteslip.intake.fault import IntakeError
from whiteslip.lines.model import MOST_INSTALMENTS, Agreement, Product, Terms

SHIPPED: Final = Path(__file__).with_name("mappings")
# Encodings in which a line feed is never half of another character.
_ENCODINGS: Final = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252", "gb18030", "gbk", "big5"})
_LANGUAGES: Final = ("zh-CN", "en")

_DayOfMonth = Annotated[int, msgspec.Meta(ge=1, le=28)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=MOST_INSTALMENTS)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a mapping file: a key that it does not know is refused, so typing errors show."""


class Days(_Part, frozen=True):
    """Days of the month: a payment, then a purchase, then the statement."""

    payment: _DayOfMonth
    purchase: _DayOfMonth
    statement: _DayOfMonth


class PersonColumns(_Part, frozen=True):
    """Columns that name a person. They go to the vault and nowhere else."""

    full_name: str
    id_number: str
    phone: str
    email: str


class Columns(_Part, frozen=True):
    """One column each."""

    reference: str
    limit: str
    defaulted: str | None = None
    opened_on: str | None = None
    language: str | None = None
    person: PersonColumns | None = None


class MonthColumns(_Part, frozen=True):
    """The columns of one month (``2005-04``)."""

    month: str
    balance: str
    paid: str
    status: str | None = None


class Status(_Part, frozen=True):
    """A repayment status: months late, whether the bill was paid in full, and the rule to count
    where the code is undocumented.
    """

    code: int
    months_late: Annotated[int, msgspec.Meta(ge=0)]
    paid_in_full: bool = False
    rule: str | None = None


class NewTerms(_Part, frozen=True):
    """Terms of the lines, where they are not the pack's. Products: numbers of free instalments."""

    due_days: Annotated[int, msgspec.Meta(ge=1, le=60)]
    late_fee_minor: Annotated[int, msgspec.Meta(ge=0)] = 0
    late_fee_grace_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    products: list[_Count] = msgspec.field(default_factory=lambda: [1])


class Schedule(_Part, frozen=True):
    """How amounts are asked for: the opening balance and a purchase in equal instalments.

    With ``minimum_bps`` the line revolves: each statement of the file asks for that share of the
    amount, and the rest is asked for in so many equal instalments after the file's last month.
    """

    opening: _Count
    purchases: _Count
    minimum_bps: Annotated[int, msgspec.Meta(ge=0, le=5_000)] = 0

    @property
    def label(self) -> str:
        """The schedule in a report: ``3+3``, or ``6+3@500bp``."""
        return f"{self.opening}+{self.purchases}" + (f"@{self.minimum_bps}bp" if self.minimum_bps else "")


class Mapping(_Part, frozen=True, dict=True):
    """A mapping file. See docs/how-to/import-a-portfolio.md."""

    title: str
    pack: str
    currency: str
    timezone: str
    language: str
    days: Days
    columns: Columns
    months: Annotated[list[MonthColumns], msgspec.Meta(min_length=1, max_length=120)]
    schedules: Annotated[list[Schedule], msgspec.Meta(min_length=1, max_length=12)]
    status: list[Status] = msgspec.field(default_factory=list[Status])
    terms: NewTerms | None = None
    encoding: str = "utf-8"
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","
    unused: list[str] = msgspec.field(default_factory=list[str])

    @cached_property
    def agreement(self) -> Agreement:
        """What the lines are opened under."""
        pack = packs.load(self.pack)
        terms = Agreement.of(pack).terms
        if self.terms:
            terms = Terms(
                self.terms.due_days,
                self.terms.late_fee_minor,
                self.terms.late_fee_grace_days,
                tuple(Product(count) for count in self.terms.products),
            )
        return Agreement(self.pack, self.currency, self.timezone, terms)

    @cached_property
    def first(self) -> date:
        """The first day of the first month."""
        return date.fromisoformat(f"{self.months[0].month}-01")

    def day(self, month: int, day: int) -> date:
        """A day of the ``month``-th month; -1 is the month before the first."""
        return add_months(self.first, month).replace(day=day)

    def statement_on(self, month: int) -> date:
        """The statement day of a month."""
        return self.day(month, self.days.statement)

    @cached_property
    def wanted(self) -> list[str]:
        """Every column that is read."""
        names = [self.columns.reference, self.columns.limit, self.columns.defaulted]
        names += [self.columns.opened_on, self.columns.language]
        if self.columns.person:
            names += list(msgspec.structs.asdict(self.columns.person).values())
        for month in self.months:
            names += [month.balance, month.paid, month.status]
        return [name for name in names if name]

    @cached_property
    def months_late(self) -> dict[int, Status]:
        """Statuses by code."""
        return {status.code: status for status in self.status}


class Chosen(_Part, frozen=True):
    """A mapping with the name it was asked by and a hash of its content."""

    name: str
    version: str
    mapping: Mapping


def names() -> list[str]:
    """The mappings that ship."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load(name: str) -> Chosen:
    """A shipped mapping by name, or one of yours by path. Raises IntakeError that says what to mend."""
    path = SHIPPED / f"{name}.toml" if name in names() else Path(name)
    try:
        content = path.read_bytes()
    except OSError:
        message = f"there is no mapping {name!r}; give a path, or one of: {', '.join(names())}"
        raise IntakeError("mapping.not_found", message) from None
    try:
        found = msgspec.convert(tomllib.loads(content.decode()), Mapping)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise IntakeError("mapping.invalid", f"mapping {path.name}: {error}") from None
    faults = _faults(found)
    if faults:
        raise IntakeError("mapping.invalid", f"mapping {path.name}: " + "; ".join(faults))
    label = name if path.parent == SHIPPED else path.name
    return Chosen(name=label, version=hashlib.sha256(content).hexdigest()[:12], mapping=found)


def _faults(mapping: Mapping) -> list[str]:
    """What a mapping says that cannot be."""
    faults: list[str] = []
    if mapping.pack not in packs.names():
        faults.append(f"pack is {mapping.pack!r}; there are: {', '.join(packs.names())}")
    if mapping.currency not in MINOR_DIGITS:
        faults.append(f"currency is {mapping.currency!r}; known are: {', '.join(MINOR_DIGITS)}")
    if mapping.language not in _LANGUAGES:
        faults.append(f"language is {mapping.language!r}; there are: {', '.join(_LANGUAGES)}")
    try:
        ZoneInfo(mapping.timezone)
    except (KeyError, ValueError, OSError):
        faults.append(f"timezone is {mapping.timezone!r}; it must be a name such as Asia/Shanghai")
    try:
        if codecs.lookup(mapping.encoding).name not in _ENCODINGS:
            raise LookupError
    except LookupError:
        faults.append(f"encoding is {mapping.encoding!r}; use one of: {', '.join(sorted(_ENCODINGS))}")
    days = mapping.days
    if not days.payment < days.purchase < days.statement:
        faults.append("days must be in the order payment, purchase, statement")
    doubled = sorted({name for name in mapping.wanted if mapping.wanted.count(name) > 1})
    if doubled:
        faults.append(f"columns have two meanings: {', '.join(doubled)}")
    if both := sorted(set(mapping.unused) & set(mapping.wanted)):
        faults.append(f"columns are unused and used: {', '.join(both)}")
    bills = len(mapping.months) + 1
    for schedule in mapping.schedules:
        if schedule.minimum_bps * bills > BASIS_POINTS:
            faults.append(f"schedule {schedule.label} asks for more than everything in {bills} statements")
        elif schedule.minimum_bps and bills + max(schedule.opening, schedule.purchases) > MOST_INSTALMENTS:
            faults.append(f"schedule {schedule.label} has more than {MOST_INSTALMENTS} instalments")
    return faults + _month_faults(mapping)


def _month_faults(mapping: Mapping) -> list[str]:
    faults: list[str] = []
    expected: date | None = None
    for month in mapping.months:
        try:
            day = date.fromisoformat(f"{month.month}-01")
        except ValueError:
            return [f"month is {month.month!r}; write it as 2005-04"]
        if expected and day != expected:
            after = f"{expected.year}-{calendar.month_abbr[expected.month]}"
            return [f"months must follow each other: {month.month} stands where {after} should"]
        expected = add_months(day, 1)
        if month.status and not mapping.status:
            faults.append(f"month {month.month} has a status column, but [[status]] explains no code")
    return faults
