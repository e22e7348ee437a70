"""What the desk chose: undone, put aside, read before it is sent, and judged without advice."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from web.console.conftest import NOW, Desk

from whiteslip import notices
from whiteslip.exits import rules
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import State
from whiteslip.identity.model import Role
from whiteslip.notices import Addressee, DemoPhone, NewNotice


def in_sample(monkeypatch: pytest.MonkeyPatch, blind: bool) -> None:
    def sampled(_case: object, _share_bps: int) -> bool:
        return blind

    monkeypatch.setattr(rules, "is_blind", sampled)


def test_a_choice_is_undone_by_its_maker_from_whichever_page_comes_next(desk: Desk):
    desk.sign_in()
    case, other = desk.held(30_000), desk.held(days=1)
    at = f"/console/cases/{case.reference}"
    onwards = desk.post(at, path="run_off", reason="called_back").headers["location"]
    assert onwards.endswith(other.reference)
    for page in (onwards, "/console"):
        shown = desk.get(page)
        assert f"{case.reference}: Run off, then close" in shown
        assert 'aria-keyshortcuts="U"' in shown
    assert 'value="run_off"' not in desk.get(at), "chosen already"
    undone = desk.post(f"{at}/undo", "/console")
    assert undone.headers["location"] == at
    assert 'value="run_off"' in desk.get(at)
    desk.half_a_minute_later(case)
    assert desk.case(case).state is State.HELD


def test_somebody_else_cannot_undo_a_choice(desk: Desk):
    desk.sign_in()
    case = desk.held()
    at = f"/console/cases/{case.reference}"
    desk.post(at, path="run_off", reason="called_back")
    desk.sign_out()
    desk.sign_in(Role.ADMIN)
    assert "Undo" not in desk.get("/console")
    assert desk.post(f"{at}/undo", "/console").status_code == 403


def test_a_case_that_is_put_aside_leaves_the_queue_and_keeps_its_deadline(desk: Desk):
    desk.sign_in()
    case = desk.held()
    at = f"/console/cases/{case.reference}"
    assert 'aria-keyshortcuts="S"' in desk.get(at)
    assert desk.post(f"{at}/snooze", at, minutes="120").headers["location"].startswith("/console?done")
    assert case.reference not in desk.get("/console")
    assert "Put aside until" in desk.get(at)
    assert desk.case(case).due_at == case.due_at
    with desk.db.transaction() as tx:
        assert exits_store.queue(tx, NOW + timedelta(minutes=120)) == [case]


def test_the_page_shows_the_hash_of_the_letter_and_after_sending_that_it_is_the_same(desk: Desk):
    desk.sign_in()
    case = desk.held(30_000)
    at = f"/console/cases/{case.reference}"
    read = re.search(r'name="letter_run_off" value="([0-9a-f]{64})"', desk.get(at))
    assert read
    assert f"<code>{read[1]}</code>" in desk.get(at)
    assert desk.post(at, path="run_off", reason="called_back", letter_run_off="0" * 64).status_code == 409
    assert desk.post(at, path="run_off", reason="called_back", letter_run_off=read[1]).status_code == 303
    desk.half_a_minute_later(case)
    to, then = Addressee("A", "a@b.cd", "+8613800138000"), NOW + timedelta(minutes=1)
    while notices.send_next(desk.db, DemoPhone(desk.db), lambda _tx, _notice: to, lambda _tx: then):
        pass
    after = desk.get(at)
    assert f"<code>{read[1]}</code>" in after
    assert "as previewed" in after


def test_a_sample_is_shown_without_advice_until_somebody_has_chosen(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    desk.sign_in()
    case = desk.held(30_000)
    at = f"/console/cases/{case.reference}"
    in_sample(monkeypatch, False)
    assert "Advice:" in desk.get(at)
    in_sample(monkeypatch, True)
    blind = desk.get(at)
    assert "Sample without advice" in blind
    assert "Advice:" not in blind
    assert "policy table" not in blind
    desk.post(at, path="run_off", reason="called_back")
    assert "Advice:" in desk.get(at)
    desk.half_a_minute_later(case)
    with desk.db.transaction() as tx:
        counted = exits_store.agreement(tx)
    assert (counted.blind, counted.seen) == (1, 0)
    assert "0 of 1 cases" in desk.get("/console")


def test_one_case_in_twenty_is_in_the_sample_and_always_the_same_ones():
    cases = [uuid4() for _ in range(4_000)]
    found = [case for case in cases if rules.is_blind(case, 500)]
    assert 130 < len(found) < 270
    assert found == [case for case in cases if rules.is_blind(case, 500)]
    assert not any(rules.is_blind(case, 0) for case in cases)


def test_every_key_is_announced_on_its_control(desk: Desk):
    desk.sign_in()
    held, confirmed = desk.held(), desk.confirmed()
    on_held = desk.get(f"/console/cases/{held.reference}")
    on_confirmed = desk.get(f"/console/cases/{confirmed.reference}")
    assert set(re.findall(r'aria-keyshortcuts="(\w)"', on_held)) >= {"A", "R", "S", "X"}
    assert set(re.findall(r'aria-keyshortcuts="(\w)"', on_confirmed)) >= {"R", "S", "H"}


@pytest.mark.parametrize("path", ["hold", "reject_not_holder"])
def test_no_reason_is_chosen_for_anybody_and_without_one_nobody_is_kept_or_rejected(desk: Desk, path: str):
    desk.sign_in()
    case = desk.confirmed() if path == "hold" else desk.held()
    at = f"/console/cases/{case.reference}"
    shown = desk.get(at)
    (reasons,) = re.findall(r'<select id="reason".*?</select>', shown, re.DOTALL)
    assert re.findall(r'value="(\w*)" selected', reasons) == [""]
    answer = desk.post(at, path=path, ground="identity")
    assert "Choose a reason" in answer.text
    if path == "hold":
        assert '<option value="identity" selected>' in answer.text, "what was chosen stays"
    with desk.db.transaction() as tx:
        assert exits_store.pending(tx, case.id) is None


def test_letters_that_pile_up_stand_above_the_queue(desk: Desk):
    desk.sign_in()
    facts = {"reference": "R", "timezone": "Asia/Shanghai", "currency": "CNY", "issuer_name": "Test"}
    facts |= {"stopped_at": NOW, "limit_minor": 1, "owed_minor": 0}
    for hours in (1, 3):
        assert ("letters wait" in desk.get("/console"), "letter waits" in desk.get("/console")) == (
            False,
            False,
        )
        letter = NewNotice("exit.lapsed", "exit", uuid4(), uuid4(), "en", facts, f"{hours}")
        with desk.db.transaction() as tx:
            notices.queue(tx, [letter], NOW - timedelta(hours=hours))
    assert "2 letters wait to be sent" in desk.get("/console")
    assert "may not have arrived" not in desk.get("/console")
    with desk.db.transaction() as tx:
        tx.conn.execute("UPDATE notices.notice SET state = 'failed' WHERE dedupe = '1'")
    shown = desk.get("/console")
    assert "1 letter may not have arrived" in shown
    assert "<code>whiteslip letters list</code>" in shown
