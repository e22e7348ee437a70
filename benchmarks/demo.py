"""The demonstration in a fresh home: how soon its first page answers, and when its two years have gone by."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from benchmarks.bench import Bench, Measure
from whiteslip.store import embedded

# About what 200 people ask of PostgreSQL in 730 days and nights.
_STATEMENTS: Final = 65_000
_LIMIT_SECONDS: Final = 30
_GIVE_UP_SECONDS: Final = 600


def demonstrating(bench: Bench) -> list[Measure]:
    """Seconds from ``whiteslip demo`` to its first page, and to its links, after which it is as it stays."""
    pages: list[float] = []
    worlds: list[float] = []
    starts: list[float] = []
    asks: list[float] = []
    for _ in range(bench.rounds):
        starts.append(_server_alone())
        asks.append(bench.lookups(_STATEMENTS))
        page, links = _demo()
        pages.append(page)
        worlds.append(links - page)
    limit = {"limit": f"{_LIMIT_SECONDS} s on two cores that do nothing else"}
    asked = f"pgbench, {_STATEMENTS:,} look-ups on one connection"
    return [
        Measure(
            "demo: first page", "s", "initdb and start of PostgreSQL alone", "s", pages, starts, None, limit
        ),
        Measure("demo: its two years, from there to the links", "s", asked, "s", worlds, asks, None, limit),
    ]


def _fresh_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="whiteslip-demo-"))
    home.chmod(0o755)
    return home


def _away_with(home: Path) -> None:
    embedded.remove(home)
    shutil.rmtree(home, ignore_errors=True)


def _server_alone() -> float:
    home = _fresh_home()
    try:
        began = time.perf_counter()
        embedded.start(home)
        return time.perf_counter() - began
    finally:
        _away_with(home)


def _demo() -> tuple[float, float]:
    """Seconds to the first page and to the links. Raises RuntimeError when it ends before it prints them."""
    home, port = _fresh_home(), _free_port()
    environment = os.environ | {"WHITESLIP_HOME": str(home), "WHITESLIP_PORT": str(port)}
    command = [str(Path(sys.executable).with_name("whiteslip")), "demo", "--json"]
    said = home / "said"
    began = time.perf_counter()
    try:
        with (
            said.open("w") as errors,
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors) as demo,
        ):
            try:
                _wait_for(f"http://127.0.0.1:{port}/", demo)
                page = time.perf_counter() - began
                assert demo.stdout
                printed = demo.stdout.readline()
                links = time.perf_counter() - began
            finally:
                demo.terminate()
        if not printed:
            raise RuntimeError(f"the demonstration ended without its links:\n{said.read_text()[-2_000:]}")
        return page, links
    finally:
        _away_with(home)


def _wait_for(url: str, demo: subprocess.Popen[bytes]) -> None:
    while demo.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=_GIVE_UP_SECONDS):
                return
        except urllib.error.HTTPError as answer:
            raise RuntimeError(f"the first page answers {answer.code}") from None
        except OSError:
            time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])
