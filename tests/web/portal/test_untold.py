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
from whiteslip.exits import freezes
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
