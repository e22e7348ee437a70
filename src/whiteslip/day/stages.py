"""The stages of a night, in order."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from whiteslip import billing, exits, funding, insight, lake, ledger, notices, privacy, purchases
from whiteslip.base import Refusal, end_of_day
from whiteslip.billing import chargeoff, hardship, sales
from whiteslip.billing import store as billing_store
from whiteslip.billing.bills import BATCH
from whiteslip.day.forgetting import AT_THE_END
from whiteslip.day.model import Batch, InvariantError, Night, Stage
from whiteslip.day.timers import LETTERS, OWN, run_letters, run_one
from whiteslip.exits import arrears, defaultnotices, proposals
from whiteslip.exits import store as exits_store
from whiteslip.exits.lateletters import note_late
from whiteslip.identity.documents import delete_expired
from whiteslip.ledger.acts import violations_of_day
from whiteslip.notices.mailers import MailError
from whiteslip.store import Tx
from whiteslip.store.database import verify_journal
from whiteslip.store.timers import next_timer
from whiteslip.watch import nightly

_TIMERS_AT_ONCE: Final = 50
_DAY: Final = timedelta(days=1)
# 商业银行金融资产风险分类办法 (order 2023/1): more than 90 days past due is non-performing.
_SUBSTANDARD_AFTER_DAYS: Final = 90


def _expire_holds(night: Night) -> Batch:
    done = purchases.expire(night.tx, night.now)
    return Batch(done, more=done > 0)


def _issue_bills(night: Night) -> Batch:
    done = billing.issue_bills(night.tx, night.day, night.now)
    return Batch(done, more=done == BATCH)


def _charge_late_fees(night: Night) -> Batch:
    return Batch(billing.charge_late_fees(night.tx, night.day, night.now), more=False)


def _watch_hardship(night: Night) -> Batch:
    return Batch(hardship.watch(night.tx, night.day, night.now), more=False)


def _propose_charge_offs(night: Night) -> Batch:
    done = chargeoff.propose_due(night.tx, night.day, night.now)
    if done:
        defaultnotices.give_proposed(night.tx, night.ports.office, night.now)
    return Batch(done, more=False)


def _tell_of_arrears(night: Night) -> Batch:
    done = arrears.tell_late(night.tx, night.ports.office.issuer_name, night.day, night.now)
    return Batch(done, more=done == arrears.BATCH)


def _remit_to_buyers(night: Night) -> Batch:
    return Batch(sales.remit_all(night.tx, night.day, night.now), more=False)


def _total_the_book(night: Night) -> Batch:
    billing_store.take_book_total(night.tx, night.day, _SUBSTANDARD_AFTER_DAYS)
    return Batch(1, more=False)


def _review_exits(night: Night) -> Batch:
    after = UUID(night.cursor) if night.cursor else None
    done, last = exits.review(night.tx, night.ports.office, night.now, after)
    return Batch(done, more=last is not None, cursor=str(last) if last else None)


def _lift_restrictions(night: Night) -> Batch:
    return Batch(proposals.lift_ended(night.tx, night.ports.office, night.now), more=False)


def _score_lines(night: Night) -> Batch:
    after = UUID(night.cursor) if night.cursor else None
    done, last = nightly.score_page(night.tx, night.day, night.now, after)
    return Batch(done, more=last is not None, cursor=str(last) if last else None)


def _measure_shift(night: Night) -> Batch:
    done = nightly.measure_shift(night.tx, night.ports.office.tables, night.day, night.now)
    return Batch(done, more=False)


def _run_timers(night: Night) -> Batch:
    first = next_timer(night.tx, OWN)
    if first is None or first > night.now:
        return Batch(0, more=False)
    night.commit()
    done = 0
    for _ in range(_TIMERS_AT_ONCE):
        if not run_one(night.database, night.ports, night.now, OWN):
            break
        done += 1
    return Batch(done, more=done == _TIMERS_AT_ONCE)


def _sweep_notices(night: Night) -> Batch:
    swept, since = notices.sweep(night.tx, night.now), end_of_day(night.day - _DAY, night.timezone)
    return Batch(swept + note_late(night.tx, since, night.now), more=False)


def _seal(night: Night) -> Batch:
    """Refuse to seal books that do not agree; once a month everything is looked at.

    On other nights not the schedules of cases that ended before; ``exits.v_violation`` says why that will do.
    What was done before is committed first: sealing waits for whoever still books on the day.
    """
    night.commit()
    whole = night.day.day == 1
    if whole:
        offences = ledger.violations(night.tx) + billing.violations(night.tx)
    else:
        offences = violations_of_day(night.tx, night.day)
        offences += billing.violations(night.tx, night.day)
    offences += exits_store.violations(night.tx, None if whole else night.now - _DAY)
    if not ledger.is_balanced(ledger.trial_balance(night.tx)):
        offences.append("debits equal credits: the trial balance does not")
    if offences:
        raise InvariantError(night.day, offences)
    ledger.seal(night.tx, night.day, night.now)
    return Batch(1, more=False)


def _send_letters(night: Night) -> Batch:
    first = next_timer(night.tx, LETTERS)
    if first is None or first > night.now:
        return Batch(0, more=False)
    night.commit()
    done = 0
    with suppress(MailError):
        done = run_letters(night.database, night.ports, lambda _: night.now)
    return Batch(done, more=False)


def _take_borrowing_bases(night: Night) -> Batch:
    """After the seal: what funders lend against is what the books say."""
    return Batch(funding.run_night(night.tx, night.day, night.now), more=False)


def _judge_offers(night: Night) -> Batch:
    """What the trial of an offer says takes it off the page: it only delays, harms, or reaches the needy."""
    return Batch(insight.judge_offers(night.tx, night.day, night.timezone, night.now), more=False)


def _report_leaving(night: Night) -> Batch:
    """On a month's last day: how people left, and what should change."""
    if (night.day + timedelta(days=1)).day != 1:
        return Batch(0, more=False)
    tables = night.ports.office.tables
    told = insight.make_report(night.tx, tables, night.day, night.timezone, "system", night.now)
    return Batch(0 if isinstance(told, Refusal) else 1, more=False)


