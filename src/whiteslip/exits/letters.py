"""What is told to the customer at each step, as facts of a notice. Names are added at sending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from whiteslip import identity, lines, notices
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.billing import sales
from whiteslip.exits import store
from whiteslip.exits.model import Cause, Estate, Exit, Ground, Kind, Plan, State
from whiteslip.exits.papers import PaperRequest
from whiteslip.exits.rules import Clocks
from whiteslip.lines import Line
from whiteslip.notices import NewNotice
from whiteslip.store import Tx

# Two states need no letter of their own: their news is in the acknowledgement.
_LETTERS: Final = {
    State.STOPPED: "exit.acknowledged",
    State.RUN_OFF: "exit.runoff",
    State.HELD: "exit.held",
    State.CLOSED: "exit.closed",
    State.LAPSED: "exit.lapsed",
    State.CANCELLED: "exit.cancelled",
    State.REJECTED: "exit.rejected",
}
# Who withdraws gets a receipt at once, which says everything, and word when it is settled.
_WITHDRAWAL_LETTERS: Final = {
    State.STOPPED: "withdrawal.received",
    State.HELD: "exit.held",
    State.CLOSED: "withdrawal.settled",
}
_TERMINATION_LETTERS: Final = {
    State.NOTICE: "termination.notice",
    State.RUN_OFF: "exit.runoff",
    State.HELD: "exit.held",
    State.CLOSED: "termination.closed",
    State.CANCELLED: "termination.called_off",
}
_INACTIVITY_LETTERS: Final = _TERMINATION_LETTERS | {State.NOTICE: "inactivity.notice"}
# The balance is told apart, with its day: see ``estates``.
_ESTATE_LETTERS: Final = {
    State.STOPPED: "estate.acknowledged",
    State.HELD: "estate.held",
    State.CLOSED: "estate.closed",
    State.CANCELLED: "estate.undone",
}
_BY_KIND: Final = {
    Kind.CLOSE: _LETTERS,
    Kind.WITHDRAW: _WITHDRAWAL_LETTERS,
    Kind.TERMINATION: _TERMINATION_LETTERS,
    Kind.INACTIVITY: _INACTIVITY_LETTERS,
    Kind.ESTATE: _ESTATE_LETTERS,
}


def tell(tx: Tx, case: Exit, line: Line, plan: Plan, clocks: Clocks, issuer_name: str, now: datetime) -> None:
    """Queue the letter of the state that ``case`` just entered, once per case.

    ``line`` and ``plan`` are as they were before the step, so that a closing letter can name the
    credit that is paid out. Where somebody else may have asked, and where the customer is reached
    was changed shortly before, it goes where they were reached until then, too.
    """
    letter = written(tx, case, line, plan, clocks, issuer_name, now)
    if letter is None:
        return
    batch = [letter]
    in_doubt = case.state is State.REJECTED or (case.state is State.HELD and case.ground is Ground.IDENTITY)
    if in_doubt and _contact_is_new(tx, case, clocks):
        batch.append(replace(letter, to_former=True, dedupe=f"{letter.dedupe}:former"))
    notices.queue(tx, batch, now)


def _contact_is_new(tx: Tx, case: Exit, clocks: Clocks) -> bool:
    changed_at = identity.contact_changed_at(tx, case.customer)
    if changed_at is None:
        return False
    return changed_at > case.requested_at - timedelta(days=clocks.contact_change_days)


def written(
    tx: Tx, case: Exit, line: Line, plan: Plan, clocks: Clocks, issuer_name: str, now: datetime
) -> NewNotice | None:
    """The letter of the state that ``case`` is in, as it would be queued; None for a state without."""
    estate = store.estate_of_line(tx, line.id)
    kind = (_ESTATE_LETTERS if estate else _BY_KIND[case.kind]).get(case.state)
    if kind is None:
        return None
    customer = lines.get_customer(tx, case.customer)
    if isinstance(customer, Refusal):
        raise LookupError(f"case {case.reference} has no customer")
    facts = _common(case, line, issuer_name) | _own(case, line, plan, clocks, now)
    if case.state is State.CLOSED:
        facts |= _sold(tx, line)
    # A hold may recur; everything else is told once.
    again = f":{case.since.isoformat()}" if case.state is State.HELD else ""
    return NewNotice(
        kind=kind,
        subject_kind="exit",
        subject=case.id,
        recipient=estate.contact if estate and estate.contact else case.customer,
        language=estate.language if estate and estate.contact else customer.language,
        facts=facts,
        dedupe=f"{kind}:{case.id}{again}",
    )


def notice_letter(
    case: Exit, line: Line, reasons: Sequence[Cause], language: str, issuer_name: str
) -> NewNotice:
    """The letter by which the lender gives notice: why, until when, and what stays as it is."""
    if case.due_at is None:
        raise ValueError("a notice has an end")
    kind = _BY_KIND[case.kind][State.NOTICE]
    facts = {
        "reference": case.reference,
        "timezone": line.timezone,
        "currency": line.currency,
        "issuer_name": issuer_name,
        "given_at": case.requested_at,
        "ends_on": line.today(case.due_at),
        "reasons": list(reasons),
    }
    return NewNotice(kind, "exit", case.id, case.customer, language, facts, dedupe=f"{kind}:{case.id}")


def balance_letter(case: Exit, line: Line, plan: Plan, estate: Estate, issuer_name: str) -> NewNotice:
    """The letter that tells an estate what is owed, and until when that sum settles everything."""
    if estate.contact is None or estate.told_at is None:
        raise ValueError("a balance is told to somebody, at some time")
    facts = _common(case, line, issuer_name) | {
        "schedule": _schedule(plan),
        "told_minor": estate.told_minor,
        "told_on": line.today(estate.told_at),
        "settle_by": estate.settle_by,
    }
    dedupe = f"estate.balance:{case.id}:{estate.told_at.isoformat()}"
    return NewNotice("estate.balance", "exit", case.id, estate.contact, estate.language, facts, dedupe)


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
    dedupe = f"exit.paper_asked:{asked.id}"
    letter = NewNotice(
        "exit.paper_asked", "exit", case.id, case.customer, customer.language, facts, dedupe=dedupe
    )
    former = [replace(letter, to_former=True, dedupe=f"{dedupe}:former")]
    notices.queue(tx, [letter, *(former if _contact_is_new(tx, case, clocks) else [])], now)


def _schedule(plan: Plan) -> list[dict[str, Any]]:
    return [{"due_on": due.due_on, "amount_minor": due.open_minor} for due in plan.schedule]


def _sold(tx: Tx, line: Line) -> dict[str, Any]:
    """Who owns the line's debt, where it was sold."""
    sale = sales.of_line(tx, line.id)
    return {"sold_to": sale.buyer_name, "sold_on": sale.on_day} if sale and sale.on_day else {}


