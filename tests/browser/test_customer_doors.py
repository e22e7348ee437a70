"""Two doors of the customer in a browser: how they see a restriction, and a higher limit they ask for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from browser.test_portal import LOCALES, WAYS, Journey, leave, sign_in
from web.portal.scene import Guest, Scene

from whiteslip.base import local_day
from whiteslip.exits import proposals, restrictions
from whiteslip.exits.model import Cause

if TYPE_CHECKING:
    from browser.conftest import Visitor

    Visit = Callable[..., Visitor]


@pytest.mark.parametrize(("lang", "javascript"), WAYS)
def test_who_is_restricted_reads_why_says_how_they_see_it_and_a_person_answers_within_fifteen_days(
    visit: Visit, url: str, scene: Scene, lang: str, javascript: bool
):
    guest = scene.guest(language=lang)
    with scene.db.transaction() as tx:
        causes = [Cause.CONTACT_LOST, Cause.INCOME_LOST]
        restrictions.restrict(tx, scene.office, guest.line, causes, "staff:a", scene.now())
    visitor = visit(javascript=javascript, locale=LOCALES[lang])
    page = visitor.page
    sign_in(visitor, url, scene, guest)
    page.click(f"a[href='/lines/{guest.line}/restriction']")
    assert page.locator("main li").count() >= len(causes), "each reason in words"
    page.fill("#words", "我已经搬家。 I have moved house.")
    page.click("#form .button.primary")
    with scene.db.transaction() as tx:
        (waiting,) = proposals.objections_waiting(tx)
    days = (local_day(waiting.due_at, "Asia/Shanghai") - local_day(scene.now(), "Asia/Shanghai")).days
    assert days == scene.pack.days("issuer.objection_days") == 15
    assert page.locator("#words").count() == 0, "asked once"
    assert "moved house" not in page.content()
    scene.set_clock(scene.now() + timedelta(minutes=20))
    with scene.db.transaction() as tx:
        proposals.answer(tx, scene.office, waiting.id, None, "staff:b", scene.now())
    page.goto(f"{url}/line")
    assert page.locator(f"a[href='/lines/{guest.line}/restriction']").count() == 0
    assert not scene.line(guest).drawing_stopped
    visitor.blameless()


def ask_for_more(visitor: Visitor, scene: Scene, guest: Guest, look: Callable[[str], None]) -> Journey:
    """From the line's page to a higher limit, as a person does it who has not proven who they are lately."""
    journey, person = Journey(visitor.page), guest.person
    journey.click(f"a[href='/lines/{guest.line}/higher']")
    journey.type("full_name", person.full_name)
    journey.type("id_number", person.id_number)
    before = scene.codes(guest)
    journey.click("button[value=send]")
    journey.type("code", scene.code(guest, before))
    journey.click("#form .button.primary")
    look("higher")
    journey.type("net_income", "20000")
    journey.type("debt_service", "1000")
    journey.click("#consent")
    journey.click("#form .button.primary")
    look("higher-offer")
    journey.click("#accept .button.primary")
    look("higher-accepted")
    return journey


@pytest.mark.parametrize(("lang", "javascript"), [("zh-CN", True), ("en", False)])
def test_asking_for_a_higher_limit_takes_no_more_screens_than_leaving(
    visit: Visit, url: str, scene: Scene, lang: str, javascript: bool
):
    guest, leaver = scene.guest(language=lang), scene.guest(language=lang)
    before = scene.line(guest).limit_minor
    first = visit(javascript=javascript, locale=LOCALES[lang])
    sign_in(first, url, scene, leaver)
    leaving = leave(first, scene, leaver)
    visitor = visit(javascript=javascript, locale=LOCALES[lang])
    sign_in(visitor, url, scene, guest)

    def look(name: str) -> None:
        if javascript:
            visitor.screens(f"portal-{name}-{lang}")

    journey = ask_for_more(visitor, scene, guest, look)
    assert len(journey.screens) <= len(leaving.screens), (journey.screens, leaving.screens)
    assert scene.line(guest).limit_minor > before
    visitor.blameless()
    if javascript:
        scene.set_clock(scene.now() + timedelta(minutes=2))
        visitor.page.goto(f"{url}/lines/{guest.line}/higher")
        visitor.page.fill("#net_income", "3000")
        visitor.page.fill("#debt_service", "2500")
        visitor.page.click("#consent")
        visitor.page.click("#form .button.primary")
        look("higher-declined")
        assert scene.line(guest).limit_minor > before, "a no takes nothing away"
