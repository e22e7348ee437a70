"""Joining, counted by the same counter as leaving, and looked at."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import worlds
from applicants import PERSON
from browser.test_portal import LOCALES, WAYS, Journey, leave, sign_in
from web.portal.scene import SECRET, Guest, Scene

from whiteslip.applications import store
from whiteslip.identity.model import Role
from whiteslip.web import console, portal
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

if TYPE_CHECKING:
    from browser.conftest import Serve, Visitor

    Visit = Callable[..., Visitor]


@pytest.fixture
def url(serve: Serve, scene: Scene) -> str:
    """The portal and the desk, which share an applicant here."""
    routers = [*portal.routers, *console.routers]
    return serve(create_app(routers, WebSettings(secret=SECRET, demo=True), scene.ports))


def bodies(scene: Scene) -> list[str]:
    with scene.db.transaction() as tx:
        return [row["body"] for row in tx.conn.execute("SELECT body FROM notices.phone")]


def code(scene: Scene, before: list[str]) -> str:
    """The code that came after ``before``; the background may need a moment."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for body in bodies(scene):
            found = re.search(r"\d{6}", body)
            if found and body not in before:
                return found[0]
        time.sleep(0.01)
    raise AssertionError("no code arrived")


def fill(journey: Journey, service: str = "1000") -> None:
    person = PERSON
    for name, text in (
        ("full_name", person.full_name),
        ("id_number", person.id_number),
        ("phone", person.phone),
        ("email", person.email),
        ("net_income", "10000"),
        ("debt_service", service),
    ):
        journey.type(name, text)


def join(visitor: Visitor, url: str, scene: Scene, look: Callable[[str], None]) -> Journey:
    """From the first page to an open line, as a person does it."""
    visitor.expect(422)
    visitor.page.goto(url + "/")
    journey = Journey(visitor.page)
    journey.click("a[href='/apply']")
    fill(journey)
    look("apply")
    journey.click("#consent")
    before = bodies(scene)
    journey.click("#form .button.primary")
    look("apply-code")
    journey.type("code", code(scene, before))
    journey.click("#form .button.primary")
    look("apply-offer")
    journey.click("#accept .button.primary")
    look("apply-accepted")
    return journey


# The way out has limits of its own, so that it cannot grow with the way in.
MOST_SCREENS, MOST_CLICKS = 4, 5


@pytest.mark.parametrize(("lang", "javascript"), WAYS)
def test_joining_takes_no_more_screens_than_leaving_and_leaving_stays_within_its_own_limits(
    visit: Visit, url: str, scene: Scene, lang: str, javascript: bool
):
    guest: Guest = scene.guest(language=lang)
    first = visit(javascript=javascript, locale=LOCALES[lang])
    sign_in(first, url, scene, guest)
    leaving = leave(first, scene, guest)
    visitor = visit(javascript=javascript, locale=LOCALES[lang])
    joining = join(visitor, url, scene, lambda _name: None)
    assert len(joining.screens) <= len(leaving.screens), (joining.screens, leaving.screens)
    assert len(leaving.screens) <= MOST_SCREENS, leaving.screens
    assert leaving.clicks <= MOST_CLICKS
    assert leaving.fields <= joining.fields, "the way out asks for less than the way in"


def test_who_is_declined_has_a_person_look_and_is_made_an_offer(visit: Visit, url: str, scene: Scene):
    lang = "en"
    visitor = visit(locale=LOCALES[lang])
    page = visitor.page

    def look(name: str) -> None:
        visitor.screens(f"portal-{name}-{lang}")

    join(visitor, url, scene, look)
    page.context.clear_cookies()
    page.goto(url + "/apply")
    fill(Journey(page), service="6000")
    page.fill("#id_number", "AB1234567")
    page.click("#consent")
    before = bodies(scene)
    page.click("#form .button.primary")
    page.fill("#code", code(scene, before))
    page.click("#form .button.primary")
    look("apply-declined")
    page.fill("#view", "我刚换了工作。")
    page.click("#form .button.primary")
    look("apply-in-review")
    _look_at_the_desk(visitor, url, scene, lang)


def _look_at_the_desk(visitor: Visitor, url: str, scene: Scene, lang: str) -> None:
    page = visitor.page
    with scene.db.transaction() as tx:
        token = worlds.staff_link(tx, "reviewer", Role.REVIEWER, scene.now())
        asked = store.waiting(tx, 1)[0]
    page.goto(f"{url}/console/link/{token}")
    page.click("main form button")
    for name, at in (("list", ""), ("page", f"/{asked.reference}")):
        page.goto(f"{url}/console/applications{at}")
        visitor.screens(f"console-applications-{name}-{lang}")
        visitor.check()
    page.fill("#limit", "3000")
    page.click("button[value=offer]")
    with scene.db.transaction() as tx:
        assert store.waiting(tx, 1) == []
