"""What a hardship plan loses in value, and how long it is observed for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import DAY, at, buy, line_of, locked, nights, open_line

from whiteslip import billing, packs
from whiteslip.base import Refusal, add_months
from whiteslip.billing import defaults, hardship, rules
from whiteslip.billing.hardship import observed_months
from whiteslip.billing.model import Relief
from whiteslip.billing.valueloss import value_loss_bps
from whiteslip.store import Database

TODAY = date(2026, 1, 10)


def monthly(minor: int, count: int, first: int = 1) -> list[tuple[date, int]]:
    return [(add_months(TODAY, first + each), minor) for each in range(count)]


def test_an_interest_free_debt_loses_nothing_by_time_and_what_is_forgiven_by_its_share():
    before = monthly(10_000, 3)
    assert value_loss_bps(30_000, before, monthly(2_500, 12), TODAY) == 0
    assert value_loss_bps(30_000, before, monthly(2_475, 12), TODAY) == 100


def test_a_debt_with_interest_loses_what_it_would_have_earned():
    # 1,000.00 at one per cent a month in twelve level payments of 88.85; by hand: the same 1,000.00 without
    # interest in twelve months are worth 83.33 * 11.2551 = 937.92.
    assert value_loss_bps(100_000, monthly(8_885, 12), monthly(8_885, 12), TODAY) <= 1
    assert 618 <= value_loss_bps(100_000, monthly(8_885, 12), monthly(8_333, 12), TODAY) <= 624


@given(st.integers(1, 10**9), st.lists(st.integers(0, 10**8), max_size=24), st.integers(0, 24))
def test_the_loss_is_a_share_of_what_is_owed(owed: int, sums: list[int], months: int):
    flows = [(add_months(TODAY, each), minor) for each, minor in enumerate(sums)]
    later = [(add_months(day, months), minor) for day, minor in flows]
    assert 0 <= value_loss_bps(owed, flows, later, TODAY) <= 10_000
    assert value_loss_bps(owed, flows, flows, TODAY) <= value_loss_bps(owed, flows, later, TODAY)


@pytest.mark.parametrize(
    ("pack", "little", "much"), [("eu", 3, 12), ("uk", 3, 12), ("cn", 12, 12), ("base", 12, 12)]
)
def test_how_long_a_plan_is_observed_follows_what_it_loses_in_value(pack: str, little: int, much: int):
    law = packs.load(pack)
    assert (observed_months(law, 100), observed_months(law, 101)) == (little, much)


@pytest.mark.parametrize(("instalments", "months"), [(3, 3), (12, 12)])
def test_a_plan_of_distress_is_observed_for_a_year_in_stage_three_and_in_default(
    db: Database, instalments: int, months: int
):
    """In three parts it bears no interest; in twelve it bears 18 per cent, which a plan of help gives up."""
    line = open_line(db, pack="eu", currency="EUR", timezone="Europe/Berlin")
    buy(db, line, 120_000, instalments)
    nights(db, DAY, add_months(DAY, 1))
    with db.transaction() as tx:
        now = at(add_months(DAY, 1))
        made = hardship.agree(tx, locked(tx, line), Relief.LONGER, "customer", now, foreseen=True)
    assert not isinstance(made, Refusal)
    assert made.observed_until == add_months(made.agreed_on, months)
    assert (made.value_loss_bps > 100) == (months == 12)
    distressed = months == 12
    with db.transaction() as tx:
        debt = billing.debt(tx, line, made.agreed_on)
        told = defaults.count(tx, line_of(db, line), debt, made.agreed_on)
    assert debt.days_past_due == 0, "nothing is late: it is the concession that counts"
    assert (rules.stage_of(debt), told.is_default) == ((3, True) if distressed else (2, False))
    settled = replace(debt, billed_minor=0, unbilled_minor=0)
    assert rules.stage_of(settled) == 1, "nothing is owed any more"
