"""Staff and keys; lines and exits as a terminal shows them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from whiteslip import billing, exits, lines
from whiteslip.app.commands_setup import LINK_MINUTES, Json, Limit, console_link
from whiteslip.app.duty import By, acting, colleague
from whiteslip.app.settings import load
from whiteslip.app.terminal import CommandError, Exit, answer, data, pairs, read_file, refuse, say, table
from whiteslip.app.wiring import opened, working
from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public, public
from whiteslip.billing import rules as billing_rules
from whiteslip.exits import evidence, freezes, terminations
from whiteslip.exits import store as exits_store
from whiteslip.exits.choices import Only
from whiteslip.exits.freezes import FILE_NUMBER, Freeze, Order
from whiteslip.exits.model import Channel, Reason, State
from whiteslip.exits.model import Exit as Case
from whiteslip.exits.orders import shown_case, shown_locks
from whiteslip.identity import access
from whiteslip.identity.model import Kind, Role
from whiteslip.lines import Line
from whiteslip.lines.acts import page_of_lines
from whiteslip.store import Tx
from whiteslip.store.timers import present


def _not_blank(_: object, name: str) -> None:
    """What is shown in lists and journals has a name that can be seen. Raises ValueError."""
    if not name.strip():
        raise ValueError("a name is not blank")


def _file_number(_: object, text: str) -> None:
    """An authority's file number, and nobody's story. Raises ValueError."""
    if not FILE_NUMBER.fullmatch(text):
        raise ValueError("a file number has up to 60 letters, digits, spaces and / . ( ) -")


FileNumber = Annotated[str, Parameter(validator=_file_number)]
Named = Annotated[str, Parameter(validator=_not_blank)]


def user_create(name: Named, /, *, role: Role = Role.REVIEWER, json: Json = False) -> None:
    """Add a member of staff and print a link with which they sign in and choose a password."""
    with working() as (_, tx):
        now = present(tx)
        made = access.create_staff(tx, name, role, None, now)
        if isinstance(made, Refusal):
            refuse(made)
        link = console_link(access.make_link(tx, Kind.STAFF, made.id, LINK_MINUTES, now))
    answer({"name": name, "role": role, "link": link}, json, lambda: pairs({"role": role, "link": link}))


def user_link(name: str, /, *, json: Json = False) -> None:
    """Print a new one-time link for somebody who lost their password."""
    with working() as (_, tx):
        token = access.make_link(tx, Kind.STAFF, colleague(tx, name).id, LINK_MINUTES, present(tx))
    answer({"link": console_link(token)}, json, lambda: data(console_link(token)))


def user_list(*, json: Json = False) -> None:
    """List the staff."""
    with working() as (_, tx):
        found = access.all_staff(tx)
    rows = [{"name": staff.name, "role": staff.role} for staff in found]
    answer(rows, json, lambda: table(["name", "role"], [[s.name, s.role] for s in found]))


def keys_create(
    name: Named,
    /,
    *,
    scope: Literal["read", "write", "all"] = "all",
    owner: Annotated[str | None, Parameter(help="Who answers for it: a member of staff, by name.")] = None,
    json: Json = False,
) -> None:
    """Make a key for the API. It is shown once. What takes two people takes keys of two owners."""
    scopes = ["read", "write"] if scope == "all" else [scope]
    with working() as (_, tx):
        whose = colleague(tx, owner) if owner else None
        secret = access.create_key(tx, name, scopes, present(tx), whose.id if whose else None)
    answer({"key": secret, "scopes": scopes, "owner": owner}, json, lambda: data(secret))


Seer = Annotated[
    str | None,
    Parameter(name="--by", help="A reviewer or an admin by name, who may see orders of the law too."),
]


def _line_row(line: Line, all_of_it: bool = False) -> dict[str, Any]:
    return {
        "id": public("line", line.id),
        "lifecycle": line.lifecycle,
        "locks": shown_locks(line, all_of_it),
        "drawing_stopped": line.drawing_stopped,
        "currency": line.currency,
        "limit_minor": line.limit_minor,
        "owed_minor": line.owed_minor,
        "held_minor": line.held_minor,
        "credit_minor": line.credit_minor,
        "available_minor": line.available_minor,
    }


def lines_list(*, after: str | None = None, limit: Limit = 50, by: Seer = None, json: Json = False) -> None:
    """List lines in the order they were opened."""
    with working() as (_, tx):
        start = line_named(tx, after).id if after else None
        handles = _handles_orders(tx, by)
        rows = [_line_row(line, handles) for line in page_of_lines(tx, start, limit)]
    columns = ["id", "lifecycle", "limit_minor", "owed_minor", "held_minor", "available_minor"]
    answer(rows, json, lambda: table(columns, [[row[c] for c in columns] for row in rows], columns[2:]))
    if len(rows) == limit:
        say(f"there may be more: whiteslip lines list --after {rows[-1]['id']}")


def _handles_orders(tx: Tx, by: str | None) -> bool:
    return by is not None and bool(acting(tx, by))


def lines_unused(*, limit: Limit = 50, json: Json = False) -> None:
    """List lines that owe nothing and on which nothing has moved for their pack's months."""
    with working() as (_, tx):
        rows = [_line_row(line) for line in terminations.inactive(tx, present(tx), None, limit)]
    columns = ["id", "lifecycle", "limit_minor", "owed_minor", "held_minor", "available_minor"]
    answer(rows, json, lambda: table(columns, [[row[c] for c in columns] for row in rows], columns[2:]))
    _say_if_cut(rows, limit)


