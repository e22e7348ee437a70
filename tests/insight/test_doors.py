"""A month's figures and proposals by the API, at a terminal, on paper and at the desk."""

from __future__ import annotations

import io
import json
import re
import tomllib
from datetime import UTC
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from alarms import raised
from leavers import alarms, cases, unlike, walks
from litestar.testing import TestClient
from pypdf import PdfReader
from web.api.conftest import Api, application
from web.console.conftest import Desk
from worlds import DAY, at, open_lines

from whiteslip import insight, packs
from whiteslip.app import cli
from whiteslip.app.settings import load
from whiteslip.app.wiring import prepare_home
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.exits import store as exits_store
from whiteslip.exits.choices import Only
from whiteslip.exits.model import Reason
from whiteslip.identity import Vault, access
from whiteslip.identity.model import Role
from whiteslip.insight import MEASURES
from whiteslip.insight.model import Change, Interval, Proposal, ProposalKind, Step
from whiteslip.insight.uplift import Verdict
from whiteslip.insight.words import LANGUAGES, Words
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock
from whiteslip.web.console import routers
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

FEBRUARY = DAY.replace(month=2, day=2)
WINDOW = "since=2026-01-01&until=2026-01-31"


@pytest.fixture
def month(db: Database) -> Database:
    """A January that is over, with 42 walks and 60 labelled alarms; two alerts are still there."""
    walks(db, at(DAY))
    alarms(db, at(DAY))
    for line, rule in zip(open_lines(db, 2), ("rush", "bust_out"), strict=True):
        raised(db, line, at(DAY), rule)
    with db.transaction() as tx:
        StoredClock(tx).set(at(FEBRUARY).astimezone(UTC))
    return db


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def test_the_api_tells_figures_and_makes_a_draft_of_a_proposal(month: Database):
    with month.transaction() as tx:
        owner = access.create_staff(tx, "ann", Role.REVIEWER, None, at(FEBRUARY))
        assert isinstance(owner, access.Staff)
        key = access.create_key(tx, "test", ("read", "write"), at(FEBRUARY), owner.id)
    with TestClient(application(month)) as client:
        api = Api(month, client, key)
        assert {each["measure"] for each in api.get("/v1/insight")} == set(MEASURES)
        found = api.get(f"/v1/insight/funnel?{WINDOW}")
        rows = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
        assert [(row["screen"], row["walks"], row["median_seconds"]) for row in rows] == [
            ("1_choose", 42, 30.0),
            ("2_identity", 42, 30.0),
            ("3_check", 30, 30.0),
        ]
        assert api.ask("GET", f"/v1/insight/funnel?{WINDOW}&format=csv").text.startswith(
            "segment,journey,screen"
        )
        for path, code in (
            ("/v1/insight/luck", "insight.measure_unknown"),
            ("/v1/insight/funnel?segment=age", "insight.segment_unknown"),
            ("/v1/insight/funnel?since=2026-02-01&until=2026-01-01", "insight.window_empty"),
            ("/v1/insight/funnel?until=0001-01-01", "insight.window_empty"),
            ("/v1/insight/funnel?since=0001-01-01", "insight.window_empty"),
            ("/v1/insight/reports/9999-12", "insight.not_found"),
            ("/v1/insight/survival", "lake.off"),
            ("/v1/insight/reports/2026-01", "insight.not_found"),
            ("/v1/insight/reports/soon", "insight.not_found"),
        ):
            assert api.ask("GET", path).json()["code"] == code
        assert (
            api.ask("POST", "/v1/insight/reports", {"month": "2026-02"}).json()["code"]
            == "insight.month_not_over"
        )
        told = api.post("/v1/insight/reports", {"month": "2026-01"})
        assert [each["kind"] for each in told["proposals"]] == ["friction", "threshold"]
        assert api.post("/v1/insight/reports", {"month": "2026-01"})["sha256"] == told["sha256"]
        # Walks are nobody's and lead to the month's figure; alarms are listed, and no others.
        walks_of, alarms_of = (api.get(each["cases"]) for each in told["proposals"])
        assert walks_of == found
        assert [each["rule"] for each in alarms_of["data"]] == ["rush"]
        assert len(api.get("/v1/alerts")["data"]) == 2
        draft = api.post("/v1/insight/reports/2026-01/proposals/2/draft")
        assert (draft["state"], draft["table"]) == ("draft", "watch-monitor")
        assert api.get("/v1/insight/reports/2026-01")["proposals"][1]["draft"].endswith(draft["version"])
        assert api.get("/v1/insight/reports") == ["2026-01"]
        for lang, title in (("en", "How people left"), ("zh-CN", "客户怎样离开")):
            pdf = api.ask("GET", f"/v1/insight/reports/2026-01/pdf?lang={lang}").content
            assert title in text_of(pdf)
            assert "2026-01-01" in text_of(pdf), "it prints its filters"
            assert pdf == api.ask("GET", f"/v1/insight/reports/2026-01/pdf?lang={lang}").content


