"""From PostgreSQL to Arrow: one transaction, one moment, by ADBC."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from whiteslip.base import end_of_day
from whiteslip.base.calendar import months_before
from whiteslip.base.later import Later
from whiteslip.lake.model import Totals
from whiteslip.store import load_queries

dbapi: Any = Later("adbc_driver_postgresql.dbapi")

_queries = load_queries(__file__)
_ZONE: Final = re.compile(r"[A-Za-z0-9_+/-]+")
_PARAMETER: Final = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Reader:
    """A read-only transaction. ``given`` are the parameters as SQL."""

    cursor: Any
    given: Mapping[str, str]

    def table(self, name: str) -> Any:
        """A table's Arrow record batches, as they arrive."""
        self.cursor.execute(self.text(name))
        return self.cursor.fetch_record_batch()

    def totals(self) -> Totals:
        """What the files must add up to, by currency: the ledger's balances with obligors, and the scores."""
        self.cursor.execute(self.text("ledger_totals"))
        totals: dict[str, dict[str, int]] = {}
        for currency, code, net_debit, held in self.cursor.fetchall():
            component = code.removeprefix("line.")
            found = totals.setdefault(currency, {})
            found[component] = -net_debit if component == "credit" else net_debit
            if component == "principal":
                found["held"] = held
        self.cursor.execute(self.text("score_totals"))
        for currency, lines, pd_ppm in self.cursor.fetchall():
            totals[currency] |= {"scored_lines": lines, "pd_ppm": pd_ppm}
        return totals

    def text(self, name: str) -> str:
        """A query as it is run, with what is given written into it."""
        return _PARAMETER.sub(lambda found: self.given[found[1]], getattr(_queries, name).sql)


@contextmanager
def reading(url: str, day: date, until: datetime, timezone: str) -> Generator[Reader]:
    """One moment of the database, as of the end of ``day``."""
    if not _ZONE.fullmatch(timezone):
        raise ValueError("not the name of a time zone")
    before = months_before(day, 1)
    given = {
        "day": f"DATE '{day}'",
        "until": f"TIMESTAMPTZ '{until.isoformat()}'",
        "day_before": f"DATE '{before}'",
        "until_before": f"TIMESTAMPTZ '{end_of_day(before, timezone).isoformat()}'",
        "timezone": f"'{timezone}'",
    }
    with dbapi.connect(url) as conn, conn.cursor() as cursor:
        # The driver opens a transaction by itself; this is its first statement.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET LOCAL jit = off")
        yield Reader(cursor, given)
