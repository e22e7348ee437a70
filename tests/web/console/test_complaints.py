"""Complaints at the desk and at the portal."""

from __future__ import annotations

import re

from web.console.conftest import NOW, Desk

from whiteslip import complaints
from whiteslip.complaints import Complaint, Topic
from whiteslip.complaints import store as complaints_store
from whiteslip.identity.model import Role


def filed(desk: Desk, words: str = "") -> Complaint:
    customer, ports = desk.held().customer, desk.ports
    with desk.db.transaction() as tx:
        done = complaints.file(
            tx, ports.vault, ports.pack, "Test", customer, Topic.FEE, "portal", "customer", NOW, words
        )
    assert isinstance(done, Complaint)
    return done


def test_a_complaint_has_a_queue_of_its_own_and_is_extended_and_answered(desk: Desk):
    desk.sign_in()
    found = filed(desk, "charged twice")
    assert found.reference in desk.get("/console/complaints")
    assert found.reference not in desk.get("/console")
    at = f"/console/complaints/{found.reference}"
    assert "charged twice" not in desk.get(at)
    assert "charged twice" in desk.post(f"{at}/words", at).text
    assert desk.post(f"{at}/extend", at, delay="complex").status_code == 303
    assert desk.post(f"{at}/answer", at, outcome="upheld", why="our_error").status_code == 303
    assert found.reference not in desk.get("/console/complaints")
    with desk.db.transaction() as tx:
        after = complaints_store.find(tx, found.id)
    assert after
    assert (after.outcome, after.extensions) == ("upheld", 1)


def test_who_only_looks_answers_no_complaint(desk: Desk):
    found = filed(desk)
    desk.sign_in(Role.AUDITOR)
    at = f"/console/complaints/{found.reference}"
    assert 'name="outcome"' not in desk.get(at)
    assert desk.post(f"{at}/answer", "/console", outcome="upheld", why="our_error").status_code == 403


def test_complaints_are_shown_in_chinese_too(desk: Desk):
    desk.sign_in()
    found = filed(desk)
    for path in ("/console/complaints", f"/console/complaints/{found.reference}"):
        assert re.search("[\u4e00-\u9fff]", desk.get(f"{path}?lang=zh-CN"))
