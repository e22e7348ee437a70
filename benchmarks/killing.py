"""The run of the public portfolio, killed fifty times: nothing lost, nothing twice."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.leaving import EXAMPLE, FILE, KNOWN
from whiteslip.store import embedded

_NIGHTS: Final = 731
_IN_TAKEOVER: Final = 5
_IN_NIGHTS: Final = 45
_SEALED: Final = re.compile(r"(\d{4}-\d\d-\d\d) is sealed")
_TAKEN: Final = re.compile(r"(\d+) bytes taken over")


def killing(seed: int = 20261125) -> None:
    """kill -9 of the run or of its PostgreSQL at fifty random points; it goes on each time.

    Raises RuntimeError when it ends otherwise than the committed output of the undisturbed run, whose
    last lines are the invariants.
    """
    if not Path(FILE).is_file():
        print("kill: name the file of the public data set in WHITESLIP_UCI", file=sys.stderr)
        return
    dice = Random(seed)
    home = Path(tempfile.mkdtemp(prefix="whiteslip-killing-"))
    home.chmod(0o755)
    began, size = time.perf_counter(), Path(FILE).stat().st_size
    points = (
        sorted(dice.randrange(size) for _ in range(_IN_TAKEOVER)),
        sorted(dice.randrange(_NIGHTS - 1) for _ in range(_IN_NIGHTS)),
    )
    kills: Counter[str] = Counter()
    try:
        going = _Going(home)
        for phase, wanted in zip(("taken", "nights"), points, strict=True):
            for point in wanted:
                going.reach(phase, point)
                time.sleep(dice.random())
                kills[going.kill(dice.choice(("run", "PostgreSQL")))] += 1
        printed = going.end()
    finally:
        embedded.remove(home)
        shutil.rmtree(home, ignore_errors=True)
    if printed != KNOWN.read_text():
        raise RuntimeError(
            f"killed {dict(kills)} (seed {seed}), it ends otherwise than {KNOWN.name}:\n{printed}"
        )
    print(
        f"kill       {kills.total()} times kill -9 (of {dict(kills)}, seed {seed}) in "
        f"{time.perf_counter() - began:,.0f} s: as {KNOWN.name} says, as if nothing had happened"
    )


@dataclass
class _Going:
    """The run, started again whenever it is dead, and how far it says it is."""

    home: Path
    taken: int = 0
    sealed: set[str] = field(default_factory=set[str])
    said: str = ""

    def __post_init__(self) -> None:
        self._start()

    @property
    def nights(self) -> int:
        return len(self.sealed)

    def _start(self) -> None:
        words = [sys.executable, EXAMPLE, FILE, "--home", self.home]
        self._run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._listener = threading.Thread(target=self._listen, args=(self._run,))
        self._listener.start()

    def _listen(self, run: subprocess.Popen[str]) -> None:
        assert run.stderr
        for line in run.stderr:
            self.said = f"{self.said}{line}"[-2_000:]
            if done := _SEALED.match(line):
                self.sealed.add(done[1])
            elif done := _TAKEN.match(line):
                self.taken = max(self.taken, int(done[1]))

    def reach(self, phase: str, point: int) -> None:
        """Wait until so much is done."""
        while getattr(self, phase) < point:
            if self._run.poll() is not None:
                raise RuntimeError(f"it died of itself: {self.said}")
            time.sleep(0.05)

    def kill(self, victim: str) -> str:
        """Kill -9, wait for the run to be gone, start it again; who was killed."""
        if victim == "run":
            self._run.kill()
        else:
            with suppress(ProcessLookupError):
                os.kill(
                    int((embedded.start(self.home).data / "postmaster.pid").read_text().split()[0]),
                    signal.SIGKILL,
                )
        self._gone()
        self._start()
        return victim

    def _gone(self) -> None:
        self._run.wait(120)
        self._listener.join()

    def end(self) -> str:
        """Wait for the end; what was printed."""
        assert self._run.stdout
        printed = self._run.stdout.read()
        self._gone()
        if self._run.returncode:
            raise RuntimeError(f"it failed: {self.said}")
        return printed
