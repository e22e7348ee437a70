"""Sign in: a phone number, then the code that was sent to it."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Response, get, post

from whiteslip import identity
from whiteslip.base import Refusal
from whiteslip.identity import access
from whiteslip.identity.model import Kind
from whiteslip.identity.rules import normal_phone
from whiteslip.lines.users import customers_among
from whiteslip.store.timers import present
from whiteslip.web.kit.cookies import WebRequest, ports_of, session_cookie, settings_of
from whiteslip.web.kit.forms import Errors, Form, FromForm, is_local, see_other
from whiteslip.web.kit.limits import COUNTED
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.ports import Ports
from whiteslip.web.portal.outside import Claim, ask, check, claim_of, delivery, forget, keep, stand_in
from whiteslip.web.portal.visit import HOME, SESSION_MINUTES, codes_go_by_mail

PURPOSE: Final = "sign-in"


class Phone(msgspec.Struct):
    """The first page's form. ``to`` is where the reader was going."""

    phone: str
    to: str = HOME


class Code(msgspec.Struct):
    """The second page's form."""

    code: str


@get("/sign-in", sync_to_thread=True)
def begin(request: WebRequest) -> Response[str]:
    """Ask for the phone number."""
    return _begin(request, Form(), to=request.query_params.get("to", HOME))


def _begin(request: WebRequest, form: Form, **shown: Any) -> Response[str]:
    shown.setdefault("to", form.value("to", HOME))
    return page(request, "portal/sign_in/page.html", form=form, **shown)


@post("/sign-in", sync_to_thread=True, opt=COUNTED)
def send(request: WebRequest, form: FromForm) -> Response[Any]:
    """Send a code, or seem to: the answer does not tell whether anybody has the number."""
    ports, settings = ports_of(request, Ports), settings_of(request)
    typed = form.read(Phone)
    if isinstance(typed, Errors):
        return _begin(request, form, errors=typed)
    phone = normal_phone(typed.phone, ports.vault.region)
    if phone is None:
        return _begin(request, form, errors=Errors().add("phone", "invalid"))
    to = typed.to if is_local(typed.to) else HOME
    with ports.database.transaction() as tx:
        now = present(tx)
        found = customers_among(tx, identity.find(tx, ports.vault, phone=phone))
        # A number that several customers share does not say who is signing in.
        subject = found[0] if len(found) == 1 else stand_in(settings, phone)
        claim = Claim(PURPOSE, subject, now, to)
        code = ask(tx, ports, claim, now)
    if isinstance(code, Refusal):
        return _begin(request, form, refusal=code)
    answer = see_other(request, "/sign-in/code", keep(settings, claim))
    answer.background = delivery(ports, subject, code, now)
    return answer


@get("/sign-in/code", sync_to_thread=True)
def ask_code(request: WebRequest) -> Response[Any]:
    """Ask for the code."""
    ports = ports_of(request, Ports)
    with ports.database.reading() as tx:
        claim = claim_of(request, present(tx), PURPOSE)
    return _code(request, ports, Form()) if claim else see_other(request, "/sign-in")


def _code(request: WebRequest, ports: Ports, form: Form, **shown: Any) -> Response[str]:
    shown.setdefault("again", False)
    return page(
        request,
        "portal/sign_in/code.html",
        form=form,
        minutes=ports.pack.minutes("identity.code_minutes"),
        by_mail=codes_go_by_mail(ports),
        **shown,
    )


@post("/sign-in/code", sync_to_thread=True, opt=COUNTED)
def check_code(request: WebRequest, form: FromForm) -> Response[Any]:
    """Check the code and start the session, or send another one."""
    ports = ports_of(request, Ports)
    with ports.database.transaction() as tx:
        now = present(tx)
        claim = claim_of(request, now, PURPOSE)
        if claim is None:
            return see_other(request, "/sign-in")
        if form.value("do") == "send" and not form.switching:
            code = ask(tx, ports, claim, now)
            refusal = code if isinstance(code, Refusal) else None
            shown = _code(request, ports, form, again=refusal is None, refusal=refusal)
            shown.background = delivery(ports, claim.subject, code, now)
            return shown
        typed = form.read(Code)
        if isinstance(typed, Errors):
            return _code(request, ports, form, errors=typed)
        customer = check(tx, ports, claim, typed.code, now)
        if isinstance(customer, Refusal):
            return _code(request, ports, form, refusal=customer)
        _, secret = access.start_session(tx, Kind.CUSTOMER, customer.id, SESSION_MINUTES, now)
    settings = settings_of(request)
    return see_other(request, claim.to, session_cookie(settings, "portal", secret), forget(settings))


sign_in_handlers: Final = [begin, send, ask_code, check_code]
