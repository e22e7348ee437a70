"""A person looks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from applicants import BURDENED, LENDER, NOON, PERSON, TABLES, VAULT, accepted, again, applied
from worlds import line_of

from whiteslip import applications, day, notices
from whiteslip.applications import Application, store
from whiteslip.applications.model import State
from whiteslip.applications.reviews import forget_views, late
from whiteslip.base import Refusal
from whiteslip.exits import Office
from whiteslip.identity.documents import Document, documents_of, open_document
from whiteslip.identity.vault import erase
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.store.database import journal_of

VIEW = "我刚换了工作，收入已经提高。"


def reviewed(db: Database, view: str = VIEW) -> Application:
    made = applied(db, BURDENED)
    with db.transaction() as tx:
        asked = applications.request_review(tx, LENDER, made.id, view, "customer", NOON)
    assert isinstance(asked, Application)
    return asked


def decide(
    db: Database,
    application: Application,
    limit_minor: int,
    reasons: Sequence[str] = (),
    actor: str = "staff:a",
    now: datetime = NOON,
) -> Application | Refusal:
    with db.transaction() as tx:
        return applications.decide(
            tx, LENDER, application.id, limit_minor, reasons, "papers_seen", actor, now
        )


def test_a_declined_applicant_has_a_person_look_and_their_view_is_sealed(db: Database):
    asked = reviewed(db)
    assert asked.state is State.IN_REVIEW
    assert asked.due_at
    assert timedelta(days=10) <= asked.due_at - NOON <= timedelta(days=30)
    with db.transaction() as tx:
        note = store.reviews(tx, asked.id)[0].note
        assert note
        opened = open_document(tx, VAULT, note, "review", "staff:a", NOON)
        assert isinstance(opened, Document)
        assert opened.content.decode() == VIEW
        tx.flush()
        assert VIEW not in str(journal_of(tx, [asked.id, asked.customer]))
        row = tx.conn.execute("SELECT sealed FROM identity.document").fetchone()
        assert row
        assert VIEW.encode() not in bytes(row["sealed"])
        erase(tx, asked.customer, NOON)
        gone = open_document(tx, VAULT, note, "review", "staff:a", NOON)
        assert gone == Refusal("document.not_found")


def test_what_was_said_to_an_application_that_was_withdrawn_is_forgotten_on_request(db: Database):
    asked = reviewed(db)
    with db.transaction() as tx:
        assert forget_views(tx, asked.customer, NOON) == 0, "a review that is open needs it"
        applications.withdraw(tx, LENDER, asked.id, "customer", NOON)
        assert forget_views(tx, asked.customer, NOON) == 1
        assert documents_of(tx, asked.customer) == []


def test_a_person_may_come_to_another_end_and_the_applicant_still_has_to_accept(db: Database):
    done = decide(db, reviewed(db), 300_000)
    assert isinstance(done, Application)
    assert (done.state, done.limit_minor, done.decided_by) == (State.OFFERED, 300_000, "staff:a")
    with db.transaction() as tx:
        kinds = [notice.kind for notice in notices.of_subject(tx, done.id)]
    assert kinds == ["application.declined", "application.offered"]
    assert line_of(db, accepted(db, done)).limit_minor == 300_000


def test_who_decided_before_does_not_decide_again(db: Database):
    upheld = decide(db, reviewed(db), 0, ["debt_service_high"])
    assert isinstance(upheld, Application)
    assert upheld.state is State.DECLINED
    with db.transaction() as tx:
        applications.request_review(tx, LENDER, upheld.id, "", "customer", NOON)
    own = decide(db, upheld, 300_000)
    assert own == Refusal("application.own_decision")
    assert isinstance(decide(db, upheld, 300_000, actor="staff:b"), Application)


def test_a_person_cannot_give_more_than_the_law_allows(db: Database):
    refused = decide(db, reviewed(db), 20_000_001)
    assert isinstance(refused, Refusal)
    assert refused.code == "application.limit_invalid"


@pytest.mark.parametrize("reasons", [(), ("debt_service_high",) * 2, ("score_low",), ("of_age",)])
def test_a_person_who_declines_gives_reasons_of_the_list(db: Database, reasons: Sequence[str]):
    refused = decide(db, reviewed(db), 0, reasons)
    assert isinstance(refused, Refusal)
    assert refused.code == "application.reasons_invalid"


def test_a_desk_that_is_late_is_said_to_be_late_and_the_case_stays_open(db: Database):
    asked = reviewed(db)
    assert asked.due_at
    ports = day.Ports(Office(TABLES, "Test Lender"), VAULT, DemoPhone(db))
    day.run_due(db, ports, asked.due_at + timedelta(seconds=1))
    with db.transaction() as tx:
        assert "application.review_late" in [row["kind"] for row in journal_of(tx, [asked.id])]
        assert late(tx, asked.due_at) == []
        assert late(tx, asked.due_at + timedelta(seconds=1)) == [asked.reference]
    assert again(db, asked).state is State.IN_REVIEW


def test_only_what_was_declined_is_looked_at_again(db: Database):
    made = applied(db, person=PERSON)
    with db.transaction() as tx:
        refused = applications.request_review(tx, LENDER, made.id, "", "customer", NOON)
    assert isinstance(refused, Refusal)
    assert refused.code == "application.not_declined"
