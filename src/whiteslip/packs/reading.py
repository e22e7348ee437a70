"""Read packs from their data files."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from whiteslip.packs.calendars import CalendarName
from whiteslip.packs.model import Pack, PackError, Parameter, Unit

BASE: Final = "base"
_DATA: Final = Path(__file__).with_name("data")


def names() -> list[str]:
    """The packs that ship, ``base`` included."""
    return sorted(path.stem for path in _DATA.glob("*.toml"))


@functools.cache
def load(name: str) -> Pack:
    """A pack by name, its gaps filled from ``base``. Raises PackError for one that does not exist."""
    if name not in names():
        raise PackError(f"there is no pack {name!r}; there are: {', '.join(names())}")
    return _pack(name, raw_pack(name))


def read(file: Path) -> Pack:
    """A pack of one's own, its gaps filled from ``base``; ``checking.check`` has found no fault in it."""
    return _pack(file.stem, tomllib.loads(file.read_text("utf-8")))


def _pack(name: str, raw: Mapping[str, Any]) -> Pack:
    parameters = _parameters(BASE, raw_pack(BASE))
    if name != BASE:
        # Nobody looked up in this country's law what it only has from base.
        parameters = {key: replace(one, verified=False) for key, one in parameters.items()}
    return Pack(
        name=name,
        title=raw["title"],
        currency=raw["currency"],
        timezone=raw["timezone"],
        calendar_name=CalendarName(raw["calendar"]),
        parameters=parameters | _parameters(name, raw),
        terms=raw["terms"],
        holidays=frozenset(raw.get("holidays", [])),
        workdays=frozenset(raw.get("workdays", [])),
        country=raw.get("country", ""),
    )


def raw_pack(name: str) -> dict[str, Any]:
    """A pack's file as it is written, before anybody looked whether it is well-formed."""
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
