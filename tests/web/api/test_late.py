"""What becomes known late, through the API on a test clock."""

from __future__ import annotations

from datetime import timedelta

from .conftest import NOW, Api


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
