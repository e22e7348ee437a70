"""The test clock: an integrator runs a whole leaving in a minute."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Response
from litestar.params import JSONBody
from msgspec import Meta, Struct

from whiteslip.base import Refusal
from whiteslip.day import Ports as Nights
from whiteslip.day.clock import FARTHEST, advance, step_of
from whiteslip.store import Tx
from whiteslip.store.timers import StoredClock, next_timer, present
from whiteslip.web.api.access import Caller, get, post, read, write
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses


class AdvanceBody(Struct, forbid_unknown_fields=True):
    """How far, such as ``+30d``, ``+6h`` or ``+15m``; or the instant itself. One of the two."""

    by: Annotated[str, Meta(max_length=6, pattern=r"^\+?[0-9]{1,4}[dhm]$")] | None = None
    to: Annotated[datetime, Meta(tz=True)] | None = None


class ClockShape(Struct):
    """What time it is. ``is_test``: it stands still until it is advanced."""

    now: datetime
    is_test: bool
    next_timer: datetime | None = None


def _shape(tx: Tx, now: datetime) -> ClockShape:
    return ClockShape(now, StoredClock(tx).read() is not None, next_timer(tx))


@get("/test-clock", summary="What time it is", responses=problem_responses(401, 403))
def show_clock(request: WebRequest) -> ClockShape:
    """The installation's present, and when its next timer is due."""
    return read(request, _shape)


@post(
    "/test-clock/advance",
    summary="Let time go by",
    status_code=200,
    responses=problem_responses(401, 403, 409, 422),
)
def advance_clock(request: WebRequest, data: JSONBody[AdvanceBody]) -> Response[ClockShape]:
    """Move a test clock forward, through every night and timer on the way.

    Only where ``whiteslip clock`` or the demonstration has set a clock: a system that serves real
    people goes by the machine's. Under one ``Idempotency-Key`` time goes by once.
    """
    ports = ports_of(request, Ports)

    def target(tx: Tx, now: datetime, _caller: Caller) -> ClockShape:
        if StoredClock(tx).read() is None:
            raise Refused(Refusal("clock.not_a_test"))
        to = _target(data, now)
        if not now <= to <= now + FARTHEST:
            code = "clock.backwards" if to < now else "clock.too_far"
            raise Refused(Refusal(code, {"at": now.isoformat(), "days": FARTHEST.days}))
        return ClockShape(to, is_test=True)

    answer: Response[Any] = write(request, data, target)
    to = datetime.fromisoformat(answer.content["now"])
    nights = Nights(ports.office, ports.vault, ports.mailer, ports.courier, ports.lake)
    # Also when it is there already: the first to ask may have been cut off on the last yard.
    if read(request, lambda tx, _: present(tx)) <= to:
        granted(advance(ports.database, nights, ports.pack.timezone, to))
    return Response(read(request, _shape), headers=answer.headers)


def _target(data: AdvanceBody, now: datetime) -> datetime:
    if (data.by is None) == (data.to is None):
        raise Refused(Refusal("clock.step_unclear"))
    if data.to:
        return data.to
    step = step_of(data.by or "")
    if step is None:
        raise Refused(Refusal("clock.step_unclear"))
    return now + step


handlers: list[Any] = [show_clock, advance_clock]
