"""What a stolen visit cannot do: whatever opens a line up, gives data away or deletes it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from web.portal.conftest import Reader
from web.portal.scene import LIMIT, Guest, Scene

from whiteslip.base import Refusal
from whiteslip.exits import stepups
from whiteslip.exits.ties import propose_increase
from whiteslip.purchases import Declined

FRIEND = {
    "full_name": "A Friend",
    "id_number": "FR1234567",
    "phone": "+8613900000055",
    "email": "friend@example.com",
}


def confirms(reader: Reader, guest: Guest) -> str:
    """The form of /confirm as it is open, filled in by the customer; where it leads."""
    assert reader.page
    assert reader.page.url.path == "/confirm"
    to = reader.page.url.params["to"]
    before = reader.scene.codes(guest)
    reader.sends("/confirm", do="send", to=to)
    who = guest.person
    typed = {"full_name": who.full_name, "id_number": who.id_number, "code": "000000", "to": to}
    assert reader.sends("/confirm", **typed).status_code == 422, "a wrong code proves nothing"
    done = reader.sends("/confirm", **typed | {"code": reader.scene.code(guest, before)})
    assert (done.url.path, "Please go on" in done.text) == (to, True)
    return to


def widening(scene: Scene, guest: Guest) -> list[tuple[str, dict[str, str], str]]:
    """Each act with its form, and what the journal calls it."""
    then = scene.now() + timedelta(days=1)
    with scene.db.transaction() as tx:
        made = propose_increase(tx, "Test Lender", guest.line, 2 * LIMIT, then, "lender", scene.now())
    assert not isinstance(made, Refusal)
    at = f"/lines/{guest.line}"
    return [
        (f"{at}/users", FRIEND, "line.user_added"),
        (f"{at}/increase", {"increase": str(made.id), "answer": "consent"}, "line.increase_consented"),
        (f"{at}/unlock", {"part": "night:"}, "line.unlocked"),
        (f"{at}/resume", {}, "line.unlocked"),
        ("/data/erase", {}, "privacy.erasure_answered"),
    ]


def test_a_stolen_visit_opens_nothing_up_and_a_proof_is_asked_for_once(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    reader.signs_in(guest)
    reader.opens(f"/lines/{guest.line}/locks")
    reader.sends(f"/lines/{guest.line}/locks", part="night:")
    acts = widening(scene, guest)
    before = scene.journal()
    for path, form, _ in acts[:3]:
        reader.opens("/line")
        assert reader.sends(path, **form).url.path == "/confirm", path
        assert 'name="code"' in reader.opens("/confirm", to="/line").text
    assert reader.opens("/data.json").url.path == "/confirm"
    assert scene.journal() == before, "nothing was done and nothing was kept"
    assert "full_name" not in reader.opens(f"/lines/{guest.line}/users").text, (
        "the form comes after the proof"
    )
    reader.opens("/line")
    reader.sends(f"/lines/{guest.line}/users", **FRIEND)
    assert confirms(reader, guest) == f"/lines/{guest.line}/users"
    for path, form, kind in acts:
        if path.endswith("/resume"):
            reader.sends(f"/lines/{guest.line}/pause")
        assert reader.sends(path, **form).url.path != "/confirm", path
        assert kind in scene.journal(), kind
    assert reader.opens("/data.json").status_code == 200
    scene.set_clock(scene.now() + timedelta(minutes=16))
    reader.opens("/line")
    assert reader.sends(f"/lines/{guest.line}/resume").url.path == "/confirm", "a quarter of an hour is over"


def test_stopping_and_narrowing_never_ask_and_taking_an_exit_back_does(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    scene.buys(guest, 10_000)
    reader.signs_in(guest)
    at = f"/lines/{guest.line}"
    reader.opens("/line")
    for path, form in (
        (f"{at}/pause", {}),
        (f"{at}/locks", {"part": "night:"}),
        (f"{at}/reduce", {"limit": "3,000"}),
        (f"{at}/leave/without-code", {}),
    ):
        assert reader.sends(path, **form).url.path != "/confirm", path
    (case,) = scene.cases(guest)
    reader.sends(f"/exits/{case.reference}/cancel")
    assert scene.cases(guest)[0].is_open
    assert confirms(reader, guest) == f"/exits/{case.reference}"


@pytest.mark.parametrize("to", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_a_proof_leads_back_to_this_host_only(reader: Reader, scene: Scene, to: str):
    guest = scene.guest("en")
    reader.signs_in(guest)
    assert 'value="/line"' in reader.opens("/confirm", to=to).text
    reader.proves(guest)
    assert reader.opens("/confirm", to=to).url.path == "/line"


def test_a_step_up_that_is_asked_of_a_line_is_answered_on_its_page_and_hinders_no_leaving(
    reader: Reader, scene: Scene
):
    guest = scene.guest("en")
    reader.signs_in(guest)
    reader.proves(guest)
    asks = "Please confirm that it"
    assert asks not in reader.opens("/line").text
    with scene.db.transaction() as tx:
        stepups.ask(tx, scene.office, guest.line, "staff:a", scene.now())
    assert asks in reader.opens("/line").text
    assert isinstance(scene.buys(guest, LIMIT // 2), Declined)
    assert reader.opens(f"/lines/{guest.line}/leave").status_code == 200
    page = reader.opens("/confirm", to="/line")
    assert "used in a way that is new to it" in page.text, "a proof from before it was asked is none"
    confirms(reader, guest)
    assert asks not in reader.opens("/line").text
    assert not isinstance(scene.buys(guest, LIMIT // 2), Declined)
    assert "step_up.confirmed" in scene.journal()
