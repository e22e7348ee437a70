"""Pages of what hangs on a line, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from whiteslip import lines
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.store import Tx
from whiteslip.web.api.access import Page, granted, identifier, page_of, read
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.problems import Refused

CURSOR: Final = "request.cursor_invalid"


class Named(Protocol):
    """What has an identifier."""

    @property
    def id(self) -> UUID: ...


class OnLine(Named, Protocol):
    """What hangs on a line."""

    @property
    def line(self) -> UUID: ...


T = TypeVar("T", bound=Named)
R = TypeVar("R", bound=OnLine)


def page_on_line(
    request: WebRequest,
    line_id: str,
    prefix: str,
    after: str | None,
    limit: int,
    question: Callable[[Tx, UUID, UUID | None, int], list[T]],
    shape: Callable[[T], Any],
) -> Page:
    """A page of what hangs on a line: ``question`` asks for so many that follow an identifier.

    Raises Refused: ``line.not_found``, ``request.cursor_invalid``.
    """
    wanted = identifier("line", line_id, "line.not_found")
    start = identifier(prefix, after, CURSOR) if after else None

    def find(tx: Tx, _now: datetime) -> Page:
        granted(lines.get_line(tx, wanted))
        found = question(tx, wanted, start, limit + 1)
        return page_of(found, limit, shape, lambda row: public(prefix, row.id))

    return read(request, find)


def known(found: R | None, line: UUID) -> R:
    """The row that a cursor names. Raises Refused: ``request.cursor_invalid`` unless it hangs on ``line``."""
    if found is None or found.line != line:
        raise Refused(Refusal(CURSOR))
    return found
