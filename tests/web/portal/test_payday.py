"""Another day for later bills, as the page tells it."""

from __future__ import annotations

from web.portal.conftest import Reader
from web.portal.scene import Scene


def test_a_customer_sees_the_new_days_before_they_move_them_and_may_not_move_them_twice(
    reader: Reader, scene: Scene
):
    guest = scene.guest()
    scene.buys(guest, 90_000, 3)
    reader.signs_in(guest)
    at = f"/lines/{guest.line}/payday"
    assert at in reader.opens("/line").text
    assert at in reader.opens(f"/lines/{guest.line}/hardship").text
    was = scene.line(guest).statement_day
    day = str(was + 3 if was < 20 else was - 3)
    reader.opens(at)
    assert "Move bills to" not in reader.page.text, "the days are shown first"  # type: ignore[union-attr]
    assert reader.sends(at, day=str(was)).status_code == 422
    shown = reader.sends(at, day=day, do="show").text
    assert f"Move bills to day {day}" in shown
    assert shown.count("305.40") == 3
    assert scene.line(guest).statement_day == was, "looking moves nothing"
    assert reader.sends(at, day=day, do="move").url.path == "/line"
    assert scene.line(guest).statement_day == int(day)
    assert "line.payday_moved" in scene.journal()
    assert "can be moved again from" in reader.opens(at).text
    reader.opens("/line")
    assert reader.sends(at, day=str(was), do="move").status_code == 409
    stranger = scene.guest()
    assert reader.opens(f"/lines/{stranger.line}/payday").status_code == 404


def test_who_leaves_and_moves_their_days_is_not_told_that_nothing_changed(reader: Reader, scene: Scene):
    guest = scene.guest()
    scene.buys(guest, 90_000, 3)
    reader.signs_in(guest)
    assert "Your payments are the same as before" in reader.leaves(guest).text
    at, was = f"/lines/{guest.line}/payday", scene.line(guest).statement_day
    reader.opens(at)
    reader.sends(at, day=str(was + 3 if was < 20 else was - 3), do="move")
    (case,) = scene.cases(guest)
    shown = reader.opens(f"/exits/{case.reference}").text
    assert "Your payments are the same as before" not in shown
    assert "To be repaid" in shown
