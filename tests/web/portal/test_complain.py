"""Complain from any page, without papers."""

from __future__ import annotations

import time

from web.portal.conftest import Reader
from web.portal.scene import Scene

from whiteslip import notices
from whiteslip.complaints import store as complaints_store


def test_a_customer_complains_with_one_tick_from_every_page(scene: Scene, reader: Reader):
    guest = scene.guest()
    reader.signs_in(guest)
    assert 'href="/complain"' in reader.opens("/help").text
    assert 'href="/complain"' in reader.opens("/line").text
    reader.opens("/complain")
    missing = reader.sends("/complain")
    assert missing.status_code == 422
    assert "Choose what it is about" in missing.text
    done = reader.sends("/complain", topic="fee", words="charged twice")
    assert "Answer by" in done.text
    assert "charged twice" not in done.text
    with scene.db.transaction() as tx:
        (found,) = complaints_store.of_customer(tx, guest.customer)
    assert (found.topic, found.channel) == ("fee", "portal")


def test_nobody_has_to_sign_in_to_complain_and_nobody_learns_who_is_a_customer(reader: Reader, scene: Scene):
    guest = scene.guest()
    person = guest.person
    form = {"topic": "closing", "words": "nobody answers", "id_number": person.id_number}
    seen: list[list[str]] = []
    for name in ("Nobody", person.full_name):
        reader.client.cookies.clear()
        page = reader.opens("/complain")
        assert "Who you are" in page.text
        began = time.monotonic()
        done = reader.sends("/complain/outside", phone=person.phone, full_name=name, **form)
        assert time.monotonic() - began >= 0.3
        assert done.url.path == "/complain/received"
        seen.append([page.text, done.text])

    def bare(text: str) -> str:
        return "\n".join(row for row in text.splitlines() if "form_token" not in row)

    assert [bare(text) for text in seen[0]] == [bare(text) for text in seen[1]]
    with scene.db.transaction() as tx:
        (found,) = complaints_store.of_customer(tx, guest.customer)
        letters = [notice.kind for notice in notices.of_subject(tx, found.id)]
    assert (found.topic, found.channel, letters) == ("closing", "form", ["complaint.acknowledged"])
    assert found.reference not in seen[1][1], "the receipt has it, and goes to the customer"
    assert person.id_number not in scene.journal()
    reader.opens("/complain")
    missing = reader.sends("/complain/outside", words="x")
    assert missing.status_code == 422
    assert "Enter your ID number" in missing.text
