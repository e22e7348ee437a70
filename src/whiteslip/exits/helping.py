"""Letters to who cannot pay as agreed: help is offered once, whether they leave or stay. None commits.

Directive (EU) 2023/2225 article 35: forbearance comes before enforcement, and need not be offered again
and again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from whiteslip import notices
from whiteslip.base.ids import spoken
from whiteslip.billing import store
from whiteslip.billing.model import Debt
from whiteslip.exits import store as exits_store
from whiteslip.exits.telling import HELP
from whiteslip.lines import Line
from whiteslip.lines.letters import to_customer
from whiteslip.store import Entry, Tx


def offer(tx: Tx, issuer_name: str, line: Line, debt: Debt, now: datetime) -> bool:
    """Write once to a customer whose debt is past due that there are plans; False if there is nothing to
    offer or it was offered before.
    """
    if not debt.past_due_minor or store.hardship(tx, line.id):
        return False
    facts = {"past_due_minor": debt.past_due_minor}
    if not tell(tx, issuer_name, line, HELP, facts, str(line.id), now):
        return False
    data = {"past_due_minor": debt.past_due_minor, "days_past_due": debt.days_past_due}
    tx.record(Entry(now, "hardship.offered", "line", line.id, "system", data))
    return True


def tell(
    tx: Tx, issuer_name: str, line: Line, kind: str, facts: Mapping[str, Any], once: str, now: datetime
) -> int:
    """Queue a letter about the line's debt, once per ``once``, to who settles an estate where somebody
    has shown that they do. Returns how many are new.
    """
    facts = {"reference": spoken("LN", line.id), **facts}
    letter = to_customer(tx, line.customer, line, issuer_name, kind, ("line", line.id), facts, once)
    if (estate := exits_store.estate_of_line(tx, line.id)) and estate.contact:
        letter = replace(letter, recipient=estate.contact, language=estate.language)
    return notices.queue(tx, [letter], now)
