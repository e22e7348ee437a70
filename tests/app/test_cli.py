"""The command line, as somebody at a terminal meets it."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from whiteslip.app import cli
from whiteslip.store import embedded


@dataclass
class Terminal:
    """Runs commands in this process, in a home of its own over a database of its own."""

    home: Path
    capture: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def run(self, *tokens: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        self.capture.readouterr()
        code = cli.run(tokens)
        out, err = self.capture.readouterr()
        return code, out, err

    def data(self, *tokens: str, code: int = 0) -> Any:
        """What a command gives as JSON."""
        found, out, err = self.run(*tokens, "--json")
        assert found == code, err
        return json.loads(out)


@pytest.fixture
def terminal(
    server: embedded.Server,
    fresh_url: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", fresh_url())
    return Terminal(tmp_path / "home", capsys, monkeypatch)


@pytest.fixture
def settled(terminal: Terminal) -> Terminal:
    """An installation with a small world in it."""
    done = terminal.data("world", "run", "--customers", "12", "--nights", "20", "--seed", "5")
    assert done["balanced"]
    assert done["violations"] == []
    assert terminal.run("user", "create", "ann")[0] == 0
    return terminal


def test_init_makes_keys_and_one_admin_link_and_doing_it_again_changes_nothing(terminal: Terminal):
    first = terminal.data("init")
    assert "/console/link/" in first["admin_link"]
    key = terminal.home / "master.key"
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_text()
    again = terminal.data("init")
    assert (again["migrations"], again["admin_link"]) == (0, None)
    assert key.read_text() == before


def test_a_port_is_served_once_and_a_demonstration_asks_before_it_touches_anything(terminal: Terminal):
    terminal.data("init")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as our server does
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        terminal.monkeypatch.setenv("WHITESLIP_PORT", str(port))
        for command in ("serve", "demo"):
            code, out, err = terminal.run(command)
            assert (code, out) == (5, ""), command
            assert f"cannot serve at 127.0.0.1:{port}: Address already in use\ntry: whiteslip stop" in err


def test_before_init_a_command_says_what_to_do(terminal: Terminal):
    code, out, err = terminal.run("lines", "list")
    assert (code, out) == (5, "")
    assert "there is no Whiteslip in" in err
    assert "try: whiteslip init" in err


def test_a_wrong_command_is_usage(terminal: Terminal):
    assert terminal.run("fly")[0] == 2
    assert terminal.run("day", "seal", "yesterday")[0] == 2


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("WHITESLIP_PORT", "eighty", "is a whole number, not 'eighty'"),
        ("WHITESLIP_PORT", "65536", "is 1 to 65535"),
        ("WHITESLIP_PAY_PAGE", "javascript:alert(1)", "is written https://HOST/PAGE"),
        ("WHITESLIP_DATABASE_URL", "mysql://me:hush@here/db", "is written postgresql://USER"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_origin_and_tells_no_secret(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, variable: str, text: str, said: str
):
    monkeypatch.setenv(variable, text)
    code, _, err = terminal.run("config", "show")
    assert code == 2
    assert f"{variable} (environment) {said}" in err
    assert "hush" not in err


def test_a_file_with_a_setting_nobody_reads_is_refused(terminal: Terminal):
    terminal.home.mkdir()
    (terminal.home / "whiteslip.toml").write_text('colour = "blue"')
    code, _, err = terminal.run("config", "show")
    assert code == 2
    assert "sets colour, which nobody reads" in err


def test_settings_tell_where_they_come_from_and_hide_secrets(terminal: Terminal):
    terminal.home.mkdir()
    (terminal.home / "whiteslip.toml").write_text('port = 9000\npack = "eu"')
    shown = terminal.data("config", "show", "--origin")
    assert shown["port"] == {"value": "9000", "origin": str(terminal.home / "whiteslip.toml")}
    assert shown["home"]["origin"] == "environment"
    assert shown["database_url"]["value"] == "(set)"


def test_the_books_the_journal_and_the_decisions_are_sound(settled: Terminal):
    assert settled.data("ledger", "trial-balance")["balanced"] is True
    assert settled.data("audit", "verify")["faults"] == []
    replayed = settled.data("decisions", "replay")
    assert replayed["decisions"] > 5
    assert replayed["differences"] == 0
    looked = {check["check"]: check for check in settled.data("doctor", code=5)}
    assert [what for what, check in looked.items() if not check["good"]] == ["mail"]
    assert looked["letters waiting"]["found"] == "0 wait"
    queued = "UPDATE notices.notice SET state = 'queued' WHERE seq = (SELECT min(seq) FROM notices.notice)"
    with psycopg.connect(os.environ["WHITESLIP_DATABASE_URL"]) as conn:
        conn.execute(queued)
    key = settled.home / "master.key"
    key.write_bytes(base64.b64encode(bytes(32)))  # somebody else's
    found = {check["check"]: check["good"] for check in settled.data("doctor", code=5)}
    assert [what for what, good in found.items() if not good] == ["vault", "letters waiting", "mail"]


def test_lines_and_exits_are_listed_and_shown(settled: Terminal):
    lines = settled.data("lines", "list", "--limit", "5")
    assert len(lines) == 5
    shown = settled.data("lines", "show", lines[0]["id"])
    assert {"bucket", "ifrs_stage", "payoff_minor"} <= set(shown)
    code, _, err = settled.run("lines", "show", "line_nonsense")
    assert (code, err.splitlines()[-1]) == (3, "try: whiteslip lines list")
    active = next(row for row in settled.data("lines", "list") if row["lifecycle"] == "active")
    asked = settled.data("exits", "request", active["id"], "--by", "ann", "--dry-run")
    assert asked["outcome"] in ("closes_now", "runs_off", "clears")
    assert settled.run("exits", "show", "EX-NONE-00")[0] == 3
    code, out, _ = settled.run("exits", "list")
    assert code == 0
    assert out.startswith("reference")


def test_a_list_that_is_cut_says_how_to_go_on_and_bad_bounds_are_usage(settled: Terminal):
    everybody = [row["id"] for row in settled.data("lines", "list")]
    code, out, err = settled.run("lines", "list", "--limit", "2", "--json")
    first = [row["id"] for row in json.loads(out)]
    assert (code, first) == (0, everybody[:2])
    assert f"whiteslip lines list --after {first[-1]}" in err
    assert [row["id"] for row in settled.data("lines", "list", "--after", first[-1])] == everybody[2:]
    assert settled.run("lines", "list")[2] == ""
    assert settled.run("lines", "list", "--after", "line_0")[0] == 3
    assert "there may be more" in settled.run("exits", "list", "--limit", "1")[2]
    for words in (("lines", "list"), ("lines", "unused"), ("exits", "list"), ("applications", "list")):
        assert settled.run(*words, "--limit=-1")[0] == 2


def test_an_exit_asked_for_on_the_phone_stops_drawing(settled: Terminal):
    line = next(row for row in settled.data("lines", "list") if row["lifecycle"] == "active")
    asked = settled.data("exits", "request", line["id"], "--by", "ann")
    assert asked["state"] == "stopped"
    assert settled.data("exits", "show", asked["reference"])["line"] == line["id"]
    assert settled.data("lines", "show", line["id"])["locks"] == ["exit"]


def test_the_clock_goes_forward_through_every_night(settled: Terminal):
    before = settled.data("clock", "show")
    assert before["frozen"] is True
    moved = settled.data("clock", "advance", "+3d")
    assert moved["nights_sealed"] == 3
    assert settled.run("clock", "advance", "3 days")[0] == 2
    assert settled.run("clock", "set", "2020-01-01T00:00")[0] == 4
    assert settled.run("day", "seal", "2099-01-01")[0] == 4


def test_staff_and_keys_are_made(settled: Terminal):
    made = settled.data("user", "create", "ada", "--role", "reviewer")
    assert "/console/link/" in made["link"]
    assert settled.run("user", "create", "ada")[0] == 4
    assert "/console/link/" in settled.data("user", "link", "ada")["link"]
    assert settled.run("user", "link", "nobody")[0] == 3
    assert {"name": "ada", "role": "reviewer"} in settled.data("user", "list")
    assert settled.data("keys", "create", "shop", "--scope", "read")["scopes"] == ["read"]


def test_a_head_that_was_kept_is_found_again_or_missed(settled: Terminal):
    now = settled.data("audit", "verify")
    kept = f"{now['rows']}:{now['head']}"
    settled.run("keys", "create", "shop")
    assert settled.data("audit", "verify", "--kept", kept)["faults"] == []
    other = f"{now['rows'] - 1}:{now['head']}"
    (fault,) = settled.data("audit", "verify", "--kept", other, code=1)["faults"]
    assert "hash that was kept" in fault
    assert settled.run("audit", "verify", "--kept", "12")[0] == 2


def test_a_backup_is_one_file_that_comes_back_whole(
    settled: Terminal, fresh_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = settled.data("audit", "verify")
    file = tmp_path / "all.backup"
    assert settled.data("backup", str(file))["file"] == str(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert settled.run("backup", str(file))[0] == 4
    assert settled.data("restore", str(file), "--check-only")["format"] == 1
    refused = settled.run("restore", str(file))
    assert refused[0] == 4, refused  # not into a database that holds something
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", empty(fresh_url()))
    assert settled.data("restore", str(file))["missing_migrations"] == 0
    assert settled.data("audit", "verify") == before
    assert settled.data("ledger", "trial-balance")["balanced"] is True


def empty(url: str) -> str:
    """The same database with nothing in it."""
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(url, autocommit=True) as conn:
        rows = conn.execute(
            "SELECT nspname FROM pg_namespace"
            " WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema')"
        ).fetchall()
        for (name,) in rows:
            conn.execute(f'DROP SCHEMA "{name}" CASCADE')
        for (name,) in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            conn.execute(f'DROP TABLE "{name}" CASCADE')
    return url


@pytest.mark.parametrize("damage", ["cut", "changed", "other"])
def test_a_damaged_backup_is_refused_before_anything_is_touched(
    settled: Terminal, tmp_path: Path, damage: str
):
    file = tmp_path / "all.backup"
    settled.data("backup", str(file))
    whole = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif damage == "changed":
        whole[len(whole) // 2] ^= 255
        file.write_bytes(whole)
    else:
        with tarfile.open(file, "w") as tar:
            tar.addfile(tarfile.TarInfo("../evil"), io.BytesIO())
    code, _, err = settled.run("restore", str(file), "--check-only")
    assert code == 1
    assert "Traceback" not in err
    assert str(file) in err


def test_a_backup_that_cannot_be_written_is_said_plainly(terminal: Terminal, tmp_path: Path):
    terminal.data("init")
    code, _, err = terminal.run("backup", str(tmp_path / "absent" / "all.backup"))
    assert code == 1
    assert "all.backup cannot be written: No such file or directory" in err


@pytest.mark.parametrize("count", ["--customers=-1", "--nights=-1"])
def test_a_world_has_no_fewer_than_nobody(terminal: Terminal, count: str):
    assert terminal.run("world", "run", count)[0] == 2
    assert not terminal.home.exists()


def test_a_database_that_does_not_answer_is_said_plainly(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    terminal.data("init")
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", "postgresql://nobody:x@127.0.0.1:1/none")
    code, _, err = terminal.run("lines", "list")
    assert code == 5
    assert "Traceback" not in err


def test_a_demonstration_never_moves_into_a_home_with_people(terminal: Terminal):
    terminal.data("init")
    code, _, err = terminal.run("demo", "--no-serve")
    assert code == 1
    assert "may hold real people" in err


def test_a_command_that_does_something_is_somebodys_and_refuses_nobody_and_who_only_looks(settled: Terminal):
    line = settled.data("lines", "list")[0]["id"]
    before = settled.data("lines", "show", line)
    settled.run("user", "create", "eve", "--role", "auditor")
    asked = ("exits", "request", line, "--json")
    assert settled.run(*asked)[0] == 2, "without a name"
    for name, said in (("mallory", "nobody is called mallory"), ("eve", "eve is no reviewer or admin")):
        code, _, err = settled.run(*asked, "--by", name)
        assert (code, said in err) == (3, True)
    assert settled.data("lines", "show", line) == before


def test_a_payment_is_corrected_and_the_dry_run_changes_nothing(settled: Terminal):
    lines = settled.data("lines", "list")
    paid = next(found for line in lines if (found := settled.data("payments", "list", line["id"])))[0]
    tried = settled.data(
        "payments", "correct", paid["id"], "--by", "ann", "--amount-minor", "1234", "--dry-run"
    )
    done = settled.data("payments", "correct", paid["id"], "--by", "ann", "--amount-minor", "1234")
    assert (tried["amount_minor"], tried["reference"]) == (1234, paid["reference"])
    assert done["id"] not in (tried["id"], paid["id"])
    again = settled.data("payments", "correct", paid["id"], "--by", "ann", "--amount-minor", "1234")
    assert again == done
    code, _, err = settled.run("payments", "correct", paid["id"], "--by", "ann", "--amount-minor", "99")
    assert (code, done["id"] in err) == (4, True)


def test_a_world_does_not_move_in_with_real_customers(terminal: Terminal):
    """An empty home becomes a world's, a second world may follow there, and nobody else's home does."""
    terminal.data("init")
    assert terminal.data("world", "run", "--customers", "1", "--nights", "0")["violations"] == []
    assert terminal.data("world", "run", "--customers", "1", "--nights", "0")["violations"] == []
    (terminal.home / "world").unlink()
    code, out, err = terminal.run("world", "run", "--customers", "1", "--nights", "0")
    assert (code, out) == (4, "")
    assert "has customers" in err
    assert "WHITESLIP_HOME=.world whiteslip world run" in err
    assert not (terminal.home / "world").exists()


@pytest.mark.parametrize("command", [("keys", "create"), ("user", "create")])
@pytest.mark.parametrize("name", ["", " \t"])
def test_what_has_a_name_is_not_called_nothing(terminal: Terminal, command: tuple[str, str], name: str):
    terminal.data("init")
    code, out, err = terminal.run(*command, name)
    assert (code, out) == (2, "")
    assert "not blank" in err


@pytest.mark.parametrize(
    "command", [("watch", "ack", "AL-1"), ("watch", "label", "AL-1", "true"), ("models", "enter", "absent")]
)
def test_an_act_of_a_person_says_whose_it_is(terminal: Terminal, command: tuple[str, ...]):
    code, _, err = terminal.run(*command)
    assert code == 2
    assert "--by" in err


def test_the_master_key_is_changed_by_somebody_who_has_the_database_alone(terminal: Terminal):
    terminal.data("init")
    key = terminal.home / "master.key"
    before = key.read_text()
    with psycopg.connect(os.environ["WHITESLIP_DATABASE_URL"]):
        code, _, err = terminal.run("vault", "rotate", "--by", "admin")
    assert code == 4
    assert "stop whiteslip up" in err
    assert key.read_text() == before
    done = terminal.data("vault", "rotate", "--by", "admin")
    assert Path(done["old_key"]).read_text() == before
    assert key.read_text() != before
    assert terminal.data("lines", "list") == []
