"""Another phone or e-mail, through the three doors: proven at the new place, told at the old one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from web.console.conftest import Desk
from web.portal.conftest import Reader
from web.portal.scene import SECRET, Guest, Scene

from whiteslip import identity
from whiteslip.base.ids import public
from whiteslip.identity import Person, access
from whiteslip.identity.model import Role, Staff
from whiteslip.identity.vault import former
from whiteslip.notices import Addressee, of_recipient
from whiteslip.notices.model import Message, Notice, Receipt
from whiteslip.web import console
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

NEW = {"phone": "+8613900000099", "email": "elsewhere@example.com"}


def known(scene: Scene, guest: Guest) -> Person:
    with scene.db.transaction() as tx:
        person = identity.peek(tx, scene.ports.vault, guest.customer)
    assert isinstance(person, Person)
    return person


def told(scene: Scene, guest: Guest) -> list[tuple[Notice, bool]]:
    """Letters of the change, and whether each goes to where they were reached before."""
    with scene.db.transaction() as tx:
        found = of_recipient(tx, guest.customer)
    return [(letter, letter.to_former) for letter in found if letter.kind == "contact.changed"]


def codes_to(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> list[Addressee]:
    """Where codes go from now on."""
    went: list[Addressee] = []
    through = scene.ports.mailer.send_code  # bound, so it is the one of before

    def send(_self: object, recipient: Any, addressee: Addressee, *rest: Any) -> None:
        went.append(addressee)
        through(recipient, addressee, *rest)

    monkeypatch.setattr(type(scene.ports.mailer), "send_code", send)
    return went


def proves(reader: Reader, guest: Guest) -> None:
    reader.opens("/contact")
    before = reader.scene.codes(guest)
    reader.sends("/confirm", to="/contact", do="send")
    person, code = known(reader.scene, guest), reader.scene.code(guest, before)
    reader.sends("/confirm", to="/contact", full_name=person.full_name, id_number=person.id_number, code=code)
    assert reader.page
    assert reader.page.url.path == "/contact"


@pytest.mark.parametrize("part", ["phone", "email"])
def test_a_new_place_is_proven_by_its_own_code_after_a_proof_by_the_old_one_and_the_old_one_is_told(
    reader: Reader, scene: Scene, part: str, monkeypatch: pytest.MonkeyPatch
):
    guest = scene.guest()
    old = known(scene, guest)
    reader.signs_in(guest)
    assert 'href="/contact"' in reader.opens("/line").text
    assert reader.opens("/contact").url.path == "/confirm", "first who they are, by what is on file"
    assert reader.sends("/contact", place=NEW[part]).url.path == "/confirm"
    proves(reader, guest)
    went, before = codes_to(scene, monkeypatch), scene.codes(guest)
    assert reader.sends("/contact", place=getattr(old, part)).status_code == 409, "nothing new about it"
    assert reader.sends("/contact", place="12").status_code == 422
    asked = reader.sends("/contact", place=NEW[part])
    assert asked.url.path == "/contact/code"
    assert NEW[part] not in asked.text
    assert [getattr(to, part) for to in went] == [NEW[part]], "to the new place and nowhere else"
    assert known(scene, guest) == old, "asking changes nothing"
    assert reader.sends("/contact/code", code="000000").status_code == 422
    done = reader.sends("/contact/code", code=scene.code(guest, before))
    assert "It is changed" in done.text
    assert known(scene, guest) == replace(old, **{part: NEW[part]})
    with scene.db.transaction() as tx:
        assert former(tx, scene.ports.vault, guest.customer) == old
    ways = [way for _, way in told(scene, guest)]
    assert sorted(ways) == ([True] if part == "phone" else [False, True])
    kept = scene.journal()
    assert kept.count("'identity.contact_changed'") == 1
    assert not any(secret in kept for secret in (*NEW.values(), old.phone, old.email))
    assert reader.opens("/contact/code").url.path == "/contact", "once"


def test_the_letter_goes_where_they_were_reached_before(
    reader: Reader, scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    guest = scene.guest("en")
    old = known(scene, guest)
    reader.signs_in(guest)
    proves(reader, guest)
    before = scene.codes(guest)
    reader.sends("/contact", place=NEW["email"])
    reader.sends("/contact/code", code=scene.code(guest, before))
    sent: list[Message] = []

    def send(_self: object, message: Message) -> Receipt:
        sent.append(message)
        return Receipt("taken", str(message.id))

    monkeypatch.setattr(type(scene.ports.mailer), "send", send)
    scene.send_letters()
    assert sorted(each.addressee.email for each in sent) == sorted([old.email, NEW["email"]])
    assert "The e-mail address that we reach you by was changed" in sent[0].body
    assert "For 7 days we pay no credit out" in sent[0].body


def test_a_code_that_went_to_one_place_proves_no_other_and_runs_out(reader: Reader, scene: Scene):
    guest = scene.guest()
    old = known(scene, guest)
    reader.signs_in(guest)
    proves(reader, guest)
    before = scene.codes(guest)
    reader.sends("/contact", place=NEW["phone"])
    first = scene.code(guest, before)
    reader.opens("/contact")
    reader.sends("/contact", place="+8613900000098")
    assert reader.sends("/contact/code", code=first).status_code == 422
    second = scene.code(guest, [*before, first])
    scene.set_clock(scene.now() + timedelta(minutes=14))
    assert known(scene, guest) == old
    scene.set_clock(scene.now() + timedelta(minutes=2))
    late = reader.sends("/contact/code", code=second)
    assert late.url.path != "/contact/code" or late.status_code in (410, 422)
    assert known(scene, guest) == old


def test_a_machine_asks_for_another_place_after_a_check_and_confirms_it_by_the_code(
    reader: Reader, scene: Scene
):
    guest, key = scene.guest(), {"Authorization": f"Bearer {scene.key()}"}
    client, customer = reader.client, public("cus", guest.customer)

    def post(path: str, body: Any) -> Any:
        return client.post(path, json=body, headers=key)

    at = f"/v1/customers/{customer}/contact"
    assert post(at, {"place": NEW["phone"]}).json()["code"] == "identity.not_verified"
    post("/v1/identity-checks", {"customer": customer})
    who = {"full_name": guest.person.full_name, "id_number": guest.person.id_number}
    checked = post(f"/v1/identity-checks/{customer}/verify", who | {"code": scene.code(guest)})
    assert checked.status_code == 200
    assert post(f"{at}/confirm", {"code": "123456"}).json()["code"] == "identity.contact_not_asked"
    before = scene.codes(guest)
    asked = post(at, {"place": NEW["phone"]})
    assert (asked.status_code, asked.json()["part"]) == (201, "phone")
    wrong = post(f"{at}/confirm", {"code": "000000"}).json()
    assert wrong["code"] == "identity.code_wrong"
    done = post(f"{at}/confirm", {"code": scene.code(guest, before)})
    assert (done.status_code, done.json()["state"]) == (200, "changed")
    assert known(scene, guest).phone == NEW["phone"]
    assert NEW["phone"] not in json.dumps([asked.json(), done.json()])
    assert len(told(scene, guest)) == 1


def test_at_the_desk_one_proposes_and_another_agrees(scene: Scene):
    guest = scene.guest()
    settings = WebSettings(secret=SECRET, default_language="en")
    with TestClient(create_app(console.routers, settings, scene.ports)) as client:
        desk, at = Desk(scene.db, scene.ports, client), f"/console/lines/{guest.line}/contact"
        desk.sign_in()
        assert at in desk.get(f"/console/lines/{guest.line}")
        assert desk.post(at, at, place=NEW["phone"]).status_code == 303
        mine = desk.get(at)
        assert "Agree to the change" not in mine
        assert NEW["phone"] not in mine
        assert desk.post(f"{at}/decide", at, decision="approve").status_code == 403
        assert known(scene, guest) == guest.person
        with scene.db.transaction() as tx:
            made = access.create_staff(tx, "second", Role.REVIEWER, "another long password", scene.now())
        assert isinstance(made, Staff)
        desk.sign_out()
        desk.post("/console/sign-in", name="second", password="another long password")
        assert NEW["phone"] in desk.get(at)
        assert desk.post(f"{at}/decide", at, decision="approve").status_code == 303
    assert known(scene, guest).phone == NEW["phone"]
    assert [way for _, way in told(scene, guest)] == [True]
    assert NEW["phone"] not in scene.journal()
