"""Base: the words every other room speaks. Standard library only, no input or output.

What it owns: exact money, rates, days and instants, the business calendar, identifiers,
refusals and the clock. It has no tables.

Invariants
----------
- Money is an integer number of minor units of one currency. There is no float and no ``/``.
- Splitting money conserves the total to the minor unit.
- A rate is an integer number of basis points; a product names its rounding.
- ``now`` is always an argument. Only :class:`SystemClock` reads the machine's clock.
- A refusal is an expected "no" with a stable code. It is a value, not an exception.
"""

from whiteslip.base.calendar import Calendar, add_months, end_of_day, local_day
from whiteslip.base.clock import Clock, SystemClock, TestClock
from whiteslip.base.ids import new_id
from whiteslip.base.money import Money, Rate, Rounding
from whiteslip.base.refusal import Refusal

__all__ = [
    "Calendar",
    "Clock",
    "Money",
    "Rate",
    "Refusal",
    "Rounding",
    "SystemClock",
    "TestClock",
    "add_months",
    "end_of_day",
    "local_day",
    "new_id",
]
