"""The customer's journey, counted: screens, clicks and typed fields, with and without a script."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Page
from pypdf import PdfReader
from web.portal.scene import Guest, Scene

from whiteslip.base.ids import public
from whiteslip.exits.model import State
from whiteslip.lines.model import Lifecycle
from whiteslip.purchases import Declined, Purchase

if TYPE_CHECKING:
    from browser.conftest import Visitor

    Visit = Callable[..., Visitor]

WAYS = [("zh-CN", True), ("zh-CN", False), ("en", True), ("en", False)]
LOCALES = {"zh-CN": "zh-CN", "en": "en-GB"}
CONFIRM = {"zh-CN": "确认关闭额度", "en": "Confirm closure"}
CERTIFICATE = {"zh-CN": "结清证明", "en": "Nil-balance certificate"}


@dataclass
class Journey:
    """Counts what a person has to do."""

    page: Page
    clicks: int = 0
    fields: int = 0
    screens: list[str] = field(default_factory=list[str])
    confirmed: float = 0.0

    def click(self, selector: str) -> None:
        self.page.click(selector)
        self.clicks += 1
        self._note()

    def type(self, name: str, text: str) -> None:
        self.page.fill(f"#{name}", text)
        self.fields += 1

    def _note(self) -> None:
        heading = self.page.inner_text("h1")
        if heading not in self.screens:
            self.screens.append(heading)


class Shop(threading.Thread):
    """Goes on selling through the API; keeps each answer with the second it was asked and answered."""

    def __init__(self, url: str, scene: Scene, guest: Guest) -> None:
        super().__init__(daemon=True)
        self._client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {scene.key()}"})
        self._body = {"line": public("line", guest.line), "merchant": "shop", "amount_minor": 100}
        self._closing = threading.Event()
        self.answers: list[tuple[float, float, dict[str, Any]]] = []

    def run(self) -> None:
        while not self._closing.is_set():
            asked = time.monotonic()
            answer = self._client.post("/v1/purchases", json=self._body)
            self.answers.append((asked, time.monotonic(), answer.raise_for_status().json()))
            self._closing.wait(0.1)

    def open(self) -> None:
        """Returns when it has sold something."""
        self.start()
        end = time.monotonic() + 10
        while not self.answers and time.monotonic() < end:
            time.sleep(0.01)
        assert self.answers[0][2]["state"] == "authorised"

    def close(self) -> None:
        self._closing.set()
        self.join(10)
        self._client.close()


def assert_stopped_within_a_second(shop: Shop, confirmed: float) -> None:
    """The first decline came by then, for that reason, and nothing was sold afterwards."""
    declined = [(asked, at, body) for asked, at, body in shop.answers if body["state"] == "declined"]
    assert declined, "the shop was never declined"
    first_asked, first_at, _ = declined[0]
    assert first_at - confirmed <= 1, f"declined {first_at - confirmed:.2f} s after the click"
    assert {body["code"] for _, _, body in declined} == {"line.stopped"}
    assert [body for asked, _, body in shop.answers if asked >= first_asked] == [b for _, _, b in declined]


def sign_in(visitor: Visitor, url: str, scene: Scene, guest: Guest) -> None:
    visitor.page.goto(url + scene.link(guest))
    visitor.page.click("main form button")
    visitor.page.wait_for_url("**/line")


def leave(visitor: Visitor, scene: Scene, guest: Guest, shop: Shop | None = None) -> Journey:
    """From the line's page to the done page, as a person does it; a shop opens before the last click."""
    visitor.expect(422)
    journey, person = Journey(visitor.page), guest.person
    journey.click(f"a[href='/lines/{guest.line}/leave']")
    journey.click("button[value=close]")
    journey.type("full_name", person.full_name)
    journey.type("id_number", person.id_number)
    before = scene.codes(guest)
    journey.click("button[value=send]")
    journey.type("code", scene.code(guest, before))
    journey.click("#form .button.primary")
    names = [button.inner_text() for button in visitor.page.query_selector_all("main button")]
    assert names in ([name] for name in CONFIRM.values()), "one button, and it names what it does"
    if shop:
        shop.open()
    journey.confirmed = time.monotonic()
    journey.click("#confirm button")
    return journey


