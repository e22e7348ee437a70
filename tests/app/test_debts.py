"""Debts sold, new terms and the paper of a case at a terminal: exit codes, data and messages."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

from app.conftest import NOW, Terminal
from billing.test_sales import SOLD_ON, running_off
from exits.test_evidence import PERSON, photograph
from worlds import TERMS, line_of, open_line, pay

from whiteslip import exits, identity
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits import Exit, evidence
from whiteslip.exits.model import Channel, Identity
from whiteslip.exits.papers import Why


def test_a_debt_is_sold_and_sent_on_at_a_terminal(terminal: Terminal):
    db = terminal.platform.database
    for name in ("ann", "ben"):
        assert terminal.run("user", "create", name)[0] == 0
    found, _ = running_off(db, 60_000, 3)  # 200.00 due on 25 February, March and April
    line = public("line", found)
    terminal.fails(3, "there is no buyer", "debts", "sell", line, "Nobody", "9000", "--by", "ann")
    made = terminal.data("debts", "add-buyer", "Example Debt Buyer", "IBAN XX00 0000", "--by", "ann")
    assert (made["currency"], made["due_minor"]) == ("CNY", 0)
    terminal.fails(4, "", "debts", "add-buyer", "Example Debt Buyer", "IBAN XX00 0000", "--by", "ann")
    terminal.fails(3, "", "debts", "show", line)
    terminal.fails(3, "", "debts", "sell", "line_nonsense", made["id"], "9000", "--by", "ann")
    terminal.fails(4, "60000", "debts", "sell", line, made["id"], "60001", "--by", "ann")
    terminal.fails(2, "", "debts", "sell", line, made["id"], "9000")
    terms = ("debts", "sell", line, "Example Debt Buyer", "9000", "--by")
    terminal.fails(3, "", *terms, "nobody")
    assert terminal.data(*terms, "ann")["state"] == "proposed"
    terminal.fails(4, "", *terms, "ann")
    assert [row["line"] for row in terminal.data("debts", "waiting")] == [line]
    assert terminal.data("debts", "sold", made["id"]) == [], "a proposal sells nothing"
    assert terminal.data(*terms, "ben")["state"] == "sold"
    assert terminal.data("debts", "waiting") == []
    terminal.fails(4, "days of notice", "debts", "call-off", line, "--by", "ann")
    shown = terminal.data("debts", "show", line)
    assert (shown["state"], shown["face_minor"], shown["left_minor"]) == ("sold", 60_000, 60_000)
    pay(db, found, 5_000, SOLD_ON)
    assert terminal.data("debts", "buyers")[0]["due_minor"] == 5_000
    assert terminal.data("debts", "remit", made["id"], "--by", "ann")["remitted_minor"] == 5_000
    assert terminal.data("debts", "remit", "Example Debt Buyer", "--by", "ann")["remitted_minor"] == 0
    assert terminal.data("debts", "show", line)["left_minor"] == 55_000
    code, out, err = terminal.run("debts", "sold", "Example Debt Buyer", "--since", SOLD_ON.isoformat())
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["due_on"], row["principal_minor"], row["fee_minor"]) for row in rows] == [
        ("2026-02-25", "20000", "0"),
        ("2026-03-25", "20000", "0"),
        ("2026-04-25", "20000", "0"),
    ]
    assert {(row["line"], row["price_minor"], row["face_minor"]) for row in rows} == {(line, "9000", "60000")}
    assert terminal.run("debts", "sold", made["id"], "--since", "2026-03-02")[1].count("\n") == 1, "a head"
    terminal.fails(2, "--since is a day", "debts", "sold", made["id"], "--since", "March")
    code, out, _ = terminal.run("debts", "buyers")
    assert (code, out.split()[:4]) == (0, ["id", "name", "currency", "due_minor"])


def test_the_paper_of_a_case_is_handed_in_at_a_terminal_where_one_was_asked_for(
    terminal: Terminal, tmp_path: Path
):
    assert terminal.run("user", "create", "ann")[0] == 0
    platform, paper = terminal.platform, tmp_path / "paper.jpg"
    db, line = platform.database, open_line(platform.database)
    with db.transaction() as tx:
        identity.enrol(tx, platform.ports.vault, line_of(db, line).customer, PERSON, "test", NOW)
        office = platform.ports.office
        case = exits.request(tx, office, line, Channel.PORTAL, "customer", NOW, Identity.DOUBTED)
    assert isinstance(case, Exit)
    terminal.fails(3, "cannot be read", "exits", "paper", case.reference, str(paper), "--by", "ann")
    paper.write_bytes(photograph())
    terminal.fails(3, "there is no exit", "exits", "paper", "EX-NONE-00", str(paper), "--by", "ann")
    # Nobody has asked for one.
    terminal.fails(4, "", "exits", "paper", case.reference, str(paper), "--by", "ann")
    with db.transaction() as tx:
        asked = evidence.ask(tx, "Test", case.id, Why.NOT_PROVEN, "staff:x", NOW)
    assert not isinstance(asked, Refusal)
    program = tmp_path / "program.exe"
    program.write_bytes(b"MZ" + bytes(900))
    assert terminal.run("exits", "paper", case.reference, str(program), "--by", "ann")[0] not in (0, 2)
    done = terminal.data("exits", "paper", case.reference, str(paper), "--by", "ann")
    assert (done["reference"], done["wanted"]) == (case.reference, "id_document")
    assert done["handed_in_at"]
    terminal.fails(4, "", "exits", "paper", case.reference, str(paper), "--by", "ann")  # once


def test_new_terms_take_a_file_two_people_and_the_days_of_the_pack(terminal: Terminal, tmp_path: Path):
    for name in ("ann", "ben"):
        assert terminal.run("user", "create", name)[0] == 0
    line = public("line", open_line(terminal.platform.database))
    file = tmp_path / "new.toml"
    file.write_text(
        "due_days = 11\nlate_fee_minor = 4200\nlate_fee_grace_days = 9\n"
        "products = [{ instalments = 1 }, { instalments = 3, apr_bps = 1200 }]\n"
    )
    on = (NOW.date() + timedelta(days=90)).isoformat()
    assert terminal.data("terms", "show", line)["version"] == TERMS.version
    asked = ("terms", "propose", str(file), "--by", "ann")
    terminal.fails(3, "", "terms", "take-back", "tch_nonsense", "--by", "ann")
    terminal.fails(2, "", *asked, "--on", "soon", "--line", line)
    terminal.fails(4, "days of notice", *asked, "--on", NOW.date().isoformat(), "--line", line)
    made = terminal.data(*asked, "--on", on, "--version", TERMS.version)
    assert (made["state"], made["told"]) == ("proposed", 0)
    terminal.fails(4, "", "terms", "decide", made["id"], "approve", "--by", "ann")
    assert terminal.data("terms", "decide", made["id"], "approve", "--by", "ben")["told"] == 1
    assert terminal.data("terms", "show", line)["told"] == made["to_version"]
    said = ("terms", "reject", line, "--channel", "phone", "--how", "called_back", "--by", "ann")
    assert terminal.data(*said)["state"] == "closed", "it owed nothing"
    assert [row["rejected"] for row in terminal.data("terms", "list")] == [1]
    assert terminal.data("terms", "take-back", made["id"], "--by", "ann")["state"] == "taken_back"
