"""Snapshots without books behind them: what befell lines, written straight into the lake's files.

So a book can be worked out on paper, or drawn by lot, without a night being lived through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from random import Random
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as parquet

from whiteslip import lake
from whiteslip.lake import SCHEMA_VERSION, Lake, Manifest, files
from whiteslip.lake.model import File

_TEXT, _DAY, _MINOR, _SMALL = pa.string(), pa.date32(), pa.int64(), pa.int32()
_COLUMNS: Final[Mapping[str, Mapping[str, Any]]] = {
    "line": {
        "line_id": _TEXT, "customer_id": _TEXT, "pack": _TEXT, "currency": _TEXT, "opened_on": _DAY,
        "closed_on": _DAY, "limit_minor": _MINOR,
    },
    "plan": {
        "plan_id": _TEXT, "line_id": _TEXT, "merchant_id": _TEXT, "category": _TEXT, "kind": _TEXT,
        "opened_on": _DAY, "principal_minor": _MINOR, "rate_bps": _MINOR,
    },
    "instalment": {
        "line_id": _TEXT, "plan_id": _TEXT, "no": _SMALL, "opened_on": _DAY, "due_on": _DAY,
        "statement_on": _DAY, "charged_on": _DAY, "principal_minor": _MINOR, "interest_minor": _MINOR,
        "fee_minor": _MINOR,
    },
    "settlement": {
        "line_id": _TEXT, "plan_id": _TEXT, "no": _SMALL, "component": _TEXT, "kind": _TEXT, "on_day": _DAY,
        "counts_from": _DAY, "amount_minor": _MINOR,
    },
    "hardship": {
        "line_id": _TEXT, "plan_id": _TEXT, "agreed_on": _DAY, "frozen_days": _SMALL, "ended_on": _DAY,
    },
    "exit": {"exit_id": _TEXT, "line_id": _TEXT, "kind": _TEXT, "state": _TEXT, "stopped_on": _DAY},
    "score": {
        "line_id": _TEXT, "on_day": _DAY, "model": _TEXT, "model_version": _TEXT, "horizon_months": _SMALL,
        "scored_on": _DAY, "pd_ppm": _MINOR,
    },
    "lock": {"line_id": _TEXT, "set_on": _DAY, "lifted_on": _DAY},
    "dispute": {"line_id": _TEXT, "opened_on": _DAY, "settled_on": _DAY},
    "sale": {"line_id": _TEXT, "on_day": _DAY, "price_minor": _MINOR},
    "payment": {"payment_id": _TEXT},
    "decision": {"decision_id": _TEXT},
}  # fmt: skip


def _no_rows() -> dict[str, list[dict[str, Any]]]:
    return {name: [] for name in lake.TABLES}


@dataclass
class Lives:
    """Rows by table. Each verb is one thing that happened to a line."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=_no_rows)

    def line(self, name: str, opened: date, limit: int, currency: str = "CNY") -> None:
        """A line is opened."""
        row = {"line_id": name, "customer_id": f"of-{name}", "pack": "cn", "currency": currency}
        self.rows["line"].append(row | {"opened_on": opened, "limit_minor": limit, "closed_on": None})

    def buy(self, line: str, plan: str, on: date, minor: int, shop: str = "x", rate_bps: int = 0) -> None:
        """A purchase at a yearly rate; its instalments follow by ``bill``."""
        self.rows["plan"].append(
            {
                "plan_id": plan, "line_id": line, "merchant_id": shop, "category": "games",
                "kind": "purchase", "opened_on": on, "principal_minor": minor, "rate_bps": rate_bps,
            }
        )  # fmt: skip

    def bill(
        self, plan: str, no: int, minor: int, stated: date | None, due: date, interest: int = 0, fee: int = 0
    ) -> None:
        """An instalment of a purchase; interest and fee are owed from its statement on."""
        (bought,) = (row for row in self.rows["plan"] if row["plan_id"] == plan)
        self.rows["instalment"].append(
            {
                "line_id": bought["line_id"], "plan_id": plan, "no": no, "opened_on": bought["opened_on"],
                "due_on": due, "statement_on": stated, "charged_on": stated, "principal_minor": minor,
                "interest_minor": interest, "fee_minor": fee,
            }
        )  # fmt: skip

    def settle(
        self, plan: str, no: int, kind: str, on: date, minor: int, component: str = "principal"
    ) -> None:
        """Some of an instalment is paid, given back, or given up."""
        (bought,) = (row for row in self.rows["plan"] if row["plan_id"] == plan)
        self.rows["settlement"].append(
            {
                "line_id": bought["line_id"], "plan_id": plan, "no": no, "component": component, "kind": kind,
                "on_day": on, "counts_from": on, "amount_minor": minor,
            }
        )  # fmt: skip

    def sell(self, plan: str, no: int, on: date, minor: int, price: int) -> None:
        """Some of an instalment is sold for a price."""
        self.settle(plan, no, "sold", on, minor)
        line = next(row["line_id"] for row in self.rows["plan"] if row["plan_id"] == plan)
        self.rows["sale"].append({"line_id": line, "on_day": on, "price_minor": price})

    def got(self, currency: str) -> int:
        """What buyers paid for debts of a currency."""
        own = {row["line_id"] for row in self.rows["line"] if row["currency"] == currency}
        return sum(row["price_minor"] for row in self.rows["sale"] if row["line_id"] in own)

    def help(self, line: str, on: date, frozen: int) -> None:
        """A hardship plan is agreed."""
        row = {"line_id": line, "plan_id": f"help-{line}", "agreed_on": on, "frozen_days": frozen}
        self.rows["hardship"].append(row | {"ended_on": None})

    def score(self, line: str, on: date, pd_ppm: int, months: int | None = 12) -> None:
        """The behaviour model says on a night how likely a line defaults, within so many months."""
        row = {"line_id": line, "on_day": on, "model": "behaviour", "model_version": "0" * 12}
        self.rows["score"].append(row | {"horizon_months": months, "scored_on": on, "pd_ppm": pd_ppm})

    def lock(self, line: str, on: date, lifted: date | None = None) -> None:
        """All drawing is stopped, and allowed again if it is."""
        self.rows["lock"].append({"line_id": line, "set_on": on, "lifted_on": lifted})

    def dispute(self, line: str, on: date, settled: date | None = None) -> None:
        """Something of a line is disputed, and settled if it is."""
        self.rows["dispute"].append({"line_id": line, "opened_on": on, "settled_on": settled})

    def leave(self, line: str, stopped: date, closed: date | None = None, kind: str = "close") -> None:
        """Drawing stops for good, and the line closes if it does."""
        state = "closed" if closed else "run_off"
        row = {"exit_id": f"exit-{line}", "line_id": line, "kind": kind, "state": state}
        self.rows["exit"].append(row | {"stopped_on": stopped})
        (known,) = (row for row in self.rows["line"] if row["line_id"] == line)
        known["closed_on"] = closed

    def put(self, place: Lake, day: date, dice: Random | None = None) -> Lake:
        """As the snapshot of a day, its rows in the order of ``dice``."""
        folder, written = place.place(day), dict[str, File]()
        folder.mkdir(parents=True)
        for table in lake.TABLES:
            rows, path = list[Any](self.rows[table]), folder / f"{table}.parquet"
            if dice:
                dice.shuffle(rows)
            parquet.write_table(pa.Table.from_pylist(rows, pa.schema(list(_COLUMNS[table].items()))), path)
            written[table] = File(len(rows), path.stat().st_size, files.digest(path))
        manifest = Manifest(SCHEMA_VERSION, day, datetime.combine(day, datetime.min.time(), UTC), written, {})
        (folder / files.MANIFEST).write_bytes(msgspec.json.encode(manifest))
        return place

    def owed(self, day: date, currency: str) -> int:
        """What is owed at the end of a day, counted row by row."""
        lines = {row["line_id"] for row in self.rows["line"] if row["currency"] == currency}
        charged = {(i["plan_id"], i["no"]): i["charged_on"] for i in self.rows["instalment"]}
        put = sum(
            i["principal_minor"] + (i["charged_on"] is not None) * (i["interest_minor"] + i["fee_minor"])
            for i in self.rows["instalment"]
            if i["line_id"] in lines
        )
        taken = sum(
            s["amount_minor"]
            for s in self.rows["settlement"]
            if s["line_id"] in lines
            and s["counts_from"] <= day
            and (s["component"] == "principal" or charged[s["plan_id"], s["no"]])
        )
        return put - taken

    def settled(self, currency: str, kinds: Sequence[str]) -> int:
        """What was ever settled in these ways."""
        lines = {row["line_id"] for row in self.rows["line"] if row["currency"] == currency}
        return sum(
            s["amount_minor"] for s in self.rows["settlement"] if s["line_id"] in lines and s["kind"] in kinds
        )
