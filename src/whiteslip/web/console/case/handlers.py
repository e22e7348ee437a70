"""One case on one page: what is asked, what is owed, who it is, what it looks like, what to write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import billing, identity, notices
from whiteslip.base import Money, Rate, Refusal
from whiteslip.decisions import decisions_about
from whiteslip.exits import Exit, acts, behalf, desk, rules, steps
from whiteslip.exits import store as exits_store
from whiteslip.exits.behalf import How
from whiteslip.exits.choices import Proposal
from whiteslip.exits.model import TAKES_TWO, Ground, Indicator, Path, State
from whiteslip.exits.work import Work
from whiteslip.identity import Person
from whiteslip.lines import Line
from whiteslip.notices import Addressee
from whiteslip.notices.acts import proofs
from whiteslip.store.database import journal_of
from whiteslip.web.console.case.papers import papers_of
from whiteslip.web.console.duty import HOME, Duty, on_duty, submitted
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import granted

PAGE: Final = "console/case/page.html"
PURPOSE: Final = "review of an exit"
REASONS: Final = ("papers_checked", "called_back", "nothing_unusual", "order_received", "proof_missing")
TOLD: Final = frozenset({"exit", "line", "payment", "debt", "credit", "dispute", "hardship"})
_EVENTS: Final = 12
# How long a case may be put aside, in minutes; never beyond its deadline.
SNOOZES: Final = (30, 120, 480, 1440)


class Choice(msgspec.Struct):
    """The form at the foot of a case."""

    path: Path
    reason: str = ""
    ground: Ground | None = None


class Aside(msgspec.Struct):
    """For how many minutes a case is put aside."""

    minutes: int


def _phone_ends(duty: Duty, case: Exit) -> str | None:
    """The last two digits of the phone: as much as the desk sees without asking for more."""
    found = identity.peek(duty.tx, duty.ports.vault, case.customer)
    return None if isinstance(found, Refusal) else found.phone_ends


def _shown(value: Indicator, line: Line) -> Money | Rate | int | None:
    """A figure in its unit, for a page to say."""
    if value.value is None:
        return None
    match value.unit:
        case "minor":
            return line.money(value.value)
        case "percent":
            return Rate(value.value * 100)
        case "bps":
            return Rate(value.value)
        case _:
            return value.value


def _assessment(duty: Duty, case: Exit, line: Line) -> dict[str, Any] | None:
    kept = exits_store.assessment(duty.tx, case.id)
    if kept is None:
        return None
    parts = [
        (name, [(each, _shown(each, line)) for each in getattr(kept.parts, name)])
        for name in ("solvency", "payment_record", "behaviour", "exposure", "portfolio")
    ]
    made = [d for d in decisions_about(duty.tx, case.id) if d.id == kept.decision]
    return {"kept": kept, "parts": parts, "decision": made[0] if made else None}


def _page(duty: Duty, case: Exit, form: Form, person: Person | None = None, **shown: Any) -> Response[str]:
    tx, line = duty.tx, duty.line(case.line)
    work = Work.on(tx, duty.ports.office, line, duty.now)
    claim, proposal = exits_store.claim_of(tx, case.id, duty.now), exits_store.proposal(tx, case.id)
    pending, choices = exits_store.pending(tx, case.id), exits_store.choices(tx, case.id)
    may_choose = duty.may_choose and (claim is None or claim.actor == duty.actor) and pending is None
    blind = case.waits_for_desk and rules.is_blind(case.id, work.clocks.blind_sample_bps)
    paths = _paths(work, case, proposal)
    return page(
        duty.request,
        PAGE,
        form=form,
        case=case,
        line=line,
        beside=_beside(duty, case),
        debt=billing.debt(tx, line.id, line.today(duty.now)),
        quote=billing.payoff(tx, line, line.today(duty.now)),
        phone_ends=_phone_ends(duty, case),
        contact_changed_at=identity.contact_changed_at(tx, case.customer),
        assessed=_assessment(duty, case, line),
        blind=blind and not choices and pending is None,
        events=_events(duty, case),
        letters=_letters(work, case, paths, proposal),
        letter_later=steps.settles_first(work, case),
        sent=_sent(duty, case),
        choices=choices,
        previewed={choice["letter_sha256"] for choice in choices},
        pending=pending,
        paths=paths if may_choose else [],
        taken_until=None if claim is None or claim.actor == duty.actor else claim.until,
        snoozed_until=exits_store.snoozed_until(tx, case.id, duty.now),
        snoozes=[m for m in SNOOZES if case.due_at and duty.now + timedelta(minutes=m) < case.due_at],
        proposal=proposal,
        may_decide=duty.may_choose and proposal is not None and proposal.proposed_by != duty.actor,
        reasons=REASONS,
        ways=list(How) if behalf.waits(case) and duty.may_choose else [],
        **papers_of(duty, case),
        person=person,
        **shown,
        **duty.shown(),
    )


def _beside(duty: Duty, case: Exit) -> Exit | None:
    """The lender's notice beside an open case, or the open case beside such a notice."""
    if case.state is State.NOTICE:
        return exits_store.open_of_line(duty.tx, case.line)
    return exits_store.notice_of_line(duty.tx, case.line) if case.is_open else None


