"""Leaving without signing in."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from httpx import Request
from web.portal.conftest import Reader
from web.portal.scene import Guest, Scene

from whiteslip import exits, lines
from whiteslip.exits import Exit, estates, terminations
from whiteslip.exits.model import Cause, Channel, Identity, Kind, State, Termination
from whiteslip.lines import Line
from whiteslip.store import Tx


def _asks(reader: Reader, guest: Guest, **changed: str) -> str:
    person = guest.person
    typed = {"phone": person.phone, "full_name": person.full_name, "id_number": person.id_number} | changed
    reader.opens("/close")
    return reader.sends("/close", **typed).text


def test_the_line_stops_at_once_and_a_code_closes_it(reader: Reader, scene: Scene):
    guest = scene.guest()
    _asks(reader, guest)
    case = scene.cases(guest)[0]
    assert (case.channel, case.state, case.identity) == (Channel.FORM, State.STOPPED, Identity.PENDING)
    assert scene.line(guest).drawing_stopped
    page = reader.sends("/close/code", code=scene.code(guest))
    assert page.url.path == f"/exits/{case.reference}"
    assert scene.cases(guest)[0].state is State.CLOSED


@pytest.mark.parametrize(
    "changed",
    [{"phone": "+8613911111111"}, {"full_name": "Nobody"}, {"id_number": "11010119900307571X"}],
    ids=["phone", "name", "number"],
)
def test_whoever_does_not_match_sees_the_same_pages_and_stops_nothing(
    reader: Reader, scene: Scene, changed: dict[str, str]
):
    guest, other = scene.guest(), scene.guest()
    seen: list[list[str]] = []
    for typed, whom in ((changed, guest), ({}, other)):
        reader.client.cookies.clear()
        pages = [_asks(reader, whom, **typed)]
        pages.append(reader.sends("/close/code", code="000000").text)
        pages.append(reader.sends("/close/code", do="send").text)
        pages.append(reader.sends("/close/without-code").text)
        seen.append(pages)

    def bare(text: str) -> str:
        return "\n".join(row for row in text.splitlines() if "form_token" not in row)

    assert [bare(text) for text in seen[0]] == [bare(text) for text in seen[1]]
    assert scene.cases(guest) == []
    assert scene.codes(guest) == []
    assert scene.cases(other)[0].state is State.HELD


def test_an_answer_takes_as_long_for_nobody_as_for_somebody(reader: Reader, scene: Scene):
    guest = scene.guest()
    took: list[float] = []
    for changed in ({"full_name": "Nobody"}, {}):
        reader.opens("/close")
        typed = {"phone": guest.person.phone, "id_number": guest.person.id_number}
        typed["full_name"] = changed.get("full_name", guest.person.full_name)
        page = reader.client.get("/close")
        reader.page = page
        began = time.monotonic()
        reader.client.follow_redirects = False
        reader.sends("/close", **typed)
        took.append(time.monotonic() - began)
        reader.client.follow_redirects = True
        reader.client.cookies.clear()
    assert min(took) >= 0.3
    assert abs(took[0] - took[1]) < 0.15


def test_the_code_of_one_person_is_no_use_to_another(
    reader: Reader, another: Callable[[], Reader], scene: Scene
):
    guest, other = scene.guest(), scene.guest()
    _asks(reader, guest)
    second = another()
    _asks(second, other)
    assert second.sends("/close/code", code=scene.code(guest)).status_code == 422
    assert scene.cases(other)[0].state is State.STOPPED


def test_after_the_fifth_wrong_code_a_person_looks_at_it(reader: Reader, scene: Scene):
    guest = scene.guest()
    _asks(reader, guest)
    for wrong in range(5):
        assert scene.cases(guest)[0].state is State.STOPPED
        reader.sends("/close/code", code=f"00000{wrong}" if scene.code(guest)[:5] != "00000" else "111111")
    assert scene.cases(guest)[0].state is State.HELD


def test_what_the_browser_carries_names_nobody_and_cannot_be_made_up(reader: Reader, scene: Scene):
    guest = scene.guest()
    _asks(reader, guest)
    carried = reader.client.cookies["claim"]
    assert str(guest.customer) not in carried
    reader.client.cookies.clear()
    reader.client.cookies["claim"] = carried[:-4] + "AAAA"
    assert reader.opens("/close/code").url.path == "/close"
    reader.client.cookies.clear()
    assert reader.opens("/close/waiting").url.path == "/close"


def test_who_is_signed_in_goes_to_the_line_itself(reader: Reader, scene: Scene):
    guest = scene.guest()
    reader.signs_in(guest)
    assert reader.opens("/close").url.path == f"/lines/{guest.line}/leave"


def test_a_balance_does_not_keep_anybody(reader: Reader, scene: Scene):
    guest = scene.guest()
    scene.buys(guest, 60_000, 3)
    _asks(reader, guest)
    page = reader.sends("/close/code", code=scene.code(guest))
    assert scene.cases(guest)[0].state is State.RUN_OFF
    assert "the line closes when it is paid off" in page.text


def test_no_personal_data_reaches_urls_or_the_journal(reader: Reader, scene: Scene):
    guest = scene.guest()
    urls: list[str] = []

    def note(request: Request) -> None:
        urls.append(str(request.url))

    reader.client.event_hooks["request"].append(note)
    _asks(reader, guest)
    reader.sends("/close/code", code=scene.code(guest))
    everything = " ".join(urls) + scene.journal()
    person = guest.person
    for secret in (person.full_name, person.id_number, person.phone, person.phone[3:], person.email):
        assert secret not in everything


def test_stopping_and_confirming_at_once_lock_in_one_order_and_never_wait_for_each_other(
    reader: Reader, scene: Scene
):
    guest = scene.guest()
    with scene.db.transaction() as confirming:
        # Who confirms holds their codes, and comes to the lines next: no wait for the deadlock to be found.
        confirming.conn.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"code:{guest.customer}"]
        )
        confirming.conn.execute("SET LOCAL lock_timeout = '300ms'")
        with ThreadPoolExecutor(1) as beside:
            stopping = beside.submit(_asks, reader, guest)
            wait_until_somebody_waits(confirming)
            found = lines.get_line(confirming, guest.line, lock=True)
            assert isinstance(found, Line), "had it locked the line first, this would be a deadlock"
            confirming.conn.execute("COMMIT")
            assert "code" in stopping.result(10)
            confirming.conn.execute("BEGIN")


def wait_until_somebody_waits(tx: Tx) -> None:
    """Until another connection waits for a lock that is ours."""
    asked = "SELECT count(*) AS n FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    for _ in range(200):
        row = tx.conn.execute(asked).fetchone()
        if row and row["n"]:
            return
        time.sleep(0.02)
    raise AssertionError("nobody waits for the codes")


def _noticed(scene: Scene, guest: Guest, kind: Kind = Kind.TERMINATION) -> Exit:
    """The lender has given notice."""
    with scene.db.transaction() as tx:
        one = terminations.propose(tx, guest.line, kind, [Cause.PRODUCT_ENDED], "one", scene.now())
        assert isinstance(one, Termination), one
        terminations.decide(tx, scene.ports.office, one.id, True, "two", scene.now())
    (notice,) = scene.cases(guest)
    return notice


def test_who_fills_in_the_form_for_somebody_ends_no_notice_and_the_pages_say_where_it_stands(
    reader: Reader, scene: Scene
):
    guest = scene.guest("en")
    notice = _noticed(scene, guest)
    scene.pass_days(1)
    _asks(reader, guest)
    reader.client.cookies.clear()
    reader.signs_in(guest)
    own = next(case for case in scene.cases(guest) if case.id != notice.id)
    assert "Somebody asked to close this line" in reader.opens("/line").text
    waits = reader.opens(f"/exits/{notice.reference}").text
    assert "our notice is on hold" in waits
    assert f"/exits/{own.reference}" in waits, "the way to what it waits for"
    assert "The line stays open until" not in waits, "it has no day of its own now"
    shown = reader.opens(f"/exits/{own.reference}").text
    assert "Otherwise our notice stands" in shown
    assert "If it was not you who asked, take the request back" in shown
    scene.pass_days(20)
    reader.signs_in(guest)
    assert "Our earlier notice stands" in reader.opens(f"/exits/{own.reference}").text
    assert "Use the line as before" not in reader.opens(f"/exits/{notice.reference}").text, "it is locked"
    assert "We have given you notice" in reader.opens(f"/exits/{notice.reference}").text
    scene.pass_days(60)
    reader.signs_in(guest)
    assert f"/exits/{notice.reference}" in reader.opens("/line").text, "what closed it, not what lapsed"


def test_who_proves_that_it_was_them_reads_that_the_notice_no_longer_stands(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    notice = _noticed(scene, guest)
    _asks(reader, guest)
    left = reader.sends("/close/code", code=scene.code(guest))
    assert "Our earlier notice to end this line no longer stands" in left.text
    shown = reader.opens(f"/exits/{notice.reference}").text
    assert left.url.path in shown
    assert "Our notice no longer stands" in shown
    assert "Nothing of the notice goes on your credit record" in shown


def test_who_took_a_proven_request_back_reads_that_the_notice_does_not_come_back(
    reader: Reader, scene: Scene
):
    guest = scene.guest("en")
    scene.buys(guest, 60_000, 3)
    notice = _noticed(scene, guest)
    _asks(reader, guest)
    reader.sends("/close/code", code=scene.code(guest))
    own = next(case for case in scene.cases(guest) if case.id != notice.id)
    with scene.db.transaction() as tx:
        exits.cancel(tx, scene.ports.office, own.id, "customer", scene.now())
    shown = reader.opens(f"/exits/{own.reference}").text
    assert "no longer stands, and it does not come back" in shown
    assert "your own request counts" not in shown
    assert f"/exits/{own.reference}" in reader.opens(f"/exits/{notice.reference}").text


def test_who_may_keep_an_unused_line_reads_how_while_somebody_asked_to_close_it(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    scene.set_clock(scene.now() + timedelta(days=600))
    _noticed(scene, guest, Kind.INACTIVITY)
    _asks(reader, guest)
    reader.client.cookies.clear()
    reader.signs_in(guest)
    shown = reader.opens("/line").text
    assert "Somebody asked to close this line" in shown
    assert "press “Keep my line” and take the request back" in shown
    assert "Confirm or take back the request" in shown


def test_beside_a_death_no_page_says_that_somebody_asked(reader: Reader, scene: Scene):
    guest = scene.guest("en")
    notice = _noticed(scene, guest)
    reader.signs_in(guest)
    with scene.db.transaction() as tx:
        case = estates.report(tx, scene.ports.office, guest.line, Channel.DESK, "staff", scene.now())
    assert isinstance(case, Exit), case
    for path in ("/line", f"/exits/{notice.reference}", f"/exits/{case.reference}"):
        shown = reader.opens(path).text
        assert "has died" in shown
        assert "Somebody asked" not in shown
        assert "whether it was you" not in shown


@pytest.mark.parametrize("coded", [True, False])
def test_the_form_settles_no_estate_whoever_has_the_phone(reader: Reader, scene: Scene, coded: bool):
    guest = scene.guest("en")
    with scene.db.transaction() as tx:
        case = estates.report(tx, scene.ports.office, guest.line, Channel.DESK, "staff", scene.now())
    _asks(reader, guest)
    if coded:
        shown = reader.sends("/close/code", code=scene.code(guest))
        assert "has died" in shown.text
    else:
        assert reader.sends("/close/without-code").url.path == "/close/waiting"
    assert scene.cases(guest) == [case]
