"""What packs demand that people are told: the proof of the walk can fail, and is of what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from walked import Taken, recording, walked
from worlds import DAY, TERMS, at, buy, line_of, night, pay

from whiteslip import exits, identity, lines, notices, packs
from whiteslip.base import Refusal, new_id
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office, demands, estates, machine, telling, terminations
from whiteslip.exits.demands import Ways
from whiteslip.exits.machine import Edge
from whiteslip.exits.model import Cause, Channel, Identity, Kind, Path, Termination
from whiteslip.exits.rules import Clocks
from whiteslip.exits.telling import ACTS, Once, Sent, To
from whiteslip.exits.withdrawal import withdraw
from whiteslip.identity import Person, Vault
from whiteslip.lines import Customer, users
from whiteslip.lines.acts import open_house
from whiteslip.lines.model import Agreement, Lifecycle, LockKind, NewLine, Party
from whiteslip.notices.facts import KINDS
from whiteslip.notices.model import Notice
from whiteslip.packs import Pack
from whiteslip.store import Database

OFFICE = Office(Tables.load(), "Test Lender")
VAULT = Vault(bytes(32))
NOON = at(DAY)
PERSON = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
BASE = packs.load("base")


@pytest.fixture(scope="module")
def edges() -> list[Edge]:
    return machine.walk(Clocks.of(BASE))


@pytest.fixture(scope="module")
def ways(edges: list[Edge]) -> Ways:
    return demands.ways(edges)


def first_fault(ways: Ways, told: demands.Teller = telling.told, pack: Pack = BASE) -> str:
    return next(demands.unserved(pack, ways, told), "")


def every_letter(edges: list[Edge]) -> set[tuple[str, To]]:
    """What some step sends, and to whom."""
    steps = {(edge.start, edge.end) for edge in edges}
    steps_sent = [telling.told(*step) for step in steps] + [telling.told(None, at) for at in machine.starts()]
    return {(sent.letter, sent.to) for step in steps_sent for sent in step}


def but(change: Callable[[Sent], Iterator[Sent]]) -> demands.Teller:
    """What is sent, with a planted fault."""
    return lambda before, after: [new for sent in telling.told(before, after) for new in change(sent)]


def test_a_letter_that_is_left_out_is_missing_on_some_path(edges: list[Edge], ways: Ways):
    every = every_letter(edges)
    assert len(every) > 20
    for letter, to in every:
        told = but(lambda sent, one=(letter, to): iter([] if (sent.letter, sent.to) == one else [sent]))
        assert f"{letter} to {to} is missing" in first_fault(ways, told)


def test_a_letter_that_is_sent_again_is_found_on_some_path(edges: list[Edge], ways: Ways):
    """Twice in one step; or once too often, because what was told before is told anew."""

    def twice(sent: Sent) -> Iterator[Sent]:
        return iter([sent, replace(sent, once=Once.EACH)])

    def forgetful(sent: Sent) -> Iterator[Sent]:
        return iter([replace(sent, once=Once.EACH)])

    for letter, to in every_letter(edges):
        told = but(
            lambda sent, one=(letter, to): twice(sent) if (sent.letter, sent.to) == one else iter([sent])
        )
        assert f"{letter} to {to} is sent twice" in first_fault(ways, told)
    for letter in ("exit.runoff", "exit.held", "hardship.offered"):
        told = but(lambda sent, one=letter: forgetful(sent) if sent.letter == one else iter([sent]))
        assert f"{letter} to " in first_fault(ways, told)


def test_a_letter_of_another_kind_or_to_somebody_else_is_found(ways: Ways):
    def swapped(letter: str, other: str) -> demands.Teller:
        return but(lambda sent: iter([replace(sent, letter=other) if sent.letter == letter else sent]))

    fault = first_fault(ways, swapped("withdrawal.settled", "exit.closed"))
    assert fault.startswith("base: withdrawal.settled to customer is missing after withdraw begins")
    assert first_fault(ways, swapped("estate.held", "exit.held"))
    heirs = but(lambda sent: iter([replace(sent, to=To.CUSTOMER) if sent.to is To.HEIRS else sent]))
    assert "estate.balance to heirs is missing" in first_fault(ways, heirs)


def saying(pack: Pack, group: str, text: str) -> Pack:
    """A pack that demands something else."""
    key = f"told.{group}"
    return replace(pack, parameters={**pack.parameters, key: replace(pack.parameters[key], value=text)})


@pytest.mark.parametrize("group", ["close", "withdraw", "termination", "inactivity", "estate", "users"])
def test_a_pack_that_demands_another_letter_or_none_is_not_served(ways: Ways, group: str):
    """Whatever event it is of: so there is no demand that no path meets."""
    said = demands.script(BASE)[group]
    for event in said:
        for other in {"none", "debt.settled"} - {said[event] or "none"}:
            changed = {**said, event: other}
            text = ", ".join(f"{name} {letter or 'none'}" for name, letter in changed.items())
            assert first_fault(ways, pack=saying(BASE, group, text)), (group, event, other)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("stopped user.stopped", "told.users says nothing of resumed"),
        (
            "stopped user.stopped, resumed user.resumed, bored user.stopped",
            "told.users knows bored, which never happens",
        ),
        (
            "stopped user.halted, resumed user.resumed",
            "told.users demands user.halted, which is not written in zh-CN or en",
        ),
        ("stopped", "told.users: 'stopped' is not one event and its letter"),
        (
            "stopped user.stopped, stopped user.stopped",
            "told.users: 'stopped user.stopped' is not one event and its letter",
        ),
    ],
)
def test_a_demand_that_cannot_be_met_is_told_in_words(text: str, fault: str):
    assert demands.form_faults(saying(BASE, "users", text)) == [f"base: {fault}"]


def test_a_pack_that_shares_its_clocks_with_a_sound_one_and_demands_more_is_not_taken_for_it():
    other = replace(saying(BASE, "users", "stopped none, resumed user.resumed"), name="mine")
    faults = demands.check([BASE, other])
    assert faults
    assert all(fault.startswith("mine: user.stopped to users is sent and not demanded") for fault in faults)


def test_information_before_a_contract_that_nobody_has_written_is_told_in_words():
    key = "deferred.information"
    pack = replace(
        BASE, parameters={**BASE.parameters, key: replace(BASE.parameters[key], value="key rhyme")}
    )
    assert demands.form_faults(pack) == [
        f"base: deferred.information demands rhyme, which is not written in {language}"
        for language in ("zh-CN", "en")
    ]


def test_an_act_that_sends_another_letter_than_is_demanded_is_told_in_words():
    pack = saying(BASE, "sale", "sold debt.settled, agreed debt.sale_agreed, called_off debt.sale_called_off")
    assert demands.act_faults(pack) == ["base: sale.sold sends debt.sold, and debt.settled is demanded"]


def test_every_letter_of_the_room_is_sent_by_a_step_or_an_act(edges: list[Edge]):
    """No text lies there that nothing sends, as far as leaving and the lender's acts go."""
    sent = {letter for letter, _ in every_letter(edges)} | set(ACTS.values()) - {None}
    rooms = (
        "exit",
        "withdrawal",
        "termination",
        "inactivity",
        "estate",
        "user",
        "hardship",
        "debt",
        "line",
        "dispute",
    )
    assert {kind for kind in KINDS if kind.split(".")[0] in rooms} <= sent


