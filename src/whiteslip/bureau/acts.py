"""Tell a bureau of a month, tell of events, and answer who objects. None commits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from whiteslip import lines, notices, packs
from whiteslip.base import Refusal, end_of_day, local_day, new_id
from whiteslip.base.ids import public
from whiteslip.bureau import cn, metro2, names, rules, store
from whiteslip.bureau.model import (
    Account,
    Consumer,
    Facts,
    Ground,
    Objection,
    Outcome,
    Previous,
    Report,
    Reporter,
    Subject,
)
from whiteslip.identity import Person
from whiteslip.lines import Line
from whiteslip.lines.letters import to_customer
from whiteslip.packs import Pack
from whiteslip.store import Entry, Tx
from whiteslip.store.timers import cancel_timer, set_timer

METRO2_PACK: Final = "us"
AGREEMENT_PACK: Final = "cn"
_VERSION: Final = "1"
_PAGE: Final = 200

PersonOf = Callable[[UUID], Person | Refusal]
Write = Callable[[str], object]


@dataclass(slots=True)
class _Work:
    """One file being made in one transaction."""

    tx: Tx
    reporter: Reporter
    person_of: PersonOf
    write: Write
    submission: UUID
    as_of: date
    at: datetime
    totals: metro2.Totals = field(default_factory=metro2.Totals)
    first_time: int = 0
    corrections: int = 0
    left_out: list[tuple[UUID, str]] = field(default_factory=list[tuple[UUID, str]])

    def tell(self, facts: Facts, previous: Previous | None) -> store.Told | None:
        """Write the record of a line, where it belongs into the file and its person can be named."""
        account = rules.account(facts, self.as_of, previous)
        if rules.outlived(account, packs.load(METRO2_PACK).years("bureau.negative_years")):
            # Taken back once, where it was told before, and never told again.
            account = replace(account, status=rules.DELETED)
        if not rules.is_told(account, previous):
            return None
        person = self.person_of(facts.customer)
        named = person if isinstance(person, Refusal) else names.consumer(person)
        if isinstance(named, Refusal):
            self.left_out.append((facts.line, named.code))
            return None
        about = metro2.about_account(facts.line, self.reporter.member, account, self.at)
        self.write(about + metro2.about_person(named, account.ecoa) + metro2.LINE_END)
        self._count(account, named, previous)
        return facts.line, account, hashlib.sha256(about.encode("ascii")).digest()

    def _count(self, account: Account, person: Consumer, previous: Previous | None) -> None:
        self.totals.count(account, person)
        self.first_time += previous is None
        self.corrections += account.is_correction

    def report(self, month: date) -> Report:
        """What the file holds."""
        return Report(
            submission=self.submission,
            month=month,
            as_of=self.as_of,
            records=self.totals.records,
            first_time=self.first_time,
            paid_and_closed=self.totals.statuses[rules.PAID_AND_CLOSED],
            corrections=self.corrections,
            deletions=self.totals.statuses[rules.DELETED],
            left_out=tuple(self.left_out),
        )


def report_month(
    tx: Tx,
    month: date,
    reporter: Reporter,
    person_of: PersonOf,
    write: Write,
    actor: str,
    now: datetime,
) -> Report | Refusal:
    """Write the Metro 2 file of a month, line by line through ``write``, and keep what it says.

    ``month`` is any day of it. A month that is over is told of as of its last day, the running one
    as of today. Making the file again tells the same, with what has become known since. People are
    asked of ``person_of`` when their record is written and are kept nowhere. Lines whose person is
    unknown or has no name in ASCII are left out and listed.

    Refusals: ``bureau.month_not_begun``, ``bureau.reporter_not_latin``.
    """
    pack = packs.load(METRO2_PACK)
    today = local_day(now, pack.timezone)
    month = month.replace(day=1)
    if month > today:
        return Refusal("bureau.month_not_begun", {"month": f"{month:%Y-%m}"})
    if not names.ascii_capitals(reporter.name) or names.ascii_capitals(reporter.address) is None:
        return Refusal("bureau.reporter_not_latin")
    as_of = min(rules.month_end(month), today)
    at = now.astimezone(ZoneInfo(pack.timezone))
    submission = store.add_submission(tx, month, as_of, actor, now)
    work = _Work(tx, reporter, person_of, write, submission, as_of, at)
    write(metro2.header(reporter, as_of, at, _VERSION) + metro2.LINE_END)
    after: UUID | None = None
    while found := store.page(tx, pack.name, pack.currency, pack.timezone, as_of, after, _PAGE):
        told = [work.tell(facts, previous) for facts, previous in found]
        store.add_records(tx, submission, [each for each in told if each])
        after = found[-1][0].line
    write(metro2.trailer(work.totals) + metro2.LINE_END)
    report = work.report(month)
    data = {"month": f"{month:%Y-%m}", "records": report.records, "left_out": len(report.left_out)}
    tx.record(Entry(now, "bureau.reported", "submission", submission, actor, data))
    return report


def events_due(tx: Tx, since: date, actor: str, now: datetime) -> list[cn.Event]:
    """What is told of Chinese agreements since a day: that they ended, that an end was called off, what is
    known otherwise of an end that was told, and objections that are marked and answered.

    An event is kept when it is told for the first time and comes out the same ever after.
    """
    pack = packs.load(AGREEMENT_PACK)
    days = pack.days("exit.bureau_days")
    _tell_new(tx, _ends(tx, since, days, now), actor, now)
    today = local_day(now, pack.timezone)
    _tell_new(tx, [*_corrections(tx, today, days), *_objections(tx, pack, since, days)], actor, now)
    return store.told_since(tx, AGREEMENT_PACK, since)


def _tell_new(tx: Tx, new: list[store.NewEvent], actor: str, now: datetime) -> None:
    store.add_events(tx, new, now)
    for each in new:
        of = "objection" if isinstance(each.event, cn.ObjectionEvent) else "exit"
        data = {"event": each.event.event, of: each.source}
        tx.record(Entry(now, "bureau.reported", "line", each.line, actor, data))


def _ends(tx: Tx, since: date, days: int, now: datetime) -> list[store.NewEvent]:
    return [
        store.NewEvent(each.line, each.exit, cn.told(each, days), each.happened_on)
        for each in store.to_tell(tx, AGREEMENT_PACK, since, now)
    ]


def _corrections(tx: Tx, today: date, days: int) -> list[store.NewEvent]:
    found: list[store.NewEvent] = []
    for happened, no, said in store.closings_to_follow(tx):
        corrected = cn.correction(said, happened, today, days)
        if corrected:
            found.append(store.NewEvent(happened.line, happened.exit, corrected, today, no + 1))
    return found


def _objections(tx: Tx, pack: Pack, since: date, days: int) -> list[store.NewEvent]:
    found: list[store.NewEvent] = []
    for each, currency, is_marked, is_answered in store.objections_to_tell(tx, pack.name, since):
        if not is_marked:
            found.append(store.NewEvent(each.line, each.id, cn.marked(each, days), each.opened_on))
        on = each.resolved_on
        if on and not is_answered:
            rows = store.page(tx, pack.name, currency, pack.timezone, on, None, 1, only=each.line)
            facts = rows[0][0] if rows else None
            found.append(store.NewEvent(each.line, each.id, cn.answered(each, on, facts, days), on))
    return found


def object_to(
    tx: Tx,
    issuer_name: str,
    line_id: UUID,
    subject: Subject,
    actor: str,
    now: datetime,
    ground: Ground = Ground.RECORD,
    disputed_minor: int | None = None,
    month: date | None = None,
) -> Objection | Refusal:
    """Somebody says that a report of a line is wrong. Every file says so until it is answered.

    The clock is the pack's ``bureau.objection_days``, or ``dispute.resolve_days`` for a billing
    error, whose sum is not late meanwhile. Nobody's answer in time is a correction. The customer is
    written to, and again when it is answered.

    Refusals: ``line.not_found``, ``bureau.objection_open``, ``bureau.amount_missing`` (a billing
    error needs its sum, and nothing else has one).
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    if (ground is Ground.BILLING_ERROR) != ((disputed_minor or 0) > 0):
        return Refusal("bureau.amount_missing")
    pack = packs.load(line.pack)
    days = pack.days("bureau.objection_days" if ground is Ground.RECORD else "dispute.resolve_days")
    today = line.today(now)
    objection = Objection(
        id=new_id(now),
        line=line.id,
        field=subject,
        ground=ground,
        month=month.replace(day=1) if month else None,
        disputed_minor=disputed_minor,
        opened_at=now,
        opened_on=today,
        due_at=end_of_day(today + timedelta(days=days), line.timezone),
    )
    if not store.add_objection(tx, objection):
        return Refusal("bureau.objection_open", {"field": subject})
    set_timer(tx, "bureau.objection_due", objection.id, objection.due_at, now)
    data = {"objection": objection.id, "field": subject, "ground": ground, "due_at": objection.due_at}
    tx.record(Entry(now, "bureau.objection_opened", "line", line.id, actor, data))
    facts = {"opened_at": now, "part": subject, "answer_by": objection.due_at}
    _tell(tx, line, issuer_name, "bureau.objection_received", objection, facts)
    return objection


