"""Requests about data at the desk."""

from __future__ import annotations

import re
from datetime import timedelta

from web.console.conftest import NOW, Desk

from whiteslip.identity.model import Role
from whiteslip.privacy import requests
from whiteslip.privacy import store as privacy_store
from whiteslip.privacy.model import Outcome, Request, RequestKind

AT = "/console/requests"


def asked(desk: Desk, days_ago: int = 0, words: str = "") -> Request:
    customer, ports, at = desk.held().customer, desk.ports, NOW - timedelta(days=days_ago)
    with desk.db.transaction() as tx:
        args = (customer, RequestKind.CORRECTION, "portal", "customer", at, words)
        done = requests.ask(tx, ports.vault, ports.pack, "Test", *args)
    assert isinstance(done, Request)
    return done


def test_the_nearest_deadline_is_on_top_and_what_is_overdue_says_so(desk: Desk):
    desk.sign_in()
    new, old = asked(desk), asked(desk, days_ago=120)
    with desk.db.transaction() as tx:
        requests.escalate(tx, "Test", old.id, NOW)
    shown = desk.get(AT)
    assert shown.index(old.reference) < shown.index("overdue</") < shown.index(new.reference)
    page = desk.get(f"{AT}/{old.reference}")
    assert 'value="refused"' not in page
    assert 'id="extend"' not in page


def test_a_request_is_read_extended_once_and_answered(desk: Desk):
    desk.sign_in()
    found = asked(desk, words="spelled wrongly")
    at = f"{AT}/{found.reference}"
    assert "spelled wrongly" not in desk.get(at)
    assert "spelled wrongly" in desk.post(f"{at}/words", at).text
    assert 'id="extend"' not in desk.get(at), "Chinese practice knows no extension"
    assert desk.post(f"{at}/extend", at, delay="complex").status_code == 409
    with desk.db.transaction() as tx:
        tx.conn.execute("UPDATE privacy.request SET pack = 'eu' WHERE id = %s", [found.id])
    assert desk.post(f"{at}/extend", at, delay="complex").status_code == 303
    assert 'id="extend"' not in desk.get(at)
    assert desk.post(f"{at}/answer", at, outcome="granted", why="law_keeps").status_code == 422
    assert desk.post(f"{at}/answer", at, outcome="granted", why="done").status_code == 303
    assert found.reference not in desk.get(AT)
    with desk.db.transaction() as tx:
        after = privacy_store.request(tx, found.id)
    assert after
    assert after.outcome is Outcome.GRANTED


def test_who_only_looks_answers_no_request_and_reads_it_in_chinese_too(desk: Desk):
    found = asked(desk)
    desk.sign_in(Role.AUDITOR)
    at = f"{AT}/{found.reference}"
    assert 'name="outcome"' not in desk.get(at)
    assert desk.post(f"{at}/answer", "/console", outcome="granted", why="done").status_code == 403
    for path in (AT, at):
        assert re.search("[\u4e00-\u9fff]", desk.get(f"{path}?lang=zh-CN"))
