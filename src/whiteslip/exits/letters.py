"""What is told to the customer at each step, as facts of a notice. Names are added at sending.

Which letter a step sends, and to whom, is decided in ``telling`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from whiteslip import identity, lines, notices
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.billing import debt, payoff, sales
from whiteslip.exits import helping, store, telling
from whiteslip.exits.model import Estate, Exit, Identity, Plan
from whiteslip.exits.papers import PaperRequest
from whiteslip.exits.rules import Clocks
from whiteslip.exits.telling import Act, At, Heirs, Once, Sent, To
from whiteslip.lines import Line
from whiteslip.lines.users import users_of
from whiteslip.notices import NewNotice
from whiteslip.notices.facts import (
    KINDS,
    AcknowledgedFacts,
    BalanceFacts,
    CancelledFacts,
    ClosedFacts,
    HeldFacts,
    NoticeFacts,
    RunOffFacts,
    WithdrawnFacts,
)
from whiteslip.store import Tx


def tell(
    tx: Tx,
    before: Exit | None,
    after: Exit,
    line: Line,
    plan: Plan,
    clocks: Clocks,
    issuer_name: str,
    now: datetime,
    stood: Heirs | None = None,
    why: Mapping[str, Any] | None = None,
) -> None:
    """Queue the letters of a step, each once. ``before`` is None where the case begins.

    ``line`` and ``plan`` are as they were before the step, so that a closing letter can name the
    credit that is paid out. ``stood`` is who stood for the customer before, where the step changes
    that; ``why`` are the reasons of a notice, and where a report came from.
    """
    estate = store.estate_of_line(tx, line.id)
    heirs = heirs_of(estate)
    since = At(before, heirs if stood is None else stood) if before else None
    batch: list[NewNotice] = []
    for sent in telling.told(since, At(after, heirs)):
        if sent.to is To.USERS:
            batch += _to_users(tx, sent, after, line, issuer_name, now)
        elif sent.to is To.IN_ARREARS:
            helping.offer(tx, issuer_name, line, debt(tx, line.id, line.today(now)), now)
        elif sent.to is not To.FORMER or _contact_is_new(tx, after, clocks):
            facts = _facts(tx, sent.letter, after, line, plan, clocks, estate, now)
            facts |= (why or {"reasons": []}) if KINDS[sent.letter] is NoticeFacts else {}
            batch.append(_written(tx, sent, after, estate, facts | _lender(issuer_name), now))
    notices.queue(tx, batch, now)


def heirs_of(estate: Estate | None) -> Heirs:
    """Whether a death was reported, and whether somebody has shown that they settle it."""
    if estate is None:
        return Heirs.NONE
    return Heirs.KNOWN if estate.contact else Heirs.REPORTED


def _contact_is_new(tx: Tx, case: Exit, clocks: Clocks) -> bool:
    changed_at = identity.contact_changed_at(tx, case.customer)
    if changed_at is None:
        return False
    return changed_at > case.requested_at - timedelta(days=clocks.contact_change_days)


def foreseen(
    tx: Tx,
    before: Exit,
    after: Exit,
    line: Line,
    plan: Plan,
    clocks: Clocks,
    issuer_name: str,
    now: datetime,
) -> NewNotice | None:
    """The letter that a step would send to whoever stands for the line; None for a step without."""
    estate = store.estate_of_line(tx, line.id)
    heirs = heirs_of(estate)
    for sent in telling.told(At(before, heirs), At(after, heirs)):
        if sent.to in (To.CUSTOMER, To.HEIRS):
            facts = _facts(tx, sent.letter, after, line, plan, clocks, estate, now)
            return _written(tx, sent, after, estate, facts | _lender(issuer_name), now)
    return None


def _written(
    tx: Tx, sent: Sent, case: Exit, estate: Estate | None, facts: dict[str, Any], now: datetime
) -> NewNotice:
    customer = lines.get_customer(tx, case.customer)
    if isinstance(customer, Refusal):
        raise LookupError(f"case {case.reference} has no customer")
    recipient, language = case.customer, customer.language
    if sent.to is To.HEIRS and estate and estate.contact:
        recipient, language = estate.contact, estate.language
    return NewNotice(
        kind=sent.letter,
        subject_kind="exit",
        subject=case.id,
        recipient=recipient,
        language=language,
        facts=facts,
        dedupe=_key(sent, case, recipient, now),
        to_former=sent.to is To.FORMER,
    )


def _key(sent: Sent, case: Exit, recipient: UUID, now: datetime) -> str:
    """What makes a letter the same as one that was queued before: see ``Once``."""
    key = f"{sent.letter}:{case.id}"
    match sent.once:
        case Once.CASE:
            pass
        case Once.HOLD:
            key += f":{case.since.astimezone(UTC).isoformat()}:{recipient}"
        case Once.EACH:
            key += f":{now.astimezone(UTC).isoformat()}"
    return f"{key}:former" if sent.to is To.FORMER else key


def _to_users(tx: Tx, sent: Sent, case: Exit, line: Line, issuer_name: str, now: datetime) -> list[NewNotice]:
    """A letter of their own to each who may draw besides the customer."""
    common = {"reference": case.reference, "timezone": line.timezone, "currency": line.currency}
    return [
        NewNotice(
            kind=sent.letter,
            subject_kind="user",
            subject=user.id,
            recipient=user.id,
            language=user.language,
            facts=common | _lender(issuer_name) | {"at": now},
            dedupe=f"{sent.letter}:{case.id}:{user.id}",
        )
        for user in users_of(tx, line.id)
        if user.removed_at is None
    ]


def ask_for_paper(
    tx: Tx,
    case: Exit,
    line: Line,
    asked: PaperRequest,
    code: str,
    clocks: Clocks,
    issuer_name: str,
    now: datetime,
) -> None:
    """Queue the letter that asks for a paper. Its code lets whoever has it hand one in, and nothing else.

    Where the customer is reached was perhaps changed by somebody else: then it goes to both places.
    """
    customer = lines.get_customer(tx, case.customer)
    if isinstance(customer, Refusal):
        raise LookupError(f"case {case.reference} has no customer")
    facts = {
        "reference": case.reference,
        "timezone": line.timezone,
        "currency": line.currency,
        "issuer_name": issuer_name,
        "wanted": asked.wanted,
        "why": asked.why,
        "answer_by": asked.answer_by,
        "upload_code": code,
    }
    kind = telling.of(Act.PAPER_ASKED)
    dedupe = f"{kind}:{asked.id}"
    letter = NewNotice(kind, "exit", case.id, case.customer, customer.language, facts, dedupe=dedupe)
    former = [replace(letter, to_former=True, dedupe=f"{dedupe}:former")]
    notices.queue(tx, [letter, *(former if _contact_is_new(tx, case, clocks) else [])], now)


def _schedule(plan: Plan) -> list[dict[str, Any]]:
    return [{"due_on": due.due_on, "amount_minor": due.open_minor} for due in plan.schedule]


def _sold(tx: Tx, line: Line) -> dict[str, Any]:
    """Who owns the line's debt, where it was sold."""
    sale = next(reversed(sales.done(tx, line.id)), None)
    return {"sold_to": sale.buyer_name, "sold_on": sale.on_day} if sale else {}


