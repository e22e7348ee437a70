"""What becomes known late, through the API on a test clock."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from litestar.testing import TestClient
from worlds import at, night

from whiteslip.store.timers import StoredClock

from .conftest import NOW, Api, application, with_key

if TYPE_CHECKING:
    from whiteslip.store import Database


def set_clock(api: Api, day: date) -> None:
    """Noon of a day, without the nights between."""
    with api.db.transaction() as tx:
        StoredClock(tx).set(at(day))


def test_a_pause_and_a_correction_that_are_told_late_count_from_their_days_and_once(api: Api):
    line = api.line(500_000)
    began = NOW + timedelta(hours=1)
    api.post("/v1/test-clock/advance", {"by": "+2h"}, 200)
    shop = {"line": line, "merchant": "shop", "amount_minor": 60_000, "instalments": 6}
    bought = api.post("/v1/purchases", shop)["id"]
    api.post(f"/v1/purchases/{bought}/capture", {"amount_minor": 60_000}, 200)
    booked = {"line": line, "reference": "R-1", "amount_minor": 10_000, "value_on": "2026-10-22"}
    paid = api.post("/v1/payments", booked)["id"]
    api.post("/v1/test-clock/advance", {"by": "+30d"}, 200)
    assert api.get(f"/v1/lines/{line}/payoff")["total_minor"] > 50_000
    late = {"began_at": began.isoformat(), "days": 90}
    right = {"amount_minor": 20_000, "value_on": "2026-10-22"}
    for again in range(3):
        api.post(f"/v1/lines/{line}/pause", late, 200, Idempotency_Key=f"pause {again // 2}")
        correction = api.post(
            f"/v1/payments/{paid}/correct", right, 200, Idempotency_Key=f"right {again // 2}"
        )
        assert api.post("/v1/payments", booked)["id"] == correction["id"], "the bank tells it again"
    (lock,) = api.get(f"/v1/lines/{line}/locks")["data"]
    assert (lock["kind"], lock["began_at"][:19]) == ("customer", began.isoformat()[:19])
    assert api.get(f"/v1/lines/{line}/payoff")["total_minor"] == 40_000
    assert api.get(f"/v1/lines/{line}")["days_past_due"] == 0
    old, new = api.get(f"/v1/payments?line={line}")["data"]
    assert (old["corrected_by"], new["corrected_by"]) == (new["id"], None)
    assert api.post("/v1/purchases", shop)["code"] == "line.locked"
    before = {"began_at": "2020-01-01T00:00:00Z"}
    assert api.post(f"/v1/lines/{line}/pause", before, 422)["code"] == "lock.began_at_invalid"
    assert api.post(f"/v1/payments/{paid}/correct", right | {"amount_minor": 1}, 409)["code"] == (
        "payment.corrected"
    )


def test_a_pause_of_one_shop_that_is_told_late_gives_back_the_price_of_that_shop_alone(api: Api):
    line = api.line(500_000)
    began = NOW + timedelta(hours=1)
    api.post("/v1/test-clock/advance", {"by": "+2h"}, 200)

    def shop(name: str) -> dict[str, object]:
        return {"line": line, "merchant": name, "amount_minor": 60_000, "instalments": 6}

    for name in ("shop-a", "shop-b"):
        bought = api.post("/v1/purchases", shop(name))["id"]
        api.post(f"/v1/purchases/{bought}/capture", {"amount_minor": 60_000}, 200)
    night(api.db, date(2026, 11, 1))
    set_clock(api, date(2026, 11, 21))

    def owed() -> int:
        return api.get(f"/v1/lines/{line}/payoff")["total_minor"]

    # Of each purchase, at 0.55 % a month: 3.30 billed on 1 November, and of the month since then 2.20,
    # that is 3.30 less ten days of thirty.
    assert owed() == 2 * (60_000 + 330 + 220)
    late = {"feature": "merchant", "value": "shop-a", "began_at": began.isoformat()}
    for again in range(3):
        api.post(f"/v1/lines/{line}/pause", late, 200, Idempotency_Key=f"a {again // 2}")
        assert owed() == 60_000 + (60_000 + 330 + 220)
    # A pause whose day was over before anybody wrote it down: nothing is locked, and still nothing is earned.
    over = {"feature": "merchant", "value": "shop-b", "began_at": began.isoformat(), "days": 1}
    for _ in range(2):
        api.post(f"/v1/lines/{line}/pause", over, 200)
        assert owed() == 120_000
    assert [lock["value"] for lock in api.get(f"/v1/lines/{line}/locks")["data"]] == ["shop-a"]
    assert api.post("/v1/purchases", shop("shop-a"))["code"] == "line.feature_paused"
    assert api.post("/v1/purchases", shop("shop-b"))["state"] == "authorised"
    assert api.post(f"/v1/lines/{line}/pause", late | {"value": ""}, 422)["code"] == "lock.part_invalid"


def test_a_returned_debit_and_a_refund_told_late_leave_what_would_be_owed_without_them(api: Api):
    line = api.line(500_000)

    def bought(day: date) -> str:
        set_clock(api, day)
        shop = {"line": line, "merchant": "shop", "amount_minor": 20_000}
        purchase = api.post("/v1/purchases", shop)["id"]
        api.post(f"/v1/purchases/{purchase}/capture", {"amount_minor": 20_000}, 200)
        return purchase

    def paid(day: date) -> str:
        set_clock(api, day)
        booked = {"line": line, "reference": str(day), "amount_minor": 20_000, "value_on": day.isoformat()}
        return api.post("/v1/payments", booked)["id"]

    bought(date(2026, 10, 22))  # due on 21 November
    night(api.db, date(2026, 11, 1))
    second = bought(date(2026, 11, 10))  # due on 21 December
    debit = paid(date(2026, 11, 20))
    night(api.db, date(2026, 12, 1))
    paid(date(2026, 12, 15))
    set_clock(api, date(2027, 1, 5))
    assert api.get(f"/v1/lines/{line}")["owed_minor"] == 0
    for _ in range(2):
        assert api.post(f"/v1/payments/{debit}/return", None, 200)["returned_at"]
        # The other pays what was due on 21 November: late are 15 days since 21 December, not 45; no late fee.
        found = api.get(f"/v1/lines/{line}")
        assert (found["owed_minor"], found["days_past_due"]) == (20_000, 15)
    early = {"amount_minor": 20_000, "value_on": "2026-11-09"}
    refused = api.post(f"/v1/purchases/{second}/refund", early, 422)
    assert refused["code"] == "refund.value_date_invalid"
    # The shop had given the second purchase back on 10 December.
    api.post(f"/v1/purchases/{second}/refund", early | {"value_on": "2026-12-10"}, 200)
    found = api.get(f"/v1/lines/{line}")
    assert (found["owed_minor"], found["days_past_due"]) == (0, 0)


def test_another_day_for_bills_is_shown_and_then_moved_once(api: Api):
    line = api.line(500_000)
    shop = {"line": line, "merchant": "shop", "amount_minor": 60_000, "instalments": 3}
    bought = api.post("/v1/purchases", shop)["id"]
    api.post(f"/v1/purchases/{bought}/capture", {"amount_minor": 60_000}, 200)
    path = f"/v1/lines/{line}/payday"
    shown = api.get(f"{path}?statement_day=20")
    assert shown["refused"] is None
    assert [row["open_minor"] for row in shown["moved"]] == [20_360] * 3, "a monthly fee of 1.80 % goes along"
    assert all(row["due_on"] > row["was_due_on"] for row in shown["moved"])
    assert api.ask("GET", f"{path}?statement_day=29").status_code == 422
    assert api.post(path, {"statement_day": 20}, 200)["statement_day"] == 20
    assert api.get(f"{path}?statement_day=7")["refused"] == "payday.too_soon"
    assert api.post(path, {"statement_day": 7}, 409)["code"] == "payday.too_soon"


@pytest.mark.parametrize("pack", ["cn", "us"])
def test_days_that_no_line_can_have_are_refused_and_no_fault_of_ours(db: Database, pack: str):
    with TestClient(application(db, pack)) as client:
        api = Api(db, client, with_key(db))
        customer = api.customer(phone="+8613900000021")
        for day in (0, 29, 31):
            body = {"customer": customer, "limit_minor": 500_000, "statement_day": day}
            assert api.ask("POST", "/v1/lines", body).status_code == 422
        line = api.post("/v1/lines", body | {"statement_day": 28})["id"]
        for began in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
            refused = api.post(f"/v1/lines/{line}/pause", {"began_at": began}, 422)
            assert refused["code"] == "lock.began_at_invalid"


@pytest.mark.parametrize("firm", [True, False])
def test_a_line_whose_request_lapsed_stays_stopped_also_where_a_pause_had_an_end(api: Api, firm: bool):
    line = api.line(500_000)
    api.post(f"/v1/lines/{line}/pause", {"days": 30, "firm": firm}, 200)
    case = api.post("/v1/exits", {"line": line})["id"]
    api.post("/v1/test-clock/advance", {"by": "+15d"}, 200)
    assert api.get(f"/v1/exits/{case}")["state"] == "lapsed"
    api.post("/v1/test-clock/advance", {"by": "+30d"}, 200)
    assert api.get(f"/v1/lines/{line}")["drawing_stopped"], "nobody draws but by the customer's own word"
    shop = {"line": line, "merchant": "shop", "amount_minor": 1_000}
    assert api.post("/v1/purchases", shop)["code"] == "line.locked"
