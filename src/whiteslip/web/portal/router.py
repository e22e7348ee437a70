"""The routes of the customer's door."""

from __future__ import annotations

from typing import Final

from litestar import Router

from whiteslip.web.portal.account.handlers import account_handlers
from whiteslip.web.portal.apply.handlers import apply_handlers
from whiteslip.web.portal.case.handlers import case_handlers
from whiteslip.web.portal.close.handlers import close_handlers
from whiteslip.web.portal.complain.handlers import complain_handlers
from whiteslip.web.portal.confirm.handlers import confirm_handlers
from whiteslip.web.portal.contact.handlers import contact_handlers
from whiteslip.web.portal.data.handlers import data_handlers
from whiteslip.web.portal.dispute.handlers import dispute_handlers
from whiteslip.web.portal.hardship.handlers import hardship_handlers
from whiteslip.web.portal.help.handlers import help_handlers
from whiteslip.web.portal.higher.handlers import higher_handlers
from whiteslip.web.portal.leave.handlers import leave_handlers
from whiteslip.web.portal.letters.handlers import letter_handlers
from whiteslip.web.portal.line.handlers import line_handlers
from whiteslip.web.portal.locks.handlers import lock_handlers
from whiteslip.web.portal.paper.handlers import paper_handlers
from whiteslip.web.portal.payday.handlers import payday_handlers
from whiteslip.web.portal.phone.handlers import phone_handlers
from whiteslip.web.portal.report.handlers import report_handlers
from whiteslip.web.portal.restriction.handlers import restriction_handlers
from whiteslip.web.portal.sign_in.handlers import sign_in_handlers
from whiteslip.web.portal.start.handlers import start_handlers
from whiteslip.web.portal.statements.handlers import statement_handlers
from whiteslip.web.portal.terms.handlers import terms_handlers
from whiteslip.web.portal.users.handlers import user_handlers
from whiteslip.web.portal.withdraw.handlers import withdraw_handlers

routers: Final = [
    Router(
        path="/",
        route_handlers=[
            *start_handlers,
            *sign_in_handlers,
            *confirm_handlers,
            *apply_handlers,
            *line_handlers,
            *lock_handlers,
            *higher_handlers,
            *restriction_handlers,
            *terms_handlers,
            *user_handlers,
            *withdraw_handlers,
            *dispute_handlers,
            *hardship_handlers,
            *payday_handlers,
            *leave_handlers,
            *case_handlers,
            *close_handlers,
            *letter_handlers,
            *statement_handlers,
            *contact_handlers,
            *account_handlers,
            *data_handlers,
            *help_handlers,
            *complain_handlers,
            *report_handlers,
            *paper_handlers,
            *phone_handlers,
        ],
    )
]
