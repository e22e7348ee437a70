"""Timers: what happens when one falls due. The clock is an argument, so a test clock drives it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from whiteslip import bureau, complaints, exits, identity, notices, watch, webhooks
from whiteslip.applications import acts as applications
from whiteslip.base import Refusal
from whiteslip.billing import mandates, payouts
from whiteslip.day.forgetting import FORGET
from whiteslip.day.model import Ports
from whiteslip.exits import debtsales, desk, newterms, owed, proposals, restrictions
from whiteslip.identity import Vault
from whiteslip.identity.vault import former
from whiteslip.lines.increases import take_effect
from whiteslip.lines.locks import end_lock
from whiteslip.notices import Addressee
from whiteslip.notices.mailers import NoMailer, for_a_run
from whiteslip.notices.model import Notice
from whiteslip.privacy.acts import unanswered
from whiteslip.store import Database, Tx
from whiteslip.store.timers import Timer, finish_timer, pop_timer, retry_timer

_LATER: Final = timedelta(hours=1)


def run_one(database: Database, ports: Ports, now: datetime, kinds: Collection[str]) -> bool:
    """Pop the timer of some kinds that is longest due and do what it asks for; False when none is due.

    The timer stays locked until its work has committed: a crash in between leaves it due.
    """
    with database.transaction() as tx:
        timer = pop_timer(tx, now, kinds)
        if timer is None:
            return False
        again = HANDLERS[timer.kind](database, tx, ports, timer, now)
        if again:
            retry_timer(tx, timer, again)
        else:
            finish_timer(tx, timer, now)
    return True


def run_due(database: Database, ports: Ports, now: datetime) -> int:
    """Run every timer of our own that is due at ``now``; returns how many."""
    done = 0
    while run_one(database, ports, now, OWN):
        done += 1
    return done


def run_letters(
    database: Database,
    ports: Ports,
    clock: Callable[[Tx], datetime],
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Send the letters that are due, one after the other, until ``is_over``; returns how many there were.

    ``clock`` is asked for each of them: a run may take hours, and its proofs say when. Where there is no way
    out letters wait for one. Raises MailError where the server is away; they wait in their order.
    """
    done = 0
    if isinstance(ports.mailer, NoMailer):
        return done
    with for_a_run(ports.mailer) as mailer:
        while not is_over() and notices.send_next(
            database, mailer, lambda tx, notice: addressee(tx, ports.vault, notice), clock
        ):
            done += 1
    return done


def run_webhooks(database: Database, ports: Ports, now: datetime) -> int:
    """Queue what the journal has for others and send what is due at ``now``; returns how many lanes ran."""
    done = 0
    if ports.courier is None:
        return done
    more = True
    while more:
        with database.transaction() as tx:
            more = webhooks.dispatch(tx, now)
    while run_one(database, ports, now, OTHERS):
        done += 1
    return done


def run_watch(database: Database, ports: Ports, now: datetime) -> int:
    """Let the watch read the journal to its end; returns how many batches it took."""
    batches, more = 0, True
    while more:
        with database.transaction() as tx:
            more = watch.follow(tx, ports.office.tables, now)
        batches += 1
    return batches


def addressee(tx: Tx, vault: Vault, notice: Notice) -> Addressee | None:
    """Whom a letter goes to, and where; None for somebody the vault does not know."""
    find = former if notice.to_former else identity.peek
    person = find(tx, vault, notice.recipient)
    if isinstance(person, Refusal):
        return None
    return Addressee(person.full_name, person.email, person.phone)


def _exit_deadline(_database: Database, tx: Tx, ports: Ports, timer: Timer, now: datetime) -> datetime | None:
    """The deadline that the step has set, if any, is a timer of its own."""
    finish_timer(tx, timer, now)
    exits.advance(tx, ports.office, timer.subject, now)
    return None


def _choice_due(_database: Database, tx: Tx, ports: Ports, timer: Timer, now: datetime) -> datetime | None:
    desk.carry_out(tx, ports.office, timer.subject, now)
    return None


def _lock_ends(_database: Database, tx: Tx, _ports: Ports, timer: Timer, now: datetime) -> datetime | None:
    return end_lock(tx, timer.subject, now)


def _dispute_due(_database: Database, tx: Tx, ports: Ports, timer: Timer, now: datetime) -> datetime | None:
    """Nobody found out who was right in time: the customer was."""
    owed.resolve_dispute(tx, ports.office, timer.subject, True, "system", now)
    return None


