"""A dispute is decided at the desk by the keyboard alone, with and without a script."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from browser.test_console import LOCALES, NOW
from browser.test_four_eyes import TwoPeople
from worlds import open_line

from whiteslip import purchases
from whiteslip.exits import owed
from whiteslip.purchases import Capture, Purchase, Request
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Dispute, Ground, Outcome, Why
from whiteslip.store import Database

if TYPE_CHECKING:
    from browser.conftest import Visitor


@pytest.mark.parametrize(("lang", "javascript"), [("zh-CN", True), ("en", False)])
def test_a_dispute_is_found_in_its_list_and_decided_by_the_keyboard(
    db: Database, serve: Callable[[Any], str], visit: Callable[..., Visitor], lang: str, javascript: bool
):
    desk, line = TwoPeople(db, serve), open_line(db)
    with db.transaction() as tx:
        tables = desk.ports.office.tables
        (bought,) = purchases.authorise(tx, tables, [Request(line, "shop", 24_900)], "shop", NOW)
        assert isinstance(bought, Purchase)
        purchases.capture(tx, [Capture(bought.id, 24_900)], "shop", NOW)
        found = owed.dispute(tx, desk.ports.office, bought.id, 24_900, Ground.NOT_MINE, "customer", NOW)
    assert isinstance(found, Dispute)
    visitor = visit(javascript=javascript, locale=LOCALES[lang])
    page = visitor.page
    page.goto(f"{desk.url}/console/link/{desk.links['maker']}")
    page.click("main button")
    page.goto(f"{desk.url}/console/disputes")
    page.locator("main table a").focus()
    page.keyboard.press("Enter")
    page.locator("#why_won").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")  # whose loss it is: by the rule
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("main:not(:has(#why_won))")
    with db.transaction() as tx:
        after = purchases_store.dispute(tx, found.id)
    assert after
    assert (after.outcome, after.why) == (Outcome.WON, Why.NOT_ALLOWED)
    visitor.check() if javascript else visitor.blameless()
