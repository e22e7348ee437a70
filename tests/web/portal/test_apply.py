"""Applying at the customer's door."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from applicants import PERSON
from pypdf import PdfReader
from web.portal.conftest import Reader
from web.portal.scene import Scene

from whiteslip import packs
from whiteslip.applications import Application, rules, store
from whiteslip.applications.model import State
from whiteslip.identity import Person
from whiteslip.lines.acts import page_of_lines

FORM = {
    "full_name": PERSON.full_name,
    "id_number": PERSON.id_number,
    "phone": "139 0000 0021",
    "email": PERSON.email,
    "net_income": "10,000",
    "debt_service": "1000",
    "lenders": "1",
    "wanted": "500000",
}


def only(scene: Scene) -> Application:
    with scene.db.transaction() as tx:
        return store.recent(tx, None, 1)[0]


def bodies(scene: Scene) -> list[str]:
    """What the demonstration's phones show."""
    with scene.db.transaction() as tx:
        return [row["body"] for row in tx.conn.execute("SELECT body FROM notices.phone")]


def code(scene: Scene, before: list[str]) -> str:
    """The code that came after ``before``."""
    (new,) = [body for body in bodies(scene) if body not in before]
    found = re.search(r"\d{6}", new)
    assert found
    return found[0]


def applies(reader: Reader, **changes: str) -> str:
    """To the page with the result; its path."""
    reader.opens("/apply")
    filled = FORM | {"consent": rules.consent("zh-CN")[1]} | changes
    before = bodies(reader.scene)
    reader.sends("/apply", **filled)
    assert reader.page
    assert reader.page.url.path == "/apply/code", reader.page.text
    shown = reader.sends("/apply/code", code=code(reader.scene, before))
    return shown.url.path


def test_terms_are_shown_and_downloaded_before_anything_opens(reader: Reader, scene: Scene):
    at = applies(reader)
    page = reader.opens(at)
    assert "5,000" in page.text
    assert "Without a reason within 14 days" in page.text
    pdf = reader.client.get(f"{at}/terms.pdf").content
    assert only(scene).reference in "".join(sheet.extract_text() for sheet in PdfReader(BytesIO(pdf)).pages)
    with scene.db.transaction() as tx:
        assert page_of_lines(tx, None, 1) == []
    done = reader.sends(f"{at}/accept")
    assert "is open" in done.text
    assert "Withdraw" in reader.opens("/line").text, "the days to withdraw are in sight"
    with scene.db.transaction() as tx:
        assert page_of_lines(tx, None, 1)[0].limit_minor == 500_000


def test_in_britain_key_and_additional_information_are_read_before_anything_opens(
    reader: Reader, scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    at, part = applies(reader), "deferred.information"
    assert "Key product information" not in reader.opens(at).text
    monkeypatch.setitem(scene.pack.parameters, part, packs.load("uk").parameters[part])
    page = reader.opens(at)
    for told in ("Key product information", "Additional product information"):
        assert told in page.text
        assert page.text.index(told) < page.text.index("/accept")


def test_the_consent_is_not_ticked_before_and_nothing_goes_without_it(reader: Reader, scene: Scene):
    page = reader.opens("/apply")
    assert "checked" not in page.text
    assert reader.sends("/apply", **FORM).status_code == 422
    with scene.db.transaction() as tx:
        assert store.recent(tx, None, 1) == []


def test_a_declined_applicant_reads_the_reasons_and_asks_for_a_person(reader: Reader, scene: Scene):
    at = applies(reader, debt_service="6000", lenders="4")
    page = reader.opens(at)
    assert "What you repay every month is high" in page.text
    asked = reader.sends(f"{at}/review", view="我刚换了工作。")
    assert "A person is looking at it" in asked.text
    assert only(scene).state is State.IN_REVIEW
    assert "换了工作" not in asked.text


def test_before_the_code_nobody_is_told_whether_the_number_is_known(reader: Reader, scene: Scene):
    guest = scene.guest()
    known = dict(FORM, full_name=guest.person.full_name, id_number=guest.person.id_number)
    consent = {"consent": rules.consent("zh-CN")[1]}
    reader.opens("/apply")
    first = reader.sends("/apply", **FORM, **consent)
    reader.opens("/apply")
    second = reader.sends("/apply", **known, **consent)
    assert (first.status_code, first.url.path) == (second.status_code, second.url.path)


def test_who_has_a_line_is_told_so_once_the_phone_is_proven(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.opens("/apply")
    person = guest.person
    filled = FORM | {
        "full_name": person.full_name,
        "id_number": person.id_number,
        "phone": person.phone,
        "consent": rules.consent("zh-CN")[1],
    }
    before = bodies(scene)
    reader.sends("/apply", **filled)
    page = reader.sends("/apply/code", code=code(scene, before))
    assert page.status_code == 409
    assert "You have an open line already" in page.text


def test_a_phone_is_not_flooded_by_who_applies_in_many_names(reader: Reader, scene: Scene):
    answers: list[int] = []
    for n in range(8):
        reader.opens("/apply")
        consent = rules.consent("zh-CN")[1]
        sent = reader.sends("/apply", **FORM | {"full_name": f"王{n}", "consent": consent})
        answers.append(sent.status_code)
    assert answers[0] == 200
    assert answers[-1] == 429


def test_an_application_of_somebody_else_is_not_there(reader: Reader, scene: Scene):
    applies(reader)
    reference = only(scene).reference
    reader.sends("/sign-out") if reader.opens("/line") else None
    reader.signs_in(scene.guest())
    assert reader.opens(f"/applications/{reference}").status_code == 404


def test_a_former_customer_reads_letters_and_applies_anew(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    reader.leaves(guest)
    home = reader.opens("/line")
    assert "Apply anew" in home.text
    assert reader.opens("/letters").status_code == 200
    filled: Person = guest.person
    at = applies(
        reader, full_name=filled.full_name, id_number=filled.id_number, phone=filled.phone, email=filled.email
    )
    found = only(scene)
    assert (found.customer, found.state) == (guest.customer, State.OFFERED)
    assert reader.sends(f"{at}/accept").status_code == 200
