"""A line at the desk in a real browser, seen by axe."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest
import worlds

from whiteslip import packs
from whiteslip.decisions import Tables
from whiteslip.exits import Office, terminations
from whiteslip.exits.model import Cause, Termination
from whiteslip.exits.model import Kind as ExitKind
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

NOW = worlds.at(worlds.DAY)
LOCALES = {"zh-CN": "zh-CN", "en": "en-GB"}


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_a_line_at_the_desk_is_seen_by_axe_with_everything_on_it(
    db: Database, serve: Callable[[Any], str], visit: Callable[..., Visitor], lang: str
):
    office = Office(Tables.load(), "Test")
    ports = Ports(db, Vault(bytes(32)), office, DemoPhone(db), packs.load("cn"))
    with db.transaction() as tx:
        StoredClock(tx).set(NOW.astimezone(UTC))
        token = worlds.staff_link(tx, "reviewer", Role.REVIEWER, NOW)
    line = worlds.open_line(db)
    worlds.buy(db, line, 30_000, 3)
    with db.transaction() as tx:
        one = terminations.propose(tx, line, ExitKind.TERMINATION, [Cause.PRODUCT_ENDED], "other", NOW)
        assert isinstance(one, Termination)
    url = serve(create_app(routers, WebSettings(secret=bytes(32)), ports))
    visitor = visit(locale=LOCALES[lang])
    page = visitor.page
    page.goto(f"{url}/console/link/{token}")
    page.click("main button")
    page.goto(f"{url}/console/lines")
    visitor.screens(f"console-lines-{lang}")
    page.goto(f"{url}/console/lines/{line}")
    page.click("button[value=approve]")
    for details in page.locator("main details summary").all():
        details.click()
    visitor.screens(f"console-line-{lang}")
    page.locator("form#death button").click()
    visitor.screens(f"console-estate-{lang}")
