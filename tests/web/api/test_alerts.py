"""Alerts by the API."""

from __future__ import annotations

from alarms import raised
from web.api.conftest import Api
from worlds import DAY, at, open_line

from whiteslip.base.ids import public


def test_alerts_are_listed_acknowledged_and_labelled(api: Api):
    line = open_line(api.db)
    alert = raised(api.db, line, at(DAY))
    path = f"/v1/alerts/{public('alr', alert.id)}"
    (row,) = api.ask("GET", "/v1/alerts").json()["data"]
    assert (row["rule"], row["act"], row["state"], row["line"]) == (
        "bust_out",
        "stop",
        "open",
        public("line", line),
    )
    assert {"name": "bought_24h_minor", "value": 810_000, "usual": 8_102} in row["shown"]
    early = api.ask("POST", f"{path}/label", {"right": False})
    assert (early.status_code, early.json()["code"]) == (409, "alert.not_acknowledged")
    assert api.ask("POST", f"{path}/acknowledge", {}).json()["state"] == "acknowledged"
    assert api.ask("POST", f"{path}/label", {"right": False}).json()["right"] is False
    assert api.ask("GET", path).json()["state"] == "labelled"
    assert api.ask("GET", "/v1/alerts/alr_nothing").status_code == 404


def test_a_step_up_is_asked_shown_among_the_locks_and_answered_by_a_check(api: Api):
    customer = api.customer()
    line = api.line(100_000, customer)
    bought = {"line": line, "merchant": "shop", "amount_minor": 50_000}
    for _ in range(2):
        assert api.post(f"/v1/lines/{line}/step-up", {}, 200)["drawing_stopped"] is False
    (lock,) = api.get(f"/v1/lines/{line}/locks")["data"]
    assert (lock["ground"], lock["feature"], lock["until"] is None) == ("step_up", "unconfirmed", False)
    assert api.post("/v1/purchases", bought)["code"] == "line.unconfirmed"
    assert api.post("/v1/purchases", bought | {"amount_minor": 5_000})["state"] == "authorised"
    api.prove(customer)
    assert api.get(f"/v1/lines/{line}/locks")["data"] == []
    assert api.post("/v1/purchases", bought)["state"] == "authorised"
