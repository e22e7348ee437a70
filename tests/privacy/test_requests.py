"""What people ask about their data: a clock from the pack, an answer, and no silence that refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from bureaus import OFFICE, VAULT, open_us_line
from hypothesis import given
from hypothesis import strategies as st
from worlds import DAY, at, line_of

from whiteslip import notices, packs, privacy
from whiteslip.base import Refusal, end_of_day, new_id
from whiteslip.day.forgetting import FORGET
from whiteslip.identity.documents import open_document
from whiteslip.packs import PackError
from whiteslip.privacy import requests, rules
from whiteslip.privacy import store as privacy_store
from whiteslip.privacy.acts import unanswered
from whiteslip.privacy.model import Delay, Outcome, Request, RequestKind, Why
from whiteslip.store import Database
from whiteslip.store.database import journal_of
from whiteslip.store.timers import pop_timer

ISSUER = OFFICE.issuer_name
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORDS = "my street is 1 Example Street"


def asked(db: Database, kind: RequestKind = RequestKind.CORRECTION, words: str = "") -> Request:
    """A request of somebody with an American line: 45 days, and 45 more."""
    customer = line_of(db, open_us_line(db, "Given M Surname")).customer
    with db.transaction() as tx:
        pack = packs.load("base")
        args = (customer, kind, "portal", "customer", at(DAY), words)
        done = requests.ask(tx, VAULT, pack, ISSUER, *args)
    assert isinstance(done, Request)
    return done


def letters(db: Database, subject: UUID) -> list[str]:
    with db.transaction() as tx:
        return [notice.kind for notice in notices.of_subject(tx, subject)]


def read_again(db: Database, found: Request) -> Request:
    with db.transaction() as tx:
        again = privacy_store.request(tx, found.id)
    assert again
    return again


@pytest.mark.parametrize(
    ("pack", "first", "second"),
    [
        ("eu", date(2026, 4, 2), date(2026, 6, 2)),
        ("uk", date(2026, 4, 2), date(2026, 6, 2)),
        ("base", date(2026, 4, 2), date(2026, 6, 2)),
        ("us", date(2026, 4, 16), date(2026, 5, 31)),
        ("cn", date(2026, 3, 23), None),
    ],
)
def test_each_pack_gives_its_time_to_answer_and_its_extension(pack: str, first: date, second: date | None):
    law = packs.load(pack)
    assert rules.answer_due(law, NOON) == end_of_day(first, law.timezone)
    assert rules.extended_due(law, NOON) == (end_of_day(second, law.timezone) if second else None)


@given(st.sampled_from(packs.names()), st.integers(0, 20_000))
def test_nobody_waits_longer_than_three_months_whatever_the_pack(name: str, hours: int):
    law, now = packs.load(name), NOON + timedelta(hours=hours)
    first, second = rules.answer_due(law, now), rules.extended_due(law, now)
    assert now < first < now + timedelta(days=47)
    assert second is None or first < second < now + timedelta(days=94)


def test_a_period_is_asked_for_in_a_unit_of_time():
    with pytest.raises(PackError):
        packs.load("us").last_day("line.most_minor", DAY)


def test_a_request_is_acknowledged_with_the_day_of_its_answer_in_one_transaction(db: Database):
    found = asked(db)
    assert found.due_at == rules.answer_due(packs.load("us"), at(DAY)), "the line's pack, not the office's"
    assert letters(db, found.id) == ["privacy.request_received"]
    with db.transaction() as tx:
        timer = pop_timer(tx, found.due_at, ["privacy.due"])
    assert timer
    assert (timer.subject, timer.due_at) == (found.id, found.due_at)


def test_what_they_wrote_is_sealed_and_handed_over_with_everything_else(db: Database):
    found = asked(db, words=WORDS)
    assert found.words
    with db.transaction() as tx:
        for name in ("privacy.request", "identity.document", "store.journal", "notices.notice"):
            rows = tx.conn.execute(f"SELECT t::text AS row FROM {name} AS t").fetchall()  # type: ignore[arg-type]
            assert not any("Example" in row["row"] for row in rows), name
        opened = open_document(tx, VAULT, found.words, "privacy", "staff:a", at(DAY))
        assert not isinstance(opened, Refusal)
        everything = privacy.export(tx, VAULT, found.customer, "customer", at(DAY))
    assert not isinstance(everything, Refusal)
    assert [each["words"] for each in everything["requests"]] == [WORDS]
    assert "privacy.requested" in {row["kind"] for row in everything["journal"]}


def test_it_takes_longer_once_for_a_reason_told_before_the_first_day(db: Database):
    found = asked(db)
    with db.transaction() as tx:
        longer = requests.extend(tx, ISSUER, found.id, Delay.MANY, "staff:a", at(DAY))
        assert isinstance(longer, Request)
        again = requests.extend(tx, ISSUER, found.id, Delay.COMPLEX, "staff:a", at(DAY))
    assert longer.due_at == rules.extended_due(packs.load("us"), at(DAY))
    assert again == Refusal("privacy.no_extension")
    assert letters(db, found.id) == ["privacy.request_received", "privacy.request_extended"]
    late = asked(db)
    with db.transaction() as tx:
        too_late = requests.extend(tx, ISSUER, late.id, Delay.COMPLEX, "staff:a", late.due_at)
        requests.escalate(tx, ISSUER, found.id, found.due_at)
    assert too_late == Refusal("privacy.no_extension")
    assert read_again(db, found).overdue_at is None, "the first day no longer counts"


def test_a_request_that_nobody_answers_in_time_can_no_longer_be_refused(db: Database):
    found = asked(db)

    def answer(outcome: Outcome, why: Why) -> Request | Refusal:
        with db.transaction() as tx:
            return requests.answer(tx, ISSUER, found.id, outcome, why, "staff:a", found.due_at)

    with db.transaction() as tx:
        unanswered(tx, FORGET, ISSUER, found.id, found.due_at - timedelta(seconds=1))
    assert letters(db, found.id) == ["privacy.request_received"]
    with db.transaction() as tx:
        unanswered(tx, FORGET, ISSUER, found.id, found.due_at)
        unanswered(tx, FORGET, ISSUER, found.id, found.due_at)
        assert [each.id for each in privacy_store.requests_waiting(tx)] == [found.id]
        assert journal_of(tx, [found.id])[-1]["kind"] == "privacy.request_overdue"
    assert answer(Outcome.REFUSED, Why.IS_CORRECT) == Refusal("privacy.too_late_to_refuse")
    assert isinstance(answer(Outcome.GRANTED, Why.DONE), Request)
    assert answer(Outcome.GRANTED, Why.DONE) == Refusal("privacy.request_answered")
    told = ["privacy.request_received", "privacy.request_overdue", "privacy.request_answered"]
    assert letters(db, found.id) == told


def test_who_asked_to_be_erased_and_was_not_answered_is_erased_by_itself(db: Database):
    found = asked(db, RequestKind.ERASURE)
    with db.transaction() as tx:
        unanswered(tx, FORGET, ISSUER, found.id, found.due_at)
    done = read_again(db, found)
    assert (done.outcome, done.why, done.overdue_at) == (Outcome.PARTLY, Why.LAW_KEEPS, found.due_at)
    assert letters(db, found.customer) == ["privacy.answered"]


def test_doing_what_was_asked_answers_it(db: Database):
    copy, erasure = asked(db, RequestKind.ACCESS), asked(db, RequestKind.ERASURE)
    with db.transaction() as tx:
        privacy.export(tx, VAULT, copy.customer, "staff:a", at(DAY))
        privacy.erase(tx, erasure.customer, FORGET, ISSUER, "staff:a", at(DAY))
        assert privacy_store.requests_waiting(tx) == []
        assert pop_timer(tx, copy.due_at, ["privacy.due"]) is None
    assert read_again(db, copy).outcome is Outcome.GRANTED
    assert read_again(db, erasure).outcome is Outcome.PARTLY


@given(st.sampled_from(Outcome), st.sampled_from(Why), st.booleans())
def test_what_is_granted_is_done_and_what_is_not_has_a_reason(outcome: Outcome, why: Why, late: bool):
    found = Request(
        new_id(NOON), "DR", UUID(int=0), "eu", RequestKind.ACCESS, "portal", NOON, NOON,
        overdue_at=NOON if late else None,
    )  # fmt: skip
    assert (why in rules.WHYS[outcome]) == ((outcome is Outcome.GRANTED) == (why is Why.DONE))
    assert rules.may_answer(found, outcome) != (late and outcome is Outcome.REFUSED)
