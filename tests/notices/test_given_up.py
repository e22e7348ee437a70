"""Letters that were given up or are in doubt: a person says what becomes of them. None is sent twice."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from mailserver import HANGS_UP, MESSAGE, mail_server
from notices.test_notices import NOW, WHO, new, queued

from whiteslip import notices
from whiteslip.base import Refusal
from whiteslip.notices import acts
from whiteslip.notices.mailers import MailError
from whiteslip.notices.model import Message, Notice, Receipt, State
from whiteslip.store import Database, Tx
from whiteslip.store.database import journal_of

LATER = NOW + timedelta(days=2)


class Mailer:
    """Takes letters, or says ``fault``."""

    with_pdf: ClassVar = True

    def __init__(self, fault: MailError | None = None) -> None:
        self.fault, self.taken = fault, list[UUID]()

    def send(self, message: Message) -> Receipt:
        if self.fault:
            raise self.fault
        self.taken.append(message.id)
        return Receipt("accepted", f"<{message.id}@x>")

    def send_code(self, *_: object, **__: object) -> None: ...


def send(db: Database, mailer: Mailer) -> bool:
    return notices.send_next(db, mailer, lambda _tx, _who: WHO, lambda _tx: LATER)


def state(tx: Tx, letter: UUID) -> State:
    found = notices.get(tx, letter)
    assert isinstance(found, Notice)
    return found.state


def given_up(db: Database) -> UUID:
    letter = queued(db, new())
    assert send(db, Mailer(MailError("code 550", permanent=True)))
    return letter


def in_doubt(db: Database) -> UUID:
    letter = queued(db, new())
    assert send(db, Mailer(MailError("silent", in_doubt=True)))
    return letter


def test_a_letter_that_has_failed_is_sent_again_once_and_the_journal_says_who_wanted_it(db: Database):
    letter, mailer = given_up(db), Mailer()
    with db.transaction() as tx:
        again = acts.send_again(tx, letter, False, "staff:1", LATER)
        assert isinstance(again, Notice)
        assert acts.send_again(tx, letter, False, "staff:1", LATER) == Refusal("notice.not_given_up")
    assert (send(db, mailer), send(db, mailer)) == (True, False)
    with db.transaction() as tx:
        assert acts.send_again(tx, letter, True, "staff:1", LATER) == Refusal("notice.not_given_up")
        told = [(row["kind"], row["actor"]) for row in journal_of(tx, [letter])]
        assert told[2:] == [("notice.queued_again", "staff:1"), ("notice.sent", "system")]
        assert state(tx, letter) == State.SENT
    assert mailer.taken == [letter]


def test_a_letter_in_doubt_is_sent_again_only_by_who_has_looked(db: Database):
    letter, mailer = in_doubt(db), Mailer()
    with db.transaction() as tx:
        assert acts.send_again(tx, letter, False, "staff:1", LATER) == Refusal("notice.in_doubt")
    assert not send(db, mailer)
    with db.transaction() as tx:
        assert isinstance(acts.send_again(tx, letter, True, "staff:1", LATER), Notice)
    assert send(db, mailer)
    assert mailer.taken == [letter]


def test_a_letter_that_was_taken_after_all_was_sent_when_it_was_handed_over(db: Database):
    letter = in_doubt(db)
    with db.transaction() as tx:
        assert isinstance(acts.note_taken(tx, letter, "staff:1", LATER + timedelta(hours=1)), Notice)
        assert acts.note_taken(tx, letter, "staff:1", LATER) == Refusal("notice.not_given_up")
        found = notices.get(tx, letter)
        assert isinstance(found, Notice)
        assert (found.state, found.sent_at) == (State.SENT, LATER)
        doubt, sent = acts.proofs(tx, [letter])
        assert (sent["outcome"], sent["reply"]) == ("sent", "found by a person")
        assert sent["pdf_sha256"] == doubt["pdf_sha256"] != ""
        assert isinstance(notices.letter(tx, letter, WHO), bytes), "the very bytes that it was given"
    assert not send(db, Mailer())


@pytest.mark.parametrize("claimed", [False, True])
def test_a_letter_that_waits_or_is_being_sent_is_nobodys_to_settle(db: Database, claimed: bool):
    letter = queued(db, new())
    with db.transaction() as tx:
        if claimed:
            tx.conn.execute("UPDATE notices.notice SET state = 'sending', claimed_at = queued_at")
        for done in (
            acts.send_again(tx, letter, True, "staff:1", NOW),
            acts.note_taken(tx, letter, "staff:1", NOW),
        ):
            assert done == Refusal("notice.not_given_up")
        assert acts.send_again(tx, uuid4(), True, "staff:1", NOW) == Refusal("notice.not_found")


class Slow(Mailer):
    """Takes so long that the night calls the letter unknown and a person has it queued again."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self.db = db

    def send(self, message: Message) -> Receipt:
        with self.db.transaction() as tx:
            assert notices.sweep(tx, LATER + timedelta(hours=1)) == 1
            assert isinstance(acts.send_again(tx, message.id, True, "staff:1", LATER), Notice)
        return super().send(message)


def test_who_had_it_in_hand_all_the_while_and_was_heard_keeps_it_from_being_sent_again(db: Database):
    letter, mailer = queued(db, new()), Slow(db)
    assert send(db, mailer)
    while send(db, mailer):
        pass
    assert mailer.taken == [letter]
    with db.transaction() as tx:
        assert state(tx, letter) == State.SENT


def test_letters_in_doubt_after_a_silence_are_listed_with_what_was_said(db: Database):
    with mail_server() as server:
        letter = queued(db, new())
        server.says = lambda word: HANGS_UP if word == MESSAGE else None
        notices.send_next(db, server.mailer, lambda _tx, _who: WHO, lambda _tx: NOW)
    with db.transaction() as tx:
        (row,) = acts.in_states(tx, [State.FAILED, State.UNKNOWN], 10)
        assert (row["id"], row["state"], row["attempts"]) == (letter, "unknown", 1)
        assert row["reply"] == "SMTPServerDisconnected"
        assert acts.in_states(tx, [State.FAILED], 10) == []
