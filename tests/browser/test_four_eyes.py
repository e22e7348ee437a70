"""What takes two people at the desk: its maker sees no control to approve it, and no door lets them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from browser.test_console import LOCALES, NOW, waiting
from browser.test_portal import WAYS

from whiteslip import day, packs
from whiteslip.base.ids import public
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office, desk
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import State
from whiteslip.identity import Vault, access
from whiteslip.identity.model import Kind, Role, Staff
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock
from whiteslip.web.api import routers as api_routers
from whiteslip.web.console import routers
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

if TYPE_CHECKING:
    from browser.conftest import Visitor

APPROVE = "#proposal button[value=approve]"


class TwoPeople:
    """The desk and the API of one lender, with two reviewers who each own a key."""

    def __init__(self, db: Database, serve: Callable[[Any], str]) -> None:
        self.db = db
        office = Office(Tables.load(), "Test")
        self.ports = Ports(db, Vault(bytes(32)), office, DemoPhone(db), packs.load("cn"))
        settings = WebSettings(secret=bytes(32))
        self.url = serve(create_app([*routers, *api_routers], settings, self.ports))
        self.goes_to(NOW)
        self.keys, self.links = dict[str, str](), dict[str, str]()
        with db.transaction() as tx:
            for name in ("maker", "second"):
                who = access.create_staff(tx, name, Role.REVIEWER, None, NOW)
                assert isinstance(who, Staff)
                self.keys[name] = access.create_key(tx, name, ("read", "write"), NOW, who.id)
                self.links[name] = access.make_link(tx, Kind.STAFF, who.id, 30, NOW)

    def goes_to(self, now: Any) -> None:
        with self.db.transaction() as tx:
            assert StoredClock(tx).set(now.astimezone(UTC))
        day.run_due(self.db, day.Ports(self.ports.office, self.ports.vault, self.ports.mailer), now)

    def asks(self, who: str, case: Exit, act: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        return httpx.post(f"{self.url}/v1/cases/{public('exit', case.id)}/{act}", json={}, headers=headers)

    def opens(self, visitor: Visitor, who: str, case: Exit) -> None:
        visitor.page.goto(f"{self.url}/console/link/{self.links[who]}")
        visitor.page.click("main button")
        visitor.page.goto(f"{self.url}/console/cases/{case.reference}")

    def state(self, case: Exit) -> State:
        with self.db.transaction() as tx:
            found = exits_store.find(tx, case.id)
        assert found
        return found.state


@pytest.mark.parametrize(("lang", "javascript"), WAYS)
def test_the_maker_has_no_approve_control_and_the_api_answers_403_until_a_second_person_approves(
    db: Database, serve: Callable[[Any], str], visit: Callable[..., Visitor], lang: str, javascript: bool
):
    both = TwoPeople(db, serve)
    case = waiting(db, both.ports, 3)
    first = visit(javascript=javascript, locale=LOCALES[lang])
    both.opens(first, "maker", case)
    first.page.select_option("select[name=reason]", "proof_missing")
    first.page.click("button[value=reject_not_holder]")
    both.goes_to(NOW + desk.UNDO)
    first.page.goto(f"{both.url}/console/cases/{case.reference}")
    assert first.page.locator(APPROVE).count() == 0, "its maker sees no control to approve it"
    assert first.page.locator("button[value=turn_down]").count() == 0
    refused = both.asks("maker", case, "approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "desk.own_proposal")
    token = first.page.locator("input[name=form_token]").first.get_attribute("value")
    forged = first.page.request.post(
        f"{both.url}/console/cases/{case.reference}/proposal",
        form={"form_token": str(token), "decision": "approve"},
    )
    assert forged.status == 403, "nor does the page's own door let them"
    both.goes_to(NOW + timedelta(minutes=5))
    assert both.state(case) is State.HELD

    second = visit(javascript=javascript, locale=LOCALES[lang])
    both.opens(second, "second", case)
    assert second.page.locator(APPROVE).count() == 1
    if javascript:
        second.page.click(APPROVE)
    else:
        assert both.asks("second", case, "approve").json()["chosen"] == "reject_not_holder"
    both.goes_to(NOW + timedelta(minutes=6))
    assert both.state(case) is State.REJECTED
