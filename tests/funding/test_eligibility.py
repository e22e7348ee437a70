"""Which receivables count: each rule at its edge, what holds for any pool, and what the books tell."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from deals import DAY, DEAL, deal, receivable
from hypothesis import given
from hypothesis import strategies as st
from worlds import DAY as BOUGHT
from worlds import at, buy, locked, nights, open_line, pay

from whiteslip import lines, purchases
from whiteslip.base import Refusal
from whiteslip.billing import chargeoff
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.exits.model import Channel
from whiteslip.exits.withdrawal import withdraw
from whiteslip.funding import deals, rules, store
from whiteslip.funding.eligibility import against, ineligible
from whiteslip.funding.model import (
    Base,
    Bucket,
    Concentration,
    Deal,
    Facility,
    Phase,
    Position,
    Receivable,
    Rule,
)
from whiteslip.lines.model import LockKind, Party
from whiteslip.purchases import Capture, Purchase, Request
from whiteslip.store import Database

OFFICE = Office(Tables.load(), "Test Lender")
HERE = UUID(int=77)
ELSEWHERE = UUID(int=78)
STRICT: dict[str, Any] = {
    "jurisdictions": ("cn", "us"),
    "cash_eligible": False,
    "categories_excluded": ("gambling",),
    "instalments_at_least": 3,
    "instalments_at_most": 12,
    "rate_at_least_bps": 500,
    "rate_at_most_bps": 2_400,
    "term_days_at_most": 365,
    "remaining_days_at_least": 30,
    "remaining_days_at_most": 355,
    "balance_from_minor": 100,
    "balance_to_minor": 10_000,
    "seasoned_days_at_least": 10,
    "forbearances_at_most": 1,
    "set_off_at_most_minor": 50,
    "closed_account_eligible": False,
}
# Just inside every rule.
EDGE: dict[str, Any] = {
    "currency": "CNY",
    "jurisdiction": "cn",
    "pledged_to": HERE,
    "days_past_due": 29,
    "forbearances": 1,
    "instalments": 12,
    "rate_bps": 500,
    "term_days": 365,
    "opened_on": date(2026, 3, 21),
    "credit_minor": 50,
}


def with_rules(**changed: Any) -> Deal:
    """The small deal with these rules, and no limits."""
    found = deal(commitment_minor=10**12)
    return msgspec.structs.replace(found, eligibility=msgspec.structs.replace(found.eligibility, **changed))


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"currency": "USD"}, Rule.CURRENCY),
        ({"pledged_to": ELSEWHERE}, Rule.PLEDGED_ELSEWHERE),
        ({"disputed": True}, Rule.DISPUTED),
        ({"principal_minor": 0}, Rule.PAID),
        ({"days_past_due": 90}, Rule.CHARGED_OFF),
        ({"charged_off": True, "days_past_due": 0}, Rule.CHARGED_OFF),
        ({"days_past_due": 30}, Rule.PAST_DUE),
        ({"estate": True}, Rule.ESTATE),
        ({"legal_hold": True}, Rule.LEGAL_HOLD),
        ({"withdrawn": True}, Rule.WITHDRAWN),
        ({"forbearances": 2}, Rule.FORBORNE),
        ({"kind": "residual"}, Rule.KIND),
        ({"jurisdiction": "eu"}, Rule.JURISDICTION),
        ({"cash": True}, Rule.CASH),
        ({"category": "gambling"}, Rule.CATEGORY),
        ({"instalments": 2}, Rule.INSTALMENTS),
        ({"instalments": 13}, Rule.INSTALMENTS),
        ({"rate_bps": 499}, Rule.RATE),
        ({"rate_bps": 2_401}, Rule.RATE),
        ({"term_days": 366}, Rule.TERM),
        ({"term_days": 39}, Rule.REMAINING_TERM),
        ({"term_days": 365, "opened_on": date(2026, 3, 22)}, Rule.REMAINING_TERM),
        ({"principal_minor": 99}, Rule.TOO_SMALL),
        ({"principal_minor": 10_001}, Rule.TOO_LARGE),
        ({"term_days": 364, "opened_on": date(2026, 3, 22)}, Rule.UNSEASONED),
        ({"credit_minor": 51}, Rule.SET_OFF),
        ({"account_open": False}, Rule.ACCOUNT_CLOSED),
    ],
)
def test_each_rule_keeps_out_what_it_names_and_nothing_less(facts: dict[str, object], rule: Rule):
    strict = with_rules(**STRICT)
    for good in ({"principal_minor": 10_000}, {"term_days": 40}, {"instalments": 3, "rate_bps": 2_400}):
        assert ineligible(strict, HERE, receivable(1, 100, **EDGE | good), DAY) is None
    assert ineligible(strict, HERE, receivable(1, 100, **EDGE | facts), DAY) is rule


def test_every_rule_has_a_case_and_a_deal_without_parameters_asks_only_what_no_deal_does_without():
    bad = receivable(
        1,
        10**9,
        jurisdiction="eu",
        cash=True,
        category="gambling",
        instalments=60,
        rate_bps=9_999,
        term_days=3_000,
        credit_minor=10**6,
        account_open=False,
        currency="CNY",
    )
    assert list(against(with_rules(), HERE, bad, DAY)) == []
    worst = receivable(1, 0, currency="USD", pledged_to=ELSEWHERE, disputed=True, days_past_due=99)
    assert next(against(with_rules(), HERE, worst, DAY)) is Rule.CURRENCY
    order = list(Rule)
    found = [order.index(rule) for rule in against(with_rules(**STRICT), HERE, worst, DAY)]
    assert found == sorted(found), "told in the order in which a reason is chosen"


def test_who_has_left_is_lent_against_all_the_same_unless_the_deal_says_otherwise():
    gone = receivable(1, 100, currency="CNY", account_open=False)
    assert deal().eligibility.closed_account_eligible
    assert ineligible(deal(), HERE, gone, DAY) is None


pools = st.lists(
    st.builds(
        receivable,
        st.integers(1, 10_000),
        st.integers(0, 20_000),
        currency=st.just("CNY"),
        obligor=st.integers(1, 3).map(lambda n: UUID(int=n)),
        merchant=st.sampled_from("ab"),
        category=st.sampled_from(["", "food", "gambling"]),
        jurisdiction=st.sampled_from(["cn", "eu"]),
        cash=st.booleans(),
        instalments=st.integers(1, 13),
        rate_bps=st.integers(0, 3_000),
        term_days=st.integers(20, 400),
        opened_on=st.dates(date(2025, 6, 1), DAY),
        days_past_due=st.sampled_from([0, 0, 0, 14, 29, 30, 95]),
        forbearances=st.integers(0, 2),
        credit_minor=st.integers(0, 100),
        pd_bps=st.none() | st.integers(0, 9_000),
        account_open=st.booleans(),
        legal_hold=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda each: each.plan,
)


@st.composite
def two_deals(draw: st.DrawFn) -> tuple[Deal, Deal]:
    """A deal, and one of which some parameter is tighter and none is looser."""

    def least(lowest: int, highest: int) -> tuple[int, int]:
        loose = draw(st.integers(lowest, highest))
        return loose, draw(st.integers(loose, highest))

    def most(lowest: int, highest: int) -> tuple[int, int]:
        tight, loose = least(lowest, highest)
        return loose, tight

    both: dict[str, tuple[Any, Any]] = {
        "days_past_due_below": most(1, 60),
        "instalments_at_least": least(1, 6),
        "instalments_at_most": most(6, 13),
        "rate_at_least_bps": least(0, 800),
        "rate_at_most_bps": most(800, 3_000),
        "term_days_at_most": most(20, 400),
        "remaining_days_at_least": least(-300, 30),
        "remaining_days_at_most": most(30, 400),
        "balance_from_minor": least(1, 500),
        "balance_to_minor": most(500, 20_000),
        "seasoned_days_at_least": least(0, 200),
        "forbearances_at_most": most(0, 2),
        "set_off_at_most_minor": most(0, 100),
        "cash_eligible": most(0, 1),
        "closed_account_eligible": most(0, 1),
        "categories_excluded": draw(st.sampled_from([((), ()), ((), ("food",)), (("food",), ("food", ""))])),
        "jurisdictions": draw(st.sampled_from([((), ()), ((), ("cn",)), (("cn", "eu"), ("eu",))])),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(both))))
    loose = {name: pair[0] for name, pair in both.items()}
    tight = loose | {name: both[name][1] for name in chosen}
    return with_rules(**loose), with_rules(**tight)


def base(found: Deal, pool: list[Receivable], limits: tuple[Concentration, ...] = ()) -> Base:
    limited = msgspec.structs.replace(found, concentrations=limits)
    proof = rules.prove(limited, HERE, pool, DAY)
    return rules.base_of(limited, proof, Position(), Phase.REVOLVING, None)


def one_limit(draw_bps: int, by: Bucket) -> Concentration:
    return Concentration(
        by,
        draw_bps,
        above_days=90 if by is Bucket.TERM else None,
        from_pd_bps=500 if by is Bucket.SCORE else None,
    )


@given(two_deals(), pools)
def test_what_is_eligible_and_what_is_not_are_all_there_is_and_each_has_its_first_reason(
    agreed: tuple[Deal, Deal], pool: list[Receivable]
):
    loose, _ = agreed
    proof = rules.prove(loose, HERE, pool, DAY)
    assert {each.receivable.plan for each in proof} == {each.plan for each in pool}
    for each in proof:
        assert each.rule == next(against(loose, HERE, each.receivable, DAY), None)
    found = base(loose, pool)
    assert found.eligible_minor + sum(minor for _, minor in found.ineligible) == found.pool_minor


@given(two_deals(), pools, st.sampled_from(list(Bucket)), st.integers(0, 10_000))
def test_a_tighter_parameter_never_raises_the_base(
    agreed: tuple[Deal, Deal], pool: list[Receivable], by: Bucket, bps: int
):
    loose, tight = agreed
    for limits in ((), (one_limit(bps, by),)):
        before, after = base(loose, pool, limits), base(tight, pool, limits)
        assert after.eligible_minor <= before.eligible_minor
        assert after.base_minor <= before.base_minor
    narrower = (one_limit(bps // 2, by),)
    assert base(loose, pool, narrower).base_minor <= base(loose, pool, (one_limit(bps, by),)).base_minor


def test_where_limits_overlap_a_tighter_rule_may_raise_the_base_and_never_what_is_eligible():
    # What the obligor's limit leaves of the shop's receivable the shop's limit takes anyway.
    who, limits = UUID(int=5), (Concentration(Bucket.OBLIGOR, 4_000), Concentration(Bucket.MERCHANT, 4_000))
    crowding = receivable(1, 100, currency="CNY", obligor=who, merchant="big", cash=True)
    pool = [
        crowding,
        receivable(2, 100, currency="CNY", obligor=who, opened_on=date(2026, 3, 2)),
        receivable(3, 100, currency="CNY", merchant="big", opened_on=date(2026, 2, 1)),
    ]
    loose, tight = base(with_rules(), pool, limits), base(with_rules(cash_eligible=False), pool, limits)
    assert (loose.eligible_minor, tight.eligible_minor) == (300, 200)
    assert (loose.base_minor, tight.base_minor) == (119, 136)


@pytest.mark.parametrize(
    ("limit", "taken"),
    [
        (Concentration(Bucket.CATEGORY, 6_000), {2: 200}),
        (Concentration(Bucket.JURISDICTION, 6_000), {2: 200}),
        (Concentration(Bucket.SCORE, 0, from_pd_bps=800), {3: 100, 4: 100}),
    ],
)
def test_a_limit_by_category_jurisdiction_or_score_takes_the_newest_of_what_is_too_full(
    limit: Concentration, taken: dict[int, int]
):
    old = date(2026, 1, 1)
    pool = [
        receivable(1, 300, currency="CNY", category="food", pd_bps=799, opened_on=old),
        receivable(2, 500, currency="CNY", category="food", pd_bps=10),
        receivable(3, 100, currency="CNY", category="toys", pd_bps=800, jurisdiction="cn"),
        receivable(4, 100, currency="CNY", category="", pd_bps=None, jurisdiction="cn"),
    ]
    proof = rules.prove(deal(concentrations=(limit,)), HERE, pool, DAY)
    assert {v.receivable.plan.int: v.excess[0][1] for v in proof if v.excess} == taken


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ('jurisdictions = ["mars"]', "not mars"),
        ("instalments_at_least = 5\ninstalments_at_most = 4", "instalments at least 5 and at most 4"),
        ("rate_at_least_bps = 5\nrate_at_most_bps = 4", "rate_bps at least 5"),
        ("remaining_days_at_least = 5\nremaining_days_at_most = 4", "remaining_days at least 5"),
        ("remaining_days_at_least = 99\nterm_days_at_most = 98", "above term_days_at_most"),
        ("set_off_at_most_minor = -1", "set_off_at_most_minor is 0 or more"),
        ('categories_excluded = [""]', "names categories"),
    ],
)
def test_rules_that_let_nothing_through_are_refused(rule: str, fault: str):
    text = DEAL.format(name="warehouse").replace("[advance]", f"{rule}\n[advance]")
    with pytest.raises(deals.DealError, match=fault):
        deals.read(text)


# What the books tell of a receivable -----------------------------------------------------------


_SCORE = """
INSERT INTO decisions.score (id, name, version, role, subject, facts, probability, reasons, at)
VALUES (%s, 'behaviour', 'v', 'champion', %s, '{}', %s, '{}', %s)
"""


def told(db: Database, line: UUID, day: date = BOUGHT) -> Receivable:
    """The one receivable of a line, as a facility that could lend against it sees it."""
    seen = Facility(HERE, deal(), "", Position(), None, None)
    with db.transaction() as tx:
        known = tx.conn.execute("SELECT id FROM billing.plan WHERE line = %s", (line,)).fetchall()
        found = store.receivables(tx, seen, day, candidates=True)
    (mine,) = (each for each in found if each.plan in {row["id"] for row in known})
    return mine


def test_the_books_tell_price_law_and_instalments(db: Database):
    plain, fees, interest = open_line(db), open_line(db), open_line(db, pack="eu")
    buy(db, plain, 30_000, 3)
    buy(db, fees, 30_000, 6)
    buy(db, interest, 30_000, 12)
    seen = [told(db, line) for line in (plain, fees, interest)]
    assert [(each.instalments, each.rate_bps, each.jurisdiction) for each in seen] == [
        (3, 0, "cn"),
        (6, 720, "cn"),
        (12, 1_800, "eu"),
    ]
    sound = seen[0]
    assert (sound.charged_off, sound.legal_hold, sound.withdrawn, sound.credit_minor) == (False,) * 3 + (0,)
    assert (sound.pd_bps, sound.category, sound.cash) == (None, "", False)


def test_the_books_tell_a_freeze_and_a_withdrawal_for_as_long_as_they_last(db: Database):
    frozen, gone = open_line(db), open_line(db)
    for line in (frozen, gone):
        buy(db, line, 30_000, 3)
    with db.transaction() as tx:
        lines.set_lock(tx, frozen, LockKind.LEGAL, Party.AUTHORITY, "order", "court", at(BOUGHT))
        withdraw(tx, OFFICE, gone, Channel.PORTAL, "customer", at(BOUGHT))
    assert (told(db, frozen).legal_hold, told(db, frozen).withdrawn) == (True, False)
    assert (told(db, gone).legal_hold, told(db, gone).withdrawn) == (False, True)
    with db.transaction() as tx:
        lines.lift_lock(tx, frozen, LockKind.LEGAL, Party.AUTHORITY, "court", at(BOUGHT))
    assert not told(db, frozen).legal_hold


def test_the_books_tell_credit_charge_off_score_and_what_was_bought(db: Database):
    rich, lost, cash = open_line(db), open_line(db), open_line(db)
    pay(db, rich, 700, BOUGHT)
    buy(db, rich, 30_000, 3)
    buy(db, lost, 30_000)
    nights(db, BOUGHT, BOUGHT + timedelta(days=45))
    late = BOUGHT + timedelta(days=402)
    for who in ("ann", "ben"):
        with db.transaction() as tx:
            done = chargeoff.charge_off(tx, locked(tx, lost), who, at(late))
        assert not isinstance(done, Refusal), done
    asked = Request(cash, "bank", 5_000, category="travel", cash=True)
    with db.transaction() as tx:
        (held,) = purchases.authorise(tx, OFFICE.tables, [asked], "shop", at(BOUGHT))
        assert isinstance(held, Purchase), held
        purchases.capture(tx, [Capture(held.id, 5_000)], "shop", at(BOUGHT))
        for age, probability in ((2, 0.5), (1, 0.12345)):
            tx.conn.execute(_SCORE, (uuid4(), cash, probability, at(BOUGHT - timedelta(days=age))))
    assert told(db, rich).credit_minor == 0, "it paid a part of the first bill"
    assert (told(db, lost, late).charged_off, told(db, rich, late).charged_off) == (True, False)
    seen = told(db, cash)
    assert (seen.cash, seen.category, seen.pd_bps, seen.merchant != "") == (True, "travel", 1_234, True)


def test_what_the_lender_owes_an_obligor_could_be_set_off_until_it_pays_a_bill(db: Database):
    line = open_line(db)
    pay(db, line, 700, BOUGHT)
    buy(db, line, 30_000, 3)
    found = told(db, line)
    assert found.credit_minor == 700
    assert ineligible(with_rules(set_off_at_most_minor=699), HERE, found, BOUGHT) is Rule.SET_OFF
    assert ineligible(with_rules(set_off_at_most_minor=700), HERE, found, BOUGHT) is None
