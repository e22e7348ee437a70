"""Letters: written in two languages, sent once, proven, and the same bytes again."""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from email.message import Message as Mail
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MailHandler
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from whiteslip import notices
from whiteslip.base import Refusal, end_of_day
from whiteslip.notices import Addressee, NewNotice, SmtpMailer, compose, words
from whiteslip.notices.acts import counts, proofs, waiting
from whiteslip.notices.facts import KINDS
from whiteslip.notices.mailers import MailError, on_phone
from whiteslip.notices.model import Message, Receipt, State, Waiting
from whiteslip.store import Database

NOW = datetime(2026, 10, 22, 6, 3, 22, tzinfo=UTC)
WHO = Addressee("欧阳明远", "mingyuan@example.com", "+8613900000021")
LETTER: dict[str, Any] = {
    "reference": "EX-7K2M-91",
    "timezone": "Asia/Shanghai",
    "currency": "CNY",
    "issuer_name": "白条示范",
}
EXIT: dict[str, Any] = {"stopped_at": NOW, "limit_minor": 1_200_000, "owed_minor": 34_567}
CLOSED: dict[str, Any] = {
    "closed_on": date(2026, 10, 22),
    "credit_minor": 1_200,
    "credit_by": date(2026, 11, 2),
    "keep_years": 10,
}
OWN: dict[str, dict[str, Any]] = {
    "exit.acknowledged": {},
    "exit.runoff": {
        "schedule": [{"due_on": date(2026, 11, 25), "amount_minor": 11_522}],
        "payoff_minor": 34_567,
        "good_through": date(2026, 10, 22),
    },
    "exit.held": {"ground": "identity", "answer_by": NOW + timedelta(days=5)},
    "exit.paper_asked": {
        "wanted": "id_document",
        "why": "not_proven",
        "answer_by": NOW + timedelta(days=5),
        "upload_code": "K7M2-9QXD-4TBH",
    },
    "exit.closed": CLOSED,
    "exit.lapsed": {},
    "exit.cancelled": {"cancelled_at": NOW},
    "exit.rejected": {},
    "withdrawal.received": {"contract": "line_7k2m", "pay_by": date(2026, 11, 21)},
    "withdrawal.settled": CLOSED,
    "user.stopped": {"at": NOW},
    "user.resumed": {"at": NOW},
    "limit.increase_proposed": {
        "limit_minor": 500_000,
        "to_minor": 800_000,
        "effective_at": NOW + timedelta(days=30),
    },
    "terms.changed": {
        "effective_on": date(2027, 1, 20),
        "reject_until": date(2027, 1, 19),
        "before": {
            "due_days": 20,
            "late_fee_minor": 0,
            "late_fee_grace_days": 3,
            "products": [{"instalments": 1, "monthly_fee_bps": 0, "apr_bps": 0}],
            "reward_bps": 0,
        },
        "after": {
            "due_days": 12,
            "late_fee_minor": 4_000,
            "late_fee_grace_days": 9,
            "products": [{"instalments": 3, "monthly_fee_bps": 0, "apr_bps": 1_200}],
            "reward_bps": 100,
        },
    },
    "line.restricted": {
        "restricted_at": NOW,
        "review_on": date(2027, 1, 20),
        "reasons": ["returned_payments", "contact_lost"],
        "answer_days": 15,
        "free_report_days": 0,
    },
    "line.limit_cut": {
        "restricted_at": NOW,
        "review_on": date(2027, 1, 20),
        "reasons": ["debt_elsewhere"],
        "answer_days": 15,
        "free_report_days": 60,
        "limit_minor": 300_000,
    },
    "line.feature_paused": {
        "restricted_at": NOW,
        "review_on": date(2027, 1, 20),
        "reasons": ["suspected_fraud"],
        "answer_days": 15,
        "free_report_days": 0,
        "feature": "cash",
    },
    "line.restriction_kept": {
        "restricted_at": NOW,
        "review_on": date(2027, 1, 20),
        "reasons": ["past_due"],
        "answer_days": 15,
        "free_report_days": 0,
        "why": "not_shown",
    },
    "line.restriction_lifted": {"lifted_at": NOW},
    "line.payday_moved": {
        "moved_at": NOW,
        "statement_day": 15,
        "schedule": [{"due_on": date(2026, 11, 25), "amount_minor": 5_000}],
    },
    "contact.changed": {"changed_at": NOW, "part": "phone", "wait_days": 7},
    "line.frozen": {"at": NOW, "ground": "court_order", "order_reference": "12 C 34/26"},
    "line.unfrozen": {"at": NOW, "ground": "attachment", "order_reference": "12 C 34/26"},
    "line.step_up_asked": {"asked_at": NOW, "until": NOW + timedelta(days=7)},
    "complaint.acknowledged": {"filed_at": NOW, "answer_by": NOW + timedelta(days=15)},
    "complaint.extended": {"filed_at": NOW, "answer_by": NOW + timedelta(days=30), "delay": "complex"},
    "complaint.answered": {"filed_at": NOW, "route": "cn", "outcome": "partly", "why": "our_error"},
    "complaint.overdue": {"filed_at": NOW, "route": "uk"},
    "privacy.request_received": {"asked_at": NOW, "wish": "access", "pack": "us", "answer_by": NOW},
    "privacy.request_extended": {
        "asked_at": NOW,
        "wish": "objection",
        "pack": "uk",
        "answer_by": NOW,
        "delay": "many",
    },
    "privacy.request_answered": {
        "asked_at": NOW,
        "wish": "erasure",
        "pack": "cn",
        "outcome": "partly",
        "why": "law_keeps",
    },
    "privacy.request_overdue": {"asked_at": NOW, "wish": "correction", "pack": "eu"},
    "hardship.offered": {"past_due_minor": 12_300},
    "hardship.agreed": {
        "agreed_on": date(2026, 10, 22),
        "schedule": [{"due_on": date(2026, 11, 25), "amount_minor": 5_000}],
        "total_minor": 5_000,
        "forgiven_minor": 300,
    },
    "debt.charged_off": {"charged_off_on": date(2026, 10, 22), "amount_minor": 12_300},
    "debt.owed_anew": {
        "owed_anew_minor": 12_300,
        "due_on": date(2026, 11, 11),
        "why": "returned_payment",
    },
    "bureau.objection_received": {
        "opened_at": NOW,
        "part": "payment_history",
        "pack": "us",
        "answer_by": NOW + timedelta(days=30),
    },
    "bureau.objection_answered": {
        "opened_at": NOW,
        "part": "date_closed",
        "pack": "cn",
        "outcome": "corrected",
        "why": "not_answered_in_time",
    },
    "statement.part_payment": {
        "paid_on": date(2026, 10, 20),
        "received_minor": 12_300,
        "settled": [{"due_on": date(2026, 11, 25), "amount_minor": 12_000}],
        "kept_minor": 300,
        "spared_minor": 40,
        "schedule": [{"due_on": date(2026, 12, 25), "amount_minor": 5_000}],
        "left_minor": 5_000,
        "pack": "uk",
    },
    "debt.arrears": {
        "past_due_minor": 12_300,
        "late_since": date(2026, 10, 2),
        "schedule": [{"due_on": date(2026, 10, 2), "amount_minor": 12_300}],
        "late_fee_minor": 600,
        "late_fee_days": 7,
        "again_months": 6,
        "pack": "uk",
    },
    "debt.default_notice": {
        "given_on": date(2026, 10, 22),
        "past_due_minor": 12_300,
        "remedy_by": date(2026, 11, 5),
    },
    "payout.account_needed": {"payout_minor": 12_300, "look_on": date(2027, 4, 22)},
    "payout.account_changed": {"changed_at": NOW},
    "payout.returned": {"returned_at": NOW, "payout_minor": 12_300, "look_on": date(2027, 4, 22)},
    "dispute.received": {"disputed_at": NOW, "answer_by": NOW, "disputed_minor": 12_300, "late_days": 60},
    "dispute.refund_missed": {"disputed_at": NOW, "answer_by": NOW, "disputed_minor": 990},
    "dispute.posted": {"disputed_at": NOW, "answer_by": NOW, "disputed_minor": 990},
    "dispute.won": {"resolved_at": NOW, "disputed_minor": 12_300, "given_back_minor": 300},
    "dispute.turned_down": {"resolved_at": NOW, "disputed_minor": 12_300, "given_back_minor": 0},
    "hardship.ended": {"ended_at": NOW},
    "statement.monthly": {
        "statement_on": date(2026, 10, 22),
        "due_on": date(2026, 11, 11),
        "demanded_minor": 11_000,
        "balance_minor": 34_567,
        "in_credit_minor": 0,
        "settled_minor": 522,
        "late_fee_minor": 3_000,
        "late_fee_days": 3,
        "items": [
            {
                "kind": "purchase",
                "opened_on": date(2026, 9, 1),
                "no": 2,
                "instalments": 3,
                "amount_minor": 11_522,
            }
        ],
        "received": [{"due_on": date(2026, 10, 1), "amount_minor": 500}],
        "bought": [],
    },
    "debt.sold": {
        "sold_on": date(2026, 10, 22),
        "face_minor": 34_567,
        "buyer_name": "Example Debt Buyer",
        "pay_to": "IBAN XX00 0000",
        "pack": "us",
        "goes_on": True,
        "schedule": [{"due_on": date(2026, 11, 25), "amount_minor": 34_567}],
    },
    "terms.taken_back": {"taken_back_on": date(2026, 10, 22), "announced_for": date(2027, 1, 20)},
    "debt.sale_agreed": {"passes_on": date(2026, 11, 22), "buyer_name": "Example Debt Buyer"},
    "debt.sale_called_off": {"called_off_on": date(2026, 10, 29)},
    "debt.settled": {"settled_on": date(2026, 10, 22)},
    "privacy.answered": {"answered_at": NOW, "kept_until": date(2036, 10, 22), "keep_months": 120},
    "termination.notice": {
        "given_at": NOW,
        "ends_on": date(2026, 12, 22),
        "reasons": ["past_due", "product_ended"],
    },
    "inactivity.notice": {"given_at": NOW, "ends_on": date(2026, 12, 22), "reasons": ["inactivity"]},
    "termination.called_off": {"cancelled_at": NOW},
    "termination.overtaken": {"cancelled_at": NOW, "given_on": date(2026, 9, 22)},
    "termination.closed": CLOSED,
    "estate.acknowledged": {},
    "estate.balance": {
        "schedule": [{"due_on": date(2026, 11, 25), "amount_minor": 11_522}],
        "told_minor": 34_567,
        "told_on": date(2026, 10, 22),
        "settle_by": date(2026, 11, 21),
    },
    "estate.held": {"ground": "legal", "answer_by": None},
    "estate.closed": CLOSED,
    "estate.ended": {"cancelled_at": NOW},
    "estate.undone": {"cancelled_at": NOW},
    "application.declined": {
        "reasons": ["debt_service_high", "income_unproven"],
        "free_report_days": 60,
        "review_days": 10,
    },
    "application.counter_offered": {
        "reasons": ["free_income_low"],
        "free_report_days": 0,
        "review_days": 10,
        "limit_minor": 300_000,
        "offer_until": NOW,
    },
    "application.offered": {"limit_minor": 300_000, "offer_until": NOW},
    "increase.declined": {
        "reasons": ["debt_service_high", "lenders_elsewhere"],
        "free_report_days": 60,
        "review_days": 10,
    },
    "increase.counter_offered": {
        "reasons": ["free_income_low"],
        "free_report_days": 0,
        "review_days": 10,
        "limit_minor": 800_000,
        "offer_until": NOW,
    },
    "increase.offered": {"limit_minor": 800_000, "offer_until": NOW},
    "increase.accepted": {"limit_minor": 800_000, "from_minor": 500_000},
    "application.contract": {
        "limit_minor": 300_000,
        "due_days": 20,
        "late_fee_minor": 3_000,
        "late_fee_grace_days": 3,
        "withdraw_until": date(2026, 11, 5),
        "repay_days": 30,
        "products": [
            {"instalments": 1, "monthly_fee_bps": 0, "apr_bps": 0},
            {"instalments": 12, "monthly_fee_bps": 60, "apr_bps": 0},
        ],
        "information": ["key", "additional"],
    },
}


