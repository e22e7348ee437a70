"""What changes how is decided is told outside: thin, signed, by a real request to a real receiver."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from decisions.test_policies import NAME, approved, granted
from scored import CARD, score_night, serve
from watch.test_watch import bust_out, follow, quiet_months
from worlds import DAY, open_line, open_lines

from whiteslip.base.ids import public
from whiteslip.decisions import Tables, policies
from whiteslip.decisions.stability import SCORE, Spread
from whiteslip.store import Database
from whiteslip.watch import store as watch_store

from .conftest import NOON, Receiver, Scene


def told(receiver: Receiver, kind: str) -> dict[str, Any]:
    (one,) = [each["body"] for each in receiver.came if each["body"]["type"] == kind]
    assert set(one) == {"type", "timestamp", "data"}
    assert len(one["data"]) < 10, "thin"
    return one["data"]


def test_an_activation_and_a_rollback_reach_a_receiver_with_table_version_and_instant(
    scene: Scene, receiver: Receiver
):
    scene.hears(receiver, "policy.activated", "policy.rolled_back")
    tables = Tables.load()
    shipped = tables[NAME].version
    with scene.db.transaction() as tx:
        version = approved(tx, tables, now=NOON)
    scene.run()
    assert receiver.came == [], "what only waits for an instant or a person changes nothing outside"
    with scene.db.transaction() as tx:
        granted(policies.activate(tx, tables, NAME, version, "staff:maker", NOON))
    scene.run(timedelta(minutes=1))
    active = told(receiver, "policy.activated")
    assert (active["table"], active["version"]) == (NAME, version)
    assert active["effective_at"] == msgspec.to_builtins(NOON)
    with scene.db.transaction() as tx:
        granted(policies.roll_back(tx, tables, NAME, "staff:checker", scene.now, "too strict"))
    scene.run(timedelta(minutes=1))
    back = told(receiver, "policy.rolled_back")
    assert (back["table"], back["version"]) == (NAME, shipped)
    assert "too strict" not in str(back), "what people write stays inside"
    assert "rules" not in str(receiver.came), "a table is fetched by who may, and sent to nobody"


def test_a_shift_of_a_model_reaches_a_receiver_with_its_indices_and_names_nobody(
    db: Database, receiver: Receiver
):
    open_lines(db, 120)
    scene = Scene(db)
    scene.hears(receiver, "model.shifted")
    strange = msgspec.structs.replace(
        CARD, reference=CARD.reference | {SCORE: Spread([0.05], [0.1, 0.9, 0.0])}
    )
    with db.transaction() as tx:
        serve(tx, strange)
    score_night(db, DAY)
    scene.run(timedelta(days=1))
    scene.run(timedelta(days=1))
    data = told(receiver, "model.shifted")
    assert (data["model"], data["version"], data["lines"]) == ("behaviour", strange.version, 120)
    assert data["psi_milli"] > 250
    assert not {"line", "reasons", "customer"} & set(data)


def test_an_alert_reaches_a_receiver_with_its_row_act_and_desk_and_names_nobody(
    db: Database, receiver: Receiver
):
    line = open_line(db)
    scene = Scene(db)
    scene.hears(receiver, "alert.raised")
    quiet = quiet_months(db, line)
    follow(db, quiet)
    scene.now = bust_out(db, line, quiet)
    follow(db, scene.now)
    scene.run()
    with db.transaction() as tx:
        raised = watch_store.alerts(tx, line=line)
    told = {each["body"]["data"]["alert"]: each["body"]["data"] for each in receiver.came}
    assert set(told) == {public("alr", alert.id) for alert in raised}
    alert = next(each for each in raised if each.rule == "bust_out")
    data = told[public("alr", alert.id)]
    assert (data["rule"], data["act"], data["tells"]) == ("bust_out", alert.act, alert.tells)
    assert data["line"] == public("line", line)
    assert set(data) == {"event", "subject_kind", "subject", "line", "alert", "rule", "act", "tells"}
