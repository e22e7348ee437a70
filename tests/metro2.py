"""A reader of Metro 2 files that shares nothing with the writer: its own table of positions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

# First character (from 1), length, kind: N digits, D a day or zeros, T text, C one of codes.
_BASE: Final = {
    "record_length": (1, 4, "N"),
    "processing_indicator": (5, 1, "N"),
    "time_stamp": (6, 14, "N"),
    "correction_indicator": (20, 1, "N"),
    "identification_number": (21, 20, "T"),
    "cycle_identifier": (41, 2, "T"),
    "account_number": (43, 30, "T"),
    "portfolio_type": (73, 1, "T"),
    "account_type": (74, 2, "T"),
    "date_opened": (76, 8, "D"),
    "credit_limit": (84, 9, "N"),
    "highest_credit": (93, 9, "N"),
    "terms_duration": (102, 3, "T"),
    "terms_frequency": (105, 1, "T"),
    "scheduled_payment": (106, 9, "N"),
    "actual_payment": (115, 9, "N"),
    "account_status": (124, 2, "T"),
    "payment_rating": (126, 1, "T"),
    "payment_history": (127, 24, "T"),
    "special_comment": (151, 2, "T"),
    "compliance_code": (153, 2, "T"),
    "current_balance": (155, 9, "N"),
    "amount_past_due": (164, 9, "N"),
    "charge_off_amount": (173, 9, "N"),
    "date_of_information": (182, 8, "D"),
    "first_delinquency": (190, 8, "D"),
    "date_closed": (198, 8, "D"),
    "last_payment": (206, 8, "D"),
    "interest_type": (214, 1, "T"),
    "reserved": (215, 17, "T"),
    "surname": (232, 25, "T"),
    "first_name": (257, 20, "T"),
    "middle_name": (277, 20, "T"),
    "generation": (297, 1, "T"),
    "ssn": (298, 9, "N"),
    "date_of_birth": (307, 8, "D"),
    "telephone": (315, 10, "N"),
    "ecoa": (325, 1, "T"),
    "consumer_information": (326, 2, "T"),
    "country": (328, 2, "T"),
    "address": (330, 32, "T"),
    "address_more": (362, 32, "T"),
    "city": (394, 20, "T"),
    "state": (414, 2, "T"),
    "zip": (416, 9, "T"),
    "address_indicator": (425, 1, "T"),
    "residence": (426, 1, "T"),
}
_HEADER: Final = {
    "record_length": (1, 4, "N"),
    "identifier": (5, 6, "T"),
    "cycle_identifier": (11, 2, "T"),
    "innovis": (13, 10, "T"),
    "equifax": (23, 10, "T"),
    "experian": (33, 5, "T"),
    "transunion": (38, 10, "T"),
    "activity_date": (48, 8, "D"),
    "date_created": (56, 8, "D"),
    "program_date": (64, 8, "D"),
    "program_revision_date": (72, 8, "D"),
    "reporter_name": (80, 40, "T"),
    "reporter_address": (120, 96, "T"),
    "reporter_telephone": (216, 10, "N"),
    "software_vendor": (226, 40, "T"),
    "software_version": (266, 5, "T"),
    "microbilt": (271, 10, "T"),
    "reserved": (281, 146, "T"),
}
# First characters of the trailer's counts, nine digits each.
_TRAILER_STATUSES: Final = {
    "DF": 30,
    "DA": 66,
    "05": 75,
    "11": 84,
    "13": 93,
    "61": 102,
    "62": 111,
    "63": 120,
    "64": 129,
    "65": 138,
    "71": 147,
    "78": 156,
    "80": 165,
    "82": 174,
    "83": 183,
    "84": 192,
    "88": 201,
    "89": 210,
    "93": 219,
    "94": 228,
    "95": 237,
    "96": 246,
    "97": 255,
}
_TRAILER_COUNTS: Final = {
    "base": 12,
    "j1": 39,
    "j2": 48,
    "blocks": 57,
    "ecoa_z": 264,
    "employment": 273,
    "original_creditor": 282,
    "purchased": 291,
    "mortgage": 300,
    "payment_information": 309,
    "change": 318,
    "ssn": 327,
    "ssn_base": 336,
    "ssn_j1": 345,
    "ssn_j2": 354,
    "births": 363,
    "births_base": 372,
    "births_j1": 381,
    "births_j2": 390,
    "telephones": 399,
}
LATE: Final = ("71", "78", "80", "82", "83", "84")
_NEEDS_RATING: Final = ("05", "13", "65", "88", "89", "94", "95")
_CODES: Final = ("", "XA", "XB", "XC", "XD", "XE", "XF", "XG", "XH", "XJ", "XR")


@dataclass(frozen=True, slots=True)
class Record:
    """A record by field: days and numbers as such, text without its padding."""

    texts: dict[str, str]
    numbers: dict[str, int]
    days: dict[str, date | None]


def _read(line: str, layout: dict[str, tuple[int, int, str]]) -> Record:
    assert len(line) == 426, len(line)
    assert line.isascii()
    assert line.isprintable()
    assert line == line.upper()
    record, end = Record({}, {}, {}), 1
    for name, (start, length, kind) in layout.items():
        assert start == end, f"{name} begins at {start}, after {end}"
        cell, end = line[start - 1 : start - 1 + length], start + length
        if kind == "T":
            assert cell == cell.lstrip().ljust(length), f"{name} is not flush left: {cell!r}"
            record.texts[name] = cell.rstrip()
        else:
            assert re.fullmatch(r"\d+", cell), f"{name} is not a number: {cell!r}"
            if kind == "N":
                record.numbers[name] = int(cell)
            else:
                none = cell == "00000000"
                record.days[name] = None if none else date(int(cell[4:]), int(cell[:2]), int(cell[2:4]))
    assert end == 427
    return record


def base(line: str) -> Record:
    """A base segment, with what must hold of every one."""
    record = _read(line, _BASE)
    texts, numbers, days = record.texts, record.numbers, record.days
    assert numbers["record_length"] == 426
    status, rating = texts["account_status"], texts["payment_rating"]
    assert status in ("DA", "11", "13", "64", "97", *LATE)
    assert bool(rating) == (status in _NEEDS_RATING)
    assert re.fullmatch("[0-6EBL]{24}", texts["payment_history"])
    assert not re.search("B[^B]", texts["payment_history"]), "history before the beginning"
    assert texts["compliance_code"] in _CODES
    assert texts["special_comment"] in ("", "M", "CI", "AU", "AH", "AC", "CP")
    assert status == "64" or texts["special_comment"] != "AU", "settled for less, and not a charge-off"
    if status == "13":
        assert numbers["current_balance"] == 0
        assert days["date_closed"]
    if status in ("11", "13", "64"):
        assert numbers["amount_past_due"] == 0
    if status == "64":
        assert numbers["current_balance"] == 0
    if texts["special_comment"] == "AH":
        assert numbers["current_balance"] == numbers["amount_past_due"] == numbers["scheduled_payment"] == 0
        assert days["date_closed"]
    elif status in LATE:
        assert numbers["amount_past_due"] > 0
    if status in LATE:
        assert days["first_delinquency"]
    if status == "11" or rating == "0":
        assert days["first_delinquency"] is None
    assert numbers["amount_past_due"] <= numbers["current_balance"] <= numbers["highest_credit"]
    informed = days["date_of_information"]
    assert informed
    assert days["date_opened"]
    for name in ("date_opened", "first_delinquency", "date_closed", "last_payment"):
        day = days[name]
        assert day is None or day <= informed, name
    if texts["special_comment"] in ("M", "CI"):
        assert texts["compliance_code"] not in ("XA", "XD", "XE", "XJ")
    return record


def read(text: str) -> dict[str, Record]:
    """A whole file by account number; header and trailer are compared with what is between them."""
    assert text.endswith("\n")
    head, *lines, foot = text[:-1].split("\n")
    header = _read(head, _HEADER)
    assert header.texts["identifier"] == "HEADER"
    records = [base(line) for line in lines]
    for record in records:
        assert record.days["date_of_information"] == header.days["activity_date"]
    _check_trailer(foot, records)
    found = {record.texts["account_number"]: record for record in records}
    assert len(found) == len(records), "an account stands twice"
    return found


def header(text: str) -> Record:
    """The header of a file."""
    return _read(text.split("\n", maxsplit=1)[0], _HEADER)


def _check_trailer(line: str, records: list[Record]) -> None:
    assert len(line) == 426
    assert line[:11] == "0426TRAILER"
    assert line[20:29] == " " * 9
    assert line[407:] == " " * 19
    statuses = [record.texts["account_status"] for record in records]
    for status, start in _TRAILER_STATUSES.items():
        assert int(line[start - 1 : start + 8]) == statuses.count(status), status
    assert sum(statuses.count(status) for status in _TRAILER_STATUSES) == len(records)
    counted = {name: int(line[start - 1 : start + 8]) for name, start in _TRAILER_COUNTS.items()}
    socials = sum(record.numbers["ssn"] > 0 for record in records)
    births = sum(record.days["date_of_birth"] is not None for record in records)
    phones = sum(record.numbers["telephone"] > 0 for record in records)
    wanted = {
        "base": len(records),
        "ssn": socials,
        "ssn_base": socials,
        "births": births,
        "births_base": births,
        "telephones": phones,
    }
    assert counted == dict.fromkeys(_TRAILER_COUNTS, 0) | wanted
