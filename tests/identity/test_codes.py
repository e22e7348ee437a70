"""One-time codes on a test clock, and what a proof is good for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from whiteslip.base import Refusal, TestClock
from whiteslip.identity import Vault, codes
from whiteslip.identity.model import Code
from whiteslip.store import Database
from whiteslip.store.database import journal_of

MINUTES, PER_HOUR, ATTEMPTS = 15, 5, 5
WRONG = Refusal("identity.code_wrong")
EXPIRED = Refusal("identity.code_expired", {"minutes": MINUTES})
EXHAUSTED = Refusal("identity.too_many_attempts", {"minutes": MINUTES})


class Phone:
    """A phone at which codes arrive, and the person who types them."""

    def __init__(self, db: Database, vault: Vault, clock: TestClock) -> None:
        self.db, self.vault, self.clock = db, vault, clock
        self.subject = uuid4()
        self.numbers: Iterator[int] = iter(range(123_450, 999_999))

    def send(self, purpose: str = "exit", subject: UUID | None = None) -> Code | Refusal:
        with self.db.transaction() as tx:
            return codes.send_code(
                tx,
                self.vault,
                subject or self.subject,
                purpose,
                MINUTES,
                PER_HOUR,
                self.clock.now(),
                draw=lambda _: next(self.numbers),
            )

    def received(self, purpose: str = "exit") -> str:
        code = self.send(purpose)
        assert isinstance(code, Code)
        return code.text

    def type(self, typed: str, purpose: str = "exit", subject: UUID | None = None) -> Refusal | None:
        with self.db.transaction() as tx:
            return codes.check_code(
                tx,
                self.vault,
                subject or self.subject,
                purpose,
                typed,
                MINUTES,
                ATTEMPTS,
                self.clock.now(),
            )

    def wait(self, minutes: float) -> None:
        self.clock.advance(timedelta(minutes=minutes))


@pytest.fixture
def phone(db: Database, vault: Vault, clock: TestClock) -> Phone:
    return Phone(db, vault, clock)


def test_a_right_code_is_good_once(phone: Phone):
    code = phone.received()
    assert phone.type(code) is None
    assert phone.type(code) == WRONG


@pytest.mark.parametrize("typed", ["123 450", "123-450", " 1 2 3 4 5 0 ", "123–450", "１２３４５０"])
def test_spaces_dashes_and_width_are_forgiven(phone: Phone, typed: str):
    assert phone.received() == "123450"
    assert phone.type(typed) is None


@pytest.mark.parametrize("typed", ["", "12345", "1234500", "123451", "abcdef", "\ud800"])
def test_anything_else_is_wrong(phone: Phone, typed: str):
    phone.received()
    assert phone.type(typed) == WRONG


def test_codes_are_six_digits_from_the_systems_randomness(db: Database, vault: Vault, clock: TestClock):
    drawn: set[str] = set()
    with db.transaction() as tx:
        for _ in range(50):
            code = codes.send_code(tx, vault, uuid4(), "exit", MINUTES, PER_HOUR, clock.now())
            assert isinstance(code, Code)
            assert len(code.text) == 6
            assert code.text.isdecimal()
            drawn.add(code.text)
    assert len(drawn) > 40


def test_a_small_number_keeps_its_zeros(phone: Phone):
    phone.numbers = iter([7])
    assert phone.received() == "000007"
    assert phone.type("7") == WRONG
    assert phone.type("000007") is None


def test_printing_a_code_does_not_show_it(phone: Phone):
    code = phone.send()
    assert isinstance(code, Code)
    assert code.text not in repr(code)
    assert code.expires_at == phone.clock.now() + timedelta(minutes=MINUTES)


def test_a_code_is_good_to_the_last_moment_and_then_called_expired(phone: Phone):
    first = phone.received()
    phone.wait(MINUTES - 0.01)
    assert phone.type(first) is None
    second = phone.received()
    phone.wait(MINUTES)
    assert phone.type(second) == EXPIRED


def test_long_after_it_ran_out_a_code_is_merely_wrong(phone: Phone):
    code = phone.received()
    phone.wait(60 * 3)
    assert phone.type(code) == WRONG


def test_a_new_code_leaves_the_one_before_good(phone: Phone):
    first = phone.received()
    phone.wait(5)
    phone.received()
    assert phone.type(first) is None


def test_a_right_code_uses_up_the_others_sent_for_the_same(phone: Phone):
    first, second = phone.received(), phone.received()
    assert phone.type(second) is None
    assert phone.type(first) == WRONG


def test_a_code_is_for_one_purpose_and_one_person(phone: Phone):
    code = phone.received("exit")
    assert phone.type(code, "contact") == WRONG
    assert phone.type(code, subject=uuid4()) == WRONG
    assert phone.type(code, "exit") is None


def test_a_code_of_another_vault_is_wrong(phone: Phone):
    code = phone.received()
    phone.vault = Vault(bytes(32))
    assert phone.type(code) == WRONG


def test_only_so_many_codes_are_sent_within_an_hour(phone: Phone):
    for _ in range(PER_HOUR):
        phone.received()
        phone.wait(1)
    assert phone.send() == Refusal("identity.too_many_codes", {"per_hour": PER_HOUR})
    assert isinstance(phone.send("contact"), Code)
    assert isinstance(phone.send(subject=uuid4()), Code)
    phone.wait(55)
    assert isinstance(phone.send(), Code)


def test_after_so_many_wrong_answers_even_the_right_one_is_not_looked_at(phone: Phone):
    code = phone.received()
    for _ in range(ATTEMPTS):
        assert phone.type("000000") == WRONG
    assert phone.type(code) == EXHAUSTED
    assert phone.type(phone.received()) == EXHAUSTED
    phone.wait(MINUTES)
    assert phone.type(phone.received()) is None


def test_waiting_answers_are_not_counted_again(phone: Phone):
    for _ in range(ATTEMPTS):
        phone.type("000000")
    phone.wait(MINUTES - 1)
    assert phone.type("000000") == EXHAUSTED
    phone.wait(1)
    assert phone.type("000000") == WRONG


def test_a_right_answer_forgives_the_wrong_ones_before(phone: Phone):
    for _ in range(ATTEMPTS - 1):
        phone.type("000000")
    assert phone.type(phone.received()) is None
    for _ in range(ATTEMPTS - 1):
        assert phone.type("000000") == WRONG
    assert phone.type(phone.received()) is None


def test_wrong_answers_given_at_once_are_all_counted(phone: Phone):
    code = phone.received()
    threads = [threading.Thread(target=phone.type, args=("000000",)) for _ in range(ATTEMPTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert phone.type(code) == EXHAUSTED


def test_answers_at_once_that_are_wrong_beside_the_code_take_turns(phone: Phone):
    looked_at: list[bool] = []

    def answer() -> None:
        with phone.db.transaction() as tx:
            now = phone.clock.now()
            if not codes.is_exhausted(tx, phone.subject, "exit", MINUTES, ATTEMPTS, now):
                looked_at.append(True)
                time.sleep(0.02)  # the name and the number are compared
                codes.count_failure(tx, phone.subject, "exit", now)

    threads = [threading.Thread(target=answer) for _ in range(3 * ATTEMPTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked_at) == ATTEMPTS


def test_one_right_code_typed_twice_at_once_is_good_once(phone: Phone):
    code = phone.received()
    answers: list[Refusal | None] = []
    threads = [threading.Thread(target=lambda: answers.append(phone.type(code))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(None) == 1
    assert answers.count(WRONG) == 3


def test_the_journal_tells_what_was_sent_and_tried_but_no_code(phone: Phone):
    code = phone.received()
    phone.type("000000")
    phone.type(code)
    with phone.db.transaction() as tx:
        rows = journal_of(tx, [phone.subject])
    assert [(row["kind"], row["data"]) for row in rows] == [
        ("identity.code_sent", {"purpose": "exit"}),
        ("identity.check_failed", {"purpose": "exit"}),
    ]


# What a proof is good for --------------------------------------------------------------------


def test_a_proof_lasts_for_its_minutes(db: Database, clock: TestClock):
    subject, session = uuid4(), uuid4()
    with db.transaction() as tx:
        assert not codes.verified_within(tx, subject, 15, clock.now(), session)
        codes.record_verification(tx, subject, "code", clock.now(), session)
        assert codes.verified_within(tx, subject, 15, clock.advance(timedelta(minutes=14)), session)
        assert not codes.verified_within(tx, subject, 15, clock.advance(timedelta(minutes=1)), session)


def test_a_proof_is_of_one_session_of_one_person(db: Database, clock: TestClock):
    subject, session, now = uuid4(), uuid4(), clock.now()
    with db.transaction() as tx:
        codes.record_verification(tx, subject, "code", now, session)
        assert not codes.verified_within(tx, subject, 15, now, uuid4())
        assert not codes.verified_within(tx, subject, 15, now)
        assert not codes.verified_within(tx, uuid4(), 15, now, session)
        codes.record_verification(tx, subject, "code", now)
        assert codes.verified_within(tx, subject, 15, now)
        assert not codes.verified_within(tx, subject, 15, now, uuid4())


def test_a_proof_is_in_the_journal_with_its_method(db: Database, clock: TestClock):
    subject = uuid4()
    with db.transaction() as tx:
        codes.record_verification(tx, subject, "name_id_number_code", clock.now())
        [row] = journal_of(tx, [subject])
    assert (row["kind"], row["data"]) == ("identity.verified", {"method": "name_id_number_code"})
