"""The stress page in a real browser: sliders and numbers agree, charts are drawn within the policy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import worlds
from worlds import TIMEZONE, at, buy, night, open_line

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

END = date(2026, 3, 20)


@pytest.fixture
def address(db: Database, serve: Callable[[Any], str], tmp_path: Path) -> str:
    """The link of an analyst at a desk with a snapshot."""
    for amount, instalments in ((60_000, 3), (30_000, 1), (90_000, 6)):
        buy(db, open_line(db), amount, instalments)
    buy(db, open_line(db, currency="GBP", timezone="Europe/London", pack="uk"), 60_000, 3)
    for day in (date(2026, 2, 5), date(2026, 3, 5)):
        night(db, day)
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


def test_a_slider_says_its_number_and_fans_are_drawn(address: str, visit: Callable[..., Visitor]):
    visitor = visit(locale="zh-CN")
    page = visitor.page
    page.goto(address)
    page.click("main button")
    home = address.split("/console/", maxsplit=1)[0]
    page.goto(f"{home}/console/stress?leave=10&tornado=true&months=6", timeout=90_000)
    page.wait_for_selector("#cash svg")
    assert page.locator(".chart svg").count() == 5
    page.locator("[data-slides=leave]").fill("25")
    assert page.locator("#leave").input_value() == "25"
    visitor.screens("console-stress-zh-CN-light")


def test_who_lends_in_two_currencies_chooses_one_on_the_page(address: str, visit: Callable[..., Visitor]):
    visitor = visit(locale="en-GB")
    page = visitor.page
    page.goto(address)
    page.click("main button")
    desk = address.partition("/link/")[0]
    for path, choice, button in (
        ("stress?months=6", "#question [name=currency]", "Ask"),
        ("capacity?months=12", ".search [name=currency]", "Show"),
    ):
        page.goto(f"{desk}/{path}", timeout=90_000)
        assert page.locator(choice).input_value() == "CNY", "that of the most lines"
        page.locator(choice).select_option("GBP")
        page.get_by_role("button", name=button, exact=True).click()
        page.wait_for_url("**currency=GBP**", timeout=90_000)
        assert page.locator(choice).input_value() == "GBP"
        assert "in which currency" not in page.inner_text("main")
    page.goto(f"{desk}/portfolio")
    assert page.locator(".head p:has-text('NPL ratio')").all_inner_texts() == [
        "NPL ratio · CNY",
        "NPL ratio · GBP",
    ]
    visitor.blameless()