# What runs: paths like these by the acts, on PostgreSQL.


@dataclass
class Story:
    """A customer of a pack with a line, somebody who may draw on it, and who settles their estate."""

    db: Database
    pack: Pack
    line: UUID
    customer: UUID
    user: UUID
    case: UUID | None = None
    day: int = 0

    @classmethod
    def of(cls, db: Database, pack: Pack) -> Story:
        customer, user = Customer(new_id(NOON), None, "en", NOON), new_id(NOON)
        new = NewLine(new_id(NOON), customer.id, 1_000_000, 5, DAY)
        with db.transaction() as tx:
            open_house(tx, "CNY")
            lines.open_customers(tx, [customer], NOON)
            lines.open_lines(tx, Agreement(pack.name, "CNY", "Asia/Shanghai", TERMS), [new], "test", NOON)
            identity.enrol(tx, VAULT, customer.id, PERSON, "test", NOON)
            users.add_user(tx, new.id, user, "zh-CN", "customer", NOON)
        return cls(db, pack, new.id, customer.id, user)

    @property
    def now(self) -> datetime:
        return at(DAY + timedelta(days=self.day))

    def act(self, act: Callable[..., Any], *how: Any, **more: Any) -> Any:
        """An act on the case, or on the line while there is no case."""
        with self.db.transaction() as tx:
            done = act(tx, OFFICE, self.case or self.line, *how, now=self.now, **more)
        assert not isinstance(done, Refusal), done
        if isinstance(done, Exit):
            self.case = done.id
        return done

    def leaves(self, who: Identity = Identity.VERIFIED) -> None:
        self.act(exits.request, Channel.PORTAL, "customer", who=who)

    def moves(self) -> None:
        """They are reached elsewhere from now on, or somebody else made it look so."""
        with self.db.transaction() as tx:
            identity.change_contact(tx, VAULT, self.customer, "+8613900000022", None, "x", self.now)

    def frozen(self, order: bool) -> None:
        """An order stands in the way, or is over."""
        how = (LockKind.LEGAL, Party.AUTHORITY)
        with self.db.transaction() as tx:
            if order:
                lines.set_lock(tx, self.line, *how, "order", "court", self.now)
            else:
                lines.lift_lock(tx, self.line, *how, "court", self.now)
        self.act(exits.advance)

    def dies(self) -> None:
        with self.db.transaction() as tx:
            case = estates.report(tx, OFFICE, self.line, Channel.DESK, "staff:one", self.now)
        assert isinstance(case, Exit), case
        self.case = case.id

    def heir(self) -> None:
        """Somebody else each time shows a paper."""
        contact = uuid4()
        with self.db.transaction() as tx:
            identity.enrol(tx, VAULT, contact, PERSON, "test", self.now)
        self.act(estates.show_authority, contact, "en", "probate", "staff:one")

    def pays(self) -> None:
        owed = line_of(self.db, self.line).owed_minor
        pay(self.db, self.line, owed, DAY + timedelta(days=self.day))
        self.day += 20
        self.act(exits.advance)

    def letters(self) -> list[tuple[str, To]]:
        """What lies in the books about the case, then to who may draw besides."""
        with self.db.transaction() as tx:
            found = [*notices.of_subject(tx, self.case or self.line), *notices.of_subject(tx, self.user)]
        return [(each.kind, self._to(each)) for each in found]

    def _to(self, notice: Notice) -> To:
        if notice.recipient == self.customer:
            return To.FORMER if notice.to_former else To.CUSTOMER
        return To.USERS if notice.recipient == self.user else To.HEIRS


