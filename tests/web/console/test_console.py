"""The desk: who may do what, the case on one page, and the next one after it."""

from __future__ import annotations

import re
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
import worlds
from bureaus import ask
from web.console.conftest import NOW, Desk
from web.console.test_desk_choices import in_sample

from whiteslip import exits, identity, purchases
from whiteslip.base import Refusal
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity, State
from whiteslip.exits.withdrawal import withdraw
from whiteslip.identity import access
from whiteslip.identity.model import Kind, Role, Staff
from whiteslip.purchases import Capture, Purchase, Request, disputes
from whiteslip.purchases.model import Ground
from whiteslip.store.database import journal_of
from whiteslip.world.population import person


def test_without_signing_in_every_page_leads_to_the_door(desk: Desk):
    for path in ("/console", "/console/all", "/console/next", "/console/cases/EX-AAAA-00"):
        answer = desk.client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")


def test_a_wrong_password_says_no_more_than_that(desk: Desk):
    desk.staff()
    for name in ("reviewer", "nobody"):
        answer = desk.post("/console/sign-in", name=name, password="wrong")
        assert "Name or password" in answer.text or "password" in answer.text
        assert answer.status_code in (401, 403, 409, 422)


def test_a_link_signs_in_by_its_button_and_once(desk: Desk):
    staff = desk.staff()
    with desk.db.transaction() as tx:
        token = access.make_link(tx, Kind.STAFF, staff.id, 30, NOW)
    assert desk.get(f"/console/link/{token}")
    assert desk.get(f"/console/link/{token}")  # looking does not use it up
    assert desk.post(f"/console/link/{token}").status_code == 303
    assert "reviewer" in desk.get("/console")
    assert desk.post("/console/sign-out", page="/console").status_code == 303
    assert desk.post(f"/console/link/{token}").status_code in (409, 410)


def test_a_customers_link_does_not_open_the_desk(desk: Desk):
    with desk.db.transaction() as tx:
        token = access.make_link(tx, Kind.CUSTOMER, UUID(int=5), 30, NOW)
    assert desk.post(f"/console/link/{token}").status_code >= 400


def test_a_password_is_chosen_and_must_be_long(desk: Desk):
    desk.sign_in()
    assert desk.post("/console/password", password="short").status_code in (409, 422)
    assert desk.post("/console/password", password="another long one").status_code == 303
    with desk.db.transaction() as tx:
        assert isinstance(access.sign_in(tx, "reviewer", "another long one", NOW), Staff)


def test_the_nearest_deadline_is_on_top_and_next(desk: Desk):
    desk.sign_in()
    later, sooner = desk.held(days=3), desk.held()
    shown = desk.get("/console")
    assert shown.index(sooner.reference) < shown.index(later.reference)
    answer = desk.client.get("/console/next", follow_redirects=False)
    assert answer.headers["location"] == f"/console/cases/{sooner.reference}"


