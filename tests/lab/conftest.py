"""A table made for the tests: who is late often and draws much pays less often; noise is noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from whiteslip.lab import Recipe, Table, load_recipe, read_table

RECIPE = """
name = "made"
target = "did not pay"
target_column = "bad"
target_is = "yes"
id = "id"
reject_inference = "REJECTS"

[booster]
trees = 40
rate = 0.1

[facts.late]
column = "late"
meaning = "times late"
unit = "times"
reason = "past_due_often"
least = 0
most = 12
monotone = 1

[facts.drawn]
column = "drawn"
meaning = "share of the limit that is drawn"
unit = "share"
reason = "utilisation_high"
least = 0
most = 1.5
monotone = 1
may_miss = true

[facts.noise]
column = "noise"
meaning = "nothing"
unit = "none"
reason = "noise"
least = -100
most = 100

[derived.late_and_drawn]
op = "sum"
of = ["late", "drawn"]
reason = "past_due_often"
monotone = 1

[protected.sex]
column = "sex"
"""


def rows(count: int = 1500, seed: int = 3) -> list[str]:
    """Lines of a file, header first. Every fiftieth has nothing in the column ``drawn``."""
    dice = np.random.default_rng(seed)
    late, drawn = dice.poisson(1.2, count).clip(0, 12), dice.random(count)
    odds = -2.4 + 0.8 * late + 1.8 * drawn
    bad = dice.random(count) < 1 / (1 + np.exp(-odds))
    noise, sex = dice.normal(size=count), dice.integers(0, 2, count)
    lines = ["id,late,drawn,noise,sex,bad"]
    for n in range(count):
        share = "" if n % 50 == 0 else f"{drawn[n]:.6f}"
        lines.append(f"{n},{late[n]},{share},{noise[n]:.6f},{'fm'[sex[n]]},{'yes' if bad[n] else 'no'}")
    return lines


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def recipe_with(tmp_path: Path, **changes: str) -> Recipe:
    """The recipe, with texts in it replaced: ``late="..."`` replaces "late" nowhere but as a whole line."""
    text = RECIPE.replace("REJECTS", changes.pop("rejects", "none"))
    for old, new in changes.items():
        text = text.replace(f"[facts.{old}]", f"[facts.{new}]")
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    return load_recipe(str(path))


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return recipe_with(tmp_path)


@pytest.fixture
def table(tmp_path: Path, recipe: Recipe) -> Table:
    return read_table(write(tmp_path / "rows.csv", rows()), recipe)
