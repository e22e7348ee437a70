"""The demonstration answers while its world still lives, and begins anew when that was cut off."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from whiteslip.app.wiring import signals_left_to_main
from whiteslip.store import embedded

LIVING = "They are still living their two years"


@pytest.fixture
def home() -> Iterator[Path]:
    # Not below pytest's own folder, which an embedded server could not enter when we are root.
    folder = Path(tempfile.mkdtemp(prefix="whiteslip-demo-"))
    folder.chmod(0o755)
    yield folder
    embedded.remove(folder)
    shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("whiteslip")), "demo", "--customers", "8", *words]


def first_page(port: int) -> str:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Accept-Language": "en"})
    for _ in range(2_400):
        with suppress(OSError), urllib.request.urlopen(asked) as answer:
            return answer.read().decode()
        time.sleep(0.05)
    raise AssertionError("no page came")


def test_a_demonstration_answers_while_its_world_lives_and_one_that_was_cut_off_is_made_anew(home: Path):
    port = free_port()
    env = os.environ | {"WHITESLIP_HOME": str(home), "WHITESLIP_PORT": str(port)}
    env.pop("PYTHONUNBUFFERED", None)
    serving = subprocess.Popen(command("--nights", "3000"), env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert LIVING in first_page(port)
        serving.send_signal(signal.SIGINT)
        printed, _ = serving.communicate(timeout=60)
    finally:
        serving.kill()
    assert printed == "", "what the server says on the way is no data"
    made = subprocess.run(
        command("--nights", "3", "--no-serve", "--json"), env=env, capture_output=True, check=True
    )
    assert {"first page", "customer, nothing owed", "reviewer"} <= set(json.loads(made.stdout))
    listed = subprocess.run(
        [command()[0], "lines", "list", "--json"], env=env, capture_output=True, check=True
    )
    assert 8 <= len(json.loads(listed.stdout)) < 16  # those of one world, and who applied in it
    assert not (home / "demo.living").exists()
    tables = subprocess.run(
        [command()[0], "policy", "list", "--json"], env=env, capture_output=True, check=True
    )
    for each in json.loads(tables.stdout):  # what the world decided by was in force since its first morning
        (since,) = [datetime.fromisoformat(step["effective_at"]) for step in each["steps"]]
        assert timedelta(days=3) <= datetime.now(UTC) - since < timedelta(days=5), each["table"]


def test_what_ends_the_program_is_left_to_the_main_thread():
    masks: list[set[int]] = []
    listening = threading.Thread(
        target=lambda: masks.append(set(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
    )
    with signals_left_to_main():
        listening.start()
    listening.join()
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} <= masks[0]
    assert not {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} & signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_links_are_given_to_a_pipe_while_the_demonstration_goes_on_and_one_signal_ends_it(home: Path):
    env = os.environ | {"WHITESLIP_HOME": str(home), "WHITESLIP_PORT": str(free_port())}
    env.pop("PYTHONUNBUFFERED", None)
    words = command("--nights", "2", "--json")
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as serving:
        try:
            assert serving.stdout
            assert serving.stdout.readline() == "{\n"
            serving.terminate()
            assert serving.wait(60) == 0
        finally:
            serving.kill()
