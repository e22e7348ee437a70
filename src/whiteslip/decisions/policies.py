"""The life of a policy: drafted, backtested, submitted, approved by somebody else, active, rolled back.

A version is its content: changing a draft makes another version. Steps are kept and journalled;
none is ever taken back, a rollback is one more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec

from whiteslip.base import Refusal
from whiteslip.decisions import lifecycle, store
from whiteslip.decisions.backtest import Backtest, Follow, backtest
from whiteslip.decisions.checks import table_faults
from whiteslip.decisions.faults import Fault
from whiteslip.decisions.lifecycle import Policy, PolicyStep, State, Step
from whiteslip.decisions.model import Table
from whiteslip.decisions.shape import shape_faults
from whiteslip.decisions.tables import Tables
from whiteslip.store import Entry, Tx

SOFTWARE: Final = "whiteslip"
LONGEST_NOTE: Final = 1000
_SHORTEST_START: Final = 4
_SPACE: Final = UUID("5c1f0f53-9b5e-5d7b-8a3e-0c6a2f1d9e47")
_KINDS: Final[dict[Step, str]] = {
    Step.DRAFTED: "policy.drafted",
    Step.BACKTESTED: "policy.backtested",
    Step.SUBMITTED: "policy.submitted",
    Step.APPROVED: "policy.approved",
    Step.RETURNED: "policy.returned",
    Step.INSTALLED: "policy.installed",
    Step.ACTIVATED: "policy.activated",
    Step.ROLLED_BACK: "policy.rolled_back",
}


def subject_of(name: str) -> UUID:
    """The id under which the journal knows table ``name``."""
    return uuid5(_SPACE, name)


def faults_of(table: Table) -> list[Fault]:
    """What is wrong with a version; empty when it may decide."""
    return shape_faults(table.content) or table_faults(table.content, table.contract)


def install(tx: Tx, tables: Tables, now: datetime) -> list[str]:
    """Put the shipped tables in force where nobody activated one of their own; returns what changed.

    Another version's own policy stays, moved to the new facts if it can be held to them; if not,
    the shipped one takes its place, because the old one could no longer decide.
    """
    changed: list[str] = []
    for name in tables.names:
        shipped = tables[name]
        store.lock(tx, name)
        last = lifecycle.in_force(_activations(tx, name), now)
        new = shipped
        if last and last.step is not Step.INSTALLED:
            kept = store.kept_version(tx, name, last.version)
            own = Table.of(name, kept.content, shipped.contract) if kept else shipped
            new = shipped if faults_of(own) else own
        if last is None or new.version != last.version:
            store.keep_version(tx, new, now)
            _step(tx, new.name, new.version, Step.INSTALLED, SOFTWARE, now, effective_at=now)
            changed.append(new.key)
    return changed


def draft(
    tx: Tx, tables: Tables, name: str, content: Mapping[str, Any], by: str, now: datetime, note: str = ""
) -> Policy | Refusal:
    """Keep a table as a draft; the same content is the same draft, whoever saves it first.

    It may be wrong in sense, not in form. Refusals: ``policy.not_found``, ``policy.malformed``,
    ``policy.unchanged``, ``policy.note_long``.
    """
    if name not in tables.names:
        return Refusal("policy.not_found")
    if len(note) > LONGEST_NOTE:
        return Refusal("policy.note_long", {"most": LONGEST_NOTE})
    faults = shape_faults(content)
    if faults:
        return Refusal("policy.malformed", {"fault": str(faults[0])})
    store.lock(tx, name)
    table = Table.of(name, content, tables[name].contract)
    if table.version == active(tx, tables, name, now).version:
        return Refusal("policy.unchanged")
    known = _policy(tx, tables, name, table.version, now)
    if known:
        return known
    store.keep_version(tx, table, now)
    _step(tx, name, table.version, Step.DRAFTED, by, now, note)
    return granted_policy(tx, tables, name, table.version, now)


def note_backtest(
    tx: Tx, tables: Tables, name: str, version: str, result: Mapping[str, Any], by: str, now: datetime
) -> Policy | Refusal:
    """Keep what a backtest of a version counted. Refusal: ``policy.not_found``."""
    if _policy(tx, tables, name, version, now) is None:
        return Refusal("policy.not_found")
    if version == tables[name].version:
        store.keep_version(tx, tables[name], now)
    _step(tx, name, version, Step.BACKTESTED, by, now, result=result)
    return granted_policy(tx, tables, name, version, now)


def run_backtest(
    tx: Tx,
    tables: Tables,
    table: Table,
    by: str,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
    follow: Follow | None = None,
) -> Backtest | Refusal:
    """Hold a version against history, and keep what was counted with it.

    Refusals: ``policy.not_found``, ``policy.invalid``.
    """
    found = _usable(tx, tables, table.name, table.version, now)
    if isinstance(found, Refusal):
        return found
    ran = backtest(tx, table, since, until, follow)
    note_backtest(tx, tables, table.name, table.version, msgspec.to_builtins(ran), by, now)
    return ran


def submit(
    tx: Tx, tables: Tables, name: str, version: str, by: str, now: datetime, note: str = ""
) -> Policy | Refusal:
    """Ask a second person to approve.

    Refusals: ``policy.not_found``, ``policy.not_a_draft``, ``policy.invalid``,
    ``policy.not_backtested``, ``policy.note_long``.
    """
    found = _usable(tx, tables, name, version, now)
    if isinstance(found, Refusal):
        return found
    if found.state is not State.DRAFT:
        return Refusal("policy.not_a_draft", {"state": found.state})
    if found.backtest is None:
        return Refusal("policy.not_backtested")
    return _noted(tx, tables, found, Step.SUBMITTED, by, now, note)


def approve(
    tx: Tx, tables: Tables, name: str, version: str, by: str, now: datetime, note: str = ""
) -> Policy | Refusal:
    """Approve what somebody else made.

    Refusals: ``policy.not_found``, ``policy.not_submitted``, ``policy.same_person``,
    ``policy.invalid``, ``policy.note_long``.
    """
    found = _usable(tx, tables, name, version, now)
    if isinstance(found, Refusal):
        return found
    if found.state is not State.SUBMITTED:
        return Refusal("policy.not_submitted", {"state": found.state})
    if by in found.makers:
        return Refusal("policy.same_person")
    return _noted(tx, tables, found, Step.APPROVED, by, now, note)


def send_back(
    tx: Tx, tables: Tables, name: str, version: str, by: str, now: datetime, note: str
) -> Policy | Refusal:
    """Make a submitted version a draft again, with a reason.

    Refusals: ``policy.not_found``, ``policy.not_submitted``, ``policy.reason_missing``,
    ``policy.note_long``.
    """
    found = _policy(tx, tables, name, version, now, locked=True)
    if found is None:
        return Refusal("policy.not_found")
    if found.state is not State.SUBMITTED:
        return Refusal("policy.not_submitted", {"state": found.state})
    if not note.strip():
        return Refusal("policy.reason_missing")
    return _noted(tx, tables, found, Step.RETURNED, by, now, note)


def activate(
    tx: Tx,
    tables: Tables,
    name: str,
    version: str,
    by: str,
    now: datetime,
    at: datetime | None = None,
    note: str = "",
) -> Policy | Refusal:
    """Put an approved version in force at ``at``, or now. It takes back what was to follow later.

    Refusals: ``policy.not_found``, ``policy.not_approved``, ``policy.in_the_past``,
    ``policy.unchanged``, ``policy.invalid``, ``policy.note_long``.
    """
    found = _usable(tx, tables, name, version, now)
    if isinstance(found, Refusal):
        return found
    if not found.is_approved:
        return Refusal("policy.not_approved", {"state": found.state})
    if at is not None and at < now:
        return Refusal("policy.in_the_past")
    if found.state is State.ACTIVE and not lifecycle.scheduled(_activations(tx, name), now):
        return Refusal("policy.unchanged")
    return _noted(tx, tables, found, Step.ACTIVATED, by, now, note, at or now)


def roll_back(tx: Tx, tables: Tables, name: str, by: str, now: datetime, note: str) -> Policy | Refusal:
    """Put the version before the one in force back in force at once, and take back what is scheduled.

    It needs a reason and no second person: what comes back was approved before. Refusals:
    ``policy.not_found``, ``policy.reason_missing``, ``policy.no_previous``, ``policy.invalid``,
    ``policy.note_long``.
    """
    if name not in tables.names:
        return Refusal("policy.not_found")
    if not note.strip():
        return Refusal("policy.reason_missing")
    store.lock(tx, name)
    shipped = tables[name]
    before = lifecycle.stack(_activations(tx, name), shipped.version, now)
    if len(before) < 2:
        return Refusal("policy.no_previous")
    version = before[-2]
    if version == shipped.version:
        store.keep_version(tx, shipped, now)
    found = _usable(tx, tables, name, version, now, locked=False)
    if isinstance(found, Refusal):
        return found
    return _noted(tx, tables, found, Step.ROLLED_BACK, by, now, note, now)


def active(tx: Tx, tables: Tables, name: str, now: datetime) -> Table:
    """The version of ``name`` in force at ``now``. Raises TableError for a table that is unknown."""
    store.hear(tx, tables)
    return tables.in_use.at(name, now)


def every(tx: Tx, tables: Tables, name: str, now: datetime) -> list[Policy]:
    """All versions of table ``name`` that have a life, the newest first; the one in force is among them."""
    found = lifecycle.policies(store.steps(tx, name), tables[name].version, now)
    return [found_one if found_one.name else _shipped(tables, name) for found_one in found]


def table_of(tx: Tx, tables: Tables, name: str, version: str, now: datetime) -> Table | Refusal:
    """A version by its digits, the first four at least, or ``active`` or ``shipped``.

    Refusal: ``policy.not_found``.
    """
    if name not in tables.names:
        return Refusal("policy.not_found")
    if version == "active":
        return active(tx, tables, name, now)
    shipped = tables[name]
    if version == "shipped" or (len(version) >= _SHORTEST_START and shipped.version.startswith(version)):
        return shipped
    found = store.versions_like(tx, name, version) if len(version) >= _SHORTEST_START else []
    table = store.kept_version(tx, name, found[0]) if len(found) == 1 else None
    return table or Refusal("policy.not_found")


def policy_of(tx: Tx, tables: Tables, name: str, version: str, now: datetime) -> Policy | Refusal:
    """A version's life. Refusal: ``policy.not_found``."""
    if name not in tables.names:
        return Refusal("policy.not_found")
    return _policy(tx, tables, name, version, now) or Refusal("policy.not_found")


