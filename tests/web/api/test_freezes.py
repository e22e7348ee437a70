"""An order of the law, by two keys of two people."""

from __future__ import annotations

from .conftest import Api, with_key


def test_a_freeze_takes_two_people_and_so_does_lifting_it(api: Api):
    line, order = f"/v1/lines/{api.line()}", {"ground": "attachment", "reference": "12 C 34/26"}
    second = Api(api.db, api.client, with_key(api.db))
    assert api.ask("GET", f"{line}/freeze").json()["code"] == "freeze.not_standing"
    assert api.post(f"{line}/freeze", order, 200)["state"] == "proposed"
    assert api.post(f"{line}/freeze", order, 403)["code"] == "desk.own_proposal"
    api.post(f"{line}/freeze", order | {"reference": "<b>"}, 422)
    assert api.post(f"{line}/freeze/turn-down", {}, 403)["code"] == "desk.own_proposal"
    second.post(f"{line}/freeze/turn-down", {}, 200)
    assert api.ask("GET", f"{line}/freeze").json()["code"] == "freeze.not_standing"
    assert not api.get(line)["drawing_stopped"]
    assert api.post(f"{line}/freeze", order, 200)["state"] == "proposed"
    assert second.post(f"{line}/freeze", order, 200)["state"] == "placed"
    assert api.get(line)["locks"] == ["legal"]
    assert api.get(f"{line}/freeze")["reference"] == "12 C 34/26"
    assert api.post(f"{line}/freeze/turn-down", {}, 409)["code"] == "freeze.nothing_proposed"
    assert api.post(f"{line}/unfreeze", {}, 200)["state"] == "lift_proposed"
    assert api.post(f"{line}/freeze/turn-down", {}, 403)["code"] == "desk.own_proposal"
    second.post(f"{line}/freeze/turn-down", {}, 200)
    assert api.get(f"{line}/freeze")["state"] == "placed", "lifting it was turned down: it stands"
    assert api.post(f"{line}/unfreeze", {}, 200)["state"] == "lift_proposed"
    assert api.post(f"{line}/unfreeze", {}, 403)["code"] == "desk.own_proposal"
    assert second.post(f"{line}/unfreeze", {}, 200)["state"] == "lifted"
    assert not api.get(line)["drawing_stopped"]
    assert api.ask("POST", f"{line}/unfreeze", {}).json()["code"] == "freeze.not_standing"
