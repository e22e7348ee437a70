"""Books to compute figures of, made once per process: tests read copies of their snapshots."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import books
import psycopg
import pytest
from worlds import DAY, TIMEZONE, buy, nights, open_line, pay, refund

from whiteslip import lake
from whiteslip.base import end_of_day
from whiteslip.lake import Lake, Snapshot
from whiteslip.ledger.acts import seal
from whiteslip.store import Database, embedded


@dataclass(frozen=True)
class Kept:
    """A database, and the lake with its snapshot of the last day."""

    url: str
    place: Lake
    taken: Snapshot


@pytest.fixture(scope="session")
def made(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Kept]]:
    """Makes a database with a book in it, and a lake, and keeps both until the run is over."""
    names: list[str] = []

    def make(fill: Callable[[Database], None], end: date) -> Kept:
        name = f"book{len(names)}_{os.getpid()}"
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name} TEMPLATE template".encode())
        names.append(name)
        db, place = Database(server.url(name), size=4), Lake(tmp_path_factory.mktemp(name), bytes(32))
        fill(db)
        until = end_of_day(end, TIMEZONE)
        with db.transaction() as tx:
            seal(tx, end, until)
        taken = lake.export(db, place, end, until, TIMEZONE, until)
        db.close()
        assert isinstance(taken, Snapshot), taken
        return Kept(server.url(name), place, taken)

    yield make
    with psycopg.connect(server.url(), autocommit=True) as conn:
        for name in names:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def varied(made: Callable[..., Kept]) -> Kept:
    """A book in which everything happens that figures tell apart."""
    return made(books.varied, books.END)


@pytest.fixture(scope="session")
def three_lines(made: Callable[..., Kept]) -> Kept:
    """A never pays 30,000; B pays its 20,000 early in part; C buys 50,000 and gets 5,000 back."""
    end = date(2026, 5, 31)

    def fill(db: Database) -> None:
        a, b, c = (open_line(db) for _ in range(3))
        buy(db, a, 30_000)
        buy(db, b, 20_000)
        bought = buy(db, c, 50_000, 3)
        pay(db, b, 8_000, DAY + timedelta(days=2))
        refund(db, c, bought, 5_000, DAY + timedelta(days=3))
        nights(db, DAY, end)

    return made(fill, end)


@pytest.fixture
def place(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake(tmp_path / "lake", bytes(32))


@pytest.fixture
def by_hand(three_lines: Kept, place: Lake) -> Lake:
    """A lake of this test's own with the book of three lines."""
    shutil.copytree(three_lines.place.folder, place.folder)
    return place
