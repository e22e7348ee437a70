"""New terms for lines: propose, decide, what became of it; and the holder who does not want them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from whiteslip import lines
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits import newterms
from whiteslip.exits.model import Channel, Identity
from whiteslip.lines import changes
from whiteslip.lines.changes import Change, Scope, Told
from whiteslip.lines.model import MOST_INSTALMENTS, Terms, terms_from
from whiteslip.store import Tx
from whiteslip.web.api.access import PAGE, Caller, Page, get, identifier, page_of, post, read, write
from whiteslip.web.api.lists import Limit, start_of
from whiteslip.web.api.locks import EmptyBody
from whiteslip.web.api.restrictions import DecideBody
from whiteslip.web.api.shapes import PublicId
from whiteslip.web.api.shapes_exits import ExitShape
from whiteslip.web.kit import proof
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses

Count = Annotated[int, Meta(ge=0, le=1_000_000)]


class ProductBody(Struct, forbid_unknown_fields=True):
    """A way of paying and its price: a monthly fee on the purchase, or interest a year; not both."""

    instalments: Annotated[int, Meta(ge=1, le=MOST_INSTALMENTS)]
    monthly_fee_bps: Count = 0
    apr_bps: Count = 0


class TermsBody(Struct, forbid_unknown_fields=True):
    """Terms in full, as a pack writes them: what is left out is none.

    ``notice_months`` is what a contract asks of who leaves. More than the pack's
    ``exit.longest_notice_months`` is refused; Whiteslip makes nobody wait for it.
    """

    due_days: Annotated[int, Meta(ge=0, le=60)]
    products: Annotated[list[ProductBody], Meta(min_length=1, max_length=MOST_INSTALMENTS)]
    late_fee_minor: Count = 0
    late_fee_grace_days: Annotated[int, Meta(ge=0, le=60)] = 0
    reward_bps: Annotated[int, Meta(ge=0, le=10_000)] = 0
    notice_months: Annotated[int, Meta(ge=0, le=120)] = 0


class NewChange(Struct, forbid_unknown_fields=True):
    """New terms from a day on, for one ``line``, or for all open lines that have ``terms_version``."""

    effective_on: date
    terms: TermsBody
    line: PublicId | None = None
    terms_version: Annotated[str, Meta(pattern=r"^[0-9a-f]{12}$")] | None = None


class ChangeShape(Struct):
    """A change, the terms until then and from then on, and how many lines it has come to, by outcome:
    told, in_force, rejected, passed_over, taken_back.
    """

    id: str
    state: str
    effective_on: date
    line: str | None
    from_version: str
    to_version: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    proposed_at: datetime
    decided_at: datetime | None
    taken_back_at: datetime | None
    lines: Mapping[str, int]

    @classmethod
    def of(cls, tx: Tx, one: Change) -> ChangeShape:
        """Shape a change."""
        before, after = changes.both_terms(tx, one)
        return cls(
            id=public("tch", one.id),
            state=one.state,
            effective_on=one.effective_on,
            line=public("line", one.line) if one.line else None,
            from_version=one.from_version,
            to_version=one.to_version,
            before=msgspec.to_builtins(before),
            after=msgspec.to_builtins(after),
            proposed_at=one.proposed_at,
            decided_at=one.decided_at,
            taken_back_at=one.taken_back_at,
            lines=changes.counts(tx, one.id),
        )


class ToldShape(Struct):
    """New terms that a holder has been told, with the instant from which they are in force."""

    change: str
    terms_version: str
    terms: Mapping[str, Any]
    told_at: datetime
    effective_at: datetime

    @classmethod
    def of(cls, tx: Tx, one: Told) -> ToldShape:
        """Shape what was told."""
        after = changes.both_terms(tx, one)[1]
        return cls(
            change=public("tch", one.change),
            terms_version=one.to_version,
            terms=msgspec.to_builtins(after),
            told_at=one.told_at,
            effective_at=one.effective_at,
        )


class LineTerms(Struct):
    """The terms of a line, and new ones that its holder was told and may still reject."""

    line: str
    terms_version: str
    terms: Mapping[str, Any]
    told: ToldShape | None


@post("/terms-changes", summary="Propose new terms", responses=problem_responses(401, 403, 404, 409, 422))
def propose(request: WebRequest, data: JSONBody[NewChange]) -> Response[ChangeShape]:
    """Another person decides; nobody is told, and nothing changes, until then."""
    pack = ports_of(request, Ports).pack
    line = identifier("line", data.line, "line.not_found") if data.line else None

    def act(tx: Tx, now: datetime, caller: Caller) -> ChangeShape:
        if (line is None) == (data.terms_version is None):
            raise Refused(Refusal("terms.scope_invalid"))
        if line:
            scope = granted(changes.scope_of_line(tx, line))
        else:
            scope = Scope(pack.name, data.terms_version or "")
        terms = granted(_terms(data.terms, scope))
        return ChangeShape.of(
            tx, granted(changes.propose(tx, scope, terms, data.effective_on, caller.person, now))
        )

    return write(request, data, act, 201)


def _terms(typed: TermsBody, scope: Scope) -> Terms | Refusal:
    return terms_from(msgspec.to_builtins(typed), scope.pack)


@get("/terms-changes", summary="Changes of terms", responses=problem_responses(401, 403, 422))
def list_changes(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """In the order in which they were proposed."""
    start = start_of("tch", after)

    def found(tx: Tx, _: datetime) -> Page:
        rows: Sequence[Change] = changes.page(tx, start, limit + 1)
        return page_of(rows, limit, lambda one: ChangeShape.of(tx, one), lambda one: public("tch", one.id))

    return read(request, found)


@get(
    "/terms-changes/{change_id:str}", summary="A change of terms", responses=problem_responses(401, 403, 404)
)
def show_change(request: WebRequest, change_id: FromPath[str]) -> ChangeShape:
    """Both terms, and how many lines were told, have the new ones, rejected them or were passed over."""
    wanted = identifier("tch", change_id, "terms.change_not_found")

    def found(tx: Tx, _: datetime) -> ChangeShape:
        one = changes.find(tx, wanted)
        return ChangeShape.of(tx, granted(one or Refusal("terms.change_not_found")))

    return read(request, found)


@post(
    "/terms-changes/{change_id:str}/decide",
    summary="Decide as the second person",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def decide(
    request: WebRequest, change_id: FromPath[str], data: JSONBody[DecideBody]
) -> Response[ChangeShape]:
    """Agree, and the holders are written to; or turn it down. Whoever proposed it is refused."""
    office = ports_of(request, Ports).office
    wanted = identifier("tch", change_id, "terms.change_not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ChangeShape:
        done = newterms.decide(tx, office, wanted, data.approve, caller.person, now)
        return ChangeShape.of(tx, granted(done))

    return write(request, data, act, 200)


@post(
    "/terms-changes/{change_id:str}/take-back",
    summary="Take new terms back",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def take_back(
    request: WebRequest, change_id: FromPath[str], data: JSONBody[EmptyBody]
) -> Response[ChangeShape]:
    """Proposed or approved, they do not come where they are not in force yet; who was told is written to."""
    office = ports_of(request, Ports).office
    wanted = identifier("tch", change_id, "terms.change_not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ChangeShape:
        return ChangeShape.of(tx, granted(newterms.take_back(tx, office, wanted, caller.person, now)))

    return write(request, data, act, 200)


@get("/lines/{line_id:str}/terms", summary="The terms of a line", responses=problem_responses(401, 403, 404))
def show_terms(request: WebRequest, line_id: FromPath[str]) -> LineTerms:
    """What new purchases are on today. What was bought before a change keeps the terms of then."""
    wanted = identifier("line", line_id, "line.not_found")

    def found(tx: Tx, _: datetime) -> LineTerms:
        line = granted(lines.get_line(tx, wanted))
        told = changes.told_of_line(tx, line.id)
        return LineTerms(
            line=public("line", line.id),
            terms_version=line.terms_version,
            terms=msgspec.to_builtins(line.terms),
            told=ToldShape.of(tx, told) if told else None,
        )

    return read(request, found)


@post(
    "/lines/{line_id:str}/terms/reject",
    summary="The customer rejects new terms",
    responses=problem_responses(401, 403, 404, 409),
)
def reject(request: WebRequest, line_id: FromPath[str]) -> Response[ExitShape]:
    """The line closes on the terms it has, free of charge: as ``POST /v1/exits``, whose answer this is."""
    ports = ports_of(request, Ports)
    wanted = identifier("line", line_id, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ExitShape:
        customer = granted(lines.get_line(tx, wanted)).customer
        who = Identity.VERIFIED if proof.is_fresh(tx, ports, customer, now) else Identity.PENDING
        done = newterms.reject(tx, ports.office, wanted, Channel.API, caller.actor, now, who)
        return ExitShape.of(granted(done), caller.handles_orders)

    return write(request, None, act, 201)


handlers: list[Any] = [propose, list_changes, show_change, decide, take_back, show_terms, reject]