def _say_if_cut(rows: list[dict[str, Any]], limit: int) -> None:
    if len(rows) == limit:
        say(f"these are the first {limit}; there may be more: --limit {limit * 10}")


def line_named(tx: Tx, line_id: str) -> Line:
    """A line by its public id; refused where there is none."""
    wanted = parse_public("line", line_id)
    found = lines.get_line(tx, wanted) if wanted else Refusal("line.not_found")
    if isinstance(found, Refusal):
        refuse(found)
    return found


def lines_show(line_id: str, /, *, by: Seer = None, json: Json = False) -> None:
    """Show one line in its three regions: lifecycle, locks, debt."""
    with working() as (_, tx):
        line = line_named(tx, line_id)
        today = line.today(present(tx))
        debt = billing.debt(tx, line.id, today)
        quote, handles = billing.payoff(tx, line, today), _handles_orders(tx, by)
    shown = _line_row(line, handles) | {
        "bucket": billing_rules.bucket(debt),
        "days_past_due": debt.days_past_due,
        "risk_class": billing_rules.class_of(debt),
        "ifrs_stage": billing_rules.stage_of(debt),
        "payoff_minor": quote.total_minor,
        "payoff_good_through": quote.good_through,
    }
    answer(shown, json, lambda: pairs(shown))


def _freeze_row(one: Freeze) -> dict[str, Any]:
    return {
        "line": public("line", one.line),
        "state": one.state,
        "ground": one.ground,
        "reference": one.reference,
        "placed_at": one.placed_at,
        "lifted_at": one.lifted_at,
    }


def lines_freeze(
    line_id: str, /, *, ground: Order, reference: FileNumber, by: By, json: Json = False
) -> None:
    """Propose to freeze a LINE by an order of the law; the same by somebody else places it."""
    with working() as (platform, tx):
        line, office, actor = line_named(tx, line_id), platform.ports.office, acting(tx, by)
        done = freezes.place(tx, office, line.id, ground, reference, actor, present(tx))
        if isinstance(done, Refusal):
            refuse(done)
    answer(_freeze_row(done), json, lambda: pairs(_freeze_row(done)))


def lines_unfreeze(line_id: str, /, *, by: By, json: Json = False) -> None:
    """Propose to lift the order on a LINE, as its authority said; again by somebody else lifts it."""
    with working() as (platform, tx):
        line, office, actor = line_named(tx, line_id), platform.ports.office, acting(tx, by)
        done = freezes.lift(tx, office, line.id, actor, present(tx))
        if isinstance(done, Refusal):
            refuse(done)
    answer(_freeze_row(done), json, lambda: pairs(_freeze_row(done)))


def lines_turn_down_freeze(line_id: str, /, *, by: By, json: Json = False) -> None:
    """Turn down what somebody else proposed of an order on a LINE, the order or its lift."""
    with working() as (_, tx):
        line, actor = line_named(tx, line_id), acting(tx, by)
        done = freezes.turn_down(tx, line.id, actor, present(tx))
        if isinstance(done, Refusal):
            refuse(done)
    answer(_freeze_row(done), json, lambda: pairs(_freeze_row(done)))


def _case_row(found: Case, all_of_it: bool = False) -> dict[str, Any]:
    case = shown_case(found, all_of_it)
    return {
        "reference": case.reference,
        "id": public("exit", case.id),
        "line": public("line", case.line),
        "state": case.state,
        "why": case.why,
        "since": case.since,
        "requested_at": case.requested_at,
        "due_at": case.due_at,
        "last_due_on": case.plan.last_due_on,
    }


