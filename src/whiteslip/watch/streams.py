"""Streams of events over the whole book, and when one is no longer as it was. Pure, O(1) an event.

Two-sided cumulative sums (Page, Continuous inspection schemes, Biometrika 1954) of what an event shows,
standardised by the five hundred before: S = max(0, S + z - k), an alarm at S > h. With k = 0.25 and h = 25
a shift of one deviation is told after some 35 events; on a stream that stays as it is an alarm comes after
a million events or so. After an alarm the detector learns anew. A detector is a fold over the journal.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from whiteslip.watch.memory import Cycle, Memory
from whiteslip.watch.model import Event

_WARM: Final = 500
_SLACK: Final = 0.25
_LIMIT: Final = 25.0
# One event, however strange, says no more than this many deviations.
_CLIP: Final = 3.0
# A stream that never varied in its warm-up still has a scale.
_LEAST: Final = 0.02
_LATELY: Final = 0.02


class Detector(msgspec.Struct):
    """What is usual (mean and sum of squared deviations of ``count`` events), and the two sums."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    lately: float = 0.0
    up: float = 0.0
    down: float = 0.0

    @property
    def spread(self) -> float:
        """Standard deviation of the events of the warm-up."""
        return max(_LEAST, math.sqrt(self.squares / max(1, self.count - 1)))


class Found(msgspec.Struct, frozen=True):
    """A stream moved: which way, what was usual, what it has been lately."""

    stream: str
    direction: str
    usual: float
    lately: float


def observed(event: Event, before: Cycle | None, memory: Memory) -> list[tuple[str, float]]:
    """What an event adds to which stream; ``before`` is the cycle that a bill ended."""
    match event.kind:
        case "purchase.authorised":
            size = math.log2(max(1, event.amount_minor))
            return [("purchase_size", size), ("night_share", float(event.is_night))]
        case "bill.issued" if before and before.demanded_minor > 0:
            return [("short_share", float(memory.short_streak > 0))]
        case "payment.received":
            return [("returned_share", 0.0)]
        case "payment.returned":
            return [("returned_share", 1.0)]
        case _:
            return []


def take(detectors: dict[str, Detector], stream: str, value: float) -> Found | None:
    """Learn from an event, or hold it against what was learned."""
    detector = detectors.setdefault(stream, Detector())
    if detector.count < _WARM:
        detector.count += 1
        pull = value - detector.mean
        detector.mean += pull / detector.count
        detector.squares += pull * (value - detector.mean)
        detector.lately = detector.mean
        return None
    z = max(-_CLIP, min(_CLIP, (value - detector.mean) / detector.spread))
    detector.lately += _LATELY * (value - detector.lately)
    detector.up = max(0.0, detector.up + z - _SLACK)
    detector.down = max(0.0, detector.down - z - _SLACK)
    if max(detector.up, detector.down) <= _LIMIT:
        return None
    direction = "up" if detector.up > detector.down else "down"
    detectors[stream] = Detector()
    return Found(stream, direction, detector.mean, detector.lately)
