"""What is told to the customer at each step, as facts of a notice. Names are added at sending."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from whiteslip import lines, notices
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits.model import Exit, Kind, Plan, State
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
}
# Who withdraws gets a receipt at once, which says everything, and word when it is settled.
_WITHDRAWAL_LETTERS: Final = {
    State.STOPPED: "withdrawal.received",
    State.HELD: "exit.held",
    State.CLOSED: "withdrawal.settled",
}


def tell(tx: Tx, case: Exit, line: Line, plan: Plan, clocks: Clocks, issuer_name: str, now: datetime) -> None:
    """Queue the letter of the state that ``case`` just entered, once per case.

    ``line`` and ``plan`` are as they were before the step, so that a closing letter can name the
    credit that is paid out.
    """
    notice = _letter(tx, case, line, plan, clocks, issuer_name, now)
    if notice:
        notices.queue(tx, [notice], now)


def next_letter(
    tx: Tx, case: Exit, line: Line, plan: Plan, clocks: Clocks, issuer_name: str, now: datetime
) -> NewNotice | None:
    """The letter that the case would send next if nothing held it, for the desk to look at."""
    if not case.is_open:
        return None
    owing = line.owed_minor or line.held_minor
    told = case.state is State.RUN_OFF or not owing
    state = State.CLOSED if told else State.RUN_OFF
    return _letter(tx, replace(case, state=state), line, plan, clocks, issuer_name, now)


def _letter(
    tx: Tx, case: Exit, line: Line, plan: Plan, clocks: Clocks, issuer_name: str, now: datetime
) -> NewNotice | None:
    kind = (_WITHDRAWAL_LETTERS if case.kind is Kind.WITHDRAW else _LETTERS).get(case.state)
    if kind is None:
        return None
    customer = lines.get_customer(tx, case.customer)
    if isinstance(customer, Refusal):
        raise LookupError(f"case {case.reference} has no customer")
    facts = _common(case, line, issuer_name) | _own(case, line, plan, clocks, now)
    # A hold may recur; everything else is told once.
    again = f":{case.since.isoformat()}" if case.state is State.HELD else ""
    return NewNotice(
        kind=kind,
        subject_kind="exit",
        subject=case.id,
        recipient=case.customer,
        language=customer.language,
        facts=facts,
        dedupe=f"{kind}:{case.id}{again}",
    )


def _common(case: Exit, line: Line, issuer_name: str) -> dict[str, Any]:
    return {
        "reference": case.reference,
        "stopped_at": case.requested_at,
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
                "schedule": [{"due_on": due.due_on, "amount_minor": due.open_minor} for due in plan.schedule],
                "payoff_minor": plan.payoff_minor,
                "good_through": plan.good_through,
            }
        case State.HELD:
            return {"ground": case.ground, "answer_by": case.due_at}
        case State.CLOSED:
            pay_by = clocks.calendar.add_business_days(line.today(now), clocks.payout_business_days)
            return {
                "closed_on": line.today(now),
                "credit_minor": line.credit_minor,
                "credit_by": pay_by,
                "keep_years": clocks.keep_years,
            }
        case State.CANCELLED:
            return {"cancelled_at": now}
        case _:
            return {}
