"""The account for payouts, on the customer's page and at the desk, until the money is sent."""

from __future__ import annotations

from uuid import UUID

from litestar.testing import TestClient
from web.console.conftest import Desk
from web.portal.conftest import Reader
from web.portal.scene import SECRET, Guest, Scene
from worlds import ACCOUNT, name_account

from whiteslip.base import Refusal, new_id
from whiteslip.billing import store as billing_store
from whiteslip.billing.model import Payout
from whiteslip.exits import estates
from whiteslip.exits.model import Channel
from whiteslip.identity import Person, accounts
from whiteslip.identity.accounts import PayoutAccount
from whiteslip.identity.vault import enrol_contact
from whiteslip.web import console
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app


def payouts(scene: Scene, line: UUID) -> list[Payout]:
    with scene.db.transaction() as tx:
        return billing_store.payouts(tx, line)


def named(scene: Scene, subject: UUID) -> PayoutAccount:
    with scene.db.transaction() as tx:
        found = accounts.standing(tx, scene.ports.vault, subject)
    assert found
    return found


def proves(reader: Reader, guest: Guest, to: str) -> None:
    before = reader.scene.codes(guest)
    reader.sends("/confirm", to=to, do="send")
    person, code = guest.person, reader.scene.code(guest, before)
    reader.sends("/confirm", to=to, full_name=person.full_name, id_number=person.id_number, code=code)


def left_with_a_credit(scene: Scene, reader: Reader) -> Guest:
    guest = scene.guest("en")
    scene.pays(guest, 1_200)
    reader.signs_in(guest)
    reader.leaves(guest)
    scene.pass_days(15)
    return guest


def test_who_has_left_names_an_account_the_desk_asks_the_bank_and_what_waited_is_sent(
    reader: Reader, scene: Scene
):
    guest = left_with_a_credit(scene, reader)
    (waiting,) = payouts(scene, guest.line)
    assert (waiting.state, waiting.account) == ("unclaimed", None)
    at = f"/lines/{guest.line}/account"
    reader.signs_in(guest)
    assert at in reader.opens("/line").text, "the door outlives the line"
    assert reader.opens(at).url.path == "/confirm", "first who they are"
    proves(reader, guest, at)
    page = reader.opens(at).text
    assert "12.00" in page
    assert reader.sends(at, number="6222 0202 0011 2233 447").status_code == 422
    done = reader.sends(at, number=ACCOUNT)
    assert ("3446" in done.text, "Not verified yet" in done.text, ACCOUNT in done.text) == (True, True, False)
    settings = WebSettings(SECRET, default_language="en")
    with TestClient(create_app(console.routers, settings, scene.ports)) as client:
        desk, there = Desk(scene.db, scene.ports, client), f"/console{at}"
        desk.sign_in()
        assert there in desk.get(f"/console/lines/{guest.line}")
        assert ACCOUNT not in desk.get(there)
        shown = desk.post(f"{there}/reveal", there).text
        assert ACCOUNT in shown
        assert guest.person.full_name in shown
        account = str(named(scene, guest.customer).id)
        assert desk.post(f"{there}/verify", there, account=account).status_code == 422, "how, is to be said"
        assert desk.post(f"{there}/verify", there, account=account, how="name_match").status_code == 303
    (sent,) = payouts(scene, guest.line)
    assert (sent.state, str(sent.account)) == ("sent", account)
    kept = scene.journal()
    assert "'payout_account.revealed'" in kept
    assert ACCOUNT not in kept


def test_the_credit_of_somebody_who_died_goes_to_who_settles_the_estate_and_not_to_their_own_account(
    reader: Reader, scene: Scene
):
    guest = scene.guest("en")
    scene.pays(guest, 1_200)
    name_account(scene.db, guest.line, scene.now(), vault=scene.ports.vault)
    with scene.db.transaction() as tx:
        case = estates.report(tx, scene.office, guest.line, Channel.PHONE, "desk", scene.now())
        assert not isinstance(case, Refusal)
        heir = new_id(scene.now())
        person = Person("An Heir", "", "+8613900000055", "heir@example.com")
        enrol_contact(tx, scene.ports.vault, heir, person, "desk", scene.now())
        shown = estates.show_authority(
            tx, scene.office, case.id, heir, "en", "grant 12/26", "desk", scene.now()
        )
        assert not isinstance(shown, Refusal)
    scene.pass_days(20)
    (waiting,) = payouts(scene, guest.line)
    assert (waiting.state, waiting.account) == ("unclaimed", None), "the account of the dead is no door"
    there = f"/console/lines/{guest.line}/account"
    reader.signs_in(guest)
    assert reader.opens(f"/lines/{guest.line}/account").url.path == "/line"
    settings = WebSettings(SECRET, default_language="en")
    with TestClient(create_app(console.routers, settings, scene.ports)) as client:
        desk = Desk(scene.db, scene.ports, client)
        desk.sign_in()
        assert "belongs to the estate" in desk.get(there)
        assert desk.post(there, there, number="6222020200112233453").status_code == 303
        account = str(named(scene, heir).id)
        assert (
            desk.post(f"{there}/verify", there, account=account, how="bank_confirmation").status_code == 303
        )
    (sent,) = payouts(scene, guest.line)
    assert (sent.state, str(sent.account)) == ("sent", account)
