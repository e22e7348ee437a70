"""The lender restricts a line: propose, decide, and what the customer says to it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from whiteslip.base.ids import public
from whiteslip.exits import proposals
from whiteslip.exits.model import Cause
from whiteslip.exits.proposals import Objection, RestrictionProposal, StayWhy
from whiteslip.exits.restrictions import Limits, Measure
from whiteslip.store import Tx
from whiteslip.web.api.access import PAGE, Caller, Page, get, identifier, post, write
from whiteslip.web.api.lists import Limit, listed
from whiteslip.web.api.locks import CauseCode
from whiteslip.web.api.shapes import PublicId
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses


class RestrictBody(Struct, forbid_unknown_fields=True):
    """The principal reasons, the weightiest first, and the measure: stop drawing if nothing is said.

    ``lower_cap`` needs ``cap_minor``, ``pause_feature`` a ``feature``. ``alert`` is what the watch saw.
    """

    reasons: Annotated[list[CauseCode], Meta(min_length=1, max_length=4)]
    measure: Literal["stop", "lower_cap", "pause_feature"] = "stop"
    feature: Literal["cash", "instalments", "night"] | None = None
    cap_minor: Annotated[int, Meta(gt=0)] | None = None
    alert: PublicId | None = None


class DecideBody(Struct, forbid_unknown_fields=True):
    """Whether the second person agrees."""

    approve: bool


class ViewBody(Struct, forbid_unknown_fields=True):
    """How the customer sees it. ``words`` are sealed and come back in no answer."""

    words: Annotated[str, Meta(max_length=4_000)] = ""


class StaysBody(Struct, forbid_unknown_fields=True):
    """Why the restriction stays; without a reason it ends."""

    stay_why: Literal["still_so", "not_shown", "not_about_it"] | None = None


class ProposalShape(Struct):
    """A proposal to restrict a line. ``outcome``: open waits for a second person, done stands."""

    id: str
    line: str
    measure: str
    feature: str | None
    cap_minor: int | None
    reasons: list[str]
    proposed_at: datetime
    outcome: str
    decided_at: datetime | None

    @classmethod
    def of(cls, one: RestrictionProposal) -> ProposalShape:
        """Shape a proposal."""
        return cls(
            id=public("rsp", one.id),
            line=public("line", one.line),
            measure=one.measure,
            feature=one.feature,
            cap_minor=one.cap_minor,
            reasons=[reason.value for reason in one.reasons],
            proposed_at=one.proposed_at,
            outcome=one.outcome,
            decided_at=one.decided_at,
        )


class ObjectionShape(Struct):
    """What the customer says to a restriction, without the words, and its clock. ``stay_why`` is the reason
    for which somebody proposes that it stays.
    """

    id: str
    line: str
    opened_at: datetime
    due_at: datetime
    stay_why: str | None
    outcome: str | None

    @classmethod
    def of(cls, one: Objection) -> ObjectionShape:
        """Shape an objection."""
        return cls(
            id=public("rob", one.id),
            line=public("line", one.line),
            opened_at=one.opened_at,
            due_at=one.due_at,
            stay_why=one.stay_why,
            outcome=one.outcome,
        )


@post(
    "/lines/{line_id:str}/restrict",
    summary="Restrict a line",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def restrict(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[RestrictBody]
) -> Response[ProposalShape]:
    """For objective reasons. A policy table says whether it is done at once or waits for a second
    person; once it stands the customer is written to, and it ends by itself unless renewed.
    """
    office = ports_of(request, Ports).office
    wanted = identifier("line", line_id, "line.not_found")
    alert = identifier("alr", data.alert, "alert.not_found") if data.alert else None
    limits = Limits(Measure(data.measure), data.feature, data.cap_minor)
    reasons = [Cause(reason) for reason in data.reasons]

    def act(tx: Tx, now: datetime, caller: Caller) -> ProposalShape:
        done = proposals.propose(tx, office, wanted, limits, reasons, caller.person, now, alert)
        return ProposalShape.of(granted(done))

    return write(request, data, act, 200)


@get("/restriction-proposals", summary="Proposals to restrict", responses=problem_responses(401, 403, 422))
def list_proposals(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """What waits for a second person, in the order in which it was proposed."""
    return listed(request, "rsp", after, limit, proposals.waiting, ProposalShape.of)


@post(
    "/restriction-proposals/{proposal_id:str}/decide",
    summary="Decide as the second person",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def decide(
    request: WebRequest, proposal_id: FromPath[str], data: JSONBody[DecideBody]
) -> Response[ProposalShape]:
    """Agree, and it stands; or turn it down. Whoever proposed it is refused."""
    office = ports_of(request, Ports).office
    wanted = identifier("rsp", proposal_id, "restriction.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ProposalShape:
        return ProposalShape.of(
            granted(proposals.decide(tx, office, wanted, data.approve, caller.person, now))
        )

    return write(request, data, act, 200)


@post(
    "/lines/{line_id:str}/restriction/objection",
    summary="The customer sees it otherwise",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def object_to(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[ViewBody]
) -> Response[ObjectionShape]:
    """A person who had no part in it looks again by ``due_at``; if nobody does, the restriction ends."""
    vault = ports_of(request, Ports).vault
    wanted = identifier("line", line_id, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ObjectionShape:
        return ObjectionShape.of(
            granted(proposals.object_to(tx, vault, wanted, data.words, caller.actor, now))
        )

    return write(request, data, act, 201)


@get("/restriction-objections", summary="Objections that wait", responses=problem_responses(401, 403, 422))
def list_objections(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """What nobody has answered, the oldest first: its deadline is the nearest."""
    return listed(request, "rob", after, limit, proposals.objections_waiting, ObjectionShape.of)


@post(
    "/restriction-objections/{objection_id:str}/answer",
    summary="Answer an objection",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def answer(
    request: WebRequest, objection_id: FromPath[str], data: JSONBody[StaysBody]
) -> Response[ObjectionShape]:
    """It ends now; or it stays for a reason that the customer is told, which takes two people: the word of
    the first changes nothing yet, and the second gives the same reason.
    """
    office = ports_of(request, Ports).office
    wanted = identifier("rob", objection_id, "restriction.objection_not_found")

    stay_why = StayWhy(data.stay_why) if data.stay_why else None

    def act(tx: Tx, now: datetime, caller: Caller) -> ObjectionShape:
        done = proposals.answer(tx, office, wanted, stay_why, caller.person, now)
        return ObjectionShape.of(granted(done))

    return write(request, data, act, 200)


handlers: list[Any] = [restrict, list_proposals, decide, object_to, list_objections, answer]
