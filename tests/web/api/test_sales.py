"""Debts sold, through the API: two keys sell, the buyer is sent what is theirs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from web.api.conftest import NOW, Api, application, with_key
from web.api.story import Story

from whiteslip import exits, packs
from whiteslip.base.ids import parse_public, public
from whiteslip.day import every_violation
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.exits.model import Channel, Identity
from whiteslip.packs import reading
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock

DAYS = 14


@pytest.fixture
def own_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[packs.Pack]:
    """China's pack in a file of one's own, with days of notice before a debt is sold."""
    shutil.copytree(reading._DATA, tmp_path / "data")
    file = tmp_path / "data" / "mine.toml"
    notice = f"""[parameters.debt.sale_notice_days]
value = {DAYS}
unit = "days"
source = "our promise"
verified = false
duty = "sold-debt-told"
"""
    file.write_text((tmp_path / "data" / "cn.toml").read_text("utf-8") + notice, "utf-8")
    assert packs.check(file) == []
    monkeypatch.setattr(reading, "_DATA", tmp_path / "data")
    yield packs.load("mine")
    reading.load.cache_clear()


@pytest.fixture
def runs_off(db: Database, own_pack: packs.Pack) -> Iterator[Story]:
    """Somebody who leaves, owes three instalments, and has a line under that pack."""
    with TestClient(application(db, own_pack)) as client:
        api = Api(db, client, with_key(db))
        customer = api.customer()
        story = Story(api, customer, api.line(100_000, customer))
        story.buys(30_000, 3)
        story.leaves()
        yield story


def agreed(story: Story, price_minor: int = 9_000) -> dict[str, Any]:
    """Two people agree to sell the debt."""
    api = story.api
    buyer = {"name": "Example Debt Buyer", "pay_to": "IBAN XX00 0000", "currency": "CNY"}
    terms = {"buyer": api.post("/v1/debt-buyers", buyer)["id"], "price_minor": price_minor}
    at = f"/v1/lines/{story.line}/sale"
    assert api.post(at, terms, 200)["state"] == "proposed"
    second = replace(api, secret=with_key(api.db))
    done = second.post(at, terms, 200)
    assert second.post(at, terms, 200) == done, "again changes nothing"
    assert second.post(at, terms | {"price_minor": 1}, 409)["code"] == "sale.agreed"
    return done


def sound(story: Story) -> bool:
    with story.api.db.transaction() as tx:
        return every_violation(tx) == []


def leave(api: Api, line: str) -> None:
    found, office = parse_public("line", line), Office(Tables.load(), "Test")
    assert found
    with api.db.transaction() as tx:
        exits.request(tx, office, found, Channel.PORTAL, "customer", NOW, Identity.VERIFIED)


def test_two_people_sell_the_debt_of_who_has_left_and_money_here_is_passed_on(
    api: Api, key: Callable[..., str]
):
    line = api.line()
    bought = {"line": line, "merchant": "shop", "amount_minor": 30_000, "instalments": 3}
    purchase = api.post("/v1/purchases", bought)["id"]
    api.post(f"/v1/purchases/{purchase}/capture", {"amount_minor": 30_000}, 200)
    buyer = {"name": "Example Debt Buyer", "pay_to": "IBAN XX00 0000", "currency": "CNY"}
    to = api.post("/v1/debt-buyers", buyer)["id"]
    assert api.post("/v1/debt-buyers", buyer, 409)["code"] == "buyer.name_taken"
    terms = {"buyer": to, "price_minor": 9_000}
    refused = api.post(f"/v1/lines/{line}/sale", terms, 409)
    assert refused["code"] == "sale.not_for_sale"
    assert api.ask("GET", f"/v1/lines/{line}/sale").status_code == 404
    leave(api, line)
    assert api.post(f"/v1/lines/{line}/sale", terms, 200)["state"] == "proposed"
    assert api.post(f"/v1/lines/{line}/sale", terms, 403)["code"] == "desk.own_proposal"
    assert [each["line"] for each in api.get("/v1/sales")["data"]] == [line]
    hers = replace(api, secret=key(owner="reviewer 1"))
    assert hers.post(f"/v1/lines/{line}/sale", terms, 403)["code"] == "desk.own_proposal", (
        "another key of hers"
    )
    done = replace(api, secret=key()).post(f"/v1/lines/{line}/sale", terms, 200)
    assert (done["state"], done["buyer_name"], done["face_minor"]) == ("sold", "Example Debt Buyer", 30_000)
    assert api.get(f"/v1/lines/{line}")["owed_minor"] == 0
    paid = {"line": line, "reference": "P-1", "amount_minor": 5_000, "value_on": NOW.date().isoformat()}
    api.post("/v1/payments", paid)
    assert api.get(f"/v1/lines/{line}/sale")["left_minor"] == 25_000
    assert api.get("/v1/debt-buyers")[0]["due_minor"] == 5_000
    assert api.post(f"/v1/debt-buyers/{to}/remit", {}, 200)["remitted_minor"] == 5_000
    assert api.post(f"/v1/debt-buyers/{to}/remit", {}, 200)["remitted_minor"] == 0
    with api.db.transaction() as tx:
        StoredClock(tx).set(NOW + timedelta(hours=1))
    assert api.post(f"/v1/purchases/{purchase}/refund", {"amount_minor": 4_000}, 200)
    assert api.get("/v1/debt-buyers")[0]["due_minor"] == 4_000


def test_a_pack_with_days_of_notice_puts_a_sale_off_and_the_debt_passes_on_the_day_that_has_come(
    runs_off: Story,
):
    done = agreed(runs_off)
    assert (done["state"], done["sold_on"]) == ("agreed", None)
    passes_on = runs_off.today + timedelta(days=DAYS + 1)
    (letter,) = runs_off.written("debt.sale_agreed")
    assert (letter["passes_on"], letter["buyer_name"]) == (passes_on.isoformat(), "Example Debt Buyer")
    runs_off.passes(f"+{DAYS}d")
    assert (runs_off.now["owed_minor"], runs_off.now["lifecycle"]) == (30_180, "run_off"), "not a day sooner"
    runs_off.pays(4_000)
    assert runs_off.api.get("/v1/debt-buyers")[0]["due_minor"] == 0, "what is paid before is the lender's"
    runs_off.passes("+1d")
    sale = runs_off.api.get(f"/v1/lines/{runs_off.line}/sale")
    assert (sale["state"], sale["sold_on"]) == ("sold", passes_on.isoformat())
    # 300.00 and the 1.80 that November's bill asked for, less what was paid, and five days of the next month.
    assert (sale["face_minor"], sale["price_minor"]) == (26_210, 9_000)
    assert runs_off.now["owed_minor"] == 0
    (sold,) = runs_off.written("debt.sold")
    assert (sold["face_minor"], sold["sold_on"]) == (26_210, passes_on.isoformat())
    kinds = [kind for kind in runs_off.events() if kind.startswith("debt.") and kind != "debt.recomputed"]
    assert kinds == ["debt.sale_proposed", "debt.sale_agreed", "debt.sold"]
    runs_off.passes("+10d")
    assert runs_off.now["lifecycle"] == "closed", "once the payment of before cannot come back"
    refused = runs_off.api.post(f"/v1/lines/{runs_off.line}/sale/call-off", {}, 409)
    assert refused["code"] == "sale.not_agreed"
    assert sound(runs_off)


def test_a_sale_that_is_called_off_in_its_days_does_not_come_and_the_customer_is_told(runs_off: Story):
    agreed(runs_off)
    runs_off.passes("+3d")
    at = f"/v1/lines/{runs_off.line}/sale"
    runs_off.api.post(f"{at}/call-off", {}, 200)
    assert len(runs_off.written("debt.sale_called_off")) == 1
    assert runs_off.api.ask("GET", at).status_code == 404
    runs_off.passes(f"+{DAYS}d")
    assert (runs_off.now["owed_minor"], runs_off.written("debt.sold")) == (30_180, [])
    assert [each["data"]["why"] for each in runs_off.happened("debt.sale_called_off")] == ["taken_back"]
    assert sound(runs_off)


def test_a_sale_whose_debt_is_paid_in_its_days_or_whose_letter_is_not_sent_calls_itself_off(runs_off: Story):
    agreed(runs_off, 20_000)
    runs_off.pays(15_000)
    runs_off.passes(f"+{DAYS + 1}d")
    left = runs_off.now["owed_minor"]
    assert 0 < left < 20_000, "too little for that price"
    with runs_off.api.db.transaction() as tx:
        buyer = tx.conn.execute("SELECT id FROM billing.buyer").fetchone()
    assert buyer
    terms = {"buyer": public("byr", buyer["id"]), "price_minor": 1}
    at = f"/v1/lines/{runs_off.line}/sale"
    runs_off.api.post(at, terms, 200)
    replace(runs_off.api, secret=with_key(runs_off.api.db)).post(at, terms, 200)
    with runs_off.api.db.transaction() as tx:
        tx.conn.execute("UPDATE notices.notice SET state = 'failed' WHERE kind = 'debt.sale_agreed'")
    runs_off.passes(f"+{DAYS + 1}d")
    assert runs_off.now["owed_minor"] >= left
    whys = [each["data"]["why"] for each in runs_off.happened("debt.sale_called_off")]
    assert whys == ["sale.price_invalid", "not_told"]
    assert len(runs_off.written("debt.sale_called_off")) == 2
    assert sound(runs_off)
