"""A reviewer whose hands stay on the keys: each key of the desk is pressed, and does what it says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import worlds
from browser.test_console import NOW, waiting
from playwright.sync_api import Page

from whiteslip import day, notices, packs
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office, desk
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Path, State
from whiteslip.identity import Vault
from whiteslip.identity.model import Role
from whiteslip.notices import DemoPhone
from whiteslip.notices.acts import proofs
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock
from whiteslip.web.console import routers
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

if TYPE_CHECKING:
    from browser.conftest import Visitor


class Keys:
    """The desk behind a keyboard; its mouse is used to sign in and never again."""

    def __init__(self, db: Database, serve: Callable[[Any], str], visitor: Visitor) -> None:
        self.db, self.visitor = db, visitor
        self.ports = Ports(
            db, Vault(bytes(32)), Office(Tables.load(), "Test"), DemoPhone(db), packs.load("cn")
        )
        self.page: Page = visitor.page
        self.url = serve(create_app(routers, WebSettings(secret=bytes(32)), self.ports))
        self.goes_to(NOW)
        with db.transaction() as tx:
            token = worlds.staff_link(tx, "reviewer", Role.REVIEWER, NOW)
        self.page.goto(f"{self.url}/console/link/{token}")
        self.page.click("main button")

    def goes_to(self, now: datetime) -> None:
        """The clock of the lender; what is due by then is carried out, and letters go out."""
        with self.db.transaction() as tx:
            assert StoredClock(tx).set(now.astimezone(UTC))
        ports = day.Ports(self.ports.office, self.ports.vault, self.ports.mailer)
        day.run_due(self.db, ports, now)
        day.run_letters(self.db, ports, lambda _: now)

    def at(self, case: Exit) -> None:
        self.page.goto(f"{self.url}/console/cases/{case.reference}")

    def decides(self, key: str) -> None:
        """The key, which moves the focus and does nothing yet, then Enter."""
        if key in "arhx":  # no reason is chosen for anybody
            self.page.select_option("select[name=reason]", "called_back")
        before = self.page.url
        self.page.keyboard.press(key)
        assert self.page.evaluate("document.activeElement.getAttribute('aria-keyshortcuts')") == key.upper()
        assert self.page.url == before
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def pending(self, case: Exit) -> Path | None:
        with self.db.transaction() as tx:
            found = exits_store.pending(tx, case.id)
        return found.path if found else None

    def state(self, case: Exit) -> State:
        with self.db.transaction() as tx:
            found = exits_store.find(tx, case.id)
        assert found
        return found.state


@pytest.fixture
def keys(db: Database, serve: Callable[[Any], str], visit: Callable[..., Visitor]) -> Keys:
    return Keys(db, serve, visit(locale="en-GB"))


def test_n_r_q_s_and_x_each_do_what_they_say(keys: Keys):
    cases, page = [waiting(keys.db, keys.ports, number) for number in range(3)], keys.page

    def shown() -> Exit:
        """The case on the screen, which was not there before."""
        page.wait_for_url("**/console/cases/*")
        found = next(case for case in cases if page.url.endswith(case.reference))
        cases.remove(found)
        return found

    page.goto(f"{keys.url}/console")
    page.keyboard.press("n")
    first = shown()

    keys.decides("s")
    with keys.db.transaction() as tx:
        assert exits_store.snoozed_until(tx, first.id, NOW) == NOW + timedelta(minutes=30)
    second = shown()

    keys.decides("q")
    with keys.db.transaction() as tx:
        (asked,) = exits_store.paper_requests(tx, second.id)
        assert asked.is_open(NOW)
        assert [each.kind for each in notices.of_subject(tx, second.id)][-1] == "exit.paper_asked"
    assert page.url.endswith(second.reference)

    keys.decides("r")
    assert keys.pending(second) is Path.RUN_OFF
    third = shown()

    keys.decides("x")
    assert keys.pending(third) is Path.REJECT
    assert page.url.endswith(f"/console?done={third.reference}")
    keys.goes_to(NOW + desk.UNDO)
    assert keys.state(second) is State.RUN_OFF
    with keys.db.transaction() as tx:
        assert exits_store.proposal(tx, third.id), "a second person decides"


def test_a_closes_and_u_takes_it_back_for_half_a_minute_and_not_later(keys: Keys):
    case, page = waiting(keys.db, keys.ports, 5, owed_minor=0), keys.page
    page.goto(f"{keys.url}/console")
    page.keyboard.press("n")
    page.wait_for_url("**/console/cases/*")
    keys.decides("a")
    assert keys.pending(case) is Path.CLOSE_NOW
    keys.goes_to(NOW + timedelta(seconds=29))
    assert keys.state(case) is State.HELD, "nothing is done while it can be undone"
    page.reload()
    keys.decides("u")
    assert page.url.endswith(case.reference)
    assert keys.pending(case) is None
    keys.goes_to(NOW + timedelta(seconds=31))
    assert keys.state(case) is State.HELD

    previewed = page.get_attribute("input[name=letter_close_now]", "value")
    keys.decides("a")
    keys.goes_to(NOW + timedelta(seconds=61))
    assert keys.state(case) is State.CLOSED
    with keys.db.transaction() as tx:
        letter = notices.of_subject(tx, case.id)[-1]
        (sent,) = proofs(tx, [letter.id])
    assert (letter.kind, sent["text_sha256"]) == ("exit.closed", previewed), "what was read is what is sent"
    # The page that is still open offers what is over; it says so, and the line stays closed.
    keys.visitor.expect(409)
    keys.decides("u")
    assert page.locator("[data-error-summary], .notice, h1").first.is_visible()
    assert keys.state(case) is State.CLOSED
    keys.at(case)
    assert page.locator("[aria-keyshortcuts=U]").count() == 0


def test_single_keys_can_be_switched_off_and_wait_while_somebody_types(keys: Keys):
    case, page = waiting(keys.db, keys.ports, 3), keys.page
    page.goto(f"{keys.url}/console")
    page.uncheck("[data-keys]")
    page.keyboard.press("n")
    page.wait_for_timeout(300)
    assert page.url == f"{keys.url}/console"
    page.check("[data-keys]")
    page.keyboard.press("n")
    page.wait_for_url(f"{keys.url}/console/cases/{case.reference}")
    page.focus("select[name=reason]")
    page.keyboard.press("r")
    assert page.evaluate("document.activeElement.name") == "reason"


@pytest.mark.parametrize("lang", ["zh-CN", "en-GB"])
def test_a_key_for_a_way_that_a_case_does_not_offer_says_so(
    db: Database, serve: Callable[[Any], str], visit: Callable[..., Visitor], lang: str
):
    keys = Keys(db, serve, visit(locale=lang))
    # Something is owed, so the case cannot be closed now; nothing was chosen, so nothing can be taken back.
    case, page = waiting(db, keys.ports, 3), keys.page
    keys.at(case)
    says = page.locator("[data-key-says]")
    for key, name in (("a", ("立即关闭", "Close now")), ("u", ("撤回", "Undo"))):
        assert page.locator(f"[aria-keyshortcuts={key.upper()}]").count() == 0
        page.keyboard.press(key)
        assert key.upper() in says.inner_text()
        assert name[lang != "zh-CN"] in says.inner_text()
    page.keyboard.press("r")
    assert says.inner_text() == "", "what is offered says nothing, and its button has the focus"
    page.keyboard.press("z")
    assert says.inner_text() == ""
