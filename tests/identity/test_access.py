"""Staff, links, sessions and keys: who comes in, for how long, and who does not."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

import pytest

from whiteslip.base import Refusal, TestClock
from whiteslip.identity import access
from whiteslip.identity.model import ApiKey, Kind, Role, Staff
from whiteslip.store import Database
from whiteslip.store.database import journal_of

PASSWORD = "correct horse battery"
FAILED = Refusal("staff.sign_in_failed")


def hire(db: Database, now: datetime, name: str = "reviewer", password: str | None = PASSWORD) -> Staff:
    with db.transaction() as tx:
        staff = access.create_staff(tx, name, Role.REVIEWER, password, now)
    assert isinstance(staff, Staff)
    return staff


def sign_in(db: Database, now: datetime, password: str = PASSWORD, name: str = "reviewer") -> Staff | Refusal:
    with db.transaction() as tx:
        return access.sign_in(tx, name, password, now)


def kinds(db: Database, subject: UUID) -> list[str]:
    with db.transaction() as tx:
        return [row["kind"] for row in journal_of(tx, [subject])]


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with little work: for tests that sign in a dozen times."""
    monkeypatch.setattr(access, "_hasher", access.PasswordHasher(1, 8, 1))


def test_staff_sign_in_with_their_password(db: Database, clock: TestClock):
    staff = hire(db, clock.now())
    assert sign_in(db, clock.now()) == staff
    assert kinds(db, staff.id) == ["staff.created", "staff.signed_in"]


@pytest.mark.parametrize(
    ("name", "password"), [("reviewer", "wrong"), ("reviewer", ""), ("nobody", PASSWORD), ("", "")]
)
def test_what_was_wrong_is_not_told(db: Database, clock: TestClock, name: str, password: str):
    hire(db, clock.now())
    assert sign_in(db, clock.now(), password, name) == FAILED


