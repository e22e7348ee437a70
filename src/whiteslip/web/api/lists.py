"""How lists are answered, page by page, and what has an identifier, whatever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Final, Protocol, TypeVar
from uuid import UUID

from litestar.params import QueryParameter

from whiteslip import lines
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.store import Tx
from whiteslip.web.api.access import MAX_PAGE, Page, identifier, page_of, read
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.problems import Refused, granted

CURSOR: Final = "request.cursor_invalid"
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_PAGE, description="How many at most")]


class OnLine(Protocol):
    """What hangs on a line."""

    @property
    def line(self) -> UUID: ...


S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R", bound=OnLine)


def start_of(prefix: str, after: str | None) -> UUID | None:
    """Where a page begins: behind the identifier that is its cursor. Raises Refused:
    ``request.cursor_invalid``.
    """
    return identifier(prefix, after, CURSOR) if after else None


def listed(
    request: WebRequest,
    prefix: str,
    after: str | None,
    limit: int,
    question: Callable[[Tx, UUID | None, int], Sequence[T]],
    shape: Callable[[T], Any],
    named: Callable[[T], UUID] = attrgetter("id"),
) -> Page:
    """A page of a list: ``question`` asks for so many that follow the identifier by which a row is ``named``.

    Raises Refused: ``request.cursor_invalid``.
    """
    start = start_of(prefix, after)
    found = read(request, lambda tx, _: question(tx, start, limit + 1))
    return page_of(found, limit, shape, lambda row: public(prefix, named(row)))


def page_on_line(
    request: WebRequest,
    line_id: str,
    prefix: str,
    after: str | None,
    limit: int,
    question: Callable[[Tx, UUID, UUID | None, int], Sequence[T]],
    shape: Callable[[T], Any],
) -> Page:
    """A page of what hangs on a line. Raises Refused: ``line.not_found``, ``request.cursor_invalid``."""
    wanted = identifier("line", line_id, "line.not_found")

    def on_line(tx: Tx, start: UUID | None, count: int) -> Sequence[T]:
        granted(lines.get_line(tx, wanted))
        return question(tx, wanted, start, count)

    return listed(request, prefix, after, limit, on_line, shape)


def one(
    request: WebRequest,
    prefix: str,
    text: str,
    code: str,
    find: Callable[[Tx, UUID], T | Refusal | None],
    shape: Callable[[T], S],
) -> S:
    """What has the identifier ``text``, shaped. Raises Refused with ``code`` where nothing has it."""
    wanted = identifier(prefix, text, code)

    def question(tx: Tx, _now: datetime) -> S:
        found = find(tx, wanted)
        return shape(granted(Refusal(code) if found is None else found))

    return read(request, question)


def known(found: R | None, line: UUID) -> R:
    """The row that a cursor names. Raises Refused: ``request.cursor_invalid`` unless it hangs on ``line``."""
    if found is None or found.line != line:
        raise Refused(Refusal(CURSOR))
    return found
