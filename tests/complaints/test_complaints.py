"""Complaints: a clock for each, an answer for all, and no effect on anything that decides."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import at, locked, open_line

import whiteslip
from whiteslip import complaints, identity, notices, packs
from whiteslip.base import Refusal, ids, new_id
from whiteslip.complaints import Complaint, Outcome, Topic, rules
from whiteslip.complaints import store as complaints_store
from whiteslip.complaints.model import Delay, Why
from whiteslip.exits.model import Cause
from whiteslip.identity import Vault
from whiteslip.identity.documents import open_document
from whiteslip.store import Database
from whiteslip.store.database import journal_of
from whiteslip.store.timers import pop_timer
from whiteslip.world.population import person

HOUSE = Path(whiteslip.__file__).parent
NOON = at(date(2026, 3, 1))
VAULT = Vault(bytes(32))
WORDS = "Ms Example of 1 Example Street was charged twice"


def complainant(db: Database) -> UUID:
    line = open_line(db)
    with db.transaction() as tx:
        customer = locked(tx, line).customer
        identity.enrol_many(tx, VAULT, [(customer, person(Random(3), 7))], "test", NOON)
    return customer


def filed(db: Database, words: str = "", pack: str = "cn") -> Complaint:
    customer = complainant(db)
    with db.transaction() as tx:
        done = complaints.file(
            tx, VAULT, packs.load(pack), "Test", customer, Topic.FEE, "portal", "customer", NOON, words
        )
    assert isinstance(done, Complaint)
    return done


def letters(db: Database, complaint: Complaint) -> list[str]:
    with db.transaction() as tx:
        return [notice.kind for notice in notices.of_subject(tx, complaint.id)]


@pytest.mark.parametrize(
    ("pack", "days"),
    [("cn", [15, 30, 60]), ("uk", [56]), ("eu", [56]), ("us", [30, 60]), ("base", [30, 60])],
)
def test_each_pack_gives_its_days_and_its_extensions(pack: str, days: list[int]):
    law = packs.load(pack)
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for extensions, count in enumerate(days):
        due = rules.due_at(law, noon, extensions)
        assert due
        assert timedelta(days=count) < due - noon < timedelta(days=count + 1)
    assert rules.due_at(law, noon, len(days)) is None


def test_a_complaint_is_acknowledged_with_the_day_of_its_answer_in_one_transaction(db: Database):
    found = filed(db)
    assert letters(db, found) == ["complaint.acknowledged"]
    with db.transaction() as tx:
        timer = pop_timer(tx, found.due_at, ["complaint.due"])
    assert timer
    assert (timer.subject, timer.due_at) == (found.id, found.due_at)


def test_the_words_are_sealed_and_who_reads_them_is_journalled(db: Database):
    found = filed(db, WORDS)
    assert found.words
    with db.transaction() as tx:
        for table in ("complaints.complaint", "identity.document", "store.journal", "notices.notice"):
            rows = tx.conn.execute(f"SELECT t::text AS row FROM {table} AS t").fetchall()  # type: ignore[arg-type]
            assert not any("Example" in row["row"] for row in rows), table
        opened = open_document(tx, VAULT, found.words, "complaint", "staff:a", NOON)
        assert not isinstance(opened, Refusal)
        assert opened.content.decode() == WORDS
        assert journal_of(tx, [found.customer])[-1]["kind"] == "document.opened"


def test_nothing_is_demanded_of_who_complains(db: Database):
    assert filed(db).words is None, "a topic is enough"
    page = (HOUSE / "web" / "portal" / "complain" / "page.html").read_text()
    assert "ui.file(" not in page
    assert "ui.field(" not in page
    assert page.count("optional=True") == page.count("ui.textarea(") == 1


def test_it_may_be_put_off_as_often_as_the_pack_says_and_the_reason_is_told(db: Database):
    found = filed(db)
    for extensions in (1, 2):
        with db.transaction() as tx:
            longer = complaints.extend(tx, "Test", found.id, Delay.COMPLEX, "staff:a", NOON)
        assert isinstance(longer, Complaint)
        assert longer.due_at == rules.due_at(packs.load("cn"), NOON, extensions)
    with db.transaction() as tx:
        refused = complaints.extend(tx, "Test", found.id, Delay.COMPLEX, "staff:a", NOON)
        assert refused == Refusal("complaint.no_extension")
    assert letters(db, found) == ["complaint.acknowledged", "complaint.extended", "complaint.extended"]


def test_a_deadline_that_nobody_meets_ends_in_the_complainants_favour(db: Database):
    found = filed(db)
    with db.transaction() as tx:
        complaints.overdue(tx, "Test", found.id, found.due_at - timedelta(seconds=1))
    assert letters(db, found) == ["complaint.acknowledged"]
    with db.transaction() as tx:
        complaints.overdue(tx, "Test", found.id, found.due_at)
        complaints.overdue(tx, "Test", found.id, found.due_at)
        assert [each.id for each in complaints_store.queue(tx)] == [found.id], "it is still to be answered"
        late = complaints.answer(
            tx, "Test", found.id, Outcome.NOT_UPHELD, Why.AS_AGREED, "staff:a", found.due_at
        )
        assert late == Refusal("complaint.too_late_to_refuse")
        assert complaints.extend(tx, "Test", found.id, Delay.COMPLEX, "x", found.due_at) == Refusal(
            "complaint.no_extension"
        )
        done = complaints.answer(tx, "Test", found.id, Outcome.UPHELD, Why.OUR_ERROR, "staff:a", found.due_at)
        assert isinstance(done, Complaint)
        assert complaints_store.queue(tx) == []
        assert complaints.answer(
            tx, "Test", found.id, Outcome.UPHELD, Why.OUR_ERROR, "staff:a", NOON
        ) == Refusal("complaint.answered")
    assert letters(db, found) == ["complaint.acknowledged", "complaint.overdue", "complaint.answered"]


@given(st.sampled_from(Outcome), st.booleans())
def test_only_what_is_overdue_cannot_be_turned_down(outcome: Outcome, late: bool):
    found = Complaint(
        new_id(NOON),
        ids.new_reference("CP"),
        UUID(int=0),
        "cn",
        Topic.FEE,
        "api",
        NOON,
        NOON,
        overdue_at=NOON if late else None,
    )
    assert rules.may_answer(found, outcome) == (not late or outcome is not Outcome.NOT_UPHELD)


def test_complaining_is_no_input_of_anything_that_decides():
    """No room that scores, decides or restricts can read the register, and no table has such a fact."""
    # Insight counts complaints per thousand exits; a test of its own says that nothing below reads insight.
    doors = {"complaints", "day", "app", "web", "privacy", "insight"}
    readers = {
        path.relative_to(HOUSE).parts[0]
        for path in HOUSE.rglob("*.*")
        if path.suffix in (".py", ".sql") and "complaints." in path.read_text()
    }
    assert readers <= doors
    assert not any("complain" in cause for cause in Cause)
    for table in (HOUSE / "decisions").rglob("*.toml"):
        assert "complain" not in str(tomllib.loads(table.read_text()))
    for table in (HOUSE / "decisions").rglob("*.json"):
        facts = json.loads(table.read_text()).get("facts") or {}
        assert not any("complain" in name for name in facts), table
    assert "score" not in {field.name for field in fields(Complaint)}
