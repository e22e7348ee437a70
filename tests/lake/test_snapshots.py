"""A snapshot is whole, agrees with the ledger and names nobody; what is broken is not served."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import psycopg
import pytest
from scored import CARD, TREES, score_night, serve
from worlds import DAY, TIMEZONE, at, buy, give_back, hold, nights, open_line, pay, refund

from whiteslip import lake, portfolio
from whiteslip.base import Refusal, end_of_day
from whiteslip.lake import Lake, Snapshot, files
from whiteslip.ledger.acts import seal
from whiteslip.store import Database, embedded
from whiteslip.store.database import journal_after
from whiteslip.watch import nightly

END = date(2026, 3, 10)
DAYS = (END, END + timedelta(days=1))
KEY = b"a key of this test"
_serial = itertools.count()


def sealed(db: Database, day: date) -> None:
    with db.transaction() as tx:
        seal(tx, day, end_of_day(day, TIMEZONE))


def export(db: Database, place: Lake, day: date, hours: int = 0) -> Snapshot | Refusal:
    until = end_of_day(day, TIMEZONE)
    return lake.export(db, place, day, until, TIMEZONE, until + timedelta(hours=hours))


def lived(db: Database) -> None:
    """Two lines with purchases, bills, late fees, payments, one that came back, a refund and a hold."""
    first, second = open_line(db), open_line(db)
    buy(db, first, 60_000, 6)
    bought = buy(db, second, 30_000, 3)
    nights(db, DAY, date(2026, 2, 20))
    back = pay(db, second, 12_000, date(2026, 2, 21))
    pay(db, first, 200_000, date(2026, 2, 22), value_on=date(2026, 2, 20))
    give_back(db, back, date(2026, 2, 24))
    refund(db, second, bought, 4_000, date(2026, 2, 25))
    nights(db, date(2026, 2, 25), END)
    hold(db, first, 700, END)


@pytest.fixture
def place(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", KEY)


@pytest.fixture(scope="module")
def prepared(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A database and a lake with snapshots of two days that follow each other, to be copied."""
    name, folder = f"two_days_{os.getpid()}", tmp_path_factory.mktemp("two_days") / "lake"
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE template".encode())
        db = Database(server.url(name), size=4)
        lived(db)
        for day in DAYS:
            sealed(db, day)
            taken = export(db, Lake(folder, KEY), day)
            assert isinstance(taken, Snapshot), taken
        db.close()
        yield name, folder
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def db(request: pytest.FixtureRequest, server: embedded.Server) -> Iterator[Database]:
    """A database of this test's own: empty, or with the two days."""
    with_days = "two_days" in request.fixturenames
    source = request.getfixturevalue("prepared")[0] if with_days else "template"
    name = f"lake_{os.getpid()}_{next(_serial)}"
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {source}".encode())
        database = Database(server.url(name), size=4)
        yield database
        database.close()
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def two_days(prepared: tuple[str, Path], place: Lake) -> list[Snapshot]:
    """Snapshots of two days that follow each other."""
    shutil.copytree(prepared[1], place.folder)
    found = [lake.newest(place, day) for day in DAYS]
    return [taken for taken in found if isinstance(taken, Snapshot)]


def ledger_totals(db: Database) -> dict[str, int]:
    with db.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT code, sum(net_debit)::bigint AS net, sum(debits_pending)::bigint AS held "
            "FROM ledger.v_balance WHERE code LIKE 'line.%%' GROUP BY code"
        ).fetchall()
    net = {row["code"].removeprefix("line."): row["net"] for row in rows}
    held = {row["code"]: row["held"] for row in rows}["line.principal"]
    return net | {"credit": -net["credit"], "held": held}


def test_a_snapshot_adds_up_to_the_ledger(db: Database, place: Lake, two_days: list[Snapshot]):
    wanted = ledger_totals(db)
    assert two_days[0].manifest.totals == {"CNY": wanted}
    assert wanted["credit"] > 0
    assert wanted["held"] == 700
    assert min(wanted["principal"], wanted["fee"]) > 0


