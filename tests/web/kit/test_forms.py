"""Forms: what people type, and what is said when it is wrong."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.base import Money
from whiteslip.web.kit.forms import Errors, Form, compact, is_local, parse_money


class Ask(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(max_length=5)]
    months: int
    reasons: list[str] = msgspec.field(default_factory=list[str])
    note: str = ""


def test_a_form_is_read_into_its_shape():
    form = Form({"name": [" Shen "], "months": ["3"], "reasons": ["a", "b"], "note": [""]})
    assert form.read(Ask) == Ask("Shen", 3, ["a", "b"])


def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_fields():
    errors = Form({"name": ["too long a name"], "months": ["three"]}).read(Ask)
    assert isinstance(errors, Errors)
    assert [(error.name, error.kind) for error in errors] == [("name", "too_long"), ("months", "invalid")]
    missing = Form({"name": ["  "]}).read(Ask)
    assert isinstance(missing, Errors)
    assert [(error.name, error.kind) for error in missing] == [("name", "missing"), ("months", "missing")]


def test_switching_the_language_is_neither_an_error_nor_a_submission():
    errors = Form({"form_language": ["en"], "name": ["Shen"]}).read(Ask)
    assert isinstance(errors, Errors)
    assert not errors


def test_a_form_does_not_show_what_was_typed_when_it_is_printed():
    assert "secret" not in repr(Form({"name": ["secret"]}))


@pytest.mark.parametrize(
    ("typed", "minor"),
    [("1,200", 120_000), ("¥1200.5", 120_050), ("１２００元", 120_000), (" 12 00 ", 120_000), ("0.01", 1)],
)
def test_an_amount_is_read_as_people_type_it(typed: str, minor: int):
    assert parse_money(typed, "CNY") == Money(minor, "CNY")


@pytest.mark.parametrize("typed", ["", "-5", "1.234", "1.2.3", "many", "1e5", "9" * 13, "."])
def test_what_is_no_amount_is_not_guessed_at(typed: str):
    assert parse_money(typed, "CNY") is None


@given(st.integers(0, 10**12 - 1))
def test_an_amount_survives_being_shown_and_typed_again(minor: int):
    assert parse_money(f"{minor // 100:,}.{minor % 100:02d}", "CNY") == Money(minor, "CNY")


def test_codes_are_compared_without_spaces_hyphens_and_wide_digits():
    assert compact(" 12 3-４５６ ") == "123456"


@pytest.mark.parametrize(
    "to", ["//evil.example", "/\\evil.example", "https://evil.example", "", "a", "/a\nb"]
)
def test_a_redirect_stays_on_this_host(to: str):
    assert not is_local(to)
