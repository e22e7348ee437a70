"""Somebody calls or writes: the desk asks for them, and says how it made sure who it was."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
import worlds

from whiteslip import exits
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity, Kind, State
from whiteslip.store.database import journal_of

from .conftest import NOW, Desk

if TYPE_CHECKING:
    from whiteslip.exits import Exit


def asked(desk: Desk, line: UUID, **fields: str) -> Exit:
    at = f"/console/lines/{line}"
    answer = desk.post(f"{at}/close", at, **fields)
    assert answer.status_code == 303, answer.text
    with desk.db.transaction() as tx:
        case = exits_store.of_line(tx, line)[0]
    assert answer.headers["location"].endswith(case.reference)
    return case


@pytest.mark.parametrize("how", ["called_back", "signed_letter", "in_shop"])
def test_who_wrote_a_letter_is_gone_once_the_desk_has_said_how_it_knows_them(desk: Desk, how: str):
    desk.sign_in()
    case = asked(desk, worlds.open_line(desk.db), kind="close", channel="paper")
    assert (case.state, case.channel, case.identity) == (State.STOPPED, Channel.PAPER, Identity.PENDING)
    at = f"/console/cases/{case.reference}"
    assert "How you made sure who asked" in desk.get(at)
    unsaid = desk.post(f"{at}/identify", at, answer="holder")
    assert "Choose how you made sure who asked" in unsaid.text
    assert desk.case(case).state is State.STOPPED
    assert desk.post(f"{at}/identify", at, answer="holder", how=how).status_code == 303
    assert desk.case(case).state is State.CLOSED
    with desk.db.transaction() as tx:
        (noted,) = [row for row in journal_of(tx, [case.id]) if row["kind"] == "exit.holder_identified"]
    assert noted["data"] == {"how": how, "channel": "paper"}
    assert "How you made sure who asked" not in desk.get(at)


def test_a_caller_who_cannot_be_made_sure_of_is_held_for_a_person_and_not_left_to_lapse(desk: Desk):
    desk.sign_in()
    case = asked(desk, worlds.open_line(desk.db), kind="close", channel="phone")
    at = f"/console/cases/{case.reference}"
    assert desk.post(f"{at}/identify", at, answer="doubt").status_code == 303
    held = desk.case(case)
    assert (held.state, held.identity) == (State.HELD, Identity.DOUBTED)
    assert held.due_at
    with desk.db.transaction() as tx:
        exits.advance(tx, desk.ports.office, case.id, held.due_at + timedelta(seconds=1))
    assert desk.case(case).state is State.CLOSED


def test_withdrawing_on_the_phone_needs_to_be_clear_who_asks_and_loses_nothing_that_was_typed(desk: Desk):
    desk.sign_in()
    line = worlds.open_line(desk.db)
    at = f"/console/lines/{line}"
    refused = desk.post(f"{at}/close", at, kind="withdraw", channel="phone")
    assert "To withdraw it must be clear who asks" in refused.text
    assert '<option value="withdraw" selected>' in refused.text
    assert worlds.line_of(desk.db, line).locks == frozenset()
    case = asked(desk, line, kind="withdraw", channel="phone", how="called_back")
    assert (case.kind, case.channel, case.identity) == (Kind.WITHDRAW, Channel.PHONE, Identity.VERIFIED)


def test_what_a_customer_asked_for_at_the_portal_is_not_for_the_desk_to_identify(desk: Desk):
    desk.sign_in()
    line = worlds.open_line(desk.db)
    with desk.db.transaction() as tx:
        case = exits.request(tx, desk.ports.office, line, Channel.FORM, "form", NOW)
    assert isinstance(case, exits.Exit)
    at = f"/console/cases/{case.reference}"
    assert "How you made sure who asked" not in desk.get(at)
    answer = desk.post(f"{at}/identify", at, answer="holder", how="in_shop")
    assert "There is nothing to record here" in answer.text
    assert desk.case(case).state is State.STOPPED