def test_a_terminal_shows_reports_and_drafts(
    month: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", month.url)
    prepare_home(load({"WHITESLIP_HOME": str(tmp_path / "home")}))

    def run(*tokens: str, code: int = 0) -> str:
        capsys.readouterr()
        assert cli.run(tokens) == code, capsys.readouterr().err
        return capsys.readouterr().out

    assert "funnel" in run("insight", "list")
    shown = json.loads(
        run("insight", "show", "flows", "--since", "2026-01-01", "--until", "2026-01-31", "--json")
    )
    assert ["all", "leave", "identity", "went_away", 12] in shown["rows"]
    run("insight", "show", "luck", code=3)
    assert "People get stuck" in run("insight", "report", "2026-01")
    told = json.loads(run("insight", "report", "2026-01", "--json"))["proposals"]
    walked, rushed = (run(*each["cases"].split()[1:], "--json") for each in told)
    assert json.loads(walked)["measure"] == "funnel"
    assert {each["rule"] for each in json.loads(rushed)} == {"rush"}
    out = tmp_path / "report.pdf"
    run("insight", "report", "2026-01", "--out", str(out), "--lang", "zh-CN")
    assert "客户怎样离开" in text_of(out.read_bytes())
    assert json.loads(run("insight", "reports", "--json")) == ["2026-01"]
    run("insight", "draft", "2026-01", "2", "--by", "ada", code=3)
    run("user", "create", "ada")
    assert "watch-monitor" in run("insight", "draft", "2026-01", "2", "--by", "ada")
    run("insight", "draft", "2026-01", "1", "--by", "ada", code=4)
    run("insight", "draft", "2026-01", "7", "--by", "ada", code=3)
    run("insight", "report", "January", code=2)
    assert json.loads(run("insight", "judge", "--json")) == {"switched_off": 0}


def test_the_desk_sees_the_same_figures_and_drafts_with_one_click(month: Database):
    ports = Ports(month, Vault(bytes(32)), Office(Tables.load(), "Test"), DemoPhone(month), packs.load("cn"))
    app = create_app(routers, WebSettings(secret=bytes(32), default_language="en"), ports)
    desk = Desk(month, ports, TestClient(app))
    desk.sign_in(Role.REVIEWER)
    desk.client.headers["Accept-Language"] = "en"
    page = desk.get(f"/console/insight?{WINDOW}")
    option = json.loads(unescape(re.findall(r'id="flows">.*?data-chart="(.*?)"', page, re.S)[0]))
    links = {(each["source"], each["target"]): each["value"] for each in option["series"][0]["links"]}
    assert links["Who you are", "Went away"] == 12
    assert "2026-01-01" in page or "1 January 2026" in page, "the page prints its filters"
    assert "Snapshots are switched off here" in page, "survival says why it is not there"
    csv = desk.get(f"/console/insight/figures/funnel.csv?{WINDOW}")
    assert "all,leave,2_identity,42,30,0,12" in csv
    assert "There is none yet" in page
    with TestClient(application(month)) as client, month.transaction() as tx:
        key = access.create_key(tx, "test", ("read", "write"), at(FEBRUARY))
    with TestClient(application(month)) as client:
        Api(month, client, key).post("/v1/insight/reports", {"month": "2026-01"})
    at_report = "/console/insight/reports/2026-01"
    assert "Make the alarm rush stricter" in desk.get(at_report)
    assert desk.post(at_report, no="1").status_code == 409, "a stuck screen is no policy"
    answer = desk.post(at_report, no="2")
    assert answer.headers["location"].startswith("/console/policies/watch-monitor/")
    assert "Drafted" in desk.get(at_report)
    assert desk.client.get(f"{at_report}.pdf").content[:5] == b"%PDF-"
    assert desk.get("/console/insight/reports/2025-01", 404)


def test_each_kind_of_proposal_has_its_evidence_an_interval_its_cases_and_where_a_table_has_it_a_draft(
    month: Database,
):
    unlike(month, at(DAY))
    open_lines(month, 120)
    cases(month, at(DAY))
    with month.transaction() as tx:
        tx.conn.execute(_LABELLED)
    ports = Ports(month, Vault(bytes(32)), Office(Tables.load(), "Test"), DemoPhone(month), packs.load("cn"))
    app = create_app(routers, WebSettings(secret=bytes(32), default_language="en"), ports)
    desk = Desk(month, ports, TestClient(app))
    desk.sign_in(Role.REVIEWER)
    desk.client.headers["Accept-Language"] = "en"
    with month.transaction() as tx:
        insight.make_report(tx, Tables.load(), DAY, ports.pack.timezone, "system", at(FEBRUARY))
    at_report = "/console/insight/reports/2026-01"
    sections = re.findall(
        r'<section class="proposal" id="proposal-(\d)">(.*?)</section>', desk.get(at_report), re.S
    )
    seen = dict[str, str]()
    for no, section in sections:
        (link,) = (unescape(each) for each in re.findall(r'<p><a[^>]* href="([^"]+)"', section))
        behind = desk.get(link.partition("#")[0])
        for kind, (title, evidence, effect, listed) in _SAID.items():
            if title in section:
                assert re.search(evidence, section), kind
                assert re.search(effect, section), kind
                assert re.search(listed, behind), (kind, link)
                seen[kind] = no
        assert ('name="no"' in section) is bool(re.search("stricter|one fact more", section))
    assert set(seen) == set(_SAID)
    # What the API lists as a product's or a route's evidence.
    with month.transaction() as tx:
        dear = exits_store.page(tx, None, 500, Only(reason=Reason.TOO_EXPENSIVE))
        assert {case.reason for case in dear} == {Reason.TOO_EXPENSIVE}
        assert exits_store.page(tx, None, 500, Only(None, Reason.TOO_EXPENSIVE, "no_such_rule")) == []
    for kind, change in (("threshold", "&gt; 566"), ("feature", "&gt;= 4000")):
        drafted = desk.post(at_report, no=seen[kind]).headers["location"]
        page = desk.get(drafted)
        assert change in page, "what would change"
        assert "122 past decisions were decided again" in page, "it was held against the past already"
        assert 'name="do" value="backtest"' in page, "and can be again"
        assert change in desk.get(f"{drafted}/edit"), "it opens in the editor"


# Of each kind: its title, evidence, effect with its interval, and what its cases' page shows.
_SAID = {
    "threshold": ("stricter", r"15 of 30 alarms were false", r"takes \d+% .*\(\d+% to \d+%\)", "AL-RUSH-01"),
    "feature": ("one fact more", r"15 of 30 alarms were false", r"takes 100% .*\(\d+% to 100%\)", "returned"),
    "friction": (
        "get stuck on a screen",
        r"12 of 42 went away",
        r"\(\d+\.\d to \d+\.\d\)",
        "went_away|Went away",
    ),
    "product": (
        "drives people away",
        r"\d+ of \d+ exits said so; 0 the month before",
        r"exits a month \(\d+\.\d to \d+\.\d\)",
        "EX-",
    ),
}
_LABELLED = """
UPDATE watch.alert SET state = 'labelled', label = false, acknowledged_by = 'ann', labelled_by = 'ann',
    acknowledged_at = raised_at, labelled_at = raised_at
"""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_everything_has_words_in_both_languages(lang: str):
    words = Words(lang)
    for code in (*Reason, *Step, *Verdict, "not_said", "went_away", "2_identity"):
        assert words.code(code) != code or lang == "en", code
    for name in MEASURES:
        assert words.measure(name)
    change = Change("watch-monitor", "table", "rush", "velocity", "> 500", "> 800")
    counts: dict[str, int | float] = {
        "alarms": 30, "false": 15, "right": 15, "right_kept": 15, "cases": 40, "let_go": 40, "walks": 42,
        "went_away": 12, "gave_it": 9, "exits": 30, "month_before": 2, "shown": 100, "held_out": 100,
    }  # fmt: skip
    for kind in ProposalKind:
        said = words.say(Proposal(kind, "rush", counts, Interval(0.5, 0.25, 0.75), "share_of_it", change))
        assert all((said.what, said.evidence, said.effect))
        assert "50%" in said.effect


def test_both_languages_have_the_same_keys():
    en, zh = (_keys(lang) for lang in LANGUAGES)
    assert en == zh


def _keys(lang: str) -> set[tuple[str, str]]:
    found: Any = tomllib.loads(
        (Path(__file__).parents[2] / "src/whiteslip/insight/words.toml").read_text("utf-8")
    )
    return {(section, key) for section, words in found[lang].items() for key in words}
