"""Withdrawing from the contract, through the portal."""

from __future__ import annotations

from web.portal.conftest import Reader
from web.portal.scene import Scene

from whiteslip.exits.model import Kind, State
from whiteslip.purchases import Declined


def test_two_clicks_and_no_field_withdraw_and_the_receipt_lies_there(reader: Reader, scene: Scene):
    guest = scene.guest()
    scene.buys(guest, 50_000)
    reader.signs_in(guest)
    assert "Withdraw from contract here" in reader.opens("/line").text
    statement = reader.opens(f"/lines/{guest.line}/withdraw")
    assert guest.person.full_name in statement.text
    assert "Confirm withdrawal" in statement.text
    done = reader.sends(f"/lines/{guest.line}/withdraw")
    assert "Receipt: you have withdrawn from the contract" in done.text
    (case,) = scene.cases(guest)
    assert (case.kind, case.state) == (Kind.WITHDRAW, State.RUN_OFF)
    assert isinstance(scene.buys(guest, 1_000), Declined)


def test_after_fourteen_days_the_page_and_its_link_are_gone(reader: Reader, scene: Scene):
    guest = scene.guest()
    scene.pass_days(15)
    reader.signs_in(guest)
    assert "Withdraw from contract here" not in reader.opens("/line").text
    assert reader.opens(f"/lines/{guest.line}/withdraw").url.path == "/line"
    assert reader.sends(f"/lines/{guest.line}/withdraw").status_code == 409
