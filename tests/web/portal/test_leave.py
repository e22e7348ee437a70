"""Leaving, as the pages tell it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader
from web.portal.conftest import Reader
from web.portal.scene import Scene

from whiteslip.exits.model import Identity, Reason, State
from whiteslip.lines.model import Lifecycle
from whiteslip.purchases import Declined, Purchase, disputes
from whiteslip.purchases.model import Ground


def test_a_clean_line_closes_with_one_confirmation(reader: Reader, scene: Scene):
    guest = scene.guest()
    home = reader.signs_in(guest)
    assert f"/lines/{guest.line}/leave" in home.text
    reader.opens(f"/lines/{guest.line}/leave")
    assert reader.sends(f"/lines/{guest.line}/leave", way="close").url.path.endswith("/identity")
    assert reader.proves(guest).url.path.endswith("/check")
    done = reader.sends(f"/lines/{guest.line}/leave/check")
    case = scene.cases(guest)[0]
    assert done.url.path == f"/exits/{case.reference}"
    assert case.reference in done.text
    assert "Your line is closed" in done.text
    assert "12:00:00" in done.text
    assert (case.state, case.identity) == (State.CLOSED, Identity.VERIFIED)
    declined = scene.buys(guest, 1_000)
    assert isinstance(declined, Declined)
    assert declined.code == "line.stopped"


def test_the_closing_letter_can_be_downloaded_and_names_the_reference(reader: Reader, scene: Scene):
    guest = scene.guest(language="en")
    reader.signs_in(guest)
    done = reader.leaves(guest)
    reference = scene.cases(guest)[0].reference
    for href in set(re.findall(r'href="(/letters/[^"]+\.pdf)"', done.text)):
        letter = reader.client.get(href)
        assert letter.headers["content-type"] == "application/pdf"
        text = "".join(page.extract_text() for page in PdfReader(BytesIO(letter.content)).pages)
        assert reference in text
    assert "Your credit line is closed" in reader.opens("/letters").text


def test_a_line_with_a_balance_runs_off_on_the_same_days_with_the_same_sums(reader: Reader, scene: Scene):
    guest = scene.guest(language="en")
    assert isinstance(scene.buys(guest, 60_000, 3), Purchase)
    schedule = re.compile(r"<tbody>.*?</tfoot>", re.S)
    before = schedule.search(reader.signs_in(guest).text)
    assert before
    reader.proves(guest)
    check = schedule.search(reader.opens(f"/lines/{guest.line}/leave/check").text)
    done = reader.sends(f"/lines/{guest.line}/leave/check")
    after = schedule.search(done.text)
    assert after
    assert check
    assert before[0] == check[0] == after[0]
    assert "the line closes when it is paid off" in done.text
    case = scene.cases(guest)[0]
    assert case.state is State.RUN_OFF
    scene.pays(guest, case.plan.payoff_minor)
    assert "when your payment is final" in reader.opens(f"/exits/{case.reference}").text
    scene.pass_days(scene.pack.days("exit.clearing_days") + 1)
    assert scene.line(guest).lifecycle is Lifecycle.CLOSED
    reader.signs_in(guest)
    assert "Your line is closed" in reader.opens(f"/exits/{case.reference}").text


def test_a_reload_or_a_second_press_closes_nothing_twice(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    reader.proves(guest)
    at = f"/lines/{guest.line}/leave/check"
    page = reader.page
    first = reader.sends(at)
    reader.page = page
    second = reader.sends(at)
    assert first.url == second.url
    assert len(scene.cases(guest)) == 1
    for path in ("", "/identity", "/check", "/without-code"):
        assert reader.opens(f"/lines/{guest.line}/leave{path}").url == first.url


def test_without_a_fresh_proof_nothing_is_closed(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    reader.proves(guest)
    scene.set_clock(scene.now() + timedelta(minutes=16))
    page = reader.sends(f"/lines/{guest.line}/leave/check")
    assert page.url.path.endswith("/identity")
    assert scene.cases(guest) == []


def test_a_fresh_proof_skips_the_second_screen(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    reader.proves(guest)
    reader.opens(f"/lines/{guest.line}/leave")
    assert reader.sends(f"/lines/{guest.line}/leave", way="close").url.path.endswith("/check")


def test_a_proof_in_one_browser_is_none_in_another(
    reader: Reader, another: Callable[[], Reader], scene: Scene
):
    guest = scene.guest()
    reader.signs_in(guest)
    reader.proves(guest)
    thief = another()
    thief.signs_in(guest)
    assert thief.opens(f"/lines/{guest.line}/leave/check").url.path.endswith("/identity")


def test_what_was_typed_stays_after_an_error_and_after_a_switch_of_language(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    at = f"/lines/{guest.line}/leave/identity"
    reader.opens(at)
    wrong = reader.sends(at, full_name="Somebody Else", id_number="110101199001010000", code="123456")
    assert wrong.status_code == 409
    assert 'value="Somebody Else"' in wrong.text
    switched = reader.sends(at, full_name="Somebody Else", id_number="", code="", form_language="zh-CN")
    assert switched.status_code == 200
    assert 'lang="zh-CN"' in switched.text
    assert 'value="Somebody Else"' in switched.text
    assert "data-error-summary" not in switched.text


def test_empty_fields_are_named_one_by_one(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    at = f"/lines/{guest.line}/leave/identity"
    reader.opens(at)
    page = reader.sends(at)
    assert page.status_code == 422
    for said in ("Enter your full name", "Enter your ID number", "Enter the code"):
        assert said in page.text


def test_after_too_many_wrong_answers_a_person_is_offered(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    at = f"/lines/{guest.line}/leave/identity"
    reader.opens(at)
    wrong = {"full_name": "Somebody Else", "id_number": "110101199001010000", "code": "123456"}
    for _ in range(scene.pack.count("identity.code_attempts")):
        assert reader.sends(at, **wrong).status_code == 409
    page = reader.sends(at, **wrong)
    assert page.status_code == 429
    assert f"/lines/{guest.line}/leave/without-code" in page.text
    assert "No need to wait" in page.text


@pytest.mark.parametrize(("way", "not_me"), [("without-code", False), ("not-mine", True)])
def test_without_a_code_the_line_stops_at_once_and_a_person_looks(
    reader: Reader, scene: Scene, way: str, not_me: bool
):
    guest = scene.guest()
    reader.signs_in(guest)
    at = f"/lines/{guest.line}/leave/{way}"
    reader.opens(at)
    page = reader.sends(at)
    case = scene.cases(guest)[0]
    assert (case.state, case.not_me) == (State.HELD, not_me)
    assert scene.line(guest).drawing_stopped
    assert case.due_at is not None
    assert "You have our answer by" in page.text
    assert "the end of" in page.text
    assert case.reference in page.text


def test_it_can_be_taken_back_while_it_runs_off(reader: Reader, scene: Scene):
    guest = scene.guest()
    scene.buys(guest, 60_000, 3)
    reader.signs_in(guest)
    reader.leaves(guest)
    at = f"/exits/{scene.cases(guest)[0].reference}"
    page = reader.sends(f"{at}/cancel")
    assert "Taken back" in page.text
    assert isinstance(scene.buys(guest, 1_000), Purchase)
    reader.opens("/line")
    assert reader.sends(f"{at}/cancel").url.path == at


def test_a_reason_is_optional_and_comes_afterwards(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    page = reader.leaves(guest)
    at = f"/exits/{scene.cases(guest)[0].reference}/reason"
    assert 'checked="' not in page.text
    assert reader.sends(at).status_code == 200
    assert scene.cases(guest)[0].reason is None
    assert "Thank you" in reader.sends(at, reason="too_expensive").text
    assert scene.cases(guest)[0].reason is Reason.TOO_EXPENSIVE


def test_a_kept_address_works_after_signing_out_and_in_again(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    at = reader.leaves(guest).url.path
    reader.opens("/line")
    reader.sends("/sign-out")
    assert reader.opens(at).url.path == "/sign-in"
    before = scene.codes(guest)
    reader.sends("/sign-in", phone=guest.person.phone, to=at)
    assert reader.sends("/sign-in/code", code=scene.code(guest, before)).url.path == at


def test_nobody_sees_the_line_the_case_or_the_letters_of_another(
    reader: Reader, another: Callable[[], Reader], scene: Scene
):
    guest, stranger = scene.guest(), scene.guest()
    reader.signs_in(guest)
    done = reader.leaves(guest)
    letter = re.search(r"/letters/[^\"]+\.pdf", done.text)
    assert letter
    other = another()
    other.signs_in(stranger)
    home = other.page
    for path in (
        f"/lines/{guest.line}/leave",
        f"/lines/{guest.line}/leave/check",
        f"/lines/{guest.line}/reduce",
        done.url.path,
        letter[0],
    ):
        assert other.opens(path).status_code == 404
    for path in ("leave", "leave/check", "leave/not-mine", "pause", "resume", "reduce"):
        other.page = home
        assert other.sends(f"/lines/{guest.line}/{path}", limit="1", way="pause").status_code == 404


def test_what_is_disputed_is_told_before_the_choice_and_not_as_owed(reader: Reader, scene: Scene):
    guest = scene.guest()
    bought = scene.buys(guest, 30_000)
    assert isinstance(bought, Purchase)
    with scene.db.transaction() as tx:
        disputes.dispute(tx, bought.id, 12_000, Ground.NOT_RECEIVED, "customer", scene.now())
    reader.signs_in(guest)
    shown = reader.opens(f"/lines/{guest.line}/leave").text
    assert "120.00, not asked for until it is resolved" in shown
    assert "180.00" in shown
