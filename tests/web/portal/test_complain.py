"""Complain from any page, without papers."""

from __future__ import annotations

from web.portal.conftest import Reader
from web.portal.scene import Scene

from whiteslip.complaints import store as complaints_store


def test_a_customer_complains_with_one_tick_from_every_page(scene: Scene, reader: Reader):
    guest = scene.guest()
    reader.signs_in(guest)
    assert 'href="/complain"' in reader.opens("/help").text
    assert 'href="/complain"' in reader.opens("/line").text
    reader.opens("/complain")
    missing = reader.sends("/complain")
    assert missing.status_code == 422
    assert "Choose what it is about" in missing.text
    done = reader.sends("/complain", topic="fee", words="charged twice")
    assert "answer by" in done.text
    assert "charged twice" not in done.text
    with scene.db.transaction() as tx:
        (found,) = complaints_store.of_customer(tx, guest.customer)
    assert (found.topic, found.channel) == ("fee", "portal")
