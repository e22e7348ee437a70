"""A letter to a customer, in their language, with what every letter says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from whiteslip.base import Refusal
from whiteslip.lines.acts import get_customer
from whiteslip.notices import NewNotice
from whiteslip.store import Tx


class Under(Protocol):
    """What a letter is written under, a line or the pack of one: it says how days and sums are told."""

    @property
    def timezone(self) -> str: ...
    @property
    def currency(self) -> str: ...


def to_customer(
    tx: Tx,
    customer_id: UUID,
    under: Under,
    issuer_name: str,
    kind: str,
    about: tuple[str, UUID],
    facts: Mapping[str, Any],
    once: str,
) -> NewNotice:
    """A letter to queue, ``about`` something of a kind. ``facts`` are those of its own kind, ``reference``
    among them; ``once`` tells it from others of its kind. Raises LookupError for a customer nobody knows.
    """
    customer = get_customer(tx, customer_id)
    if isinstance(customer, Refusal):
        raise LookupError(f"there is no customer {customer_id}")
    common = {"timezone": under.timezone, "currency": under.currency, "issuer_name": issuer_name}
    subject_kind, subject = about
    return NewNotice(
        kind, subject_kind, subject, customer.id, customer.language, common | dict(facts), f"{kind}:{once}"
    )
