"""Plans for freed capacity on a real book: about groups, by two people, and without touching a line."""

from __future__ import annotations

import ast
import configparser
import csv
import io
import json
import re
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import psycopg
import pytest
from deals import deal
from litestar.testing import TestClient
from web.api.conftest import Api, application, with_key
from web.console.conftest import Desk
from worlds import DAY, TIMEZONE, at, buy, line_of, night, open_lines

import whiteslip
from whiteslip import exits, funding, lake, packs, treasury
from whiteslip.app import cli
from whiteslip.app.settings import load
from whiteslip.app.wiring import prepare_home
from whiteslip.base import Refusal, end_of_day
from whiteslip.base.ids import public
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.exits.model import Channel, Identity
from whiteslip.funding.model import LossStep, Position, Triggers
from whiteslip.identity import Vault
from whiteslip.identity.model import Role
from whiteslip.lake import Lake, Snapshot
from whiteslip.ledger.acts import seal
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.treasury import Appetite, Basis, Plan
from whiteslip.treasury.scenario import Start
from whiteslip.web.console import routers
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

HOUSE = Path(whiteslip.__file__).parent
END = date(2026, 2, 20)
GIVEN = Appetite(
    step_minor=10_000,
    funding_minor=5_000_000,
    loss_at_most_minor=5_000_000,
    share_at_most_bps=10_000,
    take_up_bps=10_000,
    least_offers=1,
    funding_cost_bps=-2_000,
)


def leave(db: Database, lines: list[object], on: date) -> None:
    office = Office(Tables.load(), "Test")
    for line in lines:
        with db.transaction() as tx:
            case = exits.request(tx, office, line, Channel.PORTAL, "customer", at(on), Identity.VERIFIED)  # type: ignore[arg-type]
        assert not isinstance(case, Refusal), case


@pytest.fixture
def place(db: Database, tmp_path: Path) -> Lake:
    """Fourteen lines of 10,000.00 without debt left, twelve stay, of which six bought for 3,000.00."""
    small, large = open_lines(db, 12), open_lines(db, 14, limit_minor=3_000_000)
    for line in small[:6]:
        buy(db, line, 300_000, 3)
    leave(db, list(large[:11]), DAY + timedelta(days=1))
    leave(db, list(small[9:]), DAY + timedelta(days=1))
    night(db, date(2026, 2, 5))
    until = end_of_day(END, TIMEZONE)
    with db.transaction() as tx:
        seal(tx, END, until)
    with db.transaction() as tx:
        scheduled = deal(triggers=Triggers(cumulative_loss=(LossStep(12, 900),)))
        assert isinstance(funding.load(tx, scheduled, "test", until), str)
        assert funding.fill(tx, "warehouse", 10**9, END, "test", until) == 1_800_000
        funding.state_position(tx, "warehouse", Position(1_000_000, 0, 0), "test", until)
        funding.run_night(tx, END, until)
    place = Lake(tmp_path / "lake", bytes(32))
    assert isinstance(lake.export(db, place, END, until, TIMEZONE, until), Snapshot)
    return place


