"""Identifiers: UUID version 7 inside, a short prefixed form outside (``line_01h455vb4pex…``)."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Final
from uuid import UUID

# Crockford's base 32: no i, l, o, u, so that a person can read an identifier out on the phone.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_LENGTH: Final = 26


def new_id(now: datetime) -> UUID:
    """A new UUID version 7 (RFC 9562): 48 bits of ``now`` in milliseconds, then random bits."""
    millis = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    value = millis << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


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
