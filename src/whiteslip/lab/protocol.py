"""Fit on all rows there are, and measure each by models that had not seen it.

A quarter that is kept from fitting is one draw, and a quarter of what there is to learn from. Repeated
cross-validation (Kohavi 1995) predicts every row by models of the other nine tenths, several times with other
folds: its mean and its spread say what one draw cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean, stdev
from typing import Final

import numpy as np

from whiteslip.lab.fitting import SEED, Fitted, fit, out_of_fold, rows_of
from whiteslip.lab.measuring import Learned, Measures, Repeated, measure, measure_out_of_fold, told
from whiteslip.lab.model import Floats
from whiteslip.lab.reading import Table
from whiteslip.lab.recipe import Recipe

FOLDS: Final = 10
REPEATS: Final = 3
# Per cent of all rows that the learning curve is fitted on; the last is what ten folds leave.
SHARES: Final = (50, 60, 75, 90)
Tell = Callable[[str], None]


def fit_all(table: Table, recipe: Recipe, kind: str, tell: Tell = lambda _: None) -> tuple[Fitted, Measures]:
    """A model of all rows, and what it is worth on rows it has not seen.

    ``unseen`` is the kept quarter by a model of the other three. Calibration and groups are those of the
    first repeat's predictions, which are of all rows.
    """
    tell("a model of three quarters")
    kept = measure(fit(table, recipe, kind, tell).model, table, recipe).unseen
    tell("a model of all rows")
    fitted = fit(table, recipe, kind, tell, FOLDS, whole=True)
    found = repeated(table, recipe, kind, fitted.out_of_fold, tell)
    return fitted, measure_out_of_fold(table, recipe, (fitted.out_of_fold, fitted.event), kept, found)


def repeated(
    table: Table,
    recipe: Recipe,
    kind: str,
    first: Floats,
    tell: Tell = lambda _: None,
    repeats: int = REPEATS,
    shares: tuple[int, ...] = SHARES,
) -> Repeated:
    """Ten folds, ``repeats`` times with other folds; ``first`` are the predictions of the first time.

    The learning curve leaves the folds of the first time as they are and fits on fewer of the other rows, so
    that all its points are measured on the same rows.
    """
    rows = rows_of(table, recipe, whole=True)
    times = [first]
    for n in range(1, repeats):
        tell(f"repeat {n + 1} of {repeats}")
        times.append(out_of_fold(rows, recipe, kind, FOLDS, SEED + n, tell))
    figures = [told(rows.event, each) for each in times]
    aucs = [each.auc for each in figures]
    curve: list[Learned] = []
    for share in shares:
        tell(f"learning curve: {share} % of the rows")
        whole = share * FOLDS == (FOLDS - 1) * 100
        seen = first if whole else out_of_fold(rows, recipe, kind, FOLDS, SEED, tell, share / 100)
        curve.append(Learned(share, round(len(first) * share / 100), told(rows.event, seen).auc))
    return Repeated(
        folds=FOLDS,
        repeats=repeats,
        rows=len(first),
        auc=mean(aucs),
        spread=stdev(aucs) if repeats > 1 else 0.0,
        least=min(aucs),
        most=max(aucs),
        ks=mean(each.ks for each in figures),
        brier=mean(each.brier for each in figures),
        curve=curve,
        by_doubling=_slope(curve),
    )


def _slope(curve: list[Learned]) -> float:
    """What each doubling of the rows adds to the AUC: least squares on the logarithm."""
    if len(curve) < 2:
        return 0.0
    slope, _ = np.polyfit(np.log2([each.rows for each in curve]), [each.auc for each in curve], 1)
    return float(slope)
