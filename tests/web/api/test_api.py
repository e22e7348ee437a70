"""The API's promises: keys, idempotency, cursors, problems, and the whole way out."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest
from pypdf import PdfReader

from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public
from whiteslip.day import clock
from whiteslip.notices.mailers import on_phone
from whiteslip.store.database import journal_after
from whiteslip.web.kit.edge import body_faults
from whiteslip.web.kit.problems import Refused

if TYPE_CHECKING:
    from .conftest import Api


def code_on_phone(api: Api, customer: str) -> str:
    """The newest code, whatever letters came since."""
    wanted = parse_public("cus", customer)
    assert wanted
    with api.db.transaction() as tx:
        rows = on_phone(tx, wanted)
    codes = [found[0] for row in rows if (found := re.search(r"\b\d{6}\b", row["body"]))]
    return codes[0]


def test_without_a_key_nothing_answers(api: Api):
    for headers in ({}, {"Authorization": "Bearer sk_wrong"}, {"Authorization": "Basic x"}):
        answer = api.client.get("/v1/lines", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "request.unauthorised"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_that_reads_does_not_write(api: Api, key: Callable[..., str]):
    api.secret = key("read")
    assert api.ask("GET", "/v1/lines").status_code == 200
    assert api.ask("POST", "/v1/lines", {}).json()["code"] == "request.forbidden"


def test_a_customer_is_registered_and_nothing_that_names_them_comes_back(api: Api):
    customer = api.customer(reference="C-1")
    shown = api.get(f"/v1/customers/{customer}")
    assert shown == {
        "id": customer,
        "reference": "C-1",
        "language": "zh-CN",
        "opened_at": "2026-10-22T06:03:22Z",
    }
    taken = api.ask("POST", "/v1/customers", _person() | {"reference": "C-1"})
    assert (taken.status_code, taken.json()["code"]) == (409, "customer.reference_taken")


def _person() -> dict[str, Any]:
    return {
        "full_name": "x",
        "id_number": "AB123456",
        "phone": "+8613900000022",
        "email": "b@example.com",
    }


def test_a_person_who_cannot_be_right_is_refused_and_leaves_nothing(api: Api):
    answer = api.ask("POST", "/v1/customers", _person() | {"id_number": "110101199003078031"})
    assert answer.json()["code"] == "identity.id_number_invalid"
    assert api.get("/v1/customers")["data"] == []


def test_a_purchase_is_authorised_captured_and_refunded(api: Api):
    line = api.line()
    held = api.post(
        "/v1/purchases", {"line": line, "merchant": "shop", "amount_minor": 30_000, "instalments": 3}
    )
    assert (held["state"], held["held_minor"]) == ("authorised", 30_000)
    part = api.post(f"/v1/purchases/{held['id']}/capture", {"amount_minor": 20_000, "final": False}, 200)
    assert (part["state"], part["held_minor"]) == ("authorised", 10_000)
    rest = api.post(f"/v1/purchases/{held['id']}/release", None, 200)
    assert (rest["state"], rest["captured_minor"]) == ("captured", 20_000)
    back = api.post(f"/v1/purchases/{held['id']}/refund", {"amount_minor": 5_000}, 200)
    assert back["refunded_minor"] == 5_000
    shown = api.get(f"/v1/lines/{line}")
    assert (shown["owed_minor"], shown["available_minor"], shown["bucket"]) == (15_000, 85_000, "current")
    assert [row["id"] for row in api.get(f"/v1/purchases?line={line}")["data"]] == [held["id"]]


def test_a_decline_is_an_answer_and_not_an_error(api: Api):
    answer = api.post("/v1/purchases", {"line": api.line(), "merchant": "shop", "amount_minor": 100_001})
    assert (answer["state"], answer["code"]) == ("declined", "purchase.over_cap")


def test_a_payment_is_booked_once_per_reference(api: Api):
    line = api.line()
    body = {"line": line, "reference": "R1", "amount_minor": 500, "value_on": "2026-10-22"}
    first, second = api.post("/v1/payments", body), api.post("/v1/payments", body)
    assert first["id"] == second["id"]
    other = api.ask("POST", "/v1/payments", body | {"amount_minor": 501})
    assert (other.status_code, other.json()["code"]) == (409, "payment.reference_reused")
    assert api.get(f"/v1/lines/{line}")["credit_minor"] == 500
    back = api.post(f"/v1/payments/{first['id']}/return", None, 200)
    assert back["returned_at"]
    assert [row["amount_minor"] for row in api.get(f"/v1/payments?line={line}")["data"]] == [500]


def test_the_same_key_and_body_give_the_first_answer_again(api: Api):
    line = api.line()
    body = {"line": line, "merchant": "shop", "amount_minor": 1_000}
    first = api.ask("POST", "/v1/purchases", body, Idempotency_Key="k1")
    again = api.ask("POST", "/v1/purchases", body, Idempotency_Key="k1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    other = api.ask("POST", "/v1/purchases", body | {"amount_minor": 2}, Idempotency_Key="k1")
    assert (other.status_code, other.json()["code"]) == (409, "request.key_reused")
    assert api.get(f"/v1/lines/{line}")["held_minor"] == 1_000


def test_one_key_from_eight_clients_at_once_is_one_purchase(api: Api):
    line = api.line()
    body = {"line": line, "merchant": "shop", "amount_minor": 1_000}

    def send(_: int) -> Any:
        return api.ask("POST", "/v1/purchases", body, Idempotency_Key="k2").json()["id"]

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, range(8)))) == 1
    assert api.get(f"/v1/lines/{line}")["held_minor"] == 1_000


def test_a_list_is_walked_by_its_cursor(api: Api):
    customer = api.customer()
    lines = [api.line(customer=customer) for _ in range(5)]
    seen: list[str] = []
    path: str | None = "/v1/lines?limit=2"
    while path:
        page = api.get(path)
        seen += [row["id"] for row in page["data"]]
        path = f"/v1/lines?limit=2&after={page['next']}" if page["has_more"] else None
    assert sorted(seen) == sorted(lines)
    assert api.ask("GET", "/v1/lines?after=line_x").json()["code"] == "request.cursor_invalid"


def test_a_problem_says_what_where_and_in_which_language(api: Api):
    answer = api.ask("POST", "/v1/lines", {"customer": 5, "limit_minor": -1})
    problem = answer.json()
    assert answer.status_code == 422
    assert problem["errors"][0]["pointer"] in ("/customer", "/limit_minor")
    assert problem["request_id"] == answer.headers["x-request-id"]
    chinese = api.ask("GET", "/v1/lines/line_0", Accept_Language="zh-CN")
    assert chinese.status_code == 404
    assert re.search(r"[\u4e00-\u9fff]", chinese.json()["detail"])


@pytest.mark.parametrize(
    ("name", "pointer"),
    [
        ("limit", "/limit"),
        ("a/b~c", "/a~1b~0c"),
        ("a > b", "/a > b"),
        ("x" * 65, ""),
    ],
)
def test_a_member_that_a_body_may_not_have_is_named_by_its_pointer(api: Api, name: str, pointer: str):
    refused = api.ask("POST", "/v1/lines", {"customer": "cus_1", "limit_minor": 1, name: "secret"})
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert (fault["pointer"], fault["code"]) == (pointer, "unknown")
    assert "secret" not in refused.text


class _Inner(msgspec.Struct, forbid_unknown_fields=True):
    known: int = 0


class _Outer(msgspec.Struct):
    parts: list[_Inner]


def test_a_member_deep_in_a_body_is_named_where_it_stands():
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.json.decode(b'{"parts": [{"known": 1}, {"a/b": 2}]}', type=_Outer)
    (fault,) = body_faults(error.value, "en")
    assert (fault.pointer, fault.code) == ("/parts/1/a~1b", "unknown")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing%20here/%E4%BD%A0", 404),
        ("GET", "/v1/lines/line_0", 404),
        ("DELETE", "/v1/lines", 405),
        ("POST", "/v1/lines/a%22b", 405),
    ],
)
def test_whatever_says_no_names_the_address_that_was_asked(api: Api, method: str, path: str, status: int):
    refused = api.ask(method, path)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["instance"] == path


def test_a_parameter_that_is_missing_is_named(api: Api):
    answer = api.ask("GET", "/v1/disputes")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"parameter": "line", "code": "missing", "detail": "Fill in this field"}
    ]


def test_a_payment_from_before_there_was_a_line_is_refused_whatever_its_year(api: Api):
    body = {"line": api.line(), "reference": "bank-1", "amount_minor": 5}
    for day in ("0001-01-01", "1999-12-31"):
        answer = api.ask("POST", "/v1/payments", body | {"value_on": day})
        assert (answer.status_code, answer.json()["code"]) == (422, "payment.value_date_before_line")


def test_what_would_happen_is_told_without_happening(api: Api):
    line = api.line()
    answer = api.post("/v1/exits", {"line": line, "validate_only": True}, 200)
    assert (answer["id"], answer["plan"]["outcome"]) == (None, "closes_now")
    assert api.get(f"/v1/lines/{line}")["drawing_stopped"] is False
    assert api.get("/v1/exits")["data"] == []


def test_the_whole_way_out(api: Api):
    customer = api.customer()
    line = api.line(customer=customer)
    case = api.post("/v1/exits", {"line": line}, Idempotency_Key="leave")
    assert (case["state"], case["identity"]) == ("stopped", "pending")
    declined = api.post("/v1/purchases", {"line": line, "merchant": "shop", "amount_minor": 1})
    assert declined["code"] == "line.stopped"
    early = api.ask("POST", f"/v1/exits/{case['id']}/confirm")
    assert (early.status_code, early.json()["code"]) == (403, "exit.identity_not_verified")
    sent = api.post("/v1/identity-checks", {"customer": customer})
    assert (sent["state"], sent["phone_ends"]) == ("sent", "21")
    typed = {
        "full_name": "欧阳 明远",
        "id_number": "11010119900307803x",
        "code": code_on_phone(api, customer),
    }
    path = f"/v1/identity-checks/{customer}/verify"
    wrong = api.ask("POST", path, typed | {"full_name": "somebody"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "identity.not_matched")
    assert api.post(path, typed, 200)["state"] == "verified"
    done = api.post(f"/v1/exits/{case['id']}/confirm", None, 200)
    assert done["state"] == "closed"
    told = api.ask("PUT", f"/v1/exits/{case['id']}/reason", {"reason": "no_longer_needed"})
    assert told.json()["reason"] == "no_longer_needed"
    letters = api.get(f"/v1/letters?exit={case['id']}")["data"]
    assert [letter["kind"] for letter in letters] == ["exit.acknowledged", "exit.closed"]
    pdf = api.ask("GET", f"/v1/letters/{letters[1]['id']}/pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    shown = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.content)).pages)
    assert case["reference"] in shown
    assert api.get(f"/v1/lines/{line}")["lifecycle"] == "closed"
    again = api.ask("POST", "/v1/exits", {"line": line})
    assert (again.status_code, again.json()["code"]) == (409, "exit.line_closed")


def test_guessing_ends_after_five_wrong_answers(api: Api):
    customer = api.customer()
    api.post("/v1/identity-checks", {"customer": customer})
    typed = {"full_name": "x", "id_number": "x", "code": "0000"}
    path = f"/v1/identity-checks/{customer}/verify"
    codes = [api.ask("POST", path, typed).json()["code"] for _ in range(6)]
    assert codes == ["identity.not_matched"] * 5 + ["identity.too_many_attempts"]


def test_after_the_fifth_wrong_answer_a_closing_that_waits_for_it_goes_to_a_person(api: Api):
    customer = api.customer()
    line, other = api.line(customer=customer), api.line(customer=customer)
    case = api.post("/v1/exits", {"line": line})
    api.post("/v1/identity-checks", {"customer": customer})
    typed = {"full_name": "x", "id_number": "x", "code": "0000"}
    for _ in range(4):
        api.post(f"/v1/identity-checks/{customer}/verify", typed, 409)
        assert api.get(f"/v1/exits/{case['id']}")["state"] == "stopped"
    api.post(f"/v1/identity-checks/{customer}/verify", typed, 409)
    held = api.get(f"/v1/exits/{case['id']}")
    assert (held["state"], held["ground"]) == ("held", "identity")
    assert held["due_at"], "and a deadline in the customer's favour"
    letters = api.get(f"/v1/letters?exit={case['id']}")["data"]
    assert [letter["kind"] for letter in letters] == ["exit.acknowledged", "exit.held"]
    api.post(f"/v1/identity-checks/{customer}/verify", typed, 429)
    assert api.get(f"/v1/exits/{case['id']}") == held, "once"
    assert api.get(f"/v1/lines/{other}")["lifecycle"] == "active"


def test_a_payment_lets_a_leaving_customer_go(api: Api):
    customer = api.customer()
    line = api.line(customer=customer)
    held = api.post("/v1/purchases", {"line": line, "merchant": "shop", "amount_minor": 5_000})
    case = api.post("/v1/exits", {"line": line})
    api.post(f"/v1/purchases/{held['id']}/capture", {"amount_minor": 5_000}, 200)
    api.prove(customer)
    api.post(f"/v1/exits/{case['id']}/cancel", None, 200)
    assert api.get(f"/v1/lines/{line}")["lifecycle"] == "active"


def test_a_payoff_quote_is_good_through_its_day(api: Api):
    line = api.line()
    held = api.post("/v1/purchases", {"line": line, "merchant": "shop", "amount_minor": 9_000})
    api.post(f"/v1/purchases/{held['id']}/capture", {"amount_minor": 9_000}, 200)
    quote = api.get(f"/v1/lines/{line}/payoff?date=2026-10-25")
    assert (quote["total_minor"], quote["good_through"]) == (9_000, "2026-10-25")
    past = api.ask("GET", f"/v1/lines/{line}/payoff?date=2026-10-01")
    assert past.json()["code"] == "payoff.date_out_of_range"


def test_events_have_no_gaps_and_name_nobody(api: Api):
    api.line()
    seen: list[int] = []
    after, more = 0, True
    while more:
        page = api.get(f"/v1/events?after={after}&limit=3")
        seen += [event["id"] for event in page["data"]]
        after, more = seen[-1], page["has_more"]
    assert seen == list(range(1, len(seen) + 1))
    with api.db.transaction() as tx:
        rows = journal_after(tx, 0, 500)
    assert "欧阳" not in str(rows)
    assert all(isinstance(row["subject"], UUID) for row in rows)


def test_a_whole_leaving_runs_on_the_test_clock(api: Api):
    line = api.line()
    held = api.post("/v1/purchases", {"line": line, "merchant": "shop", "amount_minor": 30_000})
    api.post(f"/v1/purchases/{held['id']}/capture", {"amount_minor": 30_000}, 200)
    exit_id = api.post("/v1/exits", {"line": line})["id"]
    assert api.get(f"/v1/exits/{exit_id}")["state"] == "stopped"
    moved = api.post("/v1/test-clock/advance", {"by": "+14d"}, 200, Idempotency_Key="two weeks")
    assert moved["now"] == "2026-11-05T06:03:22Z"
    assert api.get(f"/v1/exits/{exit_id}")["state"] == "lapsed", "nobody proved who asked"
    again = api.ask("POST", "/v1/test-clock/advance", {"by": "+14d"}, Idempotency_Key="two weeks")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert api.get("/v1/test-clock")["now"] == moved["now"], "time went by once"


def test_a_step_of_the_clock_that_was_cut_off_at_its_end_is_finished_when_it_is_sent_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    exit_id = api.post("/v1/exits", {"line": api.line()})["id"]

    def cut_off(*_: object) -> int:
        raise Refused(Refusal("server.unavailable"))

    with monkeypatch.context() as dark:
        dark.setattr(clock, "run_due", cut_off)
        step = "/v1/test-clock/advance"
        assert api.ask("POST", step, {"by": "+14d"}, Idempotency_Key="once").status_code == 503
    assert api.get("/v1/test-clock")["now"] == "2026-11-05T06:03:22Z"
    assert api.get(f"/v1/exits/{exit_id}")["state"] == "stopped"
    assert api.post(step, {"by": "+14d"}, 200, Idempotency_Key="once")["now"] == "2026-11-05T06:03:22Z"
    assert api.get(f"/v1/exits/{exit_id}")["state"] == "lapsed"


def test_a_clock_that_is_not_a_test_or_a_step_that_is_unclear_moves_nothing(api: Api):
    at = "/v1/test-clock/advance"
    for body, code in (
        ({}, "clock.step_unclear"),
        ({"by": "+1d", "to": "2026-11-05T06:03:22Z"}, "clock.step_unclear"),
        ({"to": "2020-01-01T00:00:00Z"}, "clock.backwards"),
        ({"by": "+401d"}, "clock.too_far"),
    ):
        assert api.ask("POST", at, body).json()["code"] == code
    with api.db.transaction() as tx:
        tx.conn.execute("DELETE FROM store.clock")
    assert api.ask("POST", at, {"by": "+1d"}).json()["code"] == "clock.not_a_test"


def test_what_opens_a_line_up_needs_the_customer_and_not_the_key_alone(api: Api):
    customer = api.customer()
    line = api.line(customer=customer)
    higher = {"to_minor": 200_000, "effective_at": "2027-01-01T00:00:00+08:00"}
    increase = api.post(f"/v1/lines/{line}/limit-increases", higher)["id"]
    other = api.line(customer=customer)
    case = api.post("/v1/exits", {"line": other})["id"]
    api.post(f"/v1/lines/{line}/pause", {"feature": "category", "value": "games"}, 200)
    who = {"full_name": "王小明", "id_number": "110101199003070003", "phone": "+8613900000077"}
    widening: list[tuple[str, Any, int]] = [
        (f"/v1/lines/{line}/users", who | {"email": "b@example.com"}, 201),
        (
            f"/v1/lines/{line}/mandates",
            {"scheme": "cn_agreed", "reference": "M-1", "signed_on": "2026-10-22"},
            201,
        ),
        (f"/v1/limit-increases/{increase}/consent", None, 200),
        (f"/v1/lines/{line}/resume", {"feature": "category", "value": "games"}, 200),
        (f"/v1/exits/{case}/cancel", None, 200),
    ]
    before = len(api.get("/v1/events?limit=200")["data"])
    for path, body, _ in widening:
        refused = api.ask("POST", path, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "identity.not_verified"), path
    assert len(api.get("/v1/events?limit=200")["data"]) == before, "nothing was done and nothing kept"
    api.prove(customer)
    for path, body, status in widening:
        api.post(path, body, status)
    api.post("/v1/test-clock/advance", {"by": "+1h"}, 200)
    assert api.ask("POST", f"/v1/lines/{line}/users", who | {"email": "c@example.com"}).status_code == 403


def test_a_part_is_locked_and_the_limit_lowered_over_the_api(api: Api):
    customer = api.customer()
    line = api.line(customer=customer)
    paused = api.post(f"/v1/lines/{line}/pause", {"feature": "category", "value": "games", "days": 30}, 200)
    assert not paused["drawing_stopped"]
    buy = {"line": line, "merchant": "shop", "amount_minor": 500, "category": "games"}
    assert api.post("/v1/purchases", buy)["code"] == "line.feature_paused"
    assert api.get(f"/v1/lines/{line}/locks")["data"][0]["value"] == "games"
    api.prove(customer)
    api.post(f"/v1/lines/{line}/resume", {"feature": "category", "value": "games"}, 200)
    assert api.post("/v1/purchases", buy)["state"] == "authorised"
    reduced = api.post(f"/v1/lines/{line}/reduce", {"limit_minor": 100}, 200)
    assert (reduced["limit_minor"], reduced["limit_target_minor"]) == (500, 100)
    wrong = api.ask("POST", f"/v1/lines/{line}/pause", {"feature": "cash", "value": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "lock.part_invalid")


def test_a_query_parameter_that_a_route_does_not_know_is_named_and_not_ignored(api: Api):
    line = api.line()
    refused = api.ask("GET", f"/v1/purchases?line={line}&limt=3")
    assert refused.status_code == 400
    assert refused.json()["code"] == "request.parameter_unknown"
    assert "“limt”" in refused.json()["detail"]
    assert "It knows: after, limit, line." in refused.json()["detail"]
    nothing = api.ask("POST", f"/v1/lines/{line}/pause?days=3", {"days": 3}).json()
    assert "It knows: –." in nothing["detail"]
    assert api.get(f"/v1/lines/{line}")["locks"] == []


def test_a_statement_of_a_payment_that_came_early_is_asked_for_and_of_another_refused(api: Api):
    line = api.line(100_000)
    purchase = api.post("/v1/purchases", {"line": line, "merchant": "shop", "amount_minor": 60_000})
    api.post(f"/v1/purchases/{purchase['id']}/capture", {"amount_minor": 60_000}, 200)
    paid = {"line": line, "reference": "P1", "amount_minor": 25_000, "value_on": "2026-10-22"}
    payment = api.post("/v1/payments", paid | {"method": "transfer"})["id"]
    for _ in range(2):
        asked = api.post(f"/v1/payments/{payment}/statement")
        assert asked == {"payment": payment, "sent_by": "2026-11-02"}, "seven business days"
    letters = api.get(f"/v1/letters?line={line}")["data"]
    assert [each["kind"] for each in letters] == ["statement.part_payment"]
    nothing = api.post(f"/v1/payments/{payment[:-3]}zzz/statement", None, 404)
    assert nothing["code"] == "payment.not_found"
