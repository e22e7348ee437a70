"""The end of a facility: what it agreed to is over, what is unpaid is a breach, and nothing is pledged."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from deals import deal, receivable
from worlds import DAY, at, buy, offences, open_line

from whiteslip import funding
from whiteslip.base import Refusal
from whiteslip.base.money import BASIS_POINTS
from whiteslip.funding import covenants, report, rules, store
from whiteslip.funding.acts import Statement
from whiteslip.funding.model import (
    Advance,
    Base,
    Deal,
    Overcollateralisation,
    Performance,
    Phase,
    Position,
    Rule,
    Verdict,
)
from whiteslip.store import Database
from whiteslip.store.database import journal_of

ID = funding.facility_id("warehouse")
LAST_TO_BUY, ENDS = DAY + timedelta(days=9), DAY + timedelta(days=60)
SHORT = deal(revolving_until=LAST_TO_BUY, ends_on=ENDS)


def night(db: Database, day: date) -> Base:
    with db.transaction() as tx:
        funding.run_night(tx, day, at(day, 23))
        return store.nights(tx, ID)[-1].base


def told(db: Database) -> list[tuple[str, dict[str, Any]]]:
    kinds = ("funding.amortisation_began", "funding.maturity_nears", "funding.matured")
    kinds += ("funding.unpaid_at_maturity", "funding.covenant_breached", "funding.deficient")
    with db.transaction() as tx:
        rows = [(row["kind"], row["data"]) for row in journal_of(tx, [ID])]
    return [row for row in rows if row[0] in kinds]


def state(db: Database, debt: int, day: date) -> None:
    with db.transaction() as tx:
        funding.state_position(tx, "warehouse", Position(debt_minor=debt), "treasury", at(day))


@pytest.mark.parametrize(
    ("day", "phase"),
    [
        (LAST_TO_BUY, Phase.REVOLVING),
        (LAST_TO_BUY + timedelta(days=1), Phase.AMORTISING),
        (ENDS - timedelta(days=1), Phase.AMORTISING),
        (ENDS, Phase.MATURED),
        (ENDS + timedelta(days=9), Phase.MATURED),
    ],
)
def test_a_facility_revolves_then_amortises_then_is_over_on_its_agreed_days(day: date, phase: Phase):
    assert rules.phase(SHORT, day, None) is phase
    early = rules.phase(SHORT, day, LAST_TO_BUY)
    assert early is (Phase.AMORTISING if phase is Phase.REVOLVING else phase)


@pytest.mark.parametrize(
    "lends",
    [
        {},
        {
            "advance": None,
            "overcollateralisation": Overcollateralisation(
                initial_pool_minor=1_000, revolving_bps=0, amortising_bps=BASIS_POINTS
            ),
        },
    ],
)
def test_from_its_last_day_a_base_is_the_cash_alone_and_each_receivable_says_why(lends: dict[str, Any]):
    agreed = msgspec.structs.replace(SHORT, currency="USD", **lends)
    pool = [receivable(n, 1_000 * n, opened_on=DAY) for n in (1, 2)]
    for day, rule in ((ENDS - timedelta(days=1), None), (ENDS, Rule.MATURED)):
        proof = rules.prove(agreed, ID, pool, day)
        assert [each.rule for each in proof] == [rule, rule]
        base = rules.base_of(agreed, proof, Position(700, 30), rules.phase(agreed, day, None), None)
        assert base.pool_minor == 3_000
        assert (base.eligible_minor == 0) is (rule is not None)
    assert (base.base_minor, base.deficiency_minor, base.ineligible) == (30, 670, (("matured", 3_000),))
    (left,) = covenants.tests(agreed, base, Position(700, 30), Performance())
    assert (left.test, left.actual, left.limit, left.headroom) == ("maturity", 700, 0, -700)
    assert left.is_breached


def test_the_agreed_end_of_revolving_is_told_once_and_ends_buying(db: Database):
    line = open_line(db)
    buy(db, line, 60_000, 12)
    _lend(db, SHORT)
    for after in range(8, 13):
        night(db, DAY + timedelta(days=after))
    kinds = [each for each in told(db) if each[0] == "funding.amortisation_began"]
    first = LAST_TO_BUY + timedelta(days=1)
    assert [data for _, data in kinds] == [{"day": first.isoformat(), "why": "agreed"}]
    with db.transaction() as tx:
        assert store.facilities(tx, "warehouse")[0].amortising_since is None, "a longer deal revolves again"
        assert funding.fill(tx, "warehouse", 10**9, first, "treasury", at(first)) == Refusal(
            "funding.amortising"
        )
        longer = msgspec.structs.replace(SHORT, revolving_until=ENDS - timedelta(days=1))
        funding.load(tx, longer, "treasury", at(first))
        assert funding.fill(tx, "warehouse", 10**9, first, "treasury", at(first)) == 0


def test_treasury_is_told_before_the_end_and_every_night_on_which_it_is_unpaid(db: Database):
    buy(db, open_line(db), 60_000, 12)
    _lend(db, SHORT)
    warned = ENDS - timedelta(days=45)
    for day in (warned - timedelta(days=1), warned, warned + timedelta(days=1), ENDS - timedelta(days=1)):
        night(db, day)
    (nears,) = [data for kind, data in told(db) if kind == "funding.maturity_nears"]
    assert (nears["day"], nears["act_by"], nears["who"]) == (warned.isoformat(), ENDS.isoformat(), "treasury")
    assert (nears["debt_minor"], nears["facility"]) == (20_000, "warehouse")
    assert night(db, ENDS).phase is Phase.MATURED
    night(db, ENDS + timedelta(days=1))
    state(db, 0, ENDS + timedelta(days=2))
    assert night(db, ENDS + timedelta(days=2)).deficiency_minor == 0
    night(db, ENDS + timedelta(days=3))
    after = [(kind, data) for kind, data in told(db) if data["day"] >= ENDS.isoformat()]
    assert [kind for kind, _ in after] == [
        "funding.covenant_breached",
        "funding.matured",
        "funding.unpaid_at_maturity",
        "funding.unpaid_at_maturity",
    ]
    assert after[0][1] | {"test": "maturity", "actual": 20_000, "limit": 0} == after[0][1]
    assert after[1][1]["unpaid_minor"] == 20_000
    assert [(data["act_by"], data["who"]) for _, data in after[2:]] == [
        ((ENDS + timedelta(days=n)).isoformat(), "treasury") for n in (0, 1)
    ]
    with db.transaction() as tx:
        refused = funding.fill(tx, "warehouse", 10**9, ENDS, "treasury", at(ENDS))
        assert refused == Refusal("funding.matured", {"ends_on": ENDS.isoformat()})
        assert funding.check(tx, "warehouse") == []
        proofs = [
            msgspec.json.decode(
                (store.proof(tx, ID, ENDS + timedelta(days=n)) or (0, b""))[1], type=list[Verdict]
            )
            for n in (2, 3)
        ]
        rows = [row for row in journal_of(tx, [ID]) if row["kind"] == "funding.pool_released"]
        free = tx.conn.execute("SELECT count(*) AS n FROM billing.v_pledge WHERE until IS NULL").fetchone()
    # On the night on which it was repaid it still held all; from then on nothing, and that is told once.
    assert {each.rule for each in proofs[0]} == {Rule.MATURED}
    assert proofs[1] == []
    (released,) = (row["data"] for row in rows)
    assert (released["day"], released["plans"]) == ((ENDS + timedelta(days=2)).isoformat(), 1)
    assert released["principal_minor"] == 60_000
    assert free == {"n": 0}
    assert offences(db) == []


def test_once_it_amortises_nothing_may_be_drawn_and_what_is_missing_is_still_told():
    def left(phase: Phase, debt: int) -> int:
        return Base(phase, 0, 0, 0, 0, 8_500, 0, 50_000, debt, (), ()).available_minor

    assert [left(phase, 20_000) for phase in Phase] == [30_000, 0, 0]
    assert [left(phase, 60_000) for phase in Phase] == [-10_000] * 3
    assert Base(Phase.AMORTISING, 0, 0, 0, 0, 8_500, 0, 50_000, 60_000, (), ()).deficiency_minor == 10_000


def test_the_funder_is_told_how_long_is_left_and_what_is_unpaid_at_the_end(db: Database):
    buy(db, open_line(db), 60_000, 12)
    _lend(db, SHORT)
    night(db, DAY)
    night(db, ENDS)
    with db.transaction() as tx:
        first, last = (funding.statement(tx, "warehouse", day) for day in (DAY, ENDS))
    assert isinstance(first, Statement)
    assert isinstance(last, Statement)
    for found, left in ((first, (9, 60, 0)), (last, (0, 0, 20_000))):
        term = [line for line in report.lines(found) if line[0] == "term"]
        assert tuple(line[3] for line in term) == left
        assert report.as_pdf(found).startswith(b"%PDF")
    assert report.as_csv(last).count("maturity") >= 2


def _lend(db: Database, agreed: Deal) -> None:
    assert agreed.advance == Advance(bps=8_500)
    with db.transaction() as tx:
        funding.load(tx, agreed, "treasury", at(DAY))
        funding.state_position(tx, "warehouse", Position(debt_minor=20_000), "treasury", at(DAY))
        assert funding.fill(tx, "warehouse", 10**9, DAY, "treasury", at(DAY)) == 60_000