def said(db: Database, day: date) -> dict[str, tuple[int, int]]:
    """What is kept of the lines that live: how many were scored by a day, and the sum in millionths."""
    with db.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT DISTINCT ON (subject) round(probability * 1e6)::bigint AS ppm FROM decisions.score "
            "WHERE role = 'champion' AND at <= %s ORDER BY subject, at DESC",
            [end_of_day(day, TIMEZONE)],
        ).fetchall()
    return {"CNY": (len(rows), sum(row["ppm"] for row in rows))}


def test_scores_of_the_night_and_of_a_month_before_add_up_to_what_is_kept(
    db: Database, place: Lake, two_days: list[Snapshot]
):
    assert two_days[0].manifest.files["score"].rows == 0, "no model is in service"
    day, before = END + timedelta(days=2), END + timedelta(days=2) - timedelta(days=28)
    with db.transaction() as tx:
        serve(tx, CARD, TREES, at(DAY))
        rows = tx.conn.execute("SELECT id FROM lines.line ORDER BY id").fetchall()
    score_night(db, before)
    pay(db, rows[0]["id"], 3_000, day, value_on=date(2026, 3, 4))
    score_night(db, day)
    sealed(db, day)
    taken = export(db, place, day, hours=12)
    assert isinstance(taken, Snapshot), taken
    lines, pd_ppm = said(db, day)["CNY"]
    assert (taken.manifest.totals["CNY"]["scored_lines"], taken.manifest.totals["CNY"]["pd_ppm"]) == (
        2,
        pd_ppm,
    )
    found = lake.read(
        taken, "SELECT on_day, count(*), sum(pd_ppm)::bigint FROM score GROUP BY ALL ORDER BY 1"
    )
    assert not isinstance(found, Refusal)
    assert found[1] == [(before, *said(db, before)["CNY"]), (day, lines, pd_ppm)]
    assert said(db, before) != said(db, day), "both days are told apart"
    models = lake.read(taken, "SELECT DISTINCT model, model_version FROM score")
    assert not isinstance(models, Refusal)
    assert models[1] == [(nightly.MODEL, CARD.version)], "a challenger's are nobody's figures"
    with duckdb.connect() as engine:
        path = taken.path("score")
        engine.execute(f"COPY (SELECT * FROM '{path}' ORDER BY on_day LIMIT 3) TO '{path}' (FORMAT parquet)")
    assert files.totals(taken.folder, day) != taken.manifest.totals


def test_a_snapshot_of_the_first_schema_is_served_as_it_is(
    db: Database, place: Lake, two_days: list[Snapshot]
):
    today = two_days[1]
    manifest = json.loads((today.folder / "manifest.json").read_text())
    for table in ("score", "lock", "dispute", "sale"):
        today.path(table).unlink()
        del manifest["files"][table]
    (today.folder / "manifest.json").write_text(json.dumps(manifest | {"schema_version": 1}))
    served = lake.newest(place, today.day)
    assert isinstance(served, Snapshot)
    assert (served.day, served.instead_of) == (today.day, None)
    sound, faults = lake.verify(place)
    assert (len(sound), faults) == (2, [])
    assert set(lake.TABLES) - set(served.tables) == {"score", "lock", "dispute", "sale"}
    loss = portfolio.compute(place, "ecl")
    assert isinstance(loss, portfolio.Result)
    assert [(row["lines_by_score"], row["lines_by_roll_rates"]) for row in loss.records()] == [(0, 2)]
    known = lake.read(served, "SELECT count(*) FROM line")
    assert not isinstance(known, Refusal)
    assert known[1] == [(2,)]


def test_a_past_day_is_taken_as_it_stood_then(db: Database, place: Lake):
    lived(db)
    sealed(db, END)
    then = ledger_totals(db)
    with db.transaction() as tx:
        row = tx.conn.execute("SELECT id FROM lines.line ORDER BY id DESC LIMIT 1").fetchone()
        assert row
    after = END + timedelta(days=1)
    buy(db, row["id"], 5_000, day=after)
    pay(db, row["id"], 1_000, after)
    open_line(db, day=after)
    taken = export(db, place, END, hours=12)
    assert isinstance(taken, Snapshot), taken
    assert taken.manifest.totals == {"CNY": then}
    assert taken.manifest.files["line"].rows == 2


