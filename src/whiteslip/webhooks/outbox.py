"""From the journal to the endpoints: who is to be told, then one delivery at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from whiteslip.store import Database, Entry, Tx
from whiteslip.store.database import Row, journal_after, journal_head
from whiteslip.store.timers import set_timer
from whiteslip.webhooks import acts, rules, store
from whiteslip.webhooks.courier import Courier, SealError
from whiteslip.webhooks.events import RESEND_REQUESTED
from whiteslip.webhooks.model import (
    Answer,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    NewDelivery,
    Reason,
)
from whiteslip.webhooks.rules import Verdict

_BATCH: Final = 500
_SYSTEM: Final = "system"


def dispatch(tx: Tx, now: datetime) -> bool:
    """Read the journal on and queue what endpoints want; True when there is more to read.

    Lanes are woken before a delivery is touched. Whoever sends holds the lane's timer and writes
    deliveries, each in a transaction of its own, and waiting for the one while holding the other
    would be a deadlock that no database can see.
    """
    cursor = store.lock_cursor(tx)
    endpoints = store.active(tx)
    if not endpoints:
        _skip(tx, cursor)
        return False
    rows = journal_after(tx, cursor, _BATCH)
    if not rows:
        return False
    batch = _wanted(tx, rows, endpoints)
    for lane in sorted({each.lane for each in batch}):
        set_timer(tx, "webhook.deliver", lane, now, now)
    if batch:
        store.add_deliveries(tx, batch, now)
    store.move_cursor(tx, rows[-1]["seq"])
    return len(rows) == _BATCH


def _skip(tx: Tx, cursor: int) -> None:
    head, _ = journal_head(tx)
    if head > cursor:
        store.move_cursor(tx, head)


def _wanted(tx: Tx, rows: Sequence[Row], endpoints: Sequence[Endpoint]) -> list[NewDelivery]:
    """One delivery per endpoint and row; a row that is asked for again is sent again."""
    found = rules.wanted(rows, endpoints, store.lines_of(tx, rows))
    for asked in rows:
        if asked["kind"] == RESEND_REQUESTED:
            row = store.journal_row(tx, asked["data"]["event"])
            if row:
                found += rules.again(row, endpoints, store.lines_of(tx, [row]))
    return list({(each.endpoint, each.seq): each for each in found}.values())


def deliver(database: Database, lane: UUID, courier: Courier, now: datetime) -> datetime | None:
    """Send the earliest delivery of a lane, if it is its time; returns when to look again.

    The caller holds the lane's timer, so nobody else sends from this lane. What to send is read in
    one transaction, sent outside any, and settled in another: a crash in between leaves the
    delivery waiting, and it is sent again under the same id.
    """
    with database.transaction() as tx:
        delivery = store.next_of_lane(tx, lane)
        if delivery is None:
            return None
        endpoint = store.find(tx, delivery.endpoint)
        row = store.journal_row(tx, delivery.seq)
        if endpoint is None or endpoint.state is not EndpointState.ACTIVE or row is None:
            _drop(tx, delivery, now)
            return now
        ready_at = max(delivery.due_at, endpoint.resting_until or delivery.due_at)
        if ready_at > now:
            return ready_at
        event, sealed = store.event(tx, row), store.sealed(tx, endpoint.id, now)
    try:
        answer = courier.send(endpoint.url, [courier.unseal(endpoint.id, each) for each in sealed], event)
    except SealError:
        answer = Answer(None, 0, "secret_unreadable")
    with database.transaction() as tx:
        _settle(tx, delivery, answer, now)
        following = store.next_of_lane(tx, lane)
    return max(following.due_at, now) if following else None


def _drop(tx: Tx, delivery: Delivery, now: datetime) -> None:
    """It was queued while its endpoint was being switched off."""
    store.settle(
        tx, delivery, DeliveryState.DROPPED, Answer(None, 0, "endpoint_disabled"), delivery.due_at, now
    )


def _settle(tx: Tx, delivery: Delivery, answer: Answer, now: datetime) -> None:
    """Keep the attempt and what follows from it. The endpoint is locked before its deliveries."""
    endpoint = store.find(tx, delivery.endpoint, lock=True)
    meaning = rules.verdict(answer)
    if meaning is Verdict.DELIVERED:
        store.settle(tx, delivery, DeliveryState.DELIVERED, answer, now, now)
        if endpoint and endpoint.failing_since:
            store.set_health(tx, endpoint.id, 0, None, None)
        return
    failed = delivery.attempts + 1
    wait = rules.pause(delivery.id, failed, answer)
    state = DeliveryState.WAITING if wait else DeliveryState.GIVEN_UP
    store.settle(tx, delivery, state, answer, now + wait if wait else now, now)
    if state is DeliveryState.GIVEN_UP:
        data = {"event": delivery.seq, "attempts": failed}
        tx.record(Entry(now, "webhook.given_up", acts.SUBJECT, delivery.endpoint, _SYSTEM, data))
    if endpoint:
        _failed(tx, endpoint, meaning, answer, now)


def _failed(tx: Tx, endpoint: Endpoint, meaning: Verdict, answer: Answer, now: datetime) -> None:
    """One more failure: leave the server alone for a while, or for good."""
    if meaning is Verdict.GONE:
        acts.disable(tx, endpoint.id, Reason.GONE, _SYSTEM, now)
    elif rules.is_hopeless(endpoint, now):
        acts.disable(tx, endpoint.id, Reason.FAILING, _SYSTEM, now)
    else:
        resting = rules.rest(endpoint, answer)
        until = now + resting if resting else endpoint.resting_until
        store.set_health(tx, endpoint.id, endpoint.failures + 1, endpoint.failing_since or now, until)