@pytest.mark.parametrize(
    ("lang", "javascript", "reviewed"), [("zh-CN", True, True), *((*way, False) for way in WAYS)]
)
def test_a_shop_is_declined_within_a_second_of_the_click_that_confirms(
    visit: Visit, url: str, scene: Scene, lang: str, javascript: bool, reviewed: bool
):
    guest = scene.guest(language=lang)
    bought = scene.buys(guest, 40_000)
    assert isinstance(bought, Purchase)
    if reviewed:
        scene.dispute(bought)
    visitor = visit(javascript=javascript, locale=LOCALES[lang])
    sign_in(visitor, url, scene, guest)
    shop = Shop(url, scene, guest)
    journey = leave(visitor, scene, guest, shop)
    shop.close()
    assert_stopped_within_a_second(shop, journey.confirmed)
    case, kept = scene.cases(guest)[0], scene.journal()
    assert case.waits_for_desk is reviewed
    assert kept.count("'exit.review_opened'") == int(reviewed)
    if reviewed:
        assert kept.index("'line.spending_stopped'") < kept.index("'exit.review_opened'")
        assert case.due_at
        due = case.due_at.astimezone(ZoneInfo("Asia/Shanghai"))
        told = visitor.page.inner_text("main dl.summary")
        ends = {
            "zh-CN": f"{due.year}年{due.month}月{due.day}日24时",
            "en": f"the end of {due.day} {due:%B %Y}",
        }
        assert ends[lang] in told, "until the end of which day somebody answers"


@pytest.mark.parametrize(("lang", "javascript"), WAYS)
def test_a_clean_line_closes_in_four_screens_five_clicks_and_three_fields(
    visit: Visit, url: str, scene: Scene, lang: str, javascript: bool
):
    guest = scene.guest(language=lang)
    visitor = visit(javascript=javascript, locale=LOCALES[lang])
    sign_in(visitor, url, scene, guest)
    box = visitor.page.locator(f"a[href='/lines/{guest.line}/leave']").bounding_box()
    assert box
    assert box["y"] + box["height"] <= 740, "the way out is in sight without scrolling"
    journey = leave(visitor, scene, guest)
    assert (len(journey.screens), journey.clicks, journey.fields) == (4, 5, 3), journey.screens
    case = scene.cases(guest)[0]
    assert case.state is State.CLOSED
    answer = scene.buys(guest, 1_000)
    assert isinstance(answer, Declined)
    assert answer.code == "line.stopped"
    page = visitor.page
    assert case.reference in page.inner_text("main")
    assert re.search(r"\d\d:\d\d:\d\d", page.inner_text(".panel"))
    assert page.locator("main a[href='/help']").is_visible(), "whom to ask"
    letter = page.get_attribute("a.button.primary", "href")
    pdf = page.request.get(url + str(letter)).body()
    text = "".join(sheet.extract_text() for sheet in PdfReader(BytesIO(pdf)).pages)
    assert case.reference in text
    assert CERTIFICATE[lang] in text.replace("\n", " ")
    page.reload()
    page.go_back()
    page.goto(f"{url}/lines/{guest.line}/leave/check")
    assert page.url.endswith(case.reference)
    assert len(scene.cases(guest)) == 1


@pytest.mark.parametrize(("lang", "javascript"), WAYS)
def test_a_line_with_a_balance_stops_now_and_closes_itself_when_paid(
    visit: Visit, url: str, scene: Scene, lang: str, javascript: bool
):
    guest = scene.guest(language=lang)
    assert isinstance(scene.buys(guest, 60_000, 3), Purchase)
    visitor = visit(javascript=javascript, locale=LOCALES[lang])
    sign_in(visitor, url, scene, guest)
    before = visitor.page.inner_text("main table")
    journey = leave(visitor, scene, guest)
    assert (len(journey.screens), journey.clicks, journey.fields) == (4, 5, 3)
    assert visitor.page.inner_text("main table") == before
    assert isinstance(scene.buys(guest, 1_000), Declined)
    case = scene.cases(guest)[0]
    assert case.state is State.RUN_OFF
    assert case.plan.payoff_minor == 60_000
    assert visitor.page.inner_text("main").count("600.00") >= 1, "what would pay it off today"
    scene.pays(guest, case.plan.payoff_minor)
    scene.pass_days(scene.pack.days("exit.clearing_days") + 1)
    assert scene.line(guest).lifecycle is Lifecycle.CLOSED
    sign_in(visitor, url, scene, guest)
    visitor.page.goto(f"{url}/exits/{case.reference}")
    href = visitor.page.get_attribute("a.button.primary", "href")
    pdf = visitor.page.request.get(url + str(href)).body()
    text = "".join(sheet.extract_text() for sheet in PdfReader(BytesIO(pdf)).pages)
    assert CERTIFICATE[lang] in text.replace("\n", " ")
    assert case.reference in text


