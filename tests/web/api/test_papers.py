"""The one paper a case may need, handed in through the API: what was asked for, and nothing else."""

from __future__ import annotations

import base64

from exits.test_evidence import photograph
from web.api.conftest import NOW, Api

from whiteslip import exits
from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public, public
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office, evidence
from whiteslip.exits.model import Channel, Identity
from whiteslip.exits.papers import Why
from whiteslip.identity.documents import documents_of


def test_a_paper_that_was_asked_for_is_taken_once_and_by_what_it_is(api: Api):
    line, office = parse_public("line", api.line()), Office(Tables.load(), "Test")
    assert line
    with api.db.transaction() as tx:
        case = exits.request(tx, office, line, Channel.PORTAL, "customer", NOW, Identity.DOUBTED)
    assert isinstance(case, Exit)
    at = f"/v1/exits/{public('exit', case.id)}/papers"
    body = {"content": base64.b64encode(photograph()).decode()}
    assert api.get(at) == []
    assert api.post(at, body, 409)["code"] == "document.not_asked"
    with api.db.transaction() as tx:
        assert not isinstance(evidence.ask(tx, "Test", case.id, Why.NOT_PROVEN, "staff:x", NOW), Refusal)
    (asked,) = api.get(at)
    assert (asked["wanted"], asked["is_open"]) == ("id_document", True)
    program = {"content": base64.b64encode(b"MZ" + bytes(900)).decode()}
    assert api.post(at, program, 422)["code"] == "document.type_unknown"
    large = {"content": base64.b64encode(b"%PDF-1.7" + bytes(12_000_000)).decode()}
    assert api.post(at, large, 422)["code"] == "document.too_large"
    assert api.post(at, {"content": "no base64!"}, 422)["code"] == "request.invalid"
    done = api.post(at, body, 201, Idempotency_Key="once")
    assert done["handed_in_at"]
    assert api.post(at, body, 201, Idempotency_Key="once") == done
    assert api.post(at, body, 409)["code"] == "document.not_asked"
    with api.db.transaction() as tx:
        assert len(documents_of(tx, case.customer, evidence.KIND)) == 1
