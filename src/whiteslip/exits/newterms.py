"""New terms: each holder hears of them in a letter, and may reject them or leave, free of charge, until they
are in force.

The lender may take them back before they are in force: who got the letter gets one that they do not come.

To reject them is to leave: the line is closed as by any other wish, and what is owed runs off as agreed.
Regulation Z, 12 CFR 1026.9(h), has a rejection be no default, and nothing is called in by it. What was
bought before keeps its terms, whoever stays or goes. None commits.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from whiteslip import lines, packs
from whiteslip.base import Refusal
from whiteslip.billing import earlier
from whiteslip.exits import acts, helping, store, telling
from whiteslip.exits.ahead import had_at
from whiteslip.exits.model import Channel, Exit, Identity
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.lines import Line, changes
from whiteslip.lines.changes import Change, Outcome, State, Told
from whiteslip.lines.model import Lifecycle
from whiteslip.purchases.acts import keep_terms
from whiteslip.store import Tx
from whiteslip.store.timers import set_timer

BATCH: Final = 200


def decide(
    tx: Tx, office: Office, change_id: UUID, approve: bool, actor: str, now: datetime
) -> Change | Refusal:
    """The second person approves, and the holders are written to, the first of many in this transaction;
    or turns it down. Refusals: those of ``changes.decide``.
    """
    done = changes.decide(tx, change_id, approve, actor, now)
    if not isinstance(done, Refusal) and done.state is State.APPROVED and announce(tx, office, done.id, now):
        set_timer(tx, "terms.announce", done.id, now, now)
    return done


def take_back(tx: Tx, office: Office, change_id: UUID, actor: str, now: datetime) -> Change | Refusal:
    """The lender takes a change back, and who was told of it is written to again, the first of many in this
    transaction. Refusals: those of ``changes.take_back``.
    """
    done = changes.take_back(tx, change_id, actor, now)
    if not isinstance(done, Refusal) and announce(tx, office, done.id, now):
        set_timer(tx, "terms.announce", done.id, now, now)
    return done


def announce(tx: Tx, office: Office, change_id: UUID, now: datetime) -> datetime | None:
    """Write to the next holders, that new terms come or, once they were taken back, that they do not; when to
    go on, where there are more. Nobody is written to twice.
    """
    change = changes.find(tx, change_id)
    if change and change.state is State.TAKEN_BACK:
        return _take_from_next(tx, office, change_id, now)
    wanted = changes.next_lines(tx, change, BATCH) if change and change.state is State.APPROVED else []
    for line in lines.get_lines(tx, wanted, lock=True).values():
        if change and line.lifecycle is Lifecycle.ACTIVE and line.terms_version == change.from_version:
            _write(tx, office, line, changes.tell(tx, change, line, now), now)
    return now if len(wanted) == BATCH else None


def _take_from_next(tx: Tx, office: Office, change_id: UUID, now: datetime) -> datetime | None:
    wanted = changes.told_lines(tx, change_id, BATCH)
    for line in lines.get_lines(tx, wanted, lock=True).values():
        told = changes.told_of_line(tx, line.id, State.TAKEN_BACK)
        if told and told.change == change_id:
            _take_from(tx, office, line, told, now)
    return now if len(wanted) == BATCH else None


def _take_from(tx: Tx, office: Office, line: Line, told: Told, now: datetime) -> None:
    """Who has left meanwhile has no terms that could stay; everybody else who got the letter is told."""
    changes.take_from(tx, told, now)
    if line.lifecycle is not Lifecycle.CLOSED:
        facts = {"taken_back_on": line.today(now), "announced_for": line.today(told.effective_at)}
        helping.tell(tx, office.issuer_name, line, telling.of(Act.TERMS_TAKEN_BACK), facts, str(told.id), now)


def _write(tx: Tx, office: Office, line: Line, told: Told, now: datetime) -> None:
    before, after = changes.both_terms(tx, told)
    on = line.today(told.effective_at)
    facts = {
        "effective_on": on,
        "reject_until": on - timedelta(days=1),
        "before": msgspec.to_builtins(before),
        "after": msgspec.to_builtins(after),
    }
    helping.tell(tx, office.issuer_name, line, telling.of(Act.TERMS_CHANGE), facts, str(told.id), now)


def reject(
    tx: Tx,
    office: Office,
    line_id: UUID,
    channel: Channel,
    actor: str,
    now: datetime,
    who: Identity = Identity.PENDING,
) -> Exit | Refusal:
    """The holder does not want the new terms: the line closes on those it has. No reason is asked.

    Refusals: ``line.not_found``, ``terms.nothing_told``, those of ``exits.request``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    told = changes.told_of_line(tx, line.id)
    if told is None:
        return Refusal("terms.nothing_told")
    changes.reject(tx, told, actor, now)
    return acts.request(tx, office, line.id, channel, actor, now, who)


def take_effect(tx: Tx, office: Office, told_id: UUID, now: datetime) -> datetime | None:
    """The day has come: the line has the new terms, if it is used, its holder got the letter in time and the
    lender has not taken them back.

    When to look again, where it is not the day yet. Twice is harmless.
    """
    both = changes.locked(tx, told_id)
    if both is None or both[1].outcome is not Outcome.TOLD:
        return None
    line, told = both
    if told.effective_at > now:
        return told.effective_at
    change = changes.find(tx, told.change)
    if change and change.state is State.TAKEN_BACK:
        _take_from(tx, office, line, told, now)
        return None
    if line.lifecycle is not Lifecycle.ACTIVE or store.notice_of_line(tx, line.id):
        changes.pass_over(tx, told, "line_leaves", now)
        return None
    days = packs.load(line.pack).days("issuer.change_notice_days")
    ready_at = had_at(tx, line, telling.of(Act.TERMS_CHANGE), told.told_at, days, now)
    if ready_at is None:
        changes.pass_over(tx, told, "not_told", now)
    elif ready_at > now:
        return ready_at
    else:
        keep_terms(tx, line)
        earlier.keep(tx, line)
        changes.put_in_force(tx, line, told, now)
    return None
