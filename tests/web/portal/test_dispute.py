"""Something is wrong with a purchase: said on a page, acknowledged, and not demanded meanwhile."""

from __future__ import annotations

import re
from datetime import date, timedelta
from uuid import UUID

from web.portal.conftest import Reader
from web.portal.scene import TIMEZONE, Guest, Scene

from whiteslip.base import end_of_day
from whiteslip.base.ids import parse_spoken, spoken
from whiteslip.exits import owed
from whiteslip.lines.acts import lines_ending_in
from whiteslip.purchases import Purchase
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Dispute, Ground, Outcome
from whiteslip.web.kit.i18n import Speech

AMOUNT = 24_900


def said(scene: Scene, guest: Guest) -> list[Dispute]:
    with scene.db.transaction() as tx:
        return purchases_store.disputes_of_line(tx, guest.line)


def bought(scene: Scene, guest: Guest) -> str:
    purchase = scene.buys(guest, AMOUNT)
    assert isinstance(purchase, Purchase)
    return f"/lines/{guest.line}/purchases/{purchase.id}"


def test_it_was_not_me_leads_from_the_purchase_to_a_receipt_and_nothing_is_demanded(
    reader: Reader, scene: Scene
):
    guest = scene.guest("en")
    at = bought(scene, guest)
    reader.signs_in(guest)
    home = reader.opens("/line").text
    assert at in home
    assert "Is this wrong?" in home
    asked = reader.opens(at).text
    assert "checked" not in asked
    assert "Choose what is wrong" in reader.sends(at).text
    assert "Choose what is wrong" in reader.sends(at, ground="forced").text
    received = reader.sends(at, ground="not_mine").text
    assert "We have received what you say" in received
    assert "It was not me" in received
    (dispute,) = said(scene, guest)
    assert (dispute.ground, dispute.amount_minor, dispute.outcome) == (Ground.NOT_MINE, AMOUNT, Outcome.OPEN)
    assert scene.line(guest).owed_minor == 0
    reader.opens("/line")
    assert "We have received what you say" in reader.sends(at, ground="not_received").text
    assert len(said(scene, guest)) == 1, "saying it again changes nothing"
    home = reader.opens("/line").text
    assert "See the dispute" in home
    assert "CN¥249.00, not asked for until it is resolved" in home
    with scene.db.transaction() as tx:
        owed.resolve_dispute(tx, scene.office, dispute.id, True, "desk", scene.now())
    assert "You were right" in reader.opens(at).text


def test_nobody_disputes_the_purchase_of_somebody_else(reader: Reader, scene: Scene):
    mine, other = scene.guest("en"), scene.guest("en")
    theirs = bought(scene, other)
    reader.signs_in(mine)
    assert reader.opens(theirs).status_code == 404
    purchase = theirs.rpartition("/")[2]
    assert reader.opens(f"/lines/{mine.line}/purchases/{purchase}").status_code == 404


def test_i_did_not_open_this_line_is_said_from_the_line_page(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    reader.signs_in(guest)
    at = f"/lines/{guest.line}/leave/not-mine"
    assert at in reader.opens("/line").text
    assert "A line you did not open" in reader.opens(at).text


def test_a_line_has_a_reference_that_can_be_read_out_and_found(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    reader.signs_in(guest)
    (shown,) = set(re.findall(r"LN-\w{4}-\w{4}", reader.opens("/line").text))
    assert shown == spoken("LN", guest.line)
    assert shown in reader.opens(f"/lines/{guest.line}/withdraw").text
    tail = parse_spoken("LN", shown.lower())
    assert tail == guest.line.bytes[-5:]
    assert parse_spoken("LN", "LN-UUUU-0000") is parse_spoken("LN", "EX-7K2M-91") is None
    with scene.db.transaction() as tx:
        assert lines_ending_in(tx, guest.line.bytes[-5:]) == [guest.line]
        assert lines_ending_in(tx, UUID(int=0).bytes[-5:]) == []


def test_a_deadline_at_the_end_of_a_day_is_that_day_in_words():
    day = date(2026, 12, 3)
    ends = end_of_day(day, TIMEZONE)
    assert Speech("en", TIMEZONE).deadline(ends) == "the end of 3 December 2026"
    assert Speech("zh-CN", TIMEZONE).deadline(ends) == "2026年12月3日24时"
    sooner = Speech("en", TIMEZONE).deadline(ends - timedelta(minutes=1))
    assert sooner == "3 December 2026 at 23:58:59"
