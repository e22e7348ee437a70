"""From a memory to the facts of the table ``watch-monitor``. Pure; whole numbers, so that they replay."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from whiteslip.watch.memory import DAY, Memory, Share
from whiteslip.watch.model import Shown

_NEVER_DAYS: Final = 9_999
_BPS: Final = 10_000
_CENTI: Final = 100
_MOST: Final = 1_000_000
# Usual night purchases: three times the own base is what C.1 of the field's practice calls unusual.
_NIGHT_TIMES: Final = 3
# What purchases and payments alone move, and a changed contact. A bill leaves out what is disputed, so what
# bills and limits move is not among them: what is used of the limit, what was paid of a bill and how often
# too little was. Of these a score reads the months of the books.
SCORED: Final = (
    "line_days",
    "velocity_1h_z_centi",
    "velocity_24h_z_centi",
    "velocity_30d_z_centi",
    "purchases_24h_centi",
    "new_shops_24h_bps",
    "purchases_30d_centi",
    "category_shift_bps",
    "amount_shift_bps",
    "night_excess_bps",
    "concentration_bps",
    "round_share_bps",
    "returned_60d_centi",
    "contact_changed_days",
)


def divergence(shares: Iterable[Share]) -> float:
    """Jensen-Shannon divergence of lately from usually, base 2: 0 is the same, 1 nothing in common."""
    pairs = [(share.lately, share.usually) for share in shares]
    late, usual = sum(p for p, _ in pairs), sum(q for _, q in pairs)
    if late <= 0.0 or usual <= 0.0:
        return 0.0
    total = 0.0
    for lately, usually in pairs:
        p, q = lately / late, usually / usual
        middle = (p + q) / 2
        total += sum(x * math.log2(x / middle) for x in (p, q) if x > 0.0)
    return max(0.0, total / 2)


def _whole(value: float, scale: int) -> int:
    return round(max(-_MOST, min(_MOST, value * scale)))


def _of(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else 0.0


def facts(memory: Memory) -> dict[str, object]:
    """The facts as of the memory's instant. What is not known is passed as its harmless value."""
    changed = memory.contact_changed_at
    night, usual_night = night_shares(memory)
    return {
        "line_days": int((memory.at - memory.opened_at) // DAY) if memory.opened_at else _NEVER_DAYS,
        "velocity_1h_z_centi": _whole(memory.hourly.z, _CENTI),
        "velocity_24h_z_centi": _whole(memory.daily.z, _CENTI),
        "velocity_30d_z_centi": _whole(memory.monthly.z, _CENTI),
        "purchases_24h_centi": _whole(memory.day_count, _CENTI),
        "new_shops_24h_bps": _whole(_of(memory.day_new_sum, memory.day_sum), _BPS),
        "purchases_30d_centi": _whole(memory.bought.lately, _CENTI),
        "category_shift_bps": _whole(divergence(memory.categories.values()), _BPS),
        "amount_shift_bps": _whole(divergence(memory.sizes.values()), _BPS),
        "night_excess_bps": _whole(night - _NIGHT_TIMES * usual_night, _BPS),
        "concentration_bps": _whole(_top(memory.shops.values(), memory.spent.lately), _BPS),
        "round_share_bps": _whole(_of(memory.round_sums.lately, memory.bought.lately), _BPS),
        "utilisation_bps": _whole(memory.utilisation, _BPS),
        "utilisation_rise_bps": _whole(memory.utilisation - memory.used, _BPS),
        "payment_ratio_bps": _BPS if memory.paid_ratio is None else _whole(memory.paid_ratio, _BPS),
        "minimum_streak": memory.minimum_streak,
        "short_streak": memory.short_streak,
        "returned_60d_centi": _whole(memory.returned, _CENTI),
        "contact_changed_days": _NEVER_DAYS if changed is None else int((memory.at - changed) // DAY),
    }


def night_shares(memory: Memory) -> tuple[float, float]:
    """The share of purchases at night, lately and usually."""
    return (
        _of(memory.nightly.lately, memory.bought.lately),
        _of(memory.nightly.usually, memory.bought.usually),
    )


def _top(shares: Iterable[Share], whole: float) -> float:
    return min(1.0, _of(max((share.lately for share in shares), default=0.0), whole))


def shown(memory: Memory) -> tuple[Shown, ...]:
    """Features as a person reads them, beside what is usual for this line. Amounts in minor units."""
    night, usual_night = night_shares(memory)
    return (
        Shown("bought_24h_minor", round(memory.day_sum), round(memory.daily.usual)),
        Shown("bought_30d_minor", round(memory.month_sum), round(memory.monthly.usual)),
        Shown("purchases_1h_centi", _whole(memory.hour_count, _CENTI), _whole(memory.hourly.usual, _CENTI)),
        Shown("utilisation_bps", _whole(memory.utilisation, _BPS), _whole(memory.used, _BPS)),
        Shown("night_share_bps", _whole(night, _BPS), _whole(usual_night, _BPS)),
        Shown("category_shift_bps", _whole(divergence(memory.categories.values()), _BPS)),
        Shown("new_shops_24h_bps", _whole(_of(memory.day_new_sum, memory.day_sum), _BPS)),
        Shown("concentration_bps", _whole(_top(memory.shops.values(), memory.spent.lately), _BPS)),
        Shown("round_share_bps", _whole(_of(memory.round_sums.lately, memory.bought.lately), _BPS)),
        Shown("payment_ratio_bps", _whole(1.0 if memory.paid_ratio is None else memory.paid_ratio, _BPS)),
        Shown("returned_60d_centi", _whole(memory.returned, _CENTI)),
    )
