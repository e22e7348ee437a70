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
from whiteslip.decisions.model import Field, Kind, Table, Trace
from whiteslip.decisions.reasons import PRINCIPAL, SENTENCES, principal, told

TABLES = Tables.load()
# Protected grounds (15 USC 1691(a), PIPL article 28) and what names or finds a person.
FORBIDDEN = re.compile(
    r"(^|_)(age|sex|gender|race|colou?r|religion|ethnic\w*|nation\w*|origin|marital|married|marriage|"
    r"pregnan\w*|child\w*|health|disab\w*|politic\w*|name|phone|email|address|id_number|birth\w*|wage_aid)(_|$)"
)


def nodes(table: Table) -> dict[str, dict[str, Any]]:
    """The contents of a graph's nodes by their names."""
    return {n["name"]: n["content"] for n in table.content["nodes"] if n.get("content")}


def candidates(table: Table, name: str) -> list[Any]:
    """Values of a fact on both sides of every threshold that the table writes."""
    field = table.contract.facts[name]
    if field.type is Kind.BOOLEAN:
        return [False, True]
    if field.type is Kind.TEXT:
        return list(field.one_of)
    texts = [
        text
        for content in nodes(table).values()
        for row in (*content.get("rules", ()), *content.get("expressions", ()))
        for cell, text in row.items()
        if not cell.startswith("_")
    ]
    written = [
        int(number) for text in texts for number in re.findall(r"\d+", re.sub(r"\"[^\"]*\"", "", text))
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


def named(table: Table, trace: Trace) -> set[str]:
    """The facts that a decision speaks of: those of the rule that decided, through what it was told.

    A rule may read what nodes before it found: formulas, and what the rule that matched there said.
    """
    graph, matched = nodes(table), {step["node"]: step["rules"][0] for step in trace}
    made: dict[str, list[str]] = {}
    for name, content in graph.items():
        for line in content.get("expressions", ()):
            made[line["key"]] = words(line["value"])
        for column in content.get("outputs", ()):
            if name in matched:
                said = spoken(content, matched[name])
                made[column["field"].removesuffix("[]")] = said or spoken(content, None)
    found, todo = set[str](), spoken(graph[trace[-1]["node"]], trace[-1]["rules"][0])
    while todo:
        word = todo.pop()
        if word not in found:
            found.add(word)
            todo += [] if word in table.contract.facts else made.get(word, [])
    return found & table.contract.facts.keys()


def spoken(content: dict[str, Any], rule_id: str | None) -> list[str]:
    """Names that a rule, or any rule, speaks of: its columns that say something, and words in its cells."""
    return [
        word
        for rule in content["rules"]
        if rule_id in (None, rule["_id"])
        for column in content["inputs"]
        if (text := rule.get(column["id"]))
        for word in [column.get("field") or "", *words(text)]
    ]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z_]\w*", re.sub(r"\"[^\"]*\"", "", text))


def changed(table: Table, facts: dict[str, Any], names: set[str]) -> Iterator[dict[str, Any]]:
    """Other facts: one of the named ones changed, then two, then more, until it is enough."""
    for count in range(1, len(names) + 1):
        for some in itertools.combinations(sorted(names), count):
            every = itertools.product(*(candidates(table, n) for n in some))
            for values in itertools.islice(every, 2_000):
                yield facts | dict(zip(some, values, strict=True))


@pytest.mark.parametrize("name", TABLES.names)
@given(data=st.data())
@settings(max_examples=60)
def test_changing_the_facts_that_a_reason_names_changes_the_outcome(name: str, data: st.DataObject):
    table = TABLES[name]
    facts = data.draw(every_facts(table))
    _, outcome, trace = TABLES.engine.run(table, facts, trace=True)
    assert trace
    names = named(table, trace)
    if not outcome["reasons"]:  # the last rule speaks against nothing
        return
    assert names
    others = (TABLES.engine.run(table, other)[1] for other in changed(table, facts, names))
    assert any(said(other) != said(outcome) for other in others)


