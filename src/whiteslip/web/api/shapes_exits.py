"""Bodies and answers about leaving. Amounts are minor units of the line's currency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from whiteslip.base.ids import public
from whiteslip.exits.model import Exit, Plan, Reason, Ties
from whiteslip.exits.orders import shown_case
from whiteslip.web.api.shapes import PublicId


class NewExit(Struct, forbid_unknown_fields=True):
    """A wish to leave. ``validate_only`` tells what would happen and changes nothing.

    ``withdraw`` undoes the contract within its first days instead of closing the line.
    """

    line: PublicId
    type: Literal["close", "withdraw"] = "close"
    validate_only: bool = False


class DueShape(Struct):
    """An instalment that stays on its day."""

    due_on: date
    total_minor: int
    open_minor: int


class VoucherShape(Struct):
    """A coupon, and the day until which it can be used if the line closes now."""

    title: str
    usable_until: date


class TiesShape(Struct):
    """What else hangs on the line and is dealt with: cash back is paid out, mandates end, shops on
    file are declined, users are told, a higher limit is dropped.
    """

    reward_minor: int
    coupons: Sequence[VoucherShape]
    mandates: Sequence[str]
    shops: Sequence[str]
    users: Sequence[str]
    increase_to_minor: int | None

    @classmethod
    def of(cls, ties: Ties) -> TiesShape:
        """Shape what hangs on a line."""
        return cls(
            ties.reward_minor,
            [VoucherShape(each.title, each.usable_until) for each in ties.vouchers],
            ties.mandates,
            ties.shops,
            [public("usr", user) for user in ties.users],
            ties.increase_to_minor,
        )


class PlanShape(Struct):
    """What is open and what confirming leads to."""

    outcome: str
    owed_minor: int
    held_minor: int
    credit_minor: int
    uncleared_minor: int
    clears_on: date | None
    payoff_minor: int
    per_day_minor: int
    good_through: date
    schedule: Sequence[DueShape]
    disputed_minor: int
    ties: TiesShape

    @classmethod
    def of(cls, plan: Plan) -> PlanShape:
        """Shape a plan."""
        return cls(
            plan.outcome,
            plan.owed_minor,
            plan.held_minor,
            plan.credit_minor,
            plan.uncleared_minor,
            plan.clears_on,
            plan.payoff_minor,
            plan.per_day_minor,
            plan.good_through,
            [DueShape(due.due_on, due.total_minor, due.open_minor) for due in plan.schedule],
            plan.disputed_minor,
            TiesShape.of(plan.ties),
        )


class ExitShape(Struct):
    """A case. ``id`` is None when it was only asked what would happen. Why it is held, and until when, is for
    keys that may handle orders of the law.
    """

    id: str | None
    reference: str | None
    line: str
    type: str
    state: str
    why: str
    channel: str
    identity: str
    requested_at: datetime | None
    confirmed_at: datetime | None
    closed_at: datetime | None
    due_at: datetime | None
    ground: str | None
    route: str | None
    reason: str | None
    plan: PlanShape

    @classmethod
    def of(cls, found: Exit, handles_orders: bool, validated: bool = False) -> ExitShape:
        """Shape a case, for a key that handles orders of the law or not; ``validated`` leaves out what was
        never kept.
        """
        case = shown_case(found, handles_orders)
        return cls(
            id=None if validated else public("exit", case.id),
            reference=None if validated else case.reference,
            line=public("line", case.line),
            type=case.kind,
            state=case.state,
            why=case.why,
            channel=case.channel,
            identity=case.identity,
            requested_at=case.requested_at,
            confirmed_at=case.confirmed_at,
            closed_at=case.closed_at,
            due_at=case.due_at,
            ground=case.ground,
            route=case.route,
            reason=case.reason,
            plan=PlanShape.of(case.plan),
        )


class DoubtBody(Struct, forbid_unknown_fields=True):
    """``not_me``: they say that they never opened the line."""

    not_me: bool = False


class ReasonBody(Struct, forbid_unknown_fields=True):
    """Why somebody left: afterwards, if at all."""

    reason: Reason
