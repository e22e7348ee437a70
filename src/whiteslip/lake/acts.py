"""Take a snapshot, find the one to answer from, look at all of them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from whiteslip.base import Refusal
from whiteslip.base.later import Later
from whiteslip.lake import files
from whiteslip.lake.model import SCHEMA_VERSION, TOTALS, Fault, Lake, Manifest, Snapshot, Totals
from whiteslip.lake.store import reading
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.store import Database, Entry

duckdb: Any = Later("duckdb")
adbc_driver_manager: Any = Later("adbc_driver_manager")

_UNDER_WAY: Final = ".writing-"
_PASSED_OVER: Final = "passed-over.txt"
# A day is no entity of its own: this names it in the journal.
_DAYS: Final = UUID("6f9f0a3e-6f1c-5c57-9d3c-0a5d2c1f6f10")


def export(
    database: Database, lake: Lake, day: date, until: datetime, timezone: str, now: datetime
) -> Snapshot | Refusal:
    """Snapshot the books as they stood at ``until``, the end of ``day``, and check them by the ledger.

    A day that has a whole snapshot keeps it. What is there broken is replaced. Refusals:
    ``lake.day_not_sealed``, ``lake.clock_backwards``, ``lake.totals_differ``, ``lake.write_failed``.
    """
    with database.transaction() as tx:
        last = last_sealed_day(tx)
    if last is None or day > last:
        return Refusal("lake.day_not_sealed", {"day": day.isoformat()})
    found = files.look(lake.place(day), day)
    if isinstance(found, Snapshot):
        return found
    newest_known = newest(lake)
    if isinstance(newest_known, Snapshot) and newest_known.manifest.taken_at > now:
        taken = newest_known.manifest.taken_at.isoformat()
        refusal = Refusal("lake.clock_backwards", {"at": now.isoformat(), "taken_at": taken})
        return _told(database, day, refusal, now)
    try:
        answer = _write(database, lake, day, until, timezone, now)
    except (OSError, duckdb.Error, adbc_driver_manager.Error) as error:
        answer = Refusal("lake.write_failed", {"day": day.isoformat(), "fault": type(error).__name__})
    return _told(database, day, answer, now)


def _write(
    database: Database, lake: Lake, day: date, until: datetime, timezone: str, now: datetime
) -> Snapshot | Refusal:
    lake.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = lake.folder / f"{_UNDER_WAY}{day.isoformat()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    with reading(database.url, day, until, timezone) as reader:
        written = files.write(reader, folder, lake.key)
        live = reader.totals()
    counted = files.totals(folder, day)
    if differing := _difference(live, counted):
        shutil.rmtree(folder)
        return Refusal("lake.totals_differ", {"day": day.isoformat(), **differing})
    manifest = Manifest(SCHEMA_VERSION, day, now, written, {c: dict(t) for c, t in counted.items()})
    files.put(folder, lake.place(day), manifest)
    return Snapshot(lake.place(day), manifest, fresh=True)


def _difference(live: Totals, counted: Totals) -> dict[str, str | int] | None:
    """The first sum on which the books and the files differ."""
    for currency in sorted({*live, *counted}):
        for name in TOTALS:
            booked, found = live.get(currency, {}).get(name, 0), counted.get(currency, {}).get(name, 0)
            if booked != found:
                return {"currency": currency, "part": name, "ledger_minor": booked, "lake_minor": found}
    return None


def _told(database: Database, day: date, answer: Snapshot | Refusal, now: datetime) -> Snapshot | Refusal:
    """Write in the journal what came of it: a refused snapshot is somebody's work."""
    subject = uuid5(_DAYS, day.isoformat())
    with database.transaction() as tx:
        if isinstance(answer, Refusal):
            data = {"day": day, "code": answer.code, **answer.facts}
            tx.record(Entry(now, "lake.snapshot_refused", "day", subject, "system", data))
        else:
            rows = {name: file.rows for name, file in answer.manifest.files.items()}
            data = {"day": day, "rows": rows, "totals": answer.manifest.totals}
            tx.record(Entry(now, "lake.snapshot_taken", "day", subject, "system", data))
    return answer


def _days(lake: Lake) -> list[date]:
    """The days that have a folder, newest first."""
    names = [path.name.removeprefix("day=") for path in lake.folder.glob("day=*") if path.is_dir()]
    return sorted((date.fromisoformat(name) for name in names), reverse=True)


def newest(lake: Lake, as_of: date | None = None) -> Snapshot | Refusal:
    """The newest whole snapshot, of ``as_of`` or before. One that stands in for a day that cannot be
    served says why in ``instead_of``.

    Refusal: ``lake.empty``, or why the only candidates cannot be served.
    """
    days = [day for day in _days(lake) if as_of is None or day <= as_of]
    wanted = {"day": as_of.isoformat()} if as_of else {}
    missing = Refusal("lake.day_missing", wanted) if as_of and as_of not in days else None
    broken: Refusal | None = None
    for day in days:
        found = files.look(lake.place(day), day)
        if isinstance(found, Snapshot):
            return replace(found, instead_of=missing or broken)
        broken = broken or found
    return broken or Refusal("lake.empty", wanted)


def pass_over(lake: Lake, day: date) -> None:
    """Note that a night left no snapshot on purpose, so that the day is not missing."""
    lake.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (lake.folder / _PASSED_OVER).open("a") as file:
        file.write(f"{day.isoformat()}\n")


def _passed_over(lake: Lake) -> set[date]:
    try:
        lines = (lake.folder / _PASSED_OVER).read_text().splitlines()
    except FileNotFoundError:
        return set()
    return {date.fromisoformat(line) for line in lines}


def verify(lake: Lake) -> tuple[list[Snapshot], list[Fault]]:
    """Look at every snapshot byte by byte and add it up again; a day missing between two is a fault."""
    sound, faults = list[Snapshot](), list[Fault]()
    days = _days(lake)
    for day in days:
        found = files.look(lake.place(day), day)
        if isinstance(found, Refusal):
            faults.append(
                Fault(day, found.code, str(found.facts.get("file", found.facts.get("version", ""))))
            )
        elif files.totals(found.folder, found.day) != found.manifest.totals:
            faults.append(Fault(day, "lake.totals_differ"))
        else:
            sound.append(found)
    if days:
        span = (days[0] - days[-1]).days
        missing = {days[-1] + timedelta(days=n) for n in range(span)} - set(days) - _passed_over(lake)
        faults += [Fault(day, "lake.day_missing") for day in sorted(missing)]
    return sound, sorted(faults, key=lambda fault: fault.day)