def closes(story: Story) -> list[str]:
    buy(story.db, story.line, 60_000, 6)
    story.leaves()
    story.frozen(order=True)
    story.frozen(order=False)
    story.day += 1
    story.frozen(order=True)
    story.frozen(order=False)
    story.pays()
    return ["close asked", "close run_off", "close held", "close held", "close closed", "users stopped"]


def changes_their_mind(story: Story) -> list[str]:
    story.leaves(Identity.PENDING)
    story.act(exits.cancel, "customer")
    return ["close asked", "close cancelled", "users stopped", "users resumed"]


def never_answers(story: Story) -> list[str]:
    story.leaves(Identity.PENDING)
    story.day += 15
    story.act(exits.advance)
    return ["close asked", "close lapsed", "users stopped"]


def was_somebody_else(story: Story) -> list[str]:
    story.moves()
    story.leaves(Identity.PENDING)
    story.act(exits.doubt, "form")
    story.act(exits.choose_path, Path.REJECT, ["not_holder"], "staff:two", proposed_by="staff:one")
    told = ["close asked", "close held", "former held", "close rejected", "former rejected"]
    return [*told, "users stopped"]


def withdraws_after_all(story: Story) -> list[str]:
    buy(story.db, story.line, 60_000, 6)
    story.leaves()
    with story.db.transaction() as tx:
        withdraw(tx, OFFICE, story.line, Channel.PORTAL, "customer", story.now)
    story.pays()
    return ["close asked", "close run_off", "withdraw asked", "withdraw closed", "users stopped"]


def given_notice(story: Story) -> None:
    with story.db.transaction() as tx:
        asked = terminations.propose(
            tx, story.line, Kind.TERMINATION, [Cause.PRODUCT_ENDED], "staff:one", story.now
        )
        assert isinstance(asked, Termination)
        given = terminations.decide(tx, OFFICE, asked.id, True, "staff:two", story.now)
    assert isinstance(given, Termination)
    story.case = given.exit


