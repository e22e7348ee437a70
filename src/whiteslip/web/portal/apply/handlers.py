"""Apply: who you are and what you earn and owe, the code, the offer with its terms, done.

Whether the ID number is known changes no answer before the phone is proven. Codes are counted by the
phone that was typed, so that nobody can be flooded by somebody who applies in many names.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import applications, identity
from whiteslip.applications import Application, Asked, letters, rules, store
from whiteslip.applications.model import Channel, State
from whiteslip.base import Money, Refusal
from whiteslip.identity import Person, access, record_verification
from whiteslip.identity.model import Kind
from whiteslip.identity.rules import normal_phone
from whiteslip.lines.model import Agreement
from whiteslip.notices import Addressee
from whiteslip.notices.acts import draft
from whiteslip.notices.compose import facts_of, information
from whiteslip.notices.facts import ContractFacts
from whiteslip.notices.words import texts
from whiteslip.store.timers import present
from whiteslip.web.kit import proof
from whiteslip.web.kit.cookies import WebRequest, ports_of, session_cookie, settings_of
from whiteslip.web.kit.forms import Errors, Form, FromForm, parse_money, see_other
from whiteslip.web.kit.limits import COUNTED
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted
from whiteslip.web.portal.outside import (
    Applicant,
    Claim,
    ask,
    check_code,
    claim_of,
    delivery,
    forget,
    keep,
    stand_in,
)
from whiteslip.web.portal.visit import SESSION_MINUTES, Visit, codes_go_by_mail, signed_in

PURPOSE: Final = "apply"
MOST_LENDERS: Final = 5
# What the vault finds wrong with a person, by the field that it is in.
_FIELDS: Final = {
    "identity.name_invalid": "full_name",
    "identity.id_number_invalid": "id_number",
    "identity.phone_invalid": "phone",
    "identity.email_invalid": "email",
    "application.consent_missing": "consent",
}


class Who(msgspec.Struct):
    """The form of the first screen."""

    full_name: str
    id_number: str
    phone: str
    email: str
    net_income: str
    debt_service: str
    lenders: int
    wanted: int
    consent: str


class Typed(msgspec.Struct):
    """The form of the second screen."""

    code: str


def _begin(request: WebRequest, ports: Ports, form: Form, **shown: Any) -> Response[str]:
    currency = ports.pack.currency
    text, version = rules.consent(language_of(request))
    return page(
        request,
        "portal/apply/page.html",
        form=form,
        wishes=[(str(minor), Money(minor, currency)) for minor in rules.wishes(ports.pack)],
        lenders=range(MOST_LENDERS + 1),
        currency=currency,
        consent=text,
        consent_version=version,
        **shown,
    )


@get("/apply", sync_to_thread=True)
def begin(request: WebRequest) -> Response[Any]:
    """Ask who it is, what they earn and what they owe."""
    return _begin(request, ports_of(request, Ports), Form())


@post("/apply", sync_to_thread=True, opt=COUNTED)
def start(request: WebRequest, form: FromForm) -> Response[Any]:
    """Take the application down and send a code."""
    ports, settings = ports_of(request, Ports), settings_of(request)
    read = _read(form, ports.pack.currency)
    if isinstance(read, Errors):
        return _begin(request, ports, form, errors=read)
    who, asked = read
    phone, language = normal_phone(who.phone, ports.vault.region), language_of(request)
    if phone is None:
        return _begin(request, ports, form, errors=Errors().add("phone", "invalid"))
    person = Person(who.full_name, who.id_number, who.phone, who.email)
    with ports.database.transaction() as tx:
        now = present(tx)
        claim = Claim(PURPOSE, stand_in(settings, PURPOSE, phone), now)
        code = ask(tx, ports, claim, now)
        made: Application | Refusal = (
            code
            if isinstance(code, Refusal)
            else applications.apply(
                tx, ports.lender, person, asked, Channel.PORTAL, language, who.consent, "form", now
            )
        )
    if isinstance(made, Refusal):
        at = _FIELDS.get(made.code)
        if at:
            return _begin(request, ports, form, errors=Errors().add(at, "invalid"))
        return _begin(request, ports, form, refusal=made)
    kept = Claim(PURPOSE, claim.subject, now, str(made.id))
    answer = see_other(request, "/apply/code", keep(settings, kept))
    answer.background = delivery(ports, claim.subject, code, now, Applicant(made.customer, language))
    return answer


def _read(form: Form, currency: str) -> tuple[Who, Asked] | Errors:
    """The first screen's form, amounts in minor units, or everything that is wrong with it."""
    who = form.read(Who)
    if isinstance(who, Errors):
        return who
    errors = Errors()
    income, service = parse_money(who.net_income, currency), parse_money(who.debt_service, currency)
    if income is None:
        errors.add("net_income", "invalid")
    if service is None:
        errors.add("debt_service", "invalid")
    if income is None or service is None:
        return errors
    return who, Asked(income.minor, service.minor, who.lenders, who.wanted)


