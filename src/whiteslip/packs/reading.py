"""Read packs from their data files."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from whiteslip.base import Calendar
from whiteslip.packs.model import Pack, PackError, Parameter, Unit

BASE: Final = "base"
_DATA: Final = Path(__file__).with_name("data")
_FIELDS: Final = {"value", "unit", "source", "verified", "duty"}


def names() -> list[str]:
    """The packs that ship, ``base`` included."""
    return sorted(path.stem for path in _DATA.glob("*.toml"))


@functools.cache
def load(name: str) -> Pack:
    """A pack by name, its gaps filled from ``base``. Raises PackError for one that does not exist."""
    if name not in names():
        raise PackError(f"there is no pack {name!r}; there are: {', '.join(names())}")
    raw = _read(name)
    parameters = _parameters(BASE, _read(BASE)) | _parameters(name, raw)
    return Pack(
        name=name,
        title=raw["title"],
        currency=raw["currency"],
        timezone=raw["timezone"],
        calendar=Calendar(
            holidays=frozenset(raw.get("holidays", [])), workdays=frozenset(raw.get("workdays", []))
        ),
        parameters=parameters,
        terms=raw["terms"],
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_DATA / f"{name}.toml").read_text("utf-8"))


def _parameters(pack: str, raw: Mapping[str, Any]) -> dict[str, Parameter]:
    return {
        f"{group}.{short}": Parameter(
            f"{group}.{short}",
            entry["value"],
            Unit(entry["unit"]),
            entry["source"],
            entry["verified"],
            entry["duty"],
            pack,
        )
        for group, entries in raw.get("parameters", {}).items()
        for short, entry in entries.items()
    }


def check() -> list[str]:
    """Faults of the packs in words; none when every number has its unit, source and duty."""
    known = _read(BASE)["parameters"]
    return [fault for name in names() for fault in _faults(name, _read(name), known)]


def _faults(name: str, raw: Mapping[str, Any], known: Mapping[str, Any]) -> list[str]:
    faults = [
        f"{name}: {key} is missing" for key in ("title", "currency", "timezone", "terms") if key not in raw
    ]
    if "timezone" in raw:
        ZoneInfo(raw["timezone"])
    for group, entries in raw.get("parameters", {}).items():
        for short, entry in entries.items():
            where = f"{name}: {group}.{short}"
            if set(entry) != _FIELDS:
                faults.append(f"{where} has {sorted(entry)}, not {sorted(_FIELDS)}")
                continue
            if entry["unit"] not in list(Unit):
                faults.append(f"{where} is in {entry['unit']!r}, which is no unit")
            if type(entry["value"]) is not int or entry["value"] < 0:
                faults.append(f"{where} is {entry['value']!r}, not a whole number from 0")
            if not entry["source"] or not entry["duty"]:
                faults.append(f"{where} names no source or no duty")
            if short not in known.get(group, {}):
                faults.append(f"{where} is not in {BASE}, so other packs would lack it")
            elif known[group][short]["unit"] != entry["unit"]:
                faults.append(f"{where} has another unit than in {BASE}")
    for key in ("holidays", "workdays"):
        faults += [f"{name}: {key} holds {day!r}" for day in raw.get(key, []) if type(day) is not date]
    return faults
