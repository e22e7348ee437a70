"""What the README, the tutorial and the how-to pages show at a prompt is typed, and compared.

A ``console`` block holds commands after ``$ `` (and ``> `` where one goes on) and, below each, what
it prints. All commands of a page are typed into one shell, in order, in a checkout of its own. A
command ends with 0, or as its comment says (``# exit code 5``). Shown output must be the real one,
but ``...`` stands for anything in a line, and alone on a line for any lines; a command without shown
output may print what it likes.

A command that serves, or ends with ``&``, runs until the page is over or the next one serves; the
following command waits until it answers, and until a demonstration has printed its links. Targets of
make are looked up, and ``make demo`` is made.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg.errors import DuplicateObject

from whiteslip.store import embedded

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [
    ROOT / "README.md",
    *sorted((ROOT / "docs" / "tutorial").glob("*.md")),
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
]
CHECKOUT: Final = ("Makefile", "pyproject.toml", "uv.lock", "src", "examples")
# A demonstration of two years takes a minute; that of some weeks shows the same.
SMALL: Final = "--customers 12 --nights 45"
PATIENCE_SECONDS: Final = 120

_SERVES: Final = re.compile(r"(make demo|(\S*/)?whiteslip (demo|serve|up))\b(?!.*--no-serve)")
_MAKES: Final = re.compile(r"make (?!demo\b)([a-z]+)")
_EXIT_CODE: Final = re.compile(r"#.*\bexit code (\d+)")
_LISTENS: Final = re.compile(r":(\d{4,5})\b")


@dataclass(frozen=True, slots=True)
class Example:
    """A command, where it stands, and what is shown below it."""

    where: str
    command: str
    shown: list[str]

    @property
    def code(self) -> int:
        """The exit code it announces."""
        found = _EXIT_CODE.search(self.command)
        return int(found[1]) if found else 0


def blocks(page: Path, language: str) -> Iterator[tuple[int, list[str]]]:
    """Fenced blocks of a language: the number of their first line, and their lines without indent."""
    number, begun, indent, lines = 0, 0, "", list[str]()
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if begun and line.strip() == "```":
            yield begun, lines
            begun = 0
        elif begun:
            lines.append(line.removeprefix(indent))
        elif line.strip() == f"```{language}":
            begun, indent, lines = number + 1, line[: len(line) - len(line.lstrip())], []


def examples(page: Path) -> Iterator[Example]:
    """All commands of a page, in order."""
    for first, lines in blocks(page, "console"):
        starts = [n for n, line in enumerate(lines) if line.startswith("$ ")]
        assert starts[:1] == [0], f"{page.name}:{first}: a console block begins with a command"
        for start, end in itertools.pairwise([*starts, len(lines)]):
            last = start
            while lines[last].endswith("\\") or any(
                line.startswith("> ") for line in lines[last + 1 : last + 2]
            ):
                last += 1
            command = "\n".join(line.removeprefix("> ") for line in lines[start : last + 1])
            command = command.removeprefix("$ ")
            shown = [line.rstrip() for line in lines[last + 1 : end]]
            while shown and not shown[-1]:
                shown.pop()
            yield Example(f"{page.relative_to(ROOT)}:{first + start}", command, shown)


def is_shown(shown: list[str], printed: list[str]) -> bool:
    """Whether what was printed is what is shown, ``...`` standing for anything."""
    patterns = [
        r"(?:.*\n)*" if line.strip() == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
        for line in shown
    ]
    return re.fullmatch("".join(patterns), "".join(f"{line}\n" for line in printed)) is not None


def is_gone(number: int, ask: Callable[[int, int], None] = os.killpg) -> bool:
    """Whether no process of a group lives; with ``ask=os.kill``, whether one process does not."""
    try:
        ask(number, 0)
    except ProcessLookupError:
        return True
    return False


@dataclass
class Shell:
    """A shell in a checkout of its own, in which a page is typed."""

    folder: Path
    port: int
    database_port: int
    process: subprocess.Popen[str] = field(init=False)
    groups: list[int] = field(default_factory=list[int])
    serving: int | None = None
    awaited: str = ""
    printed: str = ""

    def __post_init__(self) -> None:
        self.checkout = self.folder / "whiteslip"
        programs = self.checkout / ".venv" / "bin"
        programs.mkdir(parents=True)
        for name in CHECKOUT:
            (self.checkout / name).symlink_to(ROOT / name)
        real = ROOT / ".venv"
        for path in [real / "lib", real / "pyvenv.cfg", *(real / "bin").iterdir()]:
            if path.name != "whiteslip":
                (self.checkout / ".venv" / path.relative_to(real)).symlink_to(path)
        ours = programs / "whiteslip"
        ours.write_text(
            f'#!/bin/sh\n[ "$1" = demo ] && set -- "$@" {SMALL}\nexec {real}/bin/whiteslip "$@"\n'
        )
        ours.chmod(0o755)
        (self.checkout / ".venv" / "installed").touch()
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("WHITESLIP_", "PG"))
        }
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.checkout,
            env=kept
            | {
                "HOME": str(self.folder),
                "PATH": f"{programs}:{os.environ['PATH']}",
                "WHITESLIP_PORT": str(self.port),
                "PYTHONUNBUFFERED": "1",  # so that stdout and stderr come in the order of a terminal
            },
        )

    @property
    def names(self) -> dict[str, str]:
        """What pages call by a name that every reader has for themselves."""
        return {
            "/srv/whiteslip": str(self.folder / "srv"),
            "db.example:5432": f"127.0.0.1:{self.database_port}",
            ":8000": f":{self.port}",
            ":2525": f":{self.port + 1}",
            "=2525": f"={self.port + 1}",
        }

    def type(self, command: str) -> tuple[int, list[str]]:
        """The exit code of a command, and what it printed."""
        for name, real in self.names.items():
            command = command.replace(name, real)
        makes = _MAKES.match(command)
        if makes:
            targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
            return (0 if makes[1] in targets else 2), []
        self._await()
        serves = _SERVES.match(command) is not None
        if serves or command.endswith("&"):
            return self._begin(command, serves)
        code, printed = self._run(command)
        for name, real in self.names.items():
            printed = printed.replace(real, name)
        printed = printed.replace(str(self.checkout), "/home/you/whiteslip").rstrip()
        return code, [line.rstrip() for line in printed.split("\n")] if printed else []

    def _run(self, command: str) -> tuple[int, str]:
        typed = self.folder / "typed.sh"
        typed.write_text(command + "\n")
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f'. {typed} < /dev/null; printf "\\n#done %s\\n" "$?"\n')
        self.process.stdin.flush()
        lines: list[str] = []
        for line in self.process.stdout:
            if line.startswith("#done "):
                return int(line.split()[1]), "".join(lines)[:-1]
            if line.rstrip("\n") in (embedded.MAKING, embedded.REPLAYING):
                continue  # said on slow machines alone
            lines.append(line)
        raise AssertionError(f"the shell ended at {command!r}: {''.join(lines)}")

    def _begin(self, command: str, serves: bool) -> tuple[int, list[str]]:
        if serves and self.serving:
            self._end(self.serving)
        bare = re.sub(r"\s+#.*$", "", command).removesuffix("&").strip()
        log = self.folder / "served.log"
        log.touch()  # the shell opens it only when what it started gets its turn
        code, printed = self._run(f"setsid {bare} >> {log} 2>&1 & echo $!")
        self.groups.append(int(printed))
        if serves:
            self.serving = int(printed)
        found = _LISTENS.search(bare)
        self.awaited = "" if not serves and not found else found[1] if found else "livez"
        self.printed = "API key" if "demo" in bare.split() else ""
        return code, []

    def _await(self) -> None:
        for _ in range(PATIENCE_SECONDS * 10):
            if not self.awaited or self._answers():
                self.awaited = ""
                return
            if is_gone(self.groups[-1], os.kill):
                break
            time.sleep(0.1)
        raise AssertionError(f"nothing serves: {(self.folder / 'served.log').read_text()}")

    def _answers(self) -> bool:
        if self.awaited != "livez":
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", int(self.awaited))) == 0
        if self.printed and self.printed not in (self.folder / "served.log").read_text():
            return False
        with suppress(OSError, urllib.error.URLError):
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/livez").status == 200
        return False

    def _end(self, group: int) -> None:
        """As Ctrl-C would: ask, wait, and only then insist."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(group, number)
            for _ in range(100):
                if is_gone(group):
                    return
                time.sleep(0.1)

    def close(self) -> None:
        """End what runs and remove what was made."""
        for group in self.groups:
            self._end(group)
        self.process.terminate()
        self.process.communicate()
        for made in self.folder.rglob("postgres.json"):
            embedded.remove(made.parent)


