"""The yardstick in Polars: every measure of the night from the same Parquet files.

Lazy frames on the streaming engine. What several measures read is made once and kept, as on the other sides:
settlements with their instalments, the panel, its last point with losses, the flows between points.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.frames import cash, lives, losses, quality
from benchmarks.frames.panel import Frames, held, panel_of, settled

__all__ = ["Frames", "Work"]


class Work:
    """A snapshot's folder with its panel, made once."""

    def __init__(self, folder: Path, points: Sequence[date]) -> None:
        self.points = points
        self.lake = {path.stem: pl.scan_parquet(path) for path in folder.glob("*.parquet")}
        self.settled = held(settled(self.lake))
        self.panel = held(panel_of(self.lake, self.settled, points))
        rate = losses.rates_of(*(self.lake[name] for name in ("plan", "instalment", "settlement")))
        self.losses = held(losses.by_line(self.panel, self.lake["score"], rate, points))

    @cached_property
    def flows(self) -> pl.LazyFrame:
        """What happened between points; the expected loss can do without."""
        return held(cash.flows(self.panel, self.lake["instalment"], self.settled, self.points))

    def measure(self, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """The named measures, as rows."""
        panel, lake, points, lost = self.panel, self.lake, self.points, self.losses
        made = {
            "npl": lambda: quality.npl(panel),
            "npl_change": lambda: quality.npl_change(panel),
            "dpd": lambda: quality.dpd(panel),
            "roll_rates": lambda: quality.roll_rates(panel),
            "vintages": lambda: quality.vintages(panel, lake["plan"], lake["sale"], points),
            "classes": lambda: quality.classes(panel),
            "cdr": lambda: cash.cdr(panel),
            "prepayment": lambda: cash.prepayment(self.flows),
            "payment_rate": lambda: cash.payment_rate(self.flows),
            "dilution": lambda: cash.dilution(self.flows),
            "excess_spread": lambda: cash.excess_spread(self.flows),
            "concentration": lambda: cash.concentration(lake),
            "ecl": lambda: losses.ecl(lost),
            "ecl_movement": lambda: losses.ecl_movement(lost),
            "coverage": lambda: losses.coverage(lost),
            "survival": lambda: lives.survival(panel, points),
            "freed": lambda: lives.freed(panel),
            "cohorts": lambda: lives.cohorts(panel),
        }
        rows = pl.collect_all([made[name]() for name in names], engine="streaming")
        return {name: frame.to_dicts() for name, frame in zip(names, rows, strict=True)}
