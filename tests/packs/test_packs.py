"""Packs: sourced numbers that cannot be read wrongly."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import whiteslip
from whiteslip import packs
from whiteslip.packs import PackError, Parameter, Unit
from whiteslip.packs.reading import _faults

HOUSE = Path(whiteslip.__file__).parent
DOC = HOUSE.parents[1] / "docs" / "reference" / "packs.md"
KEY = re.compile(r"[a-z_]+\.[a-z_]+")
TERMS: dict[str, Any] = {
    "due_days": 20,
    "late_fee_minor": 0,
    "late_fee_grace_days": 0,
    "products": [{"instalments": 1, "monthly_fee_bps": 0, "apr_bps": 0}],
}
RAW: dict[str, Any] = {
    "title": "T",
    "currency": "EUR",
    "timezone": "UTC",
    "calendar": "weekends",
    "terms": TERMS,
}
ENTRY: dict[str, Any] = {"value": 1, "unit": "days", "source": "s", "verified": False, "duty": "d"}
KNOWN: dict[str, Any] = {"exit": {"step_up_days": ENTRY}}


def test_the_packs_that_ship_have_no_fault():
    assert packs.check() == []
    assert packs.names() == ["base", "cn", "eu", "uk", "us"]


@pytest.mark.parametrize("name", packs.names())
def test_every_pack_answers_every_parameter_of_base(name: str):
    assert set(packs.load(name).parameters) == set(packs.load("base").parameters)


def test_a_country_overrides_and_base_fills_the_rest():
    cn = packs.load("cn")
    assert cn.years("retention.transactions_years") == 10
    assert cn.parameters["retention.transactions_years"].pack == "cn"
    assert cn.parameters["exit.step_up_days"].pack == "base"


def test_a_parameter_is_not_read_in_another_unit():
    with pytest.raises(PackError, match="is in months, not in days"):
        packs.load("cn").days("exit.tail_months")


def test_an_unknown_pack_or_parameter_is_named():
    with pytest.raises(PackError, match="no pack 'atlantis'; there are: base, cn"):
        packs.load("atlantis")
    with pytest.raises(PackError, match=r"no parameter exit\.wings"):
        packs.load("cn").days("exit.wings")


@pytest.mark.parametrize("unit", [unit for unit in Unit if unit is not Unit.TEXT])
def test_a_number_is_read_by_its_own_unit_only(unit: Unit):
    pack = packs.load("base")
    one = Parameter("x.y", 7, unit, "s", False, "d", "base")
    pack = replace(pack, parameters={"x.y": one})
    assert getattr(pack, unit)("x.y") == 7
    for other in set(Unit) - {unit}:
        with pytest.raises(PackError, match=f"x.y in pack base is in {unit}, not in {other}"):
            getattr(pack, other)("x.y")


def test_a_text_is_read_as_text_and_never_as_a_number():
    one = Parameter("x.y", "in writing", Unit.TEXT, "s", False, "d", "base")
    pack = replace(packs.load("base"), parameters={"x.y": one})
    assert pack.text("x.y") == "in writing"
    with pytest.raises(PackError, match="is in text, not in days"):
        pack.days("x.y")
    mixed = replace(pack, parameters={"x.y": replace(one, unit=Unit.DAYS)})
    with pytest.raises(PackError, match="is a text, not a number of days"):
        mixed.days("x.y")


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"source": ""}, "names no source or no duty"),
        ({"duty": ""}, "names no source or no duty"),
        ({"value": -1}, "is -1, not a whole number from 0"),
        ({"value": True}, "is True, not a whole number from 0"),
        ({"value": 1.5}, "is 1.5, not a whole number from 0"),
        ({"verified": "yes"}, "does not say true or false about verified"),
        ({"unit": "months"}, "has another unit than in base"),
        ({"law": "x"}, "has ['duty', 'law', 'source', 'unit', 'value', 'verified'], not ["),
    ],
)
def test_a_parameter_that_breaks_the_form_is_a_fault(changed: dict[str, Any], fault: str):
    raw = RAW | {"parameters": {"exit": {"step_up_days": ENTRY | changed}}}
    (found,) = _faults("x", raw, KNOWN)
    assert found.startswith(f"x: exit.step_up_days {fault}")


def test_a_unit_or_a_key_that_nobody_knows_is_a_fault():
    raw = RAW | {"parameters": {"exit": {"wings": ENTRY | {"unit": "moons"}}}}
    assert _faults("x", raw, KNOWN) == [
        "x: exit.wings is in 'moons', which is no unit",
        "x: exit.wings is not in base, so other packs would lack it",
    ]


def test_a_text_parameter_holds_a_text():
    known = {"exit": {"form": ENTRY | {"unit": "text", "value": "any"}}}
    for value, faults in (("in writing", []), ("", ["x: exit.form is '', not a text"])):
        raw = RAW | {"parameters": {"exit": {"form": ENTRY | {"unit": "text", "value": value}}}}
        assert _faults("x", raw, known) == faults


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"currency": "XXX"}, "currency 'XXX' is unknown"),
        ({"timezone": "Mars/Olympus"}, "timezone 'Mars/Olympus' is unknown"),
        ({"terms": TERMS | {"products": []}}, "terms offer no product"),
        ({"terms": TERMS | {"due_days": -1}}, "terms.due_days is no whole number from 0"),
        (
            {"terms": TERMS | {"products": [{"instalments": 1, "monthly_fee_bps": 0}]}},
            "a product's apr_bps is no whole number from 0",
        ),
        (
            {"calendar": "lunar"},
            "calendar 'lunar' is unknown; there are: weekends, china, target2, england, us_federal",
        ),
    ],
)
def test_a_pack_that_breaks_the_form_is_a_fault(changed: dict[str, Any], fault: str):
    assert _faults("x", RAW, KNOWN) == []
    assert _faults("x", RAW | changed, KNOWN) == [f"x: {fault}"]


def test_a_pack_without_its_head_has_a_fault_for_each_part():
    faults = _faults("x", {}, KNOWN)
    assert {"x: title is missing", "x: terms is missing", "x: currency None is unknown"} <= set(faults)


def asked() -> set[tuple[str, str]]:
    """(key, unit) of every parameter that some room reads by a literal key."""
    found: set[tuple[str, str]] = set()
    for path in HOUSE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                first = node.args[0]
                if node.func.attr in list(Unit) and isinstance(first, ast.Constant):
                    found.add((str(first.value), node.func.attr))
    return {(key, unit) for key, unit in found if KEY.fullmatch(key)}


def test_every_parameter_that_a_room_reads_exists_in_that_unit():
    known = {(parameter.key, str(parameter.unit)) for parameter in packs.load("base").listed()}
    assert ("exit.step_up_days", "days") in asked()
    assert asked() - known == set()


KNOWN_DAYS = [
    ("cn", date(2026, 10, 10), True, "a Saturday that makes up for the long holiday"),
    ("cn", date(2026, 10, 7), False, "the last day of the long holiday"),
    ("cn", date(2025, 1, 26), True, "a Sunday before the Spring Festival"),
    ("cn", date(2025, 2, 4), False, "the last day of the Spring Festival"),
    ("eu", date(2026, 4, 3), False, "Good Friday"),
    ("eu", date(2026, 5, 25), True, "Whit Monday: TARGET2 is open"),
    ("uk", date(2026, 8, 31), False, "the summer bank holiday"),
    ("uk", date(2026, 12, 28), False, "Boxing Day, moved from Saturday"),
    ("us", date(2026, 7, 3), False, "Independence Day, observed on Friday"),
    ("us", date(2026, 11, 27), True, "the day after Thanksgiving is no federal holiday"),
    ("base", date(2026, 12, 25), True, "the neutral pack knows weekends only"),
    ("base", date(2026, 12, 26), False, "a Saturday"),
]


@pytest.mark.parametrize(("pack", "day", "works", "why"), KNOWN_DAYS, ids=[row[3] for row in KNOWN_DAYS])
def test_each_jurisdiction_works_on_its_own_days(pack: str, day: date, works: bool, why: str):
    assert packs.load(pack).calendar.is_business_day(day) is works, why


def test_five_business_days_over_a_golden_week_are_counted_by_its_make_up_days():
    assert packs.load("cn").calendar.add_business_days(date(2026, 9, 30), 5) == date(2026, 10, 13)
    assert packs.load("base").calendar.add_business_days(date(2026, 9, 30), 5) == date(2026, 10, 7)


def values() -> list[str]:
    """The rows of the page's first table: what each pack says."""
    every = [packs.load(name).parameters for name in packs.names()]
    rows: list[str] = []
    for one in packs.load("base").listed():
        said = " | ".join(str(parameters[one.key].value) for parameters in every)
        rows.append(f"| `{one.key}` | {one.unit} | {said} | {one.duty} |")
    return rows


def sources() -> list[str]:
    """The rows of its second table: where each pack has its own values from."""
    return [
        f"| {name} | `{one.key}` | {one.value} | {'yes' if one.verified else 'no'} | {one.source} |"
        for name in packs.names()
        for one in packs.load(name).listed()
        if one.pack == name
    ]


def test_the_page_says_what_the_packs_say_row_by_row():
    rows = [
        line for line in DOC.read_text().splitlines() if re.match(r"\|[^|]*\|?[^|]*`[a-z_]+\.[a-z_]+`", line)
    ]
    assert rows == values() + sources()


def test_the_page_names_every_unit_and_every_pack():
    text = DOC.read_text()
    assert all(f"`{unit}`" in text for unit in Unit)
    assert all(f"| {name} " in text for name in packs.names())
