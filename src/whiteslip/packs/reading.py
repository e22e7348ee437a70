"""Read packs from their data files."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from zoneinfo import available_timezones

from whiteslip.base.money import MINOR_DIGITS
from whiteslip.packs.calendars import CALENDARS
from whiteslip.packs.model import Pack, PackError, Parameter, Unit

BASE: Final = "base"
_DATA: Final = Path(__file__).with_name("data")
_FIELDS: Final = {"value", "unit", "source", "verified", "duty"}
_WHOLE: Final = ("title", "currency", "timezone", "terms")
_TERMS: Final = ("due_days", "late_fee_minor", "late_fee_grace_days")
_PRODUCT: Final = ("instalments", "monthly_fee_bps", "apr_bps")


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
        calendar=CALENDARS[raw["calendar"]](),
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
    faults = [f"{key} is missing" for key in _WHOLE if key not in raw]
    if raw.get("currency") not in MINOR_DIGITS:
        faults.append(f"currency {raw.get('currency')!r} is unknown")
    if raw.get("timezone") not in available_timezones():
        faults.append(f"timezone {raw.get('timezone')!r} is unknown")
    faults += _terms_faults(raw.get("terms", {}))
    for group, entries in raw.get("parameters", {}).items():
        for short, entry in entries.items():
            found = _entry_faults(entry, known.get(group, {}).get(short))
            faults += [f"{group}.{short} {fault}" for fault in found]
    if raw.get("calendar") not in CALENDARS:
        faults.append(f"calendar {raw.get('calendar')!r} is unknown; there are: {', '.join(CALENDARS)}")
    return [f"{name}: {fault}" for fault in faults]


def _entry_faults(entry: Mapping[str, Any], base: Mapping[str, Any] | None) -> list[str]:
    """What is wrong with one parameter; ``base`` is the one of that key in the neutral pack."""
    if set(entry) != _FIELDS:
        return [f"has {sorted(entry)}, not {sorted(_FIELDS)}"]
    faults: list[str] = []
    value, unit = entry["value"], entry["unit"]
    if unit not in list(Unit):
        faults.append(f"is in {unit!r}, which is no unit")
    if unit == Unit.TEXT and not (type(value) is str and value):
        faults.append(f"is {value!r}, not a text")
    if unit != Unit.TEXT and not _counts(value):
        faults.append(f"is {value!r}, not a whole number from 0")
    if type(entry["verified"]) is not bool:
        faults.append("does not say true or false about verified")
    if not entry["source"] or not entry["duty"]:
        faults.append("names no source or no duty")
    if base is None:
        faults.append(f"is not in {BASE}, so other packs would lack it")
    elif base["unit"] != unit:
        faults.append(f"has another unit than in {BASE}")
    return faults


def _terms_faults(terms: Mapping[str, Any]) -> list[str]:
    products = terms.get("products", [])
    faults = [f"terms.{key} is no whole number from 0" for key in _TERMS if not _counts(terms.get(key))]
    if not products:
        faults.append("terms offer no product")
    for product in products:
        faults += [
            f"a product's {key} is no whole number from 0"
            for key in _PRODUCT
            if not _counts(product.get(key))
        ]
    return faults


def _counts(value: object) -> bool:
    return type(value) is int and value >= 0
