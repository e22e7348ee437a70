"""A terminal in a home of its own over a database that a test may also reach beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from billing.test_sales import SOLD_ON
from worlds import at

from whiteslip.app import cli
from whiteslip.app.settings import load
from whiteslip.app.wiring import Platform, opened, prepare_home
from whiteslip.store.timers import StoredClock

NOW = at(SOLD_ON)


@dataclass
class Terminal:
    """Runs commands in a home of its own."""

    platform: Platform
    capture: pytest.CaptureFixture[str]

    def run(self, *tokens: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        self.capture.readouterr()
        code = cli.run(tokens)
        out, err = self.capture.readouterr()
        return code, out, err

    def data(self, *tokens: str) -> Any:
        """What a command gives as JSON; nothing is on stderr."""
        code, out, err = self.run(*tokens, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    def fails(self, code: int, words: str, *tokens: str) -> None:
        """A command that ends with a code, says why on stderr and puts nothing on stdout."""
        found, out, err = self.run(*tokens)
        assert (found, out) == (code, "")
        assert words in err


@pytest.fixture
def terminal(
    fresh_url: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Terminal]:
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", fresh_url())
    prepare_home(load(os.environ))
    with opened(load(os.environ)) as platform:
        with platform.database.transaction() as tx:
            StoredClock(tx).set(NOW)
        yield Terminal(platform, capsys)
