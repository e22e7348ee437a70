"""What is told to the customer at each step, as facts of a notice. Names are added at sending.

Which letter a step sends, and to whom, is decided in ``telling`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from whiteslip import billing, notices
from whiteslip.base.ids import spoken
from whiteslip.billing import sales
from whiteslip.exits import helping, store, telling
from whiteslip.exits.model import Estate, Exit, Ground, Identity, Plan, State
from whiteslip.exits.noticed import is_proven
from whiteslip.exits.orders import is_untold
from whiteslip.exits.papers import PaperRequest
from whiteslip.exits.rules import Clocks
from whiteslip.exits.telling import Act, At, Heirs, Once, Sent, To
from whiteslip.exits.work import OnFile, Work
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
    OvertakenFacts,
    RunOffFacts,
    WithdrawnFacts,
)
from whiteslip.store import Tx

# Letters of a request that is over; a notice that it did not end goes on.
_LEAVES_NOTICE: Final = frozenset({"exit.lapsed", "exit.cancelled", "exit.rejected", "estate.undone"})


def tell(
    work: Work,
    before: Exit | None,
    after: Exit,
    plan: Plan,
    stood: Heirs | None = None,
    why: Mapping[str, Any] | None = None,
) -> None:
    """Queue the letters of a step, each once. ``before`` is None where the case begins.

    The line and ``plan`` are as they were before the step, so that a closing letter can name the
    credit that is paid out. ``stood`` is who stood for the customer before, where the step changes
    that; ``why`` are the reasons of a notice, and where a report came from.
    """
    tx, line, now, issuer_name = work.tx, work.line, work.now, work.office.issuer_name
    of_notice = after.state is State.NOTICE or (before is not None and before.state is State.NOTICE)
    # A notice was given to the customer, and whatever becomes of it is told where it was sent.
    heirs = Heirs.NONE if of_notice else heirs_of(work.on_file.estate)
    since = At(before, heirs if stood is None else stood) if before else None
    batch: list[NewNotice] = []
    for sent in telling.told(since, At(after, heirs)):
        if sent.once is Once.HOLD and after.ground is Ground.LEGAL and is_untold(tx, line.id):
            # The hold would tell of an order of which nobody may be told.
            continue
        if sent.to is To.USERS:
            batch += _to_users(work, sent, after)
        elif sent.to is To.IN_ARREARS:
            helping.offer(tx, issuer_name, line, work.on_file.debt, now)
        elif sent.to is not To.FORMER or _contact_is_new(work.on_file, after, work.clocks):
            facts = _facts(work, sent.letter, after, plan)
            facts |= (why or {"reasons": []}) if KINDS[sent.letter] is NoticeFacts else {}
            batch.append(_written(work, sent, after, facts | _lender(issuer_name)))
    notices.queue(tx, batch, now)


def heirs_of(estate: Estate | None) -> Heirs:
    """Whether a death was reported, and whether somebody has shown that they settle it."""
    if estate is None:
        return Heirs.NONE
    return Heirs.KNOWN if estate.contact else Heirs.REPORTED


def _contact_is_new(known: OnFile, case: Exit, clocks: Clocks) -> bool:
    changed_at = known.contact_changed_at
    if changed_at is None:
        return False
    return changed_at > case.requested_at - timedelta(days=clocks.contact_change_days)


def foreseen(work: Work, before: Exit, after: Exit, plan: Plan) -> NewNotice | None:
    """The letter that a step would send to whoever stands for the line; None for a step without."""
    heirs = heirs_of(work.on_file.estate)
    for sent in telling.told(At(before, heirs), At(after, heirs)):
        if sent.to in (To.CUSTOMER, To.HEIRS):
            facts = _facts(work, sent.letter, after, plan)
            return _written(work, sent, after, facts | _lender(work.office.issuer_name))
    return None


def _written(work: Work, sent: Sent, case: Exit, facts: dict[str, Any]) -> NewNotice:
    customer, estate = work.on_file.customer, work.on_file.estate
    recipient, language = customer.id, customer.language
    if sent.to is To.HEIRS and estate and estate.contact:
        recipient, language = estate.contact, estate.language
    return NewNotice(
        kind=sent.letter,
        subject_kind="exit",
        subject=case.id,
        recipient=recipient,
        language=language,
        facts=facts,
        dedupe=_key(sent, case, recipient, work.now),
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


def _to_users(work: Work, sent: Sent, case: Exit) -> list[NewNotice]:
    """A letter of their own to each who may draw besides the customer."""
    if not work.on_file.ties.users:
        return []
    line = work.line
    common = {"reference": case.reference, "timezone": line.timezone, "currency": line.currency}
    common |= _lender(work.office.issuer_name)
    return [
        NewNotice(
            kind=sent.letter,
            subject_kind="user",
            subject=user.id,
            recipient=user.id,
            language=user.language,
            facts=common | {"at": work.now},
            dedupe=f"{sent.letter}:{case.id}:{user.id}",
        )
        for user in users_of(work.tx, line.id)
        if user.removed_at is None
    ]


def ask_for_paper(
    known: OnFile, case: Exit, asked: PaperRequest, code: str, clocks: Clocks, issuer_name: str
) -> None:
    """Queue the letter that asks for a paper. Its code lets whoever has it hand one in, and nothing else.

    Where the customer is reached was perhaps changed by somebody else: then it goes to both places.
    """
    customer, line = known.customer, known.line
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
    letter = NewNotice(kind, "exit", case.id, customer.id, customer.language, facts, dedupe=dedupe)
    former = [replace(letter, to_former=True, dedupe=f"{dedupe}:former")]
    batch = [letter, *(former if _contact_is_new(known, case, clocks) else [])]
    notices.queue(known.tx, batch, known.now)


def _schedule(plan: Plan) -> list[dict[str, Any]]:
    return [{"due_on": due.due_on, "amount_minor": due.open_minor} for due in plan.schedule]


def _sold(tx: Tx, line: Line) -> dict[str, Any]:
    """Who owns the line's debt, where it was sold."""
    sale = next(reversed(sales.done(tx, line.id)), None)
    return {"sold_to": sale.buyer_name, "sold_on": sale.on_day} if sale else {}


