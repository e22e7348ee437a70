"""When a monitor may be heard. Pure."""

from __future__ import annotations

from typing import Final

_ENOUGH_LABELS: Final = 10
_PERCENT: Final = 100


def is_over_budget(labelled: int, wrong: int, percent: int) -> bool:
    """Whether too many of a rule's alarms were false; few labels say nothing yet."""
    return labelled >= _ENOUGH_LABELS and wrong * _PERCENT > labelled * percent
