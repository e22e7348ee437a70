"""What is told late or in error, at a terminal: disputes, promised refunds, a death, an objection."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.conftest import NOW, Terminal
from exits.test_estates import PERSON
from purchases.test_disputes import bought
from worlds import DAY, items, line_of, open_line

from whiteslip import identity
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits import Exit, estates, proposals, restrictions
from whiteslip.exits.model import Cause, Channel
from whiteslip.exits.proposals import Objection
from whiteslip.identity import access
from whiteslip.identity.model import Role


def known(terminal: Terminal) -> UUID:
    """A line of somebody to whom letters go; ann, ben and cem work here."""
    db, vault = terminal.platform.database, terminal.platform.ports.vault
    line = open_line(db)
    with db.transaction() as tx:
        for name in ("ann", "ben", "cem"):
            access.create_staff(tx, name, Role.REVIEWER, None, NOW)
        identity.enrol(tx, vault, line_of(db, line).customer, PERSON, "test", NOW)
    return line


def letters(terminal: Terminal) -> list[str]:
    with terminal.platform.database.transaction() as tx:
        return [row["kind"] for row in tx.conn.execute("SELECT kind FROM notices.notice ORDER BY seq")]


def journal(terminal: Terminal, kind: str) -> list[dict[str, Any]]:
    """What was written of a kind, without ids."""
    with terminal.platform.database.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT data FROM store.journal WHERE kind = %s ORDER BY seq", [kind]
        ).fetchall()
    return [row["data"] for row in rows]


def test_a_dispute_told_late_counts_from_its_day_and_either_side_may_be_right(terminal: Terminal):
    line, db = known(terminal), terminal.platform.database
    purchase = public("pur", bought(db, line, 30_000).id)
    asked = ("disputes", "open", purchase, "30000", "--ground", "not_received")
    terminal.fails(2, "", *asked)
    terminal.fails(3, "", "disputes", "open", "pur_nonsense", "1", "--ground", "not_mine", "--by", "ann")
    terminal.fails(4, "dispute.began_on_invalid", *asked, "--began-on", "2020-01-01", "--by", "ann")
    terminal.fails(2, "", "disputes", "open", purchase, "1", "--ground", "forced", "--by", "ann")
    late = (*asked, "--began-on", DAY.isoformat(), "--by", "ann", "--json")
    assert terminal.run(*late, "--dry-run")[0] == 0
    assert terminal.data("disputes", "list", public("line", line)) == []
    code, _, err = terminal.run(*late)
    assert (code, "whiteslip disputes resolve dsp_" in err) == (0, True)
    assert items(db, line) == [], "nothing of it is demanded"
    (listed,) = terminal.data("disputes", "list", public("line", line))
    assert (listed["outcome"], listed["suspended_minor"], listed["purchase"]) == ("open", 30_000, purchase)
    assert [one["began_on"] for one in journal(terminal, "dispute.opened")] == [DAY.isoformat()]
    terminal.fails(4, "dispute.amount_invalid", *asked, "--by", "ann")
    said = ("disputes", "resolve", listed["id"])
    terminal.fails(4, "dispute.bears_invalid", *said, "lost", "--bears", "shop", "--by", "ben")
    terminal.fails(2, "", *said, "open", "--by", "ben")
    assert terminal.data(*said, "lost", "--by", "ben")["outcome"] == "lost"
    assert [item.principal_minor for item in items(db, line)] == [30_000]
    assert terminal.data(*said, "won", "--by", "ben")["outcome"] == "lost", "again changes nothing"
    assert letters(terminal) == ["dispute.received", "debt.owed_anew"]


def test_a_refund_that_a_shop_promised_last_week_is_waited_for_from_then(terminal: Terminal):
    line = known(terminal)
    purchase = public("pur", bought(terminal.platform.database, line, 30_000).id)
    promised = ("refunds", "promise", purchase)
    terminal.fails(2, "", *promised, "20000")
    terminal.fails(
        4, "refund.value_date_invalid", *promised, "1", "--promised-on", "2020-01-01", "--by", "ann"
    )
    today = terminal.data(*promised, "10000", "--by", "ann")
    made = terminal.data(*promised, "20000", "--promised-on", "2026-02-24", "--by", "ann")
    assert (made["promised_on"], made["purchase"]) == ("2026-02-24", purchase)
    assert made["due_at"] < today["due_at"]
    terminal.fails(4, "refundable_minor", *promised, "1", "--by", "ann")
    assert [one["amount_minor"] for one in journal(terminal, "refund.promised")] == [10_000, 20_000]


def test_that_a_death_was_an_error_takes_two_and_another_may_say_that_it_was_none(terminal: Terminal):
    line, platform = known(terminal), terminal.platform
    shown = public("line", line)
    terminal.fails(4, "estate.not_reported", "estates", "show", shown)
    with platform.database.transaction() as tx:
        case = estates.report(tx, platform.ports.office, line, Channel.DESK, "staff:x", NOW)
    assert isinstance(case, Exit)
    down = ("estates", "turn-down-undo", shown, "--why", "paper_shows_it", "--by")
    terminal.fails(4, "estate.nothing_proposed", *down, "ben")
    code, _, err = terminal.run("estates", "undo", shown, "--by", "ann")
    assert (code, "turn-down-undo" in err) == (0, True)
    assert terminal.data("estates", "show", shown)["undo_proposed"]
    terminal.fails(4, "desk.own_proposal", "estates", "undo", shown, "--by", "ann")
    terminal.fails(4, "desk.own_proposal", *down, "ann")
    terminal.fails(2, "", "estates", "turn-down-undo", shown, "--why", "so", "--by", "ben")
    assert not terminal.data(*down, "ben")["undo_proposed"]
    (kept,) = journal(terminal, "estate.undo_turned_down")
    assert kept["why"] == "paper_shows_it"
    assert line_of(platform.database, line).drawing_stopped
    assert terminal.run("estates", "undo", shown, "--by", "ann")[0] == 0
    assert terminal.data("estates", "undo", shown, "--by", "ben")["undone"]
    assert not line_of(platform.database, line).drawing_stopped
    terminal.fails(4, "estate.not_reported", "estates", "show", shown)
    assert letters(terminal)[-1] == "estate.undone"


def test_an_order_of_the_law_is_listed_for_who_may_handle_it_alone(terminal: Terminal):
    line, platform = public("line", known(terminal)), terminal.platform
    with platform.database.transaction() as tx:
        access.create_staff(tx, "eve", Role.AUDITOR, None, NOW)
    for name in ("ann", "ben"):
        order = ("--ground", "investigation", "--reference", "12 C 34/26", "--by", name)
        assert terminal.run("lines", "freeze", line, *order)[0] == 0
    asked = terminal.data("exits", "request", line, "--by", "ann")
    for seen, locks, why in (((), ["exit"], "held"), (("--by", "ann"), ["exit", "legal"], "legal_freeze")):
        (listed,) = terminal.data("lines", "list", *seen)
        shown = terminal.data("lines", "show", line, *seen)
        assert (listed["locks"], shown["locks"], shown["drawing_stopped"]) == (locks, locks, True)
        assert terminal.data("exits", "show", asked["reference"], *seen)["why"] == why
        assert [one["why"] for one in terminal.data("exits", "list", *seen)] == [why]
    terminal.fails(3, "no reviewer or admin", "lines", "show", line, "--by", "eve")


def test_an_objection_is_answered_at_a_terminal_by_one_or_kept_by_two(terminal: Terminal):
    line, platform = known(terminal), terminal.platform
    db, office = platform.database, platform.ports.office

    def objected() -> str:
        with db.transaction() as tx:
            cem = access.staff_named(tx, "cem")
            assert cem
            restrictions.restrict(tx, office, line, [Cause.CONTACT_LOST], f"staff:{cem.id}", NOW)
            made = proposals.object_to(tx, platform.ports.vault, line, "", "customer", NOW)
        assert isinstance(made, Objection), made
        return public("rob", made.id)

    mine = objected()
    before = (line_of(db, line).owed_minor, items(db, line))
    at = ("restrictions", "answer", mine)
    assert [(one["id"], one["stay_why"]) for one in terminal.data("restrictions", "objections")] == [
        (mine, None)
    ]
    terminal.fails(4, "restriction.own", *at, "--by", "cem")
    terminal.fails(2, "", *at, "--stays", "so", "--by", "ann")
    code, _, err = terminal.run(*at, "--stays", "not_shown", "--by", "ann")
    assert (code, "somebody else" in err) == (0, True)
    terminal.fails(4, "desk.own_proposal", *at, "--stays", "not_shown", "--by", "ann")
    assert letters(terminal) == ["line.restricted"], "one is not two"
    assert terminal.data(*at, "--stays", "not_shown", "--by", "ben")["outcome"] == "stays"
    terminal.fails(4, "restriction.objection_answered", *at, "--by", "ann")
    assert line_of(db, line).drawing_stopped
    assert letters(terminal) == ["line.restricted", "line.restriction_kept"]
    with db.transaction() as tx:
        assert not isinstance(restrictions.lift(tx, office, line, "desk", "staff:x", NOW), Refusal)
    again = objected()
    assert terminal.data("restrictions", "answer", again, "--by", "ann")["outcome"] == "lifted"
    assert not line_of(db, line).drawing_stopped
    assert terminal.data("restrictions", "objections") == []
    assert (line_of(db, line).owed_minor, items(db, line)) == before, "no money moved"
    said = [(one["outcome"], one.get("why")) for one in journal(terminal, "restriction.objection_answered")]
    assert said == [("stays", "not_shown"), ("lifted", None)]
