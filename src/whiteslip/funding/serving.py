"""Which night answers for a day, and why where it is another one; and deal files that were refused."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from whiteslip.base import Refusal
from whiteslip.funding import acts, store
from whiteslip.funding.acts import Statement
from whiteslip.store import Entry, Tx
from whiteslip.store.database import journal_of

_LOADED: Final = "funding.deal_loaded"
_REFUSED: Final = "funding.deal_refused"


def serve(
    tx: Tx, name: str, today: date, sealed: date | None, wanted: date | None = None
) -> Statement | Refusal:
    """The night of the day wanted, by default the newest; one that stands in for another says why.

    A clock that stands before the newest night, a proof that was changed after it was kept and a day
    without a night are each a reason. Refusals: ``funding.not_found``, ``funding.no_night``,
    ``funding.proof_changed`` where no other night can answer.
    """
    found = acts.find(tx, name)
    if isinstance(found, Refusal):
        return found
    kept = [night.day for night in store.nights(tx, found.id)]
    why: Refusal | None = None
    if kept and today < kept[-1]:
        facts = {"at": today.isoformat(), "day": kept[-1].isoformat()}
        why = Refusal("funding.clock_backwards", facts)
    for day in reversed([day for day in kept if wanted is None or day <= wanted]):
        proof = store.proof(tx, found.id, day)
        if proof is None or hashlib.sha256(proof[1]).digest() != proof[2]:
            why = why or Refusal("funding.proof_changed", {"day": day.isoformat()})
            continue
        asked = wanted or sealed
        if why is None and asked is not None and day < asked:
            why = Refusal("funding.night_missing", {"day": asked.isoformat()})
        told = acts.statement(tx, name, day)
        return told if isinstance(told, Refusal) else replace(told, why=why)
    return why or Refusal("funding.no_night")


def refuse_deal(tx: Tx, name: str, faults: Sequence[str], actor: str, now: datetime) -> bool:
    """Note that a deal file of a facility was refused, with its faults; the version in force stays so.

    Returns whether there is such a facility.
    """
    found = acts.find(tx, name)
    if isinstance(found, Refusal):
        return False
    data = {"facility": name, "version": found.version, "faults": list(faults)}
    tx.record(Entry(now, "funding.deal_refused", acts.SUBJECT, found.id, actor, data))
    return True


def refused_deal(tx: Tx, name: str) -> tuple[str, ...]:
    """The faults of the last deal file of a facility, where it was refused; none where it is in force."""
    found = acts.find(tx, name)
    if isinstance(found, Refusal):
        return ()
    rows = [row for row in journal_of(tx, [found.id]) if row["kind"] in (_LOADED, _REFUSED)]
    last: dict[str, Any] = rows[-1]["data"] if rows and rows[-1]["kind"] == _REFUSED else {}
    return tuple(last.get("faults", ()))
