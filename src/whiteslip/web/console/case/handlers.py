"""One case on one page: what is asked, what is owed, who it is, what it looks like, what to write."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import billing, identity, lines, notices
from whiteslip.base import Money, Rate, Refusal
from whiteslip.decisions import decisions_about
from whiteslip.exits import Exit, desk, rules, steps
from whiteslip.exits import store as exits_store
from whiteslip.exits.acts import clocks_of
from whiteslip.exits.letters import next_letter
from whiteslip.exits.model import Facts, Ground, Indicator, Path, Proposal
from whiteslip.lines import Line
from whiteslip.notices import Addressee
from whiteslip.notices.acts import preview, proofs
from whiteslip.store.database import journal_of
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import Refused

PAGE: Final = "console/case/page.html"
PURPOSE: Final = "review of an exit"
REASONS: Final = ("papers_checked", "called_back", "nothing_unusual", "order_received", "proof_missing")
_TOLD: Final = frozenset({"exit", "line", "payment", "debt", "credit"})
_EVENTS: Final = 12
_NOBODY: Final = Addressee("……", "", "")


class Choice(msgspec.Struct):
    """The form at the foot of a case."""

    path: Path
    reason: str = REASONS[2]
    ground: Ground | None = None


def _line(duty: Duty, case: Exit) -> Line:
    found = lines.get_line(duty.tx, case.line)
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


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


def _page(duty: Duty, reference: str, form: Form, **shown: Any) -> Response[str]:
    tx, case = duty.tx, duty.case(reference)
    line = _line(duty, case)
    today = line.today(duty.now)
    claim, proposal = exits_store.claim_of(tx, case.id, duty.now), exits_store.proposal(tx, case.id)
    may_choose = duty.may_choose and (claim is None or claim.actor == duty.actor)
    facts: Facts = steps.facts_of(steps.Work.on(tx, duty.ports.office, line, duty.now))
    plan, issuer = steps.plan_of(tx, line, duty.now), duty.ports.office.issuer_name
    letter = next_letter(tx, case, line, plan, clocks_of(line), issuer, duty.now)
    sent = notices.of_subject(tx, case.id)
    return page(
        duty.request,
        PAGE,
        form=form,
        case=case,
        line=line,
        debt=billing.debt(tx, line.id, today),
        quote=billing.payoff(tx, line, today),
        phone_ends=_phone_ends(duty, case),
        contact_changed_at=identity.contact_changed_at(tx, case.customer),
        assessed=_assessment(duty, case, line),
        events=_events(duty, case),
        letter=preview(letter, _NOBODY, duty.now)[0] if letter else None,
        sent=[(notice, proofs(tx, notice.id)) for notice in sent],
        choices=exits_store.choices(tx, case.id),
        paths=[path for path in _open_paths(proposal) if may_choose and rules.can_choose(case, path, facts)],
        taken_until=None if claim is None or claim.actor == duty.actor else claim.until,
        proposal=proposal,
        may_decide=duty.may_choose and proposal is not None and proposal.proposed_by != duty.actor,
        reasons=REASONS,
        **shown,
        **duty.shown(),
    )


def _open_paths(proposal: Proposal | None) -> list[Path]:
    """What may be chosen; while a hold is proposed it is not proposed again."""
    return [path for path in Path if proposal is None or path is not Path.HOLD]


def _events(duty: Duty, case: Exit) -> list[tuple[Any, str, str]]:
    """What happened, the newest first: when, what, by whom."""
    rows = journal_of(duty.tx, [case.id, case.line])
    told = [row for row in rows if row["kind"].split(".")[0] in _TOLD]
    return [(row["at"], row["kind"], row["actor"].split(":")[0]) for row in reversed(told)][:_EVENTS]


@get("/cases/{reference:str}", sync_to_thread=True)
def show(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """The case."""
    return on_duty(request, lambda duty: _page(duty, reference, Form(), person=None))


@post("/cases/{reference:str}", sync_to_thread=True)
def choose(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Choose how the customer leaves, and go on to the next case."""

    def act(duty: Duty) -> Response[Any]:
        typed = form.read(Choice)
        if isinstance(typed, Errors):
            return _page(duty, reference, form, person=None, errors=typed)
        if typed.path is Path.HOLD and typed.ground is None:
            errors = Errors().add("ground", "missing")
            return _page(duty, reference, form, person=None, errors=errors)
        case, office, reasons = duty.case(reference), duty.ports.office, [typed.reason]
        if typed.path is Path.HOLD and typed.ground:
            done = desk.propose_hold(duty.tx, office, case.id, typed.ground, reasons, duty.actor, duty.now)
        else:
            done = desk.choose(duty.tx, office, case.id, typed.path, reasons, duty.actor, duty.now)
        if isinstance(done, Refusal):
            return _page(duty, reference, form, person=None, refusal=done)
        return _onwards(duty, case)

    return on_duty(request, act, chooses=True)


def _onwards(duty: Duty, done: Exit) -> Response[Any]:
    """To the next case, taken; to the queue when there is none."""
    following = desk.take_next(duty.tx, duty.actor, duty.now, [done.id])
    to = f"{HOME}/cases/{following.reference}" if following else f"{HOME}?done={done.reference}"
    return see_other(duty.request, to)


@post("/cases/{reference:str}/hold", sync_to_thread=True)
def decide_hold(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """The second person approves a proposed hold or turns it down; the first is refused."""

    def act(duty: Duty) -> Response[Any]:
        case, approve = duty.case(reference), form.value("decision") == "approve"
        done = desk.decide_hold(duty.tx, duty.ports.office, case.id, approve, duty.actor, duty.now)
        if isinstance(done, Refusal):
            raise Refused(done)
        return _onwards(duty, case) if approve else see_other(request, f"{HOME}/cases/{reference}")

    return on_duty(request, act, chooses=True)


@post("/cases/{reference:str}/reveal", sync_to_thread=True)
def reveal(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """Show who it is. Who looked, and why, goes into the journal."""

    def act(duty: Duty) -> Response[Any]:
        case = duty.case(reference)
        found = identity.reveal(duty.tx, duty.ports.vault, case.customer, PURPOSE, duty.actor, duty.now)
        if isinstance(found, Refusal):
            return _page(duty, reference, Form(), person=None, refusal=found)
        return _page(duty, reference, Form(), person=found)

    return on_duty(request, act, chooses=True)


@get("/letters/{letter_id:uuid}", sync_to_thread=True)
def letter_pdf(request: WebRequest, letter_id: FromPath[UUID]) -> Response[Any]:
    """A letter as it was sent, to the byte; the name in it makes this a look at a person."""

    def act(duty: Duty) -> Response[Any]:
        notice = notices.get(duty.tx, letter_id)
        if isinstance(notice, Refusal):
            raise Refused(notice)
        found = identity.reveal(duty.tx, duty.ports.vault, notice.recipient, PURPOSE, duty.actor, duty.now)
        if isinstance(found, Refusal):
            raise Refused(found)
        made = notices.letter(duty.tx, letter_id, Addressee(found.full_name, found.email, found.phone))
        if isinstance(made, Refusal):
            raise Refused(made)
        return Response(made, media_type="application/pdf")

    return on_duty(request, act, chooses=True)


case_handlers: Final = [show, choose, decide_hold, reveal, letter_pdf]
