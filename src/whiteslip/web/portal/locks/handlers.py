"""The customer's own locks: everything for a while, or one kind of purchase."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import packs
from whiteslip.base import local_day
from whiteslip.exits import softer
from whiteslip.lines import Line
from whiteslip.lines.locks import standing
from whiteslip.lines.model import OWN, VALUED, Feature, Lifecycle, Lock, LockKind, Part, Party
from whiteslip.purchases import store as purchases_store
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import granted
from whiteslip.web.portal.visit import HOME, Visit, signed_in

DAYS: Final = (7, 30, 90)
# Trades that people most often wish to keep themselves away from.
CATEGORIES: Final = ("games", "gambling", "alcohol", "fashion", "electronics", "travel", "food_delivery")
_WHOLE: Final = "all"
_LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class Standing:
    """A lock as the page lists it. ``key`` is what the form that lifts it sends."""

    key: str
    feature: str
    value: str
    until: date | None
    is_firm: bool


def _key(part: Part | None) -> str:
    return f"{part.feature}:{part.value}" if part else _WHOLE


def _part(key: str) -> Part | Errors | None:
    """The part that a form names; Errors when it names none."""
    if key == _WHOLE:
        return None
    feature, _, value = key.partition(":")
    value = value.strip()
    known = feature in {each.value for each in OWN}
    if not known or (Feature(feature) in VALUED) != bool(value) or len(value) > _LONGEST:
        return Errors().add(feature if known else "part", "missing")
    return Part(Feature(feature), value)


def _listed(line: Line, lock: Lock) -> Standing:
    until = local_day(lock.until, line.timezone) if lock.until else None
    name, value = (lock.part.feature.value, lock.part.value) if lock.part else (_WHOLE, "")
    return Standing(_key(lock.part), name, value, until, lock.firm)


def _own(visit: Visit, line: Line) -> list[Standing]:
    found = standing(visit.tx, line.id)
    mine = (each for each in found if each.kind is LockKind.CUSTOMER and each.party is Party.CUSTOMER)
    return [_listed(line, lock) for lock in mine]


@get("/lines/{line_id:uuid}/locks", sync_to_thread=True)
def show(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """What is locked, and what can be."""
    return signed_in(request, lambda visit: _page(visit, visit.line(line_id), Form()))


def _page(visit: Visit, line: Line, form: Form, errors: Errors | None = None) -> Response[Any]:
    if line.lifecycle is not Lifecycle.ACTIVE:
        return see_other(visit.request, HOME)
    own = _own(visit, line)
    taken = {lock.key for lock in own}
    return page(
        visit.request,
        "portal/locks/page.html",
        form=form,
        errors=errors,
        line=line,
        own=own,
        days=[count for count in DAYS if count in softer.lock_days(packs.load(line.pack))],
        simple=[f"{each}:" for each in OWN if each not in VALUED and f"{each}:" not in taken],
        all_categories=CATEGORIES,
        categories=[each for each in CATEGORIES if f"{Feature.CATEGORY}:{each}" not in taken],
        shops=[
            shop
            for shop in purchases_store.shops_of_line(visit.tx, line.id)
            if f"{Feature.MERCHANT}:{shop}" not in taken and len(shop) <= _LONGEST
        ],
    )


def _is_offered(visit: Visit, line: Line, part: Part) -> bool:
    """Whether the page offers that part: what is typed by hand would end up in the journal."""
    if part.feature is Feature.CATEGORY:
        return part.value in CATEGORIES
    if part.feature is Feature.MERCHANT:
        return part.value in purchases_store.shops_of_line(visit.tx, line.id)
    return True


@post("/lines/{line_id:uuid}/locks", sync_to_thread=True)
def lock(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Lock everything for some days, or one part until it is unlocked."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        key = form.value("part")
        if key in VALUED:
            key = f"{key}:{form.value(key)}"
        part = _part(key)
        if isinstance(part, Part) and not _is_offered(visit, line, part):
            part = Errors().add(part.feature, "missing")
        if isinstance(part, Errors):
            return _page(visit, line, form, part)
        days: int | None = None
        if part is None:
            chosen = form.value("days")
            if chosen not in {str(count) for count in DAYS}:
                return _page(visit, line, form, Errors().add("days", "missing"))
            days = int(chosen)
        firm = part is None and form.value("firm") == "yes"
        granted(softer.pause(visit.tx, line.id, visit.actor, visit.now, days, firm, part))
        return see_other(request, f"/lines/{line_id}/locks")

    return signed_in(request, act)


@post("/lines/{line_id:uuid}/unlock", sync_to_thread=True)
def unlock(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Lift one of the customer's own locks, unless it is firm. It takes a proof of who asks."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        unproven = visit.must_prove(f"/lines/{line_id}/locks")
        if unproven:
            return unproven
        part = _part(form.value("part"))
        if isinstance(part, Errors):
            return _page(visit, line, form, part)
        granted(softer.resume(visit.tx, line.id, visit.actor, visit.now, part))
        return see_other(request, f"/lines/{line_id}/locks")

    return signed_in(request, act)


lock_handlers: Final = [show, lock, unlock]
