"""The portfolio page in a real browser: charts without a breach of the policy, in both schemes."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import worlds
from playwright.sync_api import Page
from pypdf import PdfReader
from worlds import DAY, TIMEZONE, at, buy, nights, open_line, pay

from whiteslip import lake, packs
from whiteslip.base import end_of_day
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.identity.model import Role
from whiteslip.lake import Lake, Snapshot
from whiteslip.ledger.acts import seal
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock
from whiteslip.web.console import routers
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

if TYPE_CHECKING:
    from browser.conftest import Visitor

END = date(2026, 6, 20)
LOCALES = {"zh-CN": "zh-CN", "en": "en-GB"}


@pytest.fixture
def address(db: Database, serve: Callable[[Any], str], tmp_path: Path) -> str:
    """The link of an analyst at a desk with a snapshot."""
    for amount, instalments in ((60_000, 3), (30_000, 1), (90_000, 6)):
        line = open_line(db)
        buy(db, line, amount, instalments)
    nights(db, DAY, date(2026, 3, 1))
    pay(db, line, 20_000, date(2026, 3, 2))
    nights(db, date(2026, 3, 2), END)
    until = end_of_day(END, TIMEZONE)
    with db.transaction() as tx:
        seal(tx, END, until)
        StoredClock(tx).set(at(END).astimezone(UTC))
        token = worlds.staff_link(tx, "analyst", Role.ANALYST, at(END))
    place = Lake(tmp_path / "lake", bytes(32))
    assert isinstance(lake.export(db, place, END, until, TIMEZONE, until), Snapshot)
    office = Office(Tables.load(), "Test")
    ports = Ports(db, Vault(bytes(32)), office, DemoPhone(db), packs.load("cn"), lake=place)
    return serve(create_app(routers, WebSettings(secret=bytes(32)), ports)) + f"/console/link/{token}"


@pytest.mark.parametrize(("lang", "scheme"), [("zh-CN", "light"), ("en", "dark")])
def test_charts_are_drawn_within_the_policy_and_their_tables_open(
    address: str, visit: Callable[..., Visitor], lang: str, scheme: str
):
    visitor = visit(locale=LOCALES[lang], scheme=scheme)
    page = visitor.page
    page.goto(address)
    page.click("main button")
    page.goto(address.split("/console/", maxsplit=1)[0] + "/console/portfolio", timeout=90_000)
    page.wait_for_selector("#ecl_movement svg")
    assert page.locator(".chart svg").count() == 9
    page.click("#npl summary")
    assert page.locator("#npl td").count() > 0
    visitor.screens(f"console-portfolio-{lang}-{scheme}")
    if lang == "en":
        _marks_and_paper(page)


def _marks_and_paper(page: Page) -> None:
    """A printed page says what it was filtered by; a mark leads to its lines, one without any to its file."""
    home = page.url.split("/console/", maxsplit=1)[0]
    page.goto(f"{home}/console/portfolio?segment=limit&as_of=2026-06-20", timeout=90_000)
    page.wait_for_selector("#classes svg")
    text = "".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(page.pdf())).pages)
    assert "Size of limit" in text
    assert "20 June 2026" in text
    assert text.count("Formula") == page.locator(".chart").count(), "each chart's table is on the paper"
    assert not page.locator("dl.filters").is_visible()
    page.locator("#classes .plot").click()
    page.wait_for_url("**/console/lines?late_from=*")
    assert page.locator("main tbody tr").count() > 0
    page.go_back()
    page.wait_for_selector("#dpd svg")
    with page.expect_download() as file:
        page.locator("#dpd .plot").click()
    assert file.value.suggested_filename == "dpd-2026-06-20.csv"


def test_without_a_script_the_tables_are_there(address: str, visit: Callable[..., Visitor]):
    visitor = visit(javascript=False)
    page = visitor.page
    page.goto(address)
    page.click("main button")
    page.goto(address.split("/console/", maxsplit=1)[0] + "/console/portfolio", timeout=90_000)
    assert page.locator(".chart details").count() == 9
    assert page.locator("[data-chart]:visible").count() == 0
