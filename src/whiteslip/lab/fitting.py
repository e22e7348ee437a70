"""Fit a scorecard, a booster or an additive glass box, and calibrate it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import UNSET

from whiteslip.decisions.scoring import Curve, Model, Part, Tree
from whiteslip.lab.binning import Binned, binned, woe_of
from whiteslip.lab.many import picked, scores
from whiteslip.lab.measuring import Measures, reference
from whiteslip.lab.model import Flags, Floats, LabError, need
from whiteslip.lab.reading import Table, columns_of
from whiteslip.lab.recipe import Recipe

FOLDS: Final = 5
SEED: Final = 17
_RIDGE: Final = 1e-3
_LEAST_IV: Final = 0.02
_BRIER_GAIN: Final = 1e-5


@dataclass(frozen=True, slots=True)
class Rows:
    """What is fitted on: columns as a model reads them, outcomes, and how much each row counts."""

    columns: Floats
    event: Floats
    weight: Floats

    def of(self, chosen: Flags) -> Rows:
        """Some of the rows."""
        return Rows(self.columns[chosen], self.event[chosen], self.weight[chosen])


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model, how its columns were binned, and its predictions out of fold for the rows it was fitted on."""

    model: Model
    bins: tuple[Binned, ...]
    out_of_fold: Floats
    event: Floats


def rows_of(table: Table, recipe: Recipe, whole: bool = False) -> Rows:
    """The rows whose outcome is known and that are not kept from fitting, or with ``whole`` those too."""
    chosen: Flags = table.known & (whole | ~table.unseen)
    columns = columns_of(recipe, table.facts[chosen])
    return Rows(columns, table.event[chosen], np.ones(int(chosen.sum())))


def out_of_fold(
    rows: Rows,
    recipe: Recipe,
    kind: str,
    folds: int = FOLDS,
    seed: int = SEED,
    tell: Callable[[str], None] = lambda _: None,
    share: float = 1.0,
) -> Floats:
    """Cross-validation: a prediction for each row by a model that has not seen it.

    With ``share`` a model is fitted on at most that part of all rows, drawn from the other folds.
    """
    dice = np.random.default_rng(seed)
    count = len(rows.event)
    apart = dice.permutation(count) % folds
    found = np.zeros(count)
    for fold in range(folds):
        tell(f"fold {fold + 1} of {folds}")
        others = np.flatnonzero(apart != fold)
        if share < 1.0:
            others = np.sort(dice.permutation(others)[: round(count * share)])
        model = KINDS[kind](rows.of(np.isin(np.arange(count), others)), recipe)
        found[apart == fold] = scores(model, picked(model, recipe.columns, rows.columns[apart == fold]))
    return found


def fit(
    table: Table,
    recipe: Recipe,
    kind: str,
    tell: Callable[[str], None] = lambda _: None,
    folds: int = FOLDS,
    whole: bool = False,
) -> Fitted:
    """Fit a model of a kind on the rows that are not kept from fitting; with ``whole`` on all.

    Cross-validation gives each row a prediction by a model that had not seen it; on these the
    calibration is chosen: none, Platt (1999) or isotonic, whichever has the lowest Brier score.
    """
    if kind not in KINDS:
        raise LabError(f"{kind} is no kind of model; there are {', '.join(KINDS)}")
    rows = known = rows_of(table, recipe, whole)
    seen_by_others = out_of_fold(rows, recipe, kind, folds, tell=tell)
    tell("all rows")
    if recipe.reject_inference == "fuzzy":
        known_only = KINDS[kind](rows, recipe)
        turned_down = columns_of(recipe, table.facts[~table.known & (whole | ~table.unseen)])
        rows = _augmented(
            rows, turned_down, scores(known_only, picked(known_only, recipe.columns, turned_down))
        )
    model = calibrated(KINDS[kind](rows, recipe), seen_by_others, known.event)
    spreads = reference(model, picked(model, recipe.columns, known.columns))
    model = msgspec.structs.replace(model, reference=spreads)
    bins = [
        binned(n, rows.columns[:, i], rows.event, recipe.monotone[i]) for i, n in enumerate(recipe.columns)
    ]
    ordered = sorted((b for b in bins if b), key=lambda b: -b.iv)
    return Fitted(model, tuple(ordered), seen_by_others, known.event)


def noted(fitted: Fitted, measures: Measures, file_sha256: str) -> Fitted:
    """The same with what was measured on unseen rows written into the model, for whoever serves it, and
    which rows of which file it has seen, for whoever measures it again."""
    # Of a model of all rows no row is unseen but by the models of its cross-validation.
    unseen = measures.cross_validated if measures.repeated and measures.cross_validated else measures.unseen
    auc = measures.repeated.auc if measures.repeated else unseen.auc
    training = {
        "rows": len(fitted.event),
        "protocol": "all" if measures.repeated else "kept",
        "file_sha256": file_sha256,
        "unseen": {"rows": unseen.rows, "auc": auc, "ks": unseen.ks, "brier": unseen.brier},
        "calibration": [[band.rows, band.predicted, band.observed] for band in measures.calibration],
    }
    return replace(fitted, model=msgspec.structs.replace(fitted.model, training=training))


