"""Freed capacity in a real browser: what was freed, a plan in the address, one that is approved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import worlds
from worlds import DAY, TIMEZONE, at, buy, night, open_lines

from whiteslip import exits, lake, packs, treasury
from whiteslip.base import Refusal, end_of_day
from whiteslip.base.ids import public
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.exits.model import Channel, Identity
from whiteslip.identity import Vault
from whiteslip.identity.model import Role
from whiteslip.lake import Lake, Snapshot
from whiteslip.ledger.acts import seal
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock
from whiteslip.treasury import Appetite, Basis, Plan
from whiteslip.web.console import routers
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

if TYPE_CHECKING:
    from browser.conftest import Visitor

END = date(2026, 2, 20)
ASKED = "segment=limit&months=3&step=1000&funding=50000&loss=2000"


@pytest.fixture
def addresses(db: Database, serve: Callable[[Any], str], tmp_path: Path) -> tuple[str, str]:
    """The link of a reviewer at a desk where twelve have left, and the path of a plan that waits."""
    office, stay = Office(Tables.load(), "Test"), open_lines(db, 14)
    for line in stay:
        buy(db, line, 300_000, 3)
    for line in open_lines(db, 12, limit_minor=3_000_000):
        with db.transaction() as tx:
            asked = at(DAY + timedelta(days=1))
            assert not isinstance(
                exits.request(tx, office, line, Channel.PORTAL, "customer", asked, Identity.VERIFIED), Refusal
            )
    night(db, date(2026, 2, 5))
    until = end_of_day(END, TIMEZONE)
    with db.transaction() as tx:
        seal(tx, END, until)
        StoredClock(tx).set(at(END).astimezone(UTC))
        token = worlds.staff_link(tx, "reviewer", Role.REVIEWER, at(END))
    place = Lake(tmp_path / "lake", bytes(32))
    assert isinstance(lake.export(db, place, END, until, TIMEZONE, until), Snapshot)
    # A young book has earned nothing: it pays where money costs less than nothing.
    given = Appetite(
        100_000, 5_000_000, 500_000, share_at_most_bps=10_000, take_up_bps=8_000, funding_cost_bps=-2_000
    )
    basis = treasury.basis(place, None, "limit", 3, None)
    assert isinstance(basis, Basis)
    with db.transaction() as tx:
        plan = treasury.propose(tx, basis, given, "treasurer", at(END))
    assert isinstance(plan, Plan)
    ports = Ports(db, Vault(bytes(32)), office, DemoPhone(db), packs.load("cn"), lake=place)
    home = serve(create_app(routers, WebSettings(secret=bytes(32)), ports))
    return f"{home}/console/link/{token}", f"{home}/console/capacity/plans/{public('cap', plan.id)}"


def test_freed_capacity_and_a_plan_that_waits(addresses: tuple[str, str], visit: Callable[..., Visitor]):
    link, plan = addresses
    visitor = visit(locale="en-GB")
    page = visitor.page
    page.goto(link)
    page.click("main button")
    capacity = plan.split("/plans/", maxsplit=1)[0]
    page.goto(f"{capacity}?{ASKED}", timeout=60_000)
    page.wait_for_selector("#freed svg")
    assert page.get_by_text("No offer pays").is_visible()
    visitor.screens("console-capacity-en")
    # No mark leads to anybody: what is behind a group is its file.
    with page.expect_download() as file:
        page.locator("#freed .plot").click()
    assert file.value.suggested_filename == "capacity-2026-02-20-freed.csv"
    page.goto(f"{plan}?lang=zh-CN")
    page.wait_for_selector("#offers svg")
    visitor.screens("console-capacity-plan-zh-CN")
    page.get_by_role("button", name="批准", exact=True).click()
    page.wait_for_selector("text=已批准")