def resolve(
    tx: Tx, issuer_name: str, objection_id: UUID, outcome: Outcome, actor: str, now: datetime
) -> Objection | Refusal:
    """Answer an objection: ``CORRECTED`` makes the next file a correction, ``STAYS`` says that it
    was looked into and the consumer disagrees.

    What was wrong in the books is put right there; lateness that is conceded here is told no more.
    Refusals: ``bureau.objection_not_found``, ``bureau.objection_not_open``.
    """
    objection = store.lock_objection(tx, objection_id)
    if objection is None:
        return Refusal("bureau.objection_not_found")
    if not objection.is_open:
        return Refusal("bureau.objection_not_open")
    cancel_timer(tx, "bureau.objection_due", objection.id, now)
    return _resolved(tx, issuer_name, objection, outcome, "answered", actor, now)


def unanswered(tx: Tx, issuer_name: str, objection_id: UUID, now: datetime) -> None:
    """The deadline of an objection: what nobody has defended in time is corrected."""
    objection = store.lock_objection(tx, objection_id)
    if objection and objection.is_open and now >= objection.due_at:
        _resolved(tx, issuer_name, objection, Outcome.CORRECTED, "not_answered_in_time", "system", now)


def _resolved(
    tx: Tx, issuer_name: str, objection: Objection, outcome: Outcome, why: str, actor: str, now: datetime
) -> Objection:
    line = lines.get_line(tx, objection.line)
    if isinstance(line, Refusal):
        raise LookupError(f"line {objection.line} vanished")
    done = replace(objection, outcome=outcome, resolved_at=now, resolved_on=line.today(now))
    store.save_outcome(tx, done)
    data = {"objection": done.id, "field": done.field, "outcome": outcome, "why": why}
    tx.record(Entry(now, "bureau.objection_resolved", "line", line.id, actor, data))
    facts = {"opened_at": done.opened_at, "part": done.field, "outcome": outcome, "why": why}
    _tell(tx, line, issuer_name, "bureau.objection_answered", done, facts)
    return done