def test_a_plan_is_about_groups_takes_two_people_and_changes_no_limit(
    db: Database,
    place: Lake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    with TestClient(application(db, lake=place)) as client:
        api = Api(db, client, with_key(db))
        freed = api.get("/v1/capacity/freed")
        # Three of the small lines left: they are told of only together with the eleven large ones.
        (other,) = freed["freed"]
        assert (other["segment"], other["lines"]) == ("other", 14)
        assert other["undrawn_minor"] == 11 * 3_000_000 + 3 * 1_000_000
        assert other["exposure_minor"] == other["undrawn_minor"] // 10
        assert other["weighted_minor"] == other["exposure_minor"] * 3 // 4
        assert api.ask("GET", "/v1/capacity/freed?currency=EUR").json()["code"] == "capacity.currency_needed"
        limits = _limits(db)
        body = {
            "appetite": {name: getattr(GIVEN, name) for name in GIVEN.__struct_fields__},
            "segment": "none",
        }
        made = api.post("/v1/capacity/plans", body)
        assert dict(made["answer"]["best"]["offers"])["all"] > 0
        to = f"/v1/capacity/plans/{made['id']}/approve"
        assert api.post(to, {}, 403)["code"] == "desk.own_proposal"
        other_key = Api(db, client, with_key(db))
        assert other_key.post(to, {}, 200)["outcome"] == "approved"
        assert other_key.post(to, {}, 409)["code"] == "capacity.plan_decided"
        assert [each["id"] for each in api.get("/v1/capacity/plans")] == [made["id"]]
    assert _limits(db) == limits
    with psycopg.connect(db.url) as conn:
        kept = conn.execute("SELECT plan::text FROM treasury.plan").fetchall()
        ids = conn.execute("SELECT id::text, customer::text FROM lines.line").fetchall()
        kinds = conn.execute("SELECT kind FROM store.journal WHERE kind LIKE 'capacity.%' ORDER BY seq")
        assert [row[0] for row in kinds] == ["capacity.plan_proposed", "capacity.plan_approved"]
        rises = conn.execute("SELECT count(*) FROM lines.limit_increase").fetchone()
        # The database itself wants two people.
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute("UPDATE treasury.plan SET proposed_by = decided_by")
    assert rises == (0,)
    assert not any(one in row[0] for row in kept for pair in ids for one in pair)
    _from_a_terminal(db, place, tmp_path, monkeypatch, capsys)
    _futures(db, place, monkeypatch, capsys)
    _pages(db, place)
    _at_the_desk(db, place)


def test_a_cut_off_snapshot_is_answered_with_the_day_before_and_each_door_says_so(
    db: Database,
    place: Lake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    taken = _sealed_and_taken(db, place, END + timedelta(days=1))
    assert isinstance(taken, Snapshot)
    taken.path("line").write_bytes(taken.path("line").read_bytes()[:100])
    with TestClient(application(db, lake=place)) as client:
        api = Api(db, client, with_key(db))
        for to in ("stress?scenarios=20&months=1", "capacity/freed", "capacity/freed?as_of=2026-02-21"):
            found = api.get(f"/v1/{to}")
            assert (found["day"], found["why"]["code"]) == ("2026-02-20", "lake.cut_off"), to
        assert api.get("/v1/capacity/freed?as_of=2026-02-20")["why"] is None
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", db.url)
    prepare_home(load({"WHITESLIP_HOME": str(tmp_path / "home")}))
    futures = ["stress", "run", "--months", "1", "--scenarios", "20", "--json"]
    for room, command in (("stress", futures), ("capacity", ["capacity", "freed", "--json"])):
        monkeypatch.setattr(f"whiteslip.app.commands_{room}.the_lake", lambda: place)
        assert cli.run(command) == 0
        shown = capsys.readouterr()
        assert "These are the figures of 2026-02-20" in shown.err
        assert json.loads(shown.out)["day"] == "2026-02-20"


def test_yesterdays_figures_are_served_and_marked_on_every_page_whatever_is_wrong_with_todays(
    db: Database, place: Lake
):
    following = END + timedelta(days=1)
    pages = ("portfolio", "stress?months=6", "capacity?segment=none", "insight")
    stands_in = "These are the figures of 20 February 2026"
    taken = _sealed_and_taken(db, place, following)
    assert isinstance(taken, Snapshot)
    path, away = taken.path("line"), taken.folder.with_name("away")
    raw = path.read_bytes()
    ports = Ports(
        db, Vault(bytes(32)), Office(Tables.load(), "Test"), DemoPhone(db), packs.load("cn"), lake=place
    )
    settings = WebSettings(secret=bytes(32), default_language="en")
    with TestClient(create_app(routers, settings, ports)) as client:
        desk = Desk(db, ports, client)
        desk.sign_in(Role.ANALYST)

        def marked(said: str, why: str) -> None:
            for to in pages:
                text = desk.get(f"/console/{to}")
                assert (said in text, why in text) == (True, True), (to, why)
            # A base is made from the books, not from the lake; its page says what the lake lacks.
            assert why in desk.get("/console/funding/warehouse"), why

        assert not any(stands_in in desk.get(f"/console/{to}") for to in pages)
        assert stands_in in desk.get("/console/funding/warehouse"), "there is no base of that night"
        path.write_bytes(raw[:100])
        marked(stands_in, "is cut off (line.parquet)")
        path.write_bytes(raw[:100] + bytes([raw[100] ^ 1]) + raw[101:])
        marked(stands_in, "was changed after it was written (line.parquet)")
        path.write_bytes(raw)
        taken.folder.rename(away)
        marked(stands_in, "The snapshot of 2026-02-21 is missing")
        away.rename(taken.folder)
        refused = _sealed_and_taken(db, place, following + timedelta(days=1), hours_back=30)
        assert isinstance(refused, Refusal)
        assert refused.code == "lake.clock_backwards"
        marked("These are the figures of 21 February 2026", "The snapshot of 2026-02-22 is missing")


def _sealed_and_taken(db: Database, place: Lake, day: date, hours_back: int = 0) -> Snapshot | Refusal:
    until = end_of_day(day, TIMEZONE)
    with db.transaction() as tx:
        seal(tx, day, until)
    return lake.export(db, place, day, until, TIMEZONE, until - timedelta(hours=hours_back))


def _from_a_terminal(
    db: Database,
    place: Lake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", db.url)
    prepare_home(load({"WHITESLIP_HOME": str(tmp_path / "home")}))
    monkeypatch.setattr("whiteslip.app.commands_capacity.the_lake", lambda: place)
    assert cli.run(["capacity", "freed", "--segment", "none"]) == 0
    assert "all" in capsys.readouterr().out
    given = ["--step-minor", "10000", "--funding-minor", "5000000", "--loss-at-most-minor", "5000000"]
    more = [
        "--share-at-most-bps",
        "10000",
        "--funding-cost-bps=-2000",
        "--least-offers",
        "1",
        "--segment",
        "none",
    ]
    propose = ["capacity", "propose", *given, *more, "--take-up-bps", "10000", "--by", "one"]
    assert cli.run(propose) == 3, "nobody is called one"
    for name, role in (("one", "admin"), ("two", "reviewer"), ("three", "auditor")):
        assert cli.run(["user", "create", name, "--role", role]) == 0
    capsys.readouterr()
    assert cli.run(propose) == 0
    shown = capsys.readouterr()
    plan = shown.err.split("decide ")[1].split(" ")[0]
    assert "would bring CNY" in shown.out
    assert cli.run(["capacity", "decide", plan, "--by", "one"]) == 4
    assert cli.run(["capacity", "decide", plan, "--by", "three"]) == 3, "an auditor only looks"
    assert cli.run(["capacity", "decide", plan, "--by", "two", "--turn-down"]) == 0
    assert cli.run(["capacity", "show", "cap_nothing"]) == 3
    capsys.readouterr()
    assert cli.run(["capacity", "list"]) == 0
    assert "turned_down" in capsys.readouterr().out


def _futures(
    db: Database, place: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same book as futures: what stays starts as it stood, and a run on it names who acts."""
    monkeypatch.setattr("whiteslip.app.commands_stress.the_lake", lambda: place)
    asked = ["stress", "run", "--facility", "warehouse", "--months", "3", "--scenarios", "40"]
    assert cli.run([*asked, "--cash-minor", "0", "--leave-percent", "60", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["lines"], found["book_minor"]) == (12, 1_800_000)
    book = treasury.start(place)
    assert isinstance(book, Start)
    with db.transaction() as tx:
        lent = treasury.with_facility(tx, book, "warehouse")
    assert isinstance(lent, Start)
    assert lent.terms
    assert (lent.terms.lost, lent.terms.ever_pledged) == (0, 1_800_000), "the schedule goes on from here"
    headroom = next(fan for fan in found["fans"] if fan["name"] == "headroom")
    assert all(low <= high for low, high in zip(headroom["rows"][0], headroom["rows"][-1], strict=True))
    # The night's base is 85 % of 1,800,000, at what a day of the run begins with.
    assert headroom["rows"][2][0] == pytest.approx(530_000, rel=0.05)
    assert cli.run([*asked, "--csv", "--tornado", "2", "--processes", "1"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "figure,on_day,p05,p25,p50,p75,p95"
    assert cli.run([*asked, "--cash-minor", "0", "--tornado", "2", "--processes", "1"]) == 0
    told = capsys.readouterr().out
    assert "No exit is slowed by this" in told
    assert "contagion" in told
    assert cli.run([*asked, "--exits", "99"]) == 2
    with TestClient(application(db, lake=place)) as client:
        api = Api(db, client, with_key(db))
        assert api.get("/v1/stress?scenarios=20&months=2&leave=0.1&facility=warehouse")["left"] >= 0
        assert api.ask("GET", "/v1/stress?scenarios=9999").json()["code"] == "stress.question_invalid"
        assert api.ask("GET", "/v1/stress?facility=none").json()["code"] == "funding.not_found"


def _pages(db: Database, place: Lake) -> None:
    """What if, at the desk: numbers in a form, fans with their tables, who acts, and each figure as CSV."""
    ports = Ports(
        db, Vault(bytes(32)), Office(Tables.load(), "Test"), DemoPhone(db), packs.load("cn"), lake=place
    )
    settings = WebSettings(secret=bytes(32), default_language="en")
    with TestClient(create_app(routers, settings, ports)) as client:
        desk = Desk(db, ports, client)
        desk.sign_in(Role.ANALYST)
        text = desk.get("/console/stress?leave=60&facility=warehouse&months=6&tornado=true")
        assert "Who has to act by when" in text
        assert "Leave in a week" in text
        options = dict(re.findall(r'class="chart" id="(\w+)">.*?data-chart="(.*?)"', text, re.S))
        assert set(options) == {"tornado", "cash", "headroom", "open_lines", "book", "freed"}
        asked = "?leave=60&facility=warehouse&months=6&tornado=true"
        rows = list(csv.DictReader(io.StringIO(desk.get(f"/console/stress/open_lines.csv{asked}"))))
        drawn = json.loads(unescape(options["open_lines"]))["series"]
        assert next(s for s in drawn if s.get("name") == "Median")["data"] == [
            int(row["p50"]) for row in rows
        ]
        assert desk.get(f"/console/stress/tornado.csv{asked}").count("\n") == 9
        wrong = unescape(desk.get("/console/stress?leave=120&exits=many&within_days=0", 422))
        for said in ("from 0 to 99 per cent", "from 0 to 20 times the usual", "a whole number from 1 to 365"):
            assert said in wrong
        # A bar of the tornado leads to its question, all else of it kept; so do the presets.
        bars = [s for s in json.loads(unescape(options["tornado"]))["series"] if s.get("name")]
        assert any(mark["value"] for series in bars for mark in series["data"])
        doubled = "/console/stress?exits=2&leave=60&months=6&facility=warehouse&tornado=true"
        assert doubled in {mark.get("href") for series in bars for mark in series["data"]}
        assert doubled in unescape(text)
        assert "nobody&#39;s leaving is slowed" in text


def _at_the_desk(db: Database, place: Lake) -> None:
    """What was freed, a plan in the URL, its prices in words, and two people who agree on it."""
    ports = Ports(
        db, Vault(bytes(32)), Office(Tables.load(), "Test"), DemoPhone(db), packs.load("cn"), lake=place
    )
    settings = WebSettings(secret=bytes(32), default_language="en")
    limits = _limits(db)
    with TestClient(create_app(routers, settings, ports)) as client:
        desk = Desk(db, ports, client)
        one = desk.sign_in(Role.REVIEWER)
        closings = "/console/capacity?segment=none&months=3"
        text = desk.get(closings)
        assert "fewer than 10 lines are told of together with others" in text
        (freed,) = csv.DictReader(io.StringIO(desk.get("/console/capacity/freed.csv?segment=none")))
        assert (freed["lines"], freed["undrawn_minor"]) == ("14", str(11 * 3_000_000 + 3 * 1_000_000))
        assert "360,000.00" in text
        wrong = unescape(desk.get(f"{closings}&step=none&funding=1&loss=1&pd=120", 422))
        assert "Say by how much one offer raises a limit" in wrong
        assert "The mean PD is a number from 0 to 100" in wrong
        typed = {"step": "100", "funding": "50000", "loss": "50000", "share": "100", "take_up": "100"}
        typed |= {"cost": "0", "least": "1", "segment": "none", "months": "3"}
        asked = "/console/capacity?" + "&".join(f"{key}={value}" for key, value in typed.items())
        assert "No offer pays" in desk.get(asked)
        # A book that earns nothing yet pays only where money is cheaper than free, which nobody can type.
        assert desk.post("/console/capacity/plans", asked, **typed).status_code == 409
        # Three large lines are open: they are told of together with the nine small ones.
        (open_lines_of,) = csv.DictReader(io.StringIO(desk.get("/console/capacity/segments.csv")))
        assert (open_lines_of["name"], open_lines_of["lines"]) == ("other", "12")
        with db.transaction() as tx:
            basis = treasury.basis(place, None, "none", 3, None, GIVEN)
            assert isinstance(basis, Basis)
            plan = treasury.propose(tx, basis, GIVEN, f"staff:{one.id}", at(END))
        assert isinstance(plan, Plan)
        to = f"/console/capacity/plans/{public('cap', plan.id)}"
        told = unescape(desk.get(to))
        assert "Proposed by reviewer" in told
        assert "one more would bring" in told
        assert desk.post(f"{to}/decide", to, decision="approve").status_code == 403
        offers = list(csv.DictReader(io.StringIO(desk.get(f"{to}/offers.csv"))))
        assert int(offers[0]["best"]) >= max(int(offers[0]["greedy"]), int(offers[0]["proportional"]))
        assert "demand,all" in desk.get(f"{to}/limits.csv")
        desk.sign_out()
        desk.sign_in(Role.AUDITOR)
        assert "Approve" not in desk.get(to)
        desk.sign_out()
        desk.sign_in(Role.ADMIN)
        assert "Approve" in desk.get(to)
        assert desk.post(f"{to}/decide", to, decision="approve").status_code == 303
        assert "Decided by admin" in desk.get(to)
        assert "approved" in desk.get("/console/capacity?segment=none")
    assert _limits(db) == limits


def _limits(db: Database) -> list[tuple[object, ...]]:
    with psycopg.connect(db.url) as conn:
        return conn.execute("SELECT id, limit_minor FROM lines.line ORDER BY id").fetchall()


def test_no_forecast_can_reach_an_exit(db: Database):
    # Every room but the two above stands below, and none of their files names this one.
    parser = configparser.ConfigParser()
    parser.read(HOUSE.parents[1] / ".importlinter")
    floors = parser["importlinter:contract:floors"]["layers"].split("\n")
    above = " ".join(floors[: floors.index("treasury")]).split()
    assert above == ["app", "web", "world", "day"]
    importers = {
        path.relative_to(HOUSE).parts[0]
        for path in HOUSE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if any(name.split(".")[:2] == ["whiteslip", "treasury"] for name in _imported(node))
    }
    assert importers == {"app", "web", "treasury"}
    # And with all that treasury knows gone, leaving is what it was.
    with psycopg.connect(db.url, autocommit=True) as conn:
        conn.execute("DROP SCHEMA treasury CASCADE")
    (line,) = open_lines(db, 1)
    leave(db, [line], DAY)
    assert line_of(db, line).drawing_stopped


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
    return []