def _shipped(tables: Tables, name: str) -> Policy:
    return Policy(name, tables[name].version, State.ACTIVE, ())


def _activations(tx: Tx, name: str) -> list[PolicyStep]:
    return [step for step in store.steps(tx, name) if step.effective_at]


def _policy(
    tx: Tx, tables: Tables, name: str, version: str, now: datetime, locked: bool = False
) -> Policy | None:
    if name not in tables.names:
        return None
    if locked:
        store.lock(tx, name)
    found = next((each for each in every(tx, tables, name, now) if each.version == version), None)
    if found is None and version == tables[name].version:
        return Policy(name, version, State.RETIRED, ())
    return found


def granted_policy(tx: Tx, tables: Tables, name: str, version: str, now: datetime) -> Policy:
    """A version that is known to have a life."""
    found = _policy(tx, tables, name, version, now)
    if found is None:
        raise RuntimeError(f"{name}@{version} has no life though it was just given one")
    return found


def _usable(
    tx: Tx, tables: Tables, name: str, version: str, now: datetime, locked: bool = True
) -> Policy | Refusal:
    """A version that could decide today: made for today's facts and sound."""
    found = _policy(tx, tables, name, version, now, locked)
    if found is None:
        return Refusal("policy.not_found")
    kept = store.kept_version(tx, name, version) or tables[name]
    faults = [str(fault) for fault in faults_of(kept)]
    if kept.contract != tables[name].contract:
        faults = ["it was made for other facts than this version of Whiteslip gives"]
    return Refusal("policy.invalid", {"fault": faults[0], "faults": len(faults)}) if faults else found


def _noted(
    tx: Tx,
    tables: Tables,
    policy: Policy,
    step: Step,
    by: str,
    now: datetime,
    note: str,
    effective_at: datetime | None = None,
) -> Policy | Refusal:
    if len(note) > LONGEST_NOTE:
        return Refusal("policy.note_long", {"most": LONGEST_NOTE})
    _step(tx, policy.name, policy.version, step, by, now, note, effective_at)
    return granted_policy(tx, tables, policy.name, policy.version, now)


def _step(
    tx: Tx,
    name: str,
    version: str,
    step: Step,
    by: str,
    now: datetime,
    note: str = "",
    effective_at: datetime | None = None,
    result: Mapping[str, Any] | None = None,
) -> None:
    """State and journal together. A note is free text, so the journal does not get it."""
    store.keep_step(tx, name, version, step, by, now, note, effective_at, result)
    data: dict[str, Any] = {"table": name, "version": version}
    if effective_at:
        data["effective_at"] = effective_at
    tx.record(Entry(now, _KINDS[step], "policy", subject_of(name), by, data))
