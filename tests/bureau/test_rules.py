"""Whatever a line's history is, its record is well formed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import metro2 as reader
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip import packs
from whiteslip.base import Refusal
from whiteslip.bureau import Ground, Objection, Outcome, Reporter, Subject, metro2, names, rules
from whiteslip.bureau.model import Asked, ClosedBy, Closing, Consumer, Facts, Paid, Previous
from whiteslip.identity import Person

NOW = datetime(2026, 6, 5, 12, 30, tzinfo=UTC)
AS_OF = date(2026, 5, 31)
LINE = UUID(int=7)
BARE = Facts(LINE, LINE, date(2024, 1, 5), 500_000, 20)
SOMEBODY = Consumer("SURNAME", "GIVEN")

days = st.dates(date(2023, 6, 1), date(2026, 7, 31))
amounts = st.integers(1, 10**12)


@st.composite
def debts(draw: st.DrawFn) -> tuple[Asked, list[tuple[date, int]]]:
    """A debt: bought, asked for, due, perhaps paid; and its movements of what is owed."""
    bought = draw(days)
    billed_on = bought + timedelta(draw(st.integers(0, 30)))
    due_on, minor = billed_on + timedelta(draw(st.integers(0, 30))), draw(amounts)
    settled: list[tuple[date, int]] = []
    left, day = minor, bought
    for _ in range(draw(st.integers(0, 3))):
        day += timedelta(draw(st.integers(0, 120)))
        part = draw(st.integers(0, left))
        if part:
            settled.append((day, part))
            left -= part
    return Asked(billed_on, due_on, minor, settled), [(bought, minor), *((on, -part) for on, part in settled)]


@st.composite
def objections(draw: st.DrawFn) -> Objection:
    ground, opened_on = draw(st.sampled_from(Ground)), draw(days)
    outcome = draw(st.none() | st.sampled_from(Outcome))
    resolved_on = opened_on + timedelta(draw(st.integers(0, 90))) if outcome else None
    at = datetime(opened_on.year, opened_on.month, opened_on.day, tzinfo=UTC)
    return Objection(
        id=LINE,
        line=LINE,
        field=draw(st.sampled_from(Subject)),
        ground=ground,
        month=draw(st.none() | days.map(lambda day: day.replace(day=1))),
        disputed_minor=draw(amounts) if ground is Ground.BILLING_ERROR else None,
        opened_at=at,
        opened_on=opened_on,
        due_at=at + timedelta(days=30),
        outcome=outcome,
        resolved_at=at + (resolved_on - opened_on) if resolved_on else None,
        resolved_on=resolved_on,
    )


@st.composite
def histories(draw: st.DrawFn) -> Facts:
    owed = draw(st.lists(debts(), max_size=5))
    closed_on = draw(st.none() | days)
    closing = None
    if closed_on:
        settled_on = draw(st.none() | st.just(closed_on + timedelta(draw(st.integers(0, 200)))))
        closing = Closing(draw(st.sampled_from(ClosedBy)), closed_on, settled_on)
    return Facts(
        line=LINE,
        customer=LINE,
        opened_on=date(2023, 6, 1),
        limit_minor=draw(amounts),
        due_days=draw(st.integers(0, 60)),
        movements=[change for _, changes in owed for change in changes],
        asked=[asked for asked, _ in owed],
        paid=draw(st.lists(st.builds(Paid, days, amounts, st.none() | days), max_size=4)),
        bills=draw(st.lists(st.tuples(days, amounts), max_size=4)),
        closing=closing,
        objections=draw(st.lists(objections(), max_size=3)),
        never_made=draw(st.booleans()),
        sold_on=draw(st.none() | days),
        relief=draw(st.none() | st.sampled_from(["longer", "holiday"])),
        relief_due_on=draw(days),
    )


previous_files = st.none() | st.builds(
    Previous,
    st.just(datetime(2026, 5, 5, tzinfo=UTC)),
    st.sampled_from(["11", "13", "71", "84", "DA"]),
    st.sampled_from(["", "XA", "XB", "XC", "XD", "XR"]),
    st.none() | st.dates(date(2023, 8, 1), date(2026, 4, 30)),
    st.none() | days,
)


def line_of(facts: Facts, as_of: date, previous: Previous | None, person: Consumer) -> str:
    account = rules.account(facts, as_of, previous)
    return metro2.about_account(LINE, "MEMBER", account, NOW) + metro2.about_person(person, account.ecoa)


@given(
    facts=histories(),
    as_of=st.dates(date(2025, 6, 1), date(2026, 7, 31)),
    previous=previous_files,
    name=st.text(max_size=60),
    number=st.text("0123456789AX", min_size=5, max_size=12),
)
def test_any_line_makes_a_well_formed_record_whoever_it_names(
    facts: Facts, as_of: date, previous: Previous | None, name: str, number: str
):
    named = names.consumer(Person(name, number, "+15555550100", "a@example.com"))
    person = SOMEBODY if isinstance(named, Refusal) else named
    record = reader.base(line_of(facts, as_of, previous, person))
    assert record.texts["account_number"] == "0" * 25 + "7"
    if record.texts["account_status"] == "13":
        assert rules.balance(facts, as_of) == 0


@given(
    statuses=st.lists(st.sampled_from(["11", "13", "71", "84", "97", "DA"]), max_size=20),
    births=st.booleans(),
)
def test_the_trailer_sums_what_stands_before_it(statuses: list[str], births: bool):
    totals, lines = metro2.Totals(), [metro2.header(Reporter("L"), AS_OF, NOW, "1")]
    person = replace(SOMEBODY, born_on=date(1980, 2, 29) if births else None, phone="5555550100")
    for place, status in enumerate(statuses):
        account = replace(
            rules.account(BARE, AS_OF),
            status=status,
            rating="0" if status == "13" else "",
            closed_on=AS_OF if status == "13" else None,
            past_due_dollars=9 if status in reader.LATE else 0,
            balance_dollars=9 if status in reader.LATE else 0,
            highest_dollars=9,
            first_delinquent_on=AS_OF if status in (*reader.LATE, "97") else None,
        )
        totals.count(account, person)
        about = metro2.about_account(UUID(int=place), "M", account, NOW)
        lines.append(about + metro2.about_person(person, account.ecoa))
    lines.append(metro2.trailer(totals))
    assert len(reader.read("".join(line + "\n" for line in lines))) == len(statuses)


def test_a_written_off_debt_is_told_as_such():
    """97 with what was written off, L in the months behind, and 64 once nothing is owed."""
    owing = replace(
        BARE,
        movements=[(date(2025, 1, 10), 12_000)],
        asked=[Asked(date(2025, 2, 5), date(2025, 2, 25), 12_000)],
        charged_off_minor=12_000,
        charged_off_on=date(2025, 9, 1),
    )
    record = reader.base(line_of(owing, AS_OF, None, SOMEBODY))
    assert record.texts["account_status"] == "97"
    assert record.numbers["charge_off_amount"] == record.numbers["amount_past_due"] == 120
    assert record.days["first_delinquency"] == date(2025, 3, 27)
    assert "L" in record.texts["payment_history"]
    gone = replace(owing, movements=[*owing.movements, (AS_OF, -12_000)])
    paid = replace(gone, asked=[replace(owing.asked[0], settled=[(AS_OF, 12_000)])])
    assert told_of(paid) == ("64", "")
    assert rules.account(paid, AS_OF).first_delinquent_on == date(2025, 3, 27), "it does not move"
    assert told_of(replace(paid, settled_on=AS_OF)) == ("64", "AU")


def told_of(facts: Facts) -> tuple[str, str]:
    """Status and special comment of a line's record."""
    record = reader.base(line_of(facts, AS_OF, None, SOMEBODY))
    return record.texts["account_status"], record.texts["special_comment"]


