"""From the cells of a row to a customer's history, or to the reason why not. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from whiteslip import packs
from whiteslip.base import Refusal
from whiteslip.base.money import MINOR_DIGITS
from whiteslip.identity import Person
from whiteslip.identity.rules import normalise
from whiteslip.intake.fault import IntakeError
from whiteslip.intake.mapping import Mapping
from whiteslip.intake.model import History, Month, Rejected

LARGEST_MINOR: Final = 10**13
_LONGEST_REFERENCE: Final = 64
_LONGEST_SHOWN: Final = 40
_AMOUNT: Final = re.compile(r"(-?)(\d{1,18})(?:\.(\d{1,9}))?", re.ASCII)
_STATUS: Final = re.compile(r"-?\d{1,3}", re.ASCII)
_NUMBER_LIKE: Final = re.compile(r"[+-][\d\s().-]*\d", re.ASCII)
# A cell that names nobody: a date or a small number at most. Others are not shown of a file with people.
_NOBODY: Final = re.compile(r"['\"][0-9.,:/=+@ -]{0,10}['\"]", re.ASCII)
_FLAGS: Final = {"0": False, "1": True, "false": False, "true": True, "no": False, "yes": True}
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EARLIEST: Final = date(1970, 1, 1)

# What each code says was found, and how to mend it.
MENDING: Final[Table[str, str]] = {
    "row.too_long": "no row is longer than 64 kB; look for a missing line break or quote",
    "row.encoding": "the text is not in the mapping's encoding; save the file in it or change the mapping",
    "row.nul": "the row holds a NUL byte; export the file again",
    "row.control_character": "the row holds a control character; export the file again",
    "row.quotes": "a quote opens and does not close, or stands in a cell; double it or remove it",
    "row.cell_count": "the row has another number of cells than the header; look for a stray delimiter",
    "row.cut_off": "the file ends inside this row; export it again",
    "cell.empty": "the cell is empty; fill it in",
    "cell.formula": "the cell begins like a spreadsheet formula; write plain text",
    "cell.too_long": "the text is too long; shorten it",
    "amount.not_a_number": "write an amount as 1234.50, without thousands separators or currency",
    "amount.too_fine": "the amount has more decimals than the currency; round it",
    "amount.too_large": "the amount is beyond 100,000,000,000; check the unit",
    "amount.negative": "a limit or payment cannot be negative; a credit balance is a negative balance",
    "status.unknown": "the mapping does not know this status; add it under [[status]]",
    "flag.unknown": "write 1 or 0 (or yes, no, true, false)",
    "language.unknown": "write zh-CN or en",
    "date.impossible": "write an existing day as 2005-04-25, from 1970 to the last month of the file",
    "date.after_history": "the line was opened after its first balance or payment; correct one of them",
    "reference.duplicated": "the reference stands in an earlier row, which counts; remove one of the two",
    "person.invalid": "the vault refuses this; correct the person's data",
}


class _UnfitError(ValueError):
    """A cell that cannot be used. ``found`` is shown, so it never holds personal data."""

    def __init__(self, code: str, column: str | None, found: str) -> None:
        super().__init__(code)
        self.code, self.column, self.found = code, column, found


def rejected(row: int, reference: str | None, column: str | None, code: str, found: str) -> Rejected:
    """A rejection with its sentence: where, what was found, how to mend it."""
    place = f"line {row}" + (f", column {column}" if column else "")
    return Rejected(row, reference, column, code, f"{place}: found {found}; {MENDING[code]}")


def shown(cell: str) -> str:
    """A cell as a message may quote it: short, printable, in quotes."""
    return ascii(cell if len(cell) <= _LONGEST_SHOWN else cell[:_LONGEST_SHOWN] + "...")


@dataclass(frozen=True, slots=True)
class Header:
    """Where each column of the mapping stands, and which columns nobody asked for."""

    places: dict[str, int]
    width: int
    last: str
    unused: list[str]


def read_header(mapping: Mapping, names: Sequence[str]) -> Header:
    """Find the mapping's columns. Raises IntakeError for one that is missing or stands twice."""
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        message = f"line 1: the header has {', '.join(map(shown, doubled))} twice; rename or remove one"
        raise IntakeError("file.header_duplicated", message)
    missing = [name for name in mapping.wanted if name not in names]
    if missing:
        hints: list[str] = []
        for name in missing:
            near = difflib.get_close_matches(name, names, 1)
            hints.append(name + (f" (is it {shown(near[0])}?)" if near else ""))
        message = (
            f"line 1: the header lacks {', '.join(hints)}; found are "
            f"{', '.join(map(shown, names[:40]))}; rename the columns or give another mapping"
        )
        raise IntakeError("file.header_missing", message)
    wanted = set(mapping.wanted)
    places = {name: place for place, name in enumerate(names) if name in wanted}
    return Header(places, len(names), names[-1], [name for name in names if name not in wanted])


def read_row(
    mapping: Mapping, header: Header, cells: Sequence[str], row: int, is_ended: bool
) -> History | Rejected:
    """A customer's history from the cells of a row. ``is_ended``: a line break follows the row."""
    place = header.places[mapping.columns.reference]
    reference = cells[place] if place < len(cells) else None
    has_people = mapping.columns.person is not None
    shifted = has_people and len(cells) != header.width  # the cell may be somebody's name
    if reference and (shifted or _is_formula(reference) or len(reference) > _LONGEST_REFERENCE):
        reference = None
    try:
        if len(cells) != header.width:
            code = "row.cell_count" if is_ended else "row.cut_off"
            raise _UnfitError(code, None, f"{len(cells)} cells where the header has {header.width}")
        if not is_ended and not cells[-1]:
            raise _UnfitError("row.cut_off", header.last, "nothing")
        return _history(mapping, header.places, cells, row)
    except _UnfitError as unfit:
        found = unfit.found
        if has_people and found[0] in "'\"" and not _NOBODY.fullmatch(found):
            found = "text (not shown: the file holds personal data)"
        return rejected(row, reference or None, unfit.column, unfit.code, found)


