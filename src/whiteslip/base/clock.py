"""The clock: the only place where the machine's time enters, and a clock that tests can drive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the present instant, in UTC."""

    def now(self) -> datetime:
        """An aware datetime in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant in UTC."""
        return datetime.now(UTC)


class TestClock:
    """A clock that stands still until it is moved. It never goes back."""

    __test__ = False  # pytest would collect the name

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock takes an aware instant")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The instant the clock stands at."""
        return self._now

    def advance(self, step: timedelta) -> datetime:
        """Move forward by ``step`` and return the new instant."""
        return self.set(self._now + step)

    def set(self, to: datetime) -> datetime:
        """Move forward to ``to``. Raises ValueError for an instant in the clock's past."""
        if to < self._now:
            raise ValueError(f"a test clock only goes forward: {to} is before {self._now}")
        self._now = to.astimezone(UTC)
        return self._now