def _delete_documents(night: Night) -> Batch:
    """Papers whose time has run out."""
    return Batch(delete_expired(night.tx, night.now), more=False)


def _erase_expired(night: Night) -> Batch:
    """Who left so long ago that no law keeps anything of them, and how people walked through pages."""
    insight.forget(night.tx, night.now)
    done = privacy.erase_expired(night.tx, AT_THE_END, night.day, night.now)
    return Batch(done, more=done > 0)


def _snapshot(night: Night) -> Batch:
    """A refused snapshot holds up nothing: yesterday's is served, and the journal says why."""
    if night.ports.lake is None:
        return Batch(0, more=False)
    night.commit()
    taken = lake.export(night.database, night.ports.lake, night.day, night.now, night.timezone, night.now)
    return Batch(0 if isinstance(taken, Refusal) else 1, more=False)


# Only where a clock is stepped.
SEND_LETTERS: Final = Stage("send_letters", _send_letters)
STAGES: Final = (
    Stage("expire_holds", _expire_holds),
    Stage("issue_bills", _issue_bills),
    Stage("charge_late_fees", _charge_late_fees),
    Stage("watch_hardship", _watch_hardship),
    Stage("propose_charge_offs", _propose_charge_offs),
    Stage("tell_of_arrears", _tell_of_arrears),
    Stage("remit_to_buyers", _remit_to_buyers),
    Stage("total_the_book", _total_the_book),
    Stage("review_exits", _review_exits),
    Stage("lift_restrictions", _lift_restrictions),
    Stage("score_lines", _score_lines),
    Stage("measure_shift", _measure_shift),
    Stage("run_timers", _run_timers),
    Stage("sweep_notices", _sweep_notices),
    Stage("seal", _seal),
    SEND_LETTERS,
    Stage("snapshot", _snapshot),
    Stage("take_borrowing_bases", _take_borrowing_bases),
    Stage("judge_offers", _judge_offers),
    Stage("report_leaving", _report_leaving),
    Stage("delete_documents", _delete_documents),
    Stage("erase_expired", _erase_expired),
)
# What a sealed day may still lack when its night was cut off.
AFTER_SEAL: Final = STAGES[[stage.name for stage in STAGES].index("seal") + 1 :]


def every_violation(tx: Tx) -> list[str]:
    """All invariants over all rows: what ``whiteslip doctor`` and the tests ask."""
    return ledger.violations(tx) + billing.violations(tx) + exits_store.violations(tx) + verify_journal(tx)
