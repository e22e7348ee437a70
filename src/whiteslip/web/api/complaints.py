"""Complaints: file, list, extend, answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from whiteslip import complaints
from whiteslip.base.ids import public
from whiteslip.complaints import Complaint, Outcome, Topic
from whiteslip.complaints import store as complaints_store
from whiteslip.complaints.model import Delay, Why
from whiteslip.store import Tx
from whiteslip.web.api.access import PAGE, Caller, Page, get, identifier, post, write
from whiteslip.web.api.lists import Limit, listed, one
from whiteslip.web.api.shapes import PublicId
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses


class NewComplaint(Struct, forbid_unknown_fields=True):
    """A complaint. Nothing else is asked for; ``words`` come back in no answer."""

    customer: PublicId
    topic: Literal["closing", "payment", "fee", "dispute", "data", "credit_report", "service", "other"]
    line: PublicId | None = None
    words: Annotated[str, Meta(max_length=4_000)] = ""


class ExtendBody(Struct, forbid_unknown_fields=True):
    """Why the answer takes longer; the complainant is told."""

    reason: Literal["complex", "third_party"]


class AnswerBody(Struct, forbid_unknown_fields=True):
    """The final answer."""

    outcome: Literal["upheld", "partly", "not_upheld"]
    reason: Literal["our_error", "put_right", "as_agreed", "as_the_law_says"]


class ComplaintShape(Struct):
    """A complaint, without the words of the complainant."""

    id: str
    reference: str
    customer: str
    line: str | None
    topic: str
    filed_at: datetime
    due_at: datetime
    extensions: int
    overdue_at: datetime | None
    answered_at: datetime | None
    outcome: str | None

    @classmethod
    def of(cls, found: Complaint) -> ComplaintShape:
        """Shape a complaint."""
        return cls(
            id=public("cmp", found.id),
            reference=found.reference,
            customer=public("cus", found.customer),
            line=public("line", found.line) if found.line else None,
            topic=found.topic,
            filed_at=found.filed_at,
            due_at=found.due_at,
            extensions=found.extensions,
            overdue_at=found.overdue_at,
            answered_at=found.answered_at,
            outcome=found.outcome,
        )


@post("/complaints", summary="File a complaint", responses=problem_responses(401, 403, 404, 422))
def file(request: WebRequest, data: JSONBody[NewComplaint]) -> Response[ComplaintShape]:
    """It is acknowledged at once by letter, and its clock begins."""
    ports = ports_of(request, Ports)
    customer = identifier("cus", data.customer, "customer.not_found")
    line = identifier("line", data.line, "line.not_found") if data.line else None

    def act(tx: Tx, now: datetime, caller: Caller) -> ComplaintShape:
        done = complaints.file(
            tx,
            ports.vault,
            ports.pack,
            ports.office.issuer_name,
            customer,
            Topic(data.topic),
            "api",
            caller.actor,
            now,
            data.words,
            line,
        )
        return ComplaintShape.of(granted(done))

    return write(request, data, act, 201)


@get("/complaints", summary="List complaints", responses=problem_responses(401, 403, 422))
def list_complaints(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """Complaints in the order they were filed."""
    return listed(request, "cmp", after, limit, complaints_store.page, ComplaintShape.of)


@get("/complaints/{complaint_id:str}", summary="A complaint", responses=problem_responses(401, 403, 404))
def show_complaint(request: WebRequest, complaint_id: FromPath[str]) -> ComplaintShape:
    """One complaint."""
    return one(request, "cmp", complaint_id, "complaint.not_found", complaints_store.find, ComplaintShape.of)


@post(
    "/complaints/{complaint_id:str}/extend",
    summary="Take longer to answer",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def extend(
    request: WebRequest, complaint_id: FromPath[str], data: JSONBody[ExtendBody]
) -> Response[ComplaintShape]:
    """As far as the pack allows; the complainant is told why and until when."""
    issuer = ports_of(request, Ports).office.issuer_name
    wanted = identifier("cmp", complaint_id, "complaint.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ComplaintShape:
        done = complaints.extend(tx, issuer, wanted, Delay(data.reason), caller.actor, now)
        return ComplaintShape.of(granted(done))

    return write(request, data, act, 200)


@post(
    "/complaints/{complaint_id:str}/answer",
    summary="Answer a complaint",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def answer(
    request: WebRequest, complaint_id: FromPath[str], data: JSONBody[AnswerBody]
) -> Response[ComplaintShape]:
    """The final answer. What is overdue can only be upheld, wholly or in part."""
    issuer = ports_of(request, Ports).office.issuer_name
    wanted = identifier("cmp", complaint_id, "complaint.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ComplaintShape:
        outcome, why = Outcome(data.outcome), Why(data.reason)
        done = complaints.answer(tx, issuer, wanted, outcome, why, caller.actor, now)
        return ComplaintShape.of(granted(done))

    return write(request, data, act, 200)


handlers: list[Any] = [file, list_complaints, show_complaint, extend, answer]
