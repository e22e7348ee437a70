"""A policy is changed through the API by two people, and by one with two keys it is not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response

from whiteslip.identity import access
from whiteslip.identity.model import Role
from whiteslip.web.kit.sentences import known

from .conftest import NOW, Api

NAME = "purchase-authorisation"
HOME = f"/v1/policies/{NAME}"


def stricter(api: Api) -> dict[str, Any]:
    content = copy.deepcopy(api.get(f"{HOME}/versions/active")["content"])
    table = next(n for n in content["nodes"] if n["type"] == "decisionTableNode")["content"]
    next(rule for rule in table["rules"] if rule["velocity"])["velocity"] = ">= 1"
    return content


def buy(api: Api, line: str) -> dict[str, Any]:
    return api.post("/v1/purchases", {"line": line, "merchant": "shop", "amount_minor": 500})


def code(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_two_people_change_a_policy_and_the_next_purchase_is_decided_by_it(api: Api, key: Callable[..., str]):
    line = api.line()
    assert [buy(api, line)["state"] for _ in range(2)] == ["authorised"] * 2
    made = api.post(f"{HOME}/versions", {"content": stricter(api), "note": "fewer a day"})
    version = f"{HOME}/versions/{made['version']}"
    assert api.post(f"{version}/validate", status=200)["faults"] == []
    ran = api.post(f"{version}/backtest", {}, 200)
    counts = {(cell["old"], cell["new"]): (cell["count"], cell["minor"]) for cell in ran["cells"]}
    assert counts == {("yes", "yes"): (1, 500), ("yes", "no"): (1, 500)}
    (change,) = api.get(f"{HOME}/diff?to={made['version']}")["changes"]
    assert (change["change"], [cell["after"] for cell in change["cells"]]) == ("changed", [">= 1"])
    assert api.post(f"{version}/submit", {}, 200)["state"] == "submitted"
    assert code(api.ask("POST", f"{version}/approve", {})) == (403, "policy.same_person")
    first, api.secret = api.secret, key(owner="reviewer 1")
    assert code(api.ask("POST", f"{version}/approve", {})) == (403, "policy.same_person"), (
        "a second key of hers"
    )
    with api.db.transaction() as tx:
        api.secret = access.create_key(tx, "a shop's", ("read", "write"), NOW)
        auditor = access.create_staff(tx, "auditor", Role.AUDITOR, None, NOW)
        assert isinstance(auditor, access.Staff)
        looking = access.create_key(tx, "auditor's", ("read", "write"), NOW, auditor.id)
    assert code(api.ask("POST", f"{version}/approve", {})) == (403, "key.no_owner"), "nobody's key"
    api.secret = looking
    assert code(api.ask("POST", f"{version}/approve", {})) == (403, "request.forbidden"), "who only looks"
    assert api.get(version)["version"] == made["version"]
    api.secret = key()
    assert api.post(f"{version}/approve", {}, 200)["state"] == "approved"
    api.secret = first
    assert api.post(f"{version}/activate", {}, 200)["state"] == "active"
    assert buy(api, line)["code"] == "purchase.too_many"
    back = api.post(f"{HOME}/rollback", {"reason": "too strict"}, 200)
    assert back["state"] == "active"
    assert back["version"] != made["version"]
    assert buy(api, line)["state"] == "authorised"


def test_a_policy_is_not_put_in_force_in_the_past_or_unapproved(api: Api):
    made = api.post(f"{HOME}/versions", {"content": stricter(api)})
    version = f"{HOME}/versions/{made['version']}"
    assert code(api.ask("POST", f"{version}/activate", {})) == (409, "policy.not_approved")
    assert code(api.ask("POST", f"{version}/submit", {})) == (409, "policy.not_backtested")
    assert code(api.ask("POST", f"{HOME}/rollback", {"reason": "x"})) == (409, "policy.no_previous")
    shipped = api.get(f"{HOME}/versions/shipped")["version"]
    at = (NOW - timedelta(seconds=1)).isoformat()
    assert code(api.ask("POST", f"{HOME}/versions/{shipped}/activate", {"at": at}))[0] in {409, 422}


@pytest.mark.parametrize("path", ["versions/ffff", "versions/..", "diff?to=ffff", "diff?to=active&from=none"])
def test_what_does_not_exist_is_not_found(api: Api, path: str):
    assert api.ask("GET", f"{HOME}/{path}").status_code == 404
    assert api.ask("GET", "/v1/policies/luck/versions/active").status_code == 404


def test_a_table_of_the_wrong_form_is_refused_with_its_path(api: Api):
    answer = api.ask("POST", f"{HOME}/versions", {"content": {"nodes": [{"id": 7}], "edges": []}})
    assert code(answer) == (422, "policy.malformed")
    assert "$.nodes[0]" in answer.json()["detail"]
    assert known()["policy.malformed"].status == 422