def test_a_broken_off_journey_goes_on_where_it_stopped(visit: Visit, url: str, scene: Scene):
    guest = scene.guest()
    first = visit()
    sign_in(first, url, scene, guest)
    leave_at = f"{url}/lines/{guest.line}/leave"
    first.page.goto(f"{leave_at}/identity")
    first.context.clear_cookies()
    second = visit()
    second.page.goto(f"{leave_at}/identity")
    assert "/sign-in" in second.page.url
    before = scene.codes(guest)
    second.page.fill("#phone", guest.person.phone)
    second.page.click("#form .button.primary")
    second.page.fill("#code", scene.code(guest, before))
    second.page.click("#form .button.primary")
    second.page.wait_for_url("**/leave/identity")
    second.page.goto(f"{url}/line")
    leave(second, scene, guest)
    third = visit()
    sign_in(third, url, scene, guest)
    third.page.goto(leave_at)
    assert third.page.url.endswith(scene.cases(guest)[0].reference)


@pytest.mark.parametrize(("lang", "javascript"), WAYS)
def test_the_way_out_without_signing_in(visit: Visit, url: str, scene: Scene, lang: str, javascript: bool):
    guest, person = (found := scene.guest(language=lang)), found.person
    visitor = visit(javascript=javascript, locale=LOCALES[lang])
    page = visitor.page
    page.goto(f"{url}/help")
    page.click(".foot a[href='/close']")
    for name, text in (
        ("phone", person.phone),
        ("full_name", person.full_name),
        ("id_number", person.id_number),
    ):
        page.fill(f"#{name}", text)
    page.click("#form .button.primary")
    page.wait_for_url("**/close/code")
    assert scene.line(guest).drawing_stopped
    code = scene.code(guest)
    assert person.phone[3:] not in page.content()
    page.fill("#code", f"{code[:3]} {code[3:]}")
    page.click("#form .button.primary")
    page.wait_for_url("**/exits/*")
    assert scene.cases(guest)[0].state is State.CLOSED


def test_the_code_field_suits_phones_and_no_page_shows_a_whole_number(visit: Visit, url: str, scene: Scene):
    guest = scene.guest()
    visitor = visit()
    sign_in(visitor, url, scene, guest)
    page = visitor.page
    page.goto(f"{url}/lines/{guest.line}/leave/identity")
    page.click("button[value=send]")
    field_of = page.locator("#code")
    assert field_of.get_attribute("autocomplete") == "one-time-code"
    assert field_of.get_attribute("inputmode") == "numeric"
    content = page.content()
    assert guest.person.phone_ends in page.inner_text("main")
    assert guest.person.phone[3:] not in content
    page.fill("#full_name", "半途")
    page.click(".switch")
    assert page.get_attribute("html", "lang") == "en"
    assert page.input_value("#full_name") == "半途", "the switch keeps what was typed"


@pytest.mark.parametrize("lang", ["en"])
def test_the_check_page_of_a_balance_says_everything(visit: Visit, url: str, scene: Scene, lang: str):
    guest = scene.guest(language=lang)
    scene.buys(guest, 128_650, 3)
    visitor = visit(locale=LOCALES[lang])
    sign_in(visitor, url, scene, guest)
    page = visitor.page
    page.goto(f"{url}/lines/{guest.line}/leave/identity")
    page.fill("#full_name", guest.person.full_name)
    page.fill("#id_number", guest.person.id_number)
    page.click("button[value=send]")
    page.fill("#code", scene.code(guest))
    page.click("#form .button.primary")
    page.wait_for_url("**/check")
    assert len(page.query_selector_all("dl.summary > div")) >= 6
    visitor.screens(f"portal-check-owing-{lang}")
