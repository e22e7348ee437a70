"""The line's own page: pause, resume, lower; and signing in."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import worlds
from litestar.testing import TestClient
from web.portal.conftest import Reader
from web.portal.scene import LIMIT, SECRET, Scene

from whiteslip import exits, purchases
from whiteslip.billing import sales
from whiteslip.exits import debtsales, defaultnotices, terminations
from whiteslip.exits.defaultnotices import DefaultNotice
from whiteslip.exits.model import Channel, Identity, Kind, Termination
from whiteslip.lines.model import LockKind
from whiteslip.purchases import Declined, Purchase
from whiteslip.web import portal
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app
from whiteslip.web.portal.line.handlers import chips


def test_pausing_takes_two_clicks_and_resuming_one_of_somebody_proven(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    reader.opens(f"/lines/{guest.line}/leave")
    home = reader.sends(f"/lines/{guest.line}/leave", way="pause")
    assert "Paused" in home.text
    assert isinstance(scene.buys(guest, 1_000), Declined)
    reader.proves(guest)
    assert "Paused" not in reader.sends(f"/lines/{guest.line}/resume").text
    assert isinstance(scene.buys(guest, 1_000), Purchase)
    reader.sends(f"/lines/{guest.line}/pause")
    assert LockKind.CUSTOMER in scene.line(guest).locks


def test_the_limit_goes_down_at_once_and_never_up(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    at = f"/lines/{guest.line}/reduce"
    reader.opens(at)
    for typed in ("12000", "20,000", "0", "abc", "-5", ""):
        assert reader.sends(at, limit=typed).status_code == 422
    assert scene.line(guest).limit_minor == LIMIT
    assert reader.sends(at, limit="3,000").url.path == "/line"
    assert scene.line(guest).limit_minor == 300_000
    reader.opens(at)
    reader.sends(at, chip="150000")
    assert scene.line(guest).limit_minor == 150_000
    reader.opens(at)
    assert reader.sends(at, chip="9999999").status_code == 422


def test_who_is_late_reads_what_puts_it_right_and_nothing_of_a_higher_limit(reader: Reader, scene: Scene):
    guest = scene.guest(pack="uk")
    scene.buys(guest, 12_000)
    reader.signs_in(guest)
    assert "Ask for a higher limit" in reader.opens("/line").text
    worlds.night(scene.db, date(2026, 2, 5))
    scene.set_clock(worlds.at(date(2026, 4, 1)))
    late = reader.signs_in(guest).text
    assert "£120.00 is past due" in late
    assert "notice of default" not in late
    assert "Ask for a higher limit" not in late
    with scene.db.transaction() as tx:
        given = defaultnotices.give(tx, scene.office, guest.line, "staff:a", scene.now())
    assert isinstance(given, DefaultNotice)
    told = reader.opens("/line").text
    assert "please pay the £120.00 that was past due then, by the end of 15 April 2026" in told
    assert "See the notice of default" in told
    assert "default" in reader.opens("/letters").text.lower()


def test_the_page_on_which_the_lender_takes_payments_is_one_click_from_what_is_owed(scene: Scene):
    guest = scene.guest()
    scene.buys(guest, 12_000)
    settings = WebSettings(SECRET, default_language="en", pay_page="https://pay.example.com/")
    with TestClient(create_app(portal.routers, settings, scene.ports)) as client:
        reader = Reader(client, scene)
        assert '<a href="https://pay.example.com/">Make a payment</a>' in reader.signs_in(guest).text
        with scene.db.transaction() as tx:
            left = exits.request(tx, scene.office, guest.line, Channel.PORTAL, "customer", scene.now())
        assert isinstance(left, exits.Exit)
        assert "https://pay.example.com/" in reader.opens(f"/exits/{left.reference}").text


def test_a_limit_below_what_is_in_use_makes_nothing_due(reader: Reader, scene: Scene):
    guest = scene.guest()
    scene.buys(guest, 500_000)
    reader.signs_in(guest)
    reader.opens(f"/lines/{guest.line}/reduce")
    reader.sends(f"/lines/{guest.line}/reduce", limit="100")
    line = scene.line(guest)
    assert (line.limit_minor, line.owed_minor, line.available_minor) == (10_000, 500_000, 0)
    home = reader.opens("/line").text
    assert "CN¥5,000.00" in home
    assert "You chose CN¥100.00: the limit falls to it as you pay." in home


@pytest.mark.parametrize("limit", [1, 3, 9_999, 10_000, 40_000, 1_200_000])
def test_chips_are_below_the_limit_and_above_nothing(limit: int):
    assert all(0 < chip < limit for chip in chips(limit))
    assert len(set(chips(limit))) == len(chips(limit)) <= 3


def test_a_link_signs_in_once_and_opening_it_does_not_use_it(reader: Reader, scene: Scene):
    guest = scene.guest()
    link = scene.link(guest)
    reader.opens(link)
    reader.opens(link)
    assert reader.sends(link).url.path == "/line"
    reader.opens(link)
    assert reader.sends(link).status_code == 410


def test_signing_in_answers_alike_for_people_we_know_and_people_we_do_not(reader: Reader, scene: Scene):
    guest = scene.guest()
    pages: list[str] = []
    for phone in (guest.person.phone, "+8613900000000"):
        reader.client.cookies.clear()
        reader.opens("/sign-in")
        pages.append(reader.sends("/sign-in", phone=phone).text)
        pages.append(reader.sends("/sign-in/code", code="000000").text)
        for _ in range(4):
            assert reader.sends("/sign-in/code", do="send").status_code == 200
        assert reader.sends("/sign-in/code", do="send").status_code == 429

    def bare(text: str) -> str:
        return "\n".join(row for row in text.splitlines() if "form_token" not in row)

    assert bare(pages[0]) == bare(pages[2])
    assert bare(pages[1]) == bare(pages[3])
    assert guest.person.phone[3:] not in "".join(pages)


def test_a_code_signs_in_with_spaces_in_it_and_only_once(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.opens("/sign-in")
    reader.sends("/sign-in", phone=guest.person.phone)
    code = scene.code(guest)
    assert reader.sends("/sign-in/code", code=f"{code[:3]} {code[3:]}").url.path == "/line"
    reader.sends("/sign-out")
    reader.opens("/sign-in")
    reader.sends("/sign-in", phone=guest.person.phone)
    assert reader.sends("/sign-in/code", code=code).status_code == 422


def test_a_number_shared_by_two_people_signs_nobody_in(reader: Reader, scene: Scene):
    guest = scene.guest()
    twin = scene.guest()
    with scene.db.transaction() as tx:
        tx.conn.execute("RESET ROLE")
        tx.conn.execute(
            "UPDATE identity.person SET phone_index = (SELECT phone_index FROM identity.person"
            " WHERE subject = %s) WHERE subject = %s",
            (guest.customer, twin.customer),
        )
    reader.opens("/sign-in")
    reader.sends("/sign-in", phone=guest.person.phone)
    assert scene.codes(guest) == scene.codes(twin) == []


def test_after_signing_out_the_line_is_out_of_sight(reader: Reader, scene: Scene):
    guest = scene.guest()
    token = reader.signs_in(guest).request.headers["cookie"]
    reader.sends("/sign-out")
    assert reader.opens("/line").url.path == "/sign-in"
    reader.client.cookies.clear()
    again = reader.client.get("/line", headers={"cookie": token}, follow_redirects=False)
    assert again.status_code == 303


def test_a_redirect_after_signing_in_stays_on_this_host(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.opens("/sign-in", to="//evil.example/")
    before = scene.codes(guest)
    reader.sends("/sign-in", phone=guest.person.phone, to="//evil.example/")
    assert reader.sends("/sign-in/code", code=scene.code(guest, before)).url.path == "/line"


def test_the_demo_phone_exists_in_demonstrations_only(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    assert guest.person.full_name in reader.opens("/phone").text
    scene.demo = False
    reader.client.app = scene.app()
    assert reader.opens("/phone").status_code == 404


def test_a_schedule_that_comes_to_more_than_is_owed_says_why_and_an_equal_one_says_nothing(
    reader: Reader, scene: Scene
):
    dear, free = scene.guest("en"), scene.guest("en")
    scene.buys(dear, 128_650, 3)
    scene.buys(free, 24_900)
    reader.signs_in(dear)
    says = "fees and interest still to come"
    for path in ("/line", f"/lines/{dear.line}/leave/check"):
        if path != "/line":
            reader.proves(dear)
        page = reader.opens(path).text.replace("\xa0", " ")
        assert "CN¥1,286.50" in page
        assert f"The total includes CN¥23.16 of {says}" in page
    reader.signs_in(free)
    assert says not in reader.opens("/line").text


def test_a_payment_on_its_way_does_not_promise_a_closing_while_more_is_owed(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    scene.buys(guest, 100_000)
    scene.pays(guest, 40_000)
    reader.signs_in(guest)
    reader.proves(guest)
    check = reader.opens(f"/lines/{guest.line}/leave/check").text.replace("\xa0", " ")
    assert "Your last payments, CN¥400.00, are final from" in check
    assert "the line then closes by itself" not in check


def test_an_unused_line_that_is_to_end_is_kept_with_one_click(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    scene.set_clock(scene.now() + timedelta(days=600))
    with scene.db.transaction() as tx:
        one = terminations.propose(tx, guest.line, Kind.INACTIVITY, [], "one", scene.now())
        assert isinstance(one, Termination), one
        terminations.decide(tx, scene.ports.office, one.id, True, "two", scene.now())
    reader.signs_in(guest)
    home = reader.opens("/line").text
    (notice,) = scene.cases(guest)
    assert "This line is to end" in home
    assert "We have given you notice" in reader.opens(f"/exits/{notice.reference}").text
    reader.opens("/line")
    assert "This line is to end" not in reader.sends(f"/lines/{guest.line}/keep").text
    assert scene.cases(guest)[0].why == "customer_keeps_it"


def test_whose_debt_was_sold_is_told_where_to_pay_and_may_still_complain(reader: Reader, scene: Scene):
    guest = scene.guest()
    scene.buys(guest, 60_000)
    with scene.db.transaction() as tx:
        now = scene.now()
        exits.request(tx, scene.office, guest.line, Channel.PORTAL, "customer", now, Identity.VERIFIED)
        buyer = sales.add_buyer(tx, "Example Debt Buyer", "IBAN XX00 0000", "CNY", "test", now)
        assert isinstance(buyer, sales.Buyer)
        for actor in ("ann", "ben"):
            debtsales.sell(tx, scene.office, guest.line, buyer.id, 10_000, actor, now)
    reader.signs_in(guest)
    page = reader.opens("/line").text
    assert "Your debt was sold" in page
    assert "Example Debt Buyer" in page
    assert "IBAN XX00 0000" in page
    assert "you owed us CN¥600.00" in page.replace("\xa0", " ")
    assert 'href="/complain"' in page


def test_whose_debt_will_be_sold_is_told_from_which_day_on_and_pays_here_until_then(
    reader: Reader, scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sales, "NOTICE", "issuer.change_notice_days")  # no pack that ships gives any
    guest = scene.guest()
    scene.buys(guest, 60_000)
    with scene.db.transaction() as tx:
        now = scene.now()
        case = exits.request(tx, scene.office, guest.line, Channel.PORTAL, "customer", now, Identity.VERIFIED)
        buyer = sales.add_buyer(tx, "Example Debt Buyer", "IBAN XX00 0000", "CNY", "test", now)
        assert isinstance(case, exits.Exit)
        assert isinstance(buyer, sales.Buyer)
        for actor in ("ann", "ben"):
            debtsales.sell(tx, scene.office, guest.line, buyer.id, 10_000, actor, now)
    reader.signs_in(guest)
    for at in ("/line", f"/exits/{case.reference}"):
        page = reader.opens(at).text
        assert "Your debt is going to be sold" in page
        assert "IBAN XX00 0000" not in page, "it is not paid there yet"


def test_what_came_back_of_a_purchase_is_said_to_be_all_or_a_part_of_it(reader: Reader, scene: Scene):
    guest = scene.guest()
    bought = scene.buys(guest, 10_000)
    assert isinstance(bought, Purchase)
    reader.signs_in(guest)
    for minor, said in ((4_000, "Refunded in part"), (6_000, "Refunded,")):
        with scene.db.transaction() as tx:
            purchases.refund(tx, bought.id, minor, "shop", scene.now())
        assert said in reader.opens("/line").text