def facts_for(kind: str) -> dict[str, Any]:
    """Facts that a letter of this kind is queued with."""
    prefixes = (
        "line.",
        "bureau.",
        "contact.",
        "payout.",
        "privacy.",
        "application.",
        "increase.",
        "complaint.",
        "hardship.",
        "user.",
        "debt.",
        "dispute.",
        "limit.",
        "statement.",
        "terms.",
    )
    without = kind.startswith((*prefixes, "exit.paper_asked")) or kind.endswith(".notice")
    return LETTER | ({} if without else EXIT) | OWN[kind]


def new(kind: str = "exit.closed", language: str = "zh-CN", **facts: Any) -> NewNotice:
    subject = uuid4()
    whole = facts_for(kind) | facts
    return NewNotice(kind, "exit", subject, uuid4(), language, whole, f"{kind}:{subject}")


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def queued(db: Database, letter: NewNotice) -> UUID:
    with db.transaction() as tx:
        assert notices.queue(tx, [letter], NOW) == 1
        return notices.of_subject(tx, letter.subject)[0].id


def deliver(db: Database, letter: UUID, mailer: Any, now: datetime = NOW) -> datetime | None:
    """Send the letter that is longest due; when ``letter`` is to be tried again."""
    notices.send_next(db, mailer, lambda _tx, _who: WHO, lambda _tx: now)
    with db.transaction() as tx:
        row = tx.conn.execute(
            "SELECT due_at FROM store.timer WHERE subject = %s AND done_at IS NULL", [letter]
        ).fetchone()
    return row["due_at"] if row else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server(Controller):
    """A mail server on loopback that keeps what it takes."""

    def __init__(self) -> None:
        self.taken: list[Mail] = []
        super().__init__(_Keeping(self.taken), hostname="127.0.0.1", port=free_port())


