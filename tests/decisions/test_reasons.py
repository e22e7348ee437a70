"""Reasons are true, told in both languages, and about nobody's person. Every shipped table is walked."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whiteslip.decisions import Tables
from whiteslip.decisions.contract import EXACT
from whiteslip.decisions.model import Field, Kind, Table
from whiteslip.decisions.reasons import PRINCIPAL, SENTENCES, principal, told

TABLES = Tables.load()
# Protected grounds (15 USC 1691(a), PIPL article 28) and what names or finds a person.
FORBIDDEN = re.compile(
    r"(^|_)(age|sex|gender|race|colou?r|religion|ethnic\w*|nation\w*|origin|marital|married|marriage|"
    r"pregnan\w*|child\w*|health|disab\w*|politic\w*|name|phone|email|address|id_number|birth\w*|wage_aid)(_|$)"
)


def node(table: Table) -> dict[str, Any]:
    return next(n["content"] for n in table.content["nodes"] if n["type"] == "decisionTableNode")


def tables_in(name: str) -> int:
    return sum(1 for n in TABLES[name].content["nodes"] if n["type"] == "decisionTableNode")


# In a graph of several tables the facts behind a rule are not to be read off it.
SINGLE = [name for name in TABLES.names if tables_in(name) == 1]


def candidates(table: Table, name: str) -> list[Any]:
    """Values of a fact on both sides of every threshold that the table writes."""
    field = table.contract.facts[name]
    if field.type is Kind.BOOLEAN:
        return [False, True]
    if field.type is Kind.TEXT:
        return list(field.one_of)
    written = [
        int(number)
        for rule in node(table)["rules"]
        for cell, text in rule.items()
        if not cell.startswith("_")
        for number in re.findall(r"\d+", re.sub(r"\"[^\"]*\"", "", text))
    ]
    near = {value + step for value in (0, *written) for step in (-1, 0, 1)} | {10**9}
    low, high = bounds(field)
    return sorted(int(value) for value in near | {low, high} if low <= value <= high)


def bounds(field: Field) -> tuple[float, float]:
    return (
        -EXACT if field.min is None else field.min,
        EXACT if field.max is None else field.max,
    )


def every_facts(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {name: st.sampled_from(candidates(table, name)) for name in table.contract.facts}
    )


def named(table: Table, rule_id: str) -> list[str]:
    """The facts that a rule speaks of: its columns that say something, and names in its cells."""
    rule = next(r for r in node(table)["rules"] if r["_id"] == rule_id)
    names: list[str] = []
    for column in node(table)["inputs"]:
        text = rule.get(column["id"], "")
        if text:
            names += [column["field"]] if column.get("field") else []
            names += [n for n in table.contract.facts if re.search(rf"\b{n}\b", text)]
    return list(dict.fromkeys(names))


def changed(table: Table, facts: dict[str, Any], names: list[str]) -> Iterator[dict[str, Any]]:
    for values in itertools.islice(itertools.product(*(candidates(table, n) for n in names)), 5_000):
        yield facts | dict(zip(names, values, strict=True))


@pytest.mark.parametrize("name", SINGLE)
@given(data=st.data())
@settings(max_examples=60)
def test_changing_the_facts_that_a_reason_names_changes_the_outcome(name: str, data: st.DataObject):
    table = TABLES[name]
    facts = data.draw(every_facts(table))
    _, outcome, trace = TABLES.engine.run(table, facts, trace=True)
    assert trace
    names = named(table, trace[-1]["rules"][0])
    if not names:  # the last rule speaks against nothing
        return
    assert any(TABLES.engine.run(table, other)[1] != outcome for other in changed(table, facts, names))


@pytest.mark.parametrize("name", TABLES.names)
@given(data=st.data())
@settings(max_examples=60)
def test_facts_that_no_rule_speaks_of_change_nothing(name: str, data: st.DataObject):
    table = TABLES[name]
    facts, other = data.draw(every_facts(table)), data.draw(every_facts(table))
    text = str([n.get("content") for n in table.content["nodes"]])
    read = [n for n in facts if re.search(rf"\b{n}\b", text)]
    assert (
        TABLES.engine.run(table, other | {n: facts[n] for n in read})[1]
        == (TABLES.engine.run(table, facts)[1])
    )


def test_no_table_takes_a_fact_about_anybodys_person():
    # Whether somebody is old enough to be bound is the law's own question: 15 USC 1691(a)(1).
    facts = {fact for name in TABLES.names for fact in TABLES[name].contract.facts} - {"of_age"}
    assert [fact for fact in facts if FORBIDDEN.search(fact)] == []
    assert FORBIDDEN.search("marital_status")
    assert FORBIDDEN.search("age")


def test_every_reason_has_a_sentence_in_both_languages_and_none_is_left_over():
    codes = {code for name in TABLES.names for code in TABLES[name].contract.outcome["reasons"].one_of}
    assert codes == SENTENCES.keys()
    assert list(SENTENCES) == sorted(SENTENCES)
    for code, said in SENTENCES.items():
        assert set(said) == {"zh-CN", "en"}, code
        assert said["en"].endswith("."), code
        assert said["zh-CN"].endswith("。"), code


def test_four_reasons_at_most_are_told_and_the_deciding_one_first():
    many = (
        "dispute_open",
        "refund_pending",
        "dispute_open",
        "payment_clearing",
        "debt_runs_off",
        "nothing_owed",
    )
    assert principal(many) == ("dispute_open", "refund_pending", "payment_clearing", "debt_runs_off")
    assert len(told(many, "zh-CN")) == PRINCIPAL
    assert told(many, "en")[0] == SENTENCES["dispute_open"]["en"]
