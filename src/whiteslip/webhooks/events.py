"""What is published, and how it is written: ids, codes, days and amounts, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from whiteslip.base.ids import public
from whiteslip.store.database import Row
from whiteslip.webhooks.model import Event

# Journal kinds that leave the house, each with the fields that go along. A field that a room adds
# to the journal later stays inside until it is named here. Why a case is held and what locks a line
# are not told: an order of a court or of an authority is between it and the lender.
# Of an alert its reasons stay inside too: whoever is told fetches them by its id.
PUBLISHED: Final[Mapping[str, tuple[str, ...]]] = {
    "alert.raised": ("alert", "rule", "act", "tells"),
    "application.accepted": ("limit_minor",),
    "application.decided": ("outcome",),
    "application.lapsed": (),
    "application.received": (),
    "application.review_decided": ("outcome",),
    "application.withdrawn": (),
    "bill.issued": ("bill", "statement_on", "due_on", "demanded_minor", "balance_minor"),
    "complaint.answered": ("outcome",),
    "complaint.filed": ("topic", "channel", "due_at"),
    "credit.paid_out": ("amount_minor", "payout"),
    "debt.sold": ("buyer", "face_minor"),
    "dispute.opened": ("dispute", "purchase", "ground", "amount_minor", "suspended_minor"),
    "dispute.resolved": ("dispute", "outcome", "amount_minor", "bears"),
    "exit.cancelled": ("from", "why"),
    "exit.clearing_started": ("from",),
    "exit.closed": ("from", "why"),
    "exit.confirmed": ("from",),
    "exit.held": (),
    "exit.lapsed": ("from",),
    "exit.notice_given": ("kind", "ends_at"),
    "exit.rejected": ("from",),
    "exit.requested": ("kind", "channel", "outcome"),
    "exit.resumed": (),
    "exit.review_opened": ("due_at", "route"),
    "exit.run_off_started": ("from",),
    "exit.withdrawal_declared": (),
    "funding.deficient": ("facility", "day", "deficiency_minor"),
    "funding.maturity_nears": ("facility", "day", "ends_on", "debt_minor", "act_by", "who"),
    "funding.unpaid_at_maturity": ("facility", "day", "ends_on", "unpaid_minor", "act_by", "who"),
    "line.closed": ("ground",),
    "line.increase_dropped": ("increase", "why"),
    "line.limit_changed": ("from_minor", "to_minor"),
    "line.locked": (),
    "line.opened": ("customer", "limit_minor"),
    "line.payday_moved": ("from_day", "to_day"),
    "line.spending_stopped": ("exit",),
    "line.terms_announced": ("to", "effective_at"),
    "line.terms_changed": ("from", "to"),
    "line.terms_kept": ("why",),
    "line.terms_rejected": (),
    "line.terms_taken_back": (),
    "line.unlocked": (),
    "line.user_added": ("user",),
    "line.user_removed": ("user",),
    "mandate.ended": ("mandate", "state", "why"),
    "model.shifted": ("model", "version", "psi_milli", "worst_csi_milli", "lines"),
    "payment.corrected": ("payment", "corrected_by", "amount_minor", "value_on"),
    "payment.received": ("payment", "amount_minor", "value_on", "method"),
    "payment.returned": ("payment", "amount_minor"),
    "payout.returned": ("amount_minor", "payout"),
    "payout.waiting": ("amount_minor", "payout"),
    "policy.activated": ("table", "version", "effective_at"),
    "policy.rolled_back": ("table", "version", "effective_at"),
    "purchase.authorised": ("purchase", "amount_minor"),
    "purchase.captured": ("purchase", "amount_minor", "held_minor"),
    "purchase.declined": ("code", "amount_minor"),
    "purchase.expired": ("purchase", "amount_minor"),
    "purchase.refunded": ("purchase", "amount_minor", "credited_minor"),
    "purchase.released": ("purchase", "amount_minor"),
    "reward.redeemed": ("amount_minor",),
    "step_up.asked": ("until", "alert"),
    "step_up.confirmed": (),
}
# The API's names for ids; what it does not know by name goes out as it is.
_PREFIXES: Final = {
    "alert": "alr",
    "line": "line",
    "exit": "exit",
    "customer": "cus",
    "application": "app",
    "buyer": "byr",
    "complaint": "cmp",
    "purchase": "pur",
    "payment": "pay",
    "corrected_by": "pay",
    "payout": "pyo",
    "dispute": "dsp",
    "increase": "inc",
    "mandate": "mdt",
    "user": "usr",
}
# Codes are short. A longer text would be no code, and twenty thousand bytes are the most a webhook may have.
_LONGEST: Final = 100
_SAMPLE_ID: Final = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
_SAMPLES: Final[Mapping[str, object]] = {
    "act": "step_up",
    "channel": "api",
    "facility": "warehouse",
    "day": "2026-11-05",
    "code": "purchase.over_cap",
    "due_at": "2026-11-05T09:00:00Z",
    "effective_at": "2026-11-05T09:00:00Z",
    "model": "behaviour",
    "table": "purchase-authorisation",
    "version": "0c1d2e3f4a5b",
    "psi_milli": 268,
    "worst_csi_milli": 301,
    "lines": 12_300,
    "due_on": "2026-11-25",
    "from": "confirmed",
    "from_day": 5,
    "to_day": 15,
    "kind": "close",
    "ground": "customer_request",
    "method": "transfer",
    "outcome": "runs_off",
    "route": "desk",
    "rule": "takeover",
    "state": "cancelled",
    "tells": "fraud",
    "until": "2026-11-12T16:00:00Z",
    "topic": "fee",
    "statement_on": "2026-11-05",
    "value_on": "2026-11-20",
    "why": "all_paid",
}
_SAMPLE_MINOR: Final = 12_300

# Rows of ours that ask for something to be sent; see ``outbox``.
TESTED: Final = "webhook.tested"
RESEND_REQUESTED: Final = "webhook.resend_requested"
EVERYBODY: Final = UUID(int=0)


def event(row: Row, line: UUID | None) -> Event:
    """A published journal row as it is sent; ``line`` is the line it is about, where that is known.

    A row of kind ``webhook.tested`` becomes a sample of the kind it names, marked as a test.
    """
    if row["kind"] == TESTED:
        return _sample(row)
    told = {name: row["data"].get(name) for name in PUBLISHED[row["kind"]]}
    head = _head(row["seq"], row["subject_kind"], UUID(str(row["subject"])), line)
    return _written(row, row["kind"], head | told)


def _sample(row: Row) -> Event:
    kind = row["data"]["kind"]
    head = kind.partition(".")[0]
    subject_kind = head if head in ("exit", "complaint", "application") else "line"
    told = {name: _sample_of(name) for name in PUBLISHED[kind]}
    about = _head(row["seq"], subject_kind, _SAMPLE_ID, _SAMPLE_ID)
    return _written(row, kind, {"test": True} | about | told)


def _sample_of(name: str) -> object:
    return _SAMPLES.get(name, _SAMPLE_MINOR if name.endswith("_minor") else str(_SAMPLE_ID))


def _head(seq: int, subject_kind: str, subject: UUID, line: UUID | None) -> dict[str, object]:
    head: dict[str, object] = {"event": seq, "subject_kind": subject_kind}
    head["subject"] = public(_PREFIXES[subject_kind], subject) if subject_kind in _PREFIXES else str(subject)
    return head | ({"line": str(line)} if line else {})


def _written(row: Row, kind: str, data: Mapping[str, object]) -> Event:
    whole = {
        "type": kind,
        "timestamp": row["at"],
        "data": {name: _told(name, value) for name, value in data.items()},
    }
    return Event(row["seq"], kind, msgspec.json.encode(whole))


def _told(name: str, value: Any) -> object:
    if not isinstance(value, str):
        return value if value is None or isinstance(value, int) else None
    if name in _PREFIXES:
        return public(_PREFIXES[name], UUID(value))
    return value[:_LONGEST]
