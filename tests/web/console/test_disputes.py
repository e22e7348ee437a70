"""Disputes at the desk: by their deadline, what either side says, and who was right."""

from __future__ import annotations

import re
from random import Random

import worlds
from web.console.conftest import NOW, Desk

from whiteslip import identity, purchases
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits import owed, statements
from whiteslip.identity.model import Role
from whiteslip.purchases import Capture, Purchase, Request
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Bears, Dispute, Ground, Outcome, Why
from whiteslip.world.population import person

AMOUNT = 24_900


def opened(desk: Desk, ground: Ground = Ground.NOT_RECEIVED) -> Dispute:
    line = worlds.open_line(desk.db)
    with desk.db.transaction() as tx:
        customer = worlds.locked(tx, line).customer
        one = person(Random(1), 11)
        identity.enrol_many(tx, desk.ports.vault, [(customer, one)], "test", NOW)
        tables, asked = desk.ports.office.tables, [Request(line, "shop", AMOUNT)]
        (bought,) = purchases.authorise(tx, tables, asked, "shop", NOW)
        assert isinstance(bought, Purchase)
        purchases.capture(tx, [Capture(bought.id, AMOUNT)], "shop", NOW)
        done = owed.dispute(tx, desk.ports.office, bought.id, AMOUNT, ground, "customer", NOW)
    assert isinstance(done, Dispute)
    return done


def at(found: Dispute) -> str:
    return f"/console/disputes/{public('dsp', found.id)}"


def again(desk: Desk, found: Dispute) -> Dispute:
    with desk.db.transaction() as tx:
        after = purchases_store.dispute(tx, found.id)
    assert after
    return after


def test_open_disputes_wait_in_a_list_until_somebody_decides_with_a_reason(desk: Desk):
    desk.sign_in()
    found = opened(desk)
    assert at(found) in desk.get("/console/disputes")
    unsaid = desk.post(f"{at(found)}/decide", at(found), decision="lost")
    assert "Choose why it is decided for the shop" in unsaid.text
    other_side = desk.post(f"{at(found)}/decide", at(found), decision="lost", why_lost="no_proof")
    assert "Choose why it is decided for the shop" in other_side.text
    assert again(desk, found).outcome is Outcome.OPEN
    done = desk.post(f"{at(found)}/decide", at(found), decision="lost", why_lost="shown_delivered")
    assert done.status_code == 303
    after = again(desk, found)
    assert (after.outcome, after.why) == (Outcome.LOST, Why.SHOWN_DELIVERED)
    assert at(found) not in desk.get("/console/disputes")
    page = desk.get(at(found))
    assert "the shop has shown that it delivered as agreed" in page
    assert 'name="decision"' not in page


def test_the_desk_sees_and_chooses_whose_loss_a_won_dispute_is(desk: Desk):
    desk.sign_in()
    found = opened(desk, Ground.NOT_MINE)
    assert "by rule: the shop&#39;s" in desk.get(at(found))
    said = {"decision": "won", "why_won": "not_allowed", "bears": "lender"}
    assert desk.post(f"{at(found)}/decide", at(found), **said).status_code == 303
    after = again(desk, found)
    assert (after.outcome, after.bears) == (Outcome.WON, Bears.LENDER)
    assert "Whose loss it is: ours" in desk.get(at(found))
    with desk.db.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT code, net_debit FROM ledger.v_balance WHERE code LIKE 'house.%_losses'"
        ).fetchall()
        refused = owed.resolve_dispute(tx, desk.ports.office, found.id, False, "staff", NOW, bears=Bears.SHOP)
    assert {row["code"]: row["net_debit"] for row in rows} == {
        "house.fraud_losses": AMOUNT,
        "house.credit_losses": 0,
    }
    assert refused == Refusal("dispute.bears_invalid")
    assert worlds.offences(desk.db) == []


def test_what_is_decided_for_the_customer_is_given_back_by_the_shop(desk: Desk):
    desk.sign_in()
    found = opened(desk)
    desk.post(f"{at(found)}/decide", at(found), decision="won", why_won="shop_agreed")
    assert again(desk, found).outcome is Outcome.WON
    with desk.db.transaction() as tx:
        assert worlds.locked(tx, found.line).owed_minor == 0
        journal = str(
            tx.conn.execute("SELECT data FROM store.journal WHERE kind = 'dispute.resolved'").fetchall()
        )
    assert "shop_agreed" in journal


def test_what_a_side_says_is_sealed_and_looking_is_journalled(desk: Desk):
    desk.sign_in()
    found = opened(desk)
    said = "left with the neighbour on the second day"
    assert desk.post(f"{at(found)}/statements", at(found), side="shop", words=said).status_code == 303
    assert "Write what they say" in desk.post(f"{at(found)}/statements", at(found), side="shop").text
    assert "Choose who says it" in desk.post(f"{at(found)}/statements", at(found), words=said).text
    assert said not in desk.get(at(found))
    with desk.db.transaction() as tx:
        kept = statements.of_dispute(tx, found.id)
        assert said not in str(tx.conn.execute("SELECT * FROM store.journal").fetchall())
    assert len(kept) == 1
    read = desk.post(f"{at(found)}/statements/{kept[0].document}", at(found))
    assert said in read.text
    with desk.db.transaction() as tx:
        looked = tx.conn.execute("SELECT actor FROM store.journal WHERE kind = 'document.opened'").fetchall()
    assert len(looked) == 1
    elsewhere = opened(desk)
    assert desk.post(f"{at(elsewhere)}/statements/{kept[0].document}", at(found)).status_code == 404


def test_nothing_is_said_of_what_is_decided_and_who_only_looks_decides_nothing(desk: Desk):
    found = opened(desk)
    desk.sign_in(Role.AUDITOR)
    assert 'name="decision"' not in desk.get(at(found))
    refused = desk.post(f"{at(found)}/decide", "/console", decision="won", why_won="no_proof")
    assert refused.status_code == 403
    desk.sign_out()
    desk.sign_in()
    desk.post(f"{at(found)}/decide", at(found), decision="won", why_won="no_proof")
    late = desk.post(f"{at(found)}/statements", at(found), side="shop", words="too late")
    assert "decided already" in late.text
    assert desk.get("/console/disputes/dsp_nothing", 404)


def test_disputes_are_shown_in_chinese_too(desk: Desk):
    desk.sign_in()
    found = opened(desk)
    for path in ("/console/disputes", at(found)):
        assert re.search("[\u4e00-\u9fff]{4}", desk.get(f"{path}?lang=zh-CN"))
