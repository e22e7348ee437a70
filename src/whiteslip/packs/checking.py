"""Say what is wrong with a pack, in words, before anybody lends by it."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, cast
from zoneinfo import available_timezones

from phonenumbers import SUPPORTED_REGIONS

from whiteslip.base.money import MINOR_DIGITS
from whiteslip.packs.calendars import CalendarName
from whiteslip.packs.costs import too_dear
from whiteslip.packs.deferral import goes_beyond
from whiteslip.packs.duties import duty_faults, raw_duties
from whiteslip.packs.model import Unit
from whiteslip.packs.reading import BASE, names, raw_pack

# What a law may put in a unit of its own, where the parameter's name says none.
_TIMES: Final = ("days", "business_days", "months", "years")
_FIELDS: Final = {"value", "unit", "source", "verified", "duty"}
_WHOLE: Final = ("title", "currency", "timezone", "calendar", "terms")
_KNOWN: Final = {*_WHOLE, "country", "holidays", "workdays", "parameters"}
_TERMS: Final = ("due_days", "late_fee_minor", "late_fee_grace_days")
# Told so that nobody sets it: who has left applies again at once.
_NO_WAIT: Final = "exit.return_wait_days"
_CAP: Final = "line.yearly_cost_bps"
_LONGEST: Final = "exit.longest_notice_months"
_DEFERRED: Final = ("deferred.most_instalments", "deferred.most_months")
_PRODUCT: Final = ("instalments", "monthly_fee_bps", "apr_bps")


def check(file: Path | None = None) -> list[str]:
    """Faults of the packs that ship and their duties, or of one ``file``, in words.

    None when every number has its unit, its source and a duty that exists, and when every duty is
    served. Raises OSError for a file that cannot be read.
    """
    duties, known = raw_duties(), raw_pack(BASE)
    if file is not None:
        try:
            raw = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            return [f"{file.stem}: is no TOML: {error}"]
        return _faults(file.stem, raw, known, list(duties))
    packs = {name: raw_pack(name) for name in names()}
    faults = [fault for name, raw in packs.items() for fault in _faults(name, raw, known, list(duties))]
    used = {str(entry.get("duty")) for raw in packs.values() for _, entry in _entries(raw)}
    return faults + duty_faults(duties, used)


def _faults(name: str, raw: Mapping[str, Any], base: Mapping[str, Any], duties: Collection[str]) -> list[str]:
    faults = [f"{key} is missing" for key in _WHOLE if key not in raw]
    faults += [f"{key} is nothing that a pack says" for key in raw if key not in _KNOWN]
    if raw.get("currency") not in list(MINOR_DIGITS):
        faults.append(f"currency {raw.get('currency')!r} is unknown")
    country = raw.get("country", "")
    if country not in ("", *SUPPORTED_REGIONS):
        faults.append(f"country {country!r} is unknown")
    if raw.get("timezone") not in list(available_timezones()):
        faults.append(f"timezone {raw.get('timezone')!r} is unknown")
    if raw.get("calendar") not in list(CalendarName):
        faults.append(f"calendar {raw.get('calendar')!r} is none of {', '.join(CalendarName)}")
    faults += _terms_faults(_table(raw.get("terms")))
    known = dict(_entries(base))
    for key, entry in _entries(raw):
        faults += [f"{key} {fault}" for fault in _entry_faults(key, entry, known.get(key), duties)]
        if key == _NO_WAIT and entry.get("value"):
            faults.append(f"{key} has who left wait, and nobody waits to come back")
    for key in ("holidays", "workdays"):
        faults += [f"{key} holds {day!r}" for day in _list(raw.get(key)) if type(day) is not date]
    if not faults:
        longest = (dict(_entries(raw)).get(_LONGEST) or known.get(_LONGEST) or {}).get("value", 0)
        asked = raw["terms"].get("notice_months", 0)
        if not _counts(asked) or asked > longest:
            faults.append(f"terms ask who leaves for {asked!r} months of notice: {_LONGEST} is {longest}")
        cap = (dict(_entries(raw)).get(_CAP) or known.get(_CAP) or {}).get("value")
        dear = too_dear(raw["terms"], cap) if cap is not None else []
        faults += [f"terms cost more than {_CAP}: {each}" for each in dear]
        faults += _beyond(raw, known)
    return [f"{name}: {fault}" for fault in faults]


def _beyond(raw: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Products that are more than the deferred payment credit a pack says its terms are, in words."""
    said = {**known, **dict(_entries(raw))}
    most = [said.get(key, {}).get("value", 0) for key in _DEFERRED]
    counts = [product["instalments"] for product in raw["terms"]["products"]]
    return [
        f"terms go beyond deferred payment credit: {count} instalments"
        for count in counts
        if goes_beyond(count, raw["terms"]["due_days"], *most)
    ]


def _entries(raw: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Keys and fields of the parameters. What is no table has no field, which is a fault of its own."""
    for group, entries in _table(raw.get("parameters")).items():
        for short, entry in (_table(entries) or {"": entries}).items():
            yield f"{group}.{short}", _table(entry)


def _entry_faults(
    key: str, entry: Mapping[str, Any], base: Mapping[str, Any] | None, duties: Collection[str]
) -> list[str]:
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
    if not entry["source"]:
        faults.append("names no source")
    if entry["duty"] not in duties:
        faults.append(f"serves {entry['duty']!r}, which is no duty")
    if base is None:
        faults.append(f"is not in {BASE}, so other packs would lack it")
    elif base["unit"] != unit and not (_is_free(key) and {base["unit"], unit} <= set(_TIMES)):
        faults.append(f"has another unit than in {BASE}")
    return faults


def _is_free(key: str) -> bool:
    """Whether a parameter's name leaves its unit of time to each pack."""
    return not key.endswith(_TIMES)


def _terms_faults(terms: Mapping[str, Any]) -> list[str]:
    products = _list(terms.get("products"))
    faults = [f"terms.{key} is no whole number from 0" for key in _TERMS if not _counts(terms.get(key))]
    if not products:
        faults.append("terms offer no product")
    for product in products:
        faults += [
            f"a product's {key} is no whole number from 0"
            for key in _PRODUCT
            if not _counts(_table(product).get(key))
        ]
    return faults


def _table(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a table, else an empty one: a file may hold anything anywhere."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    """``value`` if it is a list, nothing if it is not there, else a list of it."""
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _counts(value: object) -> bool:
    return type(value) is int and value >= 0
