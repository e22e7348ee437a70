"""However servers fail and however many workers send, a line's events arrive in their order."""

from __future__ import annotations

import threading
from collections import defaultdict
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from worlds import open_line

from whiteslip import exits
from whiteslip.app import worker
from whiteslip.exits.model import Channel, Identity

if TYPE_CHECKING:
    from .conftest import Receiver, Scene


def by_line(came: list[dict[str, Any]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for each in came:
        found[each["body"]["data"]["line"]].append(each["body"]["data"]["event"])
    return found


def leave(scene: Scene) -> None:
    line = open_line(scene.db)
    with scene.db.transaction() as tx:
        exits.request(tx, scene.ports.office, line, Channel.API, "test", scene.now, Identity.DOUBTED)


@pytest.mark.parametrize("seed", range(4))
def test_with_failures_at_random_nothing_overtakes(scene: Scene, receiver: Receiver, seed: int):
    dice = Random(seed)
    endpoint = scene.hears(receiver)
    status = [204, 204, 204, 404, 500, 302, 503]
    for _ in range(40):
        receiver.answers.append((dice.choice(status), {}))
    for _ in range(5):
        leave(scene)
        scene.run(timedelta(seconds=dice.choice([0, 1, 7, 400])))
    for _ in range(60):
        scene.run(timedelta(hours=2))
    for told in by_line(receiver.came).values():
        assert told == sorted(told), "one was tried again after a later one had been tried"
    known = scene.deliveries(endpoint.id)
    assert len(set(receiver.ids)) == len(known)
    assert len(known) >= 20


def test_three_workers_at_once_send_each_event_once_and_in_order(scene: Scene, receiver: Receiver):
    scene.hears(receiver)
    faults: list[BaseException] = []

    def send() -> None:
        try:
            for _ in range(12):
                scene.run()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        leave(scene)
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "two workers wait for each other"
    scene.run()
    assert faults == []
    assert len(receiver.ids) == len(set(receiver.ids))
    for told in by_line(receiver.came).values():
        assert told == sorted(told)
    assert len(by_line(receiver.came)) == 8


def test_a_worker_that_is_told_to_stop_ends_both_its_threads(monkeypatch: pytest.MonkeyPatch):
    stop, done = threading.Event(), list[str]()

    def note(name: str) -> Any:
        def task(_platform: object) -> int:
            done.append(name)
            if len(set(done)) == 2:
                stop.set()
            return 0

        return task

    monkeypatch.setattr(worker, "work", note("work"))
    monkeypatch.setattr(worker, "send_webhooks", note("webhooks"))
    platform: Any = None
    worker.run(platform, stop)
    assert set(done) == {"work", "webhooks"}
    assert [thread for thread in threading.enumerate() if thread.name == "webhooks"] == []
