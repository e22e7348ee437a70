"""Packs: sourced numbers that cannot be read wrongly."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import whiteslip
from whiteslip import packs
from whiteslip.packs import PackError, Parameter, Unit
from whiteslip.packs.checking import _faults as faults_of

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
    "calendar": "WEEKENDS",
    "terms": TERMS,
}
ENTRY: dict[str, Any] = {"value": 1, "unit": "days", "source": "s", "verified": False, "duty": "d"}
KNOWN: dict[str, Any] = {"parameters": {"exit": {"step_up_days": ENTRY}}}


def _faults(name: str, raw: dict[str, Any], known: dict[str, Any]) -> list[str]:
    """Faults where ``d`` is the only duty there is."""
    return faults_of(name, raw, known, ["d"])


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


def test_what_a_country_has_from_base_is_not_verified_for_it():
    assert packs.load("base").parameters["exit.credit_payout_business_days"].verified
    assert packs.load("us").parameters["exit.credit_payout_business_days"].verified
    for name in set(packs.names()) - {"base"}:
        assert [one.key for one in packs.load(name).listed() if one.verified and one.pack != name] == []


@pytest.mark.parametrize("name", packs.names())
def test_every_pack_sets_amounts_of_money_in_its_own_currency(name: str):
    amounts = [one for one in packs.load(name).listed() if one.unit is Unit.MINOR]
    assert {one.pack for one in amounts} == {name}


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
        ({"source": ""}, "names no source"),
        ({"duty": ""}, "serves '', which is no duty"),
        ({"duty": "fly"}, "serves 'fly', which is no duty"),
        ({"duty": ["d"]}, "serves ['d'], which is no duty"),
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
    known = {"parameters": {"exit": {"form": ENTRY | {"unit": "text", "value": "any"}}}}
    for value, faults in (("in writing", []), ("", ["x: exit.form is '', not a text"])):
        raw = RAW | {"parameters": {"exit": {"form": ENTRY | {"unit": "text", "value": value}}}}
        assert _faults("x", raw, known) == faults


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"currency": "XXX"}, "currency 'XXX' is unknown"),
        ({"timezone": "Mars/Olympus"}, "timezone 'Mars/Olympus' is unknown"),
        ({"calendar": "MOON"}, "calendar 'MOON' is none of WEEKENDS, CN, TARGET2, UK, US"),
        ({"colour": "red"}, "colour is nothing that a pack says"),
        ({"terms": TERMS | {"products": []}}, "terms offer no product"),
        ({"terms": TERMS | {"due_days": -1}}, "terms.due_days is no whole number from 0"),
        (
            {"terms": TERMS | {"products": [{"instalments": 1, "monthly_fee_bps": 0}]}},
            "a product's apr_bps is no whole number from 0",
        ),
        ({"holidays": ["1 May"]}, "holidays holds '1 May'"),
        ({"workdays": "1 May"}, "workdays holds '1 May'"),
        ({"parameters": {"exit": 14}}, "exit. has [], not ['duty', 'source', 'unit', 'value', 'verified']"),
        (
            {"parameters": {"exit": {"step_up_days": 14}}},
            "exit.step_up_days has [], not ['duty', 'source', 'unit', 'value', 'verified']",
        ),
    ],
)
def test_a_pack_that_breaks_the_form_is_a_fault(changed: dict[str, Any], fault: str):
    assert _faults("x", RAW, KNOWN) == []
    assert _faults("x", RAW | changed, KNOWN) == [f"x: {fault}"]


def test_a_time_whose_name_says_no_unit_is_put_in_each_laws_own():
    known = {"parameters": {"privacy": {"answer": ENTRY | {"unit": "months"}}}}

    def faults(unit: str) -> list[str]:
        own = {"parameters": {"privacy": {"answer": ENTRY | {"unit": unit}}}}
        return _faults("x", RAW | own, known)

    assert faults("days") == faults("business_days") == []
    assert faults("count") == ["x: privacy.answer has another unit than in base"]


def test_terms_that_ask_a_leaver_for_longer_notice_than_the_pack_lets_them_are_a_fault():
    known = {"parameters": {"exit": {"longest_notice_months": ENTRY | {"unit": "months"}}}}
    assert _faults("x", RAW | {"terms": TERMS | {"notice_months": 1}}, known) == []
    fault = "x: terms ask who leaves for 2 months of notice: exit.longest_notice_months is 1"
    assert _faults("x", RAW | {"terms": TERMS | {"notice_months": 2}}, known) == [fault]


def test_terms_that_go_beyond_deferred_payment_credit_are_a_fault():
    most = {"most_instalments": ENTRY | {"value": 12}, "most_months": ENTRY | {"value": 12}}
    own = {"parameters": {"deferred": most}}

    def faults(instalments: int, due_days: int) -> list[str]:
        product = {"instalments": instalments, "monthly_fee_bps": 0, "apr_bps": 0}
        terms = TERMS | {"products": [product], "due_days": due_days}
        return _faults("x", RAW | {"terms": terms} | own, own)

    assert faults(12, 0) == faults(11, 20) == []
    for instalments, due_days in ((13, 0), (12, 20)):
        found = f"x: terms go beyond deferred payment credit: {instalments} instalments"
        assert faults(instalments, due_days) == [found]


def test_a_pack_that_has_who_left_wait_is_a_fault():
    known = {"parameters": {"exit": {"return_wait_days": ENTRY | {"value": 0}}}}
    own = {"parameters": {"exit": {"return_wait_days": ENTRY | {"value": 30}}}}
    fault = "x: exit.return_wait_days has who left wait, and nobody waits to come back"
    assert _faults("x", RAW | own, known) == [fault]
    assert _faults("x", RAW | known, known) == []


def test_terms_that_cost_more_than_the_cap_are_a_fault():
    cap = ENTRY | {"value": 2400, "unit": "bps"}
    known = {"parameters": {"line": {"yearly_cost_bps": cap}}}
    dear = TERMS | {"products": [{"instalments": 12, "monthly_fee_bps": 120, "apr_bps": 0}]}
    fault = "x: terms cost more than line.yearly_cost_bps: 12 instalments"
    assert _faults("x", RAW | {"terms": dear}, known) == [fault]
    own = {"parameters": {"line": {"yearly_cost_bps": cap | {"value": 3600}}}}
    assert _faults("x", RAW | {"terms": dear} | own, known) == []


def test_a_pack_without_its_head_has_a_fault_for_each_part():
    faults = _faults("x", {}, KNOWN)
    assert {"x: title is missing", "x: terms is missing", "x: currency None is unknown"} <= set(faults)


def test_a_file_that_holds_anything_anywhere_has_faults_and_never_an_error():
    raw = {key: [[3]] for key in (*RAW, "parameters", "holidays", "workdays")}
    assert "x: holidays holds [3]" in _faults("x", raw, KNOWN)
    assert "x: terms offer no product" in _faults("x", raw, KNOWN)


def test_a_file_of_ones_own_is_checked_by_the_same_rules(tmp_path: Path):
    mine = tmp_path / "mine.toml"
    text = (HOUSE / "packs" / "data" / "eu.toml").read_text()
    mine.write_text(text)
    assert packs.check(mine) == []
    mine.write_text(text.replace('unit = "months"', 'unit = "moons"', 1))
    assert packs.check(mine) == [
        "mine: exit.longest_notice_months is in 'moons', which is no unit",
        "mine: exit.longest_notice_months has another unit than in base",
    ]
    mine.write_text("title = ")
    (fault,) = packs.check(mine)
    assert fault.startswith("mine: is no TOML: ")
    with pytest.raises(FileNotFoundError):
        packs.check(tmp_path / "nowhere.toml")


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


def unread() -> set[str]:
    """The parameters whose key no code holds, neither whole nor by its group in a formatted text."""
    whole: set[str] = set()
    groups: set[str] = set()
    for path in HOUSE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                groups.add(str(node.values[0].value))
            elif isinstance(node, ast.Constant):
                whole.add(str(node.value))
    keys = set(packs.load("base").parameters) - whole
    return {key for key in keys if f"{key.split('.')[0]}." not in groups}


def test_code_reads_every_parameter():
    assert unread() == set()


def _in_its_unit(one: Parameter, unit: Unit) -> str:
    """A value, with its unit where a pack's law has another than ``base``."""
    return str(one.value) if one.unit is unit else f"{one.value} {one.unit}"


