"""The one alternative, in a browser: where it stands, and that Back from it keeps step and answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from browser.test_leaving_interrupted import proves
from browser.test_portal import LOCALES, WAYS, sign_in
from playwright.sync_api import Page
from web.portal.scene import LIMIT, Scene

from whiteslip.exits.model import State
from whiteslip.exits.offers import Kind, Offer
from whiteslip.store import Database

if TYPE_CHECKING:
    from browser.conftest import Serve, Visitor

    Visit = Callable[..., Visitor]

OFFER = "main button[value=offer]"


def offering(db: Database, kind: Kind) -> Scene:
    return Scene(db, offer=Offer("test", kind, hold_out_percent=0))


def by_browser(page: Page) -> None:
    page.go_back()


def by_link(page: Page) -> None:
    page.click("a.back")


@pytest.mark.parametrize(("lang", "javascript"), WAYS)
def test_back_from_the_offer_is_the_same_step_and_nothing_is_asked_again(
    db: Database, visit: Visit, serve: Serve, lang: str, javascript: bool
):
    scene = offering(db, Kind.LOWER_LIMIT)
    url, guest = serve(scene.app()), scene.guest(language=lang)
    scene.buys(guest, 40_000)
    visitor = visit(javascript=javascript, locale=LOCALES[lang])
    page = visitor.page
    sign_in(visitor, url, scene, guest)
    page.goto(f"{url}/lines/{guest.line}/leave/identity")
    assert page.locator(OFFER).count() == 0, "on the first screen and on no other"
    page.click("button[value=send]")
    proves(page, guest, scene.code(guest))
    page.wait_for_url("**/check")
    assert page.locator(OFFER).count() == 0
    page.click("a.back")
    step, ways = page.url, page.locator("main button").all_inner_texts()
    assert step.endswith("/leave")
    assert page.locator(OFFER).count() == 1
    for goes_back in (by_browser, by_link):
        page.click(OFFER)
        page.wait_for_url("**/reduce?*")
        assert page.locator(OFFER).count() == 0
        goes_back(page)
        page.wait_for_url(step)
        assert page.locator("main button").all_inner_texts() == ways
    page.click("button[value=close]")
    assert page.url.endswith("/check"), "who they are was kept, and is not asked again"
    page.click("#confirm button")
    page.wait_for_url("**/exits/*")
    assert page.locator(OFFER).count() == 0
    assert scene.cases(guest)[0].state is State.RUN_OFF
    assert scene.line(guest).limit_minor == LIMIT, "looking at the offer lowered nothing"
    kept = scene.journal()
    assert (kept.count("'offer.shown'"), kept.count("'offer.chosen'")) == (1, 1)


def test_back_from_a_pause_that_was_offered_leads_on_to_closing(db: Database, visit: Visit, serve: Serve):
    scene = offering(db, Kind.PAUSE)
    url, guest = serve(scene.app()), scene.guest()
    visitor = visit()
    page = visitor.page
    sign_in(visitor, url, scene, guest)
    page.goto(f"{url}/lines/{guest.line}/leave")
    page.click(OFFER)
    page.wait_for_url("**/line")
    assert scene.line(guest).drawing_stopped
    page.go_back()
    assert page.url.endswith("/leave")
    assert page.locator(OFFER).count() == 0, "taken up, and not offered again"
    page.click("button[value=close]")
    page.click("button[value=send]")
    proves(page, guest, scene.code(guest))
    page.click("#confirm button")
    page.wait_for_url("**/exits/*")
    assert scene.cases(guest)[0].state is State.CLOSED
