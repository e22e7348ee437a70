"""Your data: read, taken along, erased as far as may be, through the portal."""

from __future__ import annotations

from web.portal.conftest import Reader
from web.portal.scene import Scene

from whiteslip.privacy import store as privacy_store


def test_who_has_left_reads_until_when_takes_everything_along_and_has_the_rest_erased(
    reader: Reader, scene: Scene
):
    guest = scene.guest(language="en")
    reader.signs_in(guest)
    reader.proves(guest)
    assert "years after the line is closed" in reader.opens("/data").text
    taken = reader.opens("/data.json")
    assert taken.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert taken.headers["cache-control"] == "no-store"
    assert taken.json()["person"]["full_name"] == guest.person.full_name
    reader.opens("/data")
    done = reader.sends("/data/erase")
    assert "What may be erased is gone" in done.text
    scene.send_letters()
    assert "What we have erased of you, and what stays" in reader.opens("/letters").text


def test_a_stranger_is_sent_to_sign_in(reader: Reader):
    for path in ("/data", "/data.json"):
        assert reader.opens(path).url.path == "/sign-in"


def test_a_request_shows_its_day_and_how_it_stands(reader: Reader, scene: Scene):
    guest = scene.guest(language="en")
    reader.signs_in(guest)
    reader.opens("/data")
    missing = reader.sends("/data/ask")
    assert missing.status_code == 422
    assert "Choose what you want" in missing.text
    done = reader.sends("/data/ask", kind="correction", words="the name is spelled wrongly")
    assert "Answer by" in done.text
    assert "spelled" not in done.text
    with scene.db.transaction() as tx:
        (found,) = privacy_store.requests_of(tx, guest.customer)
    assert (found.kind, found.channel) == ("correction", "portal")
    assert found.reference in done.text
