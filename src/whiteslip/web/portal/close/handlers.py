"""Leave without signing in: name, phone and ID number stop the line, a code confirms.

Whether anybody matched cannot be told from answers, limits or time, and the browser carries the
same sealed claim.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.background_tasks import BackgroundTask

from whiteslip import exits, insight, lines
from whiteslip.base import Refusal, end_of_day, local_day
from whiteslip.exits import Exit
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity, State
from whiteslip.exits.model import Kind as ExitKind
from whiteslip.identity import access
from whiteslip.identity.model import Kind
from whiteslip.identity.rules import normal_id_number, normal_name, normal_phone
from whiteslip.insight import Journey, Step
from whiteslip.lines import Customer
from whiteslip.lines.model import Lifecycle
from whiteslip.packs import Pack
from whiteslip.store import Tx
from whiteslip.store.timers import present
from whiteslip.web.kit import proof
from whiteslip.web.kit.cookies import WebRequest, ports_of, session_cookie, settings_of
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.limits import COUNTED
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted
from whiteslip.web.portal.outside import Claim, ask, check, claim_of, delivery, forget, keep, match, stand_in
from whiteslip.web.portal.visit import HOME, SESSION_MINUTES, codes_go_by_mail, known

# Stopping a line takes longer than finding nobody; every answer takes at least this long.
_LEAST_SECONDS: Final = 0.3


class Who(msgspec.Struct):
    """The first page's form."""

    phone: str
    full_name: str
    id_number: str


class Code(msgspec.Struct):
    """The second page's form."""

    code: str


@get("/close", sync_to_thread=True)
def begin(request: WebRequest) -> Response[Any]:
    """Ask who it is; who is signed in goes to the line itself."""
    ports = ports_of(request, Ports)
    with ports.database.reading() as tx:
        visit = known(request, ports, tx, present(tx))
        if visit:
            found = _open_lines(tx, visit.customer.id)
            return see_other(request, f"/lines/{found[0]}/leave" if len(found) == 1 else HOME)
    return page(request, "portal/close/page.html", form=Form())


def _open_lines(tx: Tx, customer: UUID) -> list[UUID]:
    return [line.id for line in lines.lines_of(tx, customer) if line.lifecycle is not Lifecycle.CLOSED]


@post("/close", sync_to_thread=True, opt=COUNTED)
def stop(request: WebRequest, form: FromForm) -> Response[Any]:
    """Stop the lines of whoever matches, and send a code."""
    began = time.monotonic()
    ports, settings = ports_of(request, Ports), settings_of(request)
    who = form.read(Who)
    if isinstance(who, Errors):
        return page(request, "portal/close/page.html", form=form, errors=who)
    phone = normal_phone(who.phone, ports.vault.region)
    if phone is None:
        return page(request, "portal/close/page.html", form=form, errors=Errors().add("phone", "invalid"))
    with ports.database.transaction() as tx:
        now = present(tx)
        subject = _match(tx, ports, phone, who)
        nobody = stand_in(settings, phone, normal_name(who.full_name), normal_id_number(who.id_number))
        claim = Claim(proof.PURPOSE, subject or nobody, now)
        # The code first, then the lines: who confirms locks in this order as well.
        code = ask(tx, ports, claim, now)
        if subject:
            _stop_all(tx, ports, subject, now)
        _see(tx, ports, claim, Step.CODE, now)
    answer = see_other(request, "/close/code", keep(settings, claim))
    answer.background = delivery(ports, claim.subject, code, now)
    time.sleep(max(0.0, _LEAST_SECONDS - (time.monotonic() - began)))
    return answer


def _see(tx: Tx, ports: Ports, claim: Claim, step: Step, now: datetime) -> None:
    """Note a step, for whoever it is, known or not."""
    insight.see(tx, Journey.OUTSIDE, step, f"{claim.subject}:{claim.asked_at}", ports.pack.name, now)


def _match(tx: Tx, ports: Ports, phone: str, who: Who) -> UUID | None:
    """The one person who has this phone, ID number and name, and a line to stop."""
    found = match(tx, ports, phone, who.full_name, who.id_number)
    right = [subject for subject in found if _open_lines(tx, subject)]
    return right[0] if len(right) == 1 else None


def _stop_all(tx: Tx, ports: Ports, subject: UUID, now: datetime) -> None:
    for line in _open_lines(tx, subject):
        granted(exits.request(tx, ports.office, line, Channel.FORM, "form", now, Identity.PENDING))


@get("/close/code", sync_to_thread=True)
def ask_code(request: WebRequest) -> Response[Any]:
    """Ask for the code. Purchases are stopped already, if they are to be."""
    ports = ports_of(request, Ports)
    with ports.database.reading() as tx:
        claim = claim_of(request, present(tx), proof.PURPOSE)
    return _code(request, ports, claim, Form()) if claim else see_other(request, "/close")


