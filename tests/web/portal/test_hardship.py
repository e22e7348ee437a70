"""I cannot pay as agreed, through the portal."""

from __future__ import annotations

from web.portal.conftest import Reader
from web.portal.scene import Scene


def test_two_clicks_and_no_field_agree_on_a_plan_one_can_keep(reader: Reader, scene: Scene):
    guest = scene.guest()
    scene.buys(guest, 60_000)
    scene.pass_days(75)
    reader.signs_in(guest)
    assert "I cannot pay as agreed" in reader.opens("/line").text
    page = reader.opens(f"/lines/{guest.line}/hardship").text
    for said in (
        "Pay less each month",
        "Start in a few months",
        "No plan costs more",
        "Independent debt advice",
    ):
        assert said in page
    done = reader.sends(f"/lines/{guest.line}/hardship", option="longer").text
    assert "Your plan is agreed" in done
    again = reader.opens(f"/lines/{guest.line}/hardship").text
    assert "Agree to pay less" not in again, "who has a plan is not asked again"


def test_who_is_not_late_is_told_whom_to_talk_to(reader: Reader, scene: Scene):
    guest = scene.guest()
    scene.buys(guest, 60_000)
    reader.signs_in(guest)
    page = reader.opens(f"/lines/{guest.line}/hardship").text
    assert "Nothing is past due" in page
    assert "Agree to" not in page
    reader.opens("/line")
    refused = reader.sends(f"/lines/{guest.line}/hardship", option="longer")
    assert refused.status_code == 409
