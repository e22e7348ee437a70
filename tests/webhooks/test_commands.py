"""Webhooks at a terminal, on a real installation and a receiver on loopback."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from worlds import DAY, at, open_line

from whiteslip import webhooks
from whiteslip.app import cli
from whiteslip.app.settings import load
from whiteslip.app.wiring import opened, web_secret
from whiteslip.app.worker import send_webhooks
from whiteslip.base import Refusal
from whiteslip.store import Database
from whiteslip.webhooks import Courier

if TYPE_CHECKING:
    from .conftest import Receiver


@pytest.fixture
def home(
    fresh_url: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Path:
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", fresh_url())
    assert cli.run(["init"]) == 0
    capsys.readouterr()
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def typed(*tokens: str) -> tuple[int, str, str]:
        code = cli.run(["webhooks", *tokens])
        out, err = capsys.readouterr()
        return code, out, err

    return typed


def add(receiver: Receiver) -> str:
    settings = load(os.environ)
    with opened(settings) as platform, platform.database.transaction() as tx:
        courier = Courier(web_secret(settings), allow_internal=True)
        made = webhooks.create(tx, courier, receiver.url, (), "test", at(DAY))
        assert not isinstance(made, Refusal)
        receiver.secret = made[1]
    return str(made[0].id)


def test_the_listeners_secret_is_made_once_for_us_alone_and_printed(
    home: Path, run: Callable[..., tuple[int, str, str]]
):
    first, second = run("listen", "--print-secret"), run("listen", "--print-secret")
    assert first == second
    assert first[1].startswith("whsec_")
    assert (home / "listen.secret").stat().st_mode & 0o777 == 0o600


def test_listening_forwards_what_happens_signed_until_it_is_stopped(
    run: Callable[..., tuple[int, str, str]], receiver: Receiver, capsys: pytest.CaptureFixture[str]
):
    receiver.secret = run("listen", "--print-secret")[1].strip()

    def happen() -> None:
        database = Database(os.environ["WHITESLIP_DATABASE_URL"], size=2)
        for _ in range(200):
            open_line(database)
            with database.transaction() as tx:
                webhooks.test(tx, None, "line.closed", "test", at(DAY))
            if "line.closed" in receiver.types:
                break
            time.sleep(0.1)
        database.close()
        os.kill(os.getpid(), signal.SIGINT)

    # A shell that starts tests in the background lets them ignore Ctrl-C; a person's does not.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=happen)
    thread.start()
    with pytest.raises(SystemExit) as ended:
        run("listen", "--forward-to", receiver.url, "--events", "line.opened,line.closed")
    thread.join()
    signal.signal(signal.SIGINT, before)
    assert ended.value.code == 130
    out = capsys.readouterr().out
    assert set(receiver.types) == {"line.opened", "line.closed"}
    assert f"{receiver.ids[0]}  {receiver.types[0]}  204" in out


def test_a_sample_and_a_repetition_reach_the_endpoint_through_the_worker(
    home: Path, run: Callable[..., tuple[int, str, str]], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("WHITESLIP_WEBHOOKS_ALLOW_INTERNAL", "true")
    add(receiver)
    with opened(load(os.environ)) as platform:
        open_line(platform.database)
        send_webhooks(platform)
    code, out, _ = run("trigger", "exit.closed", "--json")
    asked = json.loads(out)
    assert (code, len(asked["endpoints"])) == (0, 1)
    seq = receiver.came[0]["body"]["data"]["event"]
    assert run("resend", str(seq))[:2] == (0, f"evt_{seq} goes to 1 endpoints\n")
    with opened(load(os.environ)) as platform:
        send_webhooks(platform)
    assert sorted(receiver.ids[1:]) == sorted([asked["webhook_id"], f"evt_{seq}"])
    assert receiver.url in run("list")[1]


def test_without_the_setting_the_worker_calls_nobody_inside(
    home: Path, run: Callable[..., tuple[int, str, str]], receiver: Receiver
):
    add(receiver)
    with opened(load(os.environ)) as platform:
        open_line(platform.database)
        send_webhooks(platform)
        with platform.database.transaction() as tx:
            tried = tx.conn.execute("SELECT error FROM webhooks.attempt").fetchall()
    assert (receiver.came, tried) == ([], [{"error": "address_not_allowed"}])


def test_what_is_not_published_or_not_there_is_said(run: Callable[..., tuple[int, str, str]]):
    code, _, err = run("trigger", "person.born")
    assert code == 2
    assert "not published: person.born; these are: alert.raised, application.accepted" in err
    assert run("resend", "99999")[0] == 3
    assert run("listen", "--forward-to", "gopher://x")[0] == 2
    assert run("listen")[0] == 2
