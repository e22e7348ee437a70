"""What hangs on a line, as the pages of leaving tell it, and the one alternative beside the ways."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from litestar.testing import TestClient
from web.portal.conftest import Reader
from web.portal.scene import LIMIT, Guest, Scene

from whiteslip.base import Refusal
from whiteslip.exits.model import State
from whiteslip.exits.offers import Kind, Offer
from whiteslip.exits.ties import propose_increase
from whiteslip.store import Database

TOLD = ("cash back", "Cinema ticket", "mandate", "bookshop", "Who else is told", "Higher limit")


def leave(guest: Guest, step: str = "") -> str:
    return f"/lines/{guest.line}/leave{step}"


def test_each_page_of_leaving_says_what_hangs_on_the_line(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    scene.buys(guest, 20_000)
    scene.ties(guest)
    reader.signs_in(guest)
    choice = reader.opens(leave(guest)).text
    reader.proves(guest)
    check = reader.opens(leave(guest, "/check")).text
    for said in TOLD:
        assert said in choice, said
        assert said in check, said
    assert "35.00" in check
    assert "M-1" in check
    main = check[check.index("<main") : check.index("</main>")]
    assert main.count("<button") == 1, "the check page has one button"
    done = reader.sends(leave(guest, "/check")).text
    for said in ("cash back", "M-1", "bookshop"):
        assert said in done, said
    assert "Higher limit" not in done, "it was dropped by the request"


def test_nothing_is_said_of_what_is_not_there(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    reader.signs_in(guest)
    pages = [reader.opens(leave(guest)).text]
    reader.proves(guest)
    pages += [reader.opens(leave(guest, "/check")).text, reader.sends(leave(guest, "/check")).text]
    for text in pages:
        for said in TOLD:
            assert said not in text, said


def test_the_closed_page_says_that_cash_back_was_paid_and_mandates_ended(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    scene.ties(guest)
    reader.signs_in(guest)
    done = reader.leaves(guest).text
    assert scene.cases(guest)[0].state is State.CLOSED
    assert re.search(r"cash back of \S+35\.00 is on its way", html.unescape(done))
    assert "cancelled the mandates M-1" in done


@pytest.fixture
def offering(db: Database, request: pytest.FixtureRequest) -> Iterator[Reader]:
    scene = Scene(db, offer=Offer("test", request.param, hold_out_percent=0))
    with TestClient(scene.app()) as client:
        client.headers["accept-language"] = "en"
        yield Reader(client, scene)


def ways(text: str) -> list[tuple[str, str]]:
    """Class and value of each way on the choice page."""
    return re.findall(r'<button class="([^"]*)"[^>]*name="way" value="(\w+)"', text)


@pytest.mark.parametrize("offering", [Kind.PAUSE], indirect=True)
def test_an_offer_looks_like_the_other_ways_says_why_and_is_not_asked_twice(offering: Reader):
    scene, guest = offering.scene, offering.scene.guest("en")
    offering.signs_in(guest)
    shown = offering.opens(leave(guest)).text
    assert [value for _, value in ways(shown)] == ["close", "reduce", "pause", "offer"]
    assert len({look for look, _ in ways(shown)}) == 1, "all ways look alike"
    assert "Because this line is in use" in shown
    assert len(ways(offering.opens(leave(guest), lang="zh-CN").text)) == 4, "another language, the same look"
    assert len(ways(offering.opens(leave(guest), lang="en").text)) == 4
    offering.sends(leave(guest), way="close")
    assert offering.page
    assert offering.page.url.path.endswith("/identity"), "choosing another way takes not a click more"
    assert len(ways(offering.opens(leave(guest)).text)) == 3, "passed over is answered"
    assert scene.journal().count("offer.shown") == 1
    assert offering.leaves(guest).url.path.startswith("/exits/")


@pytest.mark.parametrize("offering", [Kind.PAUSE], indirect=True)
def test_back_from_the_identity_page_keeps_the_step_and_what_was_typed(offering: Reader):
    guest = offering.scene.guest("en")
    offering.signs_in(guest)
    offering.opens(leave(guest))
    offering.sends(leave(guest), way="close")
    typed = offering.sends(leave(guest, "/identity"), full_name="Half Way", do="send").text
    assert 'value="Half Way"' in typed
    back = re.search(r'class="back" href="([^"]+)"', typed) or re.search(r'href="([^"]+/leave)"', typed)
    assert back
    assert "What would you like to do?" in offering.opens(back[1]).text


@pytest.mark.parametrize("offering", [Kind.PAUSE], indirect=True)
def test_a_pause_that_is_chosen_ends_by_itself(offering: Reader):
    scene, guest = offering.scene, offering.scene.guest("en")
    offering.signs_in(guest)
    offering.opens(leave(guest))
    offering.sends(leave(guest), way="offer")
    assert scene.line(guest).locks
    scene.set_clock(scene.now() + timedelta(days=30, minutes=1))
    scene.send_letters()
    assert not scene.line(guest).locks
    assert scene.cases(guest) == []


@pytest.mark.parametrize("offering", [Kind.LOWER_LIMIT], indirect=True)
def test_an_offer_without_anything_shown_does_nothing(offering: Reader):
    scene, guest = offering.scene, offering.scene.guest("en")
    offering.signs_in(guest)
    assert len(ways(offering.opens(leave(guest)).text)) == 3, "nothing is drawn, so nothing is offered"
    assert offering.sends(leave(guest), way="offer").url.path == leave(guest)
    scene.buys(guest, 10_000)
    assert len(ways(offering.opens(leave(guest)).text)) == 4
    assert offering.sends(leave(guest), way="offer").url.path.endswith("/reduce")


@pytest.mark.parametrize("offering", [Kind.HARDSHIP_HELP], indirect=True)
def test_who_is_past_due_is_led_to_the_plans(offering: Reader):
    scene, guest = offering.scene, offering.scene.guest("en")
    scene.buys(guest, 60_000)
    scene.pass_days(75)
    offering.signs_in(guest)
    assert "Because a payment of yours is past due" in offering.opens(leave(guest)).text
    assert offering.sends(leave(guest), way="offer").url.path == f"/lines/{guest.line}/hardship"


def test_somebody_else_is_added_with_checked_data_and_removed_with_one_click(reader: Reader, scene: Scene):
    guest, friend, stranger = scene.guest("en"), scene.guest("en").person, scene.guest("en")
    assert f"/lines/{guest.line}/users" in reader.signs_in(guest).text
    at = f"/lines/{guest.line}/users"
    reader.proves(guest)
    assert "it is only you" in reader.opens(at).text
    wrong = reader.sends(at, full_name=friend.full_name, id_number="1", phone="", email=friend.email)
    assert wrong.status_code == 422
    assert "Enter their phone number" in wrong.text
    typed = {"id_number": "FR1234567", "phone": "+8613900000055", "email": "friend@example.com"}
    wrong = reader.sends(at, full_name="A Friend", **(typed | {"phone": "12"}))
    assert "Check the phone number" in wrong.text
    assert 'value="A Friend"' in wrong.text, "what was typed stays"
    added = reader.sends(at, full_name="A Friend", **typed)
    assert "Remove A Friend" in added.text
    assert "A Friend" not in scene.journal()
    assert "A Friend" in reader.opens(leave(guest)).text
    (way,) = re.findall(rf'action="({at}/[^"]+/remove)"', reader.opens(at).text)
    reader.signs_in(stranger)
    reader.opens("/line")
    assert reader.sends(way).status_code == 404
    reader.opens("/line")
    reader.sends(way.replace(str(guest.line), str(stranger.line)))
    reader.signs_in(guest)
    assert "Remove A Friend" in reader.opens(at).text, "nobody else can remove them"
    assert "Remove A Friend" not in reader.sends(way).text


def proposed(scene: Scene, guest: Guest) -> str:
    with scene.db.transaction() as tx:
        then = scene.now() + timedelta(days=1)
        made = propose_increase(tx, "Test Lender", guest.line, 2 * LIMIT, then, "lender", scene.now())
    assert not isinstance(made, Refusal), made
    return str(made.id)


def test_a_proposed_limit_is_told_in_a_letter_and_rises_by_consent_only(reader: Reader, scene: Scene):
    yes, no, silent = (scene.guest("en") for _ in range(3))
    ids = {guest.line: proposed(scene, guest) for guest in (yes, no, silent)}
    scene.send_letters()
    for guest, answer in ((yes, "consent"), (no, "decline")):
        home = reader.signs_in(guest).text
        looks = re.findall(r'<button class="([^"]*)"[^>]*name="answer"', home)
        assert looks == ["button secondary"] * 2, "yes and no look alike"
        assert "We propose a higher limit" in reader.opens("/letters").text
        reader.proves(guest)
        reader.opens("/line")
        reader.sends(f"/lines/{guest.line}/increase", increase=ids[guest.line], answer=answer)
    reader.signs_in(silent)
    reader.proves(silent)
    reader.sends(f"/lines/{silent.line}/increase", increase=ids[yes.line], answer="consent")
    scene.set_clock(scene.now() + timedelta(days=2))
    scene.send_letters()
    assert [scene.line(guest).limit_minor for guest in (yes, no, silent)] == [2 * LIMIT, LIMIT, LIMIT]


def test_who_agreed_can_still_change_their_mind(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    wanted = proposed(scene, guest)
    reader.signs_in(guest)
    reader.proves(guest)
    agreed = reader.sends(f"/lines/{guest.line}/increase", increase=wanted, answer="consent").text
    assert "you can change your mind" in agreed
    assert 'value="consent"' not in agreed
    back = reader.sends(f"/lines/{guest.line}/increase", increase=wanted, answer="decline").text
    assert 'name="increase"' in agreed
    assert 'name="increase"' not in back
