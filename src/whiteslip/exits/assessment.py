"""The assessment: five parts, each figure with its formula and inputs. Pure.

It informs the desk and feeds the table ``exit-routing``; a high value to the lender, arrears or
the state of the book are shown and never hold anybody back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from whiteslip.base import Rounding
from whiteslip.base.money import divide
from whiteslip.billing import rules as billing_rules
from whiteslip.billing.model import Bill, BookTotal, Debt, Record, RiskClass
from whiteslip.decisions.champions import Given
from whiteslip.exits.model import Assessment, Exit, Identity, Indicator, Plan
from whiteslip.lines import Line
from whiteslip.lines.model import LockKind
from whiteslip.purchases.model import Activity

_PERCENT: Final = 100
_PPM: Final = 1_000_000
_BPS: Final = 10_000
# Basel III: an unconditionally cancellable commitment converts at 10 %, retail weighs 75 %.
_CONVERSION_BPS, _WEIGHT_BPS = 1000, 7500
_NEVER_DAYS: Final = 9_999
_RECENT_DAYS, _BEFORE_DAYS = 30, 120
_SERVICE_DAYS: Final = 30
# Which of the watch's features a reviewer sees, with their units.
_WATCHED: Final = {
    "velocity_30d_z_centi": "centi",
    "category_shift_bps": "bps",
    "utilisation_rise_bps": "bps",
    "concentration_bps": "bps",
    "round_share_bps": "bps",
}


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything an assessment looks at.

    ``record`` sums 180 days of bills and payments and counts payments returned in 60 days. ``score`` is the
    newest of the model ``behaviour`` and ``watched`` what the watch sees; both inform and route nothing.
    """

    case: Exit
    line: Line
    plan: Plan
    debt: Debt
    record: Record
    activity: Activity
    bills: Sequence[Bill]
    book: BookTotal | None
    contact_changed_at: datetime | None
    now: datetime
    open_disputes: int = 0
    score: Given | None = None
    watched: Mapping[str, int] = field(default_factory=dict[str, int])


def ratio(part: int, whole: int, scale: int) -> int | None:
    """``part`` of ``whole`` in units of 1 / ``scale``, half up; None when there is no whole."""
    return divide(part * scale, whole, Rounding.HALF_UP) if whole > 0 else None


def usual_drawn(bills: Sequence[Bill], today: date) -> int | None:
    """Mean statement balance of the statements dated 30 to 120 days ago, minor units."""
    window = [
        max(0, bill.balance_minor)
        for bill in bills
        if today - timedelta(days=_BEFORE_DAYS) <= bill.statement_on < today - timedelta(days=_RECENT_DAYS)
    ]
    return divide(sum(window), len(window), Rounding.HALF_UP) if window else None


def run_up(inputs: Inputs) -> int | None:
    """Drawn now in per cent of what used to be drawn; None where there is nothing to compare."""
    usual = usual_drawn(inputs.bills, inputs.line.today(inputs.now))
    return None if usual is None else ratio(inputs.line.principal_minor, usual, _PERCENT)


def assess(inputs: Inputs) -> Assessment:
    """All five parts."""
    return Assessment(
        solvency=_solvency(inputs),
        payment_record=_payment_record(inputs),
        behaviour=_behaviour(inputs),
        exposure=_exposure(inputs),
        portfolio=_portfolio(inputs),
    )


def facts(inputs: Inputs) -> dict[str, object]:
    """The facts of the table ``exit-routing``. What is not known is passed as its harmless value."""
    line, record, changed = inputs.line, inputs.record, inputs.contact_changed_at
    days = _NEVER_DAYS if changed is None else max(0, (inputs.now - changed).days)
    usual = usual_drawn(inputs.bills, line.today(inputs.now))
    return {
        "open_disputes": inputs.open_disputes,
        "identity_verified": inputs.case.identity is Identity.VERIFIED,
        "contact_changed_days": min(days, _NEVER_DAYS),
        "legal_freeze": LockKind.LEGAL in line.locks,
        "owed_minor": line.owed_minor - line.credit_minor,
        "uncleared_minor": record.uncleared_minor,
        "authorisations_open": inputs.activity.open_holds,
        "dpd_days": inputs.debt.days_past_due,
        "payment_ratio_bps": _known(ratio(record.paid_minor, record.billed_minor, _BPS), _BPS),
        "run_up_ratio_bps": _known(ratio(line.principal_minor, usual or 0, _BPS), 0),
        "returned_payments_60d": record.returned,
        "utilisation_bps": _known(ratio(line.principal_minor, line.highest_limit_minor, _BPS), 0),
        "exposure_released_minor": max(0, line.room_minor),
    }


