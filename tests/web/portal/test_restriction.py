"""Why the lender restricted a line, and how the customer sees it."""

from __future__ import annotations

from web.portal.conftest import Reader
from web.portal.scene import Scene

from whiteslip.exits import proposals, restrictions
from whiteslip.exits.model import Cause


def test_a_customer_says_how_they_see_it_once_and_a_person_answers_in_time(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    at = f"/lines/{guest.line}/restriction"
    assert at not in reader.opens("/line").text
    assert reader.opens(at).url.path == "/line", "nothing is restricted"
    with scene.db.transaction() as tx:
        why = [Cause.CONTACT_LOST]
        restrictions.restrict(tx, scene.office, guest.line, why, "staff:a", scene.now())
    assert at in reader.opens("/line").text
    page = reader.opens(at).text
    for said in (
        "New purchases are stopped",
        "How do you see it?",
        "close the line at any time all the same",
    ):
        assert said in page
    done = reader.sends(at, words="I have moved house")
    assert "A person is looking at it again" in done.text
    assert "moved house" not in done.text
    assert "moved house" not in scene.journal()
    with scene.db.transaction() as tx:
        (waiting,) = proposals.objections_waiting(tx)
    assert waiting.words
    assert "Have a person look again" not in reader.opens(at).text, "asked once"
    with scene.db.transaction() as tx:
        proposals.answer(tx, scene.office, waiting.id, None, "staff:b", scene.now())
    assert not scene.line(guest).drawing_stopped
    assert reader.opens(at).url.path == "/line"
    stranger = scene.guest()
    assert reader.opens(f"/lines/{stranger.line}/restriction").status_code == 404
