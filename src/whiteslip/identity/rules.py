"""What personal data looks like when it is right. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import phonenumbers
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from whiteslip.base import Refusal
from whiteslip.identity.model import IdKind, Person, Ticks

_EMAIL: Final = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}\.[^@\s,;<>\".]{2,}")
_RESIDENT_ID: Final = re.compile(r"[0-9]{17}[0-9X]")
_OTHER_ID: Final = re.compile(r"[A-Z0-9]{5,40}")
_NAME_LONGEST: Final = 100


def normal_name(name: str) -> str:
    """A name in composed form with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).split())


def normal_id_number(number: str) -> str:
    """An ID number in capitals without spaces and dashes."""
    text = unicodedata.normalize("NFKC", number).upper()
    return re.sub(r"[\s-]", "", text)


def normal_phone(phone: str, region: str) -> str | None:
    """A phone number in E.164, or None when it cannot be one. One without a country's code is read as one of
    ``region`` (ISO 3166); where that is empty it cannot be one.
    """
    try:
        parsed = phonenumbers.parse(unicodedata.normalize("NFKC", phone), region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def normal_email(email: str) -> str:
    """An e-mail address in lower case."""
    return unicodedata.normalize("NFKC", email).strip().lower()


def normalise(person: Person, region: str) -> Person | Refusal:
    """The person as the vault keeps them.

    A phone without a country is read as one of ``region``. Refusals: ``identity.name_invalid``,
    ``identity.id_number_invalid``, ``identity.phone_invalid``, ``identity.email_invalid``.
    """
    name = normal_name(person.full_name)
    if not 0 < len(name) <= _NAME_LONGEST or _has_controls(name):
        return Refusal("identity.name_invalid")
    number = normal_id_number(person.id_number)
    if id_kind(number) is None:
        return Refusal("identity.id_number_invalid")
    phone = normal_phone(person.phone, region)
    if phone is None:
        return Refusal("identity.phone_invalid")
    email = normal_email(person.email)
    if not _EMAIL.fullmatch(email) or _has_controls(email):
        return Refusal("identity.email_invalid")
    return Person(name, number, phone, email)


def id_kind(number: str) -> IdKind | None:
    """Whose scheme an ID number in normal form follows; None when it cannot be one.

    17 digits and a digit or X is a Chinese resident's: its check digit and birth date must be right
    (GB 11643-1999). Its area is not looked up: codes outlive the districts they name, and permits
    of residents from Hong Kong, Macao and Taiwan begin with codes of no district (81, 82, 83).
    """
    if not _RESIDENT_ID.fullmatch(number):
        return IdKind.OTHER if _OTHER_ID.fullmatch(number) else None
    try:
        ric.get_birth_date(number)
    except ValidationError:
        return None
    return IdKind.CN_RIC if ric.calc_check_digit(number) == number[-1] else None


def _has_controls(text: str) -> bool:
    """Whether ``text`` has control, format, private, unassigned or half characters."""
    return any(unicodedata.category(letter)[0] == "C" for letter in text)


def compare(person: Person, full_name: str, id_number: str) -> Ticks:
    """Which of the two agree, whatever the width, case and spaces they were typed with."""
    names = [normal_name(text).casefold().replace(" ", "") for text in (person.full_name, full_name)]
    return Ticks(name=names[0] == names[1], id_number=person.id_number == normal_id_number(id_number))
