"""Objecting to a credit report: on the page, also after leaving, over the API, and the answer by letter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar.testing import TestClient
from web.console.conftest import Desk
from web.portal.conftest import Reader
from web.portal.scene import SECRET, Guest, Scene

from whiteslip import bureau
from whiteslip.base.ids import public
from whiteslip.bureau import Objection
from whiteslip.bureau import store as bureau_store
from whiteslip.complaints import store as complaints_store
from whiteslip.day.timers import run_due
from whiteslip.identity import access
from whiteslip.identity.model import Role, Staff
from whiteslip.notices import of_recipient
from whiteslip.web import console
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app


def objections(scene: Scene, guest: Guest) -> list[Objection]:
    with scene.db.transaction() as tx:
        return bureau_store.objections_of(tx, [guest.line])


def told(scene: Scene, guest: Guest) -> list[dict[str, Any]]:
    with scene.db.transaction() as tx:
        letters = reversed(of_recipient(tx, guest.customer))
        return [dict(each.facts) for each in letters if each.kind.startswith("bureau.")]


def test_who_has_left_complains_of_their_credit_report_objects_and_is_answered_by_the_desk(
    reader: Reader, scene: Scene
):
    guest, at = scene.guest("en"), "/lines/{}/report"
    at = at.format(guest.line)
    reader.signs_in(guest)
    reader.leaves(guest)
    assert at in reader.opens("/line").text
    reader.opens("/complain")
    led = reader.sends("/complain", topic="credit_report", words="It says that the line is open.")
    assert (led.url.path, "We have your complaint" in led.text) == (at, True)
    with scene.db.transaction() as tx:
        (complaint,) = complaints_store.of_customer(tx, guest.customer)
    assert complaint.topic == "credit_report"
    assert reader.sends(at).status_code == 422, "what is wrong, is to be said; nothing else"
    reader.sends(at, part="account_status")
    assert reader.sends(at, part="account_status").status_code == 409, "one is being looked into"
    (made,) = objections(scene, guest)
    assert made.due_at.astimezone(made.opened_at.tzinfo).date() >= made.opened_on + timedelta(days=19)
    assert told(scene, guest)[0]["part"] == "account_status"
    settings = WebSettings(SECRET, default_language="en")
    with TestClient(create_app(console.routers, settings, scene.ports)) as client:
        desk = Desk(scene.db, scene.ports, client)
        desk.sign_in()
        there = "/console/objections"
        assert there in desk.get("/console/complaints")
        assert "How the account stands" in desk.get(there)
        done = desk.post(f"{there}/{made.id}/answer", there, outcome="corrected")
        assert done.status_code == 303
        assert "No objection waits" in desk.get(there)
    assert objections(scene, guest)[0].outcome == "corrected"
    assert [each.get("outcome") for each in told(scene, guest)] == [None, "corrected"]
    assert "Corrected, in the next file" in reader.opens(at).text


def test_nobodys_answer_in_time_is_a_correction_and_is_told(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    reader.signs_in(guest)
    at = f"/lines/{guest.line}/report"
    reader.opens(at)
    reader.sends(at, part="balance")
    (made,) = objections(scene, guest)
    assert (made.due_at - scene.now()).days == 20, "征信业管理条例 article 25"
    run_due(scene.db, scene.nights, made.due_at)
    answer = told(scene, guest)[-1]
    assert (answer["outcome"], answer["why"]) == ("corrected", "not_answered_in_time")


def test_nobody_objects_to_the_report_of_somebody_else(reader: Reader, scene: Scene):
    guest, other = scene.guest("en"), scene.guest("en")
    reader.signs_in(guest)
    assert reader.opens(f"/lines/{other.line}/report").status_code == 404


def test_a_machine_objects_for_a_customer_and_a_person_answers(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    with scene.db.transaction() as tx:
        who = access.create_staff(tx, "owner", Role.REVIEWER, None, scene.now())
        assert isinstance(who, Staff)
        secret = access.create_key(tx, "desk", ("read", "write"), scene.now(), who.id)
    key = {"Authorization": f"Bearer {secret}"}
    line = public("line", guest.line)
    body = {"line": line, "field": "payment_history", "month": "2026-01"}
    made = reader.client.post("/v1/bureau-objections", json=body, headers=key)
    assert (made.status_code, made.json()["month"]) == (201, "2026-01")
    listed = reader.client.get(f"/v1/bureau-objections?line={line}", headers=key).json()
    assert listed == [made.json()]
    at = f"/v1/bureau-objections/{made.json()['id']}"
    assert reader.client.get(at, headers=key).json() == made.json()
    done = reader.client.post(f"{at}/answer", json={"outcome": "stays"}, headers=key)
    assert (done.status_code, done.json().get("outcome")) == (200, "stays"), done.text
    again = reader.client.post(f"{at}/answer", json={"outcome": "corrected"}, headers=key)
    assert again.json()["code"] == "bureau.objection_not_open"
    assert [each.get("outcome") for each in told(scene, guest)] == [None, "stays"]
    assert objections(scene, guest)[0].outcome == bureau.Outcome.STAYS
