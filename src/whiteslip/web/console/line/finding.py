"""Find a line at the desk: by its id or a case's reference, by how late it is, by when it was opened."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromQuery, QueryParameter

from whiteslip import billing, lines
from whiteslip.base import Refusal, add_months, local_day
from whiteslip.base.ids import parse_public, parse_spoken, spoken
from whiteslip.billing import store as billing_store
from whiteslip.exits import store as exits_store
from whiteslip.exits import terminations
from whiteslip.lines.acts import lines_ending_in, opened_between
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.kit.cookies import WebRequest, settings_of
from whiteslip.web.kit.forms import see_other
from whiteslip.web.kit.pages import page

AT: Final = f"{HOME}/lines"
_SHOWN: Final = 50
_LISTED: Final = 200
_ENDLESS: Final = 100_000
DaysLate = Annotated[int | None, QueryParameter(ge=0, le=_ENDLESS)]
OpenedIn = Annotated[str | None, QueryParameter(pattern=r"^2\d{3}-(0[1-9]|1[0-2])$")]


def _find(duty: Duty, wanted: str) -> UUID | None:
    """A line by its reference or its own id, or by the reference of one of its cases."""
    tail = parse_spoken("LN", wanted)
    if tail is not None:
        alike = lines_ending_in(duty.tx, tail)
        return alike[0] if len(alike) == 1 else None
    line_id = parse_public("line", wanted.lower())
    if line_id is None:
        case = exits_store.by_reference(duty.tx, wanted.upper())
        return case.line if case else None
    return None if isinstance(lines.get_line(duty.tx, line_id), Refusal) else line_id


@get("/lines", sync_to_thread=True)
def index(
    request: WebRequest,
    line: FromQuery[str | None] = None,
    late_from: DaysLate = None,
    late_to: DaysLate = None,
    opened: OpenedIn = None,
) -> Response[Any]:
    """Find a line; what waits for a second person; lines that nobody uses. With days past due or a month of
    opening: the lines behind a figure, as they stand now.
    """

    def act(duty: Duty) -> Response[Any]:
        if late_from is not None or late_to is not None or opened is not None:
            return _some(duty, late_from or 1, _ENDLESS if late_to is None else late_to, opened)
        wanted = (line or "").strip()
        found = _find(duty, wanted) if wanted else None
        if found:
            return see_other(request, f"{AT}/{found}")
        return page(
            request,
            "console/line/index.html",
            wanted=wanted,
            proposals=exits_store.open_terminations(duty.tx, None, _SHOWN),
            unused=terminations.inactive(duty.tx, duty.now, None, _SHOWN),
            **duty.shown(),
        )

    return on_duty(request, act)


def _some(duty: Duty, least: int, most: int, opened: str | None) -> Response[Any]:
    """Lines by days past due today, or by the month they were opened in."""
    tx, today = duty.tx, local_day(duty.now, settings_of(duty.request).timezone)
    if opened is None:
        ids = billing_store.late_lines(tx, today, least, most, _LISTED + 1)
    else:
        month = date.fromisoformat(f"{opened}-01")
        ids = opened_between(tx, month, add_months(month, 1), _LISTED + 1)
    found, debts = lines.get_lines(tx, ids), billing.debts(tx, ids, today)
    late = {line: debt.days_past_due for line, debt in debts.items()}
    return page(
        duty.request,
        "console/line/some.html",
        rows=[(found[one], spoken("LN", one), late.get(one, 0)) for one in ids[:_LISTED]],
        more=len(ids) > _LISTED,
        least=least,
        most=None if most == _ENDLESS else most,
        opened=opened,
        today=today,
        **duty.shown(),
    )