class _Keeping(MailHandler):
    def __init__(self, taken: list[Mail]) -> None:
        super().__init__()
        self.taken = taken

    def handle_message(self, message: Mail) -> None:
        self.taken.append(message)


@pytest.fixture
def smtp() -> Iterator[tuple[Server, SmtpMailer]]:
    server = Server()
    server.start()
    yield server, SmtpMailer("127.0.0.1", server.port, "letters@example.com", tls="none")
    server.stop()


def attachment(mail: Mail) -> bytes:
    parts = [part for part in mail.walk() if part.get_content_type() == "application/pdf"]
    payload: Any = parts[0].get_payload(decode=True)
    return payload


def test_the_kinds_and_their_texts_are_complete_in_both_languages():
    assert set(OWN) == set(KINDS)
    shapes = []
    for language in words.LANGUAGES:
        said = words.texts(language)
        assert set(said["kinds"]) == set(KINDS)
        shapes.append(
            {
                (kind, key, len(value) if isinstance(value, list) else 1)
                for kind, entry in said["kinds"].items()
                for key, value in entry.items()
            }
            | {("labels", key, 1) for key in said["labels"]}
            | {("top", key, 1) for key in said}
        )
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_letter_says_its_reference_and_to_whom_and_is_the_same_bytes_again(kind: str, language: str):
    facts = compose.facts_of(kind, facts_for(kind))
    letter = compose.compose(kind, language, facts, WHO.full_name, NOW)
    first, second = compose.pdf(letter, NOW), compose.pdf(letter, NOW)
    assert first == second
    shown = text_of(first)
    assert "EX-7K2M-91" in shown
    assert WHO.full_name in shown
    timeless = ("exit.cancelled", "estate.balance", "application.declined", "application.contract")
    timeless += ("increase.declined", "increase.accepted", "terms.changed", "terms.taken_back")
    timeless += (
        "hardship.offered",
        "hardship.agreed",
        "debt.arrears",
        "debt.default_notice",
        "debt.charged_off",
        "debt.owed_anew",
        "debt.settled",
        "debt.sold",
        "debt.sale_agreed",
        "debt.sale_called_off",
        "payout.account_needed",
        "statement.monthly",
        "statement.part_payment",
    )
    assert "14:03:22" in shown or kind in timeless
    assert ("{" in shown, "{" in compose.body(letter)) == (False, False)


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_a_debt_that_arose_again_is_told_with_why_it_did(language: str):
    said: set[str] = set()
    for why in ("returned_payment", "corrected_payment", "dispute_lost"):
        facts = compose.facts_of("debt.owed_anew", facts_for("debt.owed_anew") | {"why": why})
        said.add(compose.compose("debt.owed_anew", language, facts, "A", NOW).paragraphs[0])
    assert len(said) == 3


