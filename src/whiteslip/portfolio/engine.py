"""Where expressions run: DuckDB inside this process, or a Spark Connect server."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from whiteslip.base.later import Later
from whiteslip.portfolio.model import Expression, Row, ibis

duckdb: Any = Later("duckdb")
_duckdb_compiler: Any = Later("ibis.backends.sql.compilers.duckdb")
_spark_compiler: Any = Later("ibis.backends.sql.compilers.pyspark")
_SPARK: Final = "sc://"
_TYPES: Final = {
    "VARCHAR": "string",
    "DATE": "date",
    "BIGINT": "int64",
    "INTEGER": "int32",
    "BOOLEAN": "boolean",
}


class EngineError(RuntimeError):
    """The engine cannot be reached or is not installed. Says what to do."""


@dataclass(frozen=True, slots=True)
class Engine:
    """DuckDB, and a Spark session if expressions run there; Spark must see the lake under the same path.

    Ibis's own Spark backend goes through data frames we do without: its compiler is all we need.
    """

    duck: Any
    spark: Any = None
    held: dict[str, Expression] = field(default_factory=dict[str, Expression])

    def table(self, path: Path) -> Expression:
        """A Parquet file as a table."""
        name, quoted = f"lake_{path.stem}", str(path).replace("'", "''")
        source = f"read_parquet('{quoted}', hive_partitioning = false)"
        described = self.duck.execute(f"DESCRIBE FROM {source}").fetchall()
        schema = {column: _TYPES[kind] for column, kind, *_ in described}
        if self.spark is None:
            self.duck.execute(f"CREATE TEMP VIEW {name} AS FROM {source}")
        else:
            self.spark.read.parquet(str(path)).createOrReplaceTempView(name)
        return ibis.table(schema, name=name)

    def hold(self, name: str, make: Callable[[], Expression]) -> Expression:
        """Compute what ``make`` expresses once, for all who build on it."""
        if name not in self.held:
            self.held[name] = self._hold(f"held_{name}", make())
        return self.held[name]

    def _hold(self, held: str, expression: Expression) -> Expression:
        sql = self._sql(expression)
        if self.spark is None:
            self.duck.execute(f"CREATE TEMP TABLE {held} AS {sql}")
        else:
            self.spark.sql(sql).createOrReplaceTempView(held)
            self.spark.catalog.cacheTable(held)
        return ibis.table(expression.schema(), name=held)

    def rows(self, expression: Expression) -> list[Row]:
        """The rows of an expression, by the engine's own cursor."""
        sql = self._sql(expression)
        if self.spark is not None:
            return [row.asDict() for row in self.spark.sql(sql).collect()]
        found = self.duck.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def _sql(self, expression: Expression) -> str:
        compiler: Any = (_duckdb_compiler if self.spark is None else _spark_compiler).compiler
        return compiler.to_sqlglot(expression).sql(dialect=compiler.dialect)


@contextmanager
def opened(address: str = "") -> Generator[Engine]:
    """The engine at ``address``: empty for DuckDB here, ``sc://host:port`` for Spark Connect."""
    if not address:
        duck = duckdb.connect()
        try:
            yield Engine(duck)
        finally:
            duck.close()
        return
    if not address.startswith(_SPARK):
        raise EngineError(f"WHITESLIP_LAKE_ENGINE is sc://host:port or empty, not {address!r}")
    try:
        sql: Any = importlib.import_module("pyspark.sql")
    except ImportError:
        raise EngineError("figures on Spark need pyspark[connect]; install it beside Whiteslip") from None
    session = sql.SparkSession.builder.remote(address).create()
    # What the backend would have registered; its compiler reads it.
    if ibis.options.pyspark is None:
        # The one option of Ibis's Spark compiler.
        options = type("_Compiling", (ibis.config.Config,), {"treat_nan_as_null": False})
        ibis.options.pyspark = options()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    duck = duckdb.connect()
    try:
        yield Engine(duck, session)
    finally:
        duck.close()
        session.stop()