def _paths(work: Work, case: Exit, proposal: Proposal | None) -> list[Path]:
    """What may be chosen; while something is proposed nothing else is proposed."""
    if not case.waits_for_desk:
        return []
    possible = [path for path in Path if acts.can_choose(work, case, path)]
    return [path for path in possible if proposal is None or path not in TAKES_TWO]


def _letters(
    work: Work, case: Exit, paths: list[Path], proposal: Proposal | None
) -> list[tuple[Path, str, str]]:
    """What each way would send: the path, the letter without the name, its hash. The likeliest first."""
    ways: list[tuple[Path, Ground | None]] = [(path, None) for path in paths if path not in TAKES_TWO]
    if proposal:
        ways.insert(0, (proposal.path, proposal.ground))
    read = [(path, desk.read_letter(work, case, path, ground)) for path, ground in ways]
    return [(path, *letter) for path, letter in read if letter]


def _sent(duty: Duty, case: Exit) -> list[tuple[Any, str | None, Any]]:
    """Letters sent, the oldest first: each with the hash of its text and when, once it has gone out."""
    found = notices.of_subject(duty.tx, case.id)
    proven = proofs(duty.tx, [notice.id for notice in found])
    last = {proof["notice"]: proof for proof in proven}
    return [
        (notice, last[notice.id]["text_sha256"], last[notice.id]["at"])
        if notice.id in last
        else (notice, None, None)
        for notice in found
    ]


def _events(duty: Duty, case: Exit) -> list[tuple[Any, str, str]]:
    """What happened, the newest first: when, what, by whom."""
    rows = journal_of(duty.tx, [case.id, case.line])
    told = [row for row in rows if row["kind"].split(".")[0] in TOLD]
    return [(row["at"], row["kind"], row["actor"].split(":")[0]) for row in reversed(told)][:_EVENTS]


