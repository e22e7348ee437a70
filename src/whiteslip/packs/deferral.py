"""How far deferred payment credit goes: FCA PS26/1, in force on 15 July 2026. Pure."""

from __future__ import annotations


def goes_beyond(instalments: int, due_days: int, most_instalments: int, most_months: int) -> bool:
    """Whether monthly instalments are more, or may fall due later, than the regime covers; 0 is no limit.

    The first is billed within a month of the purchase and due ``due_days`` after: on whichever day somebody
    buys, the last falls due within ``instalments`` months and those days.
    """
    months = instalments + (1 if due_days else 0)
    return bool(0 < most_instalments < instalments or 0 < most_months < months)
