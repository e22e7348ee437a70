"""The visual editor of a policy in a real browser: it saves a draft, and says where something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import worlds
from playwright.sync_api import Page, expect

from whiteslip import packs
from whiteslip.decisions import Tables, decide_batch
from whiteslip.exits import Office
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

expect.set_options(timeout=20_000)
NOW = worlds.at(worlds.DAY)
NAME = "purchase-authorisation"
FACTS = worlds.PURCHASE_FACTS | {"velocity_24h": 5}
CELL = {
    "en": "Rule {n}: Purchases in the 24 hours before",
    "zh-CN": "第 {n} 条：Purchases in the 24 hours before",
}
SAID = {
    "en": "purchase authorisation, rule {n}, Purchases in the 24 hours before: '>= rand(3)' uses rand",
    "zh-CN": "“purchase authorisation”第 {n} 条“Purchases in the 24 hours before”：'>= rand(3)' 用了 rand",
}
SAME = {"en": "This is the version in force already.", "zh-CN": "这与正在生效的版本相同。"}


def signed_in(db: Database, page: Page, url: str) -> None:
    with db.transaction() as tx:
        token = worlds.staff_link(tx, "first", Role.REVIEWER, NOW)
    page.goto(f"{url}/console/link/{token}")
    page.click("main button")


def allowed(db: Database, tables: Tables) -> bool:
    with db.transaction() as tx:
        return decide_batch(tx, tables, NAME, [(uuid4(), FACTS)], NOW)[0].outcome["allow"]


def typed(page: Page, cell: str, text: str) -> None:
    """Into a cell by the keyboard alone, once it has the focus."""
    page.get_by_role("textbox", name=cell, exact=True).focus()
    page.keyboard.press("Control+a")
    page.keyboard.type(text)
    page.keyboard.press("Escape")


@pytest.mark.parametrize(("lang", "scheme"), [("zh-CN", "dark"), ("en", "light")])
def test_a_cell_changed_in_the_visual_editor_becomes_a_draft_and_a_broken_one_is_refused_with_its_place(
    db: Database, serve: Callable[[Any], str], visit: Callable[..., Visitor], lang: str, scheme: str
):
    office = Office(Tables.load(), "Test")
    ports = Ports(db, Vault(bytes(32)), office, DemoPhone(db), packs.load("cn"))
    with db.transaction() as tx:
        StoredClock(tx).set(NOW.astimezone(UTC))
    assert allowed(db, office.tables)
    url = serve(create_app(routers, WebSettings(secret=bytes(32)), ports))
    visitor = visit(locale={"en": "en-GB"}.get(lang, lang), scheme=scheme)
    visitor.expect(409, 422)
    page = visitor.page

    def look(name: str, *langs: str) -> None:
        """Axe takes its time on so large a page: what the languages share is looked at in one."""
        if lang in langs:
            visitor.screens(f"policy-{name}-{lang}")
            page.set_viewport_size({"width": 1440, "height": 2000})

    signed_in(db, page, url)
    shipped = office.tables[NAME].version
    rules = next(n for n in office.tables[NAME].content["nodes"] if n["id"] == "table")["content"]["rules"]
    number = 1 + next(n for n, rule in enumerate(rules) if rule["velocity"])
    cell = CELL[lang].format(n=number)
    page.goto(f"{url}/console/policies/{NAME}/{shipped}")
    page.click("a[href$='/graph']")
    page.set_viewport_size({"width": 1440, "height": 2000})
    expect(page.get_by_role("textbox", name=cell, exact=True)).to_be_visible()
    page.click("button.primary[value=save]")
    expect(page.locator("[data-error-summary]")).to_contain_text(SAME[lang])

    typed(page, cell, ">= rand(3)")
    page.click("button.primary[value=save]")
    expect(page.locator("[data-error-summary]")).to_contain_text(SAID[lang].format(n=number))
    expect(page.locator("button[value=unfinished]")).to_be_visible()
    look("drawn-broken", "zh-CN")
    expect(page.get_by_role("textbox", name=cell, exact=True)).to_have_text(">= rand(3)")

    typed(page, cell, ">= 3")
    page.click("button.primary[value=save]")
    expect(page.locator(".changes > li")).to_have_count(1)
    expect(page.locator(".changes > li")).to_contain_text(">= 3")
    assert allowed(db, office.tables), "a draft decides nothing"
    page.click("#backtest button")
    expect(page.locator("#matrix tr:has(a) td.number").first).to_have_text("2")

    page.goto(f"{url}/console/policies/application-limit/active/graph")
    expect(page.locator(".react-flow__node")).to_have_count(6)
    look("graph-drawn", "en")
    page.locator(".react-flow__node").nth(2).get_by_role("button").nth(1).click()
    expect(page.locator(".expression-list-item__code").first).to_contain_text("net_income_minor")
    look("formulas-drawn", "zh-CN")
    visitor.blameless()
