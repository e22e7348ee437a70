"""Help: how to reach us, how to complain, and five words that are kept apart."""

from __future__ import annotations

from typing import Final

from litestar import Response, get

from whiteslip.notices.compose import kept_by
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.kit.ports import Ports

# Jurisdictions whose ombudsman or supervisor the page names.
_NAMED: Final = frozenset({"cn", "eu", "uk", "us"})


@get("/help", sync_to_thread=True)
def help_page(request: WebRequest) -> Response[str]:
    """What people ask before and after they leave."""
    pack = ports_of(request, Ports).pack
    return page(
        request,
        "portal/help/page.html",
        regulator=pack.name if pack.name in _NAMED else "base",
        answer_days=pack.days("complaint.answer_days"),
        hold_days=pack.business_days("exit.identity_hold_business_days"),
        cancel_days=pack.days("exit.cancel_days"),
        keep_years=pack.years("retention.transactions_years"),
        kept_by=kept_by(pack.name, language_of(request)),
    )


help_handlers: Final = [help_page]
