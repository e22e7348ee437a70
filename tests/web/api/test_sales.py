"""Debts sold, through the API: two keys sell, the buyer is sent what is theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from web.api.conftest import NOW, Api

from whiteslip import exits
from whiteslip.base.ids import parse_public
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.exits.model import Channel, Identity
from whiteslip.store.timers import StoredClock


def leave(api: Api, line: str) -> None:
    found, office = parse_public("line", line), Office(Tables.load(), "Test")
    assert found
    with api.db.transaction() as tx:
        exits.request(tx, office, found, Channel.PORTAL, "customer", NOW, Identity.VERIFIED)


def test_two_people_sell_the_debt_of_who_has_left_and_money_here_is_passed_on(
    api: Api, key: Callable[..., str]
):
    line = api.line()
    bought = {"line": line, "merchant": "shop", "amount_minor": 30_000, "instalments": 3}
    purchase = api.post("/v1/purchases", bought)["id"]
    api.post(f"/v1/purchases/{purchase}/capture", {"amount_minor": 30_000}, 200)
    buyer = {"name": "Example Debt Buyer", "pay_to": "IBAN XX00 0000", "currency": "CNY"}
    to = api.post("/v1/debt-buyers", buyer)["id"]
    assert api.post("/v1/debt-buyers", buyer, 409)["code"] == "buyer.name_taken"
    terms = {"buyer": to, "price_minor": 9_000}
    refused = api.post(f"/v1/lines/{line}/sale", terms, 409)
    assert refused["code"] == "sale.not_for_sale"
    assert api.ask("GET", f"/v1/lines/{line}/sale").status_code == 404
    leave(api, line)
    assert api.post(f"/v1/lines/{line}/sale", terms, 200)["state"] == "proposed"
    assert api.post(f"/v1/lines/{line}/sale", terms, 403)["code"] == "desk.own_proposal"
    assert [each["line"] for each in api.get("/v1/sales")["data"]] == [line]
    hers = replace(api, secret=key(owner="reviewer 1"))
    assert hers.post(f"/v1/lines/{line}/sale", terms, 403)["code"] == "desk.own_proposal", (
        "another key of hers"
    )
    done = replace(api, secret=key()).post(f"/v1/lines/{line}/sale", terms, 200)
    assert (done["state"], done["buyer_name"], done["face_minor"]) == ("sold", "Example Debt Buyer", 30_000)
    assert api.get(f"/v1/lines/{line}")["owed_minor"] == 0
    paid = {"line": line, "reference": "P-1", "amount_minor": 5_000, "value_on": NOW.date().isoformat()}
    api.post("/v1/payments", paid)
    assert api.get(f"/v1/lines/{line}/sale")["left_minor"] == 25_000
    assert api.get("/v1/debt-buyers")[0]["due_minor"] == 5_000
    assert api.post(f"/v1/debt-buyers/{to}/remit", {}, 200)["remitted_minor"] == 5_000
    assert api.post(f"/v1/debt-buyers/{to}/remit", {}, 200)["remitted_minor"] == 0
    with api.db.transaction() as tx:
        StoredClock(tx).set(NOW + timedelta(hours=1))
    assert api.post(f"/v1/purchases/{purchase}/refund", {"amount_minor": 4_000}, 200)
    assert api.get("/v1/debt-buyers")[0]["due_minor"] == 4_000
