"""Score whole tables: the operations of ``decisions.scoring`` in the same order, a column at a time.

Sums run part by part and tree by tree, so each row gets the very bits that it gets alone; a test
compares them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from whiteslip.decisions.scoring import Model, Tree, probability_of
from whiteslip.lab.model import Floats, LabError


def scores(model: Model, columns: Floats) -> Floats:
    """The probability of each row of ``columns``, which are in the order of ``model.columns``."""
    raw = _trees(model, columns) if model.kind == "trees" else _parts(model, columns)
    if model.scale is not None:
        scale = model.scale
        points = [round(each) for each in raw.tolist()]
        raw = np.array([(scale.offset - each) / scale.factor for each in points], dtype=np.float64)
    return np.array([probability_of(model, each) for each in raw.tolist()], dtype=np.float64)


def picked(model: Model, names: Sequence[str], columns: Floats) -> Floats:
    """The columns that a model reads, out of those called ``names``."""
    return columns[:, [names.index(name) for name in model.columns]]


def _parts(model: Model, columns: Floats) -> Floats:
    total = np.full(len(columns), model.bias, dtype=np.float64)
    for part in model.parts:
        values = columns[:, model.columns.index(part.fact)]
        here = np.array(part.scores)[np.digitize(values, part.cuts)]
        absent = np.isnan(values)
        if absent.any():
            if part.missing is None:
                raise LabError(f"{part.fact} is absent in {int(absent.sum())} rows, and has no bin for that")
            here[absent] = part.missing
        total += here
    return total


def _trees(model: Model, columns: Floats) -> Floats:
    total = np.full(len(columns), model.bias, dtype=np.float64)
    for tree in model.trees:
        total += _leaves(tree, columns)
    return total


def _leaves(tree: Tree, columns: Floats) -> Floats:
    fact, cut = np.array(tree.fact), np.array(tree.cut)
    left, right, missing_left = np.array(tree.left), np.array(tree.right), np.array(tree.missing_left)
    node = np.zeros(len(columns), dtype=np.int64)
    rows = np.flatnonzero(fact[node] >= 0)
    while len(rows):
        here = node[rows]
        values = columns[rows, fact[here]]
        goes_left = np.where(np.isnan(values), missing_left[here], values <= cut[here])
        node[rows] = np.where(goes_left, left[here], right[here])
        rows = rows[fact[node[rows]] >= 0]
    return np.array(tree.value)[node]
