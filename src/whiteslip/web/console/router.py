"""The routes of the desk."""

from __future__ import annotations

from typing import Final

from litestar import Router

from whiteslip.web.console.account.handlers import account_handlers
from whiteslip.web.console.alerts.handlers import alert_handlers
from whiteslip.web.console.applications.handlers import application_handlers
from whiteslip.web.console.capacity.handlers import capacity_handlers
from whiteslip.web.console.case.handlers import case_handlers
from whiteslip.web.console.case.papers import paper_handlers
from whiteslip.web.console.complaints.handlers import complaint_handlers
from whiteslip.web.console.contact.handlers import contact_handlers
from whiteslip.web.console.debt.handlers import debt_handlers
from whiteslip.web.console.disputes.handlers import dispute_handlers
from whiteslip.web.console.enter.handlers import enter_handlers
from whiteslip.web.console.funding.handlers import funding_handlers
from whiteslip.web.console.insight.handlers import insight_handlers
from whiteslip.web.console.line.estate import estate_handlers
from whiteslip.web.console.line.handlers import line_handlers
from whiteslip.web.console.objections.handlers import objection_handlers
from whiteslip.web.console.policies.handlers import policy_handlers
from whiteslip.web.console.portfolio.handlers import portfolio_handlers
from whiteslip.web.console.queue.handlers import queue_handlers
from whiteslip.web.console.requests.handlers import request_handlers
from whiteslip.web.console.restrictions.handlers import restriction_handlers
from whiteslip.web.console.risk.handlers import risk_handlers
from whiteslip.web.console.stress.handlers import stress_handlers
from whiteslip.web.console.terms.handlers import terms_handlers
from whiteslip.web.console.terms.proposing import proposing_handlers

routers: Final = [
    Router(
        path="/console",
        route_handlers=[
            *enter_handlers,
            *queue_handlers,
            *case_handlers,
            *paper_handlers,
            *application_handlers,
            *complaint_handlers,
            *dispute_handlers,
            *objection_handlers,
            *restriction_handlers,
            *request_handlers,
            *policy_handlers,
            *terms_handlers,
            *proposing_handlers,
            *alert_handlers,
            *line_handlers,
            *estate_handlers,
            *contact_handlers,
            *account_handlers,
            *debt_handlers,
            *portfolio_handlers,
            *risk_handlers,
            *insight_handlers,
            *stress_handlers,
            *capacity_handlers,
            *funding_handlers,
        ],
    )
]
