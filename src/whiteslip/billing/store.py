"""Rows of billing to and from its model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from itertools import accumulate
from typing import Final, TypeAlias
from uuid import UUID

from whiteslip.base.ids import NO_ID
from whiteslip.billing import rules
from whiteslip.billing.model import (
    Bill,
    BookTotal,
    Debt,
    Forborne,
    Hardship,
    Instalment,
    NewCharge,
    NewPlan,
    OpenItem,
    Part,
    Payment,
    Payout,
    Record,
    Relief,
    Settled,
)
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row, columns_of

_queries = load_queries(__file__)
_EVER: Final = datetime.min.replace(tzinfo=UTC)

# Line, source, kind (see the table), what is settled, the day of booking and the day it counts from.
Settlement: TypeAlias = tuple[UUID, UUID, str, Part, date, date]


def add_plans(tx: Tx, plans: Sequence[NewPlan]) -> None:
    """Store plans with their schedules, set-based.

    What is not a purchase is owed from the start: its interest and fee are charged already.
    """
    if not plans:
        return
    flat = [(p, r) for p in plans for r in p.rows]
    _queries.add_plans(
        tx.conn,
        id=[p.id for p in plans],
        line=[p.line for p in plans],
        purchase=[p.purchase for p in plans],
        kind=[p.kind for p in plans],
        plan_principal_minor=[sum(r.principal_minor for r in p.rows) for p in plans],
        instalments=[len(p.rows) for p in plans],
        monthly_fee_bps=[p.product.monthly_fee_bps for p in plans],
        apr_bps=[p.product.apr_bps for p in plans],
        opened_on=[p.opened_on for p in plans],
        plan=[p.id for p, _ in flat],
        no=[r.no for _, r in flat],
        line_of=[p.line for p, _ in flat],
        bill_on=[r.bill_on for _, r in flat],
        due_on=[r.due_on for _, r in flat],
        principal_minor=[r.principal_minor for _, r in flat],
        interest_minor=[r.interest_minor for _, r in flat],
        fee_minor=[r.fee_minor for _, r in flat],
        outstanding_minor=[minor for p in plans for minor in _outstanding(p)],
        charged=[p.kind != "purchase" for p, _ in flat],
    )


def _outstanding(plan: NewPlan) -> list[int]:
    """Principal that is scheduled in each row or after it."""
    sums = list(accumulate(row.principal_minor for row in reversed(plan.rows)))
    return sums[::-1]


def open_items(
    tx: Tx, lines: Sequence[UUID], whole: Sequence[UUID] | None = None
) -> dict[UUID, list[OpenItem]]:
    """Open instalments by line, by due day; every line asked for is present.

    Where ``whole`` is given, lines that are not in it come with what is charged only.
    """
    found: dict[UUID, list[OpenItem]] = {line: [] for line in lines}
    asked = list(lines)
    rows = _queries.open_instalments(tx.conn, lines=asked, whole=asked if whole is None else list(whole))
    for row in rows:
        found[row["line"]].append(OpenItem(**row))
    return found


def schedule(tx: Tx, line: UUID) -> list[Row]:
    """Every instalment of a line, paid or not: plan, no, days, sums, what is settled, kind."""
    return list(_queries.schedule(tx.conn, line=line))


def settle_many(tx: Tx, rows: Sequence[Settlement]) -> None:
    """Count settlements against their instalments and keep them as the trace of their source."""
    if not rows:
        return
    lines, sources, kinds, parts, days, value_days = zip(*rows, strict=True)
    _queries.settle(
        tx.conn,
        source=list(sources),
        line=list(lines),
        plan=[p.plan for p in parts],
        no=[p.no for p in parts],
        component=[p.component for p in parts],
        amount_minor=[p.amount_minor for p in parts],
        kind=list(kinds),
        on_day=list(days),
        value_on=list(value_days),
        sale=[p.sale for p in parts],
    )


def settlements_of(tx: Tx, source: UUID) -> list[Settled]:
    """What a payment settled and gave up, with its kind; ``charged`` is how the instalment stands now."""
    return [
        Settled(
            row["kind"],
            Part(row["component"], row["amount_minor"], row["plan"], row["no"], row["sale"]),
            row["charged"],
        )
        for row in _queries.settlements_of(tx.conn, source=source)
    ]


def late_lines(tx: Tx, day: date, least: int, most: int, count: int) -> list[UUID]:
    """Lines that are ``least`` to ``most`` days past due on ``day``, the latest first, at most ``count``."""
    rows = _queries.late_lines(tx.conn, day=day, least=least, most=most, count=count)
    return [row["line"] for row in rows]


def debts(tx: Tx, lines: Sequence[UUID], day: date) -> dict[UUID, Debt]:
    """Debts of lines with open instalments, on ``day``."""
    return {
        row["line"]: replace(
            rules.debt_on(
                day,
                row["past_due_since"],
                row["past_due_minor"],
                row["billed_minor"],
                row["unbilled_minor"],
                _forborne(row),
            ),
            charged_off=row["charged_off"],
        )
        for row in _queries.debts(tx.conn, lines=list(lines), day=day)
    }


def _forborne(row: Row) -> Forborne | None:
    if row["agreed_on"] is None:
        return None
    return Forborne(row["agreed_on"], row["frozen_days"], row["observed_until"], row["distressed"])


def changes(tx: Tx, line: UUID, until: date) -> list[tuple[date, int, int]]:
    """Of each day up to ``until`` that changed something: by how much what is past due, and all owed."""
    rows = _queries.changes(tx.conn, line=line, until=until)
    return [(row["day"], row["past_due_minor"], row["owed_minor"]) for row in rows]


def charged_off(tx: Tx, lines: Collection[UUID]) -> set[UUID]:
    """Those of ``lines`` whose debt was charged off."""
    return {row["line"] for row in _queries.charged_off(tx.conn, lines=list(lines))} if lines else set()


def settled(tx: Tx, line: UUID) -> bool:
    """Whether a part of a line's charged-off debt was accepted for the whole."""
    return bool(_queries.settled(tx.conn, line=line))


