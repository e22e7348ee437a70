"""Monthly statements: as they were, the same bytes each time, and there for who has left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO
from uuid import uuid4

from pypdf import PdfReader
from web.portal.conftest import Reader
from web.portal.scene import Scene

from whiteslip.base.ids import public
from whiteslip.billing import store
from whiteslip.lines.model import Lifecycle


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


def test_statements_are_read_by_a_former_customer_and_are_what_they_were(
    reader: Reader, another: Callable[[], Reader], scene: Scene
):
    guest = scene.guest()
    scene.buys(guest, 60_000, 3)
    scene.pass_days(30)
    with scene.db.transaction() as tx:
        (bill,) = store.bills(tx, guest.line)
    at, asked = f"/statements/{bill.id}", bill.demanded_minor
    told_asked = f"CN¥{asked // 100}.{asked % 100:02d}"
    reader.signs_in(guest)
    assert 'href="/statements"' in reader.opens("/line").text
    assert at in reader.opens("/statements").text
    page = reader.opens(at).text
    for said in ("Statement of 5 February 2026", "Purchase of 15 January 2026, part 1 of 3", told_asked):
        assert said in page
    first = reader.client.get(f"{at}/pdf")
    assert first.headers["content-type"] == "application/pdf"
    told = text_of(first.content)
    assert "Monthly statement" in told
    assert guest.person.full_name in told
    assert "Bought since then: 15 January 2026" in told.replace("\n", " ")
    scene.pays(guest, scene.line(guest).owed_minor + 5_000)
    reader.leaves(guest)
    scene.pass_days(12)
    assert scene.line(guest).lifecycle is Lifecycle.CLOSED
    reader.signs_in(guest)
    assert reader.opens(at).text.count(told_asked) == page.count(told_asked) > 1, "as it was on its day"
    assert reader.client.get(f"{at}/pdf").content == first.content
    chinese = reader.client.get(f"{at}/pdf", headers={"accept-language": "zh-CN"})
    assert "月度账单" in text_of(chinese.content)
    stranger = another()
    stranger.signs_in(scene.guest())
    assert stranger.client.get(at).status_code == 404
    assert stranger.client.get(f"{at}/pdf").status_code == 404
    key = {"Authorization": f"Bearer {scene.reading_key()}"}
    ours = reader.client.get(f"/v1/lines/{public('line', guest.line)}/statements", headers=key).json()
    assert [each["demanded_minor"] for each in ours] == [asked]
    whole = reader.client.get(f"/v1/statements/{ours[0]['id']}", headers=key).json()
    assert whole["items"][0] == {
        "kind": "purchase",
        "opened_on": "2026-01-15",
        "no": 1,
        "instalments": 3,
        "amount_minor": asked,
    }
    assert (whole["received"], whole["bought"][0]["amount_minor"]) == ([], 60_000)
    same = reader.client.get(f"/v1/statements/{ours[0]['id']}/pdf?lang=en", headers=key)
    assert same.content == first.content
    unknown = reader.client.get(f"/v1/statements/{public('bill', uuid4())}", headers=key)
    assert unknown.json()["code"] == "statement.not_found"
    assert bill.statement_on == date(2026, 2, 5)


def test_who_paid_a_part_early_asks_for_a_statement_of_it_once_and_only_of_their_own(
    reader: Reader, another: Callable[[], Reader], scene: Scene
):
    guest, other = scene.guest(), scene.guest()
    for each in (guest, other):
        scene.buys(each, 60_000, 3)
        scene.pays(each, 25_000)
    with scene.db.transaction() as tx:
        (paid,) = store.payments(tx, guest.line)
    reader.signs_in(guest)
    page = reader.opens("/statements").text
    for said in ("There is no statement yet", "Payments you made early"):
        assert said in page
    ask = f"/payments/{paid.id}/statement"
    done = reader.sends(ask).text
    assert ("among your letters" in done, ask in done) == (True, False)
    assert reader.opens("/letters").text.count("A payment you made early") == 1
    stranger = another()
    stranger.signs_in(other)
    stranger.opens("/statements")
    assert stranger.sends(ask).status_code == 404
