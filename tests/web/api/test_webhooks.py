"""Endpoints through the API: shown secrets, switches, pages of deliveries, and what is sent again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from standardwebhooks import Webhook

from whiteslip import day
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.notices import DemoPhone
from whiteslip.store.timers import StoredClock
from whiteslip.webhooks import Courier

from .conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Api

# Nobody listens on this port of the machine itself: each attempt fails at once.
NOBODY = "http://127.0.0.1:9009/hooks"
COURIER = Courier(bytes(32), allow_internal=True)


def send(api: Api, minutes: int = 0) -> None:
    """What the worker does, at an instant."""
    ports = day.Ports(Office(Tables.load(), "Test"), Vault(bytes(32)), DemoPhone(api.db), COURIER)
    now = NOW + timedelta(minutes=minutes)
    with api.db.transaction() as tx:
        StoredClock(tx).set(now)
    day.run_webhooks(api.db, ports, now)


def endpoint(api: Api, *events: str, **headers: Any) -> dict[str, Any]:
    body = {"url": NOBODY, "events": list(events)}
    return api.post("/v1/webhook-endpoints", body, **headers)


def test_a_secret_is_shown_when_an_endpoint_is_made_and_never_again(api: Api):
    made = endpoint(api, "line.closed")
    assert made["secret"].startswith("whsec_")
    Webhook(made["secret"])
    assert (made["state"], made["events"], made["url"]) == ("active", ["line.closed"], NOBODY)
    path = f"/v1/webhook-endpoints/{made['id']}"
    assert api.get(path) == made | {"secret": None}
    assert api.get("/v1/webhook-endpoints")["data"] == [made | {"secret": None}]
    rotated = api.post(f"{path}/rotate-secret", None, 200)
    assert rotated["secret"] != made["secret"]


def test_the_same_key_gives_the_same_secret_and_it_is_kept_nowhere_in_the_clear(api: Api):
    first = endpoint(api, Idempotency_Key="k1")
    assert endpoint(api, Idempotency_Key="k1") == first
    path = f"/v1/webhook-endpoints/{first['id']}/rotate-secret"
    rotated = api.post(path, None, 200, Idempotency_Key="k2")
    assert api.post(path, None, 200, Idempotency_Key="k2") == rotated
    with api.db.transaction() as tx:
        kept = str(tx.conn.execute("SELECT response FROM store.idempotency").fetchall())
    assert "whsec_" not in kept
    assert len(api.get("/v1/webhook-endpoints")["data"]) == 1


def test_an_address_or_a_type_that_cannot_be_is_refused(api: Api):
    for body, code in (
        ({"url": "https://user@hooks.example.com/"}, "webhook.url_not_allowed"),
        ({"url": "https://hooks.example.com:22/"}, "webhook.url_not_allowed"),
        ({"url": NOBODY, "events": ["identity.revealed"]}, "webhook.kind_unknown"),
    ):
        answer = api.ask("POST", "/v1/webhook-endpoints", body)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert api.get("/v1/webhook-endpoints")["data"] == []


def test_a_key_that_reads_adds_no_endpoint(api: Api, key: Callable[..., str]):
    api.secret = key("read")
    answer = api.ask("POST", "/v1/webhook-endpoints", {"url": NOBODY})
    assert (answer.status_code, answer.json()["code"]) == (403, "request.forbidden")


def test_an_endpoint_is_switched_off_and_on_and_removed(api: Api):
    path = f"/v1/webhook-endpoints/{endpoint(api)['id']}"
    off = api.post(f"{path}/disable", None, 200)
    assert (off["state"], off["reason"]) == ("disabled", "by_hand")
    asked = api.ask("POST", f"{path}/test", {"type": "line.closed"})
    assert (asked.status_code, asked.json()["code"]) == (409, "webhook.endpoint_disabled")
    assert api.post(f"{path}/enable", None, 200)["state"] == "active"
    removed = api.ask("DELETE", path)
    assert (removed.status_code, removed.content) == (204, b"")
    assert api.ask("GET", path).json()["code"] == "webhook.endpoint_not_found"
    assert api.ask("DELETE", path).status_code == 404
    assert api.get("/v1/webhook-endpoints")["data"] == []


def test_deliveries_are_walked_from_the_latest_with_every_attempt(api: Api):
    made = endpoint(api)
    for _ in range(3):
        api.line(customer=None if not _ else api.customer(phone=f"+861390000003{_}"))
    asked = api.post(f"/v1/webhook-endpoints/{made['id']}/test", {"type": "exit.closed"}, 202)
    assert asked["endpoints"] == [made["id"]]
    send(api)
    send(api, 10)
    path = f"/v1/webhook-endpoints/{made['id']}/deliveries"
    first = api.get(f"{path}?limit=3")
    assert [each["type"] for each in first["data"]] == ["exit.closed", "line.opened", "line.opened"]
    rest = api.get(f"{path}?limit=3&after={first['next']}")
    assert (len(rest["data"]), rest["has_more"]) == (1, False)
    tried = [attempt for each in first["data"] + rest["data"] for attempt in each["attempts"]]
    assert tried
    assert {(attempt["status"], attempt["error"]) for attempt in tried} == {(None, "unreachable")}
    assert {each["state"] for each in first["data"]} == {"waiting"}


def test_an_event_is_asked_for_again_by_its_number(api: Api):
    made = endpoint(api, "line.opened")
    api.line()
    seq = next(each["id"] for each in api.get("/v1/events")["data"] if each["type"] == "line.opened")
    asked = api.post(f"/v1/events/{seq}/resend", None, 202)
    assert asked == {"event": seq, "webhook_id": f"evt_{seq}", "endpoints": [made["id"]]}
    own = next(
        each["id"] for each in api.get("/v1/events")["data"] if each["type"] == "webhook.endpoint_created"
    )
    for number, status in ((own, 409), (10**6, 404), (0, 404), (-1, 404), (10**30, 404)):
        assert api.ask("POST", f"/v1/events/{number}/resend").status_code == status
