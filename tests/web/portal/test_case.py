"""The page of a case, in every state it can be in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from web.portal.conftest import Reader
from web.portal.scene import Guest, Scene

from whiteslip import billing, exits, lines
from whiteslip.base import Refusal
from whiteslip.exits import Exit, freezes
from whiteslip.exits.freezes import Order
from whiteslip.exits.model import Channel, Identity, State
from whiteslip.exits.orders import UNTOLD
from whiteslip.lines.model import LockKind, Party


def _asked(scene: Scene, guest: Guest, who: Identity = Identity.PENDING) -> Exit:
    """A case that began elsewhere, by another channel."""
    with scene.db.transaction() as tx:
        case = exits.request(tx, scene.office, guest.line, Channel.API, "test", scene.now(), who)
    assert not isinstance(case, Refusal)
    return case


def _seen(reader: Reader, guest: Guest, case: Exit, language: str = "en") -> str:
    reader.signs_in(guest)
    page = reader.opens(f"/exits/{case.reference}", lang=language)
    assert page.status_code == 200
    return page.text


def test_a_case_that_waits_for_a_proof_is_finished_on_the_same_screens(reader: Reader, scene: Scene):
    guest = scene.guest()
    case = _asked(scene, guest)
    text = _seen(reader, guest, case)
    assert "please confirm it" in text
    assert f"/lines/{guest.line}/leave/identity" in text
    assert reader.leaves(guest).url.path == f"/exits/{case.reference}"
    assert scene.cases(guest)[0].state is State.CLOSED


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_case_nobody_confirmed_lapses_and_can_be_begun_again(reader: Reader, scene: Scene, language: str):
    guest = scene.guest()
    case = _asked(scene, guest)
    scene.set_clock(scene.now() + timedelta(days=scene.pack.days("exit.step_up_days"), minutes=1))
    scene.send_letters()
    assert scene.cases(guest)[0].state is State.LAPSED
    assert {"zh-CN": "关闭申请已失效", "en": "has lapsed"}[language] in _seen(reader, guest, case, language)
    assert "/resume" in reader.opens("/line").text
    assert reader.opens(f"/lines/{guest.line}/leave").url.path.endswith("/leave")


@pytest.mark.parametrize("ground", Order)
def test_an_order_that_nobody_may_be_told_of_is_on_no_page(reader: Reader, scene: Scene, ground: Order):
    guest = scene.guest()
    with scene.db.transaction() as tx:
        for actor in ("ann", "ben"):
            freezes.place(tx, scene.office, guest.line, ground, "12 C 34/26", actor, scene.now())
    case = _asked(scene, guest, Identity.VERIFIED)
    assert case.state is State.HELD
    text = _seen(reader, guest, case)
    assert ("legal order" in text) is (ground not in UNTOLD)
    assert ("A person looks at one thing" in text) is (ground in UNTOLD)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_legal_order_is_said_without_a_deadline_we_do_not_have(reader: Reader, scene: Scene, language: str):
    guest = scene.guest()
    with scene.db.transaction() as tx:
        lines.set_lock(tx, guest.line, LockKind.LEGAL, Party.AUTHORITY, "order", "test", scene.now())
    case = _asked(scene, guest, Identity.VERIFIED)
    assert case.state is State.HELD
    text = _seen(reader, guest, case, language)
    assert {"zh-CN": "法律命令", "en": "A legal order"}[language] in text
    assert "23:59:59" not in text


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_case_at_the_desk_says_what_is_checked_and_until_when(reader: Reader, scene: Scene, language: str):
    guest = scene.guest()
    scene.buys(guest, 1_000)
    scene.pass_days(25)
    scene.pays(guest, 1_000)
    scene.pass_days(35)
    scene.buys(guest, 900_000)
    payment = scene.pays(guest, 50_000)
    with scene.db.transaction() as tx:
        billing.return_payment(tx, payment.id, "test", scene.now())
    case = _asked(scene, guest, Identity.VERIFIED)
    assert case.waits_for_desk
    text = _seen(reader, guest, case, language)
    assert {"zh-CN": "最迟答复", "en": "You have our answer by"}[language] in text
    assert {"zh-CN": "日24时", "en": "the end of"}[language] in text


def test_the_closing_letter_is_the_one_behind_the_button(reader: Reader, scene: Scene):
    for _ in range(4):
        guest = scene.guest()
        reader.signs_in(guest)
        page = reader.leaves(guest)
        href = page.text.partition('class="button primary" href="')[2].partition('"')[0]
        named = reader.client.get(href).headers["content-disposition"]
        assert named.endswith('-closed.pdf"')
        reader.opens("/line")
        reader.sends("/sign-out")