def exits_list(
    *,
    state: State | None = None,
    reason: Reason | None = None,
    sent_by: Annotated[str | None, Parameter(help="The rule that sent them to the desk.")] = None,
    limit: Limit = 50,
    by: Seer = None,
    json: Json = False,
) -> None:
    """List exits in the order they were asked for."""
    with working() as (_, tx):
        found = exits_store.page(tx, None, limit, Only(state, reason, sent_by))
        handles = _handles_orders(tx, by)
        rows = [_case_row(case, handles) for case in found]
    columns = ["reference", "state", "why", "since", "line"]
    answer(rows, json, lambda: table(columns, [[row[c] for c in columns] for row in rows]))
    _say_if_cut(rows, limit)


def exits_show(reference: str, /, *, by: Seer = None, json: Json = False) -> None:
    """Show one exit by its reference."""
    with working() as (_, tx):
        case, handles = exits_store.by_reference(tx, reference), _handles_orders(tx, by)
    if case is None:
        raise CommandError(f"there is no exit {reference}", Exit.NOT_FOUND, hint="whiteslip exits list")
    shown = _case_row(case, handles)
    answer(shown, json, lambda: pairs(shown))


def exits_request(
    line_id: str,
    /,
    *,
    by: By,
    channel: Literal["phone", "paper"] = "phone",
    dry_run: bool = False,
    json: Json = False,
) -> None:
    """Ask to close a line for a customer who called or wrote: drawing stops at once, the closing waits.

    How you made sure who asked is recorded on the case at the desk, or the request lapses.
    --dry-run tells what would happen and changes nothing.
    """
    with opened(load(os.environ)) as platform:
        database = platform.database
        with database.dry_run() if dry_run else database.transaction() as tx:
            line = line_named(tx, line_id)
            office = platform.ports.office
            case = exits.request(tx, office, line.id, Channel(channel), acting(tx, by), present(tx))
            if isinstance(case, Refusal):
                refuse(case)
            row = _case_row(case, all_of_it=True) | {"outcome": case.plan.outcome}
    answer(row, json, lambda: pairs(row))


def exits_paper(reference: str, file: Path, /, *, by: By, json: Json = False) -> None:
    """Hand in FILE as the paper that was asked for in the case with REFERENCE."""
    content = read_file(file)
    with working() as (platform, tx):
        case, now = exits_store.by_reference(tx, reference), present(tx)
        if case is None:
            raise CommandError(f"there is no exit {reference}", Exit.NOT_FOUND, hint="whiteslip exits list")
        asked = [one for one in exits_store.paper_requests(tx, case.id) if one.is_open(now)]
        if not asked:
            refuse(Refusal("document.not_asked"))
        done = evidence.hand_in(tx, platform.ports.vault, asked[0], content, acting(tx, by), now)
    if isinstance(done, Refusal):
        refuse(done)
    shown = {"reference": reference, "wanted": done.wanted, "handed_in_at": done.handed_in_at}
    answer(shown, json, lambda: pairs(shown))


def exits_agreement(*, json: Json = False) -> None:
    """How often reviewers chose what the table had advised: with the advice hidden, and shown."""
    with working() as (_, tx):
        counted = exits_store.agreement(tx)
    rows = [
        {"advice": "hidden", "cases": counted.blind, "agreed": counted.blind_agreed},
        {"advice": "shown", "cases": counted.seen, "agreed": counted.seen_agreed},
    ]
    columns = ["advice", "cases", "agreed"]
    answer(rows, json, lambda: table(columns, [[row[c] for c in columns] for row in rows], columns[1:]))


def register(app: App) -> None:
    """Add these commands."""
    user = App(name="user", help="Staff.")
    user.command(user_create, name="create")
    user.command(user_link, name="link")
    user.command(user_list, name="list")
    app.command(user)
    keys = App(name="keys", help="Keys for the API.")
    keys.command(keys_create, name="create")
    app.command(keys)
    of_lines = App(name="lines", help="Lines.")
    of_lines.command(lines_list, name="list")
    of_lines.command(lines_show, name="show")
    of_lines.command(lines_unused, name="unused")
    of_lines.command(lines_freeze, name="freeze")
    of_lines.command(lines_unfreeze, name="unfreeze")
    of_lines.command(lines_turn_down_freeze, name="turn-down-freeze")
    app.command(of_lines)
    of_exits = App(name="exits", help="Customers who leave.")
    of_exits.command(exits_list, name="list")
    of_exits.command(exits_show, name="show")
    of_exits.command(exits_request, name="request")
    of_exits.command(exits_agreement, name="agreement")
    of_exits.command(exits_paper, name="paper")
    app.command(of_exits)