def _augmented(rows: Rows, turned_down: Floats, bad: Floats) -> Rows:
    """Fuzzy augmentation: who was turned down counts twice, as bad by their score and good by the rest."""
    none, one = np.zeros(len(bad)), np.ones(len(bad))
    return Rows(
        np.concatenate([rows.columns, turned_down, turned_down]),
        np.concatenate([rows.event, one, none]),
        np.concatenate([rows.weight, bad, 1 - bad]),
    )


def _model(recipe: Recipe, kind: Any, columns: Sequence[str], **more: Any) -> Model:
    """A model with the facts that its columns need, and no others."""
    read = set(columns)
    derived = [each for each in recipe.model_derived() if each.name in read]
    read |= {name for each in derived for name in each.of}
    facts = [fact for fact in recipe.model_facts() if fact.name in read]
    return Model(
        name=recipe.name,
        kind=kind,
        target=recipe.target,
        horizon_months=UNSET if recipe.horizon_months is None else recipe.horizon_months,
        facts=facts,
        derived=derived,
        columns=list(columns),
        **more,
    )


def fit_scorecard(rows: Rows, recipe: Recipe) -> Model:
    """A scorecard: logistic regression on weights of evidence whose signs cannot turn, in points."""
    bins = [
        column
        for i, name in enumerate(recipe.columns)
        if (column := binned(name, rows.columns[:, i], rows.event, recipe.monotone[i]))
        and column.iv >= _LEAST_IV
    ]
    if not bins:
        raise LabError("no column tells anything about the target")
    places = [recipe.columns.index(column.name) for column in bins]
    woe = np.column_stack([woe_of(c, rows.columns[:, p]) for c, p in zip(bins, places, strict=True)])
    intercept, slopes = _logistic(woe, rows.event, rows.weight)
    kept = [(column, slope) for column, slope in zip(bins, slopes, strict=True) if slope < -_RIDGE]
    scale = recipe.scale
    share = (scale.offset - scale.factor * intercept) / len(kept)

    def points(slope: float, woe: float) -> float:
        return float(round(share - scale.factor * slope * woe))

    parts = [
        Part(
            c.name, c.cuts, [points(s, w) for w in c.woe], None if c.missing is None else points(s, c.missing)
        )
        for c, s in kept
    ]
    return _model(recipe, "scorecard", [column.name for column, _ in kept], parts=parts, scale=scale)


def _logistic(x: Floats, event: Floats, weight: Floats) -> tuple[float, list[float]]:
    """Logistic regression with slopes of at most zero: more evidence of good is never held against
    anybody. A little ridge decides between columns that say the same."""
    optimize: Any = need("scipy.optimize")

    def loss(beta: Floats) -> tuple[float, Floats]:
        z = beta[0] + x @ beta[1:]
        # log(1 + exp(z)) without overflow
        value = float((weight * (np.logaddexp(0, z) - event * z)).sum() / weight.sum())
        off = weight * (1 / (1 + np.exp(-z)) - event) / weight.sum()
        gradient = np.concatenate([[off.sum()], x.T @ off])
        gradient[1:] += 2 * _RIDGE * beta[1:]
        return value + _RIDGE * float((beta[1:] ** 2).sum()), gradient

    bounds = [(None, None)] + [(None, 0.0)] * x.shape[1]
    found = optimize.minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", bounds=bounds)
    beta: list[float] = found.x.tolist()
    return beta[0], beta[1:]


def fit_booster(rows: Rows, recipe: Recipe) -> Model:
    """Gradient-boosted trees whose columns move the risk one way only (LightGBM)."""
    lightgbm: Any = need("lightgbm")
    grown = recipe.booster
    parameters = {
        "objective": "binary",
        "learning_rate": grown.rate,
        "num_leaves": grown.leaves,
        "min_data_in_leaf": grown.least_rows,
        "feature_fraction": grown.columns_share,
        "bagging_fraction": grown.rows_share,
        "bagging_freq": 1,
        "lambda_l2": grown.ridge,
        "monotone_constraints": recipe.monotone,
        "seed": SEED,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbose": -1,
    }
    data = lightgbm.Dataset(rows.columns, rows.event, weight=rows.weight)
    dump: Mapping[str, Any] = lightgbm.train(parameters, data, grown.trees).dump_model()
    trees = [_tree(each["tree_structure"]) for each in dump["tree_info"]]
    return _model(recipe, "trees", recipe.columns, trees=trees)