def test_only_a_closing_letter_carries_a_certificate():
    for kind in KINDS:
        facts = compose.facts_of(kind, facts_for(kind))
        pages = PdfReader(io.BytesIO(compose.pdf(compose.compose(kind, "en", facts, "A", NOW), NOW))).pages
        certified = any("Nil-balance certificate" in page.extract_text() for page in pages)
        assert certified == kind.endswith(".closed")


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("kind", ["exit.closed", "withdrawal.settled"])
def test_a_closing_letter_names_what_hung_on_the_line_and_nothing_that_did_not(kind: str, language: str):
    hung: dict[str, Any] = {
        "reward_minor": 350,
        "mandates": ["MANDATE-1"],
        "shops": ["cinema"],
        "vouchers": [{"title": "Bakery", "usable_until": date(2026, 11, 21)}],
    }
    bare, full = (
        compose.body(compose.compose(kind, language, compose.facts_of(kind, facts), "A", NOW))
        for facts in (facts_for(kind), facts_for(kind) | hung)
    )
    for said in ("3.50", "MANDATE-1", "cinema", "Bakery"):
        assert (said in full, said in bare) == (True, False), said
    assert "{" not in full


def test_a_run_off_letter_lists_the_schedule():
    facts = compose.facts_of("exit.runoff", facts_for("exit.runoff"))
    shown = compose.body(compose.compose("exit.runoff", "en", facts, "A", NOW))
    assert "25 November 2026  CN¥115.22" in shown


