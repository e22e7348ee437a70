"""Measure, print, and keep the figures if asked: ``python -m benchmarks.run [SUBJECT…]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.backtest import backtesting
from benchmarks.bench import CLIENTS, SCALE, WORKERS, Bench, Measure
from benchmarks.book import authorising, posting
from benchmarks.demo import demonstrating
from benchmarks.killing import killing
from benchmarks.lake import snapshots
from benchmarks.leaving import leaving
from benchmarks.letters import sending
from benchmarks.night import sealing
from benchmarks.rush import rushing
from benchmarks.scoring import scoring
from benchmarks.stress import stressing
from benchmarks.takeover import importing
from benchmarks.training import training
from benchmarks.watch import watching
from whiteslip.store import embedded

SUBJECTS: Final[dict[str, Callable[[Bench, int], Measure | Sequence[Measure] | None]]] = {
    "post": lambda bench, _: posting(bench),
    "authorise": lambda bench, _: authorising(bench),
    "import": lambda bench, _: importing(bench),
    "seal": sealing,
    "letters": lambda bench, _: sending(bench),
    "score": scoring,
    "rush": rushing,
    "backtest": lambda bench, _: backtesting(bench),
    "demo": lambda bench, _: demonstrating(bench),
    "leave": lambda _bench, _: leaving(),
    "stress": lambda _bench, _: stressing(),
    "kill": lambda _bench, _: killing(),
    "train": lambda bench, _: training(bench),
    "watch": lambda bench, _: watching(bench),
    "lake": lambda bench, _: snapshots(bench),
    "lake-small": lambda bench, _: snapshots(bench, large=False),
}


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("subjects", nargs="*", choices=[[], *SUBJECTS], help="what to measure; all of it")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of yardstick and subject (default 5)")
    parser.add_argument("--seconds", type=float, default=5, help="seconds per measurement (default 5)")
    parser.add_argument("--lines", type=int, default=100_000, help="lines in a night (default 100,000)")
    parser.add_argument("--out", type=Path, help="write the figures to this file as JSON")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="whiteslip-bench-"))
    home.chmod(0o755)
    measured: list[Measure] = []
    try:
        bench = Bench(embedded.start(home), asked.seconds, asked.rounds)
        # A part of another subject is measured when it is asked for by name.
        for name in asked.subjects or [name for name in SUBJECTS if name != "lake-small"]:
            found = SUBJECTS[name](bench, asked.lines)
            for measure in [found] if isinstance(found, Measure) else found or ():
                measured.append(measure)
                print("\n".join(measure.lines()), flush=True)
    finally:
        embedded.remove(home)
        shutil.rmtree(home, ignore_errors=True)
    if asked.out:
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
        setting = {"pgbench_clients": CLIENTS, "pgbench_scale": SCALE, "workers": WORKERS}
        record: dict[str, Any] = {"machine": machine, "setting": setting}
        record["measures"] = {measure.name: measure.record() for measure in measured}
        asked.out.write_text(json.dumps(record, indent=2) + "\n")
        print(f"written to {asked.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
