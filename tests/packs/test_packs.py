"""Packs: sourced numbers that cannot be read wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from whiteslip import packs
from whiteslip.packs import PackError, Unit
from whiteslip.packs.reading import _faults

ROOT = Path(__file__).parents[2]


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


def test_a_parameter_without_source_or_unit_is_a_fault():
    known = {"exit": {"step_up_days": {"unit": "days"}}}
    whole = {"value": 1, "unit": "days", "source": "", "verified": False, "duty": "x"}
    raw = {"title": "T", "currency": "EUR", "timezone": "UTC", "terms": {}}
    faults = _faults("x", raw | {"parameters": {"exit": {"step_up_days": whole}}}, known)
    assert faults == ["x: exit.step_up_days names no source or no duty"]
    moons = whole | {"unit": "moons", "source": "s", "value": -1}
    faults = _faults("x", raw | {"parameters": {"exit": {"wings": moons}}}, known)
    assert [fault.split(" ", 1)[1] for fault in faults] == [
        "exit.wings is in 'moons', which is no unit",
        "exit.wings is -1, not a whole number from 0",
        "exit.wings is not in base, so other packs would lack it",
    ]


def test_every_parameter_is_documented_with_its_unit():
    text = (ROOT / "docs" / "reference" / "packs.md").read_text()
    for parameter in packs.load("base").listed():
        assert f"`{parameter.key}` | {parameter.unit}" in text


def test_units_are_the_ones_the_docs_name():
    text = (ROOT / "docs" / "reference" / "packs.md").read_text()
    assert all(f"`{unit}`" in text for unit in Unit)
