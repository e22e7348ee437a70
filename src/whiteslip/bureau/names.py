"""People as a Metro 2 record can name them: capital letters of ASCII, and nothing guessed. Pure.

Accents are taken off and a few letters are spelled out as English-speaking offices do. A name in
another script has no one spelling in ASCII, so it is refused rather than invented: the lender has
the spelling that the customer uses.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from whiteslip.base import Refusal
from whiteslip.bureau.model import Consumer
from whiteslip.identity import Person

_SPELLED: Final = str.maketrans(
    {
        "Æ": "AE",
        "Ð": "D",
        "Đ": "D",
        "Ø": "O",
        "Œ": "OE",
        "Þ": "TH",
        "Ł": "L",
        "ẞ": "SS",
        "ß": "SS",
        "ı": "I",
        "’": "",
        "ʻ": "",
        "ʼ": "",
        "`": "",
        "'": "",
        ".": " ",
        "‐": "-",
        "–": "-",
    }
)
# Generation codes of the base segment.
_GENERATIONS: Final = {
    "JR": "J",
    "SR": "S",
    "II": "2",
    "III": "3",
    "IV": "4",
    "V": "5",
    "VI": "6",
    "VII": "7",
    "VIII": "8",
    "IX": "9",
}
_KNOWN: Final = re.compile(r"[A-Z0-9 #&/,-]*")
_NAME: Final = re.compile(r"[A-Z0-9 -]*")
_US_PHONE: Final = re.compile(r"\+1(\d{10})")
_SSN: Final = re.compile(r"\d{9}")


def ascii_capitals(text: str) -> str | None:
    """A text in capital ASCII letters, digits, spaces and ``#&/,-``; None where
    it has a sign that these cannot spell.
    """
    plain = unicodedata.normalize("NFKD", text.upper().translate(_SPELLED)).translate(_SPELLED)
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    plain = " ".join(plain.split())
    return plain if _KNOWN.fullmatch(plain) else None


def consumer(person: Person) -> Consumer | Refusal:
    """A person of the vault as the file names them: the last word of the name is the surname.

    A number of nine digits is taken for a Social Security number, another is left out. The vault
    keeps no address and no date of birth. Refusal: ``bureau.name_not_latin``.
    """
    name = ascii_capitals(person.full_name)
    words = (name or "").replace(",", " ").split()
    if not words or not _NAME.fullmatch(" ".join(words)):
        return Refusal("bureau.name_not_latin")
    generation = _GENERATIONS.get(words[-1], "") if len(words) > 2 else ""
    if generation:
        words = words[:-1]
    phone = _US_PHONE.fullmatch(person.phone)
    return Consumer(
        surname=words[-1],
        first_name=words[0] if len(words) > 1 else "",
        middle_name=" ".join(words[1:-1]),
        generation=generation,
        social_security_number=person.id_number if _SSN.fullmatch(person.id_number) else "",
        phone=phone[1] if phone else "",
    )
