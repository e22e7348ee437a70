"""Customers who object to a restriction: one at the desk ends it, and two keep it for a reason."""

from __future__ import annotations

from random import Random
from uuid import UUID

import worlds
from web.console.conftest import NOW, PASSWORD, Desk

from whiteslip import identity, notices
from whiteslip.base.ids import public
from whiteslip.exits import proposals, restrictions
from whiteslip.exits.model import Cause
from whiteslip.exits.proposals import Objection
from whiteslip.identity import access
from whiteslip.identity.model import Role, Staff
from whiteslip.world.population import person

WORDS = "I have moved house."


def objected(desk: Desk, by: str = "staff:x") -> Objection:
    line = worlds.open_line(desk.db)
    with desk.db.transaction() as tx:
        customer = worlds.locked(tx, line).customer
        identity.enrol_many(tx, desk.ports.vault, [(customer, person(Random(3), 13))], "test", NOW)
        restrictions.restrict(tx, desk.ports.office, line, [Cause.CONTACT_LOST], by, NOW)
        made = proposals.object_to(tx, desk.ports.vault, line, WORDS, "customer", NOW)
    assert isinstance(made, Objection)
    return made


def another(desk: Desk) -> None:
    """A colleague sits down at the same desk."""
    with desk.db.transaction() as tx:
        assert isinstance(access.create_staff(tx, "colleague", Role.REVIEWER, PASSWORD, NOW), Staff)
    desk.client.cookies.clear()
    assert desk.post("/console/sign-in", name="colleague", password=PASSWORD).status_code == 303


def letters(desk: Desk, line: UUID) -> list[str]:
    with desk.db.transaction() as tx:
        return [letter.kind for letter in notices.of_subject(tx, line)]


def test_one_person_ends_a_restriction_after_reading_what_the_customer_says(desk: Desk):
    desk.sign_in()
    mine = objected(desk)
    at = f"/console/restrictions/{public('rob', mine.id)}"
    assert at in desk.get("/console/restrictions")
    assert WORDS not in desk.get(at)
    assert WORDS in desk.post(f"{at}/words", at).text
    assert desk.post(f"{at}/answer", at, decision="lift").status_code == 303
    assert not worlds.line_of(desk.db, mine.line).drawing_stopped
    assert letters(desk, mine.line) == ["line.restricted", "line.restriction_lifted"]
    assert at not in desk.get("/console/restrictions")
    assert 'name="decision"' not in desk.get(at)


def test_two_people_keep_it_for_a_reason_and_the_letter_says_it(desk: Desk):
    desk.sign_in()
    mine = objected(desk)
    at = f"/console/restrictions/{public('rob', mine.id)}"
    assert "Choose why it stays" in desk.post(f"{at}/answer", at, decision="stays").text
    assert desk.post(f"{at}/answer", at, decision="stays", why="not_shown").status_code == 303
    assert desk.post(f"{at}/answer", at, decision="stays", why="not_shown").status_code == 403
    assert letters(desk, mine.line) == ["line.restricted"], "one is not two"
    another(desk)
    assert "reviewer proposes that it stays" in desk.get(at)
    assert desk.post(f"{at}/answer", at, decision="stays", why="not_shown").status_code == 303
    assert letters(desk, mine.line) == ["line.restricted", "line.restriction_kept"]
    assert worlds.line_of(desk.db, mine.line).drawing_stopped


def test_who_restricted_the_line_or_only_looks_does_not_answer(desk: Desk):
    staff = desk.sign_in()
    mine = objected(desk, f"staff:{staff.id}")
    at = f"/console/restrictions/{public('rob', mine.id)}"
    assert desk.post(f"{at}/answer", at, decision="lift").status_code == 403
    assert worlds.line_of(desk.db, mine.line).drawing_stopped
    desk.client.cookies.clear()
    desk.sign_in(Role.AUDITOR)
    assert 'name="decision"' not in desk.get(at)
    assert f"{at}/words" not in desk.get(at)
