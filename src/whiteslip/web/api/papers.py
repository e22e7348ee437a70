"""The one paper that a case may need: what is asked for, and handing it in for the customer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits import evidence
from whiteslip.exits import store as exits_store
from whiteslip.exits.papers import PaperRequest
from whiteslip.store import Tx
from whiteslip.web.api.access import Caller, get, identifier, post, read, write
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses

# Above what any pack allows, in base64, so that a file that is a little too large is told so.
_MOST_BODY = 44 * 1024 * 1024


class PaperBody(Struct, forbid_unknown_fields=True):
    """The file in base64. What it is is read from its bytes, never from a name."""

    content: Annotated[bytes, Meta(min_length=1, description="A PDF, JPEG or PNG, in base64")]


class PaperShape(Struct):
    """A paper that was asked for. ``wanted``: id_document or authority."""

    id: str
    exit: str
    wanted: str
    why: str
    asked_at: datetime
    answer_by: datetime
    is_open: bool
    handed_in_at: datetime | None

    @classmethod
    def of(cls, one: PaperRequest, now: datetime) -> PaperShape:
        """Shape a request for a paper."""
        return cls(
            id=public("ppr", one.id),
            exit=public("exit", one.exit),
            wanted=one.wanted,
            why=one.why,
            asked_at=one.asked_at,
            answer_by=one.answer_by,
            is_open=one.is_open(now),
            handed_in_at=one.handed_in_at,
        )


def _of_case(tx: Tx, wanted: UUID) -> list[PaperRequest]:
    if exits_store.find(tx, wanted) is None:
        granted(Refusal("exit.not_found"))
    return exits_store.paper_requests(tx, wanted)


@get("/exits/{exit_id:str}/papers", summary="Papers asked for", responses=problem_responses(401, 403, 404))
def list_papers(request: WebRequest, exit_id: FromPath[str]) -> list[PaperShape]:
    """What the desk asked for, why and until when; nothing for most cases."""
    wanted = identifier("exit", exit_id, "exit.not_found")
    return read(request, lambda tx, now: [PaperShape.of(one, now) for one in _of_case(tx, wanted)])


@post(
    "/exits/{exit_id:str}/papers",
    summary="Hand in the paper that was asked for",
    responses=problem_responses(401, 403, 404, 409, 422),
    request_max_body_size=_MOST_BODY,
)
def hand_in(request: WebRequest, exit_id: FromPath[str], data: JSONBody[PaperBody]) -> Response[PaperShape]:
    """As on the customer's page: the kind is read from the bytes, the size is the pack's, what could name
    a place or run is taken out, and it is sealed in the vault. Nothing is taken that was not asked for.
    """
    vault = ports_of(request, Ports).vault
    wanted = identifier("exit", exit_id, "exit.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> PaperShape:
        waiting = [one for one in _of_case(tx, wanted) if one.is_open(now)]
        asked = granted(waiting[0] if waiting else Refusal("document.not_asked"))
        return PaperShape.of(
            granted(evidence.hand_in(tx, vault, asked, data.content, caller.actor, now)), now
        )

    return write(request, data, act, 201)


handlers: list[Any] = [list_papers, hand_in]