def _code(request: WebRequest, ports: Ports, form: Form, **shown: Any) -> Response[str]:
    shown.setdefault("again", False)
    return page(
        request,
        "portal/apply/code.html",
        form=form,
        minutes=ports.pack.minutes("identity.code_minutes"),
        by_mail=codes_go_by_mail(ports),
        **shown,
    )


@get("/apply/code", sync_to_thread=True)
def ask_code(request: WebRequest) -> Response[Any]:
    """Ask for the code."""
    ports = ports_of(request, Ports)
    with ports.database.reading() as tx:
        claim = claim_of(request, present(tx), PURPOSE)
    return _code(request, ports, Form()) if claim else see_other(request, "/apply")


@post("/apply/code", sync_to_thread=True, opt=COUNTED)
def prove(request: WebRequest, form: FromForm) -> Response[Any]:
    """Check the code, decide, and sign the applicant in; or send another code."""
    ports, settings = ports_of(request, Ports), settings_of(request)
    with ports.database.transaction() as tx:
        now = present(tx)
        claim = claim_of(request, now, PURPOSE)
        draft = store.get(tx, UUID(claim.to)) if claim else None
        if claim is None or draft is None:
            return see_other(request, "/apply")
        if form.value("do") == "send" and not form.switching:
            code = ask(tx, ports, claim, now)
            refusal = code if isinstance(code, Refusal) else None
            shown = _code(request, ports, form, again=refusal is None, refusal=refusal)
            applicant = Applicant(draft.customer, draft.language)
            shown.background = delivery(ports, claim.subject, code, now, applicant)
            return shown
        typed = form.read(Typed)
        if isinstance(typed, Errors):
            return _code(request, ports, form, errors=typed)
        wrong = check_code(tx, ports, claim, typed.code, now)
        made = wrong or applications.prove(tx, ports.lender, draft.id, "form", now)
        if isinstance(made, Refusal):
            return _code(request, ports, form, refusal=made)
        session, secret = access.start_session(tx, Kind.CUSTOMER, made.customer, SESSION_MINUTES, now)
        # Name, ID number and a code to the phone that belongs to them: a proof like any other.
        record_verification(tx, made.customer, proof.METHOD, now, session.id)
    to = f"/applications/{made.reference}"
    return see_other(request, to, session_cookie(settings, "portal", secret), forget(settings))


def _theirs(visit: Visit, reference: str) -> Application:
    """An application of theirs. Raises Refused for one that is not there or not theirs, alike."""
    found = store.by_reference(visit.tx, reference)
    if found is None or found.customer != visit.customer.id:
        raise Refused(Refusal("application.not_found"))
    return found


