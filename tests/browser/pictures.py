"""Makes the README's pictures again, from a demonstration that has just lived its two years:

    make demo                                        # in one terminal, until it has printed its links
    PYTHONPATH=tests .venv/bin/python tests/browser/pictures.py          # in another, in the same folder

One of its customers leaves while the pictures are taken. Settings are those of every command: another home or
port by ``WHITESLIP_HOME`` and ``WHITESLIP_PORT``.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Final

from browser.conftest import CHROMIUM, DESK, PHONE
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from whiteslip import identity
from whiteslip.app import demo
from whiteslip.app.settings import load
from whiteslip.app.wiring import Platform, opened
from whiteslip.base import Refusal
from whiteslip.identity import Person, access
from whiteslip.identity.model import Kind
from whiteslip.lines import Line
from whiteslip.lines.acts import page_of_lines
from whiteslip.store.timers import present

FOLDER: Final = Path(__file__).parents[2] / "docs" / "images"
# The customer's pages, and the desk's with their paths.
PHONE_PICTURES: Final = ("line", "leave", "check", "done", "line-zh")
DESK_PICTURES: Final = {
    "queue": "/console",
    # The first that waits and owes something.
    "case": "",
    "portfolio": "/console/portfolio",
    "risk": "/console/risk",
    "funding": "/console/funding/warehouse",
    "stress": "/console/stress?leave=10&tornado=true&months=12&facility=warehouse",
    "insight": "/console/insight",
    "policy": "/console/policies/purchase-authorisation/active/graph",
    "alerts": "/console/alerts",
}
_COLOURS: Final = 96
_SHARP: Final = 1.5
_LOOKED_AT: Final = 1_000


def keep(page: Page, name: str) -> None:
    """What is in the window, in few colours, so that it is small."""
    page.wait_for_load_state("networkidle")
    picture = Image.open(BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)


def somebody(platform: Platform, wanted: Callable[[Line], bool]) -> tuple[Line, Person, str]:
    """A line that may draw and is wanted, whose it is, and the path of a one-time link for them."""
    with platform.database.transaction() as tx:
        found = page_of_lines(tx, None, _LOOKED_AT)
        line = next(each for each in found if not each.drawing_stopped and wanted(each))
        person = identity.peek(tx, platform.ports.vault, line.customer)
        assert not isinstance(person, Refusal)
        return line, person, f"/link/{access.make_link(tx, Kind.CUSTOMER, line.customer, 60, present(tx))}"


def newest_code(page: Page, url: str, seen: str = "") -> str:
    """What the demonstration phone shows, once it is there; it is sent after the answer."""
    phone = page.context.new_page()
    for _ in range(100):
        phone.goto(f"{url}/phone")
        found = re.search(r"\b\d{6}\b", phone.inner_text("main"))
        if found and found[0] != seen:
            phone.close()
            return found[0]
        time.sleep(0.1)
    raise TimeoutError("no code came")


def customers(browser: Browser, platform: Platform, url: str) -> None:
    """The line's page in both languages, and out: choice, check, done."""
    owing = somebody(platform, lambda line: line.owed_minor > 0 and not line.held_minor)
    clear = somebody(platform, lambda line: not line.owed_minor and not line.held_minor)

    def opens(locale: str) -> Page:
        size = ViewportSize(width=PHONE[0], height=PHONE[1])
        return browser.new_context(viewport=size, device_scale_factor=_SHARP, locale=locale).new_page()

    for name, locale in (("line", "en-GB"), ("line-zh", "zh-CN")):
        page = opens(locale)
        page.goto(url + somebody(platform, lambda line: line.id == owing[0].id)[2])
        page.click("main form button")
        keep(page, name)
    line, person, link = clear
    page = opens("en-GB")
    page.goto(url + link)
    page.click("main form button")
    page.goto(f"{url}/lines/{line.id}/leave")
    keep(page, "leave")
    page.click("button[value=close]")
    page.fill("#full_name", person.full_name)
    page.fill("#id_number", person.id_number)
    page.click("button[value=send]")
    page.fill("#code", newest_code(page, url))
    page.click("#form .button.primary")
    keep(page, "check")
    page.click("#confirm button")
    page.wait_for_url("**/exits/*")
    keep(page, "done")


def desk(browser: Browser, url: str, link: str) -> None:
    """Each page of the desk that has a picture."""
    page = browser.new_page(viewport=ViewportSize(width=DESK[0], height=DESK[1]), locale="en-GB")
    page.goto(link)
    page.click("main button")
    for name, path in DESK_PICTURES.items():
        if path:
            page.goto(url + path)
        else:
            page.locator("tbody tr", has_not_text="¥0.00").first.locator("a").click()
        if page.locator("[data-chart]").count():
            page.wait_for_selector(".plot svg")
        keep(page, name)


def main() -> None:
    """All pictures; sizes on standard output."""
    settings = load(os.environ, home=os.environ.get("WHITESLIP_HOME") or ".demo")
    FOLDER.mkdir(exist_ok=True)
    with opened(settings) as platform, sync_playwright() as playwright:
        links = demo.links(platform)
        url = links["first page"].rstrip("/")
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        customers(browser, platform, url)
        desk(browser, url, links["reviewer"])
        browser.close()
    for name in (*PHONE_PICTURES, *DESK_PICTURES):
        print(f"{name}.png {(FOLDER / f'{name}.png').stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