# What each sentence speaks of, written by hand: a rule that gives a reason and reads something else is a lie.
SPEAKS_OF: dict[str, set[str]] = {
    "authorisation_open": {"authorisations_open"},
    "category_shift": {"category_shift_bps"},
    "contact_changed_recently": {"contact_changed_days"},
    "contact_differs": {"contact_agrees"},
    "debt_runs_off": {"owed_minor"},
    "debt_service_high": {"debt_service_minor", "debt_service_ratio_bps"},
    "dispute_open": {"open_disputes"},
    "facts_shifted": {"worst_csi_milli"},
    "free_income_low": {"net_income_minor", "debt_service_minor"},
    "from_an_alert": {"from_alert"},
    "identity_not_verified": {"identity_verified"},
    "legal_freeze": {"legal_freeze"},
    "lenders_elsewhere": {"lenders_elsewhere"},
    "line.feature_paused": {"lock"},
    "line.feature_restricted": {"lock"},
    "line.locked": {"lock"},
    "line.not_active": {"lifecycle"},
    "line.past_due": {"dpd_days"},
    "line.restricted": {"lock"},
    "line.stopped": {"lifecycle", "lock"},
    "line.unconfirmed": {"lock"},
    "minimum_payments": {"minimum_streak"},
    "new_shops": {"new_shops_24h_bps"},
    "night_purchases": {"night_excess_bps"},
    "not_of_age": {"of_age"},
    "nothing_owed": {"owed_minor"},
    "one_shop": {"concentration_bps"},
    "own_past_due": {"own_dpd_days"},
    "owes_much": {"owed_minor"},
    "payment_clearing": {"uncleared_minor"},
    "person_cap_reached": {"own_exposure_minor", "most_minor"},
    "purchase.over_available": {"amount_minor", "available_minor"},
    "purchase.over_cap": {"amount_minor", "per_purchase_cap_minor"},
    "purchase.too_many": {"velocity_24h"},
    "returned_payments": {"returned_60d_centi"},
    "round_sums": {"round_share_bps"},
    "run_up_before_close": {"run_up_ratio_bps", "returned_payments_60d"},
    "score_low": {"score"},
    "scores_shifted": {"psi_milli"},
    "short_payments": {"payment_ratio_bps", "short_streak"},
    "stops_drawing": {"measure"},
    "utilisation_high": {"utilisation_bps"},
    "utilisation_jump": {"utilisation_rise_bps"},
    "velocity_high": {
        "velocity_1h_z_centi",
        "velocity_24h_z_centi",
        "velocity_30d_z_centi",
        "purchases_24h_centi",
        "purchases_30d_centi",
    },
}


@pytest.mark.parametrize("name", TABLES.names)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_each_reason_is_over_once_the_very_facts_that_its_sentence_names_are_others(
    name: str, data: st.DataObject
):
    table = TABLES[name]
    facts = data.draw(every_facts(table))
    for code in TABLES.engine.run(table, facts)[1]["reasons"]:
        others = changed(table, facts, SPEAKS_OF[code] & table.contract.facts.keys())
        assert any(code not in TABLES.engine.run(table, other)[1]["reasons"] for other in others), code


def said(outcome: dict[str, Any]) -> dict[str, Any]:
    """What was decided and why; another amount alone is the same decision."""
    return {name: value for name, value in outcome.items() if type(value) is not int}


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
        "authorisation_open",
        "dispute_open",
        "payment_clearing",
        "debt_runs_off",
        "nothing_owed",
    )
    assert principal(many) == ("dispute_open", "authorisation_open", "payment_clearing", "debt_runs_off")
    assert len(told(many, "zh-CN")) == PRINCIPAL
    assert told(many, "en")[0] == SENTENCES["dispute_open"]["en"]