def add_hardship(tx: Tx, made: Hardship) -> None:
    """Store a hardship plan that was just agreed."""
    _queries.add_hardship(tx.conn, **columns_of(made))


def hardship(tx: Tx, line: UUID) -> Hardship | None:
    """The newest hardship plan of a line whose observation is not over."""
    row = _queries.hardship(tx.conn, line=line)
    return Hardship(**(row | {"relief": Relief(row["relief"])})) if row else None


def hardships(tx: Tx, line: UUID) -> list[Hardship]:
    """Every hardship plan of a line there was, oldest first."""
    rows = _queries.hardships(tx.conn, line=line)
    return [Hardship(**(row | {"relief": Relief(row["relief"])})) for row in rows]


def rows_of(tx: Tx, line: UUID, plan: UUID) -> list[Instalment]:
    """The schedule of one plan of a line, as it was fixed."""
    names = [field.name for field in fields(Instalment)]
    return [Instalment(*(row[name] for name in names)) for row in schedule(tx, line) if row["plan"] == plan]


def waived_by(tx: Tx, source: UUID) -> int:
    """What an act gave up of what was owed, minor units."""
    return sum(s.part.amount_minor for s in settlements_of(tx, source) if s.kind == "waiver")


def break_hardships(tx: Tx, day: date) -> list[tuple[UUID, UUID]]:
    """Mark plans as broken that have an instalment late beyond grace: line and plan of each."""
    return [(row["line"], row["plan"]) for row in _queries.break_hardships(tx.conn, day=day)]


def end_hardships(tx: Tx, day: date) -> list[tuple[UUID, UUID]]:
    """End the observation of plans that have earned it: line and plan of each."""
    return [(row["line"], row["plan"]) for row in _queries.end_hardships(tx.conn, day=day)]


