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

_PATIENCE_SECONDS = 240
# Ten lines, not ten million: what Spark does to be fast later costs most of the time here. So one core, one
# partition, plans as they are written, nothing compiled to Java, and Java's first compiler alone.
_SETTINGS = {
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.artifact.isolation.enabled": "false",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.inMemoryColumnarStorage.compressed": "false",
    "spark.sql.lightweightPlanChangeValidation": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.ui.enabled": "false",
}
_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss4m"

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")


def _home() -> Path:
    """Where pyspark is. Where it or Java is missing the test is skipped, but not in CI."""
    spec, java = importlib.util.find_spec("pyspark"), shutil.which("java")
    if spec and spec.origin and java:
        return Path(spec.origin).parent
    missing = "Java is missing: install Debian's default-jre-headless" if spec else "pyspark is missing"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"{missing}; make spark does it")
    pytest.skip(f"{missing}; make spark does it")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Spark Connect server out of PyPI's pyspark."""
    home, logs = _home(), tmp_path_factory.mktemp("spark")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = _SETTINGS | {
        "spark.connect.grpc.binding.port": str(port),
        "spark.local.dir": str(logs / "scratch"),
        "spark.sql.warehouse.dir": str(logs / "warehouse"),
    }
    given = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    command = [
        home / "bin" / "spark-submit", "--master", "local[1]", "--driver-java-options", _JAVA, *given,
        "--class", "org.apache.spark.sql.connect.service.SparkConnectServer",
    ]  # fmt: skip
    with (logs / "log").open("w") as log:
        running = subprocess.Popen(
            [str(part) for part in command],
            cwd=logs, stdout=log, stderr=log, env=os.environ | {"SPARK_HOME": str(home)},
        )  # fmt: skip
        try:
            _wait(port, running, logs / "log")
            yield f"sc://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(60)


def _wait(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server answers."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, log.read_text()[-2_000:]
            assert running.poll() is None, log.read_text()[-2_000:]
            time.sleep(0.2)
        else:
            return


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