def _mandate_lapses(
    _database: Database, tx: Tx, _ports: Ports, timer: Timer, now: datetime
) -> datetime | None:
    return mandates.lapse(tx, timer.subject, now)


def _limit_rises(_database: Database, tx: Tx, _ports: Ports, timer: Timer, now: datetime) -> datetime | None:
    return take_effect(tx, timer.subject, now)


def _terms_announce(
    _database: Database, tx: Tx, ports: Ports, timer: Timer, now: datetime
) -> datetime | None:
    return newterms.announce(tx, ports.office, timer.subject, now)


def _terms_in_force(
    _database: Database, tx: Tx, ports: Ports, timer: Timer, now: datetime
) -> datetime | None:
    return newterms.take_effect(tx, ports.office, timer.subject, now)


def _payout_unclaimed(
    _database: Database, tx: Tx, _ports: Ports, timer: Timer, now: datetime
) -> datetime | None:
    payouts.remind(tx, timer.subject, now)
    return None


def _application_deadline(
    _database: Database, tx: Tx, _ports: Ports, timer: Timer, now: datetime
) -> datetime | None:
    return applications.deadline(tx, timer.subject, now)


def _sale_due(_database: Database, tx: Tx, ports: Ports, timer: Timer, now: datetime) -> datetime | None:
    return debtsales.conclude(tx, ports.office, timer.subject, now)


def _restriction_review(
    _database: Database, tx: Tx, ports: Ports, timer: Timer, now: datetime
) -> datetime | None:
    return restrictions.end(tx, ports.office, timer.subject, now)


def _restriction_objection(
    _database: Database, tx: Tx, ports: Ports, timer: Timer, now: datetime
) -> datetime | None:
    proposals.unanswered(tx, ports.office, timer.subject, now)
    return None


def _webhook_deliver(
    database: Database, _tx: Tx, ports: Ports, timer: Timer, now: datetime
) -> datetime | None:
    """Sending is not undone by a rollback, so it keeps its own transactions. The subject is a lane."""
    if ports.courier is None:
        return now + _LATER
    return webhooks.deliver(database, timer.subject, ports.courier, now)


def _objection_due(_database: Database, tx: Tx, ports: Ports, timer: Timer, now: datetime) -> datetime | None:
    bureau.unanswered(tx, ports.office.issuer_name, timer.subject, now)
    return None


def _complaint_due(_database: Database, tx: Tx, ports: Ports, timer: Timer, now: datetime) -> datetime | None:
    complaints.overdue(tx, ports.office.issuer_name, timer.subject, now)
    return None


def _privacy_due(_database: Database, tx: Tx, ports: Ports, timer: Timer, now: datetime) -> datetime | None:
    unanswered(tx, FORGET, ports.office.issuer_name, timer.subject, now)
    return None


def _refund_due(_database: Database, tx: Tx, ports: Ports, timer: Timer, now: datetime) -> datetime | None:
    owed.refund_missed(tx, ports.office, timer.subject, now)
    return None


Handler = Callable[[Database, Tx, Ports, Timer, datetime], datetime | None]
HANDLERS: Final[dict[str, Handler]] = {
    "application.deadline": _application_deadline,
    "bureau.objection_due": _objection_due,
    "complaint.due": _complaint_due,
    "dispute.due": _dispute_due,
    "exit.choice_due": _choice_due,
    "exit.deadline": _exit_deadline,
    "limit.rises": _limit_rises,
    "lock.ends": _lock_ends,
    "mandate.lapses": _mandate_lapses,
    "payout.unclaimed": _payout_unclaimed,
    "privacy.due": _privacy_due,
    "refund.due": _refund_due,
    "restriction.objection_due": _restriction_objection,
    "restriction.review": _restriction_review,
    "sale.due": _sale_due,
    "terms.announce": _terms_announce,
    "terms.in_force": _terms_in_force,
    "webhook.deliver": _webhook_deliver,
}
# What waits for servers of others runs apart, mail servers and receivers of webhooks: neither the night nor a
# deadline waits for them, nor one for the other.
LETTERS: Final = frozenset({"notice.send"})
OTHERS: Final = frozenset({"webhook.deliver"})
OWN: Final = frozenset(HANDLERS) - OTHERS
