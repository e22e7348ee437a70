"""The same expressions on a real Spark Connect server give the same figures."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from worlds import DAY, TIMEZONE, buy, nights, open_line, pay

from whiteslip import lake, portfolio
from whiteslip.base import Refusal, end_of_day
from whiteslip.lake import Lake, Snapshot
from whiteslip.ledger.acts import seal
from whiteslip.portfolio import engine
from whiteslip.portfolio.engine import EngineError
from whiteslip.store import Database

_FOUND = importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None
_WANTED = os.environ.get("CI") == "true"
_PATIENCE_SECONDS = 240

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")
needs_spark = pytest.mark.skipif(not (_FOUND or _WANTED), reason="Spark is not here: make .venv/spark")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    spec = importlib.util.find_spec("pyspark")
    assert spec, "pyspark is wanted in CI: make .venv/spark"
    assert spec.origin
    home, logs = Path(spec.origin).parent, tmp_path_factory.mktemp("spark")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "spark.connect.grpc.binding.port": port,
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": 1,
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": logs / "warehouse",
    }
    given = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    command = [
        home / "bin" / "spark-submit", "--master", "local[2]", *given,
        "--class", "org.apache.spark.sql.connect.service.SparkConnectServer",
    ]  # fmt: skip
    with (logs / "log").open("w") as log:
        running = subprocess.Popen(
            [str(part) for part in command],
            cwd=logs, stdout=log, stderr=log, env=os.environ | {"SPARK_HOME": str(home)},
        )  # fmt: skip
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < until, (logs / "log").read_text()[-2_000:]
                assert running.poll() is None, (logs / "log").read_text()[-2_000:]
                time.sleep(0.2)
        yield f"sc://127.0.0.1:{port}"
        running.terminate()
        running.wait(60)


@needs_spark
def test_spark_and_duckdb_agree_to_the_last_minor_unit(a_lake: Lake, server: str):
    here = portfolio.compute_all(a_lake)
    there = portfolio.compute_all(a_lake, engine=server)
    assert not isinstance(here, Refusal)
    assert not isinstance(there, Refusal)
    for ours, theirs in zip(here, there, strict=True):
        assert ours.columns == theirs.columns, ours.measure
        assert len(ours.rows) == len(theirs.rows) > 0, ours.measure
        for left, right in zip(ours.rows, theirs.rows, strict=True):
            for a, b in zip(left, right, strict=True):
                same = abs(a - b) < 1e-12 if isinstance(a, float) and isinstance(b, float) else a == b
                assert same, (ours.measure, left, right)


@pytest.fixture
def a_lake(db: Database, tmp_path: Path) -> Lake:
    place, end = Lake(tmp_path / "lake", bytes(32)), date(2026, 4, 30)
    first, second = open_line(db), open_line(db, limit_minor=90_000)
    buy(db, first, 60_001, 6)
    buy(db, second, 30_001, 3)
    nights(db, DAY, date(2026, 2, 20))
    pay(db, first, 12_345, date(2026, 2, 21))
    nights(db, date(2026, 2, 21), end)
    with db.transaction() as tx:
        seal(tx, end, end_of_day(end, TIMEZONE))
    until = end_of_day(end, TIMEZONE)
    assert isinstance(lake.export(db, place, end, until, TIMEZONE, until), Snapshot)
    return place


def test_an_engine_that_is_none_is_named():
    with pytest.raises(EngineError, match="sc://host:port"), engine.opened("spark://here"):
        pass
