"""Hand over everything that is held of a person, in a form that machines read.

GDPR articles 15 and 20; 个人信息保护法 article 45. Nothing is left out because it is awkward: the
journal, the decisions with their facts and reasons, and who looked, are in it. One thing is: an order of
the law of which nobody may be told (GDPR article 23; ``exits.orders``), and that it was left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass, replace
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

import msgspec

from whiteslip import identity, lines
from whiteslip.applications import Application
from whiteslip.applications import store as applications_store
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.billing import store as billing_store
from whiteslip.complaints import store as complaints_store
from whiteslip.decisions.acts import decisions_about
from whiteslip.exits import orders
from whiteslip.exits import store as exits_store
from whiteslip.identity import Person, Vault, accounts
from whiteslip.identity.documents import documents_of, peek_document
from whiteslip.lines import Line
from whiteslip.lines.locks import standing
from whiteslip.lines.model import LockKind
from whiteslip.notices import of_recipient
from whiteslip.privacy import acts, requests, store
from whiteslip.privacy.model import Outcome, RequestKind, Why
from whiteslip.purchases import store as purchases_store
from whiteslip.store import Entry, Tx
from whiteslip.store.database import journal_of

FORMAT: Final = "whiteslip-person-1"


def export(tx: Tx, vault: Vault, customer_id: UUID, actor: str, now: datetime) -> dict[str, Any] | Refusal:
    """Everything about a customer, as plain values. Amounts are minor units, ids the API's own. It answers
    who asked for a copy.

    Refusals: ``customer.not_found``, ``identity.not_found`` once a person has been erased.
    """
    known = acts.overview(tx, customer_id)
    if isinstance(known, Refusal):
        return known
    person = identity.peek(tx, vault, customer_id)
    if isinstance(person, Refusal):
        return person
    theirs = lines.lines_of(tx, customer_id)
    tx.record(Entry(now, "privacy.exported", "customer", customer_id, actor))
    requests.settle(tx, customer_id, RequestKind.ACCESS, Outcome.GRANTED, Why.DONE, actor, now)
    purchases = {line.id: purchases_store.of_line(tx, line.id) for line in theirs}
    exits = {line.id: exits_store.of_line(tx, line.id) for line in theirs}
    applied = applications_store.of_customer(tx, customer_id)
    complained = complaints_store.of_customer(tx, customer_id)
    asked = store.requests_of(tx, customer_id)
    subjects = [
        customer_id,
        *(line.id for line in theirs),
        *(case.id for found in exits.values() for case in found),
        *(each.id for each in (*applied, *complained, *asked)),
    ]
    decided_on = [
        *subjects[1:],
        *(purchase.id for found in purchases.values() for purchase in found),
    ]
    silent = orders.untold(tx, [line.id for line in theirs])
    return {
        "format": FORMAT,
        "made_at": now.isoformat(),
        "customer": public("cus", customer_id),
        "person": _person(person),
        "payout_accounts": [plain(each) for each in accounts.every(tx, vault, customer_id)],
        "kept": [plain(kept) for kept in known.kept],
        "lines": [_line(tx, line, purchases[line.id], exits[line.id], line.id in silent) for line in theirs],
        "applications": [_application(tx, vault, each) for each in applied],
        "complaints": [{**plain(each), "words": _words(tx, vault, each.words)} for each in complained],
        "documents": [plain(row) for row in documents_of(tx, customer_id)],
        "decisions": [
            plain(decision)
            for subject in decided_on
            for decision in decisions_about(tx, subject)
            if not (silent and _knows_order(decision.facts))
        ],
        "letters": [plain(letter) for letter in of_recipient(tx, customer_id)],
        "erasures": [plain(answer) for answer in store.answers(tx, customer_id)],
        "requests": [{**plain(each), "words": _words(tx, vault, each.words)} for each in asked],
        "journal": [plain(row) for row in journal_of(tx, subjects) if not (silent and _tells_order(row))],
    }


def _knows_order(facts: Mapping[str, object]) -> bool:
    return facts.get("lock") == LockKind.LEGAL or bool(facts.get("legal_freeze"))


def _tells_order(row: Mapping[str, Any]) -> bool:
    about = row["kind"].startswith(("line.freeze", "line.unfreeze", "line.frozen", "line.unfrozen"))
    return about or LockKind.LEGAL in (row["data"].get("kind"), row["data"].get("ground"))


def _person(person: Person) -> dict[str, str]:
    return {
        "full_name": person.full_name,
        "id_number": person.id_number,
        "phone": person.phone,
        "email": person.email,
    }


def _application(tx: Tx, vault: Vault, found: Application) -> dict[str, Any]:
    reviews = [
        {**plain(each), "note": _words(tx, vault, each.note)}
        for each in applications_store.reviews(tx, found.id)
    ]
    facts = [plain(fact) for fact in applications_store.facts(tx, found.id)]
    return {**plain(found), "facts": facts, "reviews": reviews}


def _words(tx: Tx, vault: Vault, document: UUID | None) -> str | None:
    """What they wrote, in full; None where they wrote nothing or its clock has run out."""
    found = peek_document(tx, vault, document) if document else None
    return None if found is None or isinstance(found, Refusal) else found.content.decode()


def _line(tx: Tx, line: Line, purchases: list[Any], exits: list[Any], silent: bool) -> dict[str, Any]:
    locks = standing(tx, line.id)
    if silent:
        line = replace(line, locks=line.locks - {LockKind.LEGAL})
        locks = [lock for lock in locks if lock.kind is not LockKind.LEGAL]
        exits = [replace(case, ground=None) if case.ground == LockKind.LEGAL else case for case in exits]
    return {
        **plain(line),
        "id": public("line", line.id),
        "locks_standing": [plain(lock) for lock in locks],
        "purchases": [plain(purchase) for purchase in purchases],
        "instalments": [plain(row) for row in billing_store.schedule(tx, line.id)],
        "bills": [plain(bill) for bill in billing_store.bills(tx, line.id)],
        "payments": [plain(payment) for payment in billing_store.payments(tx, line.id)],
        "payouts": [plain(payout) for payout in billing_store.payouts(tx, line.id)],
        "disputes": [plain(found) for found in purchases_store.disputes_of_line(tx, line.id)],
        "exits": [plain(case) for case in exits],
    }


def plain(value: Any) -> Any:
    """A record as JSON knows it."""
    found: Any = value
    if isinstance(value, msgspec.Struct):
        found = msgspec.structs.asdict(value)
    elif is_dataclass(value) and not isinstance(value, type):
        found = asdict(value)
    row: Mapping[str, Any] = found
    return msgspec.to_builtins({key: _named(part) for key, part in row.items()})


def _named(part: Any) -> Any:
    return sorted(map(str, cast("frozenset[object]", part))) if isinstance(part, frozenset) else part