def _lender(issuer_name: str) -> dict[str, Any]:
    return {"issuer_name": issuer_name}


def _facts(work: Work, letter: str, case: Exit, plan: Plan) -> dict[str, Any]:
    """What a letter says: what every letter of a case does, and what is asked of its kind."""
    line, now = work.line, work.now
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
        return common | of_exit | _balance(line, plan, work.on_file.estate)
    if kind is RunOffFacts:
        return common | of_exit | _running_off(work, plan) | _disputed(case, plan)
    if kind is ClosedFacts:
        return common | of_exit | _closing(line, plan, work.clocks, now) | _sold(work.tx, line)
    own: dict[type, dict[str, Any]] = {
        WithdrawnFacts: {
            "contract": spoken("LN", line.id),
            "stopped_at": now,
            "pay_by": plan.last_due_on or line.today(now),
        },
        AcknowledgedFacts: {
            "confirm_by": case.due_at if case.identity is Identity.PENDING else None,
            "not_me": case.not_me,
        },
        HeldFacts: {"ground": case.ground, "answer_by": case.due_at} | _disputed(case, plan),
        CancelledFacts: {"cancelled_at": now},
        OvertakenFacts: {"cancelled_at": now, "given_on": line.today(case.requested_at)},
    }
    return common | of_exit | own.get(kind, {}) | _notice_beside(work, letter, case)


def _notice_beside(work: Work, letter: str, case: Exit) -> dict[str, Any]:
    """A notice of the lender that goes on beside the case, or after it, where its letter tells so."""
    unproven = letter == "exit.acknowledged" and not is_proven(case)
    if not unproven and letter not in _LEAVES_NOTICE:
        return {}
    notice = store.notice_of_line(work.tx, work.line.id)
    if notice is None or notice.due_at is None:
        return {}
    given_on, ends_on = work.line.today(notice.requested_at), work.line.today(notice.due_at)
    return {"notice_given_on": given_on, "notice_ends_on": ends_on}


def _disputed(case: Exit, plan: Plan) -> dict[str, Any]:
    """What is not asked for, and whether they say that somebody else drew it."""
    return {"disputed_minor": plan.disputed_minor, "not_me": case.not_me}


def _running_off(work: Work, plan: Plan) -> dict[str, Any]:
    """What remains, and what settles it until some days ahead: a letter is read days after it is queued."""
    today = work.line.today(work.now)
    quote = billing.payoff(work.tx, work.line, today, today + timedelta(days=work.clocks.payoff_quote_days))
    return {
        "schedule": _schedule(plan),
        "payoff_minor": quote.total_minor,
        "good_through": quote.good_through if quote.total_minor else None,
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
