"""Your data: read, taken along, erased as far as may be, through the portal."""

from __future__ import annotations

from web.portal.conftest import Reader
from web.portal.scene import Scene


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
