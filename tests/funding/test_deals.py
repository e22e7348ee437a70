"""Deal files: what cannot all be true is refused, in words, all of it at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from deals import DEAL

from whiteslip.funding import deals, model
from whiteslip.funding.model import Bucket, Rule

PAGE = (Path(__file__).parents[2] / "docs/reference/deals.md").read_text("utf-8")
GOOD = DEAL.format(name="warehouse")


def _schedule(*steps: tuple[int, int]) -> str:
    """What may be lost until which age, as a deal file has it."""
    return "".join(
        f"[[triggers.cumulative_loss]]\nuntil_months = {until}\nat_most_bps = {bps}\n" for until, bps in steps
    )


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('name = "warehouse"', 'name = "The Warehouse"', "name is lower-case words"),
        ('currency = "CNY"', 'currency = "XXX"', "currency 'XXX' is unknown"),
        ("revolving_until = 2026-12-31", "revolving_until = 2028-12-31", "follow each other"),
        ("charged_off_from_days = 90", "charged_off_from_days = 20", "not before days_past_due_below"),
        ("[advance]\nbps = 8_500", "", "exactly one of the two"),
        ("bps = 8_500", "bps = 85_000", "advance.bps is from 0 to 10000"),
        (
            "bps = 8_500",
            "bps = 8_500\n[[advance.steps]]\nvintage_loss_below_bps = 1\nadvance_bps = 9_000",
            "seasoned_months is required",
        ),
        (
            "bps = 8_500",
            "bps = 8_500\nseasoned_months = 3\n[[advance.steps]]\nvintage_loss_below_bps=1\nadvance_bps=80",
            "a lower loss is not lent less on",
        ),
        ("[advance]", "balance_from_minor = 9\nbalance_to_minor = 8\n[advance]", "nothing is eligible"),
        ("[advance]", "seasoned_days_at_least = 9\nterm_days_at_most = 9\n[advance]", "nothing is eligible"),
        ("[advance]", 'kinds = ["loan"]\n[advance]', "not loan"),
        ("[triggers]", '[[concentrations]]\nby = "term"\nat_most_bps = 1\n[triggers]', "above_days belongs"),
        (
            "[triggers]",
            '[[concentrations]]\nby = "obligor"\nat_most_bps = 1\n' * 2 + "[triggers]",
            "same bucket",
        ),
        ("cure_days = 2", "cure_days = 2\nlatitude = 3", "latitude"),
        ("cure_days = 2", "cure_days = 2\nrevolving_months = 24", "say the same"),
        ("revolving_until = 2026-12-31", "revolving_months = -1", "whole months"),
        ("funding_cost_bps = 600", "margin_bps = 600", "reference_bps and margin_bps together"),
        ("cure_days = 2", "cure_days = 2\nmargin_bps = 1\nreference_bps = 1", "is stated, or is"),
        ("cure_days = 2", "cure_days = 2\nunused_fee_bps = 10_001", "unused_fee_bps is from 0"),
        (
            "[triggers]",
            '[[concentrations]]\nby = "obligor"\nat_most_bps = 1\nfrom_pd_bps = 9\n[triggers]',
            "from_pd_bps belongs",
        ),
        (
            "[triggers]",
            f"[triggers]\n{_schedule((12, 300), (6, 500))}",
            "from the youngest age to the oldest",
        ),
        ("[triggers]", f"[triggers]\n{_schedule((6, 500), (12, 300))}", "no later step allows less"),
        ("[triggers]", f"[triggers]\n{_schedule((6, 10_001))}", "cumulative_loss.at_most_bps is from 0"),
        ("cure_days = 2", 'cure_days = "two"', "cure_days"),
        ("cure_days = 2", "cure_days = ", "it is not TOML"),
    ],
)
def test_a_deal_that_contradicts_itself_is_refused_with_the_reason(old: str, new: str, fault: str):
    assert deals.read(GOOD).name == "warehouse"
    with pytest.raises(deals.DealError, match="(?s)" + fault.replace("(", r"\(")):
        deals.read(GOOD.replace(old, new))


def test_all_faults_are_told_at_once():
    with pytest.raises(deals.DealError) as refused:
        deals.read(GOOD.replace("cure_days = 2", "cure_days = -2").replace('"CNY"', '"XXX"'))
    assert len(refused.value.faults) == 2


def test_only_what_the_file_leaves_open_can_be_stated():
    text = GOOD.replace("cure_days = 2", 'cure_days = "required"').replace("2026-01-01", '"required"')
    found = deals.read(text, {"cure_days": "5", "begins_on": "2026-02-01"})
    assert (found.cure_days, f"{found.begins_on}") == (5, "2026-02-01")
    for given in ({"cure_days": "soon"}, {"begins_on": "soon"}, {"advance.bps": "9000"}, {"a.b": "1"}):
        with pytest.raises(deals.DealError):
            deals.read(text, {"cure_days": "5", "begins_on": "2026-02-01"} | given)


def test_the_version_of_a_deal_is_its_content():
    same = deals.read("# a comment\n" + GOOD)
    assert deals.version_of(same) == deals.version_of(deals.read(GOOD))
    assert deals.version_of(deals.read(GOOD.replace("8_500", "8_400"))) != deals.version_of(same)


def test_months_and_margins_are_worked_out_as_texts_state_them():
    text = GOOD.replace("revolving_until = 2026-12-31", "revolving_months = 14")
    text = text.replace("funding_cost_bps = 600", "reference_bps = 433\nmargin_bps = 675")
    found = deals.read(text)
    assert (found.revolving_until, found.funding_cost_bps) == (date(2027, 3, 1), 1_108)


def test_the_page_has_every_key_every_rule_and_every_bucket_of_a_deal():
    parts = (
        model.Deal,
        model.Eligibility,
        model.Concentration,
        model.Advance,
        model.Step,
        model.Overcollateralisation,
        model.Triggers,
        model.LossStep,
    )
    known = {word for cell in re.findall(r"`([^`]+)`", PAGE) for word in cell.split(".")}
    asked = {field for part in parts for field in part.__struct_fields__} | set(Rule)
    assert asked <= known
    assert all(bucket in PAGE for bucket in Bucket)


def test_each_figure_of_an_example_is_on_the_page_with_the_words_of_its_text_and_all_else_is_required():
    stated = {name: dict(_leaves(tomllib.loads(deals.example(name)))) for name in deals.examples()}
    published: dict[str, dict[str, str]] = {name: {} for name in stated}
    for name, key, value in re.findall(r"^\| `([a-z0-9-]+)` \| `([a-z_.]+)` \| (\S+) \|", PAGE, re.M):
        published[name][key] = value
    for name, figures in stated.items():
        known = {k: v for k, v in figures.items() if k not in ("name", "title", "currency", "sources")}
        assert published[name] == {k: str(v) for k, v in known.items() if v != deals.REQUIRED}
        assert set(known) - set(published[name]) == set(deals.required(tomllib.loads(deals.example(name))))


def _leaves(raw: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in raw.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{before}{key}.")  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _leaves(value[0], f"{before}{key}.")  # pyright: ignore[reportUnknownArgumentType]
        else:
            yield f"{before}{key}", value[0] if isinstance(value, list) and key != "sources" else value