def is_terminated(story: Story) -> list[str]:
    """What was due in the notice's time is past due when it ends."""
    buy(story.db, story.line, 60_000)
    night(story.db, date(2026, 2, 5))
    given_notice(story)
    story.day += 62
    story.act(exits.advance)
    story.pays()
    told = ["termination notice", "termination run_off", "termination closed"]
    return [*told, "hardship offered", "users stopped"]


def asks_while_the_notice_runs(story: Story) -> list[str]:
    """Unproven at first; then they prove it."""
    given_notice(story)
    notice, story.case = story.case, None
    story.leaves(Identity.PENDING)
    story.act(exits.confirm, "customer")
    story.case = notice
    return ["termination notice", "termination asked_first", "users stopped"]


def dies_while_the_notice_runs(story: Story) -> list[str]:
    given_notice(story)
    notice, story.case = story.case, None
    story.dies()
    story.heir()
    story.case = notice
    return ["termination notice", "users stopped"]


def dies_while_it_runs_off(story: Story) -> list[str]:
    """The report is an error at first, so the customer hears where their own wish stands; then it is true."""
    buy(story.db, story.line, 60_000, 6)
    story.leaves()
    story.dies()
    story.frozen(order=True)
    story.day += 1
    story.act(estates.undo, "staff:one")
    story.act(estates.undo, "staff:two")
    story.day += 1
    story.dies()
    story.heir()
    story.day += 1
    story.heir()
    story.frozen(order=False)
    story.pays()
    told = ["close asked", "close run_off", "estate asked", "estate held", "estate ended", "close held"]
    told += ["estate asked", "heirs balance", "heirs held", "heirs balance", "heirs held", "heirs closed"]
    return [*told, "users stopped"]


def had_asked_without_a_proof(story: Story) -> list[str]:
    """Nobody draws after a report in error but by the customer's own word: they had asked to leave."""
    buy(story.db, story.line, 60_000, 6)
    story.leaves(Identity.PENDING)
    story.dies()
    story.heir()
    story.act(estates.undo, "staff:one")
    story.act(estates.undo, "staff:two")
    line = line_of(story.db, story.line)
    assert (line.lifecycle, line.locks) == (Lifecycle.ACTIVE, {LockKind.CUSTOMER})
    told = ["close asked", "estate asked", "heirs balance", "estate ended", "close lapsed"]
    return [*told, "users stopped"]


def dies_and_nobody_comes(story: Story) -> list[str]:
    story.moves()
    story.dies()
    story.day += 31
    story.act(exits.advance)
    story.heir()
    told = ["estate asked", "former estate_asked", "estate held", "former estate_held", "heirs balance"]
    return [*told, "heirs closed", "users stopped"]


STORIES = (
    closes,
    changes_their_mind,
    never_answers,
    was_somebody_else,
    withdraws_after_all,
    is_terminated,
    asks_while_the_notice_runs,
    dies_while_the_notice_runs,
    dies_while_it_runs_off,
    had_asked_without_a_proof,
    dies_and_nobody_comes,
)


def letter_of(said: demands.Script, event: str) -> tuple[str, To]:
    """What a pack demands of an event, and whom it is for."""
    group, name = event.split()
    to = {"heirs": To.HEIRS, "former": To.FORMER, "users": To.USERS, "hardship": To.CUSTOMER}
    letter = said["estate" if group == "heirs" else group][name]
    assert letter
    return letter, to.get(group, To.CUSTOMER)


@pytest.mark.parametrize("name", packs.names())
def test_what_lies_in_the_books_is_what_the_pack_demands(
    db: Database, name: str, edges: list[Edge], monkeypatch: pytest.MonkeyPatch
):
    """And each step that the acts told of is one that the walk has walked."""
    pack = packs.load(name)
    said, known = demands.script(pack), walked(edges)
    taken: list[Taken] = []
    monkeypatch.setattr(telling, "told", recording(taken))
    for story_of in STORIES:
        story = Story.of(db, pack)
        expected = [letter_of(said, event) for event in story_of(story)]
        found = story.letters()
        with db.transaction() as tx:
            helped = [(each.kind, To.CUSTOMER) for each in notices.of_subject(tx, story.line)]
        mine = [each for each in expected if each[0] != telling.HELP]
        assert (found, helped) == (mine, [e for e in expected if e not in mine]), story_of.__name__
    assert len(taken) >= 40
    assert [step for step in taken if step not in known] == []