def _code(request: WebRequest, ports: Ports, claim: Claim, form: Form, **shown: Any) -> Response[str]:
    shown.setdefault("again", False)
    return page(
        request,
        "portal/close/code.html",
        form=form,
        asked_at=claim.asked_at,
        minutes=ports.pack.minutes("identity.code_minutes"),
        days=ports.pack.days("exit.step_up_days"),
        by_mail=codes_go_by_mail(ports),
        **shown,
    )


@post("/close/code", sync_to_thread=True, opt=COUNTED)
def check_code(request: WebRequest, form: FromForm) -> Response[Any]:
    """Confirm the closing by the code, or send another one."""
    ports = ports_of(request, Ports)
    with ports.database.transaction() as tx:
        now = present(tx)
        claim = claim_of(request, now, proof.PURPOSE)
        if claim is None:
            return see_other(request, "/close")
        if form.value("do") == "send" and not form.switching:
            code = ask(tx, ports, claim, now)
            refusal = code if isinstance(code, Refusal) else None
            shown = _code(request, ports, claim, form, again=refusal is None, refusal=refusal)
            shown.background = delivery(ports, claim.subject, code, now)
            return shown
        typed = form.read(Code)
        if isinstance(typed, Errors):
            return _code(request, ports, claim, form, errors=typed)
        customer = check(tx, ports, claim, typed.code, now)
        if isinstance(customer, Refusal):
            # Afterwards, and whoever it is: a person takes longer to call than nobody.
            shown = _code(request, ports, claim, form, refusal=customer)
            shown.background = BackgroundTask(_hold, ports, claim.subject, now)
            return shown
        _see(tx, ports, claim, Step.DONE, now)
        return _confirm(request, tx, ports, customer, now)


def _hold(ports: Ports, subject: UUID, now: datetime) -> None:
    """After too many wrong codes a person looks at it."""
    with ports.database.transaction() as tx:
        proof.hold_if_exhausted(tx, ports, subject, now)


def _waiting(tx: Tx, customer: UUID) -> list[Exit]:
    """Cases of somebody that wait for a proof of who asked."""
    found = [exits_store.open_of_line(tx, line) for line in _open_lines(tx, customer)]
    return [case for case in found if case and (case.kind, case.state) == (ExitKind.CLOSE, State.STOPPED)]


def _confirm(request: WebRequest, tx: Tx, ports: Ports, customer: Customer, now: datetime) -> Response[None]:
    """Name, number and code were right: that is as much as a signed-in customer gives."""
    settings = settings_of(request)
    session, secret = access.start_session(tx, Kind.CUSTOMER, customer.id, SESSION_MINUTES, now)
    proof.record(tx, customer.id, now, session.id)
    found = [exits_store.open_of_line(tx, line) for line in _open_lines(tx, customer.id)]
    cases = [case for case in found if case]
    for case in cases:
        granted(exits.confirm(tx, ports.office, case.id, f"customer:{customer.id}", now))
    to = f"/exits/{cases[0].reference}" if len(cases) == 1 else HOME
    return see_other(request, to, session_cookie(settings, "portal", secret), forget(settings))


@post("/close/without-code", sync_to_thread=True, opt=COUNTED)
def without_code(request: WebRequest) -> Response[Any]:
    """No code can be had: a person looks at it, with a deadline."""
    began = time.monotonic()
    ports = ports_of(request, Ports)
    with ports.database.transaction() as tx:
        now = present(tx)
        claim = claim_of(request, now, proof.PURPOSE)
        if claim is None:
            return see_other(request, "/close")
        for case in _waiting(tx, claim.subject):
            granted(exits.doubt(tx, ports.office, case.id, "form", now))
        _see(tx, ports, claim, Step.FROZEN, now)
    time.sleep(max(0.0, _LEAST_SECONDS - (time.monotonic() - began)))
    return see_other(request, "/close/waiting")


@get("/close/waiting", sync_to_thread=True)
def waiting(request: WebRequest) -> Response[Any]:
    """What a person looks at, and until when."""
    ports = ports_of(request, Ports)
    with ports.database.reading() as tx:
        claim = claim_of(request, present(tx), proof.PURPOSE)
    if claim is None:
        return see_other(request, "/close")
    return page(
        request,
        "portal/close/waiting.html",
        asked_at=claim.asked_at,
        answer_by=_answer_by(ports.pack, claim.asked_at),
    )


def _answer_by(pack: Pack, asked_at: datetime) -> datetime:
    today = local_day(asked_at, pack.timezone)
    last = pack.calendar.add_business_days(today, pack.business_days("exit.identity_hold_business_days"))
    return end_of_day(last, pack.timezone)


close_handlers: Final = [begin, stop, ask_code, check_code, without_code, waiting]
