"""The pages of risk in a real browser: charts without a breach of the policy, marks that lead to lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date
from typing import TYPE_CHECKING, Any

import pytest
from scored import scored_book
from worlds import at

from whiteslip import packs
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.identity import Vault, access
from whiteslip.identity.model import Kind, Role, Staff
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock
from whiteslip.web.console import routers
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

if TYPE_CHECKING:
    from browser.conftest import Visitor

LAST = date(2026, 6, 20)
LOCALES = {"zh-CN": "zh-CN", "en": "en-GB"}


@pytest.fixture
def desk(db: Database, serve: Callable[[Any], str]) -> tuple[str, list[str]]:
    """The desk's address, and a link of an analyst for each language."""
    scored_book(db, LAST)
    with db.transaction() as tx:
        StoredClock(tx).set(at(LAST, 23).astimezone(UTC))
        staff = access.create_staff(tx, "analyst", Role.ANALYST, None, at(LAST))
        assert isinstance(staff, Staff)
        tokens = [access.make_link(tx, Kind.STAFF, staff.id, 30, at(LAST, 23)) for _ in LOCALES]
    ports = Ports(db, Vault(bytes(32)), Office(Tables.load(), "Test"), DemoPhone(db), packs.load("cn"))
    address = serve(create_app(routers, WebSettings(secret=bytes(32)), ports)) + "/console"
    return address, [f"{address}/link/{token}" for token in tokens]


def test_scores_are_drawn_within_the_policy_and_marks_lead_to_their_lines(
    desk: tuple[str, list[str]], visit: Callable[..., Visitor]
):
    address, links = desk
    for (lang, locale), link, scheme in zip(LOCALES.items(), links, ("light", "dark"), strict=True):
        visitor = visit(locale=locale, scheme=scheme)
        page = visitor.page
        page.goto(link)
        page.click("main button")
        page.goto(f"{address}/risk")
        page.wait_for_selector("#versus svg")
        assert page.locator(".chart svg").count() == 6
        visitor.screens(f"console-risk-{lang}-{scheme}")
        page.goto(f"{address}/risk/lines")
        visitor.screens(f"console-risk-lines-{lang}-{scheme}")
        page.click("main tbody a >> nth=0")
        page.wait_for_selector("#waterfall svg")
        visitor.screens(f"console-risk-line-{lang}-{scheme}")
        page.goto(f"{address}/risk")
        page.click("#spread summary")
        page.click("#spread tbody a >> nth=1")
        assert "band=1" in page.url