def _common(case: Exit, line: Line, issuer_name: str) -> dict[str, Any]:
    return {
        "reference": case.reference,
        "stopped_at": case.stopped_at or case.requested_at,
        "timezone": line.timezone,
        "currency": line.currency,
        "limit_minor": line.limit_minor,
        "owed_minor": line.owed_minor,
        "issuer_name": issuer_name,
    }


def _own(case: Exit, line: Line, plan: Plan, clocks: Clocks, now: datetime) -> dict[str, Any]:
    match case.state:
        case State.STOPPED if case.kind is Kind.WITHDRAW:
            pay_by = plan.last_due_on or line.today(now)
            return {"contract": public("line", line.id), "pay_by": pay_by}
        case State.RUN_OFF:
            return {
                "schedule": _schedule(plan),
                "payoff_minor": plan.payoff_minor,
                "good_through": plan.good_through,
            }
        case State.HELD:
            return {"ground": case.ground, "answer_by": case.due_at}
        case State.CLOSED:
            pay_by = clocks.calendar.add_business_days(line.today(now), clocks.payout_business_days)
            return {
                "closed_on": line.today(now),
                "credit_minor": line.credit_minor + plan.ties.reward_minor,
                "credit_by": pay_by,
                "keep_years": clocks.keep_years,
                "reward_minor": plan.ties.reward_minor,
                "mandates": list(plan.ties.mandates),
                "shops": list(plan.ties.shops),
                "vouchers": [
                    {"title": each.title, "usable_until": each.usable_until} for each in plan.ties.vouchers
                ],
            }
        case State.CANCELLED:
            return {"cancelled_at": now}
        case _:
            return {}
