"""The run of the public portfolio, killed fifty times: nothing lost, nothing twice."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.leaving import EXAMPLE, FILE, KNOWN
from whiteslip import intake
from whiteslip.store import embedded

SAMPLE: Final = Path(intake.__file__).parent / "samples" / "portfolio.csv"
_COMMAND: Final = Path(sys.executable).with_name("whiteslip")
_VICTIMS: Final = ("run", "server", "PostgreSQL")
_NIGHTS: Final = 731
_RESTART_SECONDS: Final = 1
# A process that is killed leaves what it wrote to the machine: only the machine's own death needs the disk.
_HASTY: Final = {"fsync": "off"}
_SEALED: Final = re.compile(r"(\d{4}-\d\d-\d\d) is sealed")
_TAKEN: Final = re.compile(r"(\d+) bytes taken over")
_ASKED: Final = re.compile(r"(\d+) asked")


def killing(seed: int = 20261125) -> None:
    """kill -9 of the run, of the web server and of PostgreSQL at fifty random points; it goes on each time.

    Raises RuntimeError when it ends otherwise than the committed output of the undisturbed run, whose
    last lines are the invariants.
    """
    if not Path(FILE).is_file():
        print("kill: name the file of the public data set in WHITESLIP_UCI", file=sys.stderr)
        return
    _tell(Path(FILE), KNOWN, 300, {"taken": 6, "asked": 9, "nights": 35}, seed)


def sample(seed: int = 20261126) -> None:
    """The same with the sample that ships and six kills, as fast as may be."""
    _tell(SAMPLE, KNOWN.with_name("leavers.txt"), 60, {"taken": 1, "asked": 2, "nights": 3}, seed, _HASTY)


def _tell(
    file: Path,
    known: Path,
    leavers: int,
    wanted: Mapping[str, int],
    seed: int,
    options: dict[str, str] | None = None,
) -> None:
    began = time.perf_counter()
    kills = storm(file, known, leavers, wanted, seed, options)
    each = ", ".join(
        f"{kills[victim]} of {'' if victim == 'PostgreSQL' else 'the '}{victim}" for victim in _VICTIMS
    )
    print(
        f"kill       {kills.total()} times kill -9 ({each}, seed {seed}) in "
        f"{time.perf_counter() - began:,.0f} s: as {known.name} says, as if nothing had happened"
    )


def storm(
    file: Path,
    known: Path,
    leavers: int,
    wanted: Mapping[str, int],
    seed: int,
    options: dict[str, str] | None,
) -> Counter[str]:
    """Run the example on ``file`` with so many kills while customers are taken over, while they ask and
    while nights go by; each victim as often as the others. Who was killed how often.

    ``options`` are settings of the PostgreSQL server.

    Raises RuntimeError unless it prints what ``known`` holds.
    """
    dice = Random(seed)
    most = {"taken": file.stat().st_size, "asked": leavers, "nights": _NIGHTS - 1}
    points = [(phase, sorted(dice.choices(range(most[phase]), k=wanted[phase]))) for phase in most]
    victims = [_VICTIMS[n % len(_VICTIMS)] for n in range(sum(wanted.values()))]
    dice.shuffle(victims)
    home = Path(tempfile.mkdtemp(prefix="whiteslip-killing-"))
    home.chmod(0o755)
    embedded.start(home, options)
    going = _Going(file, home, options)
    try:
        for phase, point in ((phase, point) for phase, some in points for point in some):
            going.reach(phase, point)
            time.sleep(dice.random())
            victim = victims[going.kills.total()]
            going.kill(victim)
            print(f"seed {seed}, {phase} {point}: killed the {victim}", file=sys.stderr, flush=True)
        printed = going.end()
    finally:
        going.close()
        embedded.remove(home)
        shutil.rmtree(home, ignore_errors=True)
    if printed != known.read_text():
        raise RuntimeError(f"killed {dict(going.kills)} (seed {seed}), not as {known.name}:\n{printed}")
    return going.kills


@dataclass
class _Going:
    """The run and the web server, each started again whenever it is dead, and how far the run says it is."""

    file: Path
    home: Path
    options: dict[str, str] | None
    taken: int = 0
    asked: int = 0
    sealed: set[str] = field(default_factory=set[str])
    said: str = ""
    kills: Counter[str] = field(default_factory=Counter[str])
    _over: threading.Event = field(default_factory=threading.Event)
    _server: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = int(free.getsockname()[1])
        self._start()
        self._supervisor = threading.Thread(target=self._serve)
        self._supervisor.start()

    @property
    def nights(self) -> int:
        return len(self.sealed)

    # The web server, as systemd would have it: Restart=always, from before there is a database ----

    def _serve(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WHITESLIP_")}
        environ = kept | {"WHITESLIP_HOME": str(self.home), "WHITESLIP_PORT": str(self._port)}
        with (self.home / "serve.log").open("ab") as log:
            while not self._over.wait(_RESTART_SECONDS):
                words = [_COMMAND, "serve"]
                self._server = subprocess.Popen(
                    words, env=environ, stdout=log, stderr=log, start_new_session=True
                )
                self._server.wait()

    # The run -------------------------------------------------------------------------------------

    def _start(self) -> None:
        url = f"http://127.0.0.1:{self._port}"
        words = [sys.executable, EXAMPLE, self.file, "--home", self.home, "--url", url]
        self._bereaved = False
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
            elif done := _ASKED.match(line):
                self.asked = max(self.asked, int(done[1]))

    def _is_going(self) -> bool:
        """False when it has come to its end. What died with the database is started again."""
        if self._run.poll() is None:
            return True
        if self._run.returncode == 0:
            return False
        self._gone()
        if not self._bereaved:
            raise RuntimeError(f"it died of itself: {self.said}")
        self._start()
        return True

    def _gone(self) -> None:
        self._run.wait(120)
        self._listener.join()

    # What is done to them ------------------------------------------------------------------------

    def reach(self, phase: str, point: int) -> None:
        """Wait until so much is done."""
        while getattr(self, phase) < point:
            if not self._is_going():
                raise RuntimeError(f"it ended before {phase} {point}")
            time.sleep(0.05)

    def kill(self, victim: str) -> None:
        """Kill -9; the run and PostgreSQL are started again here, the server by its supervisor."""
        if victim == "run":
            self._run.kill()
            self._gone()
            self._start()
        elif victim == "server":
            self._kill_server()
        else:
            self._bereaved = True
            data = embedded.start(self.home).data
            with suppress(ProcessLookupError):
                os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            embedded.start(self.home, self.options)
        self.kills[victim] += 1

    def _kill_server(self) -> None:
        while self._server is None or self._server.poll() is not None:
            time.sleep(0.05)
        with suppress(ProcessLookupError):
            os.killpg(self._server.pid, signal.SIGKILL)

    def end(self) -> str:
        """Wait for the end; what was printed."""
        while self._is_going():
            time.sleep(0.05)
        assert self._run.stdout
        printed = self._run.stdout.read()
        self._gone()
        return printed

    def close(self) -> None:
        """End everything."""
        self._over.set()
        self._run.kill()
        self._gone()
        while self._supervisor.is_alive():
            if self._server and self._server.poll() is None:
                self._kill_server()
            self._supervisor.join(0.1)


if __name__ == "__main__":
    sample()
