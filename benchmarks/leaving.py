"""The whole public portfolio is taken over, three hundred customers leave, two years go by."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parent.parent
EXAMPLE: Final = _ROOT / "examples" / "leavers.py"
KNOWN: Final = EXAMPLE.with_name("leavers-uci.txt")
# Where the public data set lies; it does not ship.
FILE: Final = os.environ.get("WHITESLIP_UCI", "")


def leaving() -> None:
    """Run the example on the public data set, if it is here, and print how long it took.

    Raises RuntimeError when it prints anything else than the committed output. There is no
    yardstick: it is the one run that goes through everything, so it is timed and compared.
    """
    if not Path(FILE).is_file():
        print("leave: name the file of the public data set in WHITESLIP_UCI", file=sys.stderr)
        return
    began = time.perf_counter()
    ran = subprocess.run([sys.executable, EXAMPLE, FILE], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if ran.returncode != 0 or ran.stdout != KNOWN.read_text():
        raise RuntimeError(f"the run is not as {KNOWN.name} says:\n{ran.stdout}{ran.stderr[-2_000:]}")
    print(f"leave      {seconds:,.0f} s for 24,000 customers, 300 leavers, 731 nights: as {KNOWN.name} says")