def _tree(root: Mapping[str, Any]) -> Tree:
    """A tree of LightGBM's dump in arrays, parents before children."""
    tree = Tree([], [], [], [], [], [])

    def walk(node: Mapping[str, Any]) -> int:
        at = len(tree.fact)
        inner = "split_feature" in node
        tree.fact.append(int(node["split_feature"]) if inner else -1)
        tree.cut.append(float(node["threshold"]) if inner else 0.0)
        # What is absent counts as 0 where no row of the fit was absent.
        told = inner and node["missing_type"] == "NaN"
        tree.missing_left.append(
            bool(node["default_left"]) if told else inner and float(node["threshold"]) >= 0
        )
        tree.value.append(float(node["internal_value"] if inner else node["leaf_value"]))
        tree.left.append(-1)
        tree.right.append(-1)
        if inner:
            tree.left[at] = walk(node["left_child"])
            tree.right[at] = walk(node["right_child"])
        return at

    walk(root)
    return tree


def fit_additive(rows: Rows, recipe: Recipe) -> Model:
    """Explainable boosting without interactions: one curve per column, to be read as it is."""
    glassbox: Any = need("interpret.glassbox")
    machine = glassbox.ExplainableBoostingClassifier(
        feature_names=recipe.columns,
        feature_types=["continuous"] * len(recipe.columns),
        interactions=0,
        outer_bags=4,
        max_bins=64,
        monotone_constraints=recipe.monotone,
        random_state=SEED,
        n_jobs=1,
    )
    with warnings.catch_warnings():
        # It warns that its own plots leave absent values out; ours are in the card.
        warnings.simplefilter("ignore", UserWarning)
        machine.fit(rows.columns, rows.event.astype(int), sample_weight=rows.weight)
    parts = [
        Part(name, [float(cut) for cut in machine.bins_[i][0]], curve[1:-1], curve[0])
        for i, name in enumerate(recipe.columns)
        if len(curve := [float(v) for v in machine.term_scores_[i]]) > 3
    ]
    return _model(recipe, "additive", [p.fact for p in parts], parts=parts, bias=float(machine.intercept_[0]))


def calibrated(model: Model, out_of_fold: Floats, event: Floats) -> Model:
    """The model with the calibration that serves unseen rows best: none, Platt's or isotonic.

    Each is fitted on half of the out-of-fold predictions and judged on the other half.
    """
    half: Flags = np.random.default_rng(SEED).permutation(len(event)) % 2 == 0
    ways: list[Callable[[Floats, Floats], dict[str, Any]]] = [lambda _p, _e: {}, _platt, _isotonic]

    def brier(way: Callable[[Floats, Floats], dict[str, Any]]) -> float:
        found = way(out_of_fold[half], event[half])
        told = _applied(found, out_of_fold[~half])
        return float(((told - event[~half]) ** 2).mean())

    losses = [brier(way) for way in ways]
    best = min(range(len(ways)), key=losses.__getitem__)
    if losses[best] > losses[0] - _BRIER_GAIN:
        return model
    return msgspec.structs.replace(model, **ways[best](out_of_fold, event))


def _applied(found: Mapping[str, Any], told: Floats) -> Floats:
    if "platt" in found:
        slope, intercept = found["platt"]
        return 1 / (1 + np.exp(-(slope * _logit(told) + intercept)))
    if "calibration" in found:
        curve: Curve = found["calibration"]
        return np.asarray(np.interp(told, curve.x, curve.y), dtype=np.float64)
    return told


def _logit(told: Floats) -> Floats:
    inside = np.clip(told, 1e-12, 1 - 1e-12)
    return np.log(inside / (1 - inside))


def _platt(told: Floats, event: Floats) -> dict[str, Any]:
    logistic: Any = need("sklearn.linear_model").LogisticRegression(C=1e6)
    logistic.fit(_logit(told)[:, None], event)
    return {"platt": (float(logistic.coef_[0][0]), float(logistic.intercept_[0]))}


def _isotonic(told: Floats, event: Floats) -> dict[str, Any]:
    isotonic: Any = need("sklearn.isotonic").IsotonicRegression(out_of_bounds="clip").fit(told, event)
    x: list[float] = isotonic.X_thresholds_.tolist()
    y: list[float] = isotonic.y_thresholds_.tolist()
    kept = [i for i in range(len(x)) if i == 0 or x[i] > x[i - 1]]
    return {"calibration": Curve([x[i] for i in kept], [y[i] for i in kept])}


KINDS: Final[Mapping[str, Callable[[Rows, Recipe], Model]]] = {
    "scorecard": fit_scorecard,
    "booster": fit_booster,
    "additive": fit_additive,
}
