"""Identifiers: UUID version 7 inside, a short prefixed form outside (``line_01h455vb4pex…``)."""

from __future__ import annotations

import os
import secrets
import struct
from datetime import datetime
from typing import Final
from uuid import UUID, SafeUUID

# Crockford's base 32: no i, l, o, u, so that a person can read an identifier out on the phone.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_LENGTH: Final = 26
_MILLIS: Final = (1 << 48) - 1
_RANDOM: Final = (1 << 62) - 1
# A UUID takes no attributes from others.
_put: Final = object.__setattr__

# Before every identifier: where a list that is read by pages begins.
NO_ID: Final = UUID(int=0)

_LETTERS: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


def new_id(now: datetime) -> UUID:
    """A new UUID version 7 (RFC 9562): 48 bits of ``now`` in milliseconds, a counter, random bits."""
    return new_ids(now, 1)[0]


def new_ids(now: datetime, count: int) -> list[UUID]:
    """``count`` UUIDs version 7 in rising order, so that an index takes them side by side.

    Between the milliseconds and 62 random bits of their own they carry a counter that starts at
    random and spills into the milliseconds (RFC 9562 section 6.2, methods 1 and 4).
    """
    noise = os.urandom(8 * count + 2)
    millis = int(now.timestamp() * 1000) & _MILLIS
    first = millis << 12 | int.from_bytes(noise[-2:], "big") & 0x7FF
    return [
        _uuid(place >> 12 << 80 | (place & 0xFFF | 0x7000) << 64 | 1 << 63 | random & _RANDOM)
        for place, random in enumerate(struct.unpack_from(f">{count}Q", noise), first)
    ]


def _uuid(value: int) -> UUID:
    """A UUID of a number known to be in range: the constructor spends most of its time on asking."""
    made = UUID.__new__(UUID)
    _put(made, "int", value)
    _put(made, "is_safe", SafeUUID.unknown)
    return made


def public(prefix: str, identifier: UUID) -> str:
    """The outside form of an identifier: ``prefix_`` and 26 base-32 letters."""
    value, letters = identifier.int, list[str]()
    for _ in range(_LENGTH):
        letters.append(_ALPHABET[value & 31])
        value >>= 5
    return f"{prefix}_{''.join(reversed(letters))}"


def parse_public(prefix: str, text: str) -> UUID | None:
    """The identifier behind ``text``, or None when it is not one of kind ``prefix``."""
    head, _, body = text.partition("_")
    if head != prefix or len(body) != _LENGTH:
        return None
    value = 0
    for letter in body.lower():
        digit = _VALUES.get(letter)
        if digit is None:
            return None
        value = value << 5 | digit
    return UUID(int=value) if value < 1 << 128 else None


def spoken(prefix: str, identifier: UUID) -> str:
    """An identifier by its last forty bits, to be read out on the phone: ``LN-7K2M-91QD``.

    Of a million about one pair shares theirs.
    """
    letters = public("", identifier)[-8:].upper()
    return f"{prefix}-{letters[:4]}-{letters[4:]}"


def parse_spoken(prefix: str, text: str) -> bytes | None:
    """The last five bytes of the identifier that :func:`spoken` reads out, or None."""
    head, _, letters = text.strip().upper().partition("-")
    digits = [_VALUES.get(letter.lower(), -1) for letter in letters.replace("-", "")]
    if head != prefix or len(digits) != 8 or -1 in digits:
        return None
    return sum(digit << 5 * place for place, digit in enumerate(reversed(digits))).to_bytes(5, "big")


def new_reference(prefix: str) -> str:
    """A reference that can be read out on the phone, such as ``EX-7K2M-91``."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(4))
    return f"{prefix}-{letters}-{secrets.randbelow(100):02d}"
