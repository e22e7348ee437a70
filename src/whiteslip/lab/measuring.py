"""How well a model tells apart, how true its probabilities are, whom it treats how, what drifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

from whiteslip.decisions import stability as live
from whiteslip.decisions.scoring import Model
from whiteslip.decisions.stability import Spread
from whiteslip.lab.many import picked, scores
from whiteslip.lab.model import Flags, Floats, need
from whiteslip.lab.reading import Table, columns_of
from whiteslip.lab.recipe import Recipe

_BANDS: Final = 10
_FEWEST: Final = 30


class Told(Struct, frozen=True):
    """Figures over some rows: AUC; Gini = 2 AUC - 1; KS = largest gap between the two cumulative
    distributions; Brier = mean squared error of the probability."""

    rows: int
    events: int
    auc: float
    gini: float
    ks: float
    brier: float


class Band(Struct, frozen=True):
    """Rows of like score: what was predicted and what came."""

    rows: int
    predicted: float
    observed: float


class GroupTold(Struct, frozen=True):
    """A protected group: share accepted at the cut-off, errors among goods and bads, calibration."""

    ground: str
    group: str
    rows: int
    accepted: float
    goods_refused: float
    bads_accepted: float
    predicted: float
    observed: float


class Learned(Struct, frozen=True):
    """A point of a learning curve: the AUC with a share of the rows, in per cent, to fit on."""

    share: int
    rows: int
    auc: float


class Repeated(Struct, frozen=True):
    """Repeated cross-validation over all rows: means over the repeats, and how the AUC spread between them
    (standard deviation, least, most). ``by_doubling`` is what each doubling of the rows adds to it."""

    folds: int
    repeats: int
    rows: int
    auc: float
    spread: float
    least: float
    most: float
    ks: float
    brier: float
    curve: list[Learned]
    by_doubling: float


class Measures(Struct, frozen=True):
    """A model measured on rows it has not seen, and by cross-validation on the others.

    Of a model of all rows ``unseen`` is what one of three quarters does on the quarter that was kept.
    """

    unseen: Told
    cross_validated: Told | None
    calibration: list[Band]
    fairness: list[GroupTold]
    repeated: Repeated | None = None


def told(event: Floats, predicted: Floats) -> Told:
    """Figures of predictions against what came."""
    metrics: Any = need("sklearn.metrics")
    auc = float(metrics.roc_auc_score(event, predicted))
    false_rate, true_rate, _ = metrics.roc_curve(event, predicted)
    ks = float(np.max(np.abs(true_rate - false_rate)))
    brier = float(np.mean((predicted - event) ** 2))
    return Told(len(event), int(event.sum()), auc, 2 * auc - 1, ks, brier)


def measure(
    model: Model,
    table: Table,
    recipe: Recipe,
    out_of_fold: tuple[Floats, Floats] | None = None,
    whole: bool = False,
) -> Measures:
    """Measure on the rows kept from fitting, or with ``whole`` on all of a table never fitted on."""
    chosen: Flags = table.known & (np.ones_like(table.unseen) if whole else table.unseen)
    predicted = predictions(model, recipe, table.facts[chosen])
    event = table.event[chosen]
    return Measures(
        unseen=told(event, predicted),
        cross_validated=told(out_of_fold[1], out_of_fold[0]) if out_of_fold else None,
        calibration=_calibration(event, predicted),
        fairness=_fairness(event, predicted, _groups(table, chosen), recipe.cut_off),
    )


def measure_out_of_fold(
    table: Table, recipe: Recipe, out_of_fold: tuple[Floats, Floats], kept: Told, found: Repeated
) -> Measures:
    """Measure a model of all rows by predictions of models that had not seen them."""
    predicted, event = out_of_fold
    return Measures(
        unseen=kept,
        cross_validated=told(event, predicted),
        calibration=_calibration(event, predicted),
        fairness=_fairness(event, predicted, _groups(table, table.known), recipe.cut_off),
        repeated=found,
    )


def _groups(table: Table, chosen: Flags) -> dict[str, list[str]]:
    return {n: [g for g, c in zip(gs, chosen, strict=True) if c] for n, gs in table.groups.items()}


def predictions(model: Model, recipe: Recipe, facts: Floats) -> Floats:
    """Probabilities of rows, by the code that scores live."""
    return scores(model, picked(model, recipe.columns, columns_of(recipe, facts)))


def _calibration(event: Floats, predicted: Floats) -> list[Band]:
    """Ten bands of equally many rows, from the lowest predictions to the highest."""
    parts = np.array_split(np.argsort(predicted, kind="stable"), _BANDS)
    return [Band(len(p), float(predicted[p].mean()), float(event[p].mean())) for p in parts if len(p)]


def _fairness(
    event: Floats, predicted: Floats, groups: Mapping[str, Sequence[str]], cut_off: float
) -> list[GroupTold]:
    accepted: Flags = predicted < cut_off
    found: list[GroupTold] = []
    for ground, names in groups.items():
        of = np.array(names)
        for group in sorted(set(names)):
            inside: Flags = of == group
            if inside.sum() < _FEWEST:
                continue
            goods, bads = inside & (event == 0), inside & (event == 1)
            found.append(
                GroupTold(
                    ground,
                    group,
                    int(inside.sum()),
                    _share(accepted[inside]),
                    _share(~accepted[goods]),
                    _share(accepted[bads]),
                    float(predicted[inside].mean()),
                    float(event[inside].mean()),
                )
            )
    return found


def _share(flags: Flags) -> float:
    return float(flags.mean()) if len(flags) else 0.0


def stability(model: Model, recipe: Recipe, before: Floats, after: Floats) -> dict[str, float]:
    """PSI of the score and CSI of each column: Σ (a - b) ln(a / b) over ten bands of ``before``.

    Over 0.1 look, over 0.25 the population has changed.
    """
    found = {"score": psi(predictions(model, recipe, before), predictions(model, recipe, after))}
    old, new = columns_of(recipe, before), columns_of(recipe, after)
    for name in model.columns:
        place = recipe.columns.index(name)
        found[name] = psi(old[:, place], new[:, place])
    return found


def psi(before: Floats, after: Floats) -> float:
    """The population stability index of one number; absent ones are a band of their own."""
    was = spread(before)
    return live.index(was.shares, _shares(after, was.cuts))


def spread(values: Floats) -> Spread:
    """Ten bands of equally many rows, fewer where values repeat, as a model carries them."""
    known = values[~np.isnan(values)]
    quantiles = np.quantile(known, np.arange(1, _BANDS) / _BANDS) if len(known) else np.array([])
    cuts: list[float] = np.unique(quantiles).tolist()
    return Spread(cuts, _shares(values, cuts))


def _shares(values: Floats, cuts: Sequence[float]) -> list[float]:
    absent = np.isnan(values)
    counts = np.bincount(np.digitize(values[~absent], cuts), minlength=len(cuts) + 1)
    shares: list[float] = (np.append(counts, absent.sum()) / max(1, len(values))).tolist()
    return shares


def reference(model: Model, columns: Floats) -> dict[str, Spread]:
    """How score and columns of a model are spread over rows, whose columns it reads."""
    found = {live.SCORE: spread(scores(model, columns))}
    return found | {name: spread(columns[:, place]) for place, name in enumerate(model.columns)}