@given(st.text(max_size=40), st.text(max_size=40))
def test_hostile_words_stay_words(name: str, issuer: str):
    facts = compose.facts_of("exit.lapsed", LETTER | EXIT | {"issuer_name": issuer + "#import {name}"})
    letter = compose.compose("exit.lapsed", "en", facts, name + ' #read("/etc/passwd") {reference}', NOW)
    assert letter.issuer.endswith("#import {name}")
    assert '#read("/etc/passwd") {reference}' in letter.greeting
    assert compose.pdf(letter, NOW).startswith(b"%PDF")


def test_missing_or_unknown_facts_are_refused_before_anything_is_queued(db: Database):
    for facts in ({"reference": "EX"}, LETTER | EXIT | OWN["exit.closed"] | {"full_name": "x"}):
        letter = NewNotice("exit.closed", "exit", uuid4(), uuid4(), "en", facts, "d")
        with pytest.raises(msgspec.ValidationError), db.transaction() as tx:
            notices.queue(tx, [letter], NOW)


def test_a_letter_is_queued_once_for_ever(db: Database):
    letter = new()
    queued(db, letter)
    with db.transaction() as tx:
        assert notices.queue(tx, [letter, letter], NOW + timedelta(days=9)) == 0


def test_a_letter_goes_out_by_a_real_mail_server_with_proof(db: Database, smtp: tuple[Server, SmtpMailer]):
    server, mailer = smtp
    letter = queued(db, new(language="en"))
    assert deliver(db, letter, mailer) is None
    assert deliver(db, letter, mailer) is None
    (mail,) = server.taken
    assert mail["To"] == WHO.email
    assert mail["Subject"] == "Your credit line is closed"
    pdf = attachment(mail)
    assert "EX-7K2M-91" in text_of(pdf)
    with db.transaction() as tx:
        (proof,) = proofs(tx, [letter])
        assert (proof["outcome"], proof["reply"]) == ("sent", "accepted")
        assert proof["message_id"] == mail["Message-ID"]
        assert proof["pdf_sha256"] == compose.sha256(pdf)
        assert notices.letter(tx, letter, WHO) == pdf
        other = notices.letter(tx, letter, Addressee("Somebody Else", "", ""))
        assert other == Refusal("notice.not_reproducible")


