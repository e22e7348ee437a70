"""The shell: headers, tokens, cookies, errors, static files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import pytest
from litestar import Response, Router, get, post
from litestar.params import JSONBody
from litestar.testing import TestClient

from whiteslip.base import Refusal
from whiteslip.web.kit.assets import ASSETS, static
from whiteslip.web.kit.cookies import (
    WebRequest,
    end_session,
    ports_of,
    session_cookie,
    session_token,
    settings_of,
)
from whiteslip.web.kit.edge import refuse
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

SECRET = b"0123456789abcdef0123456789abcdef"
PERSONAL = "11010119900307571X"


@dataclass(frozen=True, slots=True)
class Desk:
    """Stands for what a door needs of the rooms below."""

    name: str


class AwayError(Exception):
    """Stands for a database that is away."""


class Wish(msgspec.Struct):
    amount: Annotated[int, msgspec.Meta(gt=0)]
    note: str = ""


@get("/name", sync_to_thread=True)
def name(request: WebRequest) -> Response[str]:
    return Response(ports_of(request, Desk).name)


@post("/sign-in", sync_to_thread=True)
def sign_in(request: WebRequest) -> Response[None]:
    return see_other(request, "/who", session_cookie(settings_of(request), "portal", "token-1"))


@post("/sign-out", sync_to_thread=True)
def sign_out(request: WebRequest) -> Response[None]:
    return see_other(request, "/who", end_session(settings_of(request), "portal"))


@get("/who", sync_to_thread=True)
def who(request: WebRequest) -> Response[str]:
    return Response(session_token(request) or "nobody")


@post("/file", sync_to_thread=True, status_code=200)
def take_file(form: FromForm) -> Response[str]:
    upload = form.files["evidence"][0]
    return Response(f"{upload.name} {upload.media_type} {len(upload.content)} {form.value('note')}")


@get(["/bug", "/v1/bug"], sync_to_thread=True)
def bug() -> None:
    raise ValueError(f"cannot parse {PERSONAL}")


@get(["/away", "/v1/away"], sync_to_thread=True)
def away() -> None:
    raise AwayError


@get(["/no", "/v1/no"], sync_to_thread=True)
def no(request: WebRequest) -> Response[Any]:
    return refuse(request, Refusal("payment.value_date_in_future", {"value_on": "2026-11-08"}))


@get("/asked", sync_to_thread=True)
def asked(request: WebRequest) -> Response[str]:
    return page(request, "kit/guide/problems.html", rows=[], refusal=Refusal("exit.not_cancellable"))


@post("/v1/wishes", sync_to_thread=True)
def wish(data: JSONBody[Wish]) -> Response[int]:
    return Response(data.amount)


machine = Router("/", route_handlers=[wish], opt={"own_forms": False})
DOORS = [name, sign_in, sign_out, who, take_file, bug, away, no, asked, machine]


def shell(**changes: Any) -> Any:
    settings = WebSettings(secret=SECRET, demo=True, unavailable=(AwayError,), **changes)
    return create_app(DOORS, settings, ports=Desk("the desk"))


@pytest.fixture
def client() -> Iterator[TestClient[Any]]:
    with TestClient(shell(), raise_server_exceptions=False) as client:
        client.headers["accept-language"] = "en"
        yield client


def token_of(client: TestClient[Any]) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', client.get("/kit").text)
    assert found
    return found[1]


def test_every_answer_carries_the_security_headers_and_a_request_id(client: TestClient[Any]):
    for path in ("/kit", "/nowhere", "/v1/nowhere", "/bug", "/livez", static("whiteslip.css")):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "permissions-policy" in headers
        assert headers["x-request-id"].startswith("req_")
        assert "strict-transport-security" not in headers


def test_a_proxys_request_id_is_kept_only_when_it_is_harmless(client: TestClient[Any]):
    assert (
        client.get("/livez", headers={"x-request-id": "edge-12345"}).headers["x-request-id"] == "edge-12345"
    )
    assert client.get("/livez", headers={"x-request-id": "<b>x</b> y"}).headers["x-request-id"][:4] == "req_"


def test_pages_are_never_stored_and_static_files_for_ever(client: TestClient[Any]):
    assert client.get("/kit").headers["cache-control"] == "no-store"
    for file in ASSETS:
        answer = client.get(static(file))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.content == ASSETS[file].body
    stale = client.get("/static/0000000000000000/whiteslip.css")
    assert stale.headers["cache-control"] == "no-cache"
    assert client.get("/static/0000000000000000/nothing.css").status_code == 404


def test_behind_tls_cookies_are_bound_to_the_host_and_secure():
    with TestClient(shell(https=True)) as client:
        answer = client.get("/kit")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-form=")
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))
    assert "strict-transport-security" in answer.headers


def test_a_form_without_our_token_does_nothing(client: TestClient[Any]):
    for token in ("", "wrong"):
        answer = client.post("/sign-in", data={"form_token": token})
        assert answer.status_code == 403
        assert "belongs to another session" in answer.text
    token = token_of(client)
    cross = client.post("/sign-in", data={"form_token": token}, headers={"sec-fetch-site": "cross-site"})
    assert cross.status_code == 403
    assert client.post("/sign-in", data={"form_token": token}, follow_redirects=False).status_code == 303


def test_a_token_ends_with_its_session(client: TestClient[Any]):
    before = token_of(client)
    assert client.post("/sign-in", data={"form_token": before}).text == "token-1"
    assert client.post("/sign-out", data={"form_token": before}).status_code == 403
    assert client.post("/sign-out", data={"form_token": token_of(client)}).text == "nobody"


def test_the_session_of_the_portal_is_not_the_session_of_the_console(client: TestClient[Any]):
    client.post("/sign-in", data={"form_token": token_of(client)})
    assert client.get("/who").text == "token-1"
    assert "session_console" not in client.cookies


def test_a_file_comes_with_its_form(client: TestClient[Any]):
    answer = client.post(
        "/file",
        data={"form_token": token_of(client), "note": "说明"},
        files={"evidence": ("a.pdf", b"%PDF", "application/pdf")},
    )
    assert answer.text == "a.pdf application/pdf 4 说明"


def test_a_body_over_the_limit_is_refused():
    with TestClient(shell(body_limit=1024)) as client:
        assert client.post("/v1/wishes", content=b"{" + b" " * 2000).status_code == 413


def test_a_refusal_is_a_problem_for_machines_and_a_page_for_people(client: TestClient[Any]):
    answer = client.get("/v1/no")
    said = answer.json()
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert (said["status"], said["code"]) == (422, "payment.value_date_in_future")
    assert said["detail"] == "The value date 8 November 2026 is in the future."
    assert said["request_id"] == answer.headers["x-request-id"]
    shown = client.get("/no", headers={"accept-language": "zh-CN"})
    assert (shown.status_code, shown.headers["content-language"]) == (422, "zh-CN")
    assert "入账日 2026年11月8日 还没有到" in shown.text


def test_a_refusal_can_stand_on_the_page_it_belongs_to(client: TestClient[Any]):
    answer = client.get("/asked")
    assert answer.status_code == 409
    assert "<title>Error: " in answer.text
    assert "You can still apply for a new line." in answer.text


def test_a_bug_tells_neither_the_reader_nor_the_log_what_was_typed(
    client: TestClient[Any], capsys: pytest.CaptureFixture[str]
):
    for path in ("/bug", "/v1/bug"):
        answer = client.get(path)
        assert answer.status_code == 500
        assert PERSONAL not in answer.text
        assert answer.headers["x-request-id"] in answer.text
    said = capsys.readouterr()
    assert "builtins.ValueError" in said.out + said.err
    assert PERSONAL not in said.out + said.err


def test_a_world_that_is_away_asks_to_come_again(client: TestClient[Any]):
    for path in ("/away", "/v1/away"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_wrong_method_names_the_right_ones(client: TestClient[Any]):
    answer = client.post("/v1/no")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


def test_a_machines_body_is_read_strictly_and_faults_are_pointed_at(client: TestClient[Any]):
    assert client.post("/v1/wishes", json={"amount": 3}).status_code == 201
    for body, pointer, code in (
        ({"amount": "3"}, "/amount", "invalid"),
        ({"amount": 0}, "/amount", "too_small"),
        ({}, "/amount", "missing"),
    ):
        answer = client.post("/v1/wishes", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert answer.json()["errors"][0]["code"] == code
    small = client.post("/v1/wishes", json={"amount": 0}, headers={"Accept-Language": "en"}).json()
    assert small["errors"][0]["detail"] == "This is too small: at least 1"
    broken = client.post("/v1/wishes", content=b"{", headers={"content-type": "application/json"})
    assert (broken.status_code, broken.json()["code"]) == (400, "request.not_json")
    assert client.post("/v1/wishes", content=b"x", headers={"content-type": "text/plain"}).status_code == 415


def test_who_asks_for_the_head_alone_gets_what_get_would_say_without_the_content(client: TestClient[Any]):
    for path in ("/livez", "/kit", static("whiteslip.css"), "/nowhere"):
        whole, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert head.headers["content-type"] == whole.headers["content-type"]
        assert head.headers["content-length"] == whole.headers["content-length"] != "0"


@pytest.mark.parametrize("path", ["/who?next=%00", "/who?next=a%00b", "/static/a%00b/mark.svg"])
def test_an_address_with_a_nul_is_refused_before_anybody_looks(client: TestClient[Any], path: str):
    assert client.get(path).status_code == 422


def test_ports_are_given_to_the_door_that_knows_them(client: TestClient[Any]):
    assert client.get("/name").text == "the desk"


def test_the_style_guide_is_for_demonstrations_only():
    with TestClient(create_app([], WebSettings(secret=SECRET))) as client:
        assert client.get("/kit").status_code == 404


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        WebSettings(secret=b"short")


def test_health_speaks_for_what_we_need():
    settings = WebSettings(secret=SECRET, ready=lambda: {"database": False}, version=lambda: {"version": "1"})
    with TestClient(create_app([], settings)) as client:
        assert client.get("/livez").text == "ok\n"
        assert (client.get("/readyz").status_code, client.get("/readyz").json()) == (503, {"database": False})
        assert client.get("/version").json() == {"version": "1"}


def test_an_error_of_a_form_is_said_by_the_most_particular_text():
    error = next(iter(Errors().add("limit", "too_small")))
    assert error.keys == ("error_limit_too_small", "error_limit", "error_too_small", "error_invalid")
    assert Form().value("absent") == ""