def test_identifiers_leave_as_keyed_hashes_and_nothing_else_does(
    db: Database, place: Lake, two_days: list[Snapshot]
):
    with db.transaction() as tx:
        lines = {str(row["id"]) for row in tx.conn.execute("SELECT id FROM lines.line").fetchall()}
        known = {str(row["id"]) for row in tx.conn.execute("SELECT id FROM billing.plan").fetchall()} | lines
    wanted = {hmac.new(place.key, line.encode(), hashlib.sha256).hexdigest()[:24] for line in lines}
    found = lake.read(two_days[0], "SELECT line_id FROM line")
    assert not isinstance(found, Refusal)
    assert {row[0] for row in found[1]} == wanted
    for table in lake.TABLES:
        names = duckdb.execute(f"DESCRIBE FROM '{two_days[0].path(table)}'").fetchall()
        assert not {name for name, *_ in names} & {"name", "phone", "reference", "email", "facts"}
        cells = duckdb.execute(f"SELECT * FROM '{two_days[0].path(table)}'").fetchall()
        assert not {cell for row in cells for cell in row if isinstance(cell, str)} & known


def test_a_snapshot_that_does_not_agree_with_the_ledger_is_refused(
    db: Database, place: Lake, two_days: list[Snapshot]
):
    day = END + timedelta(days=2)
    sealed(db, day)
    with db.transaction() as tx:  # as only a superuser at the prompt could
        tx.conn.execute("RESET ROLE")
        tx.conn.execute("ALTER TABLE billing.settlement DISABLE TRIGGER ALL")
        tx.conn.execute("DELETE FROM billing.settlement WHERE component = 'principal' AND kind = 'refund'")
        tx.conn.execute("ALTER TABLE billing.settlement ENABLE TRIGGER ALL")
    refused = export(db, place, day)
    assert isinstance(refused, Refusal)
    assert refused.code == "lake.totals_differ"
    assert (refused.facts["part"], refused.facts["currency"]) == ("principal", "CNY")
    assert int(refused.facts["lake_minor"]) - int(refused.facts["ledger_minor"]) == 4_000
    served = lake.newest(place, day)
    assert isinstance(served, Snapshot)
    assert served.day == END + timedelta(days=1)
    assert [path.name for path in place.folder.iterdir() if path.name.startswith(".")] == []
    with db.transaction() as tx:
        kinds = [row["kind"] for row in journal_after(tx, 0, 1_000)]
    assert kinds[-1] == "lake.snapshot_refused"


