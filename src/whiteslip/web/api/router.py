"""The routes of version 1, behind one guard."""

from __future__ import annotations

from typing import Final

from litestar import Router

from whiteslip.web.api import (
    accounts,
    alerts,
    applications,
    capacity,
    cases,
    chargeoffs,
    clock,
    complaints,
    contacts,
    disputes,
    freezes,
    funding,
    hardship,
    insight,
    leaving,
    lender,
    lines,
    locks,
    money,
    objections,
    papers,
    payday,
    payouts,
    policies,
    portfolio,
    privacy,
    restrictions,
    sales,
    statements,
    stress,
    ties,
    webhooks,
)
from whiteslip.web.api.access import authenticate, only_known_parameters

routers: Final = [
    Router(
        path="/v1",
        route_handlers=[
            *lines.handlers,
            *contacts.handlers,
            *locks.handlers,
            *restrictions.handlers,
            *freezes.handlers,
            *applications.handlers,
            *money.handlers,
            *disputes.handlers,
            *hardship.handlers,
            *payday.handlers,
            *chargeoffs.handlers,
            *sales.handlers,
            *payouts.handlers,
            *accounts.handlers,
            *statements.handlers,
            *complaints.handlers,
            *objections.handlers,
            *privacy.handlers,
            *funding.handlers,
            *leaving.handlers,
            *papers.handlers,
            *cases.handlers,
            *lender.handlers,
            *alerts.handlers,
            *ties.handlers,
            *portfolio.handlers,
            *insight.handlers,
            *capacity.handlers,
            *stress.handlers,
            *clock.handlers,
            *policies.handlers,
            *webhooks.handlers,
        ],
        guards=[authenticate, only_known_parameters],
        include_in_schema=True,
        opt={"own_forms": False},
        tags=["v1"],
        security=[{"bearer": []}],
    )
]
