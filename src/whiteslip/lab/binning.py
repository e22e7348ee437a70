"""Optimal binning with monotone trends, weight of evidence and information value.

WOE of a bin is ln(share of goods / share of bads); IV = Σ (share of goods - share of bads) · WOE
(Siddiqi, Credit Risk Scorecards, chapter 6). Absent values are a bin of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from whiteslip.lab.model import Flags, Floats, need

_TRENDS: Final = {1: "ascending", -1: "descending", 0: None}
_LEAST_SHARE: Final = 0.015
_MOST_BINS: Final = 14
# A bin without goods or bads has no logarithm; half a row of each keeps it finite.
_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Binned:
    """A column in bins. ``woe`` has one more than ``cuts``; ``missing`` is that of absent values."""

    name: str
    cuts: list[float]
    goods: list[int]
    bads: list[int]
    woe: list[float]
    missing: float | None
    iv: float


def binned(name: str, values: Floats, event: Floats, monotone: int) -> Binned | None:
    """Bin a column; None where no cut tells anything."""
    optimal: Any = need("optbinning").OptimalBinning(
        name=name,
        dtype="numerical",
        monotonic_trend=_TRENDS[monotone],
        max_n_bins=_MOST_BINS,
        min_bin_size=_LEAST_SHARE,
    )
    known: Flags = ~np.isnan(values)
    if len(np.unique(values[known])) < 2:
        return None
    optimal.fit(values[known], event[known])
    cuts = [float(cut) for cut in optimal.splits]
    return counted(name, cuts, values, event) if cuts else None


def counted(name: str, cuts: list[float], values: Floats, event: Floats) -> Binned:
    """Count goods and bads by bin."""
    known: Flags = ~np.isnan(values)
    places = np.digitize(values[known], cuts)
    bads = np.bincount(places, weights=event[known], minlength=len(cuts) + 1)
    goods = np.bincount(places, minlength=len(cuts) + 1) - bads
    all_goods, all_bads = float((event == 0).sum()), float((event == 1).sum())
    woe, iv = list[float](), 0.0
    for good, bad in zip(goods, bads, strict=True):
        here = _woe(float(good), float(bad), all_goods, all_bads)
        woe.append(here)
        iv += (float(good) / all_goods - float(bad) / all_bads) * here
    absent = event[~known]
    missing = (
        _woe(float((absent == 0).sum()), float((absent == 1).sum()), all_goods, all_bads)
        if len(absent)
        else None
    )
    return Binned(name, cuts, [int(g) for g in goods], [int(b) for b in bads], woe, missing, iv)


def _woe(good: float, bad: float, all_goods: float, all_bads: float) -> float:
    return float(np.log(((good + _HALF) / (all_goods + _HALF)) / ((bad + _HALF) / (all_bads + _HALF))))


def woe_of(column: Binned, values: Floats) -> Floats:
    """The weight of evidence of each value; an absent one where none was seen counts as nothing."""
    known: Flags = ~np.isnan(values)
    woe = np.full(len(values), column.missing or 0.0, dtype=np.float64)
    woe[known] = np.array(column.woe)[np.digitize(values[known], column.cuts)]
    return woe
