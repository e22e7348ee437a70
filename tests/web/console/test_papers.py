"""The desk asks for a paper and looks at it."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from PIL import Image
from pypdf import PdfWriter
from web.console.conftest import NOW, Desk

from whiteslip.exits import evidence
from whiteslip.exits import store as exits_store
from whiteslip.exits.papers import PaperRequest
from whiteslip.identity.model import Role
from whiteslip.store.database import journal_of


def photograph() -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 40)).save(out, "PNG")
    return out.getvalue()


def scan() -> bytes:
    out = BytesIO()
    writer = PdfWriter()
    writer.add_blank_page(99, 99)
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "how"), [(photograph(), "inline"), (scan(), "attachment")], ids=["photograph", "scan"]
)
def test_a_reviewer_asks_by_one_key_and_looks_at_what_came(desk: Desk, content: bytes, how: str):
    desk.sign_in()
    case = desk.held()
    at = f"/console/cases/{case.reference}"
    assert 'aria-keyshortcuts="Q"' in desk.get(at)
    assert desk.post(f"{at}/papers", at, why="not_proven").headers["location"] == at
    shown = desk.get(at)
    assert 'aria-keyshortcuts="Q"' not in shown, "one thing at a time"
    assert "To come by" in shown
    with desk.db.transaction() as tx:
        (asked,) = exits_store.paper_requests(tx, case.id)
        done = evidence.hand_in(tx, desk.ports.vault, asked, content, "customer", NOW)
    assert isinstance(done, PaperRequest)
    look = re.search(rf'action="({at}/papers/[0-9a-f-]+)"', desk.get(at))
    assert look
    seen = desk.post(look[1], at)
    assert seen.status_code == 200
    assert seen.headers["x-content-type-options"] == "nosniff"
    assert seen.headers["content-disposition"].startswith(how)
    assert "sandbox" in seen.headers["content-security-policy"]
    assert seen.headers["cache-control"] == "no-store"
    with desk.db.transaction() as tx:
        assert journal_of(tx, [case.customer])[-1]["kind"] == "document.opened"


def test_papers_of_somebody_else_are_not_there(desk: Desk):
    desk.sign_in()
    case, other = desk.held(), desk.held(days=1)
    at = f"/console/cases/{case.reference}"
    desk.post(f"{at}/papers", at, why="not_proven")
    with desk.db.transaction() as tx:
        (asked,) = exits_store.paper_requests(tx, case.id)
        done = evidence.hand_in(tx, desk.ports.vault, asked, photograph(), "customer", NOW)
    assert isinstance(done, PaperRequest)
    elsewhere = f"/console/cases/{other.reference}"
    assert desk.post(f"{elsewhere}/papers/{done.document}", elsewhere).status_code == 404


def test_an_auditor_sees_that_a_paper_was_asked_for_and_can_neither_ask_nor_look(desk: Desk):
    desk.sign_in()
    case = desk.held()
    at = f"/console/cases/{case.reference}"
    desk.post(f"{at}/papers", at, why="not_proven")
    desk.sign_out()
    desk.sign_in(Role.AUDITOR)
    shown = desk.get(at)
    assert "Identity document" in shown
    assert "/papers" not in shown
    assert desk.post(f"{at}/papers", "/console", why="not_proven").status_code == 403