def _history(mapping: Mapping, places: Table[str, int], cells: Sequence[str], row: int) -> History:
    columns, digits = mapping.columns, MINOR_DIGITS[mapping.currency]

    def cell(column: str) -> str:
        return cells[places[column]]

    months = tuple(
        Month(
            _amount(cell(month.balance), month.balance, digits),
            _positive(cell(month.paid), month.paid, digits),
            _status(mapping, cell(month.status), month.status) if month.status else None,
        )
        for month in mapping.months
    )
    opened_on = _opened(mapping, months, cell(columns.opened_on)) if columns.opened_on else None
    language = cell(columns.language) if columns.language else mapping.language
    if language not in ("zh-CN", "en"):
        raise _UnfitError("language.unknown", columns.language, shown(language))
    return History(
        row=row,
        reference=_text(cell(columns.reference), columns.reference, _LONGEST_REFERENCE),
        language=language,
        limit_minor=_positive(cell(columns.limit), columns.limit, digits),
        opened_on=opened_on,
        defaulted=_flag(cell(columns.defaulted), columns.defaulted) if columns.defaulted else None,
        months=months,
        person=_person(mapping, places, cells),
    )


def _is_formula(text: str) -> bool:
    """Whether a spreadsheet would run the text: it begins with = or @, or with a sign but no number."""
    if text[:1] in ("=", "@"):
        return True
    return text[:1] in ("+", "-") and _NUMBER_LIKE.fullmatch(text) is None


def _text(text: str, column: str, longest: int) -> str:
    if not text:
        raise _UnfitError("cell.empty", column, "nothing")
    if _is_formula(text):
        raise _UnfitError("cell.formula", column, shown(text))
    if len(text) > longest:
        raise _UnfitError("cell.too_long", column, f"{len(text)} characters, {longest} are the most")
    return text


def _amount(text: str, column: str, digits: int) -> int:
    """An amount in minor units."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        code = "cell.empty" if not text else "cell.formula" if _is_formula(text) else "amount.not_a_number"
        raise _UnfitError(code, column, shown(text) if text else "nothing")
    sign, whole, fraction = found.groups("")
    fraction = fraction.rstrip("0")
    if len(fraction) > digits:
        raise _UnfitError("amount.too_fine", column, shown(text))
    minor = int(whole + fraction.ljust(digits, "0"))
    if minor > LARGEST_MINOR:
        raise _UnfitError("amount.too_large", column, shown(text))
    return -minor if sign else minor


def _positive(text: str, column: str, digits: int) -> int:
    minor = _amount(text, column, digits)
    if minor < 0:
        raise _UnfitError("amount.negative", column, shown(text))
    return minor


def _status(mapping: Mapping, text: str, column: str) -> int:
    whole = text.removesuffix(".0")
    if not text or not _STATUS.fullmatch(whole) or int(whole) not in mapping.months_late:
        code = "cell.empty" if not text else "cell.formula" if _is_formula(text) else "status.unknown"
        raise _UnfitError(code, column, shown(text) if text else "nothing")
    return int(whole)


def _flag(text: str, column: str) -> bool:
    flag = _FLAGS.get(text.removesuffix(".0").lower())
    if flag is None:
        raise _UnfitError(
            "flag.unknown" if text else "cell.empty", column, shown(text) if text else "nothing"
        )
    return flag


def _opened(mapping: Mapping, months: Sequence[Month], text: str) -> date:
    """The day the line was opened, which is before anything counts on it."""
    column = mapping.columns.opened_on
    try:
        day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise _UnfitError("date.impossible", column, shown(text) if text else "nothing") from None
    if not _EARLIEST <= day <= mapping.statement_on(len(mapping.months) - 1):
        raise _UnfitError("date.impossible", column, shown(text))
    used = [place for place, month in enumerate(months) if month.balance_minor or month.paid_minor]
    if used:
        begins = mapping.statement_on(-1) if used[0] == 0 else mapping.day(used[0], mapping.days.payment)
        if day > begins:
            raise _UnfitError("date.after_history", column, f"{day} where {begins} has a balance or payment")
    return day


def _person(mapping: Mapping, places: Table[str, int], cells: Sequence[str]) -> Person | None:
    """The person in the vault's normal form. What was found is never shown."""
    columns = mapping.columns.person
    if columns is None:
        return None
    texts: list[str] = []
    for column in (columns.full_name, columns.id_number, columns.phone, columns.email):
        text = cells[places[column]]
        if not text:
            raise _UnfitError("cell.empty", column, "nothing")
        if _is_formula(text):
            raise _UnfitError("cell.formula", column, "a formula (not shown: the file holds personal data)")
        texts.append(text)
    kept = normalise(Person(*texts), packs.load(mapping.pack).country)
    if isinstance(kept, Refusal):
        raise _UnfitError(
            "person.invalid",
            _column_of(mapping, kept),
            f"{kept.code} (not shown: the file holds personal data)",
        )
    return kept


def _column_of(mapping: Mapping, refusal: Refusal) -> str | None:
    names = {
        "identity.name_invalid": "full_name",
        "identity.id_number_invalid": "id_number",
        "identity.phone_invalid": "phone",
        "identity.email_invalid": "email",
    }
    return getattr(mapping.columns.person, names[refusal.code], None)
