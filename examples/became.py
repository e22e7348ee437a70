"""What became of those who left: how each case ended, and everything that must not have happened."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from whiteslip import billing, day, decisions, ledger, notices
from whiteslip.billing import store as billing_store
from whiteslip.billing.model import Debt
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Exit, State
from whiteslip.store import Database, Tx
from whiteslip.store.database import verify_journal


def tell(
    database: Database,
    cases: Mapping[UUID, UUID],
    bucket: Mapping[UUID, str],
    stopped_at: datetime,
    last: date,
) -> int:
    """Count what became of everybody by the ``last`` day, and what should not have happened since the stop.

    ``cases`` and ``bucket`` are each line's case and the debt state it was in when it was to leave.
    1 when anything is not as promised.
    """
    became: defaultdict[tuple[str, str], list[date | str | None]] = defaultdict(list)
    letters: Counter[int] = Counter()
    with database.transaction() as tx:
        debts = billing.debts(tx, list(cases), last)
        for line, asked in cases.items():
            case = exits_store.find(tx, asked)
            assert case
            ground = f" ({case.ground})" if case.ground else ""
            outcome = f"{case.state}{ground}, {case.why}"
            became[bucket[line], outcome].append(explained(tx, case, debts.get(line)))
            sent = [n for n in notices.of_subject(tx, case.id) if n.kind == "exit.closed"]
            if case.state is State.CLOSED:
                letters[len(sent)] += 1
        offences = day.every_violation(tx)
        balanced = ledger.is_balanced(ledger.trial_balance(tx))
        broken = verify_journal(tx)
        replayed = decisions.replay(tx)
        sold, declined = tries(tx, cases, stopped_at)
        nights = tx.conn.execute("SELECT count(*) AS nights FROM ledger.sealed_day").fetchone()
    assert nights
    print(f"{len(cases)} asked to leave, from every debt state; {nights['nights']} nights were sealed\n")
    for group in sorted(set(bucket.values())):
        print(f"{group} ({sum(len(some) for (of, _), some in became.items() if of == group)})")
        for (_, ended), some in sorted((key, some) for key, some in became.items() if key[0] == group):
            print(f"  {len(some):4}  {ended}{between(some, last)}")
    whole = set(letters) <= {1}
    print(f"\npurchases after the stop: {sold} authorised, {declined} declined")
    print(f"closing letters per closed case: {dict(letters)}")
    print(f"trial balance: {'zero' if balanced else 'NOT ZERO'}, sealed every night")
    print(f"broken invariants: {len(offences)} (schedules, stops and books among them)")
    print(f"journal: {len(broken)} faults; decisions: {replayed.differing} differ when decided again")
    unexplained = [some for some in became.values() if None in some]
    good = balanced and whole and not (offences or broken or sold or replayed.differing or unexplained)
    return 0 if good else 1


def explained(tx: Tx, case: Exit, debt: Debt | None) -> date | str | None:
    """Why a case stands where it does: since when its debt is past due, or until when it is due, or a ground.

    None where nothing says.
    """
    match case.state:
        case State.RUN_OFF:
            due = [row["due_on"] for row in billing_store.schedule(tx, case.line)]
            return (debt.past_due_since if debt else None) or max(due, default=None)
        case State.HELD:
            return case.ground
        case State.CLEARING:
            return case.why if case.due_at else None
        case State.CLOSED:
            return case.why
        case _:
            return None


def between(reasons: Sequence[date | str | None], last: date) -> str:
    """The first and the last of dated reasons, in words."""
    days = sorted(reason for reason in reasons if isinstance(reason, date))
    late, ahead = [day for day in days if day < last], [day for day in days if day >= last]
    said = f", past due since {late[0]} to {late[-1]}" if late else ""
    return said + (f", due until {ahead[-1]}" if ahead else "")


def tries(tx: Tx, cases: Mapping[UUID, UUID], since: datetime) -> tuple[int, int]:
    """How many purchases on lines were granted and refused since people left, whoever sold."""
    row = tx.conn.execute(
        """SELECT count(*) FILTER (WHERE kind = 'purchase.authorised') AS sold,
            count(*) FILTER (WHERE kind = 'purchase.declined') AS declined
        FROM store.journal WHERE subject = ANY(%(lines)s::uuid[]) AND at >= %(since)s""",
        {"lines": list(cases), "since": since},
    ).fetchone()
    assert row
    return row["sold"], row["declined"]
