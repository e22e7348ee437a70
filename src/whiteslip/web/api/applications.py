"""Applications for a line, by an integrator who has proven who applies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct, field

from whiteslip import applications, lines
from whiteslip.applications import Application, Asked, rules, store
from whiteslip.applications.model import Channel, Source
from whiteslip.base.ids import public
from whiteslip.identity import Person
from whiteslip.store import Tx
from whiteslip.web.api.access import PAGE, Caller, Page, get, identifier, must_be_proven, post, write
from whiteslip.web.api.lists import Limit, listed, one
from whiteslip.web.api.shapes import Amount, Text
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses

Money = Annotated[int, Meta(ge=0, le=10**12, description="Minor units")]
FactName = Literal[
    "net_income_minor", "debt_service_minor", "lenders_elsewhere", "wanted_minor", "past_due_elsewhere"
]


class FactsBody(Struct, forbid_unknown_fields=True, kw_only=True):
    """What somebody earns, owes and wishes for, and the consent under which they say so."""

    net_income_minor: Money
    debt_service_minor: Money
    lenders_elsewhere: Annotated[int, Meta(ge=0, le=99)]
    wanted_minor: Amount
    consent_version: Text
    past_due_elsewhere: Annotated[int, Meta(ge=0, le=99)] | None = None
    sources: dict[FactName, Literal["stated", "imported", "bureau_file"]] = field(
        default_factory=dict[FactName, Literal["stated", "imported", "bureau_file"]]
    )
    language: Literal["zh-CN", "en"] = "zh-CN"

    def asked(self) -> Asked:
        """The facts as the room takes them."""
        return Asked(
            self.net_income_minor,
            self.debt_service_minor,
            self.lenders_elsewhere,
            self.wanted_minor,
            self.past_due_elsewhere,
            {name: Source(source) for name, source in self.sources.items()},
        )


class ApplyBody(FactsBody, forbid_unknown_fields=True, kw_only=True):
    """Who applies, whose phone the integrator has proven; the facts, and the consent they are under."""

    full_name: Text
    id_number: Text
    phone: Text
    email: Text


class ReviewBody(Struct, forbid_unknown_fields=True):
    """How the applicant sees it, if they say. It goes into the vault and comes back in no answer."""

    view: Annotated[str, Meta(max_length=2_000)] = ""


class ConsentShape(Struct):
    """The words under which facts are given, and their version."""

    language: str
    version: str
    text: str


class ApplicationShape(Struct):
    """An application: ``reasons`` are the principal ones, ranked; ``line`` is there once accepted.

    ``raises`` is the line whose limit it is about, for who asked for more.
    """

    id: str
    reference: str
    customer: str
    state: str
    outcome: str | None
    limit_minor: int
    currency: str
    reasons: Sequence[str]
    score: int | None
    applied_at: datetime
    due_at: datetime | None
    line: str | None
    raises: str | None

    @classmethod
    def of(cls, found: Application) -> ApplicationShape:
        """Shape an application."""
        return cls(
            id=public("app", found.id),
            reference=found.reference,
            customer=public("cus", found.customer),
            state=found.state,
            outcome=found.outcome,
            limit_minor=found.limit_minor,
            currency=found.currency,
            reasons=found.reasons,
            score=found.score,
            applied_at=found.applied_at,
            due_at=found.due_at,
            line=public("line", found.line) if found.line else None,
            raises=public("line", found.raises) if found.raises else None,
        )


@post("/applications", summary="Apply for a line", responses=problem_responses(401, 403, 409, 422))
def apply(request: WebRequest, data: JSONBody[ApplyBody]) -> Response[ApplicationShape]:
    """Assess and decide at once. Nothing opens before the offer is accepted."""
    ports = ports_of(request, Ports)
    person = Person(data.full_name, data.id_number, data.phone, data.email)
    asked = data.asked()

    def act(tx: Tx, now: datetime, caller: Caller) -> ApplicationShape:
        lender, actor = ports.lender, caller.actor
        draft = granted(
            applications.apply(
                tx, lender, person, asked, Channel.API, data.language, data.consent_version, actor, now
            )
        )
        return ApplicationShape.of(granted(applications.prove(tx, lender, draft.id, actor, now)))

    return write(request, data, act, 201)


@post(
    "/lines/{line_id:str}/limit-requests",
    summary="The customer asks for a higher limit",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def ask_more(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[FactsBody]
) -> Response[ApplicationShape]:
    """Assess and decide at once. Nothing rises before the offer is accepted, by a customer who was checked
    within the last minutes.
    """
    ports = ports_of(request, Ports)
    wanted = identifier("line", line_id, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ApplicationShape:
        line = granted(lines.get_line(tx, wanted, lock=True))
        made = applications.request_increase(
            tx,
            ports.lender,
            line,
            data.asked(),
            Channel.API,
            data.language,
            data.consent_version,
            caller.actor,
            now,
        )
        return ApplicationShape.of(granted(made))

    return write(request, data, act, 201)


@get("/applications", summary="List applications", responses=problem_responses(401, 403, 422))
def list_applications(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """Applications, the newest first."""

    def question(tx: Tx, start: UUID | None, count: int) -> list[Application]:
        return store.recent(tx, None, count, start)

    return listed(request, "app", after, limit, question, ApplicationShape.of)


@get("/applications/consent", summary="The consent in force", responses=problem_responses(401, 403))
def consent(language: FromQuery[Literal["zh-CN", "en"]] = "zh-CN") -> ConsentShape:
    """The text to show before facts are asked for."""
    text, version = rules.consent(language)
    return ConsentShape(language, version, text)


@get(
    "/applications/{application_id:str}",
    summary="An application",
    responses=problem_responses(401, 403, 404),
)
def show(request: WebRequest, application_id: FromPath[str]) -> ApplicationShape:
    """One application, without who applied."""
    return one(request, "app", application_id, "application.not_found", store.get, ApplicationShape.of)


@post(
    "/applications/{application_id:str}/accept",
    summary="Accept the offer",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def accept(request: WebRequest, application_id: FromPath[str]) -> Response[ApplicationShape]:
    """The applicant has read the terms and accepts: the line opens. Again changes nothing.

    Where it raises a limit, the customer is checked within the last minutes.
    """
    ports = ports_of(request, Ports)
    wanted = identifier("app", application_id, "application.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ApplicationShape:
        found = store.get(tx, wanted)
        if found and found.raises and found.is_open:
            must_be_proven(request, tx, found.customer, now)
        done = applications.accept(tx, ports.lender, wanted, caller.actor, now)
        return ApplicationShape.of(granted(done))

    return write(request, None, act, 200)


@post(
    "/applications/{application_id:str}/withdraw",
    summary="Take an application back",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def withdraw(request: WebRequest, application_id: FromPath[str]) -> Response[ApplicationShape]:
    """Nothing is noted against the applicant. Again changes nothing."""
    ports = ports_of(request, Ports)
    wanted = identifier("app", application_id, "application.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ApplicationShape:
        done = applications.withdraw(tx, ports.lender, wanted, caller.actor, now)
        return ApplicationShape.of(granted(done))

    return write(request, None, act, 200)


@post(
    "/applications/{application_id:str}/review",
    summary="Have a person look",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def review(
    request: WebRequest, application_id: FromPath[str], data: JSONBody[ReviewBody]
) -> Response[ApplicationShape]:
    """A declined application goes to a person who did not decide before. Again changes nothing."""
    ports = ports_of(request, Ports)
    wanted = identifier("app", application_id, "application.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ApplicationShape:
        done = applications.request_review(tx, ports.lender, wanted, data.view, caller.actor, now)
        return ApplicationShape.of(granted(done))

    return write(request, data, act, 200)


handlers: list[Any] = [apply, ask_more, list_applications, consent, show, accept, withdraw, review]
