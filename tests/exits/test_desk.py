"""The review desk: one person per case, two for every hold, and a deadline that waits for nobody."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import pytest
from worlds import at, buy, give_back, line_of, locked, night, open_line, pay

from whiteslip import exits, identity, notices
from whiteslip.base import Refusal
from whiteslip.day.timers import addressee
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office, desk
from whiteslip.exits import store as exits_store
from whiteslip.exits.choices import Choice, Proposal
from whiteslip.exits.model import TAKES_TWO, Channel, Ground, Identity, Path, Route, State
from whiteslip.exits.work import Work
from whiteslip.identity import Person, Vault
from whiteslip.lines.model import Lifecycle, LockKind
from whiteslip.notices import Addressee, DemoPhone
from whiteslip.notices.acts import proofs
from whiteslip.store import Database, Tx
from whiteslip.store.database import journal_of
from whiteslip.store.timers import finish_timer, pop_timer

OFFICE = Office(Tables.load(), "Test Lender")
NOON = at(date(2026, 3, 21))
ANNE, BERT = "staff:a", "staff:b"
T = TypeVar("T")


def waiting(db: Database, asked: datetime = NOON) -> Exit:
    """A case that waits for the desk: ten times the usual was drawn, and a payment came back."""
    line = open_line(db, statement_day=5, day=date(2026, 1, 15))
    buy(db, line, 3_000, day=date(2026, 1, 15))
    night(db, date(2026, 2, 5))
    paid = pay(db, line, 3_000, date(2026, 2, 20))
    buy(db, line, 90_000, day=date(2026, 3, 20))
    give_back(db, paid, date(2026, 3, 20))
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", asked, Identity.VERIFIED)
    assert isinstance(case, Exit)
    assert (case.state, case.route) == (State.CONFIRMED, Route.DESK)
    return case


def does(db: Database, act: Callable[[Tx], T]) -> T:
    with db.transaction() as tx:
        return act(tx)


def chooses(
    db: Database, case: Exit, path: Path, actor: str = ANNE, now: datetime = NOON, letter: str | None = None
) -> Choice | Refusal:
    ground = Ground.IDENTITY if path is Path.HOLD else None
    with db.transaction() as tx:
        return desk.choose(tx, OFFICE, case.id, path, ["proof_missing"], actor, now, ground, letter)


def half_a_minute_later(db: Database, case: Exit, now: datetime = NOON) -> Exit:
    """The case after what was chosen was carried out."""
    with db.transaction() as tx:
        desk.carry_out(tx, OFFICE, case.id, now + desk.UNDO)
    return found(db, case)


def propose(db: Database, case: Exit, path: Path = Path.HOLD, actor: str = ANNE) -> Proposal:
    """A hold or a rejection that stands proposed."""
    assert isinstance(chooses(db, case, path, actor), Choice)
    half_a_minute_later(db, case)
    proposal = does(db, lambda tx: exits_store.proposal(tx, case.id))
    assert proposal
    return proposal


def decide(
    db: Database, case: Exit, approve: bool, actor: str, now: datetime = NOON
) -> Choice | Exit | Refusal:
    with db.transaction() as tx:
        return desk.decide(tx, OFFICE, case.id, approve, actor, now)


def found(db: Database, case: Exit) -> Exit:
    known = does(db, lambda tx: exits_store.find(tx, case.id))
    assert known
    return known


def doubted(db: Database) -> Exit:
    """A case of somebody who could not prove to be the customer."""
    line = open_line(db)
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.FORM, "customer", NOON, Identity.DOUBTED)
    assert isinstance(case, Exit)
    assert (case.state, case.ground) == (State.HELD, Ground.IDENTITY)
    return case


def code(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def kinds(db: Database, case: Exit) -> list[str]:
    with db.transaction() as tx:
        return [row["kind"] for row in journal_of(tx, [case.id])]


def undoes(db: Database, case: Exit, actor: str, now: datetime) -> Choice | Refusal:
    with db.transaction() as tx:
        return desk.undo(tx, case.id, actor, now)


def snoozes(db: Database, case: Exit, until: datetime, actor: str) -> Exit | Refusal:
    with db.transaction() as tx:
        return desk.snooze(tx, case.id, until, actor, NOON)


def letters(db: Database, case: Exit) -> list[UUID]:
    with db.transaction() as tx:
        return [notice.id for notice in notices.of_subject(tx, case.id)]


def reads(db: Database, case: Exit, path: Path) -> tuple[str, str]:
    with db.transaction() as tx:
        letter = desk.read_letter(Work.on(tx, OFFICE, locked(tx, case.line), NOON), case, path)
    assert letter
    return letter


def test_two_people_who_ask_at_once_never_get_the_same_case(db: Database):
    cases = {waiting(db).id for _ in range(6)}

    def take(number: int) -> UUID | None:
        with db.transaction() as tx:
            found = desk.take_next(tx, f"staff:{number}", NOON)
            return found.id if found else None

    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(take, range(6)))
    found = [each for each in taken if each]
    assert len(found) == len(set(found))
    assert set(found) <= cases


def test_a_case_is_kept_for_twenty_minutes_and_then_anybodys(db: Database):
    case = waiting(db)
    assert does(db, lambda tx: desk.take(tx, case.id, ANNE, NOON)) is None
    soon = NOON + timedelta(minutes=19)
    assert code(does(db, lambda tx: desk.take(tx, case.id, BERT, soon))) == "case.taken"
    assert code(chooses(db, case, Path.RUN_OFF, BERT, soon)) == "case.taken"
    late = NOON + timedelta(minutes=20)
    assert does(db, lambda tx: desk.take(tx, case.id, BERT, late)) is None


def test_the_next_case_is_the_one_whose_deadline_breaks_first(db: Database):
    later = waiting(db, asked=NOON + timedelta(hours=1))
    sooner = waiting(db)
    taken = does(db, lambda tx: desk.take_next(tx, ANNE, NOON))
    again = does(db, lambda tx: desk.take_next(tx, ANNE, NOON))
    assert taken
    assert again
    assert taken.id == again.id in (sooner.id, later.id), "her own comes back to her first"
    other = does(db, lambda tx: desk.take_next(tx, BERT, NOON))
    assert other
    assert {taken.id, other.id} == {sooner.id, later.id}


def test_a_choice_can_be_taken_back_for_half_a_minute_and_nothing_has_gone_out(db: Database):
    case = waiting(db)
    before = letters(db, case)
    assert isinstance(chooses(db, case, Path.RUN_OFF), Choice)
    assert (found(db, case), letters(db, case)) == (case, before), "recorded, not carried out"
    almost = NOON + timedelta(seconds=29)
    assert code(undoes(db, case, BERT, almost)) == "desk.not_own_choice"
    assert isinstance(undoes(db, case, ANNE, almost), Choice)
    assert half_a_minute_later(db, case) == case
    assert letters(db, case) == before
    assert kinds(db, case)[-2:] == ["exit.choice_made", "exit.choice_undone"]
    assert code(undoes(db, case, ANNE, almost)) == "desk.nothing_to_undo"
    assert isinstance(chooses(db, case, Path.RUN_OFF), Choice), "it is hers again"


def test_the_timer_carries_a_choice_out_on_any_clock_and_then_it_stands(db: Database):
    case = waiting(db)
    chooses(db, case, Path.RUN_OFF)
    early = NOON + timedelta(seconds=29)
    assert does(db, lambda tx: pop_timer(tx, early, ["exit.choice_due"])) is None
    at_last = NOON + timedelta(seconds=30)
    assert code(undoes(db, case, ANNE, at_last)) == "desk.nothing_to_undo"
    with db.transaction() as tx:
        timer = pop_timer(tx, at_last, ["exit.choice_due"])
        assert timer
        assert (timer.subject, timer.due_at) == (case.id, at_last)
        desk.carry_out(tx, OFFICE, timer.subject, at_last)
        finish_timer(tx, timer, at_last)
    assert found(db, case).state is State.RUN_OFF
    (kept,) = does(db, lambda tx: exits_store.choices(tx, case.id))
    assert (kept["actor"], kept["path"]) == (ANNE, "run_off")


def test_while_a_choice_stands_nobody_else_chooses_or_gets_the_case(db: Database):
    case = waiting(db)
    chooses(db, case, Path.RUN_OFF)
    assert code(chooses(db, case, Path.RUN_OFF, BERT)) == "desk.choice_standing"
    assert code(snoozes(db, case, NOON + timedelta(hours=1), ANNE)) == "desk.choice_standing"
    for actor in (ANNE, BERT):
        assert does(db, lambda tx, who=actor: desk.take_next(tx, who, NOON)) is None
    assert does(db, lambda tx: exits_store.queue(tx, NOON)) == []


def test_the_deadline_does_not_wait_for_a_choice(db: Database):
    case = waiting(db)
    assert case.due_at
    just_before = case.due_at - timedelta(seconds=10)
    chooses(db, case, Path.RUN_OFF, ANNE, just_before)
    gone = does(db, lambda tx: exits.advance(tx, OFFICE, case.id, case.due_at or NOON))
    assert isinstance(gone, Exit)
    assert half_a_minute_later(db, case, just_before) == gone
    assert kinds(db, case)[-1] == "exit.choice_overtaken"


def letters_go_out(db: Database) -> None:
    to, then = Addressee("A", "a@b.cd", "+1"), NOON + desk.UNDO
    while notices.send_next(db, DemoPhone(db), lambda _tx, _notice: to, lambda _tx: then):
        pass


def test_the_letter_that_was_read_is_the_letter_that_goes_out(db: Database):
    case = waiting(db)
    text, sha256 = reads(db, case, Path.RUN_OFF)
    assert "CN¥900" in text.replace(",", "")
    assert code(chooses(db, case, Path.RUN_OFF, letter="0" * 64)) == "desk.letter_changed"
    assert isinstance(chooses(db, case, Path.RUN_OFF, letter=sha256), Choice)
    half_a_minute_later(db, case)
    letter = letters(db, case)[-1]
    with db.transaction() as tx:
        notice = notices.get(tx, letter)
    assert not isinstance(notice, Refusal)
    assert notice.kind == "exit.runoff"
    letters_go_out(db)
    with db.transaction() as tx:
        (proof,) = proofs(tx, [letter])
        (kept,) = exits_store.choices(tx, case.id)
    assert proof["text_sha256"] == sha256 == kept["letter_sha256"]


def test_a_letter_that_would_read_differently_is_not_sent_in_place_of_the_one_read(db: Database):
    case = waiting(db)
    chooses(db, case, Path.RUN_OFF)
    pay(db, case.line, 10_000, NOON.date())
    assert half_a_minute_later(db, case) == case
    assert kinds(db, case)[-1] == "exit.choice_overtaken"
    assert does(db, lambda tx: desk.take_next(tx, BERT, NOON)) == case, "it is back at the desk"


@pytest.mark.parametrize("path", [Path.CLOSE_NOW, Path.RUN_OFF])
def test_what_a_doubted_leaver_without_debt_is_sent_is_what_was_read(db: Database, path: Path):
    case = doubted(db)
    _, sha256 = reads(db, case, path)
    chooses(db, case, path, letter=sha256)
    assert half_a_minute_later(db, case).state is State.CLOSED
    letter = letters(db, case)[-1]
    letters_go_out(db)
    with db.transaction() as tx:
        assert [proof["text_sha256"] for proof in proofs(tx, [letter])] == [sha256]


def test_a_case_is_put_aside_until_then_and_never_beyond_its_deadline(db: Database):
    case = waiting(db)
    assert case.due_at
    for wrong in (NOON, case.due_at):
        assert code(snoozes(db, case, wrong, ANNE)) == "desk.snooze_not_possible"
    until = NOON + timedelta(hours=2)
    assert isinstance(snoozes(db, case, until, ANNE), Exit)
    assert does(db, lambda tx: desk.take_next(tx, BERT, until - timedelta(seconds=1))) is None
    assert does(db, lambda tx: desk.take_next(tx, BERT, until)) == case
    assert found(db, case).due_at == case.due_at
    assert "exit.snoozed" in kinds(db, case)


def test_a_hold_changes_nothing_until_a_second_person_approves_it(db: Database):
    case = waiting(db)
    propose(db, case)
    assert found(db, case) == case
    assert code(decide(db, case, True, ANNE)) == "desk.own_proposal"
    assert isinstance(decide(db, case, True, BERT), Choice)
    assert found(db, case) == case, "the second person, too, has half a minute"
    held = half_a_minute_later(db, case)
    assert (held.state, held.ground) == (State.HELD, Ground.IDENTITY)
    assert {"exit.path_proposed", "exit.path_chosen", "exit.held"} <= set(kinds(db, case))
    assert code(decide(db, case, True, BERT)) == "desk.no_proposal"


def test_who_proposed_can_take_the_proposal_back_before_anybody_saw_it(db: Database):
    case = waiting(db)
    chooses(db, case, Path.HOLD)
    assert code(decide(db, case, True, BERT)) == "desk.no_proposal"
    undoes(db, case, ANNE, NOON)
    half_a_minute_later(db, case)
    assert "exit.path_proposed" not in kinds(db, case)


def test_a_hold_that_is_turned_down_leaves_the_case_to_be_chosen_for(db: Database):
    case = waiting(db)
    propose(db, case)
    assert code(chooses(db, case, Path.HOLD, BERT)) == "desk.proposal_open"
    decide(db, case, False, BERT)
    chooses(db, case, Path.RUN_OFF, BERT)
    assert half_a_minute_later(db, case).state is State.RUN_OFF
    assert "exit.held" not in kinds(db, case)


def test_who_proposed_a_hold_is_not_given_the_case_again(db: Database):
    case = waiting(db)
    propose(db, case)
    assert does(db, lambda tx: desk.take_next(tx, ANNE, NOON)) is None
    assert does(db, lambda tx: desk.take_next(tx, BERT, NOON)) == case


def test_a_proposal_that_nobody_decides_does_not_stop_the_clock(db: Database):
    case = waiting(db)
    propose(db, case)
    assert case.due_at
    gone = does(db, lambda tx: exits.advance(tx, OFFICE, case.id, case.due_at or NOON))
    assert isinstance(gone, Exit)
    assert gone.state is State.RUN_OFF
    assert code(decide(db, case, True, BERT, case.due_at)) == "exit.path_not_possible"


@pytest.mark.parametrize("path", sorted(TAKES_TWO))
def test_nobody_holds_or_rejects_anybody_alone_whichever_door_they_take(db: Database, path: Path):
    case = waiting(db) if path is Path.HOLD else doubted(db)
    for second in (None, ANNE):
        with db.transaction() as tx:
            refused = exits.choose_path(tx, OFFICE, case.id, path, ["x"], ANNE, NOON, Ground.IDENTITY, second)
        assert code(refused) == "desk.second_person_missing"


def test_who_was_not_the_customer_changes_nothing_and_the_customer_asks_again_at_once(db: Database):
    case = doubted(db)
    propose(db, case, Path.REJECT)
    assert found(db, case) == case
    assert code(decide(db, case, True, ANNE)) == "desk.own_proposal"
    assert isinstance(decide(db, case, True, BERT), Choice)
    over = half_a_minute_later(db, case)
    assert (over.state, over.why) == (State.REJECTED, "asked_by_somebody_else")
    line = line_of(db, case.line)
    assert (line.lifecycle, line.drawing_stopped) == (Lifecycle.ACTIVE, True)
    assert set(line.locks) == {LockKind.CUSTOMER}, "only the customer lifts it"
    with db.transaction() as tx:
        assert [n.kind for n in notices.of_subject(tx, case.id)][-1] == "exit.rejected"
        own = exits.request(
            tx, OFFICE, case.line, Channel.PORTAL, "customer", NOON + desk.UNDO, Identity.VERIFIED
        )
    assert isinstance(own, Exit)
    assert own.id != case.id
    assert own.state is State.CLOSED, "nothing to wait for, nothing held against them"


def test_somebody_whose_identity_nobody_doubts_cannot_be_rejected(db: Database):
    assert code(chooses(db, waiting(db), Path.REJECT)) == "exit.path_not_possible"


def test_who_may_be_a_thief_is_written_about_to_where_the_customer_was_reached_before(db: Database):
    vault, line = Vault(bytes(32)), open_line(db)
    old = Person("Wang Fang", "110101199003074514", "+8613800138000", "old@example.com")
    with db.transaction() as tx:
        customer = locked(tx, line).customer
        identity.enrol_many(tx, vault, [(customer, old)], "test", NOON)
        identity.change_contact(
            tx, vault, customer, None, "new@example.com", "thief", NOON - timedelta(days=2)
        )
        case = exits.request(tx, OFFICE, line, Channel.FORM, "customer", NOON, Identity.DOUBTED)
    assert isinstance(case, Exit)
    propose(db, case, Path.REJECT)
    decide(db, case, True, BERT)
    half_a_minute_later(db, case)
    with db.transaction() as tx:
        sent = [
            (notice.kind, to.email)
            for notice in notices.of_subject(tx, case.id)
            if (to := addressee(tx, vault, notice))
        ]
    for kind in ("exit.held", "exit.rejected"):
        assert {to for each, to in sent if each == kind} == {"old@example.com", "new@example.com"}, kind


def test_agreement_counts_blind_and_seen_apart(db: Database):
    for path, actor in ((Path.RUN_OFF, ANNE), (Path.CLOSE_NOW, "desk")):
        case = doubted(db)
        chooses(db, case, path, actor)
        half_a_minute_later(db, case)
    held = doubted(db)
    propose(db, held, Path.REJECT)
    decide(db, held, True, BERT)
    half_a_minute_later(db, held)
    counted = does(db, exits_store.agreement)
    assert counted.blind + counted.seen == 2, "what a simulation chose is not counted"
    assert counted.blind_agreed + counted.seen_agreed == 1, "the advice was to hold until it is proven"
