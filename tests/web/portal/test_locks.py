"""The customer's own locks, through the portal."""

from __future__ import annotations

from datetime import timedelta

from web.portal.conftest import Reader
from web.portal.scene import Scene

from whiteslip.lines.locks import standing
from whiteslip.purchases import Declined, Purchase


def test_one_click_locks_a_part_and_one_click_unlocks_it(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    at = f"/lines/{guest.line}/locks"
    reader.opens(at)
    shown = reader.sends(at, part="instalments:")
    assert "Locked now" in shown.text
    assert isinstance(scene.buys(guest, 30_000, 3), Declined)
    assert isinstance(scene.buys(guest, 30_000), Purchase)
    reader.proves(guest)
    assert "Locked now" not in reader.sends(f"/lines/{guest.line}/unlock", part="instalments:").text
    assert isinstance(scene.buys(guest, 30_000, 3), Purchase)


def test_a_shop_and_a_category_are_chosen_from_a_list(reader: Reader, scene: Scene):
    guest = scene.guest()
    scene.buys(guest, 1_000)
    reader.signs_in(guest)
    at = f"/lines/{guest.line}/locks"
    reader.opens(at)
    assert reader.sends(at, part="merchant", merchant="").status_code == 422
    assert "Shop: bookshop" in reader.sends(at, part="merchant", merchant="bookshop").text
    assert "Category: gambling" in reader.sends(at, part="category", category="gambling").text
    assert isinstance(scene.buys(guest, 1_000), Declined)


def test_a_firm_lock_shows_its_end_and_no_way_to_lift_it(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    at = f"/lines/{guest.line}/locks"
    reader.opens(at)
    assert reader.sends(at, part="all").status_code == 422
    shown = reader.sends(at, part="all", days="30", firm="yes")
    assert "cannot be unlocked before" in shown.text
    reader.proves(guest)
    assert reader.sends(f"/lines/{guest.line}/unlock", part="all").status_code == 409
    with scene.db.transaction() as tx:
        (lock,) = standing(tx, guest.line)
    assert lock.firm
    assert lock.until == scene.now() + timedelta(days=30)


def test_what_is_not_on_the_page_locks_nothing(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    at = f"/lines/{guest.line}/locks"
    reader.opens(at)
    for form in (
        {"part": "mood:"},
        {"part": "night:x"},
        {"part": "all", "days": "365"},
        {"part": "category", "category": "my phone is 139"},
        {"part": "merchant", "merchant": "a shop never bought at"},
        {},
    ):
        assert reader.sends(at, **form).status_code == 422
    with scene.db.transaction() as tx:
        assert standing(tx, guest.line) == []
