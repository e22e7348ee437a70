"""Duties: what a lender owes, and which feature and which tests serve it."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

_FILE: Final = Path(__file__).with_name("duties.toml")
_FIELDS: Final = {"sentence", "law", "features", "tests"}
_ID: Final = re.compile(r"[a-z]+(-[a-z]+)*")
_TEST: Final = re.compile(r"tests/[a-z_/]+\.py::test_[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Duty:
    """What a lender owes to a customer who leaves.

    ``features`` are rooms and pages below ``src/whiteslip``, ``tests`` what holds them to the duty.
    A duty without tests says in ``planned`` what is to come. A duty that is served is no statement
    that whoever runs Whiteslip complies with the law.
    """

    id: str
    sentence: str
    law: str
    features: tuple[str, ...]
    tests: tuple[str, ...]
    planned: str = ""


@functools.cache
def duties() -> Mapping[str, Duty]:
    """All duties by id, in the order of the file."""
    return MappingProxyType(
        {
            name: Duty(
                name,
                entry["sentence"],
                entry["law"],
                tuple(entry["features"]),
                tuple(entry["tests"]),
                entry.get("planned", ""),
            )
            for name, entry in raw_duties().items()
        }
    )


def raw_duties() -> dict[str, Any]:
    """The file as it is written, before anybody looked whether it is well-formed."""
    return tomllib.loads(_FILE.read_text("utf-8"))


def duty_faults(raw: Mapping[str, Any], used: set[str]) -> list[str]:
    """Faults of the duties in words; ``used`` are the ids that parameters name."""
    faults = [f"{name} {fault}" for name, entry in raw.items() for fault in _faults(name, entry)]
    faults += [f"{name} is served by no parameter" for name in raw if name not in used]
    return [f"duties: {fault}" for fault in faults]


def _faults(name: str, entry: Mapping[str, Any]) -> list[str]:
    if set(entry) - {"planned"} != _FIELDS:
        return [f"has {sorted(entry)}, not {sorted(_FIELDS)} and perhaps planned"]
    faults: list[str] = []
    if not _ID.fullmatch(name):
        faults.append("is no id of small letters and hyphens")
    if not entry["sentence"].endswith(".") or not entry["law"] or not entry["features"]:
        faults.append("lacks its sentence, its law or its features")
    if bool(entry["tests"]) == bool(entry.get("planned")):
        faults.append("has either tests or a plan, and not both")
    faults += [f"names {test!r}, which is no test" for test in entry["tests"] if not _TEST.fullmatch(test)]
    return faults
