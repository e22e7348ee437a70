"""The components, as a browser shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

if TYPE_CHECKING:
    from browser.conftest import Serve, Visitor

    Visit = Callable[..., Visitor]


@pytest.fixture
def url(serve: Serve) -> str:
    return serve(create_app([], WebSettings(secret=b"0123456789abcdef0123456789abcdef", demo=True)))


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_a_form_with_errors_says_so_in_its_title_and_takes_the_focus(visit: Visit, url: str, lang: str):
    visitor = visit()
    visitor.expect(422)
    visitor.page.goto(f"{url}/kit?lang={lang}")
    visitor.page.fill("#limit", "20")
    visitor.page.click("form .button.primary")
    assert visitor.page.title().startswith({"zh-CN": "错误：", "en": "Error: "}[lang])
    assert visitor.page.evaluate("document.activeElement.matches('[data-error-summary]')")
    assert visitor.page.input_value("#limit") == "20"
    visitor.screens(f"errors-{lang}")
    visitor.page.click(".errors a[href='#code']")
    assert visitor.page.evaluate("document.activeElement.id") == "code"


def test_the_language_switch_keeps_what_was_typed_even_without_a_script(visit: Visit, url: str):
    visitor = visit(javascript=False)
    visitor.page.goto(f"{url}/kit")
    visitor.page.fill("#limit", "3,000")
    visitor.page.check("#reason")
    visitor.page.click(".switch")
    assert visitor.page.get_attribute("html", "lang") == "en"
    assert visitor.page.input_value("#limit") == "3,000"
    assert visitor.page.is_checked("#reason")
    assert visitor.page.query_selector("[data-error-summary]") is None
    visitor.page.goto(f"{url}/kit")
    assert visitor.page.get_attribute("html", "lang") == "en", "the choice is remembered"


def test_a_page_that_is_not_there_says_so_in_the_readers_language(visit: Visit, url: str):
    visitor = visit(locale="en-GB")
    visitor.expect(404)
    for name, path in (("missing", "/nowhere"), ("missing-desk", "/console/nowhere")):
        visitor.page.goto(url + path)
        assert visitor.page.inner_text("h1") == "Not found"
        visitor.screens(name)


def test_the_keyboard_meets_the_skip_link_first_and_focus_is_visible(visit: Visit, url: str):
    visitor = visit()
    visitor.page.goto(f"{url}/kit")
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate("document.activeElement.className") == "skip"
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"


def test_a_second_press_of_the_button_sends_nothing_twice(visit: Visit, url: str):
    visitor = visit()
    visitor.page.goto(f"{url}/kit")
    sent: list[str] = []
    visitor.page.on("request", lambda asked: sent.append(asked.method))
    visitor.page.fill("#limit", "300")
    visitor.page.fill("#code", "123456")
    visitor.page.evaluate(
        "{ const b = document.querySelector('form .button.primary'); b.click(); b.click(); }"
    )
    visitor.page.wait_for_url("**/kit?sent=yes")
    assert sent.count("POST") == 1


def test_htmx_swaps_parts_and_shows_an_error_page_in_place_of_the_main_part(visit: Visit, url: str):
    visitor = visit(locale="en-GB")
    visitor.expect(404)
    visitor.page.goto(f"{url}/kit")
    visitor.page.evaluate("htmx.ajax('GET', '/kit/console', {target: '#main', select: '.columns'})")
    visitor.page.wait_for_selector("#main > .columns")
    visitor.page.evaluate("htmx.ajax('GET', '/nowhere', {target: '#main .columns'})")
    visitor.page.wait_for_selector("main h1:text-is('Not found')")
    visitor.check()


def test_a_long_sum_is_smaller_on_a_small_screen_and_never_broken(visit: Visit, url: str):
    visitor = visit(locale="en-GB")
    visitor.page.set_viewport_size({"width": 320, "height": 640})
    for path in ("/kit", "/kit/console"):
        visitor.page.goto(url + path)
        assert not visitor.page.evaluate(
            "document.querySelector('.amount strong').classList.contains('long')"
        )
        for sum_, kind in (("CN¥12,000.00", ""), ("CN¥12,345,678.90", "long")):
            lines = visitor.page.evaluate(
                """([said, kind]) => { const sum = document.querySelector('.amount strong');
                sum.className = kind; sum.textContent = said;
                return sum.getClientRects()[0].height / parseFloat(getComputedStyle(sum).lineHeight); }""",
                [sum_, kind],
            )
            assert lines < 1.5, (path, sum_)


def test_a_printed_page_is_black_on_white_and_without_controls(visit: Visit, url: str):
    visitor = visit(scheme="dark")
    visitor.page.emulate_media(media="print")
    visitor.page.goto(f"{url}/kit")
    assert visitor.page.evaluate("getComputedStyle(document.querySelector('.slip')).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    assert visitor.page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    for control in (".actions", ".button", ".onward", ".languages"):
        assert visitor.page.locator(f"{control}:visible").count() == 0, control


def test_in_forced_colours_the_main_button_the_present_section_and_what_is_done_are_told_apart(
    visit: Visit, url: str
):
    visitor = visit()
    visitor.page.emulate_media(forced_colors="active")

    def colour(selector: str, of: str, part: str = "") -> str:
        script = "([selector, part, of]) => getComputedStyle(document.querySelector(selector), part)[of]"
        return visitor.page.evaluate(script, [selector, part, of])

    visitor.page.goto(f"{url}/kit")
    ground = "backgroundColor"
    assert colour(".button.primary", ground) != colour(".button.secondary", ground)
    assert colour(".button.primary", ground) != colour(".button.primary", "color")
    assert colour(".button.quiet", "borderTopWidth") == "0px"
    done, ahead = ".timeline li:first-child", ".timeline .ahead"
    assert colour(done, ground, "::before") != colour(ahead, ground, "::before")
    visitor.page.goto(f"{url}/kit/console")
    under = "borderBottomColor"
    assert colour(".sections [aria-current]", under) != colour(".sections a:not([aria-current])", under)
