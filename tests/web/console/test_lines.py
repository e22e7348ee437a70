"""Lines at the desk: found, ended by two, and the estate of somebody who has died."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID

import worlds

from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Kind, State
from whiteslip.identity import access
from whiteslip.identity.model import Role, Staff
from whiteslip.lines.model import Lifecycle
from whiteslip.store.database import journal_of

from .conftest import NOW, PASSWORD, Desk

if TYPE_CHECKING:
    from whiteslip.exits import Exit


def latest(desk: Desk, of: UUID) -> Exit:
    with desk.db.transaction() as tx:
        return exits_store.of_line(tx, of)[0]


def another(desk: Desk) -> None:
    """A colleague sits down at the same desk."""
    with desk.db.transaction() as tx:
        made = access.create_staff(tx, "colleague", Role.REVIEWER, PASSWORD, NOW)
    assert isinstance(made, Staff)
    desk.client.cookies.clear()
    assert desk.post("/console/sign-in", name="colleague", password=PASSWORD).status_code == 303


def test_a_line_is_found_by_the_reference_of_a_case_and_only_by_what_exists(desk: Desk):
    desk.sign_in()
    case = desk.held()
    answer = desk.client.get(f"/console/lines?line={case.reference}", follow_redirects=False)
    assert answer.headers["location"].endswith(str(case.line))
    assert "There is no such line" in desk.get("/console/lines?line=line_zzzz")


def test_one_proposes_the_end_and_another_gives_notice(desk: Desk):
    desk.sign_in()
    of = worlds.open_line(desk.db)
    at = f"/console/lines/{of}"
    assert desk.post(f"{at}/terminate", at, end_reason="product_ended").status_code == 303
    shown = desk.get(at)
    assert "A second person is to decide" in shown
    assert "Approve and give notice" not in shown
    assert desk.post(f"{at}/decide", at, decision="approve").status_code == 403
    another(desk)
    assert "Approve and give notice" in desk.get(at)
    assert str(of) in desk.get("/console/lines")
    assert desk.post(f"{at}/decide", at, decision="approve").status_code == 303
    notice = latest(desk, of)
    assert (notice.kind, notice.state) == (Kind.TERMINATION, State.NOTICE)
    assert worlds.line_of(desk.db, of).lifecycle is Lifecycle.ACTIVE
    assert notice.reference in desk.get(at)
    assert "notice runs" in desk.get(f"/console/cases/{notice.reference}")
    assert desk.post(f"{at}/close", at, kind="close", channel="phone").status_code == 303
    assert "until then the notice does not end it" in desk.get(at)
    assert desk.post(f"{at}/withdraw-notice", at).status_code == 303
    with desk.db.transaction() as tx:
        cases = exits_store.of_line(tx, of)
    assert {(case.kind, case.why) for case in cases} == {
        (Kind.TERMINATION, "lender_withdrew_notice"),
        (Kind.CLOSE, "requested"),
    }


def test_a_death_is_reported_and_the_heir_is_told_the_balance(desk: Desk):
    desk.sign_in()
    of = worlds.open_line(desk.db)
    worlds.buy(desk.db, of, 30_000, 3)
    at = f"/console/lines/{of}"
    assert desk.post(f"{at}/death", at).status_code == 303
    assert worlds.line_of(desk.db, of).drawing_stopped
    missing = desk.post(f"{at}/authority", at, full_name="Heir", phone="", email="", authority="")
    assert "Enter the phone number" in missing.text
    said = {"full_name": "Heir", "phone": "+8613900000055", "email": "heir@example.com"}
    assert desk.post(f"{at}/authority", at, authority="probate-1", **said).status_code == 303
    with desk.db.transaction() as tx:
        estate = exits_store.estate_of_line(tx, of)
    assert estate
    assert estate.told_minor == 30_000
    shown = desk.get(at)
    assert "probate-1" in shown
    assert not re.search("heir@example.com|13900000055", shown), "what names them stays in the vault"
    assert desk.post(f"{at}/undo-death", at).status_code == 303
    assert "A second person is to agree" in desk.get(at)
    assert "/undo-death" not in desk.get(at)
    assert worlds.line_of(desk.db, of).drawing_stopped
    another(desk)
    assert desk.post(f"{at}/undo-death", at).status_code == 303
    assert worlds.line_of(desk.db, of).lifecycle is Lifecycle.ACTIVE


def test_a_second_person_may_say_that_a_death_was_no_error_and_the_report_stands(desk: Desk):
    desk.sign_in()
    of = worlds.open_line(desk.db)
    at = f"/console/lines/{of}"
    desk.post(f"{at}/death", at)
    down = f"{at}/undo-death/turn-down"
    assert "Nobody has proposed" in desk.post(down, at, stands_why="not_proven").text
    desk.post(f"{at}/undo-death", at)
    assert down not in desk.get(at), "not by who proposed it"
    assert desk.post(down, at, stands_why="not_proven").status_code == 403
    another(desk)
    assert "Choose why the report stands" in desk.post(down, at).text
    assert desk.post(down, at, stands_why="not_proven").status_code == 303
    assert "A second person is to agree" not in desk.get(at)
    assert worlds.line_of(desk.db, of).drawing_stopped
    with desk.db.transaction() as tx:
        (told,) = [row for row in journal_of(tx, [of]) if row["kind"] == "estate.undo_turned_down"]
    assert told["data"]["why"] == "not_proven"
    assert desk.post(f"{at}/undo-death", at).status_code == 303
    assert worlds.line_of(desk.db, of).drawing_stopped, "it begins with one again"


def test_no_form_about_a_line_has_anything_chosen_and_nothing_chosen_changes_nothing(desk: Desk):
    desk.sign_in()
    of = worlds.open_line(desk.db)
    at = f"/console/lines/{of}"
    chosen = {
        name: re.findall(r'<option value="([^"]*)"( selected)?', options)[0][0]
        for name, options in re.findall(r'<select id="(\w+)"[^>]*>(.*?)</select>', desk.get(at), re.DOTALL)
    }
    assert chosen == dict.fromkeys(("order", "kind", "channel", "how", "reason", "end_reason"), "")
    for act in ("freeze", "close", "restrict", "terminate"):
        sent = dict.fromkeys(chosen, "")
        assert desk.post(f"{at}/{act}", at, file_number="12 C 34/26", **sent).status_code == 422
    line = worlds.line_of(desk.db, of)
    assert (line.lifecycle, line.drawing_stopped) == (Lifecycle.ACTIVE, False)


def test_who_only_looks_changes_nothing(desk: Desk):
    desk.sign_in(Role.AUDITOR)
    of = worlds.open_line(desk.db)
    at = f"/console/lines/{of}"
    shown = desk.get(at)
    for act in ("restrict", "terminate", "death", "close"):
        assert f"{at}/{act}" not in shown


def test_somebody_on_the_phone_is_stopped_at_once(desk: Desk):
    desk.sign_in()
    of = worlds.open_line(desk.db)
    at = f"/console/lines/{of}"
    assert desk.post(f"{at}/close", at, kind="close", channel="phone").status_code == 303
    assert (latest(desk, of).kind, latest(desk, of).channel) == (Kind.CLOSE, "phone")
    assert worlds.line_of(desk.db, of).drawing_stopped


def test_a_second_person_may_turn_an_order_down_and_nothing_is_frozen(desk: Desk):
    desk.sign_in()
    of = worlds.open_line(desk.db)
    at = f"/console/lines/{of}"
    desk.post(f"{at}/freeze", at, order="sanctions", file_number="12 C 34/26")
    another(desk)
    assert desk.post(f"{at}/freeze/turn-down", at).status_code == 303
    assert "12 C 34/26" not in desk.get(at)
    assert not worlds.line_of(desk.db, of).drawing_stopped


def test_an_order_of_the_law_is_placed_and_lifted_by_two(desk: Desk):
    desk.sign_in()
    of = worlds.open_line(desk.db)
    at = f"/console/lines/{of}"
    assert "Enter their file number" in desk.post(f"{at}/freeze", at, order="court_order").text
    assert desk.post(f"{at}/freeze", at, order="court_order", file_number="12 C 34/26").status_code == 303
    assert "Agree to the freeze" not in desk.get(at)
    assert desk.post(f"{at}/freeze", at, order="court_order", file_number="12 C 34/26").status_code == 403
    assert desk.post(f"{at}/freeze/turn-down", at).status_code == 403, "nor do they turn down their own"
    another(desk)
    assert "Agree to the freeze" in desk.get(at)
    assert "Turn it down" in desk.get(at)
    assert desk.post(f"{at}/freeze", at, order="court_order", file_number="12 C 34/26").status_code == 303
    assert worlds.line_of(desk.db, of).drawing_stopped
    assert "12 C 34/26" in desk.get(at)
    assert desk.post(f"{at}/unfreeze", at).status_code == 303
    assert desk.post(f"{at}/unfreeze", at).status_code == 403
    assert worlds.line_of(desk.db, of).drawing_stopped