def test_a_phone_is_shown_the_words_and_whoever_opens_the_letter_later_gets_its_pdf(db: Database):
    letter = queued(db, new(language="en"))
    assert deliver(db, letter, notices.DemoPhone(db)) is None
    with db.transaction() as tx:
        (proof,) = proofs(tx, [letter])
        assert (proof["outcome"], proof["pdf_sha256"]) == ("sent", "")
        made = notices.letter(tx, letter, WHO)
        assert not isinstance(made, Refusal)
        assert "EX-7K2M-91" in text_of(made)


def test_a_letter_to_somebody_nobody_knows_has_failed_and_holds_up_no_other(
    db: Database, smtp: tuple[Server, SmtpMailer]
):
    server, mailer = smtp
    letter, other = queued(db, new()), queued(db, new())
    assert notices.send_next(db, mailer, lambda _tx, _who: None, lambda _tx: NOW)
    assert deliver(db, other, mailer) is None
    with db.transaction() as tx:
        assert counts(tx) == {"failed": 1, "sent": 1}
        (proof,) = proofs(tx, [letter])
        assert (proof["outcome"], proof["pdf_sha256"]) == ("not_taken", "")
    assert len(server.taken) == 1


def test_eight_senders_at_once_send_one_letter(db: Database, smtp: tuple[Server, SmtpMailer]):
    server, mailer = smtp
    letter = queued(db, new())
    with ThreadPoolExecutor(4) as pool:
        for sending in [pool.submit(deliver, db, letter, mailer) for _ in range(8)]:
            sending.result()
    assert len(server.taken) == 1


class Dying:
    """A mailer whose process dies right after the server took the letter."""

    with_pdf = True

    def __init__(self, mailer: SmtpMailer) -> None:
        self.mailer = mailer

    def send(self, message: Message) -> Receipt:
        self.mailer.send(message)
        raise KeyboardInterrupt

    def send_code(self, *_: object) -> None: ...


def test_a_crash_after_sending_leaves_the_letter_unknown_and_it_is_not_sent_again(
    db: Database, smtp: tuple[Server, SmtpMailer]
):
    server, mailer = smtp
    letter = queued(db, new())
    with pytest.raises(KeyboardInterrupt):
        deliver(db, letter, Dying(mailer))
    deliver(db, letter, mailer)
    with db.transaction() as tx:
        assert notices.sweep(tx, NOW + timedelta(minutes=14)) == 0
        assert notices.sweep(tx, NOW + timedelta(minutes=15)) == 1
        found = notices.get(tx, letter)
        assert not isinstance(found, Refusal)
        assert found.state is State.UNKNOWN
    deliver(db, letter, mailer)
    assert len(server.taken) == 1


class Refusing:
    """A mailer that never takes anything."""

    with_pdf = True

    def __init__(self, permanent: bool) -> None:
        self.permanent = permanent

    def send(self, _message: Message) -> Receipt:
        raise MailError("code 550", permanent=self.permanent)

    def send_code(self, *_: object) -> None: ...