def test_a_snapshot_that_was_cut_off_is_not_there(
    db: Database, place: Lake, two_days: list[Snapshot], monkeypatch: pytest.MonkeyPatch
):
    day = END + timedelta(days=2)
    sealed(db, day)

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files, "put", cut)
        with pytest.raises(KeyboardInterrupt):
            export(db, place, day)
    served = lake.newest(place, day)
    assert isinstance(served, Snapshot)
    assert served.day < day
    again = export(db, place, day)
    assert isinstance(again, Snapshot)
    assert again.fresh


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        ("short", "lake.cut_off"),
        ("gone", "lake.cut_off"),
        ("no manifest", "lake.cut_off"),
        ("half a manifest", "lake.cut_off"),
        ("changed", "lake.changed"),
        ("another schema", "lake.schema_unknown"),
    ],
)
def test_what_is_broken_is_named_and_the_day_before_is_served(
    db: Database, place: Lake, two_days: list[Snapshot], harm: str, code: str
):
    yesterday, today = two_days
    path, manifest = today.path("instalment"), today.folder / "manifest.json"
    raw = path.read_bytes()
    match harm:
        case "short":
            path.write_bytes(raw[: len(raw) // 2])
        case "gone":
            path.unlink()
        case "no manifest":
            manifest.unlink()
        case "half a manifest":
            manifest.write_bytes(manifest.read_bytes()[:40])
        case "changed":
            middle = len(raw) // 2
            path.write_bytes(raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :])
        case _:
            manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema_version": 99}))
    served = lake.newest(place, today.day)
    assert isinstance(served, Snapshot)
    assert served.day == yesterday.day
    assert served.instead_of
    assert (served.instead_of.code, served.instead_of.facts["day"]) == (code, str(today.day))
    _, faults = lake.verify(place)
    assert [(fault.day, fault.code) for fault in faults] == [(today.day, code)]
    mended = export(db, place, today.day)
    assert isinstance(mended, Snapshot)
    assert mended.fresh
    assert lake.verify(place)[1] == []


def test_a_day_that_is_missing_is_named_and_can_be_taken_later(
    db: Database, place: Lake, two_days: list[Snapshot]
):
    last = END + timedelta(days=3)
    for step in (2, 3):
        sealed(db, END + timedelta(days=step))
    assert isinstance(export(db, place, last), Snapshot)
    _, faults = lake.verify(place)
    assert [(f.day, f.code) for f in faults] == [(END + timedelta(days=2), "lake.day_missing")]
    served = lake.newest(place, END + timedelta(days=2))
    assert isinstance(served, Snapshot)
    assert served.day == END + timedelta(days=1)
    assert served.instead_of == Refusal("lake.day_missing", {"day": str(END + timedelta(days=2))})
    assert isinstance(export(db, place, END + timedelta(days=2), hours=48), Snapshot)
    assert lake.verify(place)[1] == []


def test_a_clock_that_went_back_takes_no_snapshot(db: Database, place: Lake, two_days: list[Snapshot]):
    sealed(db, END + timedelta(days=2))
    refused = export(db, place, END + timedelta(days=2), hours=-30)
    assert isinstance(refused, Refusal)
    assert refused.code == "lake.clock_backwards"
    served = lake.newest(place, END + timedelta(days=2))
    assert isinstance(served, Snapshot)
    assert served.day == END + timedelta(days=1)
    assert served.instead_of


def test_a_day_that_is_not_sealed_has_no_snapshot(db: Database, place: Lake):
    open_line(db)
    refused = export(db, place, END)
    assert isinstance(refused, Refusal)
    assert refused.code == "lake.day_not_sealed"
    empty = lake.newest(place)
    assert isinstance(empty, Refusal)
    assert empty.code == "lake.empty"


def test_a_day_that_is_there_is_kept(db: Database, place: Lake, two_days: list[Snapshot]):
    before = two_days[1].path("line").stat().st_mtime_ns
    again = export(db, place, two_days[1].day)
    assert isinstance(again, Snapshot)
    assert not again.fresh
    assert again.path("line").stat().st_mtime_ns == before


def test_a_query_reads_of_the_files_only_what_it_asks_for(two_days: list[Snapshot]):
    # Of every table but one what stands before the footer is spoilt: whoever loaded it would fail.
    for table in set(lake.TABLES) - {"line"}:
        path = two_days[0].path(table)
        whole = path.read_bytes()
        footer = int.from_bytes(whole[-8:-4], "little") + 8
        path.write_bytes(bytes(len(whole) - footer) + whole[-footer:])
    told = lake.read(two_days[0], "SELECT count(*) AS n, sum(limit_minor) > 0 AS more FROM line")
    assert not isinstance(told, Refusal), told
    assert told[0] == ["n", "more"]
    assert told[1][0][1]
    spoilt = lake.read(two_days[0], "SELECT sum(amount_minor) FROM settlement")
    assert isinstance(spoilt, Refusal)


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE line",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY line TO '/tmp/stolen'",
        "SELECT * FROM nothing",
        "ATTACH '/tmp/x.db'",
    ],
)
def test_a_query_reads_the_snapshot_and_nothing_else(
    db: Database, place: Lake, two_days: list[Snapshot], sql: str
):
    refused = lake.read(two_days[0], sql)
    assert isinstance(refused, Refusal)
    assert refused.code == "lake.query_invalid"
