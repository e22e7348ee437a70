"""A debt taken as lost, through the API: two keys take it, and two accept a part for the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from billing.test_chargeoff import LATE, arrears, house
from web.api.conftest import Api
from worlds import at, offences

from whiteslip.base.ids import public
from whiteslip.lines.locks import standing
from whiteslip.store.timers import StoredClock

# 120.00 in twelve months at 18 %: a level payment of 11.01, and interest of 1.80, 1.66, 1.52, 1.38, 1.23,
# 1.09, 0.94, 0.79, 0.63, 0.48, 0.32 and 0.16, that is 12.00. Two late fees, each of the 11.01 that were late.
OWED = 12_000 + 1_200 + 2 * 1_101


def test_two_keys_take_a_loss_and_settle_it_and_no_lifted_restriction_frees_the_line(
    api: Api, key: Callable[..., str]
):
    found = arrears(api.db)
    line = f"/v1/lines/{public('line', found)}"
    other = replace(api, secret=key())
    with api.db.transaction() as tx:
        StoredClock(tx).set(at(LATE))
    assert api.post(f"{line}/settle", {}, 409)["code"] == "charge_off.not_charged_off"
    proposal = api.post(f"{line}/restrict", {"reasons": ["past_due"]}, 200)
    if proposal["outcome"] == "open":
        other.post(f"/v1/restriction-proposals/{proposal['id']}/decide", {"approve": True}, 200)
    before = house(api.db)
    assert api.post(f"{line}/charge-off", {}, 200)["state"] == "proposed"
    assert api.post(f"{line}/charge-off", {}, 403)["code"] == "desk.own_proposal"
    assert [one["line"] for one in api.get("/v1/charge-offs")["data"]] == [public("line", found)]
    assert house(api.db) == before
    done = other.post(f"{line}/charge-off", {}, 200)
    assert (done["state"], done["amount_minor"], done["days_past_due"]) == ("charged_off", OWED, 361)
    assert api.get("/v1/charge-offs")["data"] == []
    assert moved(before, house(api.db)) == {"charged_off": -OWED, "credit_losses": OWED}
    assert api.get(line)["owed_minor"] == OWED, "the customer goes on owing it"
    grounds = {lock["ground"] for lock in api.get(f"{line}/locks")["data"]}
    assert grounds == {"restriction", "charge_off"}
    api.post(f"{line}/unrestrict", {}, 200)
    bought = {"line": public("line", found), "merchant": "shop", "amount_minor": 100}
    assert api.post("/v1/purchases", bought)["code"] == "line.restricted", "a charge-off is no restriction"
    assert api.post(f"{line}/settle", {}, 409)["code"] == "charge_off.nothing_paid"
    paid = {"line": public("line", found), "reference": "P-1", "amount_minor": 5_000}
    api.post("/v1/payments", paid | {"value_on": LATE.isoformat()})
    assert api.post(f"{line}/settle", {}, 200)["settlement_proposed"]
    assert api.post(f"{line}/settle", {}, 403)["code"] == "desk.own_proposal"
    settled = other.post(f"{line}/settle", {}, 200)
    assert (settled["state"], settled["settled_on"]) == ("settled", LATE.isoformat())
    assert api.get(line)["owed_minor"] == 0
    # 50.00 came back, the rest of the loss stays one.
    assert moved(before, house(api.db)) == {"credit_losses": OWED - (OWED - 5_000), "recoveries": -5_000} | {
        "waived": OWED - 5_000
    }
    assert api.post("/v1/purchases", bought)["code"] == "line.restricted", "nor does settling free it"
    with api.db.transaction() as tx:
        assert [lock.ground for lock in standing(tx, found)] == ["charge_off"]
        StoredClock(tx).set(at(LATE) + timedelta(days=1))
    assert offences(api.db) == []


def moved(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """By how much the house's accounts changed."""
    return {code: after[code] - before[code] for code in after if after[code] != before[code]}
