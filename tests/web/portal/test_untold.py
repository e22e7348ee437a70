"""An order that nobody may be told of: no page of the customer's gives it away, and no answer to a shop."""

from __future__ import annotations

import re
from typing import Final

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from web.portal.conftest import Reader
from web.portal.scene import Guest, Scene

from whiteslip.base import Refusal
from whiteslip.exits import freezes, softer
from whiteslip.exits.orders import UNTOLD, Order
from whiteslip.purchases import Declined

_TELLING: Final = re.compile(r"legal order|court|sanction|investigat|frozen|freez|authorit", re.IGNORECASE)


def _pages(app: Litestar) -> list[str]:
    """What answers GET about a line and nothing else, so that a newer page is looked at too."""
    return sorted(
        re.sub(r":\w+}", "}", route.path)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        and "GET" in route.methods
        and route.path.startswith("/lines/{")
        and route.path.count("{") == 1
    )


def _place(scene: Scene, guest: Guest, ground: Order) -> None:
    with scene.db.transaction() as tx:
        for who in ("staff:a", "staff:b"):
            done = freezes.place(tx, scene.office, guest.line, ground, "12 C 34/26", who, scene.now())
            assert not isinstance(done, Refusal), done


def _said(reader: Reader, scene: Scene, guest: Guest) -> dict[str, set[str]]:
    """By page, the words that would give an order away."""
    found: dict[str, set[str]] = {}
    for path in [*_pages(scene.app()), "/line", "/letters", "/data"]:
        page = reader.opens(re.sub(r"{\w+}", str(guest.line), path))
        assert page.status_code < 500, path
        found[path] = set(_TELLING.findall(page.text))
    return found


def _slip(reader: Reader, guest: Guest) -> str:
    """What the line's page says, without what differs from line to line."""
    text = re.sub(r"<[^>]*>", " ", reader.opens("/line").text)
    text = re.sub(r"LN-[\w-]+", "LN", text.replace(str(guest.line), "").replace(guest.person.full_name, ""))
    return " ".join(text.split())


@pytest.mark.parametrize("ground", sorted(UNTOLD))
def test_no_page_and_no_decline_gives_an_untold_order_away(reader: Reader, scene: Scene, ground: Order):
    guest, quiet = scene.guest("en"), scene.guest("en")
    reader.signs_in(quiet)
    before = _said(reader, scene, quiet)
    assert len(before) > 10
    _place(scene, guest, ground)
    declined = scene.buys(guest, 1_000)
    assert isinstance(declined, Declined)
    assert declined.reasons == ("line.locked",)
    reader.signs_in(guest)
    assert _said(reader, scene, guest) == before, "as a line without an order"
    reader.leaves(guest)
    assert not any(_said(reader, scene, guest).values()), "nor while it leaves"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_pause_under_an_untold_order_reads_as_any_and_promises_no_purchase(
    reader: Reader, scene: Scene, language: str
):
    guest, quiet = scene.guest(language), scene.guest(language)
    _place(scene, guest, Order.INVESTIGATION)
    said: list[str] = []
    for each in (quiet, guest):
        reader.signs_in(each)
        reader.client.headers["accept-language"] = language
        reader.sends(f"/lines/{each.line}/pause")
        said.append(_slip(reader, each))
    assert re.search(r"End pause|解除暂停", said[0])
    assert said[0] == said[1], "as a pause that nothing else stands behind"
    assert not re.search(r"[Rr]esume|again|恢复", said[1]), "it ends a pause, and promises nothing after that"
    with scene.db.transaction() as tx:
        softer.resume(tx, guest.line, "customer", scene.now())
    assert not re.search(r"told you|已用信函告知", _slip(reader, guest)), "nobody has written"
    assert isinstance(scene.buys(guest, 1_000), Declined)
