"""Who was given notice by the lender leaves by the logged-out form, and proves it later: what they read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from browser.partings import done
from browser.test_portal import LOCALES, WAYS, sign_in
from web.portal.scene import Guest, Scene

from whiteslip import notices
from whiteslip.exits import terminations
from whiteslip.exits.model import Cause, Kind, State

if TYPE_CHECKING:
    from browser.conftest import Visitor

WAITS = {"zh-CN": "有人申请关闭这个额度", "en": "Somebody asked to close this line"}
ELSE = {"zh-CN": "否则该通知继续有效", "en": "Otherwise our notice stands"}
GONE = {"zh-CN": "终止通知已不再有效", "en": "notice to end this line no longer stands"}


def _given_notice(scene: Scene, lang: str) -> Guest:
    guest, why = scene.guest(language=lang), [Cause.PRODUCT_ENDED]
    scene.buys(guest, 60_000, 3)
    with scene.db.transaction() as tx:
        one = done(terminations.propose(tx, guest.line, Kind.TERMINATION, why, "staff:a", scene.now()))
        done(terminations.decide(tx, scene.office, one.id, True, "staff:b", scene.now()))
    scene.pass_days(1)
    return guest


@pytest.mark.parametrize(("lang", "javascript"), WAYS)
def test_who_was_given_notice_asks_by_the_form_and_proves_it_later(
    visit: Callable[..., Visitor], url: str, scene: Scene, lang: str, javascript: bool
):
    guest = _given_notice(scene, lang)
    visitor = visit(javascript=javascript, locale=LOCALES[lang])
    page, person = visitor.page, guest.person

    def look(name: str) -> str:
        if javascript:
            visitor.screens(f"portal-noticed-{name}-{lang}")
        return page.inner_text("main")

    page.goto(f"{url}/close")
    for name in ("phone", "full_name", "id_number"):
        page.fill(f"#{name}", getattr(person, name))
    page.click("#form .button.primary")
    assert "通知" not in look("asked"), "whoever types two numbers learns nothing of a notice"
    assert "notice" not in page.inner_text("main")
    sign_in(visitor, url, scene, guest)
    assert WAITS[lang] in look("line")
    own, notice = scene.cases(guest)
    page.click(f".slip .button[href='/exits/{own.reference}']")
    assert ELSE[lang] in look("own")
    page.click(f"main .button[href='/lines/{guest.line}/leave/identity']")
    page.fill("#full_name", person.full_name)
    page.fill("#id_number", person.id_number)
    before = scene.codes(guest)
    page.click("button[value=send]")
    page.fill("#code", scene.code(guest, before))
    page.click("#form .button.primary")
    look("check")
    if page.url.endswith("/leave/check"):
        page.click("#confirm button")
    page.wait_for_url(f"**/exits/{own.reference}")
    assert GONE[lang] in look("left")
    page.click(f"main a[href='/exits/{notice.reference}']")
    look("overtaken")
    assert page.locator(f"main .button[href='/exits/{own.reference}']").count() == 1, "and the way back"
    assert [case.state for case in scene.cases(guest)] == [State.RUN_OFF, State.CANCELLED]
    with scene.db.transaction() as tx:
        told = [letter.kind for letter in notices.of_subject(tx, notice.id)]
    assert told == ["termination.notice", "termination.overtaken"]
    visitor.blameless()
