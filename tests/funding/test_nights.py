"""A facility night by night: pledged, based, proven, deficient, cured, made whole by two people."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest
from deals import deal
from worlds import DAY, at, buy, nights, offences, open_line, pay, refund

from whiteslip import funding
from whiteslip.base import Refusal
from whiteslip.funding import store
from whiteslip.funding.model import Base, Deal, Facility, Phase, Position, Remedy, RemedyKind
from whiteslip.store import Database
from whiteslip.store.database import journal_of

ID = funding.facility_id("warehouse")


def lend(db: Database, found: Deal | None = None, debt: int = 0, up_to: int = 10**9, day: date = DAY) -> int:
    """Load the deal, pledge what is eligible and state what was drawn; returns what was pledged."""
    with db.transaction() as tx:
        funding.load(tx, found or deal(), "treasury", at(day))
        funding.state_position(tx, "warehouse", Position(debt_minor=debt), "treasury", at(day))
        pledged = funding.fill(tx, "warehouse", up_to, day, "treasury", at(day))
    assert isinstance(pledged, int), pledged
    return pledged


def night(db: Database, day: date) -> Base:
    with db.transaction() as tx:
        funding.run_night(tx, day, at(day, 23))
        return store.nights(tx, ID)[-1].base


def facility(db: Database) -> Facility:
    with db.transaction() as tx:
        return store.facilities(tx, "warehouse")[0]


def told(db: Database) -> list[str]:
    with db.transaction() as tx:
        return [row["kind"] for row in journal_of(tx, [ID])]


def waiting(db: Database) -> list[Remedy]:
    with db.transaction() as tx:
        return store.remedies(tx, ID)


def decide(db: Database, remedy: UUID, by: str, approve: bool = True) -> Remedy | Refusal:
    with db.transaction() as tx:
        return funding.decide(tx, remedy, approve, DAY, by, at(DAY))


def plans(db: Database) -> list[UUID]:
    with db.transaction() as tx:
        return [each.plan for each in store.receivables(tx, facility(db), DAY)]


def test_a_pool_takes_the_oldest_first_up_to_an_amount_and_nothing_that_is_not_eligible(db: Database):
    line = open_line(db)
    buy(db, line, 40_000, 3)
    buy(db, line, 30_000, day=DAY + timedelta(days=1))
    buy(db, line, 20_000, day=DAY + timedelta(days=2))
    strict = deal("", eligibility=deal().eligibility.__class__(30, 90, balance_to_minor=39_999))
    assert lend(db, strict, up_to=45_000, day=DAY + timedelta(days=2)) == 30_000
    assert lend(db, strict, up_to=45_000, day=DAY + timedelta(days=2)) == 20_000
    assert night(db, DAY + timedelta(days=2)).base_minor == 42_500
    assert offences(db) == []


def test_a_night_is_kept_once_with_a_proof_that_gives_its_base_again(db: Database):
    line = open_line(db)
    buy(db, line, 60_000, 3)
    lend(db, debt=10_000)
    first = night(db, DAY)
    assert (first.pool_minor, first.base_minor, first.available_minor) == (60_000, 51_000, 41_000)
    buy(db, line, 999, day=DAY)
    assert night(db, DAY) == first, "what is kept stays"
    with db.transaction() as tx:
        assert funding.check(tx, "warehouse") == []
        assert funding.check(tx, "warehouse", DAY + timedelta(days=1)) == Refusal("funding.no_night")
        assert funding.check(tx, "unknown") == Refusal("funding.not_found")
        kept = store.proof(tx, ID)
    assert kept
    assert b'"rule":null' in kept[1]


def test_a_proof_that_somebody_changed_is_found(db: Database, monkeypatch: pytest.MonkeyPatch):
    buy(db, open_line(db), 60_000, 3)
    lend(db)
    night(db, DAY)
    with db.transaction() as tx:
        kept = store.proof(tx, ID)
        assert kept
        plain = kept[1].replace(b'"principal_minor":60000', b'"principal_minor":60001')
        changed = (DAY, plain, kept[2])

        def proof(_tx: object, _facility: UUID, _day: date | None = None) -> tuple[date, bytes, bytes]:
            return changed

        monkeypatch.setattr(store, "proof", proof)
        found = funding.check(tx, "warehouse")
    assert found == [
        f"{DAY}: the proof does not give its hash",
        f"{DAY}: the proof does not give the base that was kept",
    ]


def test_a_kept_night_is_never_written_again(db: Database):
    buy(db, open_line(db), 60_000)
    lend(db)
    night(db, DAY)
    with pytest.raises(psycopg.Error), db.transaction() as tx:
        tx.conn.execute("UPDATE funding.night SET pool_minor = 1")


def test_what_is_late_leaves_the_base_and_a_deficiency_rings_every_night_until_it_is_cured(db: Database):
    line = open_line(db)
    buy(db, line, 60_000)
    lend(db, deal(cure_days=30), debt=51_000)
    assert night(db, DAY).deficiency_minor == 0
    late = date(2026, 3, 27)
    nights(db, DAY, late)
    assert night(db, late - timedelta(days=1)).deficiency_minor == 0, "29 days past due"
    found = night(db, late)
    assert (found.ineligible, found.deficiency_minor) == ((("past_due", 60_000),), 51_000)
    night(db, late + timedelta(days=1))
    assert facility(db).deficient_since == late
    with db.transaction() as tx:
        funding.state_position(tx, "warehouse", Position(), "treasury", at(late))
    night(db, late + timedelta(days=2))
    assert facility(db).deficient_since is None
    rung = [kind for kind in told(db) if kind in ("funding.deficient", "funding.cured")]
    assert rung == ["funding.deficient", "funding.deficient", "funding.cured"]
    assert told(db).count("funding.covenant_breached") == 1


def test_a_deficiency_that_nobody_cures_in_time_begins_the_amortisation(db: Database):
    buy(db, open_line(db), 60_000)
    lend(db, deal(cure_days=2), debt=51_001)
    for days in range(3):
        assert facility(db).amortising_since is None
        found = night(db, DAY + timedelta(days=days))
        assert (found.deficiency_minor, found.phase) == (1, Phase.REVOLVING)
    assert facility(db).amortising_since == DAY + timedelta(days=2)
    assert night(db, DAY + timedelta(days=3)).phase is Phase.AMORTISING
    with db.transaction() as tx:
        filled = funding.fill(tx, "warehouse", 1, DAY + timedelta(days=3), "treasury", at(DAY))
    assert filled == Refusal("funding.amortising")


def test_a_pool_under_its_minimum_amortises_at_once(db: Database):
    buy(db, open_line(db), 60_000)
    triggers = deal().triggers.__class__(pool_at_least_minor=60_001)
    lend(db, deal(triggers=triggers))
    night(db, DAY)
    assert facility(db).amortising_since == DAY


def test_what_a_shop_gives_back_the_originator_pays_in_once_two_people_agree(db: Database):
    line = open_line(db)
    bought = buy(db, line, 60_000, 3)
    lend(db)
    refund(db, line, bought, 20_000, DAY)
    night(db, DAY)
    [found] = waiting(db)
    assert (found.kind, found.price_minor) == (RemedyKind.DEEMED_COLLECTION, 20_000)
    first = decide(db, found.id, "staff:a")
    assert isinstance(first, Remedy)
    assert (first.endorsed_by, first.outcome) == ("staff:a", None)
    assert decide(db, found.id, "staff:a") == Refusal("desk.own_proposal")
    assert facility(db).position.cash_minor == 0
    decide(db, found.id, "staff:b")
    assert facility(db).position.cash_minor == 20_000
    assert decide(db, found.id, "staff:c") == Refusal("funding.remedy_decided")
    assert len(plans(db)) == 1, "the plan stays in the pool"


def test_who_proposes_to_buy_back_does_not_approve_it_and_the_price_is_what_is_left(db: Database):
    line = open_line(db)
    buy(db, line, 60_000)
    lend(db)
    [plan] = plans(db)
    with db.transaction() as tx:
        made = funding.propose(tx, "warehouse", plan, None, "servicing", DAY, "staff:a", at(DAY))
        again = funding.propose(tx, "warehouse", plan, None, "servicing", DAY, "staff:a", at(DAY))
        other = funding.propose(tx, "warehouse", line, None, "servicing", DAY, "staff:a", at(DAY))
    assert isinstance(made, Remedy)
    assert (again, other) == (Refusal("funding.remedy_open"), Refusal("funding.not_pledged"))
    assert decide(db, made.id, "staff:a") == Refusal("desk.own_proposal")
    nights(db, DAY, date(2026, 2, 5))
    pay(db, line, 10_000, date(2026, 2, 6))
    done = decide(db, made.id, "staff:b")
    assert isinstance(done, Remedy)
    assert (done.price_minor, facility(db).position.cash_minor, plans(db)) == (50_000, 50_000, [])


def test_what_comes_in_instead_is_eligible_and_worth_as_much(db: Database):
    line = open_line(db)
    buy(db, line, 60_000)
    lend(db)
    [plan] = plans(db)
    buy(db, line, 59_999)
    buy(db, line, 70_000)
    with db.transaction() as tx:
        free = store.receivables(tx, store.facilities(tx)[0], DAY, candidates=True)
        small, large = sorted(free, key=lambda each: each.principal_minor)
        poor = funding.propose(tx, "warehouse", plan, small.plan, "swap", DAY, "staff:a", at(DAY))
        good = funding.propose(tx, "warehouse", plan, large.plan, "swap", DAY, "staff:a", at(DAY))
    assert poor == Refusal("funding.not_eligible")
    assert isinstance(good, Remedy)
    decide(db, good.id, "staff:b")
    assert (plans(db), facility(db).position.cash_minor) == ([large.plan], 0)


def test_a_new_version_of_a_deal_counts_from_the_next_night_and_old_nights_are_proven_with_theirs(
    db: Database,
):
    buy(db, open_line(db), 60_000)
    lend(db)
    night(db, DAY)
    stricter = deal().advance.__class__(bps=5_000)  # type: ignore[union-attr]
    with db.transaction() as tx:
        version = funding.load(tx, deal(advance=stricter), "treasury", at(DAY))
        assert funding.load(tx, deal(advance=stricter), "treasury", at(DAY)) == version
        assert len(store.versions(tx, ID)) == 2
        wrong = funding.load(tx, deal(currency="EUR"), "treasury", at(DAY))
        assert wrong == Refusal("funding.currency_fixed", {"currency": "CNY"})
    assert night(db, DAY + timedelta(days=1)).base_minor == 30_000
    with db.transaction() as tx:
        assert funding.check(tx, "warehouse", DAY) == []
        assert funding.check(tx, "warehouse", DAY + timedelta(days=1)) == []


def test_the_database_refuses_one_person_for_both_signatures(db: Database):
    buy(db, open_line(db), 60_000)
    lend(db)
    [plan] = plans(db)
    with db.transaction() as tx:
        made = funding.propose(tx, "warehouse", plan, None, "x", DAY, "staff:a", at(DAY))
    assert isinstance(made, Remedy)
    with pytest.raises(psycopg.errors.CheckViolation), db.transaction() as tx:
        tx.conn.execute(
            "UPDATE funding.remedy SET outcome = 'approved', decided_by = 'staff:a', decided_at = %s",
            (at(DAY),),
        )