def _lender(issuer_name: str) -> dict[str, Any]:
    return {"issuer_name": issuer_name}


def _facts(
    tx: Tx,
    letter: str,
    case: Exit,
    line: Line,
    plan: Plan,
    clocks: Clocks,
    estate: Estate | None,
    now: datetime,
) -> dict[str, Any]:
    """What a letter says: what every letter of a case does, and what is asked of its kind."""
    common = {"reference": case.reference, "timezone": line.timezone, "currency": line.currency}
    of_exit = {
        "stopped_at": case.stopped_at or case.requested_at,
        "limit_minor": line.limit_minor,
        "owed_minor": line.owed_minor,
    }
    kind = KINDS[letter]
    if kind is NoticeFacts:
        if case.due_at is None:
            raise ValueError("a notice has an end")
        return common | {"given_at": case.requested_at, "ends_on": line.today(case.due_at)}
    if kind is BalanceFacts:
        return common | of_exit | _balance(line, plan, estate)
    if kind is RunOffFacts:
        return common | of_exit | _running_off(tx, line, plan, clocks, now) | _disputed(case, plan)
    if kind is ClosedFacts:
        return common | of_exit | _closing(line, plan, clocks, now) | _sold(tx, line)
    own: dict[type, dict[str, Any]] = {
        WithdrawnFacts: {
            "contract": public("line", line.id),
            "stopped_at": now,
            "pay_by": plan.last_due_on or line.today(now),
        },
        AcknowledgedFacts: {
            "confirm_by": case.due_at if case.identity is Identity.PENDING else None,
            "not_me": case.not_me,
        },
        HeldFacts: {"ground": case.ground, "answer_by": case.due_at} | _disputed(case, plan),
        CancelledFacts: {"cancelled_at": now},
    }
    return common | of_exit | own.get(kind, {})


def _disputed(case: Exit, plan: Plan) -> dict[str, Any]:
    """What is not asked for, and whether they say that somebody else drew it."""
    return {"disputed_minor": plan.disputed_minor, "not_me": case.not_me}


def _running_off(tx: Tx, line: Line, plan: Plan, clocks: Clocks, now: datetime) -> dict[str, Any]:
    """What remains, and what settles it until some days ahead: a letter is read days after it is queued."""
    until = line.today(now) + timedelta(days=clocks.payoff_quote_days)
    minor = payoff(tx, line, until).total_minor
    return {
        "schedule": _schedule(plan),
        "payoff_minor": minor,
        "good_through": until if minor else None,
    }


def _balance(line: Line, plan: Plan, estate: Estate | None) -> dict[str, Any]:
    """What is owed, and until when that sum settles everything."""
    if estate is None or estate.told_at is None:
        raise ValueError("a balance is told to somebody, at some time")
    return {
        "schedule": _schedule(plan),
        "told_minor": estate.told_minor,
        "told_on": line.today(estate.told_at),
        "settle_by": estate.settle_by,
    }


def _closing(line: Line, plan: Plan, clocks: Clocks, now: datetime) -> dict[str, Any]:
    """What is paid out, what ends with the line, and what stays of it."""
    return {
        "closed_on": line.today(now),
        "credit_minor": line.credit_minor + plan.ties.reward_minor,
        "credit_by": clocks.calendar.add_business_days(line.today(now), clocks.payout_business_days),
        "keep_years": clocks.keep_years,
        "pack": line.pack,
        "reward_minor": plan.ties.reward_minor,
        "mandates": list(plan.ties.mandates),
        "shops": list(plan.ties.shops),
        "vouchers": [{"title": each.title, "usable_until": each.usable_until} for each in plan.ties.vouchers],
    }
