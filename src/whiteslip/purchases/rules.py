"""What is decided about a purchase, as facts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from whiteslip import packs
from whiteslip.base import Refusal
from whiteslip.lines.model import NIGHT_HOURS, Feature, LockKind, Part
from whiteslip.packs.deferral import goes_beyond
from whiteslip.purchases.model import Capture, Purchase, Request, Standing

_UNCONFIRMED: Final = Part(Feature.UNCONFIRMED)
# The lock that a decline names, when several stand: the law first, the customer's own wish last.
_LOCK_ORDER: Final = (LockKind.LEGAL, LockKind.EXIT, LockKind.ISSUER, LockKind.CUSTOMER)


def fault(request: Request, line: Standing | None, users: Mapping[UUID, UUID]) -> Refusal | None:
    """What makes a request impossible before any policy is asked. ``users`` may draw, each on a line."""
    if line is None:
        return Refusal("line.not_found")
    if request.amount_minor <= 0:
        return Refusal("purchase.amount_invalid")
    if line.terms.product(request.instalments) is None:
        return Refusal("purchase.product_unknown", {"instalments": request.instalments})
    pack = packs.load(line.pack)
    if goes_beyond(
        request.instalments,
        line.terms.due_days,
        pack.count("deferred.most_instalments"),
        pack.months("deferred.most_months"),
    ):
        return Refusal("purchase.beyond_deferral", {"instalments": request.instalments})
    if request.buyer and users.get(request.buyer) != line.line:
        return Refusal("user.not_found")
    return None


def capture_fault(capture: Capture, purchase: Purchase | None, again: bool, now: datetime) -> Refusal | None:
    """What makes a capture impossible. A hold ends at its instant, not in the night that books its end."""
    if purchase is None:
        return Refusal("purchase.not_found")
    if again:
        return Refusal("purchase.twice_in_batch")
    if purchase.hold is None or now >= purchase.expires_at:
        return Refusal("purchase.nothing_held")
    if capture.amount_minor <= 0:
        return Refusal("purchase.amount_invalid")
    if capture.amount_minor > purchase.held_minor:
        return Refusal("purchase.over_held", {"held_minor": purchase.held_minor})
    return None


def _part_lock(request: Request, line: Standing, now: datetime) -> str:
    """Who locked a part of drawing that this request would use: the lender before the customer, then
    whether whoever draws has not confirmed who they are; none."""
    if not line.locked_parts:
        return "none"
    used = uses(request.merchant, request.category, request.cash, request.instalments, now, line.timezone)
    if any(part in line.issuer_parts for part in used):
        return "issuer_feature"
    if any(part in line.locked_parts for part in used):
        return "feature"
    return "unconfirmed" if _UNCONFIRMED in line.issuer_parts else "none"


def uses(shop: str, category: str, cash: bool, instalments: int, at: datetime, timezone: str) -> list[Part]:
    """The parts of drawing that a purchase uses."""
    used = [Part(Feature.MERCHANT, shop)]
    if category:
        used.append(Part(Feature.CATEGORY, category))
    if cash:
        used.append(Part(Feature.CASH))
    if instalments > 1:
        used.append(Part(Feature.INSTALMENTS))
    if at.astimezone(ZoneInfo(timezone)).hour in NIGHT_HOURS:
        used.append(Part(Feature.NIGHT))
    return used


def facts(request: Request, line: Standing, day: date, now: datetime) -> dict[str, object]:
    """The facts of the table ``purchase-authorisation`` on the line's business ``day``, in minor units."""
    lock = next((kind.value for kind in _LOCK_ORDER if kind in line.locks), None) if line.locks else None
    if lock is None:
        lock = _part_lock(request, line, now)
    return {
        "amount_minor": request.amount_minor,
        "available_minor": max(0, line.room_minor),
        "lock": lock,
        "lifecycle": line.lifecycle,
        "dpd_days": max(0, (day - line.oldest_due_on).days) if line.oldest_due_on else 0,
        "velocity_24h": line.recent,
        "per_purchase_cap_minor": line.limit_minor,
        "instalments": request.instalments,
    }


def told_late(first_statement_on: date | None, told_on: date, days: int) -> bool:
    """Whether a purchase is disputed more than so many days after the first statement that asks for it
    (Regulation Z, 12 CFR 1026.13(b)(1)): the law no longer binds the lender, which takes it all the same.
    """
    return first_statement_on is not None and told_on > first_statement_on + timedelta(days=days)
