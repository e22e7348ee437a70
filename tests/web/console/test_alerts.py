"""Alerts at the desk."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from pathlib import Path

import worlds
from alarms import TABLES, raised
from pypdf import PdfReader
from web.console.conftest import NOW, Desk
from web.console.test_lines import another

import whiteslip.web.console.alerts as page_of_alerts
from whiteslip.exits import proposals, stepups
from whiteslip.identity.model import Role
from whiteslip.watch import Act, Alert, State, features, memory, store


def alert_of(desk: Desk) -> Alert:
    return raised(desk.db, desk.held().line, NOW)


def after(desk: Desk, alert: Alert) -> Alert:
    with desk.db.transaction() as tx:
        found = store.alert(tx, alert.id)
    assert found
    return found


def test_an_alert_shows_what_is_usual_and_the_row_and_is_acknowledged_then_labelled(desk: Desk):
    desk.sign_in()
    alert = alert_of(desk)
    assert alert.reference in desk.get("/console/alerts")
    at = f"/console/alerts/{alert.reference}"
    shown = desk.get(at)
    assert "far more is bought than usual" in shown
    assert "<code>bust_out</code>" in shown
    assert "8,100.00" in shown
    assert 'name="outcome"' not in shown, "it is acknowledged first"
    assert desk.post(f"{at}/acknowledge", at).status_code == 303
    assert desk.post(f"{at}/label", at, outcome="true").status_code == 303
    done = after(desk, alert)
    assert (done.state, done.label) == (State.LABELLED, True)
    assert alert.reference not in desk.get("/console/alerts")


def test_a_desk_sees_only_what_it_is_told(desk: Desk):
    desk.sign_in()
    alert = alert_of(desk)
    assert alert.tells == "fraud"
    assert alert.reference in desk.get("/console/alerts?tells=fraud")
    assert alert.reference not in desk.get("/console/alerts?tells=risk")
    for shown in ("/console/alerts", "/console/alerts?tells=fraud"):
        files = re.findall(r'href="(/console/alerts\.[^"]+)"', desk.get(shown))
        assert len(files) == 2
        assert [desk.client.get(file).status_code for file in files] == [200, 200]
    answer = desk.client.get("/console/alerts.csv?tells=fraud")
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["reference"], row["line"], row["act"]) == (alert.reference, str(alert.line), alert.act)
    assert alert.reference not in desk.client.get("/console/alerts.csv?tells=risk").text
    for tells, is_told in (("fraud", True), ("risk", False)):
        paper = PdfReader(io.BytesIO(desk.client.get(f"/console/alerts.pdf?tells={tells}").content))
        assert (alert.reference in paper.pages[0].extract_text()) is is_told


def test_an_alert_restricts_nobody_by_itself_and_its_proposal_takes_two(desk: Desk):
    desk.sign_in()
    line = worlds.open_line(desk.db)
    alert = raised(desk.db, line, NOW)
    at = f"/console/alerts/{alert.reference}"
    assert "Propose to restrict" in desk.get(at)
    assert desk.post(f"{at}/restrict", at).status_code == 422
    assert desk.post(f"{at}/restrict", at, reason="suspected_fraud").status_code == 303
    with desk.db.transaction() as tx:
        waiting = proposals.open_of_line(tx, line)
    assert waiting
    assert (waiting.alert, waiting.measure, waiting.reasons) == (alert.id, alert.act, ("suspected_fraud",))
    assert not worlds.line_of(desk.db, line).drawing_stopped
    assert "waits for a second person" in desk.get(at)
    theirs = desk.get(f"/console/lines/{line}")
    assert "decide-restriction" not in theirs, "who proposed it sees no control to decide"
    assert "You proposed this; a colleague decides" in theirs
    another(desk)
    assert "decide-restriction" in desk.get(f"/console/lines/{line}")


def test_a_step_up_is_asked_by_one_press_and_only_where_the_alert_proposes_it(desk: Desk):
    desk.sign_in()
    line, other = worlds.open_line(desk.db), worlds.open_line(desk.db)
    alert = raised(desk.db, line, NOW, "takeover", Act.STEP_UP)
    at = f"/console/alerts/{alert.reference}"
    assert "Ask the customer to confirm" in desk.get(at)
    assert desk.post(f"{at}/step-up", at).status_code == 303
    assert "has been asked to confirm" in desk.get(at)
    with desk.db.transaction() as tx:
        assert stepups.asked(tx, line)
    stop = f"/console/alerts/{raised(desk.db, other, NOW).reference}"
    assert desk.post(f"{stop}/step-up", stop).status_code == 409
    with desk.db.transaction() as tx:
        assert stepups.asked(tx, other) is None


def test_who_only_looks_says_nothing_of_an_alert(desk: Desk):
    alert = alert_of(desk)
    desk.sign_in(Role.AUDITOR)
    at = f"/console/alerts/{alert.reference}"
    assert 'id="acknowledge"' not in desk.get(at)
    assert desk.post(f"{at}/acknowledge", "/console").status_code == 403
    assert after(desk, alert).state is State.OPEN


def test_alerts_are_shown_in_chinese_too(desk: Desk):
    desk.sign_in()
    alert = alert_of(desk)
    for path in ("/console/alerts", f"/console/alerts/{alert.reference}"):
        assert re.search("[\u4e00-\u9fff]", desk.get(f"{path}?lang=zh-CN"))


def test_there_are_words_for_every_rule_reason_act_and_feature():
    texts = tomllib.loads(Path(page_of_alerts.__file__).with_name("page.toml").read_text())["en"]
    outcome = TABLES["watch-monitor"].contract.outcome
    wanted = {f"rule_{code}" for code in outcome["rule"].one_of} - {"rule_nothing"}
    wanted |= {f"reason_{code}" for code in outcome["reasons"].one_of}
    wanted |= {f"act_{code}" for code in outcome["act"].one_of} - {"act_none"}
    wanted |= {f"tells_{code}" for code in outcome["tells"].one_of}
    wanted |= {f"feature_{each.name}" for each in features.shown(memory.Memory())}
    assert wanted <= set(texts)