def _tell(
    tx: Tx, line: Line, issuer_name: str, kind: str, objection: Objection, facts: Mapping[str, object]
) -> None:
    """Write to the customer, whether the line is open or long closed."""
    common = {"reference": public("objection", objection.id), "pack": line.pack}
    about, once = ("line", line.id), str(objection.id)
    letter = to_customer(tx, line.customer, line, issuer_name, kind, about, {**common, **facts}, once)
    notices.queue(tx, [letter], objection.resolved_at or objection.opened_at)


def deem_never_made(tx: Tx, line_id: UUID, actor: str, now: datetime) -> Refusal | None:
    """The customer withdrew in time and the law deems the agreement never made: no file tells of
    it, and what was told is deleted. Doing it again changes nothing.

    The time is the line's ``withdrawable_until``. Refusals: ``line.not_found``,
    ``bureau.withdrawal_late``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    if line.today(now) > line.withdrawable_until:
        return Refusal("bureau.withdrawal_late", {"days": (line.withdrawable_until - line.opened_on).days})
    if store.add_never_made(tx, line.id, actor, now):
        tx.record(Entry(now, "bureau.withdrawn", "line", line.id, actor))
    return None


def untold(tx: Tx, now: datetime) -> list[str]:
    """Charge-offs whose first delinquency no file told within the pack's days, in words (Fair Credit
    Reporting Act section 623(a)(5)); none where no file was ever made.
    """
    pack = packs.load(METRO2_PACK)
    before = local_day(now, pack.timezone) - timedelta(days=pack.days("bureau.delinquency_date_days"))
    return [f"a first delinquency is told in time: {line}" for line in store.untold(tx, pack.name, before)]
