"""Personal data is kept in one form, and what cannot be right is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.base import Refusal
from whiteslip.identity import Person, Ticks, rules
from whiteslip.identity.model import IdKind

# A resident's number as GB 11643-1999 prints it in its example.
NUMBER = "11010519491231002X"
ZHANG = Person("张三", NUMBER, "+8613912345678", "zhang@example.com")


def normalised(
    full_name: str = "张三",
    id_number: str = NUMBER,
    phone: str = "13912345678",
    email: str = "zhang@example.com",
    region: str = "CN",
) -> Person | Refusal:
    return rules.normalise(Person(full_name, id_number, phone, email), region)


def test_width_case_and_spaces_do_not_matter():
    typed = normalised("  张三　", "１１０１０５-19491231 002x", "139 1234 5678", " Zhang@Example.COM ")
    assert typed == ZHANG


def test_names_have_single_spaces_and_composed_letters():
    person = normalised("  Jose\u0301   Nu\u0301n\u0303ez ")
    assert isinstance(person, Person)
    assert person.full_name == "José Núñez"


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "张\x00三", "Zhang\u202eSan", "a\ud800"])
def test_a_name_that_is_none_is_refused(name: str):
    assert normalised(full_name=name) == Refusal("identity.name_invalid")


@pytest.mark.parametrize(
    "number",
    [
        "110105194912310021",  # another check digit
        "110105194913310026",  # a thirteenth month
        "١١٠١٠٥١٩٤٩١٢٣١٠٠٢X",  # digits of another script
        "1234",
        "",
        "AB#12345",
        "X" * 41,
    ],
)
def test_an_id_number_that_cannot_be_one_is_refused(number: str):
    assert normalised(id_number=number) == Refusal("identity.id_number_invalid")


@given(st.integers(0, 17), st.integers(1, 9))
def test_one_digit_typed_wrong_is_always_found(place: int, shift: int):
    wrong = "0123456789X"[("0123456789X".index(NUMBER[place]) + shift) % (11 if place == 17 else 10)]
    typed = NUMBER[:place] + wrong + NUMBER[place + 1 :]
    assert rules.id_kind(typed) is None


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (NUMBER, IdKind.CN_RIC),
        ("440305196001010014", IdKind.CN_RIC),  # born before the district had its code
        ("810000199408230021", IdKind.CN_RIC),  # a residence permit of Hong Kong
        ("AB1234567", IdKind.OTHER),
        ("110105491231002", IdKind.OTHER),  # 15 digits, as issued before 1999
    ],
)
def test_id_numbers_are_of_a_kind(number: str, kind: IdKind):
    assert rules.id_kind(number) is kind


@pytest.mark.parametrize("phone", ["", "12", "not a phone", "+999 1234", "1" * 300])
def test_a_phone_that_cannot_ring_is_refused(phone: str):
    assert normalised(phone=phone) == Refusal("identity.phone_invalid")


def test_a_phone_without_a_country_is_read_in_the_region_given():
    person = normalised(phone="07911 123456", region="GB")
    assert isinstance(person, Person)
    assert (person.phone, person.phone_ends) == ("+447911123456", "56")
    assert normalised(phone="07911 123456", region="") == Refusal("identity.phone_invalid")


@pytest.mark.parametrize(
    "email",
    [
        "",
        "zhang",
        "@example.com",
        "a@b",
        "a b@example.com",
        "a@b@example.com",
        "a@example.com\r\nBcc: x",
        "a\x00@example.com",
        "a\x7f@example.com",
        "a\ud800@example.com",
    ],
)
def test_an_email_that_cannot_be_delivered_is_refused(email: str):
    assert normalised(email=email) == Refusal("identity.email_invalid")


texts = st.text(st.characters(), max_size=40)


@given(st.builds(Person, texts, texts | st.just(NUMBER), texts | st.just("13912345678"), texts))
def test_whatever_is_typed_is_refused_or_kept_in_a_form_that_stays(person: Person):
    kept = rules.normalise(person, "CN")
    if isinstance(kept, Person):
        assert rules.normalise(kept, "CN") == kept
        kept.full_name.encode()
        kept.email.encode()


@pytest.mark.parametrize(
    ("name", "number", "ticks"),
    [
        ("张三", NUMBER, Ticks(True, True)),
        ("张　三", NUMBER.lower(), Ticks(True, True)),
        ("张四", NUMBER, Ticks(False, True)),
        ("张三", "AB1234567", Ticks(True, False)),
        ("", "", Ticks(False, False)),
    ],
)
def test_facts_are_compared_one_by_one(name: str, number: str, ticks: Ticks):
    assert rules.compare(ZHANG, name, number) == ticks
    assert ticks.all is (ticks.name and ticks.id_number)


def test_names_agree_whatever_their_case_and_width():
    person = Person("María López-García", "AB1234567", "+34600000000", "m@example.com")
    assert rules.compare(person, "MARÍA  lópez-garcía", "ab 1234567") == Ticks(True, True)
    assert rules.compare(person, "ＭＡＲÍＡ lópez-garcía", "AB1234568") == Ticks(True, False)


def test_printing_a_person_shows_nothing():
    for shown in (repr(ZHANG), str(ZHANG), f"{ZHANG}", repr([ZHANG])):
        for secret in ("张三", NUMBER, "39123", "zhang"):
            assert secret not in shown
