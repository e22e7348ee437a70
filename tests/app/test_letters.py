"""Letters that were given up, at the terminal."""

from __future__ import annotations

from app.conftest import NOW, Terminal
from notices.test_notices import new

from whiteslip import notices
from whiteslip.app import worker


def failed(terminal: Terminal, count: int) -> list[str]:
    """Letters to nobody whom the vault knows."""
    db = terminal.platform.database
    with db.transaction() as tx:
        notices.queue(tx, [new() for _ in range(count)], NOW)
    while notices.send_next(db, terminal.platform.ports.mailer, lambda _tx, _who: None, lambda _tx: NOW):
        pass
    return [row["id"] for row in terminal.data("letters", "list")]


def test_letters_that_have_failed_are_listed_and_sent_again(terminal: Terminal):
    terminal.run("user", "create", "ann")
    one, *rest = failed(terminal, 3)
    code, out, err = terminal.run("letters", "list")
    assert (code, one in out, "next: whiteslip letters send-again" in err) == (0, True, True)
    assert terminal.data("letters", "send-again", one, "--by", "ann") == {"queued": 1}
    assert [row["id"] for row in terminal.data("letters", "list")] == rest
    assert [row["id"] for row in terminal.data("letters", "list", "--state", "queued")] == [one]
    terminal.fails(4, "[notice.not_given_up (letter=ltr_", "letters", "send-again", *rest, one, "--by", "ann")
    assert terminal.data("letters", "send-again", "--every-failed", "--by", "ann") == {"queued": 2}
    assert terminal.data("letters", "list") == []


def test_what_no_letter_is_and_nobody_named_is_said(terminal: Terminal):
    terminal.run("user", "create", "ann")
    terminal.fails(2, "name letters, or say --every-failed", "letters", "send-again", "--by", "ann")
    terminal.fails(3, "try: whiteslip letters list", "letters", "send-again", "EX-1", "--by", "ann")
    terminal.fails(3, "nobody is called bob", "letters", "send-again", "--every-failed", "--by", "bob")
    terminal.fails(4, "notice.not_given_up", "letters", "taken", failed(terminal, 1)[0], "--by", "ann")


def test_without_a_mail_server_letters_wait_and_use_no_attempt(terminal: Terminal):
    with terminal.platform.database.transaction() as tx:
        notices.queue(tx, [new()], NOW)
    assert worker.send_letters(terminal.platform, lambda: False) == 0
    (row,) = terminal.data("letters", "list", "--state", "queued")
    assert (row["attempts"], row["reply"]) == (0, None)
