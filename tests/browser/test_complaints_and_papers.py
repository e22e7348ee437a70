"""Complaints and papers in a real browser: both languages, both widths, light and dark, seen by axe."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
import worlds
from PIL import Image
from web.portal.scene import SECRET, Guest, Scene

from whiteslip import complaints, exits
from whiteslip.complaints import Complaint, Topic
from whiteslip.exits import Exit, evidence
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity
from whiteslip.exits.papers import PaperRequest, Why
from whiteslip.identity.model import Role
from whiteslip.store import Database
from whiteslip.web.console import routers as console_routers
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

if TYPE_CHECKING:
    from browser.conftest import Visitor

LOCALES = {"zh-CN": "zh-CN", "en": "en-GB"}
WORDS = "The late fee of March was taken twice, and nobody answered my letter."


def photograph() -> bytes:
    out = BytesIO()
    Image.new("RGB", (320, 200), (90, 120, 90)).save(out, "JPEG")
    return out.getvalue()


def in_doubt(scene: Scene, guest: Guest) -> Exit:
    scene.buys(guest, 64_000, 3)
    with scene.db.transaction() as tx:
        now = scene.now()
        case = exits.request(tx, scene.office, guest.line, Channel.FORM, "form", now, Identity.DOUBTED)
        assert isinstance(case, Exit)
    return case


def ask(scene: Scene, case: Exit) -> PaperRequest:
    with scene.db.transaction() as tx:
        done = evidence.ask(tx, "Test Lender", case.id, Why.NOT_PROVEN, "staff:a", scene.now())
    assert isinstance(done, PaperRequest)
    return done


def complain(scene: Scene, guest: Guest) -> Complaint:
    with scene.db.transaction() as tx:
        done = complaints.file(
            tx,
            scene.ports.vault,
            scene.pack,
            "Test Lender",
            guest.customer,
            Topic.FEE,
            "portal",
            "customer",
            scene.now(),
            WORDS,
        )
    assert isinstance(done, Complaint)
    return done


@pytest.mark.parametrize(("lang", "scheme"), [("zh-CN", "light"), ("en", "dark")])
def test_a_customer_hands_in_a_paper_and_complains(
    db: Database, serve: Callable[[Any], str], visit: Callable[..., Visitor], lang: str, scheme: str
):
    scene = Scene(db)
    guest = scene.guest(lang)
    case = in_doubt(scene, guest)
    ask(scene, case)
    url = serve(scene.app())
    visitor = visit(scheme=scheme, locale=LOCALES[lang])
    visitor.expect(422)
    page = visitor.page

    def look(name: str) -> None:
        visitor.screens(f"{name}-{lang}-{scheme}")

    page.goto(f"{url}/paper")
    look("paper-code")
    page.goto(f"{url}{scene.link(guest)}")
    page.click("main button")
    page.goto(f"{url}/exits/{case.reference}")
    look("case-asked")
    page.click(f"a[href='/exits/{case.reference}/paper']")
    page.click("#form .button")
    look("paper-missing")
    page.set_input_files("#paper", {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": photograph()})
    page.click("#form .button")
    page.wait_for_url(f"{url}/exits/{case.reference}")
    assert page.query_selector(f"a[href='/exits/{case.reference}/paper']") is None
    page.goto(f"{url}/complain")
    page.check("#topic-3")
    page.fill("#words", WORDS)
    page.click("#form .button")
    page.wait_for_load_state()
    look("complain-filed")


@pytest.mark.parametrize(("lang", "scheme"), [("zh-CN", "dark"), ("en", "light")])
def test_the_desk_asks_for_a_paper_and_answers_a_complaint(
    db: Database, serve: Callable[[Any], str], visit: Callable[..., Visitor], lang: str, scheme: str
):
    scene = Scene(db)
    first, second = scene.guest(lang), scene.guest(lang)
    case, filed = in_doubt(scene, first), complain(scene, second)
    with db.transaction() as tx:
        token = worlds.staff_link(tx, "reviewer", Role.REVIEWER, scene.now())
    url = serve(create_app(console_routers, WebSettings(secret=SECRET), scene.ports))
    visitor = visit(scheme=scheme, locale=LOCALES[lang])
    page = visitor.page

    def look(name: str) -> None:
        visitor.screens(f"desk-{name}-{lang}-{scheme}")

    page.goto(f"{url}/console/link/{token}")
    page.click("main button")
    page.goto(f"{url}/console/cases/{case.reference}")
    look("may-ask")
    page.keyboard.press("q")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    with db.transaction() as tx:
        (asked,) = exits_store.paper_requests(tx, case.id)
        done = evidence.hand_in(tx, scene.ports.vault, asked, photograph(), "customer", scene.now())
        assert isinstance(done, PaperRequest)
    page.reload()
    look("paper-came")
    # Not by a click: the browser's own picture viewer has styles that the strict policy keeps out.
    action = page.get_attribute("form#paper-1", "action")
    token = page.get_attribute("form#paper-1 input[name=form_token]", "value")
    opened = page.request.post(f"{url}{action}", form={"form_token": token or ""})
    assert "sandbox" in opened.headers["content-security-policy"]
    page.goto(f"{url}/console/complaints")
    look("complaints")
    page.click(f"a[href='/console/complaints/{filed.reference}']")
    page.click("#words button")
    page.wait_for_load_state()
    assert WORDS in page.inner_text("main")
    look("complaint")
    page.select_option("#answer select[name=outcome]", "upheld")
    page.select_option("#answer select[name=why]", index=1)
    page.click("#answer .button")
    page.wait_for_url(f"{url}/console/complaints")
