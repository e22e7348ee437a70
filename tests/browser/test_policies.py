"""Two people change a policy at the desk, with and without scripts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import worlds
from playwright.sync_api import Page

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

LOCALES = {"zh-CN": "zh-CN", "en": "en-GB"}
NOW = worlds.at(worlds.DAY)
NAME = "purchase-authorisation"
FACTS = worlds.PURCHASE_FACTS | {"velocity_24h": 5}


def signed_in(db: Database, page: Page, url: str, name: str) -> None:
    with db.transaction() as tx:
        token = worlds.staff_link(tx, name, Role.REVIEWER, NOW)
    page.goto(f"{url}/console/link/{token}")
    page.click("main button")


def decided(db: Database, tables: Tables, velocity: int) -> bool:
    with db.transaction() as tx:
        asked = [(uuid4(), FACTS | {"velocity_24h": velocity})]
        return decide_batch(tx, tables, NAME, asked, NOW)[0].outcome["allow"]


def edited_in_two_tables(page: Page, url: str, look: Callable[[str], None]) -> None:
    """A graph of several tables: a threshold in one and a formula of another become one draft."""
    page.goto(f"{url}/console/policies/application-limit/active/edit")
    page.locator("input[name='months.score']").first.fill(">= 630")
    page.locator("input[name='capacity.value']").nth(2).fill("max([0, most_minor])")
    look("edit-graph")
    page.click("button.primary[value=save]")
    changes = page.locator(".changes > li")
    assert changes.count() == 2
    assert ">= 630" in changes.nth(0).inner_text()
    assert "max([0, most_minor])" in changes.nth(1).inner_text()
    look("graph")


def rules_fit(page: Page) -> None:
    """No table of rules scrolls sideways, on a phone as on a desk."""
    tables = page.locator(".scroll:has(table.rules)")
    assert tables.count() > 0
    for width in (1440, 360):
        page.set_viewport_size({"width": width, "height": 900})
        assert tables.evaluate_all("all => all.every((each) => each.scrollWidth <= each.clientWidth)"), width


@pytest.mark.parametrize(("lang", "javascript"), [("zh-CN", True), ("en", True), ("en", False)])
def test_a_policy_is_edited_backtested_approved_by_somebody_else_and_rolled_back(
    db: Database,
    serve: Callable[[Any], str],
    visit: Callable[..., Visitor],
    lang: str,
    javascript: bool,
):
    office = Office(Tables.load(), "Test")
    ports = Ports(db, Vault(bytes(32)), office, DemoPhone(db), packs.load("cn"))
    with db.transaction() as tx:
        StoredClock(tx).set(NOW.astimezone(UTC))
    assert [decided(db, office.tables, n) for n in (0, 5, 25)] == [True, True, False]
    url = serve(create_app(routers, WebSettings(secret=bytes(32)), ports))
    visitors = [visit(javascript=javascript, locale=LOCALES[lang]) for _ in range(2)]
    maker, checker = (visitor.page for visitor in visitors)

    def look(which: int, name: str) -> None:
        if javascript:
            visitors[which].screens(f"policy-{name}-{lang}")

    signed_in(db, maker, url, "first")
    maker.goto(f"{url}/console/policies")
    look(0, "list")
    edited_in_two_tables(maker, url, lambda name: look(0, name))
    shipped = office.tables[NAME].version
    maker.goto(f"{url}/console/policies/{NAME}/active/edit")
    cells = maker.locator("input[name='table.velocity']")
    row = next(n for n in range(cells.count()) if cells.nth(n).input_value())
    cells.nth(row).fill(">= 3")
    maker.click(f"button[value='add:table:{row}']")
    look(0, "edit")
    assert cells.nth(row).input_value() == ">= 3", "what was typed survives a step of the editor"
    maker.click(f"button[value='remove:table:{row + 1}']")
    maker.click("button.primary[value=save]")
    draft = maker.url.rsplit("/", 1)[1]
    assert draft != shipped
    maker.click("#backtest button")
    assert maker.locator("#matrix tr:has(a) td.number").first.inner_text() == "1"
    maker.click("button[value=submit]")
    assert not maker.locator("button[value=approve]").count(), "whoever made it is not offered to approve"
    signed_in(db, checker, url, "second")
    checker.goto(f"{url}/console/policies/{NAME}/{draft}")
    look(1, "submitted")
    rules_fit(checker)
    checker.click("#cases summary")
    checker.click(".cases a")
    look(1, "decision")
    checker.go_back()
    checker.click("button[value=approve]")
    assert decided(db, office.tables, 5)
    checker.click("button[value=activate]")
    assert not decided(db, office.tables, 5)
    look(1, "active")
    checker.fill("#note", "too strict")
    checker.click("button[value=rollback]")
    assert checker.url.endswith(shipped)
    assert decided(db, office.tables, 5)
