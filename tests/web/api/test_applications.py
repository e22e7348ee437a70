"""Applications by the API."""

from __future__ import annotations

from applicants import PERSON
from web.api.conftest import Api

from whiteslip.applications import rules

BODY = {
    "full_name": PERSON.full_name,
    "id_number": PERSON.id_number,
    "phone": PERSON.phone,
    "email": PERSON.email,
    "net_income_minor": 1_000_000,
    "debt_service_minor": 100_000,
    "lenders_elsewhere": 1,
    "wanted_minor": 500_000,
    "consent_version": rules.consent("zh-CN")[1],
}


def test_apply_accept_and_the_line_is_open(api: Api):
    made = api.ask("POST", "/v1/applications", BODY)
    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["state"], body["outcome"], body["limit_minor"], body["line"]) == (
        "offered",
        "approve",
        500_000,
        None,
    )
    assert PERSON.id_number not in made.text
    done = api.ask("POST", f"/v1/applications/{body['id']}/accept").json()
    line = api.ask("GET", f"/v1/lines/{done['line']}").json()
    assert (line["limit_minor"], line["lifecycle"]) == (500_000, "active")
    again = api.ask("POST", "/v1/applications", BODY)
    assert (again.status_code, again.json()["code"]) == (409, "application.has_line")
    listed = api.ask("GET", "/v1/applications").json()["data"]
    assert [row["id"] for row in listed] == [body["id"]]


def test_a_declined_applicant_goes_to_a_person_and_can_take_it_back(api: Api):
    burdened = BODY | {"debt_service_minor": 600_000}
    made = api.ask("POST", "/v1/applications", burdened).json()
    assert made["state"] == "declined"
    assert made["reasons"][0] == "debt_service_high"
    asked = api.ask("POST", f"/v1/applications/{made['id']}/review", {"view": "It has risen."}).json()
    assert asked["state"] == "in_review"
    assert api.ask("POST", f"/v1/applications/{made['id']}/withdraw").json()["state"] == "withdrawn"


def test_facts_carry_their_source_and_need_the_consent_in_force(api: Api):
    text = api.ask("GET", "/v1/applications/consent").json()
    assert text["version"] == BODY["consent_version"]
    old = api.ask("POST", "/v1/applications", BODY | {"consent_version": "0"})
    assert (old.status_code, old.json()["code"]) == (422, "application.consent_missing")
    shown = api.ask("POST", "/v1/applications", BODY | {"sources": {"net_income_minor": "imported"}}).json()
    stated = 458 + 48 + 44 + 20 + 26
    assert shown["score"] == stated + 14


def test_a_customer_asks_for_more_and_accepts_it_as_who_they_are(api: Api):
    customer = api.customer()
    line = api.line(200_000, customer)
    facts = {name: BODY[name] for name in BODY if name.endswith("_minor") or name == "consent_version"}
    asked = facts | {"lenders_elsewhere": 1, "wanted_minor": 400_000}
    at = f"/v1/lines/{line}/limit-requests"
    assert api.post(at, asked | {"wanted_minor": 200_000}, 422)["code"] == "limit.not_higher"
    assert api.post(at, asked | {"consent_version": "0"}, 422)["code"] == "application.consent_missing"
    made = api.post(at, asked)
    assert (made["state"], made["raises"], made["limit_minor"], made["line"]) == (
        "offered",
        line,
        400_000,
        None,
    )
    assert api.get(f"/v1/lines/{line}")["limit_minor"] == 200_000
    accept = f"/v1/applications/{made['id']}/accept"
    assert api.post(accept, None, 403)["code"] == "identity.not_verified"
    api.prove(customer)
    assert api.post(accept, None, 200)["line"] == line
    assert api.get(f"/v1/lines/{line}")["limit_minor"] == 400_000
    assert api.post(accept, None, 200)["state"] == "accepted", "twice is once"
    no = api.post(at, asked | {"debt_service_minor": 900_000, "wanted_minor": 800_000})
    assert (no["state"], no["line"]) == ("declined", None)
    assert 1 <= len(no["reasons"]) <= 4
    assert api.post(f"/v1/applications/{no['id']}/review", {}, 200)["state"] == "in_review"
    assert api.get(f"/v1/lines/{line}")["limit_minor"] == 400_000
