"""Handing letters to a mail server, in every mood it may have: once, proven, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from mailserver import HANGS_UP, MESSAGE, MailServer, mail_server
from notices.test_notices import NOW, WHO, deliver, free_port, new, queued

from whiteslip import day, notices
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.notices import Addressee, DemoPhone, SmtpMailer, compose, mailers
from whiteslip.notices.acts import proofs
from whiteslip.notices.mailers import MailError, NoMailer, for_a_run
from whiteslip.notices.model import Letter, Message, Notice, Receipt, State
from whiteslip.store import Database, Tx
from whiteslip.store.database import journal_after


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


def state(db: Database, letter: UUID) -> State:
    with db.transaction() as tx:
        found = notices.get(tx, letter)
    assert not isinstance(found, Refusal)
    return found.state


def known(_tx: Tx, _notice: Notice) -> Addressee:
    return WHO


def send_all(db: Database, mail: MailServer) -> int:
    sent = 0
    with for_a_run(mail.mailer) as mailer:
        while notices.send_next(db, mailer, known, lambda _: NOW):
            sent += 1
    return sent


def once(word: str, answer: str, time: int = 1) -> Callable[[str], str | None]:
    """A server that gives this answer to the word, when it hears it for the ``time``-th time."""
    heard = count(1)
    return lambda said: answer if said == word and next(heard) == time else None


@pytest.mark.parametrize("answer", [HANGS_UP, "421 closing"])
def test_a_server_that_has_the_whole_letter_and_does_not_answer_is_not_given_it_again(
    db: Database, mail: MailServer, answer: str
):
    letter = queued(db, new())
    mail.says = once(MESSAGE, answer)
    again = deliver(db, letter, mail.mailer)
    if answer:
        assert again == NOW + timedelta(minutes=5), "it said no"
        return
    assert (again, state(db, letter)) == (None, State.UNKNOWN)
    with db.transaction() as tx:
        (proof,) = proofs(tx, [letter])
        assert (proof["outcome"], proof["message_id"]) == ("unknown", "")
        assert proof["pdf_sha256"]
        assert [row["kind"] for row in journal_after(tx, 0)][-1] == "notice.unknown"
    assert send_all(db, mail) == 0
    assert len(mail.taken) == 1


def test_a_server_that_answers_late_is_waited_for_once_it_has_the_whole_letter(
    db: Database, mail: MailServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mailers, "_TIMEOUT_SECONDS", 0.3)

    def late(word: str) -> None:
        if word == MESSAGE:
            time.sleep(1)

    mail.says = late
    letters = [queued(db, new()) for _ in range(2)]
    assert send_all(db, mail) == 2
    assert [state(db, letter) for letter in letters] == [State.SENT] * 2
    mail.says = lambda word: "354 go on" if word == "DATA" and time.sleep(1) is None else None
    letter = queued(db, new())
    assert deliver(db, letter, mail.mailer) == NOW + timedelta(minutes=5), "it was not given the letter"
    assert (len(mail.taken), state(db, letter)) == (2, State.QUEUED)


@pytest.mark.parametrize("answer", [HANGS_UP, "554 what now"])
def test_a_letter_that_was_taken_stays_taken_however_the_server_says_goodbye(
    db: Database, mail: MailServer, answer: str
):
    letter = queued(db, new())
    mail.says = once("QUIT", answer)
    assert deliver(db, letter, mail.mailer) is None
    assert (state(db, letter), len(mail.taken)) == (State.SENT, 1)


def test_letters_one_after_the_other_go_by_one_connection(db: Database, mail: MailServer):
    for _ in range(5):
        queued(db, new())
    assert send_all(db, mail) == 5
    assert (len(mail.taken), len(set(mail.taken)), mail.hosted) == (5, 5, 1)


@pytest.mark.parametrize(
    ("word", "answer"), [("MAIL", "421 so many"), ("MAIL", HANGS_UP), ("RCPT", "421 no")]
)
def test_who_has_had_enough_of_a_connection_is_connected_to_again(
    db: Database, mail: MailServer, word: str, answer: str
):
    letters = [queued(db, new()) for _ in range(5)]
    mail.says = once(word, answer, time=3)
    assert send_all(db, mail) == 5
    assert {state(db, letter) for letter in letters} == {State.SENT}
    assert (len(mail.taken), mail.hosted) == (5, 2)


def test_a_recipient_who_is_refused_ends_neither_the_connection_nor_the_run(db: Database, mail: MailServer):
    letters = [queued(db, new()) for _ in range(3)]
    mail.says = once("RCPT", "550 nobody", time=2)
    assert send_all(db, mail) == 3
    assert [state(db, letter) for letter in letters] == [State.SENT, State.FAILED, State.SENT]
    assert (len(mail.taken), mail.hosted) == (2, 1)


@pytest.mark.parametrize("word", ["hello", "EHLO", "gone"])
def test_who_is_not_there_or_does_not_let_us_in_has_refused_no_letter_and_is_asked_for_none_twice(
    db: Database, mail: MailServer, word: str
):
    letters = [queued(db, new()) for _ in range(3)]
    mail.says = lambda said: "554 not you" if said in (word, "HELO") else None
    out = mail.mailer if word != "gone" else SmtpMailer("127.0.0.1", free_port(), "a@example.com", tls="none")
    for _ in range(9):  # more often than a letter is tried
        with pytest.raises(MailError), for_a_run(out) as mailer:
            notices.send_next(db, mailer, known, lambda _: NOW)
    assert mail.hosted == (0 if word == "gone" else 9)
    with db.transaction() as tx:
        assert proofs(tx, letters) == []
        assert [notices.get(tx, each).attempts for each in letters] == [0, 0, 0]  # type: ignore[union-attr]
    mail.says = lambda _: None
    assert send_all(db, mail) == 3
    assert [state(db, letter) for letter in letters] == [State.SENT] * 3
    assert len(mail.taken) == 3


def test_a_night_passes_while_the_mail_server_is_away_and_letters_wait_where_there_is_none(db: Database):
    letter = queued(db, new())
    away = SmtpMailer("127.0.0.1", free_port(), "a@example.com", tls="none")
    for mailer in (away, NoMailer()):
        ports = day.Ports(Office(Tables.load(), "Test"), Vault(bytes(32)), mailer)
        done = day.seal(db, ports, NOW.date() - timedelta(days=1), "Asia/Shanghai", NOW, with_letters=True)
        assert not isinstance(done, Refusal)
    assert day.run_letters(db, ports, lambda _: NOW) == 0
    assert state(db, letter) == State.QUEUED


def test_a_letter_that_cannot_be_written_holds_up_no_other(
    db: Database, mail: MailServer, monkeypatch: pytest.MonkeyPatch
):
    bad, good = queued(db, new("exit.lapsed")), queued(db, new())
    through = compose.pdf

    def pdf(letter: Letter, dated: datetime) -> bytes:
        if letter.title == title:
            raise ValueError("the template is broken")
        return through(letter, dated)

    facts = new("exit.lapsed").facts
    title = compose.compose(
        "exit.lapsed", "zh-CN", compose.facts_of("exit.lapsed", facts), WHO.full_name, NOW
    ).title
    monkeypatch.setattr(compose, "pdf", pdf)
    with pytest.raises(ValueError, match="broken"):
        send_all(db, mail)
    assert send_all(db, mail) == 1
    assert (state(db, bad), state(db, good)) == (State.SENDING, State.SENT)
    with db.transaction() as tx:
        assert notices.sweep(tx, NOW + timedelta(hours=1)) == 1


class Patient:
    """A mailer that takes so long that the night gives the letter up meanwhile."""

    with_pdf = True

    def __init__(self, db: Database, fault: MailError | None) -> None:
        self.db, self.fault = db, fault

    def send(self, message: Message) -> Receipt:
        with self.db.transaction() as tx:
            assert notices.sweep(tx, NOW + timedelta(hours=1)) == 1
        if self.fault:
            raise self.fault
        return Receipt("accepted", f"<{message.id}@x>")

    def send_code(self, *_: object) -> None: ...


@pytest.mark.parametrize(("fault", "then"), [(None, State.SENT), (MailError("code 451"), State.QUEUED)])
def test_who_takes_longer_than_the_night_has_patience_says_after_all_what_became_of_it(
    db: Database, fault: MailError | None, then: State
):
    letter = queued(db, new())
    again = deliver(db, letter, Patient(db, fault))
    assert (state(db, letter), again is None) == (then, fault is None)


def test_each_letter_of_a_run_says_when_it_went_out(db: Database):
    letters = [queued(db, new()) for _ in range(3)]
    ports = day.Ports(Office(Tables.load(), "Test"), Vault(bytes(32)), DemoPhone(db))
    ticks = count()
    assert day.run_letters(db, ports, lambda _: NOW + timedelta(minutes=next(ticks))) == 3
    with db.transaction() as tx:
        # Nobody whom the vault knows: it says so at once, by the first look at the clock.
        assert [proof["at"] for proof in proofs(tx, letters)] == [
            NOW + timedelta(minutes=n) for n in range(3)
        ]


def test_a_run_ends_between_two_letters(db: Database):
    for _ in range(3):
        queued(db, new())
    ports = day.Ports(Office(Tables.load(), "Test"), Vault(bytes(32)), DemoPhone(db))
    over = iter([False, False, True])
    assert day.run_letters(db, ports, lambda _: NOW, lambda: next(over)) == 2


def test_a_way_out_that_is_no_mail_server_is_used_as_it_is(db: Database):
    phone = DemoPhone(db)
    with for_a_run(phone) as mailer:
        assert mailer is phone
    with for_a_run(SmtpMailer("127.0.0.1", 1, "a@example.com", tls="none")):
        pass  # nobody is connected to before there is a letter
