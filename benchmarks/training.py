"""A training file of 100 MB with broken rows, read as a stream by the lab."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.bench import Bench, Measure
from whiteslip.lab import load_recipe

BYTES: Final = 100 * 1_000_000
_RECIPE: Final = "attrition"
# One row in a hundred cannot be used: cut off, no number, or out of range.
_BROKEN_EVERY: Final = 100
# A process of its own: its largest memory is that of reading and of nothing else.
_READ: Final = """
import resource, sys, time
from pathlib import Path
from whiteslip.lab import load_recipe, read_table
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
recipe, before, began = load_recipe(sys.argv[2]), peak(), time.perf_counter()
table = read_table(Path(sys.argv[1]), recipe)
seconds, grown = time.perf_counter() - began, (peak() - before) / 1024
print(seconds, grown, table.read, table.left_out, table.facts.nbytes / 1e6)
"""


def _write(path: Path) -> int:
    """Rows in the recipe's columns, until the file is large enough; returns how many are broken."""
    recipe, dice = load_recipe(_RECIPE), Random(9)
    columns = [recipe.id, recipe.target_column, *(fact.column for fact in recipe.facts.values())]
    columns += [group.column for group in recipe.protected.values()]
    count = broken = 0
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(columns)
        while file.tell() < BYTES:
            count += 1
            numbers = [f"{dice.uniform(f.least, min(f.most, 9_999)):.3f}" for f in recipe.facts.values()]
            row = [str(count), recipe.target_is if dice.random() < 0.2 else "no", *numbers]
            row += ["x"] * len(recipe.protected)
            if count % _BROKEN_EVERY == 0:
                broken += 1
                row = (row[:4], [*row[:2], "zero", *row[3:]], [*row[:2], "-1", *row[3:]])[broken % 3]
            out.writerow(row)
    return broken


def training(bench: Bench) -> Measure:
    """Rows per second; the yardstick is Python's own csv module over the same file."""
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "training.csv"
        broken = _write(path)
        told: list[str] = []
        for _ in range(bench.rounds):
            began = time.perf_counter()
            with path.open(newline="") as file:
                count = sum(1 for _ in csv.reader(file)) - 1
            theirs.append(count / (time.perf_counter() - began))
            command = [sys.executable, "-c", _READ, str(path), _RECIPE]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            ours.append(count / float(told[0]))
            if (int(told[2]), int(told[3])) != (count, broken):
                raise RuntimeError(f"{told[3]} of {told[2]} rows were left out, not {broken} of {count}")
        notes = {
            "file": f"{path.stat().st_size / 1e6:.0f} MB, {told[2]} rows",
            "left out and told": f"{told[3]} rows, all that are broken",
            "memory": f"{float(told[1]):.0f} MB more; the numbers kept are {float(told[4]):.0f} MB",
        }
    return Measure("train", "rows/s", "csv.reader alone", "rows/s", ours, theirs, None, notes)