def values() -> list[str]:
    """The rows of the page's first table: the numbers of each pack."""
    every = [packs.load(name).parameters for name in packs.names()]
    rows: list[str] = []
    for one in packs.load("base").listed():
        if one.unit is Unit.TEXT:
            continue
        said = " | ".join(_in_its_unit(parameters[one.key], one.unit) for parameters in every)
        rows.append(f"| `{one.key}` | {one.unit} | {said} | {one.duty} |")
    return rows


def texts() -> list[str]:
    """The rows of its second table: the texts, and the packs that have each."""
    every = {name: packs.load(name).parameters for name in packs.names()}
    rows: list[str] = []
    for one in packs.load("base").listed():
        said: dict[object, list[str]] = {}
        for name, parameters in every.items():
            if one.unit is Unit.TEXT:
                said.setdefault(parameters[one.key].value, []).append(name)
        rows += [f"| `{one.key}` | {text} | {', '.join(by)} | {one.duty} |" for text, by in said.items()]
    return rows


def sources() -> list[str]:
    """The rows of its third table: where each pack has its own values from."""
    rows: list[str] = []
    for name in packs.names():
        for one in packs.load(name).listed():
            said = "above" if one.unit is Unit.TEXT else one.value
            if one.pack == name:
                read = "yes" if one.verified else "no"
                rows.append(f"| {name} | `{one.key}` | {said} | {read} | {one.source} |")
    return rows


def test_the_page_says_what_the_packs_say_row_by_row():
    rows = [
        line for line in DOC.read_text().splitlines() if re.match(r"\|[^|]*\|?[^|]*`[a-z_]+\.[a-z_]+`", line)
    ]
    assert rows == values() + texts() + sources()


def served() -> list[str]:
    """The rows of its fourth table: the duties."""
    rows: list[str] = []
    for one in packs.duties().values():
        features = ", ".join(f"`{feature}`" for feature in one.features)
        proof = f"planned: {one.planned}" if one.planned else f"{len(one.tests)} tests"
        rows.append(f"| `{one.id}` | {one.sentence} | {one.law} | {features} | {proof} |")
    return rows


def test_the_page_lists_the_duties():
    part = DOC.read_text().split("## Duties", 1)[1]
    assert [line for line in part.splitlines() if line.startswith("| `")] == served()


def test_the_page_names_every_unit_and_every_pack():
    text = DOC.read_text()
    assert all(f"`{unit}`" in text for unit in Unit)
    assert all(f"| {name} " in text for name in packs.names())
