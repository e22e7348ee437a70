"""The same expressions on a real Spark Connect server give the same figures."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from portfolio.conftest import Kept

from whiteslip import portfolio
from whiteslip.base import Refusal
from whiteslip.lake import Lake
from whiteslip.portfolio import engine
from whiteslip.portfolio.engine import EngineError

# Installed by ``make spark``; the suite alone does without, for a JVM takes longer than most of it.
_FOUND = importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None
_PATIENCE_SECONDS = 240

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")
needs_spark = pytest.mark.skipif(not _FOUND, reason="pyspark or Java is not here: make spark")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    spec = importlib.util.find_spec("pyspark")
    assert spec
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
        # Code generation and plans that adapt pay for millions of rows, not for ten lines.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.adaptive.enabled": "false",
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
def test_spark_and_duckdb_agree_to_the_last_minor_unit(varied: Kept, place: Lake, spark: str):
    shutil.copytree(varied.place.folder, place.folder)
    here = portfolio.compute_all(place)
    there = portfolio.compute_all(place, engine=spark)
    assert not isinstance(here, Refusal)
    assert not isinstance(there, Refusal)
    for ours, theirs in zip(here, there, strict=True):
        assert ours.columns == theirs.columns, ours.measure
        assert len(ours.rows) == len(theirs.rows) > 0, ours.measure
        for left, right in zip(ours.rows, theirs.rows, strict=True):
            for a, b in zip(left, right, strict=True):
                same = abs(a - b) < 1e-12 if isinstance(a, float) and isinstance(b, float) else a == b
                assert same, (ours.measure, left, right)


def test_an_engine_that_is_none_is_named():
    with pytest.raises(EngineError, match="sc://host:port"), engine.opened("spark://here"):
        pass