def lines_to_bill(tx: Tx, day: date, count: int) -> list[UUID]:
    """Up to ``count`` lines with something that falls into a bill by ``day``."""
    return [row["line"] for row in _queries.lines_to_bill(tx.conn, day=day, count=count)]


def charges(tx: Tx, day: date, lines: Sequence[UUID]) -> dict[UUID, NewCharge]:
    """What the bills of ``day`` will make owed, by line; the lines are locked."""
    rows = _queries.charges(tx.conn, day=day, lines=list(lines))
    return {row["line"]: NewCharge(row["interest_minor"], row["fee_minor"]) for row in rows}


def issue_bills(tx: Tx, day: date, lines: Sequence[UUID], ids: Sequence[UUID]) -> list[Bill]:
    """One bill per line from what falls into it and is not settled."""
    return [Bill(**row) for row in _queries.issue_bills(tx.conn, day=day, lines=list(lines), ids=list(ids))]


def bills(tx: Tx, line: UUID) -> list[Bill]:
    """The bills of a line, oldest first."""
    return [Bill(**row) for row in _queries.bills(tx.conn, line=line)]


def late(tx: Tx, day: date, lines: Sequence[UUID] | None = None) -> dict[UUID, tuple[int, int]]:
    """What is unpaid, by line, of bills that ran out of grace on ``day`` and have no late fee yet, and the
    late fee of the terms on which it was bought: the lowest of several.
    """
    rows = _queries.late(tx.conn, day=day, lines=None if lines is None else list(lines))
    return {row["line"]: (row["unpaid_minor"], row["fee_minor"]) for row in rows}


def lateness(tx: Tx, purchases: Sequence[UUID], day: date) -> dict[UUID, int]:
    """The most days past due that any instalment of each captured purchase ever was by ``day``."""
    rows = _queries.lateness(tx.conn, purchases=list(purchases), day=day)
    return {row["purchase"]: row["days"] for row in rows}


def add_payments(tx: Tx, payments: Sequence[Payment]) -> None:
    """Store payments, set-based."""
    if payments:
        _queries.add_payments(
            tx.conn,
            id=[p.id for p in payments],
            line=[p.line for p in payments],
            reference=[p.reference for p in payments],
            method=[p.method for p in payments],
            amount_minor=[p.amount_minor for p in payments],
            value_on=[p.value_on for p in payments],
            clears_on=[p.clears_on for p in payments],
            received_at=[p.received_at for p in payments],
        )


def line_of_payment(tx: Tx, payment_id: UUID) -> UUID | None:
    """The line a payment was made on; to lock it before the payment is read."""
    return _queries.line_of_payment(tx.conn, id=payment_id)


def payment(tx: Tx, payment_id: UUID) -> Payment | None:
    """A payment by id."""
    row = _queries.payment(tx.conn, id=payment_id)
    return Payment(**row) if row else None


def payments_by_reference(tx: Tx, keys: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], list[Payment]]:
    """Payments that are known already, by line and the payer's reference: all that were corrected, and the
    one that stands.
    """
    rows = _queries.payments_by_reference(
        tx.conn, lines=[line for line, _ in keys], references=[reference for _, reference in keys]
    )
    found: dict[tuple[UUID, str], list[Payment]] = {}
    for row in rows:
        found.setdefault((row["line"], row["reference"]), []).append(Payment(**row))
    return found


def payments(tx: Tx, line: UUID) -> list[Payment]:
    """A line's payments by value date."""
    return [Payment(**row) for row in _queries.payments(tx.conn, line=line)]


def page_of_payments(tx: Tx, line: UUID, after: Payment | None, count: int) -> list[Payment]:
    """Up to ``count`` of a line's payments that arrived after ``after``, in that order."""
    at, last = (after.received_at, after.id) if after else (_EVER, NO_ID)
    rows = _queries.page_of_payments(tx.conn, line=line, at=at, after=last, count=count)
    return [Payment(**row) for row in rows]


