"""What goes wrong around an installation is said in words, and leaves nothing half made."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from litestar.testing import TestClient
from worlds import open_line

from whiteslip import ledger
from whiteslip.app import cli
from whiteslip.app.server import build
from whiteslip.app.settings import SettingError, load
from whiteslip.app.wiring import opened
from whiteslip.base import local_day
from whiteslip.base.ids import public
from whiteslip.identity import Person
from whiteslip.identity.vault import enrol_contact
from whiteslip.store import embedded
from whiteslip.store.timers import present

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def url(fresh_url: Callable[[], str]) -> str:
    return fresh_url()


@pytest.fixture
def home(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Path:
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", url)
    assert cli.run(["init"]) == 0
    capsys.readouterr()
    return tmp_path / "home"


def fails(capsys: Capture, code: int, words: str, *tokens: str) -> None:
    capsys.readouterr()
    found = cli.run(tokens)
    out, err = capsys.readouterr()
    assert (found, out) == (code, ""), err
    assert words in err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('lake = "yes"', "is true or false, not 'yes'"),
        ('language = "EN"', "is zh-CN or en, not 'EN'"),
        ('smtp_tls = "startls"', "is starttls or tls or none, not 'startls'"),
        ('trusted_proxies = "10.0.0.0/33"', "lists addresses and networks"),
        ('trusted_proxies = ["10.0.0.1"]', "several are parted by commas"),
        ("issuer_name = 2026-01-01", "is one text, number or flag"),
        ('database_url = "postgresql://a:ge/heim@h/d"', "is written postgresql://"),
        ('database_url = "postgresql://a:geheim@h:99999/d"', "is written postgresql://"),
        ('database_url = "postgresql://a:geheim@h/d?nonsense=1"', "is written postgresql://"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_every_command_and_no_password_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, line: str, words: str
):
    (tmp_path / "whiteslip.toml").write_text(line)
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path))
    assert cli.run(["config", "show"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "heim" not in said


def test_a_file_of_settings_may_begin_with_a_mark_and_end_lines_as_windows_does(tmp_path: Path):
    (tmp_path / "whiteslip.toml").write_bytes(b'\xef\xbb\xbfport = 9100\r\nissuer_name = "A"\r\n')
    settings = load({"WHITESLIP_HOME": str(tmp_path)})
    assert (settings.number("port"), settings.text("issuer_name")) == (9100, "A")


def test_an_empty_home_is_none_and_not_the_folder_we_stand_in():
    assert load({"WHITESLIP_HOME": ""}).home == load({}).home


def test_a_variable_that_nobody_reads_is_told_with_the_one_that_was_meant(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("WHITESLIP_SMPT_HOST", "mail.example.com")
    monkeypatch.setenv("WHITESLIP_SERVICE_HOST", "10.0.0.1")  # as Kubernetes sets for a service of that name
    assert cli.run(["config", "show"]) == 0
    said = capsys.readouterr().err
    assert "nobody reads WHITESLIP_SMPT_HOST; WHITESLIP_SMTP_HOST was meant?" in said
    assert "nobody reads WHITESLIP_SERVICE_HOST\n" in said
    assert cli.run(["doctor"]) == 5
    assert "not well: settings" in capsys.readouterr().err
    monkeypatch.delenv("WHITESLIP_SMPT_HOST")
    cli.run(["doctor"])
    assert "not well: mail" in capsys.readouterr().err, "what is like none of ours is nobody's mistake"


def test_files_that_settings_name_are_looked_for_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names = ("master_key_file", "offer_file", "smtp_password_file", "lake_folder")
    (tmp_path / "whiteslip.toml").write_text("".join(f'{name} = "x/{name}"\n' for name in names))
    monkeypatch.chdir("/")
    settings = load({"WHITESLIP_HOME": str(tmp_path)})
    assert [settings.path(name) for name in names] == [tmp_path / "x" / name for name in names]
    assert settings.master_key_file == tmp_path / "x" / "master_key_file"
    assert load({"WHITESLIP_MASTER_KEY_FILE": "~/k"}).master_key_file == Path.home() / "k"


def test_a_number_has_a_bound_of_its_own():
    assert load({"WHITESLIP_REQUESTS_PER_MINUTE": "100000"}).number("requests_per_minute") == 100_000
    with pytest.raises(SettingError, match="is 1 to 1000000"):
        load({"WHITESLIP_REQUESTS_PER_MINUTE": "1000001"})


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\xff\xfe\0", None], ids=["empty", "short", "binary", "gone"]
)
@pytest.mark.parametrize("name", ["web.secret", "lake.key"])
def test_a_secret_that_was_damaged_is_named_and_nothing_is_signed_with_it(
    home: Path, capsys: Capture, name: str, content: bytes | None
):
    (home / name).unlink()
    if content is not None:
        (home / name).write_bytes(content)
    if content is not None or name == "web.secret":  # the lake's key is made on first use
        fails(capsys, 5, f"{home / name} ", "user", "list")


def test_figures_of_a_home_that_is_not_there_lead_to_init(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
):
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "nowhere"))
    fails(capsys, 5, "try: whiteslip init", "lake", "verify")
    assert not (tmp_path / "nowhere").exists()


def test_a_full_disk_leaves_no_half_a_key(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
):
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", url)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        fails(capsys, 1, "No space left on device\ntry: make room", "init")
    assert list((tmp_path / "home").iterdir()) == []
    assert cli.run(["init"]) == 0


def test_no_new_master_key_is_made_beside_people_who_are_under_another(home: Path, capsys: Capture):
    person = Person("人", "11010119491231002X", "+8613900000001", "p@example.com")
    with opened(load(os.environ)) as platform, platform.database.transaction() as tx:
        enrol_contact(tx, platform.ports.vault, uuid4(), person, "test", present(tx))
    (home / "master.key").unlink()
    fails(capsys, 5, "master.key is not there, and the database holds people", "init")
    assert not (home / "master.key").exists()


def test_a_password_of_signs_is_backed_up_with_as_well(
    home: Path, server: embedded.Server, url: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
):
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute("DROP ROLE IF EXISTS signs")
        conn.execute("CREATE ROLE signs LOGIN SUPERUSER PASSWORD 'p@ss/w:o%rd'")
    place = url.rpartition("@")[2]
    monkeypatch.setenv(
        "WHITESLIP_DATABASE_URL", f"postgresql://signs:p%40ss%2Fw%3Ao%25rd@{place}?sslmode=prefer"
    )
    assert cli.run(["backup", str(home.parent / "whole")]) == 0, capsys.readouterr().err
    assert cli.run(["restore", str(home.parent / "whole"), "--check-only"]) == 0


def test_a_database_that_cannot_hold_every_name_is_refused_before_it_is_used(
    home: Path, server: embedded.Server, monkeypatch: pytest.MonkeyPatch, capsys: Capture
):
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute("DROP DATABASE IF EXISTS latin")
        conn.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", server.url("latin"))
    for tokens in (["init"], ["user", "list"]):
        fails(capsys, 5, "encoded in LATIN1", *tokens)


def test_a_database_of_a_newer_version_is_left_alone(home: Path, url: str, capsys: Capture):
    with psycopg.connect(url) as conn:
        conn.execute("INSERT INTO store.migration VALUES ('lines-9999', repeat('0', 64))")
    for tokens in (["init"], ["user", "list"]):
        fails(capsys, 5, "migrated by a newer version, with lines-9999", *tokens)


def test_an_init_that_was_killed_locks_nobody_out(home: Path, url: str, capsys: Capture):
    with psycopg.connect(url) as conn:
        conn.execute("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, '2026-01-01', 99)")
    assert cli.run(["init"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("ALTER ROLE {} SET default_transaction_read_only = on", "the database is read only"),
        ("REVOKE ALL ON SCHEMA public FROM {}", "the database refuses"),
    ],
)
def test_a_standby_and_a_role_without_rights_are_said_so(
    home: Path,
    server: embedded.Server,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    told: str,
    words: str,
):
    rights = "SUPERUSER" if "read_only" in told else "NOSUPERUSER"
    role = f"plain_{os.getpid()}"  # roles are the server's, which other tests use as well
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute(f"DROP ROLE IF EXISTS {role}")  # type: ignore[arg-type]
        conn.execute(f"CREATE ROLE {role} LOGIN {rights} PASSWORD 'plain'")  # type: ignore[arg-type]
        conn.execute(told.format(role))  # type: ignore[arg-type]
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", f"postgresql://{role}:plain@{url.rpartition('@')[2]}")
    fails(capsys, 5, words, "user", "create", "bob")


def test_the_number_of_a_process_that_is_gone_ends_no_stranger(home: Path, capsys: Capture):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (home / "up.pid").write_text(str(stranger.pid))
        assert cli.run(["stop"]) == 0
        assert capsys.readouterr().out == "nothing was running\n"
        assert stranger.poll() is None
        stranger.kill()


def test_who_asks_whether_we_are_ready_waits_for_no_database(home: Path):
    with opened(load(os.environ), size=1) as platform, TestClient(build(platform)) as client:
        assert client.get("/readyz").status_code == 200
        with platform.database.transaction():  # the one connection
            begun = time.monotonic()
            assert client.get("/readyz").status_code == 503
            assert time.monotonic() - begun < 5
            assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 200, "without a restart"


def test_who_would_book_on_a_day_that_is_sealed_meanwhile_may_ask_again(home: Path, capsys: Capture):
    assert cli.run(["keys", "create", "shop"]) == 0
    key = capsys.readouterr().out.split()[-1]
    with opened(load(os.environ)) as platform, TestClient(build(platform)) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        line = open_line(platform.database)
        with platform.database.transaction() as tx:
            now = present(tx)
            ledger.seal(tx, local_day(now, platform.pack.timezone), now)
        wanted = {"line": public("line", line), "merchant": "shop", "amount_minor": 1_000}
        answer = client.post("/v1/purchases", json=wanted, headers={"Idempotency-Key": "a"})
        assert (answer.status_code, answer.json()["code"]) == (503, "server.unavailable")
        assert answer.headers["retry-after"] == "5"
        with platform.database.transaction() as tx:
            assert tx.conn.execute("SELECT count(*) FROM purchases.purchase").fetchone() == {"count": 0}


def test_the_clock_of_people_does_not_come_to_stand_by_a_slip_and_no_clock_goes_for_a_lifetime(
    home: Path, capsys: Capture
):
    for tokens in (["set", "9999-12-31T00:00"], ["set", "0001-01-01"], ["advance", "+1"]):
        fails(capsys, 2, "", "clock", *tokens)
    person = Person("人", "11010119491231002X", "+8613900000001", "p@example.com")
    with opened(load(os.environ)) as platform, platform.database.transaction() as tx:
        enrol_contact(tx, platform.ports.vault, uuid4(), person, "test", present(tx))
    for tokens in (["set", "2031-01-01T09:00"], ["advance", "+1d"]):
        fails(capsys, 4, "stands still for good", "clock", *tokens)
    assert cli.run(["clock", "set", "2031-01-01T09:00", "--stand-still"]) == 0
    assert cli.run(["clock", "advance", "+1m"]) == 0
    fails(capsys, 4, "Advance by 400 days at most", "clock", "advance", "+9999d")


def test_who_closed_our_output_breaks_nothing(home: Path):
    whiteslip = Path(sys.executable).with_name("whiteslip")
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        done = subprocess.run(f"{whiteslip} user list {closed}", shell=True, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b""), closed
