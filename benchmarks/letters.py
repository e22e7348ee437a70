"""Letters that a night leaves behind, by a mail server on loopback that takes everything at once."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from random import Random
from smtplib import SMTP
from typing import Any, Final
from uuid import UUID, uuid4

from aiosmtpd import smtp
from aiosmtpd.handlers import Sink

from benchmarks.bench import Bench, Measure
from whiteslip import day, identity, notices
from whiteslip.app.wiring import settle
from whiteslip.base import new_id
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.notices import NewNotice, SmtpMailer, compose
from whiteslip.notices.acts import counts
from whiteslip.store import Database
from whiteslip.world.population import person

_LETTERS: Final = 500
_VAULT: Final = Vault(bytes(32))
# Somebody is late for the first time.
_FACTS: Final[dict[str, Any]] = {
    "reference": "L-7K2M-91",
    "timezone": "Asia/Shanghai",
    "currency": "CNY",
    "issuer_name": "Benchmark",
    "past_due_minor": 12_300,
    "late_since": date(2026, 1, 2),
    "schedule": [{"due_on": date(2026, 1, 2), "amount_minor": 12_300}],
    "late_fee_minor": 600,
    "late_fee_days": 7,
    "again_months": 6,
    "pack": "cn",
}


def _serve(listening: socket.socket) -> None:
    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: smtp.SMTP(Sink(), hostname="localhost"), sock=listening)
        await server.serve_forever()

    asyncio.run(serve())


@contextmanager
def _mail_server() -> Generator[int]:
    """A mail server in a process of its own; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = multiprocessing.get_context("fork").Process(target=_serve, args=(listening,), daemon=True)
        process.start()
        yield int(listening.getsockname()[1])
        process.kill()
        process.join()


def _people(database: Database) -> list[UUID]:
    dice, now = Random(11), datetime.now(UTC)
    people = [(new_id(now), person(dice, n)) for n in range(_LETTERS)]
    with database.transaction() as tx:
        identity.enrol_many(tx, _VAULT, people, "benchmark", now)
    return [customer for customer, _ in people]


def _queue(database: Database, people: list[UUID]) -> None:
    now = datetime.now(UTC)
    letters = [
        NewNotice("debt.arrears", "line", uuid4(), who, "en", _FACTS, f"debt.arrears:{uuid4()}")
        for who in people
    ]
    with database.transaction() as tx:
        notices.queue(tx, letters, now)


def _plain(port: int) -> float:
    """The same mails a second from smtplib alone, on one connection: written before, and nothing proven."""
    now = datetime.now(UTC)
    letter = compose.compose("debt.arrears", "en", compose.facts_of("debt.arrears", _FACTS), "Somebody", now)
    mail = SmtpMailer("127.0.0.1", port, "letters@example.com", tls="none").mail(
        "somebody@example.com", letter.title, now
    )
    mail.set_content(f"{letter.greeting}\n\n{compose.body(letter)}")
    mail.add_attachment(compose.pdf(letter, now), "application", "pdf", filename="letter.pdf")
    began = time.perf_counter()
    with SMTP("127.0.0.1", port) as server:
        for _ in range(_LETTERS):
            server.send_message(mail)
    return _LETTERS / (time.perf_counter() - began)


def sending(bench: Bench) -> Measure:
    """Letters per second: claimed, written, handed over, proven, one after the other."""
    database = Database(bench.whiteslip("letters"), 2)
    people = _people(database)
    ours: list[float] = []
    theirs: list[float] = []
    settle()
    with _mail_server() as port:
        mailer = SmtpMailer("127.0.0.1", port, "letters@example.com", tls="none")
        ports = day.Ports(Office(Tables.load(), "Benchmark"), _VAULT, mailer)
        for _ in range(bench.rounds):
            theirs.append(_plain(port))
            _queue(database, people)
            began = time.perf_counter()
            sent = day.run_letters(database, ports, lambda _: datetime.now(UTC))
            ours.append(sent / (time.perf_counter() - began))
    with database.transaction() as tx:
        if counts(tx) != {"sent": _LETTERS * bench.rounds}:
            raise RuntimeError("not every letter was sent")
    database.close()
    return Measure(
        "letters", "letters/s", "smtplib alone", "mails/s", ours, theirs, None, {"letters": _LETTERS}
    )
