"""Mappings: those that ship are sound, and a wrong one says what to mend."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from whiteslip.base.money import MINOR_DIGITS
from whiteslip.intake import IntakeError, load_mapping, mapping_names, plan
from whiteslip.intake.mapping import SHIPPED

DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "import-a-portfolio.md"
SAMPLE = (SHIPPED / "whiteslip-sample.toml").read_text("utf-8")


def wrong(folder: Path, old: str, new: str) -> str:
    """What is said of the sample's mapping with one change."""
    assert old in SAMPLE
    path = folder / "mine.toml"
    path.write_text(SAMPLE.replace(old, new, 1), "utf-8")
    with pytest.raises(IntakeError) as caught:
        load_mapping(str(path))
    assert caught.value.code == "mapping.invalid"
    assert "mine.toml" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", mapping_names())
def test_a_shipped_mapping_is_sound(name: str):
    chosen = load_mapping(name)
    assert chosen.name == name
    assert chosen.mapping.currency in MINOR_DIGITS
    assert re.fullmatch("[0-9a-f]{12}", chosen.version)


def test_a_mapping_of_ones_own_is_given_by_path(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(SAMPLE, "utf-8")
    chosen = load_mapping(str(path))
    assert chosen.name == "mine.toml"
    assert chosen.version == load_mapping("whiteslip-sample").version


def test_protected_and_unneeded_columns_are_read_by_no_mapping_of_the_public_set():
    mapping = load_mapping("uci-credit-card").mapping
    assert set(mapping.unused) == {"SEX", "EDUCATION", "MARRIAGE", "AGE"}
    assert mapping.columns.person is None
    assert not set(mapping.unused) & set(mapping.wanted)


def test_an_unknown_mapping_names_those_there_are():
    with pytest.raises(IntakeError, match="one of: uci-credit-card, whiteslip-sample") as caught:
        load_mapping("absent")
    assert caught.value.code == "mapping.not_found"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('currency = "CNY"', 'currency = "XAU"', "currency is 'XAU'; known are"),
        ('pack = "cn"', 'pack = "mars"', "pack is 'mars'"),
        ('timezone = "Asia/Shanghai"', 'timezone = "../../etc/passwd"', "timezone is"),
        ('language = "zh-CN"', 'language = "fr"', "language is 'fr'"),
        ("payment = 10", "payment = 20", "order payment, purchase, statement"),
        ("statement = 25", "statement = 31", "<= 28"),
        ("payment = 10", 'payment = "ten"', "$.days.payment"),
        ("payment = 10", "paiment = 10", "paiment"),
        ('month = "2025-02"', 'month = "2025-03"', "2025-03 stands where 2025-Feb should"),
        ('month = "2025-01"', 'month = "January"', "write it as 2005-04"),
        ('balance = "balance_2025-01"', 'balance = "limit"', "two meanings: limit"),
        ('reference = "customer"', 'reference = "customer', "mine.toml"),
        ('title = "Whiteslip', 'encoding = "utf-16"\ntitle = "Whiteslip', "encoding is 'utf-16'"),
        ('title = "Whiteslip', 'delimiter = ";;"\ntitle = "Whiteslip', "$.delimiter"),
        ('title = "Whiteslip', 'unused = ["limit"]\ntitle = "Whiteslip', "unused and used: limit"),
        ("months_late = 2", "months_late = -2", ">= 0"),
        ("opening = 3", "opening = 61", "<= 60"),
        ("opening = 6", "opening = 60", "60+3@400bp has more than 60 instalments"),
        ("minimum_bps = 400", "minimum_bps = 4000", "asks for more than everything in 7 statements"),
    ],
)
def test_a_wrong_mapping_says_what_to_mend(tmp_path: Path, old: str, new: str, words: str):
    assert words in wrong(tmp_path, old, new)


def test_a_status_column_needs_its_codes_explained(tmp_path: Path):
    codes = SAMPLE[SAMPLE.index("[[status]]") : SAMPLE.index("[[schedules]]")]
    assert "explains no code" in wrong(tmp_path, codes, "")


def test_a_mapping_without_terms_takes_those_of_its_pack():
    terms = load_mapping("whiteslip-sample").mapping.agreement.terms
    assert terms.due_days > 0
    assert load_mapping("uci-credit-card").mapping.agreement.terms.late_fee_minor == 0


def test_every_rule_is_in_the_docs():
    assert plan.__doc__
    rules = set(re.findall(r"``([a-z]+\.[a-z_]+)``", plan.__doc__))
    for name in mapping_names():
        rules |= {status.rule for status in load_mapping(name).mapping.status if status.rule}
    text = DOCS.read_text("utf-8")
    assert rules
    assert [rule for rule in sorted(rules) if f"`{rule}`" not in text] == []
    used = set(
        re.findall(r'rules\["([^"]+)"\]|, "(opening\.[a-z_]+)"', Path(plan.__file__).read_text("utf-8"))
    )
    assert {first or second for first, second in used} <= rules
