"""The desk in a real browser: sign in, take a case, choose, and the next; seen by axe."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import worlds
from browser.conftest import PHONE

from whiteslip import exits, identity, packs
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office
from whiteslip.exits.model import Channel, Identity
from whiteslip.identity import Vault
from whiteslip.identity.model import Role
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock
from whiteslip.web.console import routers
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app
from whiteslip.world.population import person

if TYPE_CHECKING:
    from browser.conftest import Visitor

NOW = worlds.at(worlds.DAY)
LOCALES = {"zh-CN": "zh-CN", "en": "en-GB"}
BLOCKS = {
    "en": ("Request", "Money owed", "Identity", "Assessment", "Letters", "Timeline", "Reason"),
    "zh-CN": ("申请", "欠款", "身份", "评估", "信函", "经过", "理由"),
}


def waiting(db: Database, ports: Ports, number: int, owed_minor: int = 30_000) -> Exit:
    """A case that waits for a person: somebody who could not prove who they are."""
    line = worlds.open_line(db)
    if owed_minor:
        worlds.buy(db, line, owed_minor, 3)
    with db.transaction() as tx:
        customer = worlds.locked(tx, line).customer
        identity.enrol_many(tx, ports.vault, [(customer, person(Random(number), number))], "test", NOW)
        asked = exits.request(tx, ports.office, line, Channel.PORTAL, "customer", NOW, Identity.DOUBTED)
    assert not isinstance(asked, Refusal)
    return asked


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_a_reviewer_decides_two_cases_in_four_presses(
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
        token = worlds.staff_link(tx, "reviewer", Role.REVIEWER, NOW)
    cases = [waiting(db, ports, number) for number in range(2)]
    url = serve(create_app(routers, WebSettings(secret=bytes(32)), ports))
    visitor = visit(javascript=javascript, locale=LOCALES[lang])
    page = visitor.page

    def look(name: str) -> None:
        """Screenshots and axe, which needs scripts."""
        if javascript:
            visitor.screens(f"console-{name}-{lang}")

    page.goto(f"{url}/console/sign-in")
    look("sign-in")
    page.goto(f"{url}/console/link/{token}")
    page.click("main button")
    look("queue")
    left = page.get_by_role(
        "columnheader", name={"zh-CN": "剩余时间", "en": "Time left"}[lang]
    ).bounding_box()
    assert left
    assert left["x"] < PHONE[0] - 40, "how long is left is in sight on a phone"
    page.click("a[href='/console/next']")
    first = re.sub(r".*/", "", page.url)
    look("case")
    folded = (
        "[...document.querySelectorAll('.told, .letter')].some((it) => it.scrollHeight > it.clientHeight + 1)"
    )
    assert not page.evaluate(folded), "on a phone nothing is cut off to be scrolled by itself"
    page.set_viewport_size({"width": 1440, "height": 900})
    for block in BLOCKS[lang]:
        box = page.get_by_text(block, exact=True).first.bounding_box()
        assert box, block
        assert box["y"] + box["height"] <= 900, f"{block} is below the fold"
    for _ in cases:
        if javascript:
            page.keyboard.press("r")
            with page.expect_navigation():
                page.keyboard.press("Enter")
        else:
            page.click("button[value=run_off]")
    look("done")
    assert "/console?done=" in page.url
    assert {case.reference for case in cases} == {first, re.sub(r".*=", "", page.url)}