def free_port() -> int:
    """A port that nobody listens on, below those that the system lends to outgoing connections.

    None begins as a port that pages name: 2525, 8000.
    """
    for port in random.sample(range(26_000, 30_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("a hundred ports are taken")


@pytest.fixture
def shell(server: embedded.Server) -> Iterator[Shell]:
    # Not below pytest's own folder, which an embedded server could not enter when we are root.
    folder = Path(tempfile.mkdtemp(prefix="whiteslip-docs-"))
    folder.chmod(0o755)
    opened = Shell(folder, free_port(), server.port)
    yield opened
    opened.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("page", [page for page in PAGES if list(examples(page))], ids=lambda page: page.stem)
def test_what_a_page_shows_at_a_prompt_is_what_happens(page: Path, shell: Shell, server: embedded.Server):
    with psycopg.connect(server.url(), autocommit=True) as conn:
        for _, lines in blocks(page, "sql"):
            for statement in " ".join(lines).split(";"):
                with suppress(DuplicateObject):  # the server's other databases have that role already
                    conn.execute(statement.encode())
    for example in examples(page):
        code, printed = shell.type(example.command)
        right = not example.shown or is_shown(example.shown, printed)
        if code != example.code or not right:
            told = [f"{example.where}: $ {example.command}"]
            told += [f"expected, with exit code {example.code}:", *(f"    {line}" for line in example.shown)]
            told += [f"got, with exit code {code}:", *(f"    {line}" for line in printed)]
            pytest.fail("\n".join(told), pytrace=False)


def test_each_page_has_something_to_type():
    silent = {page.name for page in PAGES if not list(examples(page))}
    # Customers have pages; a sale begins with a debt that is months past due, new terms with days of notice.
    assert silent == {"leave-a-line.md", "sell-a-debt.md", "change-terms.md"}


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a"], ["a", "b"], False),
        (["id ...", "b"], ["id 5", "b"], True),
        (["...", "b"], ["a", "a", "b"], True),
        (["a", "..."], ["a"], True),
        (["a.c"], ["abc"], False),
    ],
)
def test_three_dots_stand_for_anything_and_nothing_else_does(
    shown: list[str], printed: list[str], same: bool
):
    assert is_shown(shown, printed) is same