def test_a_sold_debt_is_told_once_as_sold_with_nothing_owed():
    """As it stood the day before, AH, no amounts, and never again."""
    late = replace(
        BARE,
        movements=[(date(2026, 1, 10), 12_000), (date(2026, 5, 6), -12_000)],
        asked=[Asked(date(2026, 2, 5), date(2026, 2, 25), 12_000, [(date(2026, 5, 6), 12_000)])],
        sold_on=date(2026, 5, 6),
    )
    record = reader.base(line_of(late, AS_OF, None, SOMEBODY))
    assert (record.texts["account_status"], record.texts["special_comment"]) == ("78", "AH")
    owed = ("current_balance", "amount_past_due", "scheduled_payment")
    assert [record.numbers[name] for name in owed] == [0, 0, 0]
    assert record.days["date_closed"] == date(2026, 5, 6)
    assert record.days["first_delinquency"] == date(2026, 3, 27)
    left = replace(late, closing=Closing(ClosedBy.CONSUMER, date(2026, 4, 1), date(2026, 5, 6)))
    record = reader.base(line_of(left, AS_OF, None, SOMEBODY))
    assert (record.texts["account_status"], record.texts["compliance_code"]) == ("78", "XA")
    assert record.days["date_closed"] == date(2026, 4, 1), "drawing ended when they left"
    lost = replace(late, charged_off_minor=12_000, charged_off_on=date(2026, 4, 20))
    assert told_of(lost) == ("97", "AH")
    back = replace(late, movements=[*late.movements, (date(2026, 5, 20), 900)])
    account = rules.account(back, AS_OF)
    assert account.balance_dollars == 0, "what comes back to us later is not told"
    told = Previous(NOW, "78", "", None, date(2026, 5, 6), "AH")
    assert rules.is_told(account, None)
    assert not rules.is_told(rules.account(late, date(2026, 6, 30), told), told)


