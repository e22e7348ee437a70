"""From an act to a receiver: signed, in order, again where it failed, and never to somebody who left."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from worlds import DAY, at, buy, locked, open_line, pay

from whiteslip import day, exits, identity, lines, packs, purchases, webhooks
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits.model import Channel, Identity, Path
from whiteslip.identity import Person
from whiteslip.lines import Customer
from whiteslip.lines.acts import change_limit as set_limit
from whiteslip.lines.acts import open_house
from whiteslip.lines.model import Agreement, NewLine
from whiteslip.purchases import Capture, Purchase, Request
from whiteslip.store import Entry
from whiteslip.webhooks import Courier, courier, store
from whiteslip.webhooks.model import DeliveryState, EndpointState, Reason
from whiteslip.webhooks.rules import PAUSES

from .conftest import KEY

if TYPE_CHECKING:
    from whiteslip.exits import Exit

    from .conftest import Receiver, Scene

SECOND = timedelta(seconds=1)
FAILS = (500, dict[str, str]())


def change_limit(scene: Scene, line: UUID, limit_minor: int) -> None:
    with scene.db.transaction() as tx:
        set_limit(tx, locked(tx, line), limit_minor, "test", scene.now)


def leave(scene: Scene, line: UUID, who: Identity = Identity.VERIFIED) -> Exit:
    with scene.db.transaction() as tx:
        case = exits.request(tx, scene.ports.office, line, Channel.API, "test", scene.now, who)
    assert not isinstance(case, Refusal), case
    return case


def test_a_receiver_with_the_library_of_the_standard_is_told_and_believes_it(
    scene: Scene, receiver: Receiver
):
    line = open_line(scene.db)
    scene.hears(receiver)
    change_limit(scene, line, 2_000_000)
    scene.run()
    (came,) = receiver.came
    (row,) = scene.rows("line.limit_changed")
    assert came["body"] == {
        "type": "line.limit_changed",
        "timestamp": "2026-01-15T04:00:00Z",
        "data": {
            "event": row["seq"],
            "subject_kind": "line",
            "subject": public("line", line),
            "line": public("line", line),
            "from_minor": 1_000_000,
            "to_minor": 2_000_000,
        },
    }
    assert came["headers"]["webhook-id"] == f"evt_{row['seq']}"
    assert came["headers"]["host"] == f"127.0.0.1:{receiver.port}"
    assert came["path"] == "/hooks?from=whiteslip"
    scene.run(timedelta(days=1))
    assert len(receiver.came) == 1


def test_what_happened_before_an_endpoint_came_is_not_sent_to_it(scene: Scene, receiver: Receiver):
    line = open_line(scene.db)
    change_limit(scene, line, 2_000_000)
    scene.hears(receiver)
    scene.run()
    assert receiver.came == []


def test_an_endpoint_hears_the_kinds_it_asked_for_only(scene: Scene, receiver: Receiver):
    line = open_line(scene.db)
    scene.hears(receiver, "line.spending_stopped", "exit.closed")
    leave(scene, line)
    scene.run()
    assert receiver.types == ["line.spending_stopped", "exit.closed"]


def test_the_stop_comes_before_the_review_of_the_same_exit_and_all_in_the_order_of_the_journal(
    scene: Scene, receiver: Receiver
):
    ids = [open_line(scene.db) for _ in range(3)]
    scene.hears(receiver)
    for line in ids:
        leave(scene, line, Identity.DOUBTED)
    scene.run()
    for line in ids:
        told = [
            each["body"] for each in receiver.came if each["body"]["data"]["line"] == public("line", line)
        ]
        kinds = [each["type"] for each in told]
        assert kinds.index("line.spending_stopped") < kinds.index("exit.review_opened")
        numbers = [each["data"]["event"] for each in told]
        assert numbers == sorted(numbers)
    assert len(receiver.ids) == len(set(receiver.ids))


def test_while_a_stop_is_refused_nothing_later_of_its_line_is_tried_and_other_lines_go_on(
    scene: Scene, receiver: Receiver
):
    troubled, other = open_line(scene.db), open_line(scene.db)
    scene.hears(receiver)
    receiver.refuses = lambda body: (
        body["type"] == "line.spending_stopped" and body["data"]["line"] == public("line", troubled)
    )
    leave(scene, troubled, Identity.DOUBTED)
    scene.run()
    leave(scene, other)
    for _ in range(4):
        scene.run(timedelta(minutes=1))
    of = {
        line: [e["body"]["type"] for e in receiver.came if e["body"]["data"]["line"] == public("line", line)]
        for line in (troubled, other)
    }
    assert set(of[troubled][of[troubled].index("line.spending_stopped") :]) == {"line.spending_stopped"}
    assert set(of[other][-2:]) == {"exit.closed", "line.closed"}
    receiver.refuses = lambda _: False
    scene.run(timedelta(hours=1))
    after = [
        e["body"]["type"] for e in receiver.came if e["body"]["data"]["line"] == public("line", troubled)
    ]
    assert after[-2:] == ["exit.held", "exit.review_opened"]


def test_a_failed_delivery_is_tried_ten_times_on_the_installations_clock_under_one_id(
    scene: Scene, receiver: Receiver
):
    line = open_line(scene.db)
    endpoint = scene.hears(receiver)
    receiver.answers = [(404, {})] * 20
    change_limit(scene, line, 2_000_000)
    scene.run()
    for tried, wait in enumerate(PAUSES, 1):
        assert len(receiver.came) == tried
        scene.run(wait - SECOND)
        assert len(receiver.came) == tried
        scene.run(wait / 10 + SECOND)
    assert len(receiver.came) == 10
    assert len(set(receiver.ids)) == 1
    assert len({each["raw"] for each in receiver.came}) == 1
    (delivery,) = scene.deliveries(endpoint.id)
    with scene.db.transaction() as tx:
        kept = store.attempts(tx, [delivery.id])[delivery.id]
    assert [attempt.status for attempt in kept] == [404] * 10
    assert delivery.state is DeliveryState.GIVEN_UP
    assert scene.rows("webhook.given_up")[0]["data"]["attempts"] == 10
    assert scene.endpoint_now(endpoint.id).reason is Reason.FAILING
    scene.run(timedelta(days=9))
    assert len(receiver.came) == 10


def test_one_event_that_nobody_can_read_does_not_switch_an_endpoint_off(scene: Scene, receiver: Receiver):
    bad, good = open_line(scene.db), open_line(scene.db)
    endpoint = scene.hears(receiver)
    receiver.refuses = lambda body: body["data"]["line"] == public("line", bad)
    change_limit(scene, bad, 2_000_000)
    for hours in range(90):
        change_limit(scene, good, 2_000_000 + hours)
        scene.run(timedelta(hours=1))
    (first, *rest) = scene.deliveries(endpoint.id)
    assert first.state is DeliveryState.GIVEN_UP
    assert {each.state for each in rest} == {DeliveryState.DELIVERED}
    assert scene.endpoint_now(endpoint.id).state is EndpointState.ACTIVE


def test_whoever_answers_gone_is_told_nothing_any_more(scene: Scene, receiver: Receiver):
    line = open_line(scene.db)
    endpoint = scene.hears(receiver)
    receiver.answers = [(410, {})]
    leave(scene, line)
    scene.run()
    found = scene.endpoint_now(endpoint.id)
    assert (found.state, found.reason) == (EndpointState.DISABLED, Reason.GONE)
    scene.run(timedelta(days=2))
    assert len(receiver.came) == 1
    assert {each.state for each in scene.deliveries(endpoint.id)} == {DeliveryState.DROPPED}
    assert scene.rows("webhook.endpoint_disabled")[0]["data"] == {"reason": "gone"}
    with scene.db.transaction() as tx:
        webhooks.enable(tx, endpoint.id, "test", scene.now)
    scene.run(timedelta(days=2))
    assert len(receiver.came) == 1, "what it missed is in the journal"
    change_limit(scene, open_line(scene.db), 5)
    scene.run()
    assert receiver.types[1:] == ["line.opened", "line.limit_changed"]


def test_a_server_that_asks_for_patience_gets_it_for_every_line(scene: Scene, receiver: Receiver):
    first, second = open_line(scene.db), open_line(scene.db)
    scene.hears(receiver)
    receiver.answers = [(429, {"retry-after": "3600"})]
    change_limit(scene, first, 2_000_000)
    scene.run()
    change_limit(scene, second, 2_000_000)
    scene.run(timedelta(minutes=59))
    assert len(receiver.came) == 1
    scene.run(timedelta(minutes=1))
    assert len(receiver.came) == 3


def test_an_endless_retry_after_is_cut_to_a_day(scene: Scene, receiver: Receiver):
    endpoint = scene.hears(receiver)
    receiver.answers = [(503, {"retry-after": "999999999999"})]
    open_line(scene.db)
    scene.run()
    assert scene.endpoint_now(endpoint.id).resting_until == scene.now + timedelta(days=1)
    scene.run(timedelta(days=1))
    assert len(receiver.came) == 2


def test_a_server_that_is_ill_is_asked_once_for_all_lines_and_not_once_for_each(
    scene: Scene, receiver: Receiver
):
    scene.hears(receiver)
    receiver.refuses = lambda _: True
    for _ in range(20):
        open_line(scene.db)
    scene.run()
    assert len(receiver.came) == 1
    scene.run(timedelta(seconds=6))
    assert len(receiver.came) == 2
    receiver.refuses = lambda _: False
    scene.run(timedelta(minutes=10))
    assert len(set(receiver.ids)) == 20


def test_a_redirect_is_a_failure_and_not_followed(scene: Scene, receiver: Receiver):
    endpoint = scene.hears(receiver)
    receiver.answers = [(307, {"location": receiver.url + "&elsewhere"})]
    open_line(scene.db)
    scene.run()
    (delivery,) = scene.deliveries(endpoint.id)
    assert (len(receiver.came), delivery.state, delivery.attempts) == (1, DeliveryState.WAITING, 1)


def test_a_crash_after_sending_leaves_it_waiting_and_it_goes_again_under_the_same_id(
    scene: Scene, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    endpoint = scene.hears(receiver)
    open_line(scene.db)

    def crash(*_: Any, **__: Any) -> None:
        raise SystemExit("the machine went down")

    with monkeypatch.context() as broken:
        broken.setattr(store, "settle", crash)
        with pytest.raises(SystemExit):
            scene.run()
    assert [each.state for each in scene.deliveries(endpoint.id)] == [DeliveryState.WAITING]
    scene.run()
    assert len(receiver.came) == 2
    assert receiver.ids[0] == receiver.ids[1]
    assert [each.state for each in scene.deliveries(endpoint.id)] == [DeliveryState.DELIVERED]


def test_an_event_is_sent_again_on_request_under_its_own_id(scene: Scene, receiver: Receiver):
    line = open_line(scene.db)
    scene.hears(receiver)
    seq = scene.rows("line.opened")[0]["seq"]
    for _ in range(2):
        with scene.db.transaction() as tx:
            told = webhooks.resend(tx, seq, "test", scene.now)
        assert not isinstance(told, Refusal)
        assert len(told) == 1
    scene.run()
    assert receiver.ids == [f"evt_{seq}"], "it was asked for twice before anybody was told"
    with scene.db.transaction() as tx:
        webhooks.resend(tx, seq, "test", scene.now)
        assert webhooks.resend(tx, 10**9, "test", scene.now) == Refusal("webhook.event_not_found")
        own = scene.rows("webhook.endpoint_created")[0]["seq"]
        assert webhooks.resend(tx, own, "test", scene.now) == Refusal("webhook.event_not_published")
    scene.run()
    assert receiver.ids == [f"evt_{seq}"] * 2
    assert receiver.came[0]["body"]["data"]["line"] == public("line", line)


def test_after_a_rotation_both_secrets_verify_for_a_day_and_then_the_new_one_alone(
    scene: Scene, receiver: Receiver
):
    line = open_line(scene.db)
    endpoint = scene.hears(receiver)
    old = receiver.secret
    with scene.db.transaction() as tx:
        new = webhooks.rotate(tx, Courier(KEY), endpoint.id, "test", scene.now)
    assert isinstance(new, str)
    receiver.secret = ""
    change_limit(scene, line, 2)
    scene.run(timedelta(hours=23))
    change_limit(scene, line, 3)
    scene.run(timedelta(hours=1))
    both, alone = receiver.came
    for secret in (old, new):
        Webhook(secret).verify(both["raw"], both["headers"])
    Webhook(new).verify(alone["raw"], alone["headers"])
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(alone["raw"], alone["headers"])
    assert " " not in alone["headers"]["webhook-signature"]


def test_secrets_are_not_in_the_database_in_the_clear_and_open_for_their_endpoint_only(
    scene: Scene, receiver: Receiver
):
    endpoint, secret = scene.endpoint(receiver.url)
    other, _ = scene.endpoint(receiver.url)
    with scene.db.transaction() as tx:
        (kept,) = store.sealed(tx, endpoint.id, scene.now)
        journal = str(tx.conn.execute("SELECT * FROM store.journal").fetchall())
    assert secret.encode() not in kept
    assert receiver.url not in journal
    assert Courier(KEY).unseal(endpoint.id, kept) == secret
    for wrong, about in ((Courier(bytes(32)), endpoint.id), (Courier(KEY), other.id)):
        with pytest.raises(courier.SealError):
            wrong.unseal(about, kept)


def test_with_another_web_secret_a_delivery_fails_and_says_so(scene: Scene, receiver: Receiver):
    endpoint = scene.hears(receiver)
    open_line(scene.db)
    scene.ports = day.Ports(
        scene.ports.office, scene.ports.vault, scene.ports.mailer, Courier(bytes(32), allow_internal=True)
    )
    scene.run()
    (delivery,) = scene.deliveries(endpoint.id)
    with scene.db.transaction() as tx:
        (attempt,) = store.attempts(tx, [delivery.id])[delivery.id]
    assert (receiver.came, attempt.error) == ([], "secret_unreadable")


def test_a_test_event_says_that_it_is_one_and_does_not_wait_behind_real_ones(
    scene: Scene, receiver: Receiver
):
    endpoint = scene.hears(receiver, "exit.closed")
    with scene.db.transaction() as tx:
        seq = webhooks.test(tx, endpoint.id, "line.closed", "test", scene.now)
        assert webhooks.test(tx, None, "person.born", "test", scene.now) == Refusal("webhook.kind_unknown")
        assert webhooks.test(tx, uuid4(), "line.closed", "test", scene.now) == Refusal(
            "webhook.endpoint_not_found"
        )
    scene.run()
    (came,) = receiver.came
    assert (came["body"]["type"], came["body"]["data"]["test"]) == ("line.closed", True)
    assert came["headers"]["webhook-id"] == f"evt_{seq}"
    with scene.db.transaction() as tx:
        webhooks.test(tx, None, "exit.closed", "test", scene.now)
    scene.run()
    assert receiver.types == ["line.closed", "exit.closed"]


def test_who_is_removed_is_forgotten_with_the_secret(scene: Scene, receiver: Receiver):
    endpoint = scene.hears(receiver)
    open_line(scene.db)
    with scene.db.transaction() as tx:
        assert webhooks.remove(tx, endpoint.id, "test", scene.now) is None
        assert webhooks.get(tx, endpoint.id) == Refusal("webhook.endpoint_not_found")
        assert store.sealed(tx, endpoint.id, scene.now) == []
    scene.run()
    assert receiver.came == []


def test_nothing_of_the_person_is_in_any_webhook_from_the_first_purchase_to_the_goodbye(
    scene: Scene, receiver: Receiver
):
    scene.hears(receiver)
    person = Person("欧阳明远", "11010119900307803X", "+8613900000021", "ouyang@example.com")
    now, agreement = scene.now, Agreement.of(packs.load("cn"))
    customer = Customer(uuid4(), "REF-77", "zh-CN", now)
    line = uuid4()
    with scene.db.transaction() as tx:
        open_house(tx, agreement.currency)
        lines.open_customers(tx, [customer], now)
        identity.enrol(tx, scene.ports.vault, customer.id, person, "test", now)
        lines.open_lines(tx, agreement, [NewLine(line, customer.id, 1_000_000, 5, DAY)], "test", now)
    with scene.db.transaction() as tx:
        (held, _over) = purchases.authorise(
            tx,
            scene.ports.office.tables,
            [Request(line, "shop", 30_000), Request(line, "shop", 10**9)],
            "shop",
            now,
        )
        assert isinstance(held, Purchase)
        purchases.capture(tx, [Capture(held.id, 20_000, False)], "shop", now)
        purchases.release(tx, held.id, "shop", now)
    case = leave(scene, line, Identity.DOUBTED)
    with scene.db.transaction() as tx:
        exits.choose_path(tx, scene.ports.office, case.id, Path.RUN_OFF, (), "desk", now)
    pay(scene.db, line, 20_000, DAY)
    for days in range(1, 12):
        later = at(DAY + timedelta(days=days))
        day.run_due(scene.db, scene.ports, later)
        with scene.db.transaction() as tx:
            exits.advance(tx, scene.ports.office, case.id, later)
    scene.run(timedelta(days=12))
    assert {"purchase.authorised", "purchase.declined", "line.spending_stopped", "payment.received"} <= set(
        receiver.types
    )
    assert set(receiver.types[-2:]) == {"exit.closed", "line.closed"}
    for came in receiver.came:
        raw = came["raw"].decode()
        assert len(came["raw"]) < 20_000
        assert set(came["body"]) == {"type", "timestamp", "data"}
        for part in ("欧阳", "明远", "307803", "13900000021", "ouyang", "REF-77", json.dumps("欧阳")[1:-1]):
            assert part not in raw


def test_a_field_that_a_room_adds_to_its_journal_later_stays_inside(scene: Scene, receiver: Receiver):
    scene.hears(receiver)
    line = open_line(scene.db)
    with scene.db.transaction() as tx:
        data = {"from_minor": 1, "to_minor": 2, "full_name": "欧阳明远"}
        tx.record(Entry(scene.now, "line.limit_changed", "line", line, "test", data))
    scene.run()
    assert set(receiver.came[-1]["body"]["data"]) == {
        "event",
        "subject_kind",
        "subject",
        "line",
        "from_minor",
        "to_minor",
    }


def test_with_debt_the_run_off_is_told_in_order(scene: Scene, receiver: Receiver):
    line = open_line(scene.db)
    buy(scene.db, line, 30_000, 3)
    scene.hears(receiver)
    leave(scene, line)
    scene.run()
    told = receiver.types
    assert told.index("exit.requested") < told.index("line.spending_stopped") < told.index("exit.confirmed")
    assert told[-1] == "exit.run_off_started"


def test_a_night_waits_for_no_receiver(scene: Scene, receiver: Receiver):
    scene.hears(receiver)
    open_line(scene.db)
    with scene.db.transaction() as tx:
        webhooks.dispatch(tx, scene.now)
    assert day.run_due(scene.db, scene.ports, scene.now + timedelta(days=1)) == 0
    assert day.run_letters(scene.db, scene.ports, lambda _: scene.now + timedelta(days=1)) == 0
    assert receiver.came == []
