"""The line: what it is and what is owed; pause, resume and lower the limit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import exits, lines
from whiteslip.applications import store as applications_store
from whiteslip.applications.model import State
from whiteslip.base import Money, local_day
from whiteslip.base.ids import spoken
from whiteslip.billing import store as billing_store
from whiteslip.billing.sales import Sale
from whiteslip.exits import Exit, defaultnotices, softer, stepups, terminations
from whiteslip.exits import store as exits_store
from whiteslip.exits.defaultnotices import DefaultNotice
from whiteslip.exits.model import Plan
from whiteslip.exits.withdrawal import can_withdraw
from whiteslip.lines import Line, increases
from whiteslip.lines.changes import told_of_line
from whiteslip.lines.increases import Increase, open_increase
from whiteslip.lines.locks import standing
from whiteslip.lines.model import Lifecycle, LockKind
from whiteslip.purchases import Purchase
from whiteslip.purchases import store as purchases_store
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, parse_money, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import granted
from whiteslip.web.portal.dues import DueDay, by_day
from whiteslip.web.portal.visit import HOME, Visit, signed_in

RECENT: Final = 5
_QUARTERS: Final = (3, 2, 1)
_WHOLE_UNITS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase as the list shows it."""

    id: UUID
    shop: str
    on: date
    amount: Money
    instalments: int
    state: str
    was_sent: bool
    is_disputed: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A line as its page shows it. ``face`` names the state in one word of the texts."""

    line: Line
    face: str
    limit: Money
    target: Money
    used: Money
    available: Money
    owed: Money
    dues: list[DueDay]
    recent: list[Bought]
    case: Exit | None
    plan: Plan
    firm_until: date | None
    can_withdraw: bool
    increase: Increase | None
    terms_on: date | None
    notice: Exit | None
    sales: Sequence[Sale]
    is_restricted: bool
    confirm_until: datetime | None
    default: DefaultNotice | None
    may_rise: bool
    today: date

    @property
    def reference(self) -> str:
        """What the line is called on the phone."""
        return spoken("LN", self.line.id)

    @property
    def past_due(self) -> Money:
        """What should have been paid before today."""
        return Money.total((due.open for due in self.dues if due.on < self.today), self.line.currency)

    @property
    def next(self) -> DueDay | None:
        """What is due next, today or later."""
        return next((due for due in self.dues if due.on >= self.today), None)

    @property
    def is_open(self) -> bool:
        """Whether there is something to close, lower or pause."""
        return self.line.lifecycle is Lifecycle.ACTIVE


def face_of(line: Line) -> str:
    """The state of a line in one word: open, paused, locked, leaving or closed."""
    if line.lifecycle is Lifecycle.CLOSED:
        return "closed"
    if line.lifecycle is not Lifecycle.ACTIVE:
        return "leaving"
    if LockKind.CUSTOMER in line.locks:
        return "paused"
    return "locked" if line.locks else "open"


def _bought(line: Line, purchase: Purchase, disputed: Collection[UUID]) -> Bought:
    """A purchase, by what became of it in the end."""
    state = purchase.state.value
    if purchase.refunded_minor:
        state = "refunded" if purchase.refunded_minor >= purchase.amount_minor else "part_refunded"
    on = local_day(purchase.authorised_at, line.timezone)
    return Bought(
        purchase.id,
        purchase.shop,
        on,
        line.money(purchase.amount_minor),
        purchase.instalments,
        state,
        purchase.captured_minor > 0,
        purchase.id in disputed,
    )


def _card(visit: Visit, line: Line) -> Card:
    plan, today = granted(exits.preview(visit.tx, line.id, visit.now)), line.today(visit.now)
    dues = by_day(line, plan.schedule)
    is_late = any(due.on < today and due.open.minor for due in dues)
    bought = purchases_store.of_line(visit.tx, line.id)[-RECENT:]
    disputed = {
        each.purchase for each in purchases_store.disputes_of_line(visit.tx, line.id) if each.purchase
    }
    return Card(
        line=line,
        face=face_of(line),
        limit=line.money(line.advised_limit_minor),
        target=line.money(line.limit_minor),
        used=line.money(line.principal_minor + line.held_minor),
        available=line.money(line.available_minor),
        owed=line.money(line.owed_minor),
        dues=dues,
        recent=[_bought(line, purchase, disputed) for purchase in reversed(bought)],
        case=visit.latest_case(line),
        plan=plan,
        firm_until=_firm_until(visit, line),
        can_withdraw=can_withdraw(line, today),
        increase=open_increase(visit.tx, line.id),
        terms_on=_terms_on(visit, line),
        notice=exits_store.notice_of_line(visit.tx, line.id),
        sales=visit.sales(line),
        is_restricted=exits_store.restriction_of_line(visit.tx, line.id) is not None,
        confirm_until=_confirm_until(visit, line),
        default=defaultnotices.standing(visit.tx, line, visit.now) if is_late else None,
        may_rise=not is_late and _may_rise(visit, line),
        today=today,
    )


def _may_rise(visit: Visit, line: Line) -> bool:
    """Whether a higher limit is spoken of: not to who is being helped to pay what they owe."""
    below_most = increases.cannot_rise(line, line.limit_minor + 1) is None
    return below_most and billing_store.hardship(visit.tx, line.id) is None


def _confirm_until(visit: Visit, line: Line) -> datetime | None:
    """When a step-up that is asked of a line ends by itself."""
    asked = stepups.asked(visit.tx, line.id) if line.locked_parts else None
    return asked.until if asked else None


def _terms_on(visit: Visit, line: Line) -> date | None:
    """From which day on new terms apply, of which the customer was told and may still say no."""
    told = told_of_line(visit.tx, line.id) if line.lifecycle is Lifecycle.ACTIVE else None
    return line.today(told.effective_at) if told else None


def _firm_until(visit: Visit, line: Line) -> date | None:
    """When the customer's own lock on everything ends, if it is a firm one and no other stands beside it."""
    if LockKind.CUSTOMER not in line.locks:
        return None
    own = [
        lock for lock in standing(visit.tx, line.id) if lock.kind is LockKind.CUSTOMER and lock.part is None
    ]
    ends = [lock.until for lock in own if lock.firm and lock.until]
    return local_day(ends[0], line.timezone) if len(ends) == len(own) else None