def test_a_hardship_plan_is_told_as_one_while_it_is_kept():
    owing = replace(BARE, movements=[(date(2026, 1, 10), 12_000)], relief="longer")
    assert told_of(owing) == ("11", "AC")
    waiting = replace(owing, relief="holiday", relief_due_on=AS_OF + timedelta(days=1))
    assert told_of(waiting) == ("11", "CP")
    assert told_of(replace(waiting, relief_due_on=AS_OF)) == ("11", "AC"), "the holiday is over"
    assert told_of(replace(owing, relief=None)) == ("11", "")
    assert told_of(replace(owing, sold_on=AS_OF))[1] == "AH"


def test_the_date_of_first_delinquency_is_told_within_ninety_days_of_a_charge_off():
    """FCRA 623(a)(5): every month's file has it, so the first one after the charge-off does."""
    lost = replace(
        BARE,
        movements=[(date(2025, 1, 10), 12_000)],
        asked=[Asked(date(2025, 2, 5), date(2025, 2, 25), 12_000)],
        charged_off_minor=12_000,
        charged_off_on=date(2025, 9, 1),
    )
    days = packs.load("us").days("bureau.delinquency_date_days")
    next_file = rules.month_end(date(2025, 9, 1))
    assert (next_file - date(2025, 9, 1)).days <= days
    assert rules.account(lost, next_file).first_delinquent_on == date(2025, 3, 27)


def test_a_trifle_below_a_dollar_is_never_late():
    def owing(minor: int) -> str:
        asked = [Asked(date(2025, 12, 5), date(2025, 12, 25), minor)]
        facts = replace(BARE, movements=[(date(2025, 12, 1), minor)], asked=asked)
        return rules.account(facts, AS_OF).status

    assert owing(99) == "11"
    assert owing(100) == "83"


def test_a_trifle_does_not_make_a_younger_debt_older():
    asked = [
        Asked(date(2025, 6, 5), date(2025, 6, 25), 36),
        Asked(date(2026, 4, 1), date(2026, 4, 21), 5_000),
    ]
    late = rules.late(replace(BARE, asked=asked), AS_OF, AS_OF)
    assert (late.days, late.minor) == (40, 5_036)


def test_the_first_delinquency_of_an_account_that_was_late_all_along_is_the_one_told_before():
    asked = [Asked(date(2023, 1, 5), date(2023, 1, 25), 12_000)]
    facts = replace(BARE, opened_on=date(2022, 1, 1), asked=asked, movements=[(date(2023, 1, 1), 12_000)])
    before = Previous(NOW - timedelta(days=30), "84", "", date(2022, 11, 24), None)
    assert rules.account(facts, AS_OF, before).first_delinquent_on == date(2022, 11, 24)
    assert rules.account(facts, AS_OF).first_delinquent_on == date(2023, 2, 24)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Given Surname", ("SURNAME", "GIVEN", "", "")),
        ("Given", ("GIVEN", "", "", "")),
        ("Juan Carlos de la Cruz III", ("CRUZ", "JUAN", "CARLOS DE LA", "3")),
        ("Søren Ångström", ("ANGSTROM", "SOREN", "", "")),
        ("Jürgen Groß Sr.", ("GROSS", "JURGEN", "", "S")),
        ("王小明", None),
        ("Иван Петров", None),
        ("Given #1", None),
        ("...", None),
    ],
)
def test_names_are_spelled_in_ascii_or_not_at_all(name: str, parts: tuple[str, ...] | None):
    named = names.consumer(Person(name, "AB1234567", "+8613900000021", "a@example.com"))
    if parts is None:
        assert named == Refusal("bureau.name_not_latin")
    else:
        assert isinstance(named, Consumer)
        assert (named.surname, named.first_name, named.middle_name, named.generation) == parts
        assert (named.social_security_number, named.phone) == ("", ""), "neither is of the United States"


def test_a_charge_off_is_taken_back_after_the_packs_years_and_never_told_again():
    late = Asked(date(2019, 1, 5), date(2019, 1, 25), 12_000, [])
    lost = replace(
        BARE,
        opened_on=date(2018, 1, 5),
        movements=[(date(2018, 12, 20), 12_000)],
        asked=[late],
        charged_off_minor=12_000,
        charged_off_on=date(2019, 7, 25),
    )
    years = packs.load("us").years("bureau.negative_years")
    first = rules.account(lost, AS_OF).first_delinquent_on
    assert first == date(2019, 2, 24)
    assert not rules.outlived(rules.account(lost, date(2026, 1, 31)), years)
    over = rules.account(lost, date(2026, 2, 28))
    assert rules.outlived(over, years)
    gone = replace(over, status=rules.DELETED)
    told = Previous(NOW, rules.CHARGED_OFF, "", first, None)
    assert rules.is_told(gone, told)
    assert not rules.is_told(gone, replace(told, status=rules.DELETED))
    assert not rules.is_told(gone, None)