def test_the_case_page_shows_seven_blocks_and_no_control_that_says_no(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    in_sample(monkeypatch, False)  # one case of twenty is shown without advice
    desk.sign_in()
    case = desk.held(30_000)
    shown = desk.get(f"/console/cases/{case.reference}")
    for block in ("Request", "Money owed", "Identity", "Assessment", "Letters", "Timeline", "Reason"):
        assert f">{block}<" in shown, block
    for part in ("Solvency", "Payment record", "Behaviour", "Exposure", "Effect on the portfolio"):
        assert part in shown
    assert "CN¥300.00" in shown
    assert "identity is not verified" in shown
    assert not re.search(r"<button[^>]*>[^<]*(refuse|reject|deny|decline)", shown, re.I)


def test_choosing_runs_the_case_off_and_leads_to_the_next(desk: Desk):
    staff = desk.sign_in()
    case, other = desk.held(30_000), desk.held(days=1)
    path = f"/console/cases/{case.reference}"
    answer = desk.post(path, path="run_off", reason="called_back")
    assert answer.headers["location"] == f"/console/cases/{other.reference}"
    assert desk.case(case).state is State.HELD, "half a minute is left to take it back"
    answer = desk.post(f"/console/cases/{other.reference}", path="close_now", reason="papers_checked")
    assert answer.headers["location"] == f"/console?done={other.reference}"
    desk.half_a_minute_later(case, other)
    assert (desk.case(case).state, desk.case(other).state) == (State.RUN_OFF, State.CLOSED)
    assert f"{other.reference} is recorded" in desk.get(answer.headers["location"])
    with desk.db.transaction() as tx:
        (choice,) = exits_store.choices(tx, case.id)
    assert (choice["actor"], choice["reasons"]) == (f"staff:{staff.id}", ["called_back"])


def test_a_path_that_is_not_possible_is_said_and_changes_nothing(desk: Desk):
    desk.sign_in()
    case = desk.held(30_000)
    answer = desk.post(f"/console/cases/{case.reference}", path="close_now", reason="papers_checked")
    assert answer.status_code == 409
    assert "error-summary" in answer.text or "errors-title" in answer.text
    assert desk.case(case).state is State.HELD


def test_roles_that_only_look_see_no_controls_and_are_refused(desk: Desk):
    desk.sign_in(Role.AUDITOR)
    case = desk.held()
    path = f"/console/cases/{case.reference}"
    shown = desk.get(path)
    assert 'value="run_off"' not in shown
    assert "/reveal" not in shown
    answer = desk.post(path, page="/console", path="run_off", reason="papers_checked")
    assert answer.status_code == 403
    assert desk.case(case).state is State.HELD


def test_looking_at_a_name_is_journalled(desk: Desk):
    staff = desk.sign_in()
    case = desk.held()
    path = f"/console/cases/{case.reference}"
    with desk.db.transaction() as tx:
        one = identity.peek(tx, desk.ports.vault, case.customer)
    assert not isinstance(one, Refusal)
    assert one.full_name not in desk.get(path)
    answer = desk.post(f"{path}/reveal", page=path)
    assert one.full_name in answer.text
    with desk.db.transaction() as tx:
        rows = [row for row in journal_of(tx, [case.customer]) if row["kind"] == "identity.revealed"]
    assert [row["actor"] for row in rows] == [f"staff:{staff.id}"]
    assert one.full_name not in str(rows)


def test_a_form_from_elsewhere_is_refused(desk: Desk):
    desk.sign_in()
    case = desk.held()
    answer = desk.client.post(f"/console/cases/{case.reference}", data={"path": "run_off"})
    assert answer.status_code >= 400
    assert desk.case(case).state is State.HELD


def test_a_reference_is_found_and_an_unknown_one_is_said(desk: Desk):
    desk.sign_in()
    case = desk.held()
    answer = desk.client.get(f"/console/all?reference={case.reference.lower()}", follow_redirects=False)
    assert answer.headers["location"] == f"/console/cases/{case.reference}"
    assert "No case has this reference" in desk.get("/console/all?reference=EX-NONE-00")
    assert case.reference in desk.get("/console/all?state=held")
    assert case.reference not in desk.get("/console/all?state=closed")
    desk.get("/console/cases/EX-NONE-00", 404)


def test_every_page_speaks_chinese_too(desk: Desk):
    desk.sign_in()
    case = desk.held(30_000)
    for path in ("/console", "/console/all", f"/console/cases/{case.reference}", "/console/password"):
        shown = desk.get(f"{path}?lang=zh-CN")
        assert '<html lang="zh-CN">' in shown
        assert re.search(r"[\u4e00-\u9fff]", shown)


@pytest.mark.parametrize("path", ["hold", "reject_not_holder"])
def test_what_takes_two_shows_the_first_no_control_and_refuses_them(desk: Desk, path: str):
    case = desk.confirmed() if path == "hold" else desk.held()
    at = f"/console/cases/{case.reference}"
    before = desk.case(case)
    desk.sign_in(Role.REVIEWER)
    assert desk.post(at, path=path, ground="identity", reason="proof_missing").status_code == 303
    desk.half_a_minute_later(case)
    assert desk.case(case) == before, "nothing has changed yet"
    mine = desk.get(at)
    assert "A second person is to decide" in mine
    assert 'value="approve"' not in mine
    own = desk.post(f"{at}/proposal", at, decision="approve")
    assert own.status_code == 403
    desk.sign_out()
    desk.sign_in(Role.ADMIN)
    shown = desk.get(at)
    assert 'value="approve"' in shown
    letter = re.search(r'name="letter" value="([0-9a-f]{64})"', shown)
    assert letter
    assert desk.post(f"{at}/proposal", at, decision="approve", letter=letter[1]).status_code == 303
    desk.half_a_minute_later(case)
    assert desk.case(case).state is (State.HELD if path == "hold" else State.REJECTED)


def test_a_case_that_a_colleague_works_on_shows_no_controls(desk: Desk):
    case = desk.confirmed()
    at = f"/console/cases/{case.reference}"
    desk.sign_in(Role.REVIEWER)
    assert desk.client.get("/console/next", follow_redirects=False).headers["location"].endswith(at)
    assert "Run off" in desk.get(at)
    desk.sign_out()
    desk.sign_in(Role.ADMIN)
    assert desk.client.get("/console/next", follow_redirects=False).headers["location"] == "/console"
    theirs = desk.get(at)
    assert "A colleague works on this case" in theirs
    assert 'value="run_off"' not in theirs
    refused = desk.post(at, "/console", path="run_off", reason="papers_checked")
    assert refused.status_code == 409
    assert desk.case(case).path is None


@pytest.mark.parametrize("kind", ["withdrawn", "disputed"])
def test_the_desk_shows_a_withdrawal_and_a_dispute_in_both_languages(desk: Desk, kind: str):
    line = worlds.open_line(desk.db)
    with desk.db.transaction() as tx:
        customer = worlds.locked(tx, line).customer
        identity.enrol_many(tx, desk.ports.vault, [(customer, person(Random(5), 7))], "test", NOW)
        (held,) = purchases.authorise(
            tx, desk.ports.office.tables, [Request(line, "shop", 9_000)], "shop", NOW
        )
        assert isinstance(held, Purchase)
        purchases.capture(tx, [Capture(held.id, 9_000)], "shop", NOW)
        if kind == "withdrawn":
            case = withdraw(tx, desk.ports.office, line, Channel.PORTAL, "customer", NOW)
        else:
            disputes.dispute(tx, held.id, 9_000, Ground.NOT_RECEIVED, "customer", NOW)
            case = exits.request(
                tx, desk.ports.office, line, Channel.PORTAL, "customer", NOW, Identity.VERIFIED
            )
            assert not isinstance(case, Refusal)
            case = exits.advance(tx, desk.ports.office, case.id, NOW + timedelta(days=9))
    assert not isinstance(case, Refusal)
    desk.sign_in()
    for path in (f"/console/cases/{case.reference}", "/console/all"):
        english = desk.get(path)
        chinese = desk.client.get(path, headers={"Accept-Language": "zh-CN"})
        assert chinese.status_code == 200
        if kind == "disputed":
            assert "a charge is disputed" in english
    if kind == "withdrawn":
        assert "receipt of withdrawal" in desk.get(f"/console/cases/{case.reference}")


def test_a_case_that_owes_nothing_for_too_long_stands_above_the_queue(desk: Desk):
    desk.sign_in()
    asked_on = worlds.DAY - timedelta(days=45)
    line = worlds.open_line(desk.db, day=asked_on)
    worlds.buy(desk.db, line, 10_000, day=asked_on)
    case = ask(desk.db, line, asked_on)
    assert "still open" not in desk.get("/console")
    worlds.pay(desk.db, line, 10_000, asked_on + timedelta(days=1))
    assert f'<a href="/console/cases/{case.reference}">{case.reference}</a>' in desk.get("/console")
    assert "1 case owes nothing and is still open" in desk.get("/console")
