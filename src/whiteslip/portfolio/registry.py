"""All measures by name, with the words of their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from whiteslip.portfolio import capacity, cash, losses, quality, survival
from whiteslip.portfolio.model import Expression, Measure, Row


def words_of(function: Callable[..., Any]) -> tuple[str, str, str]:
    """Title, formula and source of a figure, out of its docstring. Raises ValueError where it lacks them."""
    found = re.fullmatch(r"(.+?)\n\nFormula: (.+?)\nSource: (.+)", inspect.getdoc(function) or "", re.S)
    if found is None:
        raise ValueError(f"{function.__name__} does not say its formula and source")
    title, formula, source = (" ".join(part.split()) for part in found.groups())
    return title, formula, source


def _measure(
    express: Callable[[Any], Expression],
    finish: Callable[[Sequence[Row]], Sequence[Row]] | None = None,
    tell: Callable[[Sequence[Row]], Sequence[Row]] | None = None,
) -> Measure:
    """A measure from a function: title, formula and source are in its docstring."""
    return Measure(express.__name__, *words_of(express), express, finish, tell)


_ALL: Final = (
    _measure(quality.npl),
    _measure(quality.npl_change),
    _measure(quality.dpd),
    _measure(quality.roll_rates),
    _measure(quality.vintages),
    _measure(quality.classes),
    _measure(cash.cdr),
    _measure(cash.prepayment),
    _measure(cash.payment_rate),
    _measure(cash.dilution),
    _measure(cash.excess_spread),
    _measure(cash.concentration),
    _measure(losses.ecl),
    _measure(losses.ecl_movement),
    _measure(losses.coverage),
    _measure(survival.survival, survival.estimate, survival.tell),
    _measure(capacity.freed, tell=capacity.tell_freed),
    _measure(capacity.cohorts, tell=capacity.tell_cohorts),
)
MEASURES: Final[Mapping[str, Measure]] = {measure.name: measure for measure in _ALL}
