"""The page of a facility in a real browser: headroom is drawn, both languages and both sizes hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import worlds
from deals import deal
from worlds import DAY, at, buy, open_line, pay

from whiteslip import funding, packs
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.funding.model import Position
from whiteslip.identity import Vault
from whiteslip.identity.model import Role
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock
from whiteslip.web.console import routers
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

if TYPE_CHECKING:
    from browser.conftest import Visitor

LIMITS = """delinquency_3m_at_most_bps = 500
pool_at_least_minor = 4_000_000
[[concentrations]]
by = "obligor"
at_most_bps = 6_000
"""


@pytest.fixture
def address(db: Database, serve: Callable[[Any], str]) -> str:
    """The link of an analyst at a desk with a facility of nine nights."""
    first, second = open_line(db, 10_000_000), open_line(db, 10_000_000)
    buy(db, first, 6_000_000, 3)
    buy(db, second, 2_000_000, 3)
    with db.transaction() as tx:
        funding.load(tx, deal(LIMITS), "treasury", at(DAY))
        funding.state_position(tx, "warehouse", Position(debt_minor=4_500_000), "treasury", at(DAY))
        funding.fill(tx, "warehouse", 10**9, DAY, "treasury", at(DAY))
    day = DAY
    for step in range(9):
        day = DAY + timedelta(days=step)
        if step:
            pay(db, first, 90_000 + 20_000 * step, day)
        with db.transaction() as tx:
            funding.run_night(tx, day, at(day, 23))
    with db.transaction() as tx:
        StoredClock(tx).set(at(day, 23).astimezone(UTC))
        token = worlds.staff_link(tx, "analyst", Role.ANALYST, at(day, 23))
    ports = Ports(db, Vault(bytes(32)), Office(Tables.load(), "Test"), DemoPhone(db), packs.load("cn"))
    return serve(create_app(routers, WebSettings(secret=bytes(32)), ports)) + f"/console/link/{token}"


def test_headroom_is_drawn_in_both_languages(address: str, visit: Callable[..., Visitor]):
    at_funding = address.split("/console/", maxsplit=1)[0] + "/console/funding"
    visitor = visit(locale="en-GB")
    page = visitor.page
    page.goto(address)
    page.click("main button")
    page.goto(at_funding)
    visitor.screens("console-facilities-en")
    page.click("text=A warehouse")
    page.wait_for_selector("#headroom svg")
    visitor.screens("console-funding-en")
    page.goto(f"{at_funding}/warehouse?lang=zh-CN")
    page.wait_for_selector("#headroom svg")
    assert "借款基础" in page.inner_text("main")
    visitor.screens("console-funding-zh-CN")
    # Where the chart is pressed, that is the night the page goes to.
    page.locator("#headroom .plot").click()
    page.wait_for_url("**/warehouse?day=2026-*")
    assert "借款基础" in page.inner_text("main")
