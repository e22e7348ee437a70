"""The lender stops drawing: for objective reasons, with a letter at once and an end in sight.

Directive (EU) 2023/2225 article 28 lets a lender end the right to draw for objectively justified
reasons and asks it to say so before or at once after; Regulation B, 12 CFR 1002.9, asks for the
principal reasons. A restriction takes nothing back, calls nothing in and keeps nobody from leaving.
None commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from whiteslip import lines, notices, packs
from whiteslip.base import Refusal, end_of_day, ids, new_id
from whiteslip.billing import store as billing_store
from whiteslip.exits import store
from whiteslip.exits.model import ONLY_WITH_NOTICE, Cause, Restriction
from whiteslip.exits.steps import Office
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle, LockKind, Party
from whiteslip.notices import NewNotice
from whiteslip.store import Entry, Tx
from whiteslip.store.timers import cancel_timer, set_timer


def restrict(
    tx: Tx, office: Office, line_id: UUID, reasons: Sequence[Cause], actor: str, now: datetime
) -> Restriction | Refusal:
    """Stop drawing on a line and write to the customer in the same transaction.

    ``reasons`` are the principal ones, the weightiest first: one to as many as the pack allows. Where a
    restriction stands it is renewed with these reasons and a new day, and the customer is written to
    again. Refusals: ``line.not_found``, ``line.not_active``, ``restriction.reasons_invalid``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    if line.lifecycle is not Lifecycle.ACTIVE:
        return Refusal("line.not_active", {"lifecycle": line.lifecycle})
    pack = packs.load(line.pack)
    most = pack.count("issuer.principal_reasons")
    if not 1 <= len(set(reasons)) == len(reasons) <= most or ONLY_WITH_NOTICE & set(reasons):
        return Refusal("restriction.reasons_invalid", {"most": most})
    review_on = line.today(now) + timedelta(days=pack.days("issuer.restriction_review_days"))
    standing = store.restriction_of_line(tx, line.id)
    if standing:
        found = replace(standing, reasons=tuple(reasons), review_on=review_on)
        store.renew_restriction(tx, found)
    else:
        reference = ids.new_reference("LR")
        found = Restriction(new_id(now), reference, line.id, tuple(reasons), actor, now, review_on)
        store.add_restriction(tx, found)
        lines.set_lock(tx, line.id, LockKind.ISSUER, Party.ISSUER, found.reference, actor, now)
    data = {"restriction": found.id, "reasons": list(reasons), "review_on": review_on}
    tx.record(Entry(now, "line.restricted", "line", line.id, actor, data))
    set_timer(tx, "restriction.review", found.id, end_of_day(review_on, line.timezone), now)
    facts = {"restricted_at": found.set_at, "review_on": review_on, "reasons": list(reasons)}
    _tell(tx, office, line, found, "line.restricted", facts, now)
    return found


def lift(tx: Tx, office: Office, line_id: UUID, why: str, actor: str, now: datetime) -> Line | Refusal:
    """End the restriction that stands on a line, and say so to the customer. None standing is fine.

    Refusal: ``line.not_found``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    found = store.restriction_of_line(tx, line.id)
    if found is None:
        return line
    store.lift_restriction(tx, found.id, why, now)
    cancel_timer(tx, "restriction.review", found.id, now)
    # A debt that was charged off keeps the line from drawing for good.
    if not billing_store.charged_off(tx, [line.id]):
        refused = lines.lift_lock(tx, line.id, LockKind.ISSUER, Party.ISSUER, actor, now)
        if refused:
            return refused
    data = {"restriction": found.id, "why": why}
    tx.record(Entry(now, "line.restriction_lifted", "line", line.id, actor, data))
    if line.lifecycle is Lifecycle.ACTIVE:
        _tell(tx, office, line, found, "line.restriction_lifted", {"lifted_at": now}, now)
    return lines.get_line(tx, line.id)


def end(tx: Tx, office: Office, restriction_id: UUID, now: datetime) -> datetime | None:
    """The day of review is over: a restriction that nobody renewed with reasons ends by itself.

    When to look again, where it was renewed.
    """
    found = store.restriction(tx, restriction_id)
    line = lines.get_line(tx, found.line, lock=True) if found else None
    found = store.restriction(tx, restriction_id)
    if found is None or line is None or isinstance(line, Refusal):
        return None
    ends_at = end_of_day(found.review_on, line.timezone)
    if ends_at > now:
        return ends_at
    lift(tx, office, line.id, "not_renewed", "system", now)
    return None


def _tell(
    tx: Tx,
    office: Office,
    line: Line,
    found: Restriction,
    kind: str,
    facts: Mapping[str, object],
    now: datetime,
) -> None:
    customer = lines.get_customer(tx, line.customer)
    if isinstance(customer, Refusal):
        raise LookupError(f"line {line.id} has no customer")
    common = {
        "reference": found.reference,
        "timezone": line.timezone,
        "currency": line.currency,
        "issuer_name": office.issuer_name,
    }
    letter = NewNotice(
        kind=kind,
        subject_kind="line",
        subject=line.id,
        recipient=line.customer,
        language=customer.language,
        facts={**common, **facts},
        dedupe=f"{kind}:{found.id}:{found.review_on}",
    )
    notices.queue(tx, [letter], now)
