"""What a demonstration needs besides its people: that something waits at each desk when one comes to look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from whiteslip import applications, exits, funding, purchases
from whiteslip.applications import Lender, store
from whiteslip.applications.model import State
from whiteslip.base import Refusal
from whiteslip.exits import Office
from whiteslip.exits.model import Channel, Identity
from whiteslip.funding import deals
from whiteslip.funding.model import Position
from whiteslip.lines import Line
from whiteslip.purchases import Request
from whiteslip.store import Tx

_DEAL: Final = Path(__file__).with_name("demo_warehouse.toml")
_DRAWN_OF_POOL: Final = 2
_ASK: Final = (Channel.FORM, Channel.PORTAL, Channel.PHONE)
_SPREE: Final = 7
# The desk is asked once in so many nights, and takes what is due before it is asked again.
DESK_NIGHTS: Final = 5
_BEFORE: Final = timedelta(days=DESK_NIGHTS)
_LOOKED_AT: Final = 100
# Of what is left of the line, each time: one keeps some of it, one fills up.
_SPREE_PARTS: Final = (12, 8)


def fund(tx: Tx, day: date, now: datetime) -> None:
    """A warehouse takes whatever is owed that evening; on its first, half of it is drawn."""
    deal = deals.read(_DEAL.read_text())
    is_new = isinstance(funding.find(tx, deal.name), Refusal)
    funding.load(tx, deal, "demo", now)
    pledged = funding.fill(tx, deal.name, deal.commitment_minor, day, "demo", now)
    if is_new and isinstance(pledged, int):
        funding.state_position(tx, deal.name, Position(debt_minor=pledged // _DRAWN_OF_POOL), "demo", now)


def answer(tx: Tx, lender: Lender, now: datetime) -> None:
    """The desk answers each application before its day comes, as the table said."""
    for one in store.waiting(tx, _LOOKED_AT):
        if one.due_at and one.due_at <= now + _BEFORE:
            applications.decide(
                tx, lender, one.id, one.limit_minor, one.reasons, "as_the_table", "staff:demo", now
            )


def ask_for_a_person(tx: Tx, lender: Lender, now: datetime) -> None:
    """Whoever was declined last wants a person to look."""
    for one in store.recent(tx, State.DECLINED, 1):
        applications.request_review(tx, lender, one.id, "", "customer", now)


def begin(tx: Tx, office: Office, lines: Sequence[Line], now: datetime) -> None:
    """Three people ask to leave and could not prove who they are, one of them owing nothing; two others
    buy seven times within the hour, which the watch sees when it comes by.

    The newest lines ask; the oldest of either kind is left for the links. Who buys has a past to be unlike.
    """
    last = [line for line in reversed(lines) if not line.drawing_stopped]
    clear = [line for line in last if not line.owed_minor and not line.held_minor][:-1]
    owing = [line for line in last if line.owed_minor and not line.held_minor][:-1]
    asking = [*owing[:2], *clear[:1]]
    for line, channel in zip(asking, _ASK, strict=False):
        exits.request(tx, office, line.id, channel, "customer", now, Identity.DOUBTED)
    older = owing[max(2, len(owing) // 2) :]
    busy = sorted(older, key=lambda line: min(line.owed_minor, line.available_minor), reverse=True)
    batch = [
        Request(line.id, f"shop-{n}", line.available_minor // part, category="electronics")
        for line, part in zip(busy, _SPREE_PARTS, strict=False)
        for n in range(_SPREE)
    ]
    purchases.authorise(tx, office.tables, batch, "demo", now)
