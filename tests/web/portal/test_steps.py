"""Screens of leaving are counted without anybody's name, and measuring costs nobody their exit."""

from __future__ import annotations

from datetime import timedelta

from web.portal.conftest import Reader
from web.portal.scene import START, Scene
from worlds import TIMEZONE

from whiteslip import insight
from whiteslip.insight import Window
from whiteslip.portfolio import Result


def walked(scene: Scene) -> list[tuple[str, str]]:
    with scene.db.transaction() as tx:
        rows = tx.conn.execute("SELECT journey, step FROM insight.step ORDER BY at, step").fetchall()
    return [(row["journey"], row["step"]) for row in rows]


def test_a_walk_is_counted_by_screens_and_names_nobody(reader: Reader, scene: Scene):
    guest, other = scene.guest("en"), scene.guest("en")
    reader.signs_in(guest)
    reader.opens(f"/lines/{guest.line}/leave")
    reader.opens(f"/lines/{guest.line}/leave")
    scene.set_clock(scene.now() + timedelta(seconds=20))
    reader.sends(f"/lines/{guest.line}/leave", way="close")
    reader.proves(guest)
    scene.set_clock(scene.now() + timedelta(seconds=40))
    reader.leaves(guest)
    reader.client.cookies.clear()
    reader.signs_in(other)
    reader.opens(f"/lines/{other.line}/leave")
    assert set(walked(scene)) == {("leave", step) for step in ("choose", "identity", "check", "done")}
    with scene.db.transaction() as tx:
        rows = tx.conn.execute("SELECT s::text AS text FROM insight.step AS s").fetchall()
        kept = " ".join(row["text"] for row in rows)
        assert len(rows) == 5
        insight.forget(tx, scene.now() + timedelta(days=1))
        assert tx.conn.execute("SELECT FROM insight.salt").fetchall() == []
    for secret in (guest.customer, guest.line, guest.person.full_name, other.customer, other.line):
        assert str(secret) not in kept


def test_the_screens_go_on_when_steps_cannot_be_kept(reader: Reader, scene: Scene):
    with scene.db.transaction() as tx:
        tx.conn.execute("RESET ROLE")
        tx.conn.execute("ALTER TABLE insight.step RENAME TO gone")
    guest = scene.guest("en")
    reader.signs_in(guest)
    assert reader.opens(f"/lines/{guest.line}/leave").status_code == 200
    assert reader.leaves(guest).url.path.startswith("/exits/")


def test_the_other_doors_are_counted_too(reader: Reader, scene: Scene):
    guest, quick = scene.guest("en"), scene.guest("en")
    reader.opens("/close")
    reader.sends(
        "/close",
        phone=guest.person.phone,
        full_name=guest.person.full_name,
        id_number=guest.person.id_number,
    )
    reader.sends("/close/code", code=scene.code(guest))
    reader.client.cookies.clear()
    reader.signs_in(quick)
    reader.opens(f"/lines/{quick.line}/withdraw")
    reader.sends(f"/lines/{quick.line}/withdraw")
    assert sorted(walked(scene)) == [
        ("outside", "code"),
        ("outside", "done"),
        ("withdraw", "done"),
        ("withdraw", "statement"),
    ]
    with scene.db.transaction() as tx:
        found = insight.compute(tx, None, "funnel", Window(START, START, "none", TIMEZONE))
    assert isinstance(found, Result)
    assert [row["walks"] for row in found.records()] == [None, None], (
        "two people are a group too small to tell"
    )