def _known(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value


def _solvency(inputs: Inputs) -> tuple[Indicator, ...]:
    line, record = inputs.line, inputs.record
    soon = inputs.line.today(inputs.now) + timedelta(days=_SERVICE_DAYS)
    service = sum(due.open_minor for due in inputs.plan.schedule if due.due_on <= soon)
    return (
        Indicator(
            "payment_ratio",
            ratio(record.paid_minor, record.billed_minor, _PERCENT),
            "percent",
            "paid in 180 days / billed in 180 days",
            {"paid_minor": record.paid_minor, "billed_minor": record.billed_minor},
        ),
        Indicator(
            "debt_service",
            service,
            "minor",
            "instalments due within 30 days, past due included",
            {"until": soon.isoformat()},
        ),
        Indicator(
            "debt_to_income",
            None,
            "percent",
            "monthly debt service / monthly net income",
            {"debt_service_minor": service, "net_income_minor": None},
        ),
        Indicator(
            "utilisation",
            ratio(line.principal_minor, line.highest_limit_minor, _PERCENT),
            "percent",
            "drawn / highest limit there was",
            {"drawn_minor": line.principal_minor, "highest_limit_minor": line.highest_limit_minor},
        ),
    )


def _payment_record(inputs: Inputs) -> tuple[Indicator, ...]:
    days = inputs.debt.days_past_due
    since = inputs.debt.past_due_since
    classes = list(RiskClass)
    given_up: dict[str, int | str | None] = {
        "forborne": int(inputs.debt.forborne is not None),
        "charged_off": int(inputs.debt.charged_off),
    }
    return (
        Indicator(
            "days_past_due",
            days,
            "days",
            "today - oldest unpaid due day",
            {"past_due_since": since.isoformat() if since else None},
        ),
        Indicator(
            "risk_class",
            classes.index(billing_rules.class_of(inputs.debt)) + 1,
            "class",
            "1 to 5 by days past due: 0, > 0, > 90, > 270, > 360; forborne at least 2, charged off 5",
            {"days_past_due": days, "class": billing_rules.class_of(inputs.debt).value} | given_up,
        ),
        Indicator(
            "ifrs_stage",
            billing_rules.stage_of(inputs.debt),
            "stage",
            "1 to 3 by days past due: 0, > 30, > 90; forborne at least 2, in distress or charged off 3",
            {"days_past_due": days} | given_up,
        ),
        Indicator(
            "returned_payments",
            inputs.record.returned,
            "count",
            "payments returned within 60 days",
            {"returned": inputs.record.returned},
        ),
    )


def _behaviour(inputs: Inputs) -> tuple[Indicator, ...]:
    line, activity = inputs.line, inputs.activity
    usual = usual_drawn(inputs.bills, line.today(inputs.now))
    return (
        Indicator(
            "run_up",
            run_up(inputs),
            "percent",
            "drawn now / mean statement balance of 30 to 120 days ago",
            {"drawn_minor": line.principal_minor, "usual_minor": usual},
        ),
        Indicator(
            "purchase_pace",
            ratio(activity.recent_minor * 5, activity.before_minor, _PERCENT),
            "percent",
            "bought in 30 days x 5 / bought in the 150 days before",
            {"recent_minor": activity.recent_minor, "before_minor": activity.before_minor},
        ),
        *_scored(inputs),
    )


def _scored(inputs: Inputs) -> list[Indicator]:
    """The newest score with its reasons, and features of the watch. No fact of the table is among them."""
    found: list[Indicator] = []
    if score := inputs.score:
        given: dict[str, int | str | None] = {
            "version": score.version,
            "scored_at": score.at.isoformat(),
            "points": score.scored.points,
            "reasons": " ".join(score.scored.reasons),
        }
        probability = round(score.scored.probability * _BPS)
        formula = f"probability by the model {score.name}; facts and reasons are kept with it"
        found.append(Indicator("behaviour_score", probability, "bps", formula, given))
    for name, unit in _WATCHED.items():
        if name in inputs.watched:
            formula = "decayed sums of the line's own events, see the watch"
            found.append(Indicator(name, inputs.watched[name], unit, formula, {}))
    return found


def _exposure(inputs: Inputs) -> tuple[Indicator, ...]:
    line = inputs.line
    undrawn = max(0, line.limit_minor - line.principal_minor - line.held_minor)
    weighted = divide(undrawn * _CONVERSION_BPS * _WEIGHT_BPS, _BPS * _BPS, Rounding.HALF_UP)
    return (
        Indicator(
            "owed",
            line.owed_minor,
            "minor",
            "principal + billed interest + billed fees",
            {
                "principal_minor": line.principal_minor,
                "interest_minor": line.interest_minor,
                "fee_minor": line.fee_minor,
            },
        ),
        Indicator(
            "on_their_way",
            line.held_minor,
            "minor",
            "authorised and not captured",
            {"open_holds": inputs.activity.open_holds},
        ),
        Indicator(
            "released_weight",
            weighted,
            "minor",
            "undrawn x 10 % conversion x 75 % risk weight",
            {"undrawn_minor": undrawn, "conversion_bps": _CONVERSION_BPS, "weight_bps": _WEIGHT_BPS},
        ),
    )


def _portfolio(inputs: Inputs) -> tuple[Indicator, ...]:
    book, owed = inputs.book, inputs.line.owed_minor
    if book is None:
        return (Indicator("share_of_book", None, "ppm", "owed / owed by the whole book", {}),)
    sums: dict[str, int | str | None] = {
        "book_day": book.day.isoformat(),
        "book_owed_minor": book.owed_minor,
        "book_npl_minor": book.npl_minor,
    }
    good = (RiskClass.NORMAL, RiskClass.SPECIAL_MENTION)
    bad = billing_rules.class_of(inputs.debt) not in good
    npl_after = book.npl_minor - owed if bad else book.npl_minor
    return (
        Indicator(
            "share_of_book", ratio(owed, book.owed_minor, _PPM), "ppm", "owed / owed by the book", sums
        ),
        Indicator(
            "npl_ratio", ratio(book.npl_minor, book.owed_minor, _BPS), "bps", "npl / owed by the book", sums
        ),
        Indicator(
            "npl_ratio_once_paid_off",
            ratio(npl_after, book.owed_minor - owed, _BPS),
            "bps",
            "(npl - own npl) / (owed by the book - owed): the book shrinks, nothing turns bad",
            sums | {"owed_minor": owed, "own_npl_minor": owed if bad else 0},
        ),
        Indicator(
            "share_of_limits",
            ratio(inputs.line.limit_minor, book.limit_minor, _PPM),
            "ppm",
            "limit / limits of active lines",
            {"limit_minor": inputs.line.limit_minor, "book_limit_minor": book.limit_minor},
        ),
    )
