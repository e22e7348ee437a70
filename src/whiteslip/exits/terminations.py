"""The lender ends an agreement: with objective reasons, two people and at least two months' notice.

Directive (EU) 2023/2225 article 28 and the Consumer Credit Act 1974, section 98A, ask for two months
on paper or a durable medium; Regulation Z, 12 CFR 1026.11(b), lets a line end that was not used and
owed nothing for three months in a row. Nothing is called in: until the notice is over everything
goes on, and what is owed then runs off as agreed. None commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from whiteslip import lines, packs
from whiteslip.base import Refusal, new_id
from whiteslip.exits import acts, causes, defaultnotices, letters, rules, steps, store
from whiteslip.exits.model import (
    BY_LENDER,
    Cause,
    Channel,
    Exit,
    Identity,
    Kind,
    Route,
    State,
    Termination,
)
from whiteslip.exits.work import Office, Work
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Entry, Tx

BATCH: Final = 200


def inactive(tx: Tx, now: datetime, after: UUID | None = None, count: int = BATCH) -> list[Line]:
    """Lines that owe nothing and on which nothing has moved for their pack's months, in order of id.

    A list for the desk: nothing follows from being on it. Who kept their line is left alone as long.
    """
    found: list[UUID] = []
    for name in packs.names():
        months = packs.load(name).months("issuer.inactivity_months")
        found += store.inactive(tx, name, months, now, after, count)
    found = sorted(found)[:count]
    known = lines.get_lines(tx, found)
    return [known[line] for line in found]


def propose(
    tx: Tx, line_id: UUID, kind: Kind, reasons: Sequence[Cause], actor: str, now: datetime
) -> Termination | Refusal:
    """Propose to end an agreement; another person decides, and nothing changes until then.

    ``reasons`` are the principal ones, the weightiest first. For ``INACTIVITY`` it is the only one and
    must be so by the pack's months. Refusals: ``line.not_found``, ``line.not_active``,
    ``termination.open``, ``termination.reasons_invalid``, ``termination.not_inactive``,
    ``cause.not_borne`` where the books deny a reason, those of ``defaultnotices.missing``. Raises
    ValueError for a kind that is the customer's.
    """
    if kind not in BY_LENDER:
        raise ValueError(f"a lender does not {kind}")
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    if line.lifecycle is not Lifecycle.ACTIVE:
        return Refusal("line.not_active", {"lifecycle": line.lifecycle})
    if store.notice_of_line(tx, line.id) or any(
        t.outcome == "open" for t in store.terminations_of_line(tx, line.id)
    ):
        return Refusal("termination.open")
    pack = packs.load(line.pack)
    chosen = [Cause.INACTIVITY] if kind is Kind.INACTIVITY else list(reasons)
    most = pack.count("issuer.principal_reasons")
    of_kind = kind is Kind.INACTIVITY or Cause.INACTIVITY not in chosen
    if not 1 <= len(set(chosen)) == len(chosen) <= most or not of_kind:
        return Refusal("termination.reasons_invalid", {"most": most})
    untrue = causes.untrue(tx, line, chosen, now) or _unwarned(tx, line, chosen, now)
    if untrue:
        return untrue
    new = Termination(new_id(now), line.id, kind, tuple(chosen), actor, now)
    store.add_termination(tx, new)
    data = {"termination": new.id, "kind": kind, "reasons": list(new.reasons)}
    tx.record(Entry(now, "termination.proposed", "line", line.id, actor, data))
    return new


def _unwarned(tx: Tx, line: Line, reasons: Sequence[Cause], now: datetime) -> Refusal | None:
    """Of a breach: that it could not be put right first, where the pack demands a notice of default."""
    return defaultnotices.missing(tx, line, now) if Cause.PAST_DUE in reasons else None


def decide(
    tx: Tx, office: Office, termination_id: UUID, approve: bool, actor: str, now: datetime
) -> Termination | Refusal:
    """Another person approves, and notice is given in the same transaction; or turns it down.

    Refusals: ``termination.not_found``, ``termination.decided``, ``desk.own_proposal``,
    ``line.not_active`` where the customer has asked to leave meanwhile, ``cause.not_borne`` and
    ``termination.not_inactive`` where a reason is over, ``cause.agency_unnamed``.
    """
    seen = store.termination(tx, termination_id)
    if seen is None:
        return Refusal("termination.not_found")
    line = lines.get_line(tx, seen.line, lock=True)
    if isinstance(line, Refusal):
        return line
    if seen.outcome != "open":
        return Refusal("termination.decided")
    if seen.proposed_by == actor:
        return Refusal("desk.own_proposal")
    decided = replace(seen, outcome="rejected", decided_by=actor, decided_at=now)
    if approve:
        if line.lifecycle is not Lifecycle.ACTIVE:
            return Refusal("line.not_active", {"lifecycle": line.lifecycle})
        untrue = (
            causes.untrue(tx, line, seen.reasons, now, seen.id)
            or _unwarned(tx, line, seen.reasons, now)
            or causes.unnamed(packs.load(line.pack), office.agency, seen.reasons)
        )
        if untrue:
            return untrue
        case = _give_notice(tx, office, line, seen, now)
        decided = replace(decided, outcome="approved", exit=case.id)
    store.decide_termination(tx, decided)
    data = {"termination": seen.id, "exit": decided.exit}
    tx.record(
        Entry(
            now,
            "termination.approved" if approve else "termination.turned_down",
            "line",
            line.id,
            actor,
            data,
        )
    )
    return decided


def _give_notice(tx: Tx, office: Office, line: Line, proposal: Termination, now: datetime) -> Exit:
    work = Work.on(tx, office, line, now)
    case = Exit(
        id=new_id(now),
        reference=acts.new_reference(tx),
        line=line.id,
        customer=line.customer,
        channel=Channel.DESK,
        state=State.NOTICE,
        why="notice_given",
        since=now,
        requested_at=now,
        plan=work.on_file.plan,
        kind=proposal.kind,
        identity=Identity.VERIFIED,
        route=Route.STRAIGHT_THROUGH,
    )
    case = replace(case, due_at=rules.deadline(case, steps.facts_of(work), work.clocks, line.timezone))
    store.add(tx, case)
    data = {"line": line.id, "kind": case.kind, "reasons": list(proposal.reasons), "ends_at": case.due_at}
    tx.record(Entry(now, "exit.notice_given", "exit", case.id, proposal.proposed_by, data))
    steps.remind(work, case)
    why = causes.report(packs.load(line.pack), office.agency, proposal.reasons)
    letters.tell(work, None, case, case.plan, why=why)
    return case


def withdraw_notice(tx: Tx, office: Office, exit_id: UUID, actor: str, now: datetime) -> Exit | Refusal:
    """The lender takes its notice back before it is over, and says so to the customer.

    Refusals: ``exit.not_found``, ``exit.no_notice``.
    """
    return _called_off(tx, office, exit_id, "lender_withdrew_notice", actor, now)


def keep(tx: Tx, office: Office, line_id: UUID, actor: str, now: datetime) -> Exit | Refusal:
    """The customer keeps a line that was to end because it was not used. No reason is asked.

    Refusals: ``line.not_found``, ``exit.no_notice``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    notice = store.notice_of_line(tx, line_id)
    if notice is None or notice.kind is not Kind.INACTIVITY:
        return Refusal("exit.no_notice")
    return _called_off(tx, office, notice.id, "customer_keeps_it", actor, now)


def _called_off(tx: Tx, office: Office, exit_id: UUID, why: str, actor: str, now: datetime) -> Exit | Refusal:
    both = acts.locked(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    line, case = both
    if case.state is not State.NOTICE:
        return Refusal("exit.no_notice")
    return steps.call_off(Work.on(tx, office, line, now), case, why, actor)
