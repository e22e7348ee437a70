"""The worker: nothing waits for a mail server but letters, and nothing for a receiver but webhooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from mailserver import MESSAGE, MailServer, mail_server
from webhooks.conftest import Receiver, Scene
from worlds import DAY, TIMEZONE, at, open_line

from whiteslip import day, exits, identity, lines, packs
from whiteslip.app import worker
from whiteslip.app.settings import load
from whiteslip.app.wiring import Platform
from whiteslip.base import Refusal, end_of_day
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity, State
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.notices.acts import counts
from whiteslip.store.timers import StoredClock
from whiteslip.world.population import person

LEAVERS = 12
PATIENCE = 30.0


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


def asked(scene: Scene) -> list[UUID]:
    """Cases of people who asked to leave and never say who they are: each is written to, and lapses."""
    found: list[UUID] = []
    for number in range(LEAVERS):
        line = open_line(scene.db)
        with scene.db.transaction() as tx:
            theirs = lines.get_line(tx, line)
            assert not isinstance(theirs, Refusal)
            people = [(theirs.customer, person(Random(number), number))]
            identity.enrol_many(tx, scene.ports.vault, people, "test", at(DAY))
            case = exits.request(
                tx, scene.ports.office, line, Channel.FORM, "customer", at(DAY), Identity.PENDING
            )
        assert not isinstance(case, Refusal)
        found.append(case.id)
    return found


@contextmanager
def working(scene: Scene, mail: MailServer) -> Generator[Callable[[], None]]:
    """A worker on a clock; stopping it."""
    platform = Platform(
        load({}), scene.db, packs.load("cn"), replace(scene.ports, mailer=mail.mailer), is_demo=False
    )
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(platform, stop))
    thread.start()

    def ends() -> None:
        stop.set()
        thread.join()

    try:
        yield ends
    finally:
        mail.end()
        ends()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def slow(word: str) -> None:
    if word == MESSAGE:
        time.sleep(3)


@pytest.mark.parametrize("manner", ["slow", "silent"])
def test_a_mail_server_that_is_slow_or_silent_holds_up_letters_and_nothing_else(
    scene: Scene, receiver: Receiver, mail: MailServer, manner: str
):
    mail.says = slow if manner == "slow" else mail.silence
    scene.hears(receiver)
    cases, night = asked(scene), DAY + timedelta(days=14)
    assert not isinstance(day.seal(scene.db, scene.ports, DAY, TIMEZONE, end_of_day(DAY, TIMEZONE)), Refusal)
    with scene.db.transaction() as tx:
        StoredClock(tx).set(at(night + timedelta(days=1)))

    def done() -> bool:
        with scene.db.transaction() as tx:
            sealed = last_sealed_day(tx)
            ended = [exits_store.find(tx, case) for case in cases]
        lapsed = [case for case in ended if case and case.state is State.LAPSED]
        return sealed == night and len(lapsed) == LEAVERS and receiver.types.count("exit.lapsed") == LEAVERS

    with working(scene, mail):
        assert within(PATIENCE, done), "nights, deadlines and webhooks go on"
        with scene.db.transaction() as tx:
            waiting = counts(tx)["queued"]
        assert waiting > LEAVERS, "most letters are still to be sent"
        if manner == "slow":
            assert within(PATIENCE, lambda: len(mail.taken) > 1), "and they are, one after the other"


def test_a_worker_that_is_told_to_stop_sends_the_letter_in_hand_and_no_other(scene: Scene, mail: MailServer):
    mail.says = slow
    asked(scene)
    with scene.db.transaction() as tx:
        StoredClock(tx).set(at(DAY))
    with working(scene, mail) as ends:
        assert within(PATIENCE, lambda: len(mail.taken) == 1)
        ends()
        with scene.db.transaction() as tx:
            assert counts(tx) == {"sent": 1, "queued": LEAVERS - 1}
    assert len(mail.taken) == 1