def _shown(visit: Visit, found: Application, form: Form, **more: Any) -> Response[str]:
    pack = visit.ports.pack
    said = texts(language_of(visit.request))["reasons"]
    withdraw_days = pack.days("withdraw.days")
    return page(
        visit.request,
        "portal/apply/decided.html",
        form=form,
        application=found,
        state=_face(found, visit.now),
        limit=Money(found.limit_minor, found.currency),
        reasons=[said[code] for code in found.reasons],
        own_limit=_own_limit(visit, found),
        facts={fact.name: fact.value for fact in store.facts(visit.tx, found.id)},
        terms=Agreement.of(pack).terms,
        currency=found.currency,
        information=_information(visit, found),
        withdraw_days=withdraw_days,
        withdraw_until=Agreement.of(pack).today(visit.now) + timedelta(days=withdraw_days),
        review_days=pack.business_days("application.review_business_days"),
        **more,
    )


def _information(visit: Visit, found: Application) -> list[str]:
    """What the law has told, beside the contract, before anybody agrees."""
    new = letters.contract(visit.ports.lender, found, visit.now)
    facts = facts_of(new.kind, new.facts)
    told = information(facts, language_of(visit.request)) if isinstance(facts, ContractFacts) else {}
    return list(told.values())


def _own_limit(visit: Visit, found: Application) -> Money | None:
    """The limit as it is of the line that would rise."""
    line = visit.line(found.raises) if found.raises else None
    return line.money(line.limit_minor) if line else None


def _face(found: Application, now: datetime) -> str:
    """The state as the page tells it: an offer whose time is over has lapsed."""
    over = found.state is State.OFFERED and found.due_at is not None and found.due_at < now
    return State.LAPSED if over else found.state


@get("/applications/{reference:str}", sync_to_thread=True)
def show(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """What came of the application: an offer with its terms, or why not and who can look again."""
    return signed_in(request, lambda visit: _shown(visit, _theirs(visit, reference), Form()))


@get("/applications/{reference:str}/terms.pdf", sync_to_thread=True)
def terms(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """The contract as PDF, before anything is accepted."""

    def act(visit: Visit) -> Response[Any]:
        found = _theirs(visit, reference)
        if found.state is not State.OFFERED or found.raises:
            raise Refused(Refusal("application.not_offered", {"state": found.state}))
        new = letters.contract(visit.ports.lender, found, visit.now)
        made = draft(new, _addressee(visit), visit.now)
        name = f"{found.reference}-terms.pdf"
        return Response(
            made,
            media_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return signed_in(request, act)


def _addressee(visit: Visit) -> Addressee:
    person = granted(identity.peek(visit.tx, visit.ports.vault, visit.customer.id))
    return Addressee(person.full_name, person.email, person.phone)


@post("/applications/{reference:str}/accept", sync_to_thread=True)
def accept(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """Accept the offer: the line opens. Again changes nothing.

    It takes a proof of who accepts, which the code of an application is for a quarter of an hour.
    """

    def act(visit: Visit) -> Response[Any]:
        found = _theirs(visit, reference)
        unproven = visit.must_prove(f"/applications/{found.reference}")
        if unproven:
            return unproven
        granted(applications.accept(visit.tx, visit.ports.lender, found.id, visit.actor, visit.now))
        return see_other(request, f"/applications/{found.reference}")

    return signed_in(request, act)


@post("/applications/{reference:str}/withdraw", sync_to_thread=True)
def withdraw(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """Take the application back."""

    def act(visit: Visit) -> Response[Any]:
        found = _theirs(visit, reference)
        granted(applications.withdraw(visit.tx, visit.ports.lender, found.id, visit.actor, visit.now))
        return see_other(request, f"/applications/{found.reference}")

    return signed_in(request, act)


@post("/applications/{reference:str}/review", sync_to_thread=True)
def review(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Have a person look, with one's own view if there is one."""

    def act(visit: Visit) -> Response[Any]:
        found = _theirs(visit, reference)
        if form.switching:
            return _shown(visit, found, form)
        done = applications.request_review(
            visit.tx, visit.ports.lender, found.id, form.value("view"), visit.actor, visit.now
        )
        if isinstance(done, Refusal):
            return _shown(visit, found, form, refusal=done)
        return see_other(request, f"/applications/{found.reference}")

    return signed_in(request, act)


apply_handlers: Final = [begin, start, ask_code, prove, show, terms, accept, withdraw, review]
