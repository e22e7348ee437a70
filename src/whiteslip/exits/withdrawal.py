"""Withdraw from the contract in its first days. None commits.

Directive (EU) 2023/2225 article 26 and 2011/83/EU article 11a: fourteen days, months longer for who was
not informed when the line was opened, one clear statement, a receipt at once. Who is signed in is not
asked again who they are, and nothing is assessed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from whiteslip import exits, lines, packs
from whiteslip.base import Refusal, new_id
from whiteslip.billing import withdrawal as billing
from whiteslip.exits import letters, rules, steps, store
from whiteslip.exits.model import Channel, Exit, Identity, Kind
from whiteslip.exits.work import Office, Work
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Entry, Tx


def can_withdraw(line: Line, today: date) -> bool:
    """Whether the contract can still be withdrawn from."""
    return line.lifecycle is not Lifecycle.CLOSED and today <= line.withdrawable_until


def withdraw(
    tx: Tx, office: Office, line_id: UUID, channel: Channel, actor: str, now: datetime
) -> Exit | Refusal:
    """Withdraw: drawing stops, principal and the interest earned are due in thirty days, fees go back.

    What was paid too much pays towards it. A case of closing that is open becomes one of
    withdrawing; withdrawing twice is the same as once, and an estate's case stays an estate's.
    Refusals: ``line.not_found``, ``exit.line_closed``, ``withdraw.too_late``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    if line.lifecycle is Lifecycle.CLOSED:
        return Refusal("exit.line_closed")
    known = store.open_of_line(tx, line.id)
    if known and (known.kind is Kind.WITHDRAW or store.estate_of_line(tx, line.id)):
        return known
    if not can_withdraw(line, line.today(now)):
        return Refusal("withdraw.too_late", {"until": line.withdrawable_until.isoformat()})
    repay_days = packs.load(line.pack).days("withdraw.repay_days")
    billing.withdraw(tx, line, new_id(now), repay_days, actor, now)
    if known:
        return _converted(tx, office, known, actor, now)
    return exits.request(tx, office, line.id, channel, actor, now, Identity.VERIFIED, kind=Kind.WITHDRAW)


def _converted(tx: Tx, office: Office, known: Exit, actor: str, now: datetime) -> Exit | Refusal:
    """The open case of closing as one of withdrawing, with its receipt; the desk has no part in it."""
    line = lines.get_line(tx, known.line)
    if isinstance(line, Refusal):
        return line
    work = Work.on(tx, office, line, now)
    # What closing had planned is no plan any more: all of it is due on one day.
    case = replace(rules.as_withdrawal(known), plan=work.on_file.plan)
    store.save(tx, case)
    tx.record(Entry(now, "exit.withdrawal_declared", "exit", case.id, actor))
    if case.identity is not known.identity:
        tx.record(Entry(now, "exit.identity_checked", "exit", case.id, actor, {"identity": case.identity}))
    letters.tell(work, known, case, case.plan)
    return steps.run(work, case)
