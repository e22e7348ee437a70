"""A debt at the desk: a plan for who cannot pay as agreed, and a sale; what costs somebody takes two."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
import worlds
from web.console.test_lines import another

from whiteslip import exits
from whiteslip.base.ids import public
from whiteslip.billing import sales, store
from whiteslip.billing.sales import Buyer
from whiteslip.exits.model import Channel, Identity
from whiteslip.identity.model import Role
from whiteslip.lines.model import Lifecycle

from .conftest import NOW, Desk


def in_arrears(desk: Desk) -> UUID:
    """A line with interest, of which a bill is unpaid since 25 January."""
    start = worlds.DAY - timedelta(days=40)
    line = worlds.open_line(desk.db, day=start)
    worlds.buy(desk.db, line, 120_000, 12, start)
    worlds.night(desk.db, date(2026, 1, 5))
    return line


def agreed(desk: Desk, line: UUID) -> bool:
    with desk.db.transaction() as tx:
        made = store.hardship(tx, line)
    return made is not None and made.state == "agreed"


def test_a_plan_is_agreed_by_one_and_one_that_gives_something_up_by_two(desk: Desk):
    desk.sign_in()
    line = in_arrears(desk)
    at = f"/console/lines/{line}/debt"
    assert at in desk.get(f"/console/lines/{line}")
    shown = desk.get(at)
    assert "Pay less each month" in shown
    assert "Nothing is past due" in shown
    refused = desk.post(f"{at}/plan", at, option="reduced")
    assert refused.status_code == 409, "nothing is late and nobody foresees it"
    assert desk.post(f"{at}/plan", at, option="reduced", foreseen="yes").status_code == 303
    assert not agreed(desk, line)
    shown = desk.get(at)
    assert "You proposed this; a colleague decides" in shown
    assert "Agree to this plan" not in shown
    assert desk.post(f"{at}/plan", at, option="reduced", foreseen="yes").status_code == 403
    another(desk)
    assert "Agree to this plan" in desk.get(at)
    assert desk.post(f"{at}/plan", at, option="reduced", foreseen="yes").status_code == 303
    assert agreed(desk, line)
    assert "A plan is being kept" in desk.get(at)
    assert desk.post(f"{at}/plan/end", at).status_code == 303
    assert not agreed(desk, line)
    assert desk.post(f"{at}/plan", at, option="longer", foreseen="yes").status_code == 303
    assert agreed(desk, line), "a plan that gives nothing up takes one"


def test_a_plan_that_somebody_proposed_is_turned_down_by_another_alone(desk: Desk):
    desk.sign_in()
    line = in_arrears(desk)
    at = f"/console/lines/{line}/debt"
    assert desk.post(f"{at}/plan/turn-down", at).status_code == 409, "nothing is proposed"
    desk.post(f"{at}/plan", at, option="reduced", foreseen="yes")
    assert "turn-plan-down" not in desk.get(at)
    assert desk.post(f"{at}/plan/turn-down", at).status_code == 403
    another(desk)
    assert "turn-plan-down" in desk.get(at)
    assert desk.post(f"{at}/plan/turn-down", at).status_code == 303
    assert "Waits for a second person" not in desk.get(at)
    assert not agreed(desk, line)


def test_one_proposes_a_sale_and_another_says_the_price_is_in(desk: Desk):
    desk.sign_in()
    line = in_arrears(desk)
    at = f"/console/lines/{line}/debt"
    assert "Propose to sell" not in desk.get(at), "who is not leaving and pays is not sold"
    with desk.db.transaction() as tx:
        exits.request(tx, desk.ports.office, line, Channel.DESK, "customer", NOW, Identity.VERIFIED)
    assert "There is no buyer in this currency yet" in desk.get(at)
    with desk.db.transaction() as tx:
        to = sales.add_buyer(tx, "Example Debt Buyer", "IBAN XX00 0000", "CNY", "test", NOW)
    assert isinstance(to, Buyer)
    buyer = public("byr", to.id)
    missing = desk.post(f"{at}/sale", at, buyer=buyer, price="")
    assert missing.status_code == 422
    assert desk.post(f"{at}/sale", at, buyer=buyer, price="300.00").status_code == 303
    shown = desk.get(at)
    assert "You proposed this; a colleague decides" in shown
    assert "The price is in: sell" not in shown
    assert desk.post(f"{at}/sale/turn-down", at).status_code == 403
    another(desk)
    assert "The price is in: sell" in desk.get(at)
    assert desk.post(f"{at}/sale/turn-down", at).status_code == 303
    assert "The price is in: sell" not in desk.get(at)
    assert desk.post(f"{at}/sale/turn-down", at).status_code == 409, "nothing is proposed any more"
    assert worlds.line_of(desk.db, line).owed_minor > 0
    desk.post(f"{at}/sale", at, buyer=buyer, price="300.00")
    desk.sign_out()
    desk.sign_in(Role.ADMIN)
    assert desk.post(f"{at}/sale", at, buyer=buyer, price_minor="30000").status_code == 303
    shown = desk.get(at)
    assert "Sold" in shown
    assert "IBAN XX00 0000" in shown
    found = worlds.line_of(desk.db, line)
    assert (found.lifecycle, found.owed_minor) == (Lifecycle.CLOSED, 0)


def test_the_desk_moves_the_day_of_bills_for_who_asks(desk: Desk):
    desk.sign_in()
    line = in_arrears(desk)
    at = f"/console/lines/{line}/debt"
    assert "Day of bills" in desk.get(at)
    assert desk.post(f"{at}/payday", at, day="31").status_code == 422
    assert desk.post(f"{at}/payday", at, day="18").status_code == 303
    assert worlds.line_of(desk.db, line).statement_day == 18
    assert "Day of bills" not in desk.get(at), "not twice in a row"


def test_a_sale_with_days_of_notice_is_agreed_at_the_desk_told_to_the_customer_and_called_off_by_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sales, "NOTICE", "issuer.change_notice_days")  # no pack that ships gives any
    desk.sign_in()
    line = in_arrears(desk)
    at = f"/console/lines/{line}/debt"
    with desk.db.transaction() as tx:
        exits.request(tx, desk.ports.office, line, Channel.DESK, "customer", NOW, Identity.VERIFIED)
        to = sales.add_buyer(tx, "Example Debt Buyer", "IBAN XX00 0000", "CNY", "test", NOW)
    assert isinstance(to, Buyer)
    sold = {"buyer": public("byr", to.id), "price_minor": "30000"}
    desk.post(f"{at}/sale", at, **sold)
    another(desk)
    assert "The debt passes once they have had 45 days of notice" in desk.get(at)
    assert desk.post(f"{at}/sale", at, **sold).status_code == 303
    shown = desk.get(at)
    assert "Passes at the earliest" in shown
    assert "Propose to sell" not in shown
    assert worlds.line_of(desk.db, line).owed_minor > 0
    assert desk.post(f"{at}/sale/call-off", at).status_code == 303
    assert "Propose to sell" in desk.get(at)
    assert desk.post(f"{at}/sale/call-off", at).status_code == 409