def test_a_letter_that_is_not_taken_is_tried_again_ever_later_and_then_given_up(db: Database):
    letter, now = queued(db, new()), NOW
    pauses = []
    while again := deliver(db, letter, Refusing(permanent=False), now):
        pauses.append(again - now)
        now = again
    assert pauses == sorted(pauses)
    assert len(pauses) == 5
    with db.transaction() as tx:
        found = notices.get(tx, letter)
        assert not isinstance(found, Refusal)
        assert (found.state, found.attempts) == (State.FAILED, 6)


def test_a_permanent_refusal_is_not_tried_again(db: Database):
    assert deliver(db, queued(db, new()), Refusing(permanent=True)) is None


def test_a_line_break_in_an_address_adds_no_header(smtp: tuple[Server, SmtpMailer]):
    server, mailer = smtp
    evil = Addressee("x", "a@example.com\r\nBcc: b@example.com", "")
    with pytest.raises(MailError, match="header"):
        mailer.send_code(uuid4(), evil, "title", "text", NOW)
    assert server.taken == []


def test_the_demonstration_phone_shows_letters_without_the_name(db: Database):
    letter = new()
    deliver(db, queued(db, letter), notices.DemoPhone(db))
    with db.transaction() as tx:
        (shown,) = on_phone(tx, letter.recipient)
    assert "EX-7K2M-91" in shown["body"]
    assert WHO.full_name not in shown["body"]


def test_what_is_stored_names_nobody(db: Database):
    deliver(db, queued(db, new()), notices.DemoPhone(db))
    with db.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT (SELECT string_agg(n::text, '') FROM notices.notice AS n)"
            " || (SELECT string_agg(p::text, '') FROM notices.proof AS p)"
            " || (SELECT string_agg(j::text, '') FROM store.journal AS j) AS everything"
        ).fetchone()
    assert rows
    for personal in (WHO.full_name, WHO.email, WHO.phone):
        assert personal not in rows["everything"]


def test_the_page_says_when_each_kind_of_letter_is_sent_and_names_each_once():
    text = (Path(__file__).parents[2] / "docs" / "explanation" / "notices.md").read_text()
    rows = text.split("## What is sent when", 1)[1].split("\n## ", 1)[0].splitlines()
    cells = [row.split("|")[1] for row in rows if row.startswith("| `")]
    named = [kind for cell in cells for kind in re.findall(r"`([a-z_.]+)`", cell)]
    assert sorted(named) == sorted(KINDS)


DAYS_END = [("en", "the end of 21 November 2026"), ("zh-CN", "2026年11月21日24时")]


@pytest.mark.parametrize(("language", "said"), DAYS_END)
def test_a_deadline_at_the_end_of_a_day_is_told_by_its_day(language: str, said: str):
    ends = end_of_day(date(2026, 11, 21), "Asia/Shanghai")
    for until, by_day in ((ends, True), (ends - timedelta(hours=1), False)):
        facts = compose.facts_of(
            "line.step_up_asked",
            {
                "reference": "R",
                "timezone": "Asia/Shanghai",
                "currency": "CNY",
                "issuer_name": "Test Lender",
                "asked_at": ends - timedelta(days=3, hours=5),
                "until": until,
            },
        )
        text = compose.body(compose.compose("line.step_up_asked", language, facts, "Somebody", ends))
        assert (said in text) is by_day
        assert ("22:59:59" in text) is not by_day
        assert "23:59:59" not in text


def test_letters_pile_up_once_the_oldest_has_waited_for_more_than_an_hour(db: Database):
    with db.transaction() as tx:
        assert waiting(tx) == Waiting(0, None)
        assert not waiting(tx).is_long(NOW)
    first, _ = queued(db, new()), queued(db, new())
    with db.transaction() as tx:
        assert waiting(tx) == Waiting(2, NOW)
        assert not waiting(tx).is_long(NOW + timedelta(hours=1))
        assert waiting(tx).is_long(NOW + timedelta(hours=1, seconds=1))
    deliver(db, first, Refusing(permanent=True))
    with db.transaction() as tx:
        assert waiting(tx) == Waiting(1, NOW), "what was given up does not wait"
