"""All measures by name, with the words of their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from whiteslip.portfolio import capacity, cash, losses, quality, survival
from whiteslip.portfolio.model import Expression, Measure, Row

_SAID: Final = re.compile(r"(.+?)\n\nFormula: (.+?)\nSource: (.+?)\n公式：(.+?)\n来源：(.+)", re.S)


def words_of(function: Callable[..., Any]) -> tuple[str, str, str, str, str]:
    """Title, formula and source of a figure, and the two in Chinese, out of its docstring.

    Raises ValueError where it lacks them.
    """
    found = _SAID.fullmatch(inspect.getdoc(function) or "")
    if found is None:
        raise ValueError(f"{function.__name__} does not say its formula and source in both languages")
    title, formula, source, formula_zh, source_zh = found.groups()
    title, formula, source = (" ".join(part.split()) for part in (title, formula, source))
    return title, formula, source, _joined(formula_zh), _joined(source_zh)


def _joined(chinese: str) -> str:
    """Lines of Chinese, which has no spaces between words."""
    return "".join(line.strip() for line in chinese.splitlines())


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