def test_an_unknown_name_costs_as_much_work_as_a_known_one(
    db: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
):
    hire(db, clock.now())
    hire(db, clock.now(), "no-password-yet", None)
    worked: list[str] = []

    class Counting(access.PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
            worked.append(str(hash).split("$")[3])
            return super().verify(hash, password)

    monkeypatch.setattr(access, "_hasher", Counting())
    for name in ("reviewer", "no-password-yet", "nobody"):
        assert sign_in(db, clock.now(), "wrong", name) == FAILED
    assert len(worked) == 3
    assert len(set(worked)) == 1


@pytest.mark.usefixtures("cheap_hashes")
def test_ten_failures_lock_a_quarter_of_an_hour(db: Database, clock: TestClock):
    staff = hire(db, clock.now())
    for _ in range(10):
        assert sign_in(db, clock.now(), "wrong") == FAILED
    assert sign_in(db, clock.now()) == Refusal("staff.locked_out", {"minutes": 15})
    clock.advance(timedelta(minutes=14, seconds=30))
    assert sign_in(db, clock.now()) == Refusal("staff.locked_out", {"minutes": 1})
    clock.advance(timedelta(seconds=30))
    assert sign_in(db, clock.now()) == staff
    assert kinds(db, staff.id).count("staff.sign_in_failed") == 10


@pytest.mark.usefixtures("cheap_hashes")
def test_signing_in_forgives_the_failures_before(db: Database, clock: TestClock):
    staff = hire(db, clock.now())
    for _ in range(2):
        for _ in range(9):
            assert sign_in(db, clock.now(), "wrong") == FAILED
        assert sign_in(db, clock.now()) == staff


@pytest.mark.usefixtures("cheap_hashes")
def test_failures_at_once_are_all_counted(db: Database, clock: TestClock):
    hire(db, clock.now())
    threads = [threading.Thread(target=sign_in, args=(db, clock.now(), "wrong")) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sign_in(db, clock.now()) == Refusal("staff.locked_out", {"minutes": 15})


def test_a_name_is_taken_once(db: Database, clock: TestClock):
    hire(db, clock.now())
    with db.transaction() as tx:
        assert access.create_staff(tx, "reviewer", Role.ADMIN, None, clock.now()) == Refusal("staff.exists")
        assert [staff.role for staff in access.all_staff(tx)] == [Role.REVIEWER]


def test_a_short_password_is_refused(db: Database, clock: TestClock):
    short = Refusal("staff.password_short", {"least": 12})
    staff = hire(db, clock.now(), password=None)
    with db.transaction() as tx:
        assert access.create_staff(tx, "other", Role.ADMIN, "x" * 11, clock.now()) == short
        assert access.set_password(tx, staff, "x" * 11, clock.now()) == short


def test_without_a_password_only_a_link_signs_in(db: Database, clock: TestClock):
    staff = hire(db, clock.now(), password=None)
    assert sign_in(db, clock.now(), "") == FAILED
    with db.transaction() as tx:
        token = access.make_link(tx, Kind.STAFF, staff.id, 30, clock.now())
        assert access.use_link(tx, token, clock.now()) == (Kind.STAFF, staff.id)
        assert access.staff(tx, staff.id) == staff
        assert access.set_password(tx, staff, PASSWORD, clock.now()) is None
    assert sign_in(db, clock.now()) == staff
    assert kinds(db, staff.id) == [
        "staff.created",
        "staff.sign_in_failed",
        "staff.signed_in",
        "staff.password_set",
        "staff.signed_in",
    ]


@pytest.mark.usefixtures("cheap_hashes")
def test_a_new_password_replaces_the_old_and_opens_the_lock(db: Database, clock: TestClock):
    staff = hire(db, clock.now())
    for _ in range(10):
        sign_in(db, clock.now(), "wrong")
    with db.transaction() as tx:
        access.set_password(tx, staff, "another horse battery", clock.now())
    assert sign_in(db, clock.now()) == FAILED
    assert sign_in(db, clock.now(), "another horse battery") == staff


def test_nobody_is_no_staff(db: Database):
    with db.transaction() as tx:
        assert access.staff(tx, uuid4()) is None


# Links ---------------------------------------------------------------------------------------


def test_a_link_is_used_once(db: Database, clock: TestClock):
    customer = uuid4()
    with db.transaction() as tx:
        token = access.make_link(tx, Kind.CUSTOMER, customer, 30, clock.now())
    with db.transaction() as tx:
        assert access.use_link(tx, token, clock.now()) == (Kind.CUSTOMER, customer)
    with db.transaction() as tx:
        assert access.use_link(tx, token, clock.now()) == Refusal("link.used")


def test_a_link_runs_out(db: Database, clock: TestClock):
    with db.transaction() as tx:
        token = access.make_link(tx, Kind.CUSTOMER, uuid4(), 30, clock.now())
        clock.advance(timedelta(minutes=30))
        assert access.use_link(tx, token, clock.now()) == Refusal("link.expired")


@pytest.mark.parametrize("token", ["", "guess", "x" * 10_000])
def test_a_link_that_was_never_made_is_unknown(db: Database, clock: TestClock, token: str):
    with db.transaction() as tx:
        assert access.use_link(tx, token, clock.now()) == Refusal("link.unknown")


def test_a_link_opened_twice_at_once_lets_one_in(db: Database, clock: TestClock):
    customer, answers = uuid4(), list[object]()
    with db.transaction() as tx:
        token = access.make_link(tx, Kind.CUSTOMER, customer, 30, clock.now())

    def follow() -> None:
        with db.transaction() as other:
            answers.append(access.use_link(other, token, clock.now()))

    with db.transaction() as tx:
        assert access.use_link(tx, token, clock.now()) == (Kind.CUSTOMER, customer)
        thread = threading.Thread(target=follow)
        thread.start()
        time.sleep(0.2)  # the other is there before we commit
    thread.join()
    assert answers == [Refusal("link.used")]


# Sessions ------------------------------------------------------------------------------------


def test_a_session_lasts_until_it_runs_out(db: Database, clock: TestClock):
    customer = uuid4()
    with db.transaction() as tx:
        session, token = access.start_session(tx, Kind.CUSTOMER, customer, 30, clock.now())
        clock.advance(timedelta(minutes=29))
        assert access.session(tx, token, clock.now()) == session
        assert (session.kind, session.subject) == (Kind.CUSTOMER, customer)
        clock.advance(timedelta(minutes=1))
        assert access.session(tx, token, clock.now()) is None


def test_signing_out_ends_this_session_only(db: Database, clock: TestClock):
    customer, now = uuid4(), clock.now()
    with db.transaction() as tx:
        _, phone = access.start_session(tx, Kind.CUSTOMER, customer, 30, now)
        laptop_session, laptop = access.start_session(tx, Kind.CUSTOMER, customer, 30, now)
        access.end_session(tx, phone, now)
        access.end_session(tx, phone, now)
        assert access.session(tx, phone, now) is None
        assert access.session(tx, laptop, now) == laptop_session


def test_a_token_that_was_never_given_opens_no_session(db: Database, clock: TestClock):
    with db.transaction() as tx:
        session, token = access.start_session(tx, Kind.STAFF, uuid4(), 30, clock.now())
        for guess in ("", token[:-1], token + "x", str(session.id)):
            assert access.session(tx, guess, clock.now()) is None


# Keys ----------------------------------------------------------------------------------------


def test_a_key_has_its_scopes_until_it_is_revoked(db: Database, clock: TestClock):
    with db.transaction() as tx:
        secret = access.create_key(tx, "shop", ["write", "read"], clock.now())
        assert secret.startswith("sk_")
        key = access.key(tx, secret)
        assert key is not None
        assert key == ApiKey(key.id, "shop", frozenset({"read", "write"}))
        ann = access.create_staff(tx, "ann", Role.REVIEWER, None, clock.now())
        assert isinstance(ann, access.Staff)
        owned = access.key(tx, access.create_key(tx, "desk", ["read"], clock.now(), ann.id))
        assert owned
        assert owned.owner == ann
        assert access.revoke_key(tx, key.id, clock.now())
        assert access.key(tx, secret) is None
        assert not access.revoke_key(tx, key.id, clock.now())
    assert kinds(db, key.id) == ["key.created", "key.revoked"]


@pytest.mark.parametrize("secret", ["", "sk_", "sk_guess"])
def test_a_key_that_was_never_made_is_none(db: Database, clock: TestClock, secret: str):
    with db.transaction() as tx:
        access.create_key(tx, "shop", ["read"], clock.now())
        assert access.key(tx, secret) is None
