"""How people leave, in a real browser: both languages, phone and desk, with and without a script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import worlds
from leavers import alarms, cases, unlike, walks
from worlds import DAY, TIMEZONE, at, buy, nights, open_lines

from whiteslip import insight, lake, packs
from whiteslip.base import end_of_day
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.identity.model import Role
from whiteslip.insight import Journey, Step
from whiteslip.lake import Lake, Snapshot
from whiteslip.ledger import seal
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock
from whiteslip.web.console import routers
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

if TYPE_CHECKING:
    from browser.conftest import Visitor


END = DAY.replace(month=12, day=20)


@pytest.fixture
def address(db: Database, serve: Callable[[Any], str], tmp_path: Path) -> str:
    """The link of a reviewer where 200 lines were opened, 120 are left, and January is reported."""
    tables, lines = Tables.load(), open_lines(db, 200)
    for line in lines[:60]:
        buy(db, line, 30_000)
    nights(db, DAY.replace(month=2, day=5), DAY.replace(month=2, day=5))
    walks(db, at(DAY), through=160, stuck=40)
    with db.transaction() as tx:
        for n in range(60):
            for place, step in enumerate((Step.CHOOSE, Step.PAUSED if n % 2 else Step.REDUCING)):
                insight.see(
                    tx, Journey.LEAVE, step, f"softer {n}", "cn", at(DAY) + timedelta(seconds=8 * place)
                )
        for n in range(60):
            for place, step in enumerate((Step.CHOOSE, Step.IDENTITY, Step.CHECK, Step.DONE)[: 1 + n % 4]):
                now = at(DAY) + timedelta(seconds=40 * place)
                insight.see(tx, Journey.LEAVE, step, f"nobody {n}", "cn", now, simulated=True)
    alarms(db, at(DAY))
    unlike(db, at(DAY))
    cases(db, at(DAY.replace(month=4, day=10)))
    until = end_of_day(END, TIMEZONE)
    with db.transaction() as tx:
        seal(tx, END, until)
        StoredClock(tx).set(at(END).astimezone(UTC))
        for month in (DAY, DAY.replace(month=4)):
            insight.make_report(tx, tables, month, TIMEZONE, "system", at(END))
        token = worlds.staff_link(tx, "reviewer", Role.REVIEWER, at(END))
    place = Lake(tmp_path / "lake", bytes(32))
    assert isinstance(lake.export(db, place, END, until, TIMEZONE, until), Snapshot)
    ports = Ports(db, Vault(bytes(32)), Office(tables, "Test"), DemoPhone(db), packs.load("cn"), lake=place)
    return serve(create_app(routers, WebSettings(secret=bytes(32)), ports)) + f"/console/link/{token}"


def test_leaving_is_seen_and_a_proposal_becomes_a_draft(address: str, visit: Callable[..., Visitor]):
    """One world for all: English in the dark, Chinese without a script and in the light."""
    base = address.split("/console/", maxsplit=1)[0]
    visitor = visit(locale="en-GB", scheme="dark")
    page = visitor.page
    page.goto(address)
    page.click("main button")
    cookies = visitor.context.cookies()
    page.goto(f"{base}/console/insight?since=2026-01-01", timeout=90_000)
    page.wait_for_selector("#outcomes svg")
    assert page.locator(".chart svg").count() == 7
    assert "Nobody walked" in page.inner_text("main")
    visitor.screens("console-insight-en-dark")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#reasons .plot").click(position={"x": 60, "y": 60})
    page.wait_for_url("**/console/all?reason=*")
    assert "Reason for leaving" in page.inner_text("main")
    page.goto(f"{base}/console/insight/reports/2026-01")
    visitor.screens("console-insight-report-en-dark")
    page.goto(f"{base}/console/insight/reports/2026-04")
    visitor.screens("console-insight-report-product-en-dark")
    page.click(".proposal p a")
    assert "Too expensive" in page.inner_text("main")
    chinese = visit(locale="zh-CN", javascript=False)
    chinese.context.add_cookies(cookies)  # type: ignore[arg-type]
    other = chinese.page
    other.goto(f"{base}/console/insight?since=2026-01-01", timeout=90_000)
    assert other.locator(".chart details").count() == 7
    assert other.locator("[data-chart]:visible").count() == 0
    other.goto(f"{base}/console/insight/reports/2026-01")
    other.click("#draft-2 button")
    assert "/console/policies/watch-monitor/" in other.url
    light = visit(locale="zh-CN")
    light.context.add_cookies(cookies)  # type: ignore[arg-type]
    light.page.goto(f"{base}/console/insight?since=2026-01-01", timeout=90_000)
    light.page.wait_for_selector("#outcomes svg")
    light.screens("console-insight-zh-light")
    light.page.goto(f"{base}/console/insight/reports/2026-01")
    light.screens("console-insight-report-zh-light")
    light.page.click("#proposal-2 p a")
    light.screens("console-alerts-of-rule-zh-light")
