"""Changes of terms at the desk: the second person sees both terms and decides; a caller says no."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import worlds
from web.console.conftest import NOW, Desk

from whiteslip import notices
from whiteslip.base import Refusal
from whiteslip.exits import lateletters
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity
from whiteslip.identity.model import Role
from whiteslip.lines import changes
from whiteslip.lines.changes import Change
from whiteslip.lines.model import Product, Terms


def proposed(desk: Desk, line: UUID, by: str) -> Change:
    terms = replace(worlds.TERMS, due_days=11, late_fee_minor=4_200)
    with desk.db.transaction() as tx:
        scope = changes.scope_of_line(tx, line)
        assert not isinstance(scope, Refusal)
        made = changes.propose(tx, scope, terms, worlds.DAY + timedelta(days=90), by, NOW)
    assert isinstance(made, Change), made
    return made


def test_who_proposed_new_terms_cannot_approve_them_and_somebody_else_can(desk: Desk):
    line, me = worlds.open_line(desk.db), desk.sign_in()
    own = proposed(desk, line, f"staff:{me.id}")
    page = desk.get("/console/terms")
    assert "42.00" in page
    assert "Approve and write to the holders" not in page, "no control that would be refused"
    assert desk.post(f"/console/terms/{own.id}/decide", "/console", decision="approve").status_code == 403
    other = proposed(desk, worlds.open_line(desk.db), "staff:a")
    at = f"/console/terms/{other.id}/decide"
    assert desk.post(at, "/console/terms", decision="approve").status_code == 303
    with desk.db.transaction() as tx:
        assert changes.counts(tx, other.id)["told"] == 1
        assert changes.counts(tx, own.id)["told"] == 0
    assert "Take back and write to the holders" in desk.get("/console/terms")
    assert desk.post(f"/console/terms/{other.id}/take-back", "/console/terms").status_code == 303
    assert desk.post(f"/console/terms/{own.id}/take-back", "/console/terms").status_code == 303, (
        "one's own too"
    )
    with desk.db.transaction() as tx:
        assert changes.counts(tx, other.id)["taken_back"] == 1
    again = desk.post(f"/console/terms/{own.id}/take-back", "/console/terms")
    assert (again.status_code, "Take back" in again.text) == (409, False)


def test_one_proposes_new_terms_on_a_page_and_only_somebody_else_approves_them(desk: Desk):
    line = worlds.open_line(desk.db)
    desk.sign_in()
    version = worlds.TERMS.version
    assert f"/console/terms/new?version={version}" in desk.get("/console/terms/new")
    at = f"/console/terms/new?line={line}"
    assert at in desk.get(f"/console/lines/{line}")
    first = (worlds.DAY + timedelta(days=46)).isoformat()
    assert f'value="{first}"' in desk.get(at), "the day is the nearest that may be"
    typed: dict[str, str] = {
        "line": str(line),
        "effective_on": first,
        "due_days": "12",
        "late_fee": "40.00",
        "late_fee_grace_days": "9",
        "reward": "0.5",
        "instalments_0": "1",
        "instalments_1": "3",
        "apr_1": "12",
    }
    spoilt = ("due_days", "61"), ("late_fee", "x"), ("reward", "a"), ("instalments_1", "0"), ("apr_1", "z")
    for name, wrong in spoilt:
        assert desk.post("/console/terms/new", at, **typed | {name: wrong}).status_code == 422, name
    both = desk.post("/console/terms/new", at, **typed | {"monthly_fee_1": "1"})
    assert (both.status_code, "40.00" in both.text) == (422, True), "what was typed stays"
    early = desk.post("/console/terms/new", at, **typed | {"effective_on": worlds.DAY.isoformat()})
    assert early.status_code == 422
    assert desk.post("/console/terms/new", at, **typed).status_code == 303
    with desk.db.transaction() as tx:
        (change,) = changes.page(tx, None, 10)
        terms = changes.both_terms(tx, change)[1]
    products = (Product(1), Product(3, apr_bps=1_200))
    assert terms == Terms(12, 4_000, 9, products, 50)
    decision = f"/console/terms/{change.id}/decide"
    assert desk.post(decision, "/console/terms", decision="approve").status_code == 403
    desk.sign_out()
    desk.sign_in(Role.ADMIN)
    assert desk.post(decision, "/console/terms", decision="approve").status_code == 303
    desk.sign_out()
    desk.sign_in(Role.AUDITOR)
    assert desk.post("/console/terms/new", "/console/terms", **typed).status_code == 403


def test_a_caller_who_says_no_leaves_as_by_any_other_wish(desk: Desk):
    line = worlds.open_line(desk.db)
    change = proposed(desk, line, "staff:a")
    desk.sign_in()
    desk.post(f"/console/terms/{change.id}/decide", "/console/terms", decision="approve")
    at = f"/console/lines/{line}"
    unclear = desk.post(f"{at}/terms/reject", at, no_channel="", no_how="")
    assert unclear.status_code == 422
    done = desk.post(f"{at}/terms/reject", at, no_channel="phone", no_how="called_back")
    assert done.status_code == 303
    with desk.db.transaction() as tx:
        (case,) = exits_store.of_line(tx, line)
        assert (case.channel, case.identity) == (Channel.PHONE, Identity.VERIFIED)
        assert changes.counts(tx, change.id)["rejected"] == 1


def test_the_desk_sees_letters_that_were_not_sent_in_their_days(desk: Desk):
    desk.sign_in()
    assert "not sent in time" not in desk.get("/console")
    line = worlds.open_line(desk.db)
    with desk.db.transaction() as tx:
        facts = {
            "reference": "LR-7K2M-91",
            "timezone": "Asia/Shanghai",
            "currency": "CNY",
            "issuer_name": "Test",
            "restricted_at": NOW,
            "review_on": worlds.DAY,
            "reasons": ["contact_lost"],
            "answer_days": 15,
        }
        before = NOW - timedelta(days=2)
        letter = notices.NewNotice("line.restricted", "line", line, line, "en", facts, "late")
        notices.queue(tx, [letter], before)
        assert len(lateletters.late(tx, NOW)) == 1
    page = desk.get("/console")
    assert "1 letter was not sent in time" in page
    assert f"/console/lines/{line}" in page
