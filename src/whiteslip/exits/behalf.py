"""Asked on behalf, on the phone or on paper, and how the desk made sure who it was. None commits.

One person records it: it lets somebody go, or leads to the hold that a failed proof leads to, with its
deadline. What keeps people waiting by choice takes two (``desk``).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from whiteslip import exits
from whiteslip.base import Refusal
from whiteslip.exits import acts, newterms
from whiteslip.exits.model import Channel, Exit, Identity, Kind, State
from whiteslip.exits.withdrawal import withdraw
from whiteslip.exits.work import Office
from whiteslip.store import Entry, Tx

ON_BEHALF: Final = frozenset({Channel.PHONE, Channel.PAPER})


class How(StrEnum):
    """How the desk made sure that it was the holder who asked."""

    CALLED_BACK = "called_back"
    SIGNED_LETTER = "signed_letter"
    IN_SHOP = "in_shop"


def ask(
    tx: Tx,
    office: Office,
    line_id: UUID,
    kind: Kind,
    channel: Channel,
    how: How | None,
    actor: str,
    now: datetime,
) -> Exit | Refusal:
    """Ask to close, or withdraw, for a customer who called or wrote. Drawing stops at once; without
    ``how`` a closing waits until it is known who asked. Withdrawing changes what is due, so it needs it.

    Refusals: those of ``exits.request`` and ``withdraw``, ``exit.identity_not_verified``.
    """
    if kind is Kind.WITHDRAW:
        if how is None:
            return Refusal("exit.identity_not_verified")
        done = withdraw(tx, office, line_id, channel, actor, now)
    else:
        who = Identity.VERIFIED if how else Identity.PENDING
        done = exits.request(tx, office, line_id, channel, actor, now, who)
    if how and not isinstance(done, Refusal):
        _note(tx, done, how, actor, now)
    return done


def reject_terms(
    tx: Tx, office: Office, line_id: UUID, channel: Channel, how: How | None, actor: str, now: datetime
) -> Exit | Refusal:
    """Say for a customer who called or wrote that they do not want new terms: the line closes.

    Refusals: those of ``newterms.reject``.
    """
    who = Identity.VERIFIED if how else Identity.PENDING
    done = newterms.reject(tx, office, line_id, channel, actor, now, who)
    if how and not isinstance(done, Refusal):
        _note(tx, done, how, actor, now)
    return done


def waits(case: Exit) -> bool:
    """Whether somebody asked for the customer, and the desk has not said who it was."""
    return case.state is State.STOPPED and case.kind is Kind.CLOSE and case.channel in ON_BEHALF


def identify(
    tx: Tx, office: Office, exit_id: UUID, how: How | None, actor: str, now: datetime
) -> Exit | Refusal:
    """Record how it was made sure who asked, and go on; None: it could not be, and a person looks at it.

    Refusals: ``exit.not_found``, ``exit.not_on_behalf``.
    """
    both = acts.locked(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    case = both[1]
    if not waits(case):
        return Refusal("exit.not_on_behalf", {"state": case.state})
    if how is None:
        return exits.doubt(tx, office, exit_id, actor, now)
    _note(tx, case, how, actor, now)
    return exits.confirm(tx, office, exit_id, actor, now)


def _note(tx: Tx, case: Exit, how: How, actor: str, now: datetime) -> None:
    data = {"how": how, "channel": case.channel}
    tx.record(Entry(now, "exit.holder_identified", "exit", case.id, actor, data))
