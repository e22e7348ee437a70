"""What applicants are written, as facts of notices. Names are added at sending."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from whiteslip.applications import store
from whiteslip.applications.model import Application, Lender, Outcome, Source, State
from whiteslip.lines.model import Agreement
from whiteslip.notices import NewNotice
from whiteslip.store import Tx


def of_outcome(tx: Tx, lender: Lender, application: Application) -> NewNotice | None:
    """The letter that a decision asks for; a plain yes is told on the page, a referral as well.

    A counter-offer is told in writing with its reasons, like a decline (12 CFR 1002.9(a)(1)(iv)).
    """
    about = "increase" if application.raises else "application"
    match application.state:
        case State.DECLINED:
            facts = _reasons(tx, lender, application)
            return _letter(lender, application, f"{about}.declined", facts)
        case State.OFFERED if application.outcome is Outcome.COUNTER_OFFER:
            facts = _reasons(tx, lender, application) | _offer(application)
            return _letter(lender, application, f"{about}.counter_offered", facts)
        case State.OFFERED if application.decided_by != "system":
            return _letter(lender, application, f"{about}.offered", _offer(application))
        case _:
            return None


def raised(lender: Lender, application: Application, from_minor: int) -> NewNotice:
    """The limit has risen, by the customer's wish and consent."""
    facts = {"limit_minor": application.limit_minor, "from_minor": from_minor}
    return _letter(lender, application, "increase.accepted", facts)


def contract(lender: Lender, application: Application, now: datetime) -> NewNotice:
    """The contract: the very letter that is shown before acceptance and sent after it."""
    agreement = Agreement.of(lender.pack)
    terms = agreement.terms
    today = agreement.today(now)
    facts: dict[str, Any] = {
        "limit_minor": application.limit_minor,
        "due_days": terms.due_days,
        "late_fee_minor": terms.late_fee_minor,
        "late_fee_grace_days": terms.late_fee_grace_days,
        "withdraw_until": today + timedelta(days=lender.pack.days("withdraw.days")),
        "repay_days": lender.pack.days("withdraw.repay_days"),
        "products": [
            {"instalments": p.instalments, "monthly_fee_bps": p.monthly_fee_bps, "apr_bps": p.apr_bps}
            for p in terms.products
        ],
        "information": [part for part in lender.pack.text("deferred.information").split() if part != "none"],
    }
    return _letter(lender, application, "application.contract", facts)


def _offer(application: Application) -> dict[str, Any]:
    return {"limit_minor": application.limit_minor, "offer_until": application.due_at}


def _reasons(tx: Tx, lender: Lender, application: Application) -> dict[str, Any]:
    """The reasons, and where the report came from if one was used (FCRA section 615(a))."""
    from_bureau = any(fact.source is Source.BUREAU_FILE for fact in store.facts(tx, application.id))
    return {
        "reasons": list(application.reasons),
        "pack": lender.pack.name,
        "agency": lender.agency,
        "free_report_days": lender.pack.days("bureau.free_report_days") if from_bureau else 0,
        "review_days": lender.pack.business_days("application.review_business_days"),
    }


def _letter(lender: Lender, application: Application, kind: str, facts: dict[str, Any]) -> NewNotice:
    common = {
        "reference": application.reference,
        "timezone": lender.pack.timezone,
        "currency": application.currency,
        "issuer_name": lender.issuer_name,
    }
    decided = application.decided_at.isoformat() if application.decided_at else ""
    return NewNotice(
        kind=kind,
        subject_kind="application",
        subject=application.id,
        recipient=application.customer,
        language=application.language,
        facts={**common, **facts},
        dedupe=f"{kind}:{application.id}:{decided}",
    )
