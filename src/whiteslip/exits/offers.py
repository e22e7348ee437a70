"""What may stand beside the ways to leave, and to whom: pure. Showing it is in ``offering``."""

from __future__ import annotations

import hashlib
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle


class OfferError(ValueError):
    """A file of an offer that cannot be used: says why."""


class Kind(StrEnum):
    """What may be offered. Nothing among it is credit, a discount or a gift."""

    LOWER_LIMIT = "lower_limit"
    PAUSE = "pause"
    HARDSHIP_HELP = "hardship_help"


LEAST_HELD_OUT_PERCENT: Final = 10


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An alternative as its file says: never again to one customer within ``window_days``.

    ``days`` is how long a pause lasts. ``hold_out_percent`` of those it is meant for do not see it, by
    lot: else nobody could tell what it does. The words are the page's, so that no file can press
    anybody.
    """

    id: str
    kind: Kind
    window_days: int = 365
    days: int = 30
    hold_out_percent: int = 20

    def __post_init__(self) -> None:
        if self.window_days < 30 or not 1 <= self.days <= 90:
            raise ValueError("an offer has a window of 30 days or more, and a pause of 1 to 90 days")
        if not 0 <= self.hold_out_percent <= 50:
            raise ValueError("at most half of those an offer is meant for are held out")


def read_offer(path: Path) -> Offer:
    """The offer in a file. Raises OfferError for one that cannot be used."""
    try:
        offer = msgspec.convert(tomllib.loads(path.read_text()), Offer)
        if offer.hold_out_percent < LEAST_HELD_OUT_PERCENT:
            raise ValueError(f"hold_out_percent is {LEAST_HELD_OUT_PERCENT} to 50")
        return offer
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise OfferError(f"the offer in {path} cannot be used: {error}") from None


def is_held_out(offer: Offer, customer: UUID) -> bool:
    """The lot: the same for one customer and offer always, and bound to nothing else about them."""
    drawn = hashlib.sha256(f"{offer.id}:{customer}".encode()).digest()
    return int.from_bytes(drawn[:8]) % 100 < offer.hold_out_percent


def reason_to_show(offer: Offer, line: Line, days_past_due: int, forborne: bool) -> str | None:
    """Why this customer would see the offer, as a code; None if they should not.

    Who is past due is shown help and nothing else. Who keeps a hardship plan, or kept one lately, is
    asked nothing; who pays as agreed is not asked about hardship.
    """
    if line.lifecycle is not Lifecycle.ACTIVE:
        return None
    if days_past_due > 0:
        return "past_due" if offer.kind is Kind.HARDSHIP_HELP else None
    if forborne or line.drawing_stopped:
        return None
    match offer.kind:
        case Kind.LOWER_LIMIT:
            drawn = line.principal_minor + line.held_minor
            return "limit_above_use" if 0 < drawn < line.limit_minor else None
        case Kind.PAUSE:
            return "line_in_use"
        case Kind.HARDSHIP_HELP:
            return None
