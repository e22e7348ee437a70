"""What else hangs on a line that is left: mandates, shops, users, rewards, an agreed increase.

Gathered in one query for every plan; ended here when the time has come. None commits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import msgspec

from whiteslip import lines
from whiteslip.base import Refusal
from whiteslip.billing import mandates, rewards
from whiteslip.exits import helping, telling
from whiteslip.exits.model import Ties
from whiteslip.exits.telling import Act
from whiteslip.lines import Line
from whiteslip.lines.increases import Increase, drop, propose
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


def stop(tx: Tx, line: Line, hanging: Ties, actor: str, now: datetime) -> None:
    """Drawing stops for good: an increase that was agreed is dropped."""
    if hanging.increase_to_minor is not None:
        drop(tx, line.id, "exit_requested", actor, now)


def end(tx: Tx, line: Line, hanging: Ties, now: datetime) -> bool:
    """The line closes: mandates end, cash back becomes credit, coupons stay good for a while.

    It comes before the payout, so that the cash back goes out with the rest. Returns whether there was any
    cash back.
    """
    if hanging.mandates:
        mandates.cancel_all(tx, line.id, "line_closed", now)
    redeemed = rewards.redeem(tx, line, "system", now) if hanging.reward_minor > 0 else 0
    if hanging.vouchers:
        rewards.keep_coupons(tx, line, now)
    return redeemed > 0


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
    helping.tell(tx, issuer_name, line, telling.of(Act.INCREASE_PROPOSED), facts, str(made.id), now)
    return made