def mark_corrected(tx: Tx, payment_id: UUID, by: UUID) -> None:
    """Note which payment says what this one should have said."""
    _queries.correct_payment(tx.conn, id=payment_id, by=by)


def mark_returned(tx: Tx, payment_id: UUID, now: datetime) -> None:
    """Note that a payment came back."""
    _queries.return_payment(tx.conn, id=payment_id, now=now)


def record(tx: Tx, line: UUID, day: date, since: date, returned_since: datetime) -> Record:
    """The payment record of a line: sums since ``since``, returns since ``returned_since``."""
    row = _queries.record(tx.conn, line=line, day=day, since=since, returned_since=returned_since)
    return Record(**row)


def stop_fees(tx: Tx, line: UUID, now: datetime) -> bool:
    """Note that no fee arises on a line any more; False when that was so already."""
    return _queries.stop_fees(tx.conn, line=line, now=now) > 0


def allow_fees(tx: Tx, line: UUID) -> None:
    """Note that fees may arise again."""
    _queries.allow_fees(tx.conn, line=line)


def fees_stopped(tx: Tx, lines: Sequence[UUID]) -> tuple[set[UUID], set[UUID]]:
    """Those of ``lines`` on which no fee arises any more, and purchases on them that have no price."""
    rows = list(_queries.fees_stopped(tx.conn, lines=list(lines)))
    stopped = {row["line"] for row in rows if row["purchase"] is None}
    return stopped, {row["purchase"] for row in rows if row["purchase"]}


def fees_paid(tx: Tx, line: UUID) -> int:
    """Fees of a line that were paid, less what came back."""
    return _queries.fees_paid(tx.conn, line=line)


def interest_paid(tx: Tx, plans: Collection[UUID]) -> int:
    """Interest of plans that was paid, less what came back."""
    return _queries.interest_paid(tx.conn, plans=list(plans))


def add_payout(tx: Tx, payout: Payout) -> None:
    """Store a payout that was just sent, or waits for an account."""
    _queries.add_payout(
        tx.conn,
        id=payout.id,
        line=payout.line,
        currency=payout.currency,
        amount_minor=payout.amount_minor,
        state=payout.state,
        now=payout.sent_at,
        account=payout.account,
    )


def move_payout(tx: Tx, payout: Payout) -> None:
    """Write where a payout stands."""
    _queries.move_payout(
        tx.conn,
        id=payout.id,
        state=payout.state,
        sent_at=payout.sent_at,
        bounced_at=payout.bounced_at,
        account=payout.account,
    )


def payout(tx: Tx, payout_id: UUID) -> Payout | None:
    """A payout by id."""
    row = _queries.payout(tx.conn, id=payout_id)
    return Payout(**row) if row else None


def payouts(tx: Tx, line: UUID, after: UUID | None = None, count: int | None = None) -> list[Payout]:
    """A line's payouts, oldest first: those with ids above ``after``, all or up to ``count``."""
    rows = _queries.payouts(tx.conn, line=line, after=after or NO_ID, count=count)
    return [Payout(**row) for row in rows]


def take_book_total(tx: Tx, day: date, npl_after: int) -> None:
    """Keep the whole book's sums for ``day``; non-performing is more than ``npl_after`` days late."""
    _queries.take_book_total(tx.conn, day=day, npl_after=npl_after)


def book_total(tx: Tx, currency: str, day: date) -> BookTotal | None:
    """The newest sums kept on or before ``day``."""
    row = _queries.book_total(tx.conn, currency=currency, day=day)
    return BookTotal(**row) if row else None


def violations(tx: Tx, day: date | None = None) -> list[str]:
    """Offending rows of billing's invariants, in words; of what changed on ``day`` only, if given."""
    return [f"{row['invariant']}: {row['detail']}" for row in _queries.violations(tx.conn, day=day)]
