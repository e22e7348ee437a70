"""What personal data looks like when it is right. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import phonenumbers
from stdnum.cn import ric

from whiteslip.base import Refusal
from whiteslip.identity.model import Person, Ticks

_EMAIL: Final = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}\.[^@\s,;<>\".]{2,}")
_OTHER_ID: Final = re.compile(r"[A-Z0-9][A-Z0-9 -]{3,38}[A-Z0-9]")
_CHINESE_ID_LENGTH: Final = 18
_NAME_LONGEST: Final = 100


def normal_name(name: str) -> str:
    """A name in composed form with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).split())


def normal_id_number(number: str) -> str:
    """An ID number in capitals without spaces and dashes."""
    text = unicodedata.normalize("NFKC", number).upper()
    return re.sub(r"[\s-]", "", text)


def normal_phone(phone: str, region: str = "CN") -> str | None:
    """A phone number in E.164, or None when it cannot be one."""
    try:
        parsed = phonenumbers.parse(unicodedata.normalize("NFKC", phone), region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def normal_email(email: str) -> str:
    """An e-mail address in lower case."""
    return unicodedata.normalize("NFKC", email).strip().lower()


def normalise(person: Person, region: str = "CN") -> Person | Refusal:
    """The person as the vault keeps them.

    An 18-character ID number of digits (the last may be X) is a Chinese resident's and must have
    its check digit right (GB 11643-1999). Refusals: ``identity.name_invalid``,
    ``identity.id_number_invalid``, ``identity.phone_invalid``, ``identity.email_invalid``.
    """
    name = normal_name(person.full_name)
    if not 0 < len(name) <= _NAME_LONGEST or any(unicodedata.category(c)[0] == "C" for c in name):
        return Refusal("identity.name_invalid")
    number = normal_id_number(person.id_number)
    if not _is_id_number(number):
        return Refusal("identity.id_number_invalid")
    phone = normal_phone(person.phone, region)
    if phone is None:
        return Refusal("identity.phone_invalid")
    email = normal_email(person.email)
    if not _EMAIL.fullmatch(email):
        return Refusal("identity.email_invalid")
    return Person(name, number, phone, email)


def _is_id_number(number: str) -> bool:
    looks_chinese = (
        len(number) == _CHINESE_ID_LENGTH and number[:-1].isdigit() and number[-1] in "0123456789X"
    )
    if looks_chinese:
        return bool(ric.is_valid(number))
    return _OTHER_ID.fullmatch(number) is not None


def compare(person: Person, full_name: str, id_number: str) -> Ticks:
    """Which of the two agree, whatever the width, case and spaces they were typed with."""
    names = [normal_name(text).casefold().replace(" ", "") for text in (person.full_name, full_name)]
    return Ticks(name=names[0] == names[1], id_number=person.id_number == normal_id_number(id_number))
