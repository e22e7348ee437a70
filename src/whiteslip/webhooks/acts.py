"""What is done with endpoints. Sending is asked for in the journal; ``outbox`` reads it there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from whiteslip.base import Refusal, new_id
from whiteslip.store import Entry, Tx
from whiteslip.store.database import journal_head
from whiteslip.webhooks import guard, store
from whiteslip.webhooks.courier import Courier, new_secret
from whiteslip.webhooks.events import EVERYBODY, PUBLISHED
from whiteslip.webhooks.model import Endpoint, EndpointState, Reason
from whiteslip.webhooks.rules import ROTATION

SUBJECT: Final = "webhook_endpoint"


def create(
    tx: Tx, courier: Courier, url: str, kinds: Sequence[str], actor: str, now: datetime
) -> tuple[Endpoint, str] | Refusal:
    """A new endpoint, and its secret, which is shown this once. What happened before is not sent.

    Refusals: ``webhook.url_not_allowed``, ``webhook.kind_unknown``.
    """
    if guard.fault(url, courier.allow_internal):
        return Refusal("webhook.url_not_allowed")
    if not PUBLISHED.keys() >= set(kinds):
        return Refusal("webhook.kind_unknown")
    seq, _ = journal_head(tx)
    wanted, secret = tuple(sorted(set(kinds))), new_secret()
    made = Endpoint(new_id(now), url, wanted, EndpointState.ACTIVE, None, seq, 0, None, None, now)
    store.add(tx, made, courier.seal(made.id, secret))
    # The URL stays out of the journal: many carry a token.
    tx.record(Entry(now, "webhook.endpoint_created", SUBJECT, made.id, actor, {"kinds": wanted}))
    return made, secret


def get(tx: Tx, endpoint: UUID) -> Endpoint | Refusal:
    """An endpoint. Refusal: ``webhook.endpoint_not_found``."""
    return store.find(tx, endpoint) or Refusal("webhook.endpoint_not_found")


def rotate(tx: Tx, courier: Courier, endpoint: UUID, actor: str, now: datetime) -> str | Refusal:
    """Another secret, shown this once. The one before signs as well for a day, and not longer.

    Refusal: ``webhook.endpoint_not_found``.
    """
    if store.find(tx, endpoint, lock=True) is None:
        return Refusal("webhook.endpoint_not_found")
    secret = new_secret()
    store.rotate(tx, endpoint, courier.seal(endpoint, secret), now + ROTATION)
    tx.record(Entry(now, "webhook.secret_rotated", SUBJECT, endpoint, actor))
    return secret


def disable(tx: Tx, endpoint: UUID, reason: Reason, actor: str, now: datetime) -> Endpoint | Refusal:
    """Tell an endpoint nothing any more; what waits for it is dropped. Doing it again changes nothing.

    Refusal: ``webhook.endpoint_not_found``.
    """
    found = store.find(tx, endpoint, lock=True)
    if found is None:
        return Refusal("webhook.endpoint_not_found")
    if found.state is EndpointState.DISABLED:
        return found
    store.set_state(tx, endpoint, EndpointState.DISABLED, reason, found.after_seq, now)
    tx.record(Entry(now, "webhook.endpoint_disabled", SUBJECT, endpoint, actor, {"reason": reason}))
    return replace(
        found,
        state=EndpointState.DISABLED,
        reason=reason,
        failures=0,
        failing_since=None,
        resting_until=None,
    )


def enable(tx: Tx, endpoint: UUID, actor: str, now: datetime) -> Endpoint | Refusal:
    """Tell an endpoint again, of what happens from now on. What it missed is in the journal.

    Refusal: ``webhook.endpoint_not_found``.
    """
    found = store.find(tx, endpoint, lock=True)
    if found is None:
        return Refusal("webhook.endpoint_not_found")
    if found.state is EndpointState.ACTIVE:
        return found
    seq, _ = journal_head(tx)
    store.set_state(tx, endpoint, EndpointState.ACTIVE, None, seq, now)
    tx.record(Entry(now, "webhook.endpoint_enabled", SUBJECT, endpoint, actor))
    return replace(found, state=EndpointState.ACTIVE, reason=None, after_seq=seq)


def remove(tx: Tx, endpoint: UUID, actor: str, now: datetime) -> Refusal | None:
    """Forget an endpoint and its secrets. Refusal: ``webhook.endpoint_not_found``."""
    found = store.find(tx, endpoint, lock=True)
    if found is None:
        return Refusal("webhook.endpoint_not_found")
    store.set_state(tx, endpoint, EndpointState.REMOVED, Reason.BY_HAND, found.after_seq, now)
    tx.record(Entry(now, "webhook.endpoint_removed", SUBJECT, endpoint, actor))
    return None


def test(tx: Tx, endpoint: UUID | None, kind: str, actor: str, now: datetime) -> int | Refusal:
    """Ask for a sample of a kind to be sent, marked as a test; to every active endpoint when None is named.

    Returns the number of the event. Refusals: ``webhook.kind_unknown``,
    ``webhook.endpoint_not_found``, ``webhook.endpoint_disabled``.
    """
    if kind not in PUBLISHED:
        return Refusal("webhook.kind_unknown")
    if endpoint:
        found = store.find(tx, endpoint)
        if found is None:
            return Refusal("webhook.endpoint_not_found")
        if found.state is not EndpointState.ACTIVE:
            return Refusal("webhook.endpoint_disabled")
    tx.record(Entry(now, "webhook.tested", SUBJECT, endpoint or EVERYBODY, actor, {"kind": kind}))
    return journal_head(tx)[0]


def resend(tx: Tx, seq: int, actor: str, now: datetime) -> list[Endpoint] | Refusal:
    """Ask for an event to be sent once more, under its own id, to whoever wants its kind now.

    Refusals: ``webhook.event_not_found``, ``webhook.event_not_published``.
    """
    row = store.journal_row(tx, seq)
    if row is None:
        return Refusal("webhook.event_not_found")
    if row["kind"] not in PUBLISHED:
        return Refusal("webhook.event_not_published")
    asked = {"event": seq}
    tx.record(Entry(now, "webhook.resend_requested", "event", UUID(int=seq), actor, asked))
    return [each for each in store.active(tx) if each.wants(row["kind"])]
