"""A phone number without a country's code is one of the pack's country, and of no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from litestar.testing import TestClient

from .conftest import Api, application, with_key

if TYPE_CHECKING:
    from whiteslip.store import Database


@pytest.mark.parametrize(
    ("pack", "typed", "meant"),
    [
        ("cn", "139 0000 0021", "+8613900000021"),
        ("uk", "07700 900123", "+447700900123"),
        ("us", "(202) 555-0143", "+12025550143"),
    ],
)
def test_a_number_as_it_is_written_at_home_is_the_one_with_the_packs_country(
    db: Database, pack: str, typed: str, meant: str
):
    with TestClient(application(db, pack)) as client:
        api = Api(db, client, with_key(db))
        customer = api.customer(phone=typed)
        api.prove(customer)
        # The code reached them, and the number in full is where they are reached already.
        same = api.post(f"/v1/customers/{customer}/contact", {"place": meant}, 409)
        assert same["code"] == "identity.contact_same"


def test_where_a_pack_names_no_country_a_number_needs_its_code(db: Database):
    with TestClient(application(db, "eu")) as client:
        api = Api(db, client, with_key(db))
        person = {"full_name": "A B", "id_number": "AB123456", "email": "a@example.com"}
        refused = api.post("/v1/customers", person | {"phone": "0470 12 34 56"}, 422)
        assert refused["code"] == "identity.phone_invalid"
        api.post("/v1/customers", person | {"phone": "+32 470 12 34 56"})
