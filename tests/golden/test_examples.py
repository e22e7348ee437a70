"""What the examples print is committed, and this is how they keep printing it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_leavers_prints_what_is_committed():
    done = subprocess.run(
        [sys.executable, "examples/leavers.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (ROOT / "examples" / "leavers.txt").read_text()
