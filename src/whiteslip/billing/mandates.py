"""Direct-debit mandates: leave to collect, kept while something is owed and ended by the lender itself.

None commits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from whiteslip import lines, packs
from whiteslip.base import Refusal, add_months, end_of_day, new_id
from whiteslip.base.ids import NO_ID
from whiteslip.billing.model import DIRECT_DEBIT, Payment
from whiteslip.billing.payments import receive
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Entry, Tx, load_queries
from whiteslip.store.database import Row
from whiteslip.store.timers import cancel_timer, set_timer

_queries = load_queries(__file__)


class Scheme(StrEnum):
    """Under whose rules is collected. Only SEPA's lets a mandate lapse."""

    SEPA_CORE = "sepa_core"
    BACS = "bacs"
    ACH = "ach"
    CN_AGREED = "cn_agreed"


class State(StrEnum):
    """Whether may be collected. What ended stays ended."""

    ACTIVE = "active"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


LAPSING: Final = frozenset({Scheme.SEPA_CORE})


@dataclass(frozen=True, slots=True)
class Mandate:
    """A mandate, by the reference that stands on the payer's bank statement."""

    id: UUID
    line: UUID
    scheme: Scheme
    reference: str
    signed_on: date
    state: State = State.ACTIVE
    last_used_on: date | None = None
    ended_at: datetime | None = None
    ended_why: str | None = None


def _mandate(row: Row) -> Mandate:
    row["scheme"], row["state"] = Scheme(row["scheme"]), State(row["state"])
    return Mandate(**row)


def sign(
    tx: Tx, line_id: UUID, scheme: Scheme, reference: str, signed_on: date, actor: str, now: datetime
) -> Mandate | Refusal:
    """Keep a mandate that the customer gave. Refusals: ``line.not_found``, ``line.not_active``,
    ``mandate.reference_taken``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    if line.lifecycle is not Lifecycle.ACTIVE:
        return Refusal("line.not_active", {"lifecycle": line.lifecycle})
    made = Mandate(new_id(now), line.id, scheme, reference, signed_on)
    known = _queries.add_mandate(
        tx.conn, id=made.id, line=line.id, scheme=scheme, reference=reference, signed_on=signed_on
    )
    if known is None:
        return Refusal("mandate.reference_taken")
    tx.record(Entry(now, "mandate.signed", "line", line.id, actor, {"mandate": made.id, "scheme": scheme}))
    _await_lapse(tx, line, made, now)
    return made


def collect(
    tx: Tx,
    mandate_id: UUID,
    line_id: UUID,
    reference: str,
    amount_minor: int,
    value_on: date,
    clearing_days: int,
    actor: str,
    now: datetime,
) -> Payment | Refusal:
    """Book what was collected by a mandate. One that ended collects nothing.

    On a line that is being left nothing beyond what is owed is collected. Refusals:
    ``mandate.not_found``, ``mandate.not_active``, ``mandate.over_owed`` and those of ``receive``.
    """
    both = _locked(tx, mandate_id)
    if isinstance(both, Refusal):
        return both
    line, found = both
    if line.id != line_id:
        return Refusal("mandate.not_found")
    if found.state is not State.ACTIVE:
        return Refusal("mandate.not_active", {"state": found.state})
    if line.lifecycle is not Lifecycle.ACTIVE and amount_minor > line.owed_minor:
        return Refusal("mandate.over_owed", {"owed_minor": line.owed_minor, "currency": line.currency})
    paid = receive(tx, line.id, reference, amount_minor, value_on, DIRECT_DEBIT, clearing_days, actor, now)
    if not isinstance(paid, Refusal):
        used = replace(found, last_used_on=max(value_on, found.last_used_on or value_on))
        _save(tx, used)
        _await_lapse(tx, line, used, now)
    return paid


def cancel(tx: Tx, mandate_id: UUID, actor: str, now: datetime) -> Mandate | Refusal:
    """The customer takes a mandate back. Cancelling twice changes nothing. Refusal:
    ``mandate.not_found``.
    """
    both = _locked(tx, mandate_id)
    if isinstance(both, Refusal):
        return both
    _, found = both
    ended = found.state is not State.ACTIVE
    return found if ended else _end(tx, found, State.CANCELLED, "customer_request", actor, now)


def cancel_all(tx: Tx, line: UUID, why: str, now: datetime) -> list[Mandate]:
    """Nothing is owed and nothing will be: end every mandate of a locked line. Returns those ended."""
    standing = [found for found in mandates_of(tx, line) if found.state is State.ACTIVE]
    return [_end(tx, found, State.CANCELLED, why, "system", now) for found in standing]


def lapse(tx: Tx, mandate_id: UUID, now: datetime) -> datetime | None:
    """Unused for as long as the scheme allows: it lapses. When to look again, if it was used since."""
    both = _locked(tx, mandate_id)
    if isinstance(both, Refusal):
        return None
    line, found = both
    if found.state is not State.ACTIVE:
        return None
    lapses_at = _lapses_at(line, found)
    if lapses_at > now:
        return lapses_at
    _end(tx, found, State.LAPSED, "unused", "system", now)
    return None


def mandates_of(tx: Tx, line: UUID, after: UUID | None = None, count: int | None = None) -> list[Mandate]:
    """Mandates of a line, the oldest first: those with ids above ``after``, all or up to ``count``."""
    rows = _queries.mandates_of_line(tx.conn, line=line, after=after or NO_ID, count=count)
    return [_mandate(row) for row in rows]


def _lapses_at(line: Line, mandate: Mandate) -> datetime:
    """SEPA Core rulebook: a mandate lapses 36 months after its last use, or its signing."""
    months = packs.load(line.pack).months("mandate.lapse_months")
    return end_of_day(add_months(mandate.last_used_on or mandate.signed_on, months), line.timezone)


def _await_lapse(tx: Tx, line: Line, mandate: Mandate, now: datetime) -> None:
    if mandate.scheme in LAPSING:
        set_timer(tx, "mandate.lapses", mandate.id, _lapses_at(line, mandate), now)


def _locked(tx: Tx, mandate_id: UUID) -> tuple[Line, Mandate] | Refusal:
    row = _queries.mandate(tx.conn, id=mandate_id)
    line = lines.get_line(tx, row["line"], lock=True) if row else None
    again = _queries.mandate(tx.conn, id=mandate_id)
    if again is None or line is None or isinstance(line, Refusal):
        return Refusal("mandate.not_found")
    return line, _mandate(again)


def _end(tx: Tx, mandate: Mandate, state: State, why: str, actor: str, now: datetime) -> Mandate:
    ended = replace(mandate, state=state, ended_at=now, ended_why=why)
    _save(tx, ended)
    cancel_timer(tx, "mandate.lapses", mandate.id, now)
    data = {"mandate": mandate.id, "state": state, "why": why}
    tx.record(Entry(now, "mandate.ended", "line", mandate.line, actor, data))
    return ended


def _save(tx: Tx, mandate: Mandate) -> None:
    _queries.move_mandate(
        tx.conn,
        id=mandate.id,
        state=mandate.state,
        last_used_on=mandate.last_used_on,
        ended_at=mandate.ended_at,
        ended_why=mandate.ended_why,
    )
