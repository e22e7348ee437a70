"""What else hangs on a line that is left: mandates, shops, users, rewards, an agreed increase.

Gathered in one query for every plan; ended here when the time has come. None commits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import msgspec

from whiteslip import lines, notices
from whiteslip.base import Refusal
from whiteslip.billing import mandates, rewards
from whiteslip.exits import helping
from whiteslip.exits.model import Exit, Ties
from whiteslip.lines import Line
from whiteslip.lines.increases import Increase, drop, propose
from whiteslip.lines.users import users_of
from whiteslip.notices import NewNotice
from whiteslip.store import Tx, load_queries

_queries = load_queries(__file__)


def ties_of(tx: Tx, line: Line, now: datetime) -> Ties:
    """What hangs on a line; a voucher's day is the one that leaving now would leave."""
    today = line.today(now)
    row = _queries.ties(tx.conn, line=line.id, currency=line.currency, today=today)
    found = msgspec.convert(row, Ties)
    vouchers = tuple(
        replace(each, usable_until=rewards.kept_until(line, each.usable_until, today))
        for each in found.vouchers
    )
    return replace(found, vouchers=vouchers)


def stop(tx: Tx, case: Exit, line: Line, issuer_name: str, actor: str, now: datetime) -> None:
    """At the request: an agreed increase is dropped, and everybody who could draw is told by a notice
    of their own that it stopped.
    """
    drop(tx, line.id, "exit_requested", actor, now)
    _tell_users(tx, case, line, "user.stopped", issuer_name, now)


def resume(tx: Tx, case: Exit, line: Line, issuer_name: str, now: datetime) -> None:
    """The customer changed their mind: whoever was told that it stopped is told that it goes on."""
    _tell_users(tx, case, line, "user.resumed", issuer_name, now)


def end(tx: Tx, line: Line, now: datetime) -> None:
    """The line closes: mandates end, cash back becomes credit, coupons stay good for a while.

    It comes before the payout, so that the cash back goes out with the rest.
    """
    mandates.cancel_all(tx, line.id, "line_closed", now)
    rewards.redeem(tx, line, "system", now)
    rewards.keep_coupons(tx, line, now)


def propose_increase(
    tx: Tx,
    issuer_name: str,
    line_id: UUID,
    to_minor: int,
    effective_at: datetime,
    actor: str,
    now: datetime,
) -> Increase | Refusal:
    """Propose a higher limit and tell the customer in a letter. Refusals: those of ``increases.propose``."""
    made = propose(tx, line_id, to_minor, effective_at, actor, now)
    if isinstance(made, Refusal):
        return made
    line = lines.get_line(tx, line_id)
    if isinstance(line, Refusal):
        return line
    facts = {"limit_minor": line.limit_minor, "to_minor": to_minor, "effective_at": effective_at}
    helping.tell(tx, issuer_name, line, "limit.increase_proposed", facts, str(made.id), now)
    return made


def _tell_users(tx: Tx, case: Exit, line: Line, kind: str, issuer_name: str, now: datetime) -> None:
    letters = [
        NewNotice(
            kind=kind,
            subject_kind="user",
            subject=user.id,
            recipient=user.id,
            language=user.language,
            facts={
                "reference": case.reference,
                "timezone": line.timezone,
                "currency": line.currency,
                "issuer_name": issuer_name,
                "at": now,
            },
            dedupe=f"{kind}:{case.id}:{user.id}",
        )
        for user in users_of(tx, line.id)
        if user.removed_at is None
    ]
    notices.queue(tx, letters, now)
