"""A debt taken as lost is still owed, costs no more, and what is paid of it is a recovery."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from worlds import DAY, at, buy, give_back, hold, items, line_of, locked, nights, offences, open_line, pay

from whiteslip import billing, ledger, packs
from whiteslip.base import Refusal
from whiteslip.billing import chargeoff, rules
from whiteslip.billing.chargeoff import ChargeOff, State
from whiteslip.billing.model import Bucket, Debt, RiskClass
from whiteslip.lines.model import LockKind
from whiteslip.store import Database
from whiteslip.store.database import journal_of

# Bought on 15 January, billed on 5 February, due on 25 February; the pack cn waits for 360 days.
DUE_ON = date(2026, 2, 25)
LATE = DUE_ON + timedelta(days=361)


def arrears(db: Database) -> UUID:
    """A line with 120.00 in twelve instalments at interest, of which nothing was ever paid."""
    line = open_line(db)
    buy(db, line, 12_000, 12)
    nights(db, DAY, DAY + timedelta(days=90))
    for month in range(4, 14):  # the nights that matter: a bill and its late fee
        on = date(2026 + (month - 1) // 12, (month - 1) % 12 + 1, 5)
        nights(db, on, on)
    return line


def ask(db: Database, line: UUID, actor: str, day: date = LATE) -> ChargeOff | Refusal:
    with db.transaction() as tx:
        return chargeoff.charge_off(tx, locked(tx, line), actor, at(day))


def lost(db: Database) -> UUID:
    """A line whose debt two people have charged off."""
    line = arrears(db)
    ask(db, line, "ann")
    done = ask(db, line, "ben")
    assert isinstance(done, ChargeOff)
    assert done.state is State.CHARGED_OFF
    return line


def settle(db: Database, line: UUID, actor: str) -> ChargeOff | Refusal:
    with db.transaction() as tx:
        return chargeoff.settle(tx, locked(tx, line), actor, at(LATE + timedelta(days=3)))


def debt_of(db: Database, line: UUID, day: date = LATE) -> Debt:
    with db.transaction() as tx:
        return billing.debt(tx, line, day)


def house(db: Database) -> dict[str, int]:
    """Net debits of the house's accounts that a charge-off moves, in minor units."""
    with db.transaction() as tx:
        rows = {row.code: row.debits - row.credits for row in ledger.trial_balance(tx)}
    return {code: rows[f"house.{code}"] for code in ("charged_off", "credit_losses", "recoveries", "waived")}


def moved(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {code: after[code] - before[code] for code in before if after[code] != before[code]}


def test_a_debt_is_charged_off_past_the_packs_days_and_by_two_people(db: Database):
    line = arrears(db)
    days = packs.load("cn").days("debt.charge_off_after_days")
    not_due = Refusal("charge_off.not_due", {"days": days})
    assert ask(db, line, "ann", DUE_ON + timedelta(days=days)) == not_due
    before = house(db)
    proposed = ask(db, line, "ann")
    assert isinstance(proposed, ChargeOff)
    assert proposed.state is State.PROPOSED
    assert ask(db, line, "ann") == Refusal("desk.own_proposal")
    assert house(db) == before, "one person takes no loss"
    owed = line_of(db, line).owed_minor
    done = ask(db, line, "ben")
    assert isinstance(done, ChargeOff)
    assert (done.state, done.amount_minor, done.days_past_due) == (State.CHARGED_OFF, owed, 361)
    assert ask(db, line, "cid") == done, "again changes nothing"
    assert moved(before, house(db)) == {"charged_off": -owed, "credit_losses": owed}
    found = line_of(db, line)
    assert found.owed_minor == owed, "the customer goes on owing it"
    assert LockKind.ISSUER in found.locks
    debt = debt_of(db, line)
    assert (rules.bucket(debt), rules.class_of(debt)) == (Bucket.CHARGED_OFF, RiskClass.LOSS)
    assert rules.stage_of(debt) == 3
    assert offences(db) == []


def test_the_night_proposes_what_is_due_and_one_person_is_enough_then(db: Database):
    line = arrears(db)
    with db.transaction() as tx:
        assert chargeoff.propose_due(tx, LATE - timedelta(days=1), at(LATE)) == 0
        assert chargeoff.propose_due(tx, LATE, at(LATE)) == 1
        assert chargeoff.propose_due(tx, LATE, at(LATE)) == 0
        assert [one.line for one in chargeoff.proposals(tx, None, 9) if one.line == line] == [line]
    done = ask(db, line, "ann")
    assert isinstance(done, ChargeOff)
    assert (done.proposed_by, done.approved_by) == ("system", "ann")


def test_a_proposal_that_was_paid_meanwhile_is_not_carried_out(db: Database):
    line = arrears(db)
    ask(db, line, "ann")
    with db.transaction() as tx:
        past_due = billing.debt(tx, line, LATE).past_due_minor
    pay(db, line, past_due, LATE)
    assert isinstance(ask(db, line, "ben"), Refusal)


def test_a_purchase_on_its_way_is_waited_for(db: Database):
    line = arrears(db)
    hold(db, line, 100, LATE)
    assert ask(db, line, "ann") == Refusal("charge_off.purchases_held")


def test_a_charged_off_debt_costs_no_more_and_is_asked_for_as_agreed(db: Database):
    line = lost(db)
    owed, open_ones = line_of(db, line).owed_minor, items(db, line)
    assert all(item.charged or not item.interest_minor + item.fee_minor for item in open_ones)
    nights(db, LATE + timedelta(days=1), LATE + timedelta(days=45))
    assert line_of(db, line).owed_minor == owed, "no interest and no late fee arise"
    assert [item.due_on for item in items(db, line)] == [item.due_on for item in open_ones]
    assert offences(db) == []


def test_what_is_paid_afterwards_is_a_recovery_in_the_usual_order(db: Database):
    line = lost(db)
    first, before = items(db, line)[0], house(db)
    paid = pay(db, line, first.total_minor, LATE + timedelta(days=1))
    assert items(db, line)[0].due_on >= first.due_on
    assert (first.plan, first.no) not in {(item.plan, item.no) for item in items(db, line)}
    assert moved(before, house(db)) == {"charged_off": first.total_minor, "recoveries": -first.total_minor}
    give_back(db, paid, LATE + timedelta(days=2))
    assert moved(before, house(db)) == {}, "what comes back is no recovery"
    assert offences(db) == []


def test_a_part_accepted_for_the_whole_ends_the_debt(db: Database):
    line = lost(db)
    assert settle(db, line, "ann") == Refusal("charge_off.nothing_paid")
    pay(db, line, 3_000, LATE + timedelta(days=2))
    rest, before = line_of(db, line).owed_minor, house(db)
    settle(db, line, "ann")
    assert settle(db, line, "ann") == Refusal("desk.own_proposal")
    done = settle(db, line, "ben")
    assert isinstance(done, ChargeOff)
    assert done.state is State.SETTLED
    assert line_of(db, line).owed_minor == 0
    assert moved(before, house(db)) == {"charged_off": rest, "credit_losses": -rest, "waived": rest}
    assert rules.bucket(debt_of(db, line)) is Bucket.SETTLED
    with db.transaction() as tx:
        (entry,) = [row for row in journal_of(tx, [line]) if row["kind"] == "debt.settled"]
    assert entry["data"] == {"recovered_minor": 3_000, "waived_minor": rest}
    assert offences(db) == []


def test_only_what_was_charged_off_is_settled(db: Database):
    assert settle(db, arrears(db), "ann") == Refusal("charge_off.not_charged_off")
