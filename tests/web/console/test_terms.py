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
from whiteslip.lines import changes
from whiteslip.lines.changes import Change


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
