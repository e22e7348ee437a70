"""Each figure of a plan is worked out by hand, holds for any book and is computed twice; a run has laws."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import psycopg
import pytest
from portfolio import test_independent as books
from psycopg.types.json import Jsonb
from treasury import test_allocation as allocating
from treasury import test_reading as reading
from treasury import test_simulation as simulating
from treasury import test_triggers as triggers

from whiteslip.store import Database
from whiteslip.treasury import allocation
from whiteslip.treasury.findings import FANS
from whiteslip.treasury.model import Allocation, Appetite, Basis, Freed, Price, Segment
from whiteslip.treasury.registry import MEASURES

Proof = Callable[..., Any]
SQL: Final = books.queries(Path(__file__).with_name("independent.sql").read_text())
_FREED: Final = (
    simulating.test_ten_per_cent_leave_in_a_week_when_that_is_asked_and_twice_as_many_when_exits_double
)
_STARTS: Final = books.test_what_a_plan_of_freed_capacity_starts_from_agrees_with_plain_sql
PAGE: Final = Path(__file__).parents[2] / "docs/reference/measures.md"


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_and_its_prices_agree_with_every_plan_counted_out_in_plain_sql(db: Database, seed: int):
    given, basis = _drawn(np.random.default_rng(seed))
    answer = allocation.solve(allocation.problem(basis, given))
    (_, x), (_, y) = answer.best.offers
    facts = {
        name: Jsonb([msgspec.to_builtins(each) for each in getattr(basis, name)])
        for name in ("freed", "segments")
    }
    asked = facts | {"appetite": Jsonb(msgspec.to_builtins(given)), "x": x, "y": y}
    asked |= {"campaign": given.campaign_minor, "least": given.least_offers}
    # A table made by a query takes no parameters of the server's.
    with psycopg.connect(db.url, cursor_factory=psycopg.ClientCursor) as conn:
        for name in ("offer", "bound"):
            conn.execute(SQL[name].encode(), asked)
        assert conn.execute(SQL["offers"].encode(), asked).fetchone() == (answer.best.worth_minor,)
        again = conn.execute(SQL["limits"].encode(), asked).fetchall()
    told = {(each.name, each.segment): each for each in answer.prices}
    assert len(again) == len(told)
    for name, segment, used, bound, per, worth in again:
        ours = told[name, segment]
        assert (ours.used, ours.bound, ours.per) == (used, bound, per), name
        assert ours.worth_minor == pytest.approx(worth, abs=1), name


def _drawn(dice: np.random.Generator) -> tuple[Appetite, Basis]:
    """Two segments and an appetite, by lot, so that now one limit binds and now another."""

    def some(low: int, high: int) -> int:
        return int(dice.integers(low, high))

    segments = [
        Segment(
            name,
            some(50, 200),
            some(10**7, 10**8),
            some(10**6, 10**7),
            some(5_000, 90_000),
            some(1_500, 4_000),
        )
        for name in "ab"
    ]
    given = Appetite(
        step_minor=some(50_000, 200_000),
        funding_minor=some(100_000, 900_000),
        loss_at_most_minor=some(5_000, 60_000),
        least_offers=some(1, 6),
        campaign_minor=some(0, 9_000),
    )
    freed = Freed("a", 50, 10**7, some(10**6, 6 * 10**6), some(10**5, 10**6), some(10**5, 10**6))
    return given, Basis(reading.END, "CNY", "limit", 3, (freed,), tuple(segments))


# Figure -> worked out by hand; what holds for any book; the query that computes it again, and in which test.
PROOFS: Final[Mapping[str, tuple[Proof, Proof, str, Proof]]] = {
    "freed": (
        reading.test_what_a_plan_starts_from_is_what_it_is_on_paper,
        allocating.test_who_left_is_told_of_only_among_at_least_ten,
        "freed",
        _STARTS,
    ),
    "segments": (
        reading.test_what_a_plan_starts_from_is_what_it_is_on_paper,
        reading.test_segments_add_up_to_the_lines_there_are_and_none_is_of_a_few,
        "segments",
        _STARTS,
    ),
    "offers": (
        allocating.test_a_little_more_of_what_binds_brings_its_price_and_of_the_rest_nothing,
        allocating.test_no_plan_within_the_limits_is_worth_more_than_the_best,
        "offers",
        test_a_plan_and_its_prices_agree_with_every_plan_counted_out_in_plain_sql,
    ),
    "limits": (
        allocating.test_a_little_more_of_what_binds_brings_its_price_and_of_the_rest_nothing,
        allocating.test_no_limit_is_worth_less_than_nothing_and_all_together_no_less_than_the_plan,
        "limits",
        test_a_plan_and_its_prices_agree_with_every_plan_counted_out_in_plain_sql,
    ),
}
# What a run draws by lot -> what it is held against, where the law is known.
BY_LOT: Final[Mapping[str, Proof]] = {
    "cash": simulating.test_lines_and_money_are_conserved_and_a_seed_gives_the_same,
    "headroom": simulating.test_the_base_is_that_of_the_nightly_rules,
    "open_lines": simulating.test_contagion_makes_as_many_leave_as_a_branching_process,
    "book": simulating.test_groups_have_the_law_of_lines_drawn_one_by_one,
    "freed": _FREED,
    "defaults": simulating.test_defaults_of_a_large_book_have_vasiceks_quantiles_and_their_own_mean,
    "events": triggers.test_whatever_happens_each_trigger_trips_on_the_day_of_the_nightly_rule,
}


def test_every_figure_of_a_plan_has_its_three_proofs_and_every_one_of_a_run_its_law():
    assert set(PROOFS) == set(MEASURES)
    assert set(BY_LOT) == {*FANS, "defaults", "events"}
    kinds = {"freed": Freed, "segments": Segment, "limits": Price, "offers": Allocation}
    for name, (by_hand, holds, query, _) in PROOFS.items():
        assert not hasattr(by_hand, "hypothesis"), "worked out by hand"
        assert hasattr(holds, "hypothesis"), "on books drawn by lot"
        # Which segment it is, and what comes of how many offers, is compared in the test itself.
        columns = {*kinds[name].__struct_fields__} - {"segment", "name", "offers"}
        assert all(re.search(rf"\b{column}\b", SQL[query]) for column in columns), name


def test_the_reference_has_every_figure_of_a_plan_with_its_formula_and_what_holds_of_it():
    section = PAGE.read_text().split("## Treasury")[1].split("\n## ")[0]
    told = [
        (f"`{m.name}`", m.title, m.formula, m.source, _sentence(PROOFS[m.name][1])) for m in MEASURES.values()
    ]
    told += [(f"`{name}`", _sentence(law)) for name, law in BY_LOT.items()]
    rows = [f"| {' | '.join(cell.rstrip('.') for cell in row)} |" for row in told]
    assert [line for line in section.splitlines() if line.startswith("| `")] == rows, "\n".join(rows)


def _sentence(test: Proof) -> str:
    return test.__name__.removeprefix("test_").replace("_", " ").capitalize()
