"""Leaving as it goes in life: by the keyboard alone, broken off at each screen, with codes late or lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from browser.test_portal import LOCALES, sign_in
from playwright.sync_api import Page
from web.portal.scene import Guest, Scene

from whiteslip.exits.model import State

if TYPE_CHECKING:
    from browser.conftest import Visitor

    Visit = Callable[..., Visitor]

MOST_TABS = 40
EXPIRED = {"en": "has expired", "zh-CN": "过期"}


def tab_to(page: Page, selector: str) -> None:
    """By Tab alone, from wherever the focus is."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"{selector} is not reached by Tab at {page.url}")


def types(page: Page, name: str, text: str) -> None:
    tab_to(page, f"#{name}")
    page.keyboard.insert_text(text)


def presses_enter(page: Page) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_whole_way_out_goes_by_the_keyboard_alone(visit: Visit, url: str, scene: Scene, lang: str):
    guest = scene.guest(language=lang)
    visitor = visit(locale=LOCALES[lang])
    page = visitor.page
    page.goto(url + scene.link(guest))
    tab_to(page, "main form button")
    presses_enter(page)
    tab_to(page, "a[href$='/leave']")
    presses_enter(page)
    tab_to(page, "button[value=close]")
    presses_enter(page)
    types(page, "full_name", guest.person.full_name)
    types(page, "id_number", guest.person.id_number)
    before = scene.codes(guest)
    tab_to(page, "button[value=send]")
    presses_enter(page)
    code = scene.code(guest, before)
    # As it is pasted out of a message. Enter in the field goes on, and is not the first button of the form.
    types(page, "code", f" {code[:3]} {code[3:]} ")
    presses_enter(page)
    assert page.url.endswith("/check")
    tab_to(page, "#confirm button")
    presses_enter(page)
    assert scene.cases(guest)[0].state is State.CLOSED
    tab_to(page, "a.button.primary")
    assert page.evaluate("document.activeElement.href").endswith(".pdf")
    assert scene.codes(guest) == [code], "no second code was sent on the way"


def proves(page: Page, guest: Guest, code: str) -> None:
    page.fill("#full_name", guest.person.full_name)
    page.fill("#id_number", guest.person.id_number)
    page.fill("#code", code)
    page.click("#form .button.primary")


def to_the_choice(page: Page, scene: Scene, guest: Guest) -> None:
    page.click(f"a[href='/lines/{guest.line}/leave']")


def to_the_proof(page: Page, scene: Scene, guest: Guest) -> None:
    to_the_choice(page, scene, guest)
    page.click("button[value=close]")


def to_the_code(page: Page, scene: Scene, guest: Guest) -> None:
    to_the_proof(page, scene, guest)
    page.click("button[value=send]")


def to_the_check(page: Page, scene: Scene, guest: Guest) -> None:
    to_the_code(page, scene, guest)
    proves(page, guest, scene.code(guest))
    page.wait_for_url("**/check")


def to_the_end(page: Page, scene: Scene, guest: Guest) -> None:
    to_the_check(page, scene, guest)
    page.click("#confirm button")
    page.wait_for_url("**/exits/*")


def finishes(page: Page, scene: Scene, guest: Guest, used: list[str]) -> None:
    """From whichever screen one stands on; a code that was sent and not used is good in any browser."""
    if page.url.endswith("/leave"):
        page.click("button[value=close]")
    if page.url.endswith("/identity"):
        if scene.codes(guest) == used:
            page.click("button[value=send]")
        proves(page, guest, scene.code(guest, used))
    if page.url.endswith("/check"):
        page.click("#confirm button")
    page.wait_for_url("**/exits/*")


def test_who_breaks_off_at_any_screen_comes_back_to_it_and_loses_nothing(
    visit: Visit, url: str, scene: Scene
):
    """The page is left, then the browser closed: the first needs no signing in, the second does."""
    for goes, screen in (
        (to_the_choice, "/leave"),
        (to_the_proof, "/leave/identity"),
        (to_the_code, "/leave/identity"),
        (to_the_check, "/leave/check"),
        (to_the_end, ""),
    ):
        guest = scene.guest()
        first = visit()
        sign_in(first, url, scene, guest)
        goes(first.page, scene, guest)
        at = first.page.url
        case = [each.reference for each in scene.cases(guest)]
        assert at.endswith(screen or case[0])
        first.page.goto("about:blank")  # closing the tab may wait for ever on a busy machine
        tab = first.context.new_page()
        tab.goto(at)
        assert tab.url == at, "another tab of the same browser stands where the first did"
        first.context.close()

        second = visit()
        second.page.goto(at)
        assert "/sign-in" in second.page.url, "a browser that was lost is nobody's"
        sign_in(second, url, scene, guest)
        second.page.goto(at)
        # A proof is of the browser it was given in: another one proves again, and nothing else comes again.
        assert second.page.url == at.replace("/check", "/identity")
        finishes(second.page, scene, guest, scene.codes(guest) if goes is to_the_check else [])
        assert [each.state for each in scene.cases(guest)] == [State.CLOSED]
        assert case in ([], [scene.cases(guest)[0].reference])
        second.page.goto(at)
        assert second.page.url.endswith(scene.cases(guest)[0].reference)


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_an_earlier_code_holds_a_late_one_does_not_and_a_lost_phone_stops_nobody(
    visit: Visit, url: str, scene: Scene, lang: str
):
    guest = scene.guest(language=lang)
    visitor = visit(locale=LOCALES[lang])
    visitor.expect(410)
    page = visitor.page
    sign_in(visitor, url, scene, guest)
    to_the_code(page, scene, guest)
    earlier = scene.code(guest)
    scene.set_clock(scene.now() + timedelta(minutes=2))
    page.click("button[value=send]")
    later = scene.code(guest, [earlier])
    page.fill("#full_name", guest.person.full_name)

    scene.set_clock(scene.now() + timedelta(minutes=20))
    proves(page, guest, later)
    assert EXPIRED[lang] in page.inner_text("[data-error-summary]")
    assert page.input_value("#full_name") == guest.person.full_name, "what was typed stays"
    page.click("button[value=send]")
    third = scene.code(guest, [earlier, later])
    scene.set_clock(scene.now() + timedelta(minutes=1))
    page.click("button[value=send]")
    scene.code(guest, [earlier, later, third])
    proves(page, guest, third)
    page.wait_for_url("**/check")

    other = scene.guest(language=lang)
    lost = visit(locale=LOCALES[lang])
    sign_in(lost, url, scene, other)
    to_the_proof(lost.page, scene, other)
    lost.page.click("main a[href$='/without-code']")
    lost.page.click("main form .button")
    lost.page.wait_for_url("**/exits/*")
    assert scene.cases(other)[0].waits_for_desk
    assert scene.line(other).drawing_stopped
