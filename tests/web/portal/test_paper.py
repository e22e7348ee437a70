"""Hand in a paper, signed in or with the code of the letter."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from httpx import Response
from PIL import Image
from web.portal.conftest import Reader
from web.portal.scene import Guest, Scene

from whiteslip import exits
from whiteslip.exits import Exit, evidence
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity
from whiteslip.exits.papers import PaperRequest, Why
from whiteslip.identity.documents import documents_of


def photograph(side: int = 40) -> bytes:
    out = BytesIO()
    Image.effect_noise((side, side), 90).convert("RGB").save(out, "PNG")
    return out.getvalue()


def in_doubt(scene: Scene, guest: Guest) -> tuple[Exit, str]:
    """A held case, a paper asked for, and the code on the letter."""
    with scene.db.transaction() as tx:
        now = scene.now()
        case = exits.request(tx, scene.office, guest.line, Channel.FORM, "form", now, Identity.DOUBTED)
        assert isinstance(case, Exit)
        done = evidence.ask(tx, "Test Lender", case.id, Why.NOT_PROVEN, "staff:a", now)
        assert isinstance(done, PaperRequest)
        row = tx.conn.execute(
            "SELECT facts ->> 'upload_code' AS code FROM notices.notice WHERE kind = 'exit.paper_asked'"
        ).fetchone()
    assert row
    return case, row["code"]


def uploads(
    reader: Reader, path: str, content: bytes | None, name: str = "me.jpg", **fields: str
) -> Response:
    """Send the form of the open page as a browser does: with an empty part where no file was chosen."""
    assert reader.page is not None
    token = re.search(r'name="form_token" value="([^"]+)"', reader.page.text)
    assert token
    file = (name, content, "text/plain") if content is not None else ("", b"", "application/octet-stream")
    data = {"form_token": token[1], **fields}
    reader.page = reader.client.post(path, data=data, files={"paper": file})
    return reader.page


def papers(scene: Scene, guest: Guest) -> int:
    with scene.db.transaction() as tx:
        return len(documents_of(tx, guest.customer, evidence.KIND))


def test_a_customer_sees_what_is_asked_for_and_hands_it_in(scene: Scene, reader: Reader):
    guest = scene.guest()
    case, _ = in_doubt(scene, guest)
    reader.signs_in(guest)
    at = f"/exits/{case.reference}/paper"
    assert f'href="{at}"' in reader.opens(f"/exits/{case.reference}").text
    shown = reader.opens(at).text
    assert "copy of your identity document" in shown
    assert 'enctype="multipart/form-data"' in shown
    assert shown.count('type="file"') == 1
    done = uploads(reader, at, photograph(1_200))
    assert done.status_code == 200
    assert f'href="{at}"' not in done.text
    assert papers(scene, guest) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "Choose a file"),
        (b"", "The file is empty"),
        (b"<script>alert(1)</script>", "Choose a JPEG, a PNG or a PDF"),
        (b"\xff\xd8\xff" + bytes(90), "damaged or incomplete"),
        (bytes(11 * 1024 * 1024), "larger than 10 MB"),
    ],
)
def test_each_fault_of_a_file_is_named_beside_its_field(
    scene: Scene, reader: Reader, content: bytes | None, said: str
):
    guest = scene.guest()
    case, _ = in_doubt(scene, guest)
    reader.signs_in(guest)
    at = f"/exits/{case.reference}/paper"
    reader.opens(at)
    answer = uploads(reader, at, content)
    assert answer.status_code == 422
    assert answer.text.count(said) == 2, "in the summary and at the field"
    assert papers(scene, guest) == 0


def test_who_cannot_sign_in_uses_the_code_of_the_letter(scene: Scene, reader: Reader):
    guest = scene.guest()
    _, code = in_doubt(scene, guest)
    reader.opens("/paper")
    assert "not the code of a letter" in uploads(reader, "/paper", photograph(), code="AAAA-AAAA-AAAA").text
    done = uploads(reader, "/paper", photograph(), code=code.lower().replace("-", " "))
    assert "We have your paper" in done.text
    assert guest.person.full_name not in done.text
    assert papers(scene, guest) == 1
    reader.opens("/paper")
    assert uploads(reader, "/paper", photograph(), code=code).status_code == 409


def test_somebody_else_sees_no_case_and_no_request(scene: Scene, reader: Reader):
    guest, other = scene.guest(), scene.guest()
    case, _ = in_doubt(scene, guest)
    reader.signs_in(other)
    assert reader.opens(f"/exits/{case.reference}/paper").status_code == 404


def test_a_paper_of_before_is_used_again_without_sending_it_twice(scene: Scene, reader: Reader):
    guest = scene.guest()
    case, _ = in_doubt(scene, guest)
    reader.signs_in(guest)
    at = f"/exits/{case.reference}/paper"
    reader.opens(at)
    uploads(reader, at, photograph())
    with scene.db.transaction() as tx:
        again = evidence.ask(tx, "Test Lender", case.id, Why.DETAILS_DIFFER, "staff:a", scene.now())
        assert isinstance(again, PaperRequest)
    found = re.search(rf'action="({at}/[0-9a-f-]+)"', reader.opens(at).text)
    assert found
    assert reader.sends(found[1]).status_code == 200
    assert papers(scene, guest) == 1
    with scene.db.transaction() as tx:
        assert all(each.document for each in exits_store.paper_requests(tx, case.id))
