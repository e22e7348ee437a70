"""Capacity that leaving freed, at a terminal."""

from __future__ import annotations

import os
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from whiteslip import treasury
from whiteslip.app.commands_lake import AsOf, last_sealed, say_stale, the_lake
from whiteslip.app.commands_portfolio import Segment
from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.settings import load
from whiteslip.app.terminal import answer, data, pairs, refuse, say, table
from whiteslip.app.wiring import working
from whiteslip.base import Money, Refusal
from whiteslip.base.ids import parse_public, public
from whiteslip.store.timers import present
from whiteslip.treasury import Appetite, Basis, Plan, store, words

Months = Annotated[int, Parameter(help="How many months of closings count.")]
Currency = Annotated[str | None, Parameter(help="Needed where the book has several.")]


def _basis(
    as_of: AsOf, segment: str, months: int, currency: str | None, given: Appetite | None = None
) -> Basis:
    engine = load(os.environ).text("lake_engine")
    found = treasury.basis(the_lake(), as_of or last_sealed(), segment, months, currency, given, engine)
    if isinstance(found, Refusal):
        refuse(found)
    say_stale(found.day, found.why)
    return found


def _rows(shown: Any) -> tuple[list[str], list[list[object]]]:
    records = [msgspec.structs.asdict(each) for each in shown]
    columns = list(records[0]) if records else []
    return columns, [list(each.values()) for each in records]


def freed(
    *,
    as_of: AsOf = None,
    segment: Segment = "limit",
    months: Months = 3,
    currency: Currency = None,
    json: Json = False,
) -> None:
    """Show what lines that stopped drawing gave back, and who could be asked."""
    found = _basis(as_of, segment, months, currency)

    def human() -> None:
        data(f"freed in {found.months} months until {found.day}, {found.currency}")
        table(*_rows(found.freed))
        data("")
        data("open lines")
        table(*_rows(found.segments))

    answer(found, json, human)


def propose(
    *,
    step_minor: int,
    funding_minor: int,
    loss_at_most_minor: int,
    by: By,
    as_of: AsOf = None,
    segment: Segment = "limit",
    months: Months = 3,
    currency: Currency = None,
    pd_at_most_ppm: int = 50_000,
    share_at_most_bps: int = 6_000,
    take_up_bps: int = 2_000,
    least_offers: int = treasury.LEAST,
    campaign_minor: int = 0,
    reuse_bps: int = 10_000,
    funding_cost_bps: int = 500,
    json: Json = False,
) -> None:
    """Propose which segments get what was freed. It changes no limit.

    --step-minor is by how much one offer would raise a limit; --funding-minor and
    --loss-at-most-minor are what may be lent and lost in a year.
    """
    appetite = Appetite(
        step_minor=step_minor,
        funding_minor=funding_minor,
        loss_at_most_minor=loss_at_most_minor,
        pd_at_most_ppm=pd_at_most_ppm,
        share_at_most_bps=share_at_most_bps,
        take_up_bps=take_up_bps,
        least_offers=least_offers,
        campaign_minor=campaign_minor,
        reuse_bps=reuse_bps,
        funding_cost_bps=funding_cost_bps,
    )
    found = _basis(as_of, segment, months, currency, appetite)
    with working() as (_, tx):
        plan = treasury.propose(tx, found, appetite, acting(tx, by), present(tx))
        if isinstance(plan, Refusal):
            refuse(plan)
    _print(plan, json)
    say(f"next, by somebody else: whiteslip capacity decide {public('cap', plan.id)} --by NAME")


def _written(amount: Money) -> str:
    return f"{amount.currency} {amount.minor // 100:,}.{amount.minor % 100:02d}"


def _print(plan: Plan, json: bool) -> None:
    basis, found = plan.basis, plan.answer
    told = words.explain(found.prices, basis.currency, "en", _written)
    head = {
        "id": public("cap", plan.id),
        "day": basis.day,
        "currency": basis.currency,
        "state": plan.outcome or "proposed",
        "proposed_by": plan.proposed_by,
        "decided_by": plan.decided_by or "",
    }

    def human() -> None:
        pairs(head)
        data("")
        columns = ["plan", *(name for name, _ in found.best.offers), "worth_minor"]
        rivals = {"best": found.best, "greedy": found.greedy, "proportional": found.proportional}
        rows = [
            [name, *(count for _, count in each.offers), each.worth_minor] for name, each in rivals.items()
        ]
        table(columns, rows)
        data("")
        for sentence in told:
            data(sentence)

    shown = head | {"basis": basis, "appetite": plan.appetite, "answer": found, "explained": told}
    answer(shown, json, human)


def show_all(*, json: Json = False) -> None:
    """List plans, those that wait first."""
    with working() as (_, tx):
        found = store.plans(tx)
    rows = [
        {
            "id": public("cap", each.id),
            "day": each.basis.day,
            "currency": each.basis.currency,
            "worth_minor": each.answer.best.worth_minor,
            "state": each.outcome or "proposed",
            "proposed_by": each.proposed_by,
        }
        for each in found
    ]
    columns = ["id", "day", "currency", "worth_minor", "state", "proposed_by"]
    answer(rows, json, lambda: table(columns, [[row[c] for c in columns] for row in rows]))


def show(plan_id: str, /, *, json: Json = False) -> None:
    """Show a plan with its rivals and what each limit is worth, in words."""
    wanted = parse_public("cap", plan_id)
    with working() as (_, tx):
        found = store.find(tx, wanted) if wanted else None
    if found is None:
        refuse(Refusal("capacity.plan_not_found"))
    _print(found, json)


def decide(plan_id: str, /, *, by: By, turn_down: bool = False, json: Json = False) -> None:
    """Approve or turn down a plan: who proposed it does not approve it."""
    wanted = parse_public("cap", plan_id)
    if wanted is None:
        refuse(Refusal("capacity.plan_not_found"))
    with working() as (_, tx):
        done = treasury.decide(tx, wanted, not turn_down, acting(tx, by), present(tx))
        if isinstance(done, Refusal):
            refuse(done)
    _print(done, json)


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="capacity", help="What leaving freed, and plans for it. No plan changes a limit.")
    group.command(freed)
    group.command(propose)
    group.command(show_all, name="list")
    group.command(show)
    group.command(decide)
    app.command(group)
