"""A customer asks for a higher limit: an offer to accept, or reasons and a person."""

from __future__ import annotations

from datetime import timedelta

from web.portal.conftest import Reader
from web.portal.scene import LIMIT, Guest, Scene

from whiteslip.applications import store
from whiteslip.applications.model import Application, State
from whiteslip.applications.reviews import decide
from whiteslip.applications.rules import consent
from whiteslip.base import Refusal
from whiteslip.exits import softer
from whiteslip.lines.increases import increases_of
from whiteslip.notices import of_recipient


def latest(scene: Scene, guest: Guest) -> Application:
    with scene.db.transaction() as tx:
        return store.of_customer(tx, guest.customer)[0]


def asks(reader: Reader, guest: Guest, income: str, service: str, wanted: int = 3 * LIMIT // 2) -> str:
    at = f"/lines/{guest.line}/higher"
    reader.opens(at)
    return reader.sends(
        at,
        net_income=income,
        debt_service=service,
        lenders="0",
        wanted=str(wanted),
        consent=consent("en")[1],
    ).text


def test_a_higher_limit_is_offered_and_rises_by_acceptance_alone(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    assert f"/lines/{guest.line}/higher" in reader.signs_in(guest).text
    assert reader.opens(f"/lines/{guest.line}/higher").url.path == "/confirm", "who asks is proven first"
    reader.proves(guest)
    assert reader.opens(f"/lines/{guest.line}/higher").text.count("<option") >= 3
    answer = asks(reader, guest, "20000", "1000")
    assert "We can raise your limit to CN¥18,000.00" in answer
    assert "Download the contract" not in answer
    assert scene.line(guest).limit_minor == LIMIT, "an offer changes nothing"
    found = latest(scene, guest)
    at = f"/applications/{found.reference}"
    scene.set_clock(scene.now() + timedelta(minutes=16))
    reader.opens(at)
    assert reader.sends(f"{at}/accept").url.path == "/confirm", "a stolen visit accepts nothing"
    assert scene.line(guest).limit_minor == LIMIT
    reader.proves(guest)
    reader.opens(at)
    assert "Your limit is now CN¥18,000.00" in reader.sends(f"{at}/accept").text
    reader.opens("/line")
    assert reader.sends(f"{at}/accept").status_code == 200, "twice is once"
    with scene.db.transaction() as tx:
        (rose,) = increases_of(tx, guest.line)
        letters = [letter.kind for letter in of_recipient(tx, guest.customer)]
    assert (rose.from_minor, rose.to_minor, rose.consented_at) == (LIMIT, 3 * LIMIT // 2, scene.now())
    assert scene.line(guest).limit_minor == 3 * LIMIT // 2
    assert letters == ["increase.accepted"]
    assert latest(scene, guest).state is State.ACCEPTED


def test_a_no_takes_nothing_has_four_reasons_at_most_and_a_person_may_say_otherwise(
    reader: Reader, scene: Scene
):
    guest = scene.guest("en")
    reader.signs_in(guest)
    reader.proves(guest)
    answer = asks(reader, guest, "3000", "2500")
    assert "We cannot raise your limit this time" in answer
    assert "Your limit stays as it is" in answer
    found = latest(scene, guest)
    assert found.state is State.DECLINED
    assert 1 <= len(found.reasons) <= 4
    assert scene.line(guest).limit_minor == LIMIT
    at = f"/applications/{found.reference}"
    assert "A person is looking at it" in reader.sends(f"{at}/review", view="I was promoted").text
    assert "promoted" not in scene.journal()
    with scene.db.transaction() as tx:
        lower = decide(
            tx, scene.ports.lender, found.id, LIMIT - 10_000, (), "papers_seen", "staff:b", scene.now()
        )
        assert lower == Refusal("limit.not_higher", {"limit_minor": LIMIT}), "nobody is offered less"
        done = decide(
            tx, scene.ports.lender, found.id, LIMIT + 100_000, (), "papers_seen", "staff:b", scene.now()
        )
        assert not isinstance(done, Refusal)
    assert "We can raise your limit to CN¥13,000.00" in reader.opens(at).text
    reader.sends(f"{at}/accept")
    assert scene.line(guest).limit_minor == LIMIT + 100_000
    with scene.db.transaction() as tx:
        letters = [letter.kind for letter in of_recipient(tx, guest.customer)]
    assert sorted(letters) == ["increase.accepted", "increase.declined", "increase.offered"]


def test_leaving_pausing_and_another_line_have_nothing_to_do_with_it(reader: Reader, scene: Scene):
    guest, stranger = scene.guest("en"), scene.guest("en")
    reader.signs_in(guest)
    reader.proves(guest)
    for page in ("leave", "leave/check", "reduce", "locks"):
        assert "/higher" not in reader.opens(f"/lines/{guest.line}/{page}").text, page
    assert reader.opens(f"/lines/{stranger.line}/higher").status_code == 404
    asks(reader, guest, "20000", "1000")
    at = f"/applications/{latest(scene, guest).reference}"
    with scene.db.transaction() as tx:
        softer.pause(tx, guest.line, "customer", scene.now())
    reader.opens(at)
    assert reader.sends(f"{at}/accept").status_code == 409, "what is stopped does not rise"
    assert scene.line(guest).limit_minor == LIMIT
    assert reader.opens(f"/lines/{guest.line}/higher").url.path == "/line"
    reader.opens("/line")
    reader.sends(f"/lines/{guest.line}/leave/check")
    assert "/higher" not in reader.opens("/line").text
    assert len(scene.cases(guest)) == 1
