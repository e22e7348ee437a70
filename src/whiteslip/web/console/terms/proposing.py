"""Proposing new terms at the desk: for one line, or for all on a version; a colleague decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from whiteslip import packs
from whiteslip.base import Refusal, local_day
from whiteslip.base.money import MINOR_DIGITS
from whiteslip.lines import changes
from whiteslip.lines.acts import terms_of
from whiteslip.lines.changes import Scope
from whiteslip.lines.model import MOST_INSTALMENTS, Product, Terms, terms_from
from whiteslip.web.console.duty import HOME, Duty, on_duty, submitted
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, parse_money, parse_percent
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import Refused

_VERSIONS: Final = 20
# Empty rows below the products there are.
_MORE: Final = 2
_MOST_DAYS: Final = 60


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed: whole terms, and the day from which they are to apply."""

    terms: dict[str, Any]
    effective_on: date


def _scope(duty: Duty, version: str, line: str, lock: bool = False) -> Scope | None:
    """Whose terms are to change; None where nobody has said so yet. Raises Refused."""
    if version:
        return Scope(duty.ports.pack.name, version)
    if not line:
        return None
    try:
        found = changes.scope_of_line(duty.tx, UUID(line), lock)
    except ValueError:
        raise Refused(Refusal("line.not_found")) from None
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


def _page(duty: Duty, scope: Scope | None, form: Form, **shown: Any) -> Response[Any]:
    pack = packs.load(scope.pack) if scope else duty.ports.pack
    present = terms_of(duty.tx, {scope.version}).get(scope.version) if scope else None
    if scope and present is None:
        raise Refused(Refusal("terms.version_unknown"))
    return page(
        duty.request,
        "console/terms/new.html",
        form=form,
        scope=scope,
        present=present,
        currency=pack.currency,
        earliest=changes.earliest(pack, local_day(duty.now, pack.timezone)),
        versions=[] if scope else changes.versions_in_use(duty.tx, pack.name, _VERSIONS),
        late_fee=_plain(present.late_fee_minor, MINOR_DIGITS[pack.currency]) if present else "",
        reward=_plain(present.reward_bps) if present else "",
        rows=[_row(each) for each in _rows(present)] if present else [],
        **shown,
        **duty.shown(),
    )


def _rows(terms: Terms) -> list[Product | None]:
    """The products there are, and room for more."""
    return [*terms.products, *[None] * _MORE][:MOST_INSTALMENTS]


def _row(product: Product | None) -> tuple[str, str, str]:
    """Number of instalments, monthly fee and yearly interest, as they stand in fields."""
    if product is None:
        return "", "", ""
    prices = [_plain(bps) if bps else "" for bps in (product.monthly_fee_bps, product.apr_bps)]
    return str(product.instalments), prices[0], prices[1]


def _plain(value: int, digits: int = 2) -> str:
    """Basis points or minor units as one types them."""
    return f"{Decimal(value).scaleb(-digits):f}"


def _read(form: Form, currency: str, present: Terms) -> Typed | Errors:
    """The form as terms; what no field asks about stays as it is."""
    errors = Errors()
    fee, reward = parse_money(form.value("late_fee"), currency), parse_percent(form.value("reward"))
    days = {name: _days(form, name, errors) for name in ("due_days", "late_fee_grace_days")}
    if fee is None:
        errors.add("late_fee", "invalid")
    if reward is None:
        errors.add("reward", "invalid")
    products = [_product(form, no, errors) for no in range(len(_rows(present)))]
    offered = [each for each in products if each]
    if not offered and not errors:
        errors.add("instalments_0", "none_offered")
    try:
        on = date.fromisoformat(form.value("effective_on"))
    except ValueError:
        return errors.add("effective_on", "invalid")
    if errors or fee is None:
        return errors
    typed = {**days, "late_fee_minor": fee.minor, "reward_bps": reward, "products": offered}
    return Typed(msgspec.to_builtins(present) | typed, on)


def _days(form: Form, name: str, errors: Errors) -> int:
    text = form.value(name)
    if not (text.isascii() and text.isdigit() and int(text[:4]) <= _MOST_DAYS):
        errors.add(name, "days", bound=_MOST_DAYS)
        return 0
    return int(text)


def _product(form: Form, no: int, errors: Errors) -> dict[str, int] | None:
    """One row; left empty it is none, and an empty price is no price."""
    count = form.value(f"instalments_{no}")
    prices = {name: form.value(f"{name}_{no}") for name in ("monthly_fee", "apr")}
    if not count:
        return None
    if not (count.isascii() and count.isdigit() and 1 <= int(count[:4]) <= MOST_INSTALMENTS):
        errors.add(f"instalments_{no}", "instalments", bound=MOST_INSTALMENTS)
        return None
    found = {name: parse_percent(text or "0") for name, text in prices.items()}
    for name, bps in found.items():
        if bps is None:
            errors.add(f"{name}_{no}", "price")
    return {"instalments": int(count)} | {f"{name}_bps": bps or 0 for name, bps in found.items()}


@get("/terms/new", sync_to_thread=True)
def show(request: WebRequest) -> Response[Any]:
    """For whom, where nobody has said so; then their terms, to be changed."""
    asked = request.query_params

    def act(duty: Duty) -> Response[Any]:
        return _page(duty, _scope(duty, asked.get("version", ""), asked.get("line", "")), Form())

    return on_duty(request, act, chooses=True)


@post("/terms/new", sync_to_thread=True)
def propose(request: WebRequest, form: FromForm) -> Response[Any]:
    """Nobody is told, and nothing changes, until a colleague agrees."""

    def act(duty: Duty, scope: Scope | None) -> object:
        present = terms_of(duty.tx, {scope.version}).get(scope.version) if scope else None
        if scope is None or present is None or form.switching:
            return _page(duty, scope, form)
        typed = _read(form, packs.load(scope.pack).currency, present)
        if isinstance(typed, Errors):
            return typed
        terms = terms_from(typed.terms, scope.pack)
        if isinstance(terms, Refusal):
            return terms
        return changes.propose(duty.tx, scope, terms, typed.effective_on, duty.actor, duty.now)

    return submitted(
        request,
        form,
        lambda duty: _scope(duty, form.value("version"), form.value("line"), lock=True),
        act,
        _page,
        f"{HOME}/terms",
    )


proposing_handlers: Final = [show, propose]
