"""Queue, send, prove. Nothing is sent twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from whiteslip.base import Refusal, new_id
from whiteslip.notices import compose
from whiteslip.notices.mailers import Mailer, MailError
from whiteslip.notices.model import Addressee, Letter, Message, NewNotice, Notice, Receipt, State, Waiting
from whiteslip.store import Database, Entry, Tx, load_queries
from whiteslip.store.database import Row
from whiteslip.store.timers import retry_timer, set_timers, take_timer

_queries = load_queries(__file__)
# How long to wait after the first, second, … attempt that failed.
_PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (5, 30, 120, 600, 1440))
_CRASHED_AFTER: Final = timedelta(minutes=15)
_NOBODY: Final = "no address: the vault does not know who this is"
_KINDS: Final[dict[State, str]] = {
    State.SENT: "notice.sent",
    State.FAILED: "notice.failed",
    State.UNKNOWN: "notice.unknown",
}

AddresseeOf = Callable[[Tx, Notice], Addressee | None]
Clock = Callable[[Tx], datetime]


def queue(tx: Tx, batch: Sequence[NewNotice], now: datetime) -> int:
    """Queue letters; one whose ``dedupe`` was queued before is left out. Returns how many are new.

    Raises msgspec.ValidationError when facts are missing or wrong, before anything is queued.
    """
    if not batch:
        return 0
    facts = [compose.stored(compose.facts_of(n.kind, n.facts)) for n in batch]
    rows = list(
        _queries.add(
            tx.conn,
            id=[new_id(now) for _ in batch],
            kind=[n.kind for n in batch],
            subject_kind=[n.subject_kind for n in batch],
            subject=[n.subject for n in batch],
            recipient=[n.recipient for n in batch],
            language=[n.language for n in batch],
            facts=facts,
            dedupe=[n.dedupe for n in batch],
            to_former=[n.to_former for n in batch],
            now=now,
        )
    )
    set_timers(tx, "notice.send", [row["id"] for row in rows], now, now)
    for row in rows:
        tx.record(Entry(now, "notice.queued", "notice", row["id"], "system", {"kind": row["kind"]}))
    return len(rows)


def send_next(database: Database, mailer: Mailer, addressee_of: AddresseeOf, clock: Clock) -> bool:
    """Send the letter that is longest due: claimed in a transaction, sent outside any, settled in another.

    Of two callers at once each claims another one. After a crash in between the letter stays claimed and
    :func:`sweep` marks it unknown. One whose addressee nobody knows has failed. False when none is due.

    Raises MailError where the server is away: the letter is put back as if it had not been tried.
    """
    with database.transaction() as tx:
        now = clock(tx)
        timer = take_timer(tx, now, ("notice.send",))
        if timer is None:
            return False
        claimed = _claim(tx, timer.subject, addressee_of, now)
    if claimed:
        notice, to = claimed
        message = _message(notice, to, mailer.with_pdf, now)
        try:
            state, receipt, pause = _hand_over(mailer, message, notice.attempts)
        except MailError:
            with database.transaction() as tx:
                if _queries.put_back(tx.conn, id=notice.id):
                    retry_timer(tx, timer, timer.due_at)
            raise
        with database.transaction() as tx:
            now = clock(tx)
            _settle(tx, notice, message, state, receipt, now)
            if pause:
                retry_timer(tx, timer, now + pause)
    return True


def _claim(
    tx: Tx, notice_id: UUID, addressee_of: AddresseeOf, now: datetime
) -> tuple[Notice, Addressee] | None:
    row = _queries.claim(tx.conn, id=notice_id, now=now)
    if row is None:
        return None
    notice = _notice(row)
    to = addressee_of(tx, notice)
    if to is None:
        _settle(tx, notice, None, State.FAILED, Receipt(_NOBODY, ""), now)
        return None
    return notice, to


def _message(notice: Notice, addressee: Addressee, with_pdf: bool, now: datetime) -> Message:
    letter = _written(notice, addressee)
    return Message(
        id=notice.id,
        recipient=notice.recipient,
        addressee=addressee,
        title=letter.title,
        greeting=letter.greeting,
        body=compose.body(letter),
        pdf=compose.pdf(letter, notice.queued_at) if with_pdf else None,
        at=now,
    )


def _written(notice: Notice, addressee: Addressee) -> Letter:
    facts = compose.facts_of(notice.kind, notice.facts)
    return compose.compose(notice.kind, notice.language, facts, addressee.full_name, notice.queued_at)


def _hand_over(mailer: Mailer, message: Message, attempts: int) -> tuple[State, Receipt, timedelta | None]:
    """What became of it, what is proof of that, and how long to wait where it is to be tried again.

    Raises MailError where the server is away.
    """
    try:
        return State.SENT, mailer.send(message), None
    except MailError as error:
        if error.away:
            raise
        receipt, pause = Receipt(error.reply, ""), _pause(attempts, error)
        if error.in_doubt:
            return State.UNKNOWN, receipt, None
        return State.QUEUED if pause else State.FAILED, receipt, pause


def _pause(attempts: int, error: MailError) -> timedelta | None:
    """How long to wait before trying again; None gives up."""
    return None if error.permanent or attempts > len(_PAUSES) else _PAUSES[attempts - 1]


def _settle(
    tx: Tx, notice: Notice, message: Message | None, state: State, receipt: Receipt, now: datetime
) -> None:
    """Keep how an attempt ended; what was not written, a message or its PDF, has no hash."""
    _queries.settle(
        tx.conn,
        id=notice.id,
        state=state,
        sent_at=now if state is State.SENT else None,
        now=now,
        outcome=state if state in (State.SENT, State.UNKNOWN) else "not_taken",
        reply=receipt.reply,
        message_id=receipt.message_id,
        text_sha256=compose.sha256(message.body.encode()) if message else "",
        pdf_sha256=compose.sha256(message.pdf) if message and message.pdf else "",
    )
    data = {"kind": notice.kind} | ({"attempts": notice.attempts} if state is State.FAILED else {})
    if state in _KINDS:
        tx.record(Entry(now, _KINDS[state], "notice", notice.id, "system", data))


def sweep(tx: Tx, now: datetime) -> int:
    """Mark letters that a crash left half sent as unknown; a person looks, we do not send again."""
    rows = list(_queries.sweep(tx.conn, before=now - _CRASHED_AFTER))
    for row in rows:
        tx.record(Entry(now, "notice.unknown", "notice", row["id"], "system", {"kind": row["kind"]}))
    return len(rows)


def send_again(tx: Tx, notice_id: UUID, not_taken: bool, actor: str, now: datetime) -> Notice | Refusal:
    """Queue a letter that was given up once more, as if it were new.

    One that is unknown only when somebody has looked and knows that it was ``not_taken``. Refusals:
    ``notice.not_found``, ``notice.not_given_up``, ``notice.in_doubt``.
    """
    found = get(tx, notice_id)
    if isinstance(found, Refusal):
        return found
    if found.state is State.UNKNOWN and not not_taken:
        return Refusal("notice.in_doubt")
    if not _queries.queue_again(tx.conn, id=notice_id, state=found.state):
        return Refusal("notice.not_given_up")
    set_timers(tx, "notice.send", [notice_id], now, now)
    data = {"kind": found.kind, "was": found.state}
    tx.record(Entry(now, "notice.queued_again", "notice", notice_id, actor, data))
    return replace(found, state=State.QUEUED, attempts=0)


def note_taken(tx: Tx, notice_id: UUID, actor: str, now: datetime) -> Notice | Refusal:
    """Somebody found in the mail server's log that it has taken a letter that is unknown: it was sent then.

    Refusals: ``notice.not_found``, ``notice.not_given_up``.
    """
    found = get(tx, notice_id)
    if isinstance(found, Refusal):
        return found
    if not _queries.settle_as_taken(tx.conn, id=notice_id, now=now):
        return Refusal("notice.not_given_up")
    tx.record(Entry(now, "notice.sent", "notice", notice_id, actor, {"kind": found.kind}))
    return replace(found, state=State.SENT)


def in_states(tx: Tx, states: Sequence[State], count: int) -> list[Row]:
    """Letters that stand in some states, oldest first: id, kind, state, attempts, queued_at; tried_at and
    reply of the last attempt, if any."""
    return list(_queries.in_states(tx.conn, states=list(states), count=count))


def _notice(row: Row) -> Notice:
    return msgspec.convert(row, Notice)


def get(tx: Tx, notice_id: UUID) -> Notice | Refusal:
    """A letter. Refusal: ``notice.not_found``."""
    row = _queries.notice(tx.conn, id=notice_id)
    return _notice(row) if row else Refusal("notice.not_found")


def of_subject(tx: Tx, subject: UUID, after: UUID | None = None, count: int | None = None) -> list[Notice]:
    """Letters about something, oldest first: those that follow ``after``, all or up to ``count``."""
    rows = _queries.of_subject(tx.conn, subject=subject, after=after, count=count)
    return [_notice(row) for row in rows]


def of_recipient(tx: Tx, recipient: UUID) -> list[Notice]:
    """Letters to somebody, newest first."""
    return [_notice(row) for row in _queries.of_recipient(tx.conn, recipient=recipient)]


def proofs(tx: Tx, letters: Sequence[UUID]) -> list[Row]:
    """Attempts to send letters, the oldest first: notice, at, outcome, reply, message_id, text_sha256,
    pdf_sha256."""
    return list(_queries.proofs(tx.conn, notices=list(letters)))


def letter(tx: Tx, notice_id: UUID, addressee: Addressee) -> bytes | Refusal:
    """The letter as PDF: the very bytes that were sent, or that will be.

    Refusals: ``notice.not_found``, ``notice.not_reproducible`` when what was sent cannot be made
    again because the name or the template has changed since.
    """
    notice = get(tx, notice_id)
    if isinstance(notice, Refusal):
        return notice
    made = compose.pdf(_written(notice, addressee), notice.queued_at)
    sent = _queries.sent_pdf(tx.conn, notice=notice_id)
    if sent and sent != compose.sha256(made):
        return Refusal("notice.not_reproducible")
    return made


def preview(new: NewNotice, now: datetime) -> tuple[str, str]:
    """What a letter would say if it were queued now, without its greeting; and that text's SHA-256.

    The proof of sending keeps the same hash, so what was read can be compared with what was sent.
    """
    facts = compose.facts_of(new.kind, new.facts)
    text = compose.body(compose.compose(new.kind, new.language, facts, "", now))
    return text, compose.sha256(text.encode())


def draft(new: NewNotice, addressee: Addressee, now: datetime) -> bytes:
    """The PDF that a letter would be if it were queued now."""
    facts = compose.facts_of(new.kind, new.facts)
    return compose.pdf(compose.compose(new.kind, new.language, facts, addressee.full_name, now), now)


def counts(tx: Tx) -> dict[str, int]:
    """How many letters stand in each state."""
    return {row["state"]: row["count"] for row in _queries.counts(tx.conn)}


def waiting(tx: Tx) -> Waiting:
    """Letters that no server has taken yet."""
    return Waiting(**_queries.waiting(tx.conn))