@get("/cases/{reference:str}", sync_to_thread=True)
def show(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """The case."""
    return on_duty(request, lambda duty: _page(duty, duty.case(reference), Form()))


@post("/cases/{reference:str}", sync_to_thread=True)
def choose(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Choose how the customer leaves, and go on to the next case. Half a minute is left to undo it."""

    def act(duty: Duty, case: Exit) -> object:
        typed = form.read(Choice)
        if isinstance(typed, Errors):
            return typed
        missing = Errors()
        # Two keys let a customer go; who keeps or rejects one says why.
        if typed.reason not in REASONS and (typed.reason or typed.path in TAKES_TWO):
            missing.add("reason", "missing")
        if typed.path is Path.HOLD and typed.ground is None:
            missing.add("ground", "missing")
        if missing:
            return missing
        done = desk.choose(
            duty.tx,
            duty.ports.office,
            case.id,
            typed.path,
            [typed.reason] if typed.reason else [],
            duty.actor,
            duty.now,
            typed.ground,
            form.value(f"letter_{typed.path}") or None,
        )
        return done if isinstance(done, Refusal) else _onwards(duty, case)

    return _submitted(request, reference, form, act)


def _submitted(
    request: WebRequest, reference: str, form: Form, act: Callable[[Duty, Exit], object]
) -> Response[Any]:
    return submitted(
        request, form, lambda duty: duty.case(reference), act, _page, f"{HOME}/cases/{reference}"
    )


def _onwards(duty: Duty, done: Exit) -> Response[Any]:
    """To the next case, taken; to the queue when there is none."""
    following = desk.take_next(duty.tx, duty.actor, duty.now, [done.id])
    to = f"{HOME}/cases/{following.reference}" if following else f"{HOME}?done={done.reference}"
    return see_other(duty.request, to)


@post("/cases/{reference:str}/undo", sync_to_thread=True)
def undo(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """Take one's own choice back, within half a minute."""

    def act(duty: Duty) -> Response[Any]:
        granted(desk.undo(duty.tx, duty.case(reference).id, duty.actor, duty.now))
        return see_other(request, f"{HOME}/cases/{reference}")

    return on_duty(request, act, chooses=True)


@post("/cases/{reference:str}/snooze", sync_to_thread=True)
def snooze(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Put the case aside for a while, and go on to the next."""

    def act(duty: Duty, case: Exit) -> object:
        typed = form.read(Aside)
        if isinstance(typed, Errors):
            return typed
        until = duty.now + timedelta(minutes=max(1, min(typed.minutes, SNOOZES[-1])))
        done = desk.snooze(duty.tx, case.id, until, duty.actor, duty.now)
        return done if isinstance(done, Refusal) else _onwards(duty, case)

    return _submitted(request, reference, form, act)


@post("/cases/{reference:str}/proposal", sync_to_thread=True)
def decide(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """The second person approves what is proposed or turns it down; the first is refused."""

    def act(duty: Duty) -> Response[Any]:
        case, approve = duty.case(reference), form.value("decision") == "approve"
        letter = form.value("letter") or None
        granted(
            desk.decide(
                duty.tx,
                duty.ports.office,
                case.id,
                approve,
                duty.actor,
                duty.now,
                letter if approve else None,
            )
        )
        return _onwards(duty, case) if approve else see_other(request, f"{HOME}/cases/{reference}")

    return on_duty(request, act, chooses=True)


@post("/cases/{reference:str}/identify", sync_to_thread=True)
def identify(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """How the desk made sure who asked on the phone or on paper; or that it could not."""

    def act(duty: Duty, case: Exit) -> object:
        how, found = form.value("how"), form.value("answer") == "holder"
        if found and how not in set(How):
            return Errors().add("how", "missing")
        office, way = duty.ports.office, How(how) if found else None
        return behalf.identify(duty.tx, office, case.id, way, duty.actor, duty.now)

    return _submitted(request, reference, form, act)


@post("/cases/{reference:str}/reveal", sync_to_thread=True)
def reveal(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """Show who it is. Who looked, and why, goes into the journal."""

    def act(duty: Duty) -> Response[Any]:
        case = duty.case(reference)
        found = identity.reveal(duty.tx, duty.ports.vault, case.customer, PURPOSE, duty.actor, duty.now)
        if isinstance(found, Refusal):
            return _page(duty, case, Form(), refusal=found)
        return _page(duty, case, Form(), person=found)

    return on_duty(request, act, chooses=True)


@get("/letters/{letter_id:uuid}", sync_to_thread=True)
def letter_pdf(request: WebRequest, letter_id: FromPath[UUID]) -> Response[Any]:
    """A letter as it was sent, to the byte; the name in it makes this a look at a person."""

    def act(duty: Duty) -> Response[Any]:
        notice = granted(notices.get(duty.tx, letter_id))
        found = granted(
            identity.reveal(duty.tx, duty.ports.vault, notice.recipient, PURPOSE, duty.actor, duty.now)
        )
        made = granted(
            notices.letter(duty.tx, letter_id, Addressee(found.full_name, found.email, found.phone))
        )
        return Response(made, media_type="application/pdf")

    return on_duty(request, act, chooses=True, noted=True)


case_handlers: Final = [show, choose, undo, snooze, decide, identify, reveal, letter_pdf]
