"""A database that goes away under load: who asks hears it soon, nothing is half done, and all comes back."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from litestar.testing import TestClient
from notices.test_notices import new
from worlds import open_line

from whiteslip import notices
from whiteslip.app import cli, worker
from whiteslip.app.server import build
from whiteslip.app.settings import load
from whiteslip.app.wiring import Platform, opened
from whiteslip.base import SystemClock, local_day
from whiteslip.base.ids import public
from whiteslip.day import every_violation
from whiteslip.store import embedded
from whiteslip.store.database import verify_journal
from whiteslip.store.timers import present

Client = TestClient[Any]
_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


@pytest.fixture
def url(fresh_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    found = fresh_url()
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", found)
    assert cli.run(["init"]) == 0
    (tmp_path / "home" / "demo").touch()  # letters go somewhere
    return found


@pytest.fixture
def platform(url: str) -> Iterator[Platform]:
    with opened(load(os.environ), patience=2.0) as found:
        yield found


@pytest.fixture
def client(platform: Platform) -> Iterator[Client]:
    with TestClient(build(platform)) as found:
        yield found


@contextmanager
def away(server: embedded.Server, url: str) -> Generator[None]:
    """This database lets nobody in, and those who are in out."""
    name = url.rpartition("/")[2]
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")  # type: ignore[arg-type]
        conn.execute(_OTHERS, [name])
        try:
            yield
        finally:
            conn.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")  # type: ignore[arg-type]


def timed(client: Client, path: str) -> tuple[int, float]:
    begun = time.monotonic()
    return client.get(path).status_code, time.monotonic() - begun


def back(client: Client, path: str) -> bool:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if client.get(path).status_code == 200:
            return True
        time.sleep(0.1)
    return False


def test_who_asks_while_the_database_is_away_hears_it_soon_and_all_comes_back_by_itself(
    server: embedded.Server, url: str, client: Client
):
    assert client.get("/metrics").headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    with away(server, url):
        for path, kind in (("/metrics", "application/problem+json"), ("/console", "text/html")):
            begun = time.monotonic()
            answer = client.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
            assert answer.headers["content-type"].startswith(kind)
            assert time.monotonic() - begun < 4
        # Now that it is known to be away a crowd does not wait in line, nor does who asks whether we live.
        with ThreadPoolExecutor(40) as crowd:
            asked = [crowd.submit(timed, client, "/console") for _ in range(80)]
            time.sleep(0.2)
            code, seconds = timed(client, "/livez")
            answers = [each.result() for each in asked]
        assert (code, seconds < 1) == (200, True), seconds
        assert {code for code, _ in answers} == {503}
        assert max(seconds for _, seconds in answers) < 6
    assert back(client, "/metrics")
    assert back(client, "/readyz")


def test_the_worker_comes_back_by_itself(server: embedded.Server, url: str, platform: Platform):
    stop = threading.Event()
    working = threading.Thread(target=worker.run, args=(platform, stop))
    working.start()
    try:
        with away(server, url):
            time.sleep(1)
        with psycopg.connect(url) as conn:
            assert conn.execute("SELECT count(*) FROM store.journal").fetchone()
        end, state = time.monotonic() + 30, ""
        while time.monotonic() < end:
            try:
                with platform.database.transaction() as tx:
                    notices.queue(tx, [new()], present(tx))
                break
            except psycopg.OperationalError:  # a connection that was cut is found out by who uses it
                continue
        while time.monotonic() < end and state != "failed":
            time.sleep(0.2)
            with psycopg.connect(url) as conn:
                (state,) = conn.execute("SELECT state FROM notices.notice").fetchone() or ("",)
        assert state == "failed", "nobody whom the vault knows: the worker has said so"
    finally:
        stop.set()
        working.join()


def test_what_is_asked_again_while_connections_are_cut_is_done_once_and_whole(
    server: embedded.Server, url: str, platform: Platform, client: Client, capsys: pytest.CaptureFixture[str]
):
    capsys.readouterr()
    assert cli.run(["keys", "create", "shop"]) == 0
    client.headers["Authorization"] = f"Bearer {capsys.readouterr().out.split()[-1]}"
    line = public("line", open_line(platform.database))
    heard: set[int] = set()

    def buy(number: int) -> str | None:
        wanted = {"line": line, "merchant": "shop", "amount_minor": 100}
        while True:
            answer = client.post("/v1/purchases", json=wanted, headers={"Idempotency-Key": str(number)})
            heard.add(answer.status_code)
            if answer.status_code == 201:
                return answer.json()["id"]
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")

    with ThreadPoolExecutor(4) as shops, psycopg.connect(server.url(), autocommit=True) as conn:
        bought = [shops.submit(buy, number) for number in range(80)]
        while not all(each.done() for each in bought):
            conn.execute(_OTHERS, [url.rpartition("/")[2]])
            time.sleep(0.1)
        made = {found for each in bought if (found := each.result())}
    assert heard == {201, 503}
    assert back(client, "/readyz")
    with platform.database.transaction() as tx:
        assert tx.conn.execute("SELECT count(*) FROM purchases.purchase").fetchone() == {"count": len(made)}
        assert every_violation(tx) == []


def test_a_machine_whose_clock_jumps_back_goes_on_and_its_books_hold(
    platform: Platform, client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    real = SystemClock.now
    back = timedelta(0)

    def earlier(clock: SystemClock) -> datetime:
        return real(clock) - back

    monkeypatch.setattr(SystemClock, "now", earlier)
    assert cli.run(["keys", "create", "shop"]) == 0
    client.headers["Authorization"] = f"Bearer {capsys.readouterr().out.split()[-1]}"
    who = {"full_name": "人", "id_number": "11010519491231002X", "phone": "+8613900000001"}

    def ask(path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Each time some minutes earlier than before."""
        nonlocal back
        answer = client.post(f"/v1/{path}", json=body)
        assert answer.status_code < 300, (path, answer.text)
        back += timedelta(minutes=7)
        worker.work(platform)
        worker.send_letters(platform, lambda: False)
        return answer.json()

    customer = ask("customers", who | {"email": "p@example.com", "reference": "C-1"})["id"]
    line = ask("lines", {"customer": customer, "limit_minor": 500_000, "statement_day": 5})["id"]
    wanted = {"line": line, "merchant": "shop", "amount_minor": 9_000}
    kept, given_back = ask("purchases", wanted)["id"], ask("purchases", wanted)["id"]
    ask(f"purchases/{kept}/capture", {"amount_minor": 9_000})
    ask(f"purchases/{given_back}/release", {})
    day_now = local_day(SystemClock().now(), platform.pack.timezone)
    ask("payments", {"line": line, "amount_minor": 4_000, "reference": "b-1", "value_on": str(day_now)})
    ask("exits", {"line": line})
    with platform.database.transaction() as tx:
        assert every_violation(tx) == []
        assert verify_journal(tx) == []