@get("/line", sync_to_thread=True)
def home(request: WebRequest) -> Response[Any]:
    """The customer's lines, those in use first."""

    def show(visit: Visit) -> Response[Any]:
        found = lines.lines_of(visit.tx, visit.customer.id)
        found.sort(key=lambda line: (line.lifecycle is Lifecycle.CLOSED, line.opened_on), reverse=False)
        return page(
            request,
            "portal/line/page.html",
            cards=[_card(visit, line) for line in found],
            may_apply=all(line.lifecycle is Lifecycle.CLOSED for line in found),
            applications=[
                each
                for each in applications_store.of_customer(visit.tx, visit.customer.id)
                if each.state is not State.ACCEPTED
            ],
        )

    return signed_in(request, show)


@post("/lines/{line_id:uuid}/pause", sync_to_thread=True)
def pause(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Stop purchases until the customer resumes. Pausing twice changes nothing."""

    def act(visit: Visit) -> Response[Any]:
        set_pause(visit, visit.line(line_id, lock=True))
        return see_other(request, HOME)

    return signed_in(request, act)


def set_pause(visit: Visit, line: Line) -> None:
    """Set the customer's own lock; a line that is being left has nothing to pause."""
    if line.lifecycle is Lifecycle.ACTIVE:
        granted(softer.pause(visit.tx, line.id, visit.actor, visit.now))


@post("/lines/{line_id:uuid}/resume", sync_to_thread=True)
def resume(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Lift the customer's own lock. It takes a proof of who asks."""

    def act(visit: Visit) -> Response[Any]:
        visit.line(line_id)
        unproven = visit.must_prove(HOME)
        if unproven:
            return unproven
        granted(softer.resume(visit.tx, line_id, visit.actor, visit.now))
        return see_other(request, HOME)

    return signed_in(request, act)


@post("/lines/{line_id:uuid}/keep", sync_to_thread=True)
def keep(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Keep a line that was to end because it was not used. Pressing twice changes nothing."""

    def act(visit: Visit) -> Response[Any]:
        visit.line(line_id, lock=True)
        terminations.keep(visit.tx, visit.ports.office, line_id, visit.actor, visit.now)
        return see_other(request, HOME)

    return signed_in(request, act)


class Lower(msgspec.Struct):
    """The form of a lower limit."""

    limit: str


def chips(limit_minor: int) -> list[int]:
    """Three, two and one quarter of a limit, in hundreds of its currency where that leaves something."""
    quarters = [limit_minor * part // 4 for part in _QUARTERS]
    round_ones = [minor - minor % _WHOLE_UNITS or minor for minor in quarters]
    return sorted({minor for minor in round_ones if 0 < minor < limit_minor}, reverse=True)


@get("/lines/{line_id:uuid}/reduce", sync_to_thread=True)
def ask_limit(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Ask for the new limit."""
    return signed_in(request, lambda visit: _lower(visit, visit.line(line_id), Form()))


def _lower(visit: Visit, line: Line, form: Form, errors: Errors | None = None) -> Response[Any]:
    if line.lifecycle is not Lifecycle.ACTIVE:
        return see_other(visit.request, HOME)
    return page(
        visit.request,
        "portal/line/reduce.html",
        form=form,
        errors=errors,
        line=line,
        back=visit.back_from(line),
        limit=line.money(line.limit_minor),
        used=line.money(line.principal_minor + line.held_minor),
        chips=[line.money(minor) for minor in chips(line.limit_minor)],
    )


@post("/lines/{line_id:uuid}/reduce", sync_to_thread=True)
def reduce(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Lower the limit at once. It is never raised here."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        chosen = form.value("chip") if not form.switching else ""
        minor = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 16 else None
        if minor is None:
            typed = form.read(Lower)
            if isinstance(typed, Errors):
                return _lower(visit, line, form, typed)
            amount = parse_money(typed.limit, line.currency)
            if amount is None:
                return _lower(visit, line, form, Errors().add("limit", "invalid"))
            minor = amount.minor
        kind = "too_small" if minor <= 0 else "too_big" if minor >= line.limit_minor else None
        if kind:
            errors = Errors().add("limit", kind, limit=line.money(line.limit_minor))
            return _lower(visit, line, form, errors)
        if line.lifecycle is Lifecycle.ACTIVE:
            granted(softer.reduce(visit.tx, line.id, minor, visit.actor, visit.now))
        return see_other(request, f"{HOME}?done=reduced")

    return signed_in(request, act)


@post("/lines/{line_id:uuid}/increase", sync_to_thread=True)
def answer_increase(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Consent to a higher limit that was proposed, or decline it; another proposal is not touched.

    Consent takes a proof of who gives it; declining does not.
    """

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        unproven = visit.must_prove(HOME) if form.value("answer") == "consent" else None
        if unproven:
            return unproven
        found = open_increase(visit.tx, line.id)
        if found and str(found.id) == form.value("increase"):
            match form.value("answer"):
                case "consent":
                    granted(increases.consent(visit.tx, found.id, visit.actor, visit.now))
                case "decline":
                    granted(increases.decline(visit.tx, found.id, visit.actor, visit.now))
                case _:
                    pass
        return see_other(request, HOME)

    return signed_in(request, act)


line_handlers: Final = [home, pause, resume, keep, ask_limit, reduce, answer_increase]
