"""Evidence: asked for where a ground needs it, kept sealed, and never a reason to wait."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from uuid import UUID

from PIL import Image
from worlds import DAY, at, line_of, open_line

from whiteslip import exits, identity, notices, packs
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office, estates, evidence
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity, State
from whiteslip.exits.papers import PaperRequest, Wanted, Why
from whiteslip.identity import Person, Vault
from whiteslip.identity.documents import delete_expired, documents_of, open_document
from whiteslip.store import Database
from whiteslip.store.database import journal_of

OFFICE = Office(Tables.load(), "Test Lender")
VAULT = Vault(bytes(32))
NOON = at(DAY)
PERSON = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
ANNE, BERT = "staff:a", "staff:b"


def photograph() -> bytes:
    out = BytesIO()
    Image.new("RGB", (64, 48), (9, 90, 9)).save(out, "JPEG")
    return out.getvalue()


def asked_to_leave(db: Database, proven: Identity = Identity.DOUBTED) -> Exit:
    line = open_line(db)
    with db.transaction() as tx:
        identity.enrol(tx, VAULT, line_of(db, line).customer, PERSON, "test", NOON)
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", NOON, proven)
    assert isinstance(case, Exit)
    return case


def died(db: Database) -> Exit:
    line = open_line(db)
    with db.transaction() as tx:
        identity.enrol(tx, VAULT, line_of(db, line).customer, PERSON, "test", NOON)
        case = estates.report(tx, OFFICE, line, Channel.DESK, ANNE, NOON)
    assert isinstance(case, Exit)
    return case


def ask(db: Database, case: Exit, actor: str = ANNE, hours: int = 0) -> PaperRequest | Refusal:
    with db.transaction() as tx:
        now = NOON + timedelta(hours=hours)
        return evidence.ask(tx, "Test Lender", case.id, Why.NOT_PROVEN, actor, now)


def asked(db: Database, case: Exit) -> PaperRequest:
    done = ask(db, case)
    assert isinstance(done, PaperRequest), done
    return done


def hand_in(
    db: Database, request: PaperRequest, content: bytes | None = None, days: int = 0
) -> PaperRequest | Refusal:
    with db.transaction() as tx:
        now = at(DAY + timedelta(days=days))
        return evidence.hand_in(
            tx, VAULT, request, photograph() if content is None else content, "customer", now
        )


def code_of(db: Database, case: Exit) -> str:
    with db.transaction() as tx:
        row = tx.conn.execute(
            "SELECT facts ->> 'upload_code' AS code FROM notices.notice"
            " WHERE subject = %s AND kind = 'exit.paper_asked'",
            (case.id,),
        ).fetchone()
    assert row
    return row["code"]


def kinds(db: Database, subject: UUID) -> list[str]:
    with db.transaction() as tx:
        return [row["kind"] for row in journal_of(tx, [subject])]


def test_nothing_is_asked_for_without_a_ground_that_needs_it(db: Database):
    assert ask(db, asked_to_leave(db, Identity.PENDING)) == Refusal("document.no_ground")
    assert ask(db, asked_to_leave(db, Identity.VERIFIED)) == Refusal("document.no_ground")
    assert asked(db, asked_to_leave(db)).wanted is Wanted.ID_DOCUMENT
    told = asked(db, died(db))
    assert (told.wanted, told.why) == (Wanted.AUTHORITY, Why.ESTATE)


def test_asking_makes_nobody_wait_longer(db: Database):
    case = asked_to_leave(db)
    request = asked(db, case)
    with db.transaction() as tx:
        after = exits_store.find(tx, case.id)
    assert after == case
    assert case.due_at
    assert request.answer_by == case.due_at
    assert hand_in(db, request, days=30) == Refusal("document.not_asked")
    with db.transaction() as tx:
        exits.advance(tx, OFFICE, case.id, case.due_at)
        gone_on = exits_store.find(tx, case.id)
    assert gone_on
    assert gone_on.state is State.CLOSED, "who sent nothing is out all the same"


def test_one_thing_at_a_time_and_by_whoever_has_the_case(db: Database):
    case = asked_to_leave(db)
    asked(db, case)
    assert ask(db, case) == Refusal("document.asked_already")
    other = asked_to_leave(db)
    with db.transaction() as tx:
        exits_store.claim(tx, other.id, BERT, NOON + timedelta(hours=1), NOON)
    taken = ask(db, other)
    assert isinstance(taken, Refusal)
    assert taken.code == "case.taken"


def test_a_letter_says_what_and_by_when_and_its_code_is_kept_as_a_hash(db: Database):
    case = asked_to_leave(db)
    request = asked(db, case)
    with db.transaction() as tx:
        assert notices.of_subject(tx, case.id)[-1].kind == "exit.paper_asked"
        code = code_of(db, case).replace("-", "")
        assert evidence.by_code(tx, code.lower()) == request
        assert evidence.by_code(tx, code[:-1]) is None
        rows = tx.conn.execute("SELECT t::text AS row FROM exits.paper_request AS t").fetchall()
        assert not any(code in row["row"] for row in rows)
        assert code not in str(journal_of(tx, [case.id]))


def test_what_comes_is_sealed_opened_in_the_open_and_gone_after_its_clock(db: Database):
    case = asked_to_leave(db)
    done = hand_in(db, asked(db, case))
    assert isinstance(done, PaperRequest)
    assert done.document
    assert "exit.paper_handed_in" in kinds(db, case.id)
    with db.transaction() as tx:
        row = tx.conn.execute("SELECT sealed FROM identity.document").fetchone()
        assert row
        assert b"\xff\xd8\xff" not in bytes(row["sealed"])
        opened = open_document(tx, VAULT, done.document, "evidence", ANNE, NOON)
        assert not isinstance(opened, Refusal)
        assert opened.content.startswith(b"\xff\xd8\xff")
    assert kinds(db, case.customer)[-1] == "document.opened"
    days = packs.load(line_of(db, case.line).pack).days("evidence.keep_days")
    with db.transaction() as tx:
        assert delete_expired(tx, NOON + timedelta(days=days, seconds=-1)) == 0
        assert delete_expired(tx, NOON + timedelta(days=days)) == 1
        assert documents_of(tx, case.customer) == []


def test_a_hostile_file_is_refused_and_leaves_nothing(db: Database):
    case = asked_to_leave(db)
    request = asked(db, case)
    assert hand_in(db, request, b"<script>") == Refusal("document.type_unknown")
    with db.transaction() as tx:
        assert documents_of(tx, case.customer) == []
        assert exits_store.paper_requests(tx, case.id) == [request]


def test_a_paper_is_handed_in_once_and_can_serve_again(db: Database):
    case = asked_to_leave(db)
    first = hand_in(db, asked(db, case))
    assert isinstance(first, PaperRequest)
    assert first.document
    assert hand_in(db, first) == Refusal("document.not_asked")
    second = ask(db, case, hours=1)
    assert isinstance(second, PaperRequest), "what came may be unreadable"
    with db.transaction() as tx:
        assert evidence.use_earlier(tx, second, case.id, "customer", NOON) == Refusal("document.not_found")
        used = evidence.use_earlier(tx, second, first.document, "customer", NOON + timedelta(hours=2))
    assert isinstance(used, PaperRequest)
    assert used.document == first.document
    with db.transaction() as tx:
        (kept,) = documents_of(tx, case.customer)
    assert kept["keep_until"] > NOON + timedelta(days=180)


def test_a_case_that_was_put_aside_is_in_the_queue_again_when_the_paper_comes(db: Database):
    case = asked_to_leave(db)
    request = asked(db, case)
    with db.transaction() as tx:
        exits_store.snooze(tx, case.id, ANNE, NOON + timedelta(days=1))
        assert exits_store.queue(tx, NOON) == []
    hand_in(db, request)
    with db.transaction() as tx:
        assert [each.id for each in exits_store.queue(tx, NOON)] == [case.id]
