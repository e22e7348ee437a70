"""Every page there is, as views: whose eyes, which path, and what to do there first.

A route that answers a page must be here: ``tests/house/test_gallery.py`` fails otherwise. A new page is
one line in ``VIEWS``; in braces stand facts of ``stage.py``. A route that answers a file is one line in
``FILES``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from litestar import Litestar
from litestar.routes import HTTPRoute

if TYPE_CHECKING:
    from playwright.sync_api import Page

Facts = dict[str, str]
Do = Callable[["Page", Facts], object]


@dataclass(frozen=True)
class View:
    """A page as ``who`` sees it. ``do`` is done there first; what it leads to has ``status``. What is
    ``scripted`` has a sister that does the same without a script. ``chosen`` are boxes that are ticked
    because they say how it is already.
    """

    path: str
    who: str = ""
    do: Do | None = None
    status: int = 200
    name: str = ""
    scripted: bool = False
    chosen: tuple[str, ...] = ()

    @property
    def is_fair(self) -> bool:
        """Whether it is judged for deceiving: every page of a customer, but the sampler of parts."""
        return self.door == "portal" and self.path not in {"/kit", "/api", "/api/problems"}

    @property
    def door(self) -> str:
        """Whose page it is."""
        return "console" if self.path.startswith(("/console", "/kit/console")) else "portal"

    @property
    def label(self) -> str:
        """What its screenshots are called."""
        said = re.sub(r"[^a-z0-9]+", "-", self.path.replace("/lines/", "/").lower()).strip("-")
        return "-".join(part for part in (said or "start", self.name) if part)


def press(selector: str) -> Do:
    """Press a button."""
    return lambda page, _facts: page.click(selector)


def unfold(page: Page, _facts: Facts) -> None:
    """Open all that is folded."""
    for summary in page.locator("main summary").all():
        summary.click()


def type_days(page: Page, _facts: Facts) -> None:
    """Type words where days are asked for, and no number where a row asks for one."""
    page.fill("#due_days", "soon")
    page.fill("#instalments_0", "many")
    page.click("#form .button.primary")


def type_phone(page: Page, facts: Facts) -> None:
    """Ask for a code to sign in by."""
    page.fill("#phone", facts["code_phone"])
    page.click("#form .button.primary")


def type_person(page: Page, facts: Facts, who: str = "form") -> None:
    """Say who it is, as the form of somebody who is not signed in asks."""
    for name in ("phone", "full_name", "id_number"):
        page.fill(f"#{name}", facts[f"{who}_{name.removeprefix('full_').removesuffix('_number')}"])
    page.click("#form .button.primary")


def give_up_the_code(page: Page, facts: Facts) -> None:
    """Say that no code can be had."""
    type_person(page, facts)
    page.click("#without-code button")


def apply(page: Page, _facts: Facts) -> None:
    """Fill the application in, up to the code."""
    for name, text in (
        ("full_name", "欧阳明远"),
        ("id_number", "11010119900307803X"),
        ("phone", "+8613900000021"),
        ("email", "a@example.com"),
        ("net_income", "10000"),
        ("debt_service", "1000"),
    ):
        page.fill(f"#{name}", text)
    page.click("#consent")
    page.click("#form .button.primary")


def send_code(page: Page, facts: Facts) -> None:
    """On the page that asks who it is."""
    page.fill("#full_name", facts["clean_name"])
    page.fill("#id_number", facts["clean_id"])
    page.click("button[value=send]")


VIEWS: Final[tuple[View, ...]] = (
    View("/"),
    View("/help"),
    View("/sign-in"),
    View("/sign-in", do=press("#form .button.primary"), status=422, name="errors"),
    View("/sign-in/code", do=type_phone),
    View("/link/{link}"),
    View("/apply"),
    View("/apply", "", press("#form .button.primary"), 422, "errors", chosen=("0", "500000")),
    View("/apply/code", do=apply),
    View("/applications/{offered}", "offered"),
    View("/applications/{declined}", "declined"),
    View("/applications/{appealing}", "appealing"),
    View("/close"),
    View("/close", do=press("#form .button.primary"), status=422, name="errors"),
    View("/close/code", do=type_person),
    View("/close/waiting", do=give_up_the_code),
    View("/complain", name="outside"),
    View("/complain", "complaining"),
    View("/complain/received"),
    View("/paper"),
    View("/paper/thanks"),
    View("/phone"),
    View("/line", "clean", name="clean"),
    View("/line", "owing", name="owing"),
    View("/line", "late", name="late"),
    View("/line", "helped", name="helped"),
    View("/line", "breach", name="breach"),
    View("/line", "sold", name="sold"),
    View("/line", "promised", name="promised"),
    View("/line", "spared", name="spared"),
    View("/line", "full", name="full"),
    View("/line", "paused", name="paused"),
    View("/line", "firm", name="firm"),
    View("/line", "leaving", name="leaving"),
    View("/line", "gone", name="gone"),
    View("/line", "held", name="held"),
    View("/line", "restricted", name="restricted"),
    View("/line", "asked", name="asked"),
    View("/line", "noticed", name="noticed"),
    View("/line", "waiting", name="waiting"),
    View("/line", "offered", name="applicant"),
    View("/lines/{owing}/reduce", "owing"),
    View("/lines/{sure}/higher", "sure"),
    View("/lines/{clean}/locks", "clean"),
    View("/lines/{firm}/locks", "firm"),
    View("/lines/{restricted}/restriction", "restricted"),
    View("/lines/{asked}/terms", "asked"),
    View("/lines/{full}/users", "full"),
    View("/lines/{drawn}/withdraw", "drawn"),
    View("/lines/{owing}/purchases/{owing_purchase}", "owing"),
    View("/lines/{owing}/purchases/{owing_purchase}", "owing", press("#form .button.primary"), 422, "errors"),
    View("/lines/{full}/purchases/{full_purchase}", "full", name="disputed"),
    View("/lines/{won}/purchases/{won_purchase}", "won", name="approved"),
    View("/lines/{late}/hardship", "late"),
    View("/lines/{late}/payday", "late"),
    View("/lines/{late}/payday", "late", press("#form .button"), name="shown", chosen=("1",)),
    View("/lines/{helped}/hardship", "helped"),
    View("/lines/{clean}/leave", "clean"),
    View("/lines/{full}/leave", "full"),
    View("/lines/{late}/leave", "late"),
    View("/lines/{clean}/leave/identity", "clean"),
    View("/lines/{clean}/leave/identity", "clean", do=send_code, name="sent"),
    View("/lines/{owing}/leave/identity", "owing", press("#form .button.primary"), 422, "errors"),
    View("/confirm?to=/data", "clean"),
    View("/confirm?to=/line", "asked", name="asked"),
    View("/lines/{sure}/leave/check", "sure"),
    View("/lines/{bound}/leave/check", "bound"),
    View("/lines/{clean}/leave/without-code", "clean"),
    View("/lines/{clean}/leave/not-mine", "clean"),
    View("/exits/{leaving_case}", "leaving"),
    View("/exits/{leaving_case}", "leaving", do=unfold, name="unfolded"),
    View("/exits/{gone_case}", "gone"),
    View("/exits/{held_case}", "held"),
    View("/exits/{held_case}/paper", "held"),
    View("/exits/{held_case}/paper", "held", press("#form .button"), 422, "errors"),
    View("/exits/{denied_case}", "denied"),
    View("/exits/{withdrawn_case}", "withdrawn"),
    View("/exits/{noticed_case}", "noticed"),
    View("/exits/{waiting_case}", "waiting", do=unfold),
    View("/exits/{waiting_notice}", "waiting"),
    View("/exits/{overtaken_case}", "overtaken"),
    View("/exits/{overtaken_notice}", "overtaken"),
    View("/exits/{sold_case}", "sold"),
    View("/exits/{promised_case}", "promised"),
    View("/letters", "gone"),
    View("/letters", "spared", name="spared"),
    View("/letters", "clean", name="none"),
    View("/statements", "late"),
    View("/statements", "clean", name="none"),
    View("/statements/{late_bill}", "late"),
    View("/contact", "sure"),
    View("/contact", "sure", press("#form .button.primary"), 422, "errors"),
    View("/contact/code", "sure"),
    View("/lines/{sure}/account", "sure"),
    View("/lines/{sure}/account", "sure", press("#form .button.primary"), 422, "errors"),
    View("/lines/{bound}/account", "bound", name="verified"),
    View("/lines/{gone}/report", "gone"),
    View("/lines/{sure}/report", "sure", name="objected"),
    View("/lines/{gone}/report", "gone", press("#form .button.primary"), 422, "errors"),
    View("/data", "gone"),
    View("/data", "owing", name="owing"),
    View("/kit"),
    View("/api"),
    View("/api/problems"),
    # The desk
    View("/kit/console"),
    View("/console/sign-in"),
    View("/console/link/{desk_link}"),
    View("/console/password", "reviewer"),
    View("/console", "reviewer"),
    View("/console/all", "reviewer"),
    View("/console/all?state=closed&reason=other", "reviewer"),
    View("/console/cases/{held_case}", "reviewer"),
    View("/console/cases/{leaving_case}", "reviewer"),
    View("/console/cases/{gone_case}", "reviewer", do=unfold),
    View("/console/cases/{waiting_case}", "reviewer"),
    View("/console/cases/{waiting_notice}", "reviewer"),
    View("/console/cases/{overtaken_notice}", "reviewer"),
    View("/console/applications", "reviewer"),
    View("/console/applications/{appealing}", "reviewer"),
    View("/console/complaints", "reviewer"),
    View("/console/requests", "reviewer"),
    View("/console/requests/{complaining_request}", "reviewer"),
    View("/data", "complaining", name="asked"),
    View("/console/complaints/{complaining_complaint}", "reviewer"),
    View("/console/disputes", "reviewer"),
    View("/console/disputes/{dispute}", "reviewer", unfold),
    View("/console/disputes/{dispute}", "reviewer", press("#decide-lost .button"), 422, "errors"),
    View("/console/disputes/{dispute}", "reviewer", press("#read-1 .button"), name="read"),
    View("/console/disputes/{decided}", "reviewer"),
    View("/console/objections", "reviewer"),
    View("/console/restrictions", "reviewer"),
    View("/console/restrictions/{objection}", "reviewer"),
    View("/console/restrictions/{objection}", "reviewer", press("#stays .button"), 422, "errors"),
    View("/console/policies", "reviewer"),
    View("/console/terms", "reviewer"),
    View("/console/terms/new", "reviewer"),
    View("/console/terms/new?line={owing}", "reviewer"),
    View("/console/terms/new?line={owing}", "reviewer", type_days, 422, "errors"),
    View("/console/policies/purchase-authorisation/active", "reviewer"),
    View("/console/policies/purchase-authorisation/{draft}", "reviewer"),
    View("/console/policies/application-limit/active/edit", "reviewer"),
    View("/console/policies/purchase-authorisation/active/graph", "reviewer", scripted=True),
    View("/console/decisions/{decision}", "reviewer"),
    View("/console/decisions/{declined_decision}", "reviewer", name="of-an-application"),
    View("/console/alerts", "reviewer"),
    View("/console/alerts/{alert}", "reviewer"),
    View("/console/alerts/{asking}", "reviewer", name="step-up"),
    View("/console/lines", "reviewer"),
    View("/console/lines?late_from=1", "reviewer"),
    View("/console/lines/{clean}", "reviewer", do=unfold),
    View("/console/lines/{dead}", "reviewer", do=unfold),
    View("/console/lines/{restricted}", "reviewer"),
    View("/console/lines/{waiting}", "reviewer"),
    View("/console/lines/{asked}", "reviewer"),
    View("/console/lines/{clean}/contact", "reviewer"),
    View("/console/lines/{owing}/contact", "reviewer", name="proposed"),
    View("/console/lines/{sure}/account", "reviewer", press("#verify .button"), 422, "errors"),
    View("/console/lines/{bound}/account", "reviewer"),
    View("/console/lines/{dead}/account", "reviewer", name="estate"),
    View("/console/lines/{late}/debt", "reviewer"),
    View("/console/lines/{helped}/debt", "reviewer"),
    View("/console/lines/{lost}/debt", "reviewer"),
    View("/console/lines/{breach}/debt", "reviewer"),
    View("/console/lines/{sold}/debt", "reviewer"),
    View("/console/lines/{promised}/debt", "reviewer"),
    View("/console/lines/{spared}/debt", "reviewer"),
    View("/console/lines/{spared}", "reviewer", do=unfold),
    View("/console/portfolio", "reviewer"),
    View("/console/risk", "reviewer"),
    View("/console/risk/lines", "reviewer"),
    View("/console/risk/lines/{scored}", "reviewer"),
    View("/console/insight?since=2026-01-01", "reviewer"),
    View("/console/insight/reports/{month}", "reviewer"),
    View("/console/stress?leave=10&tornado=true&months=6", "reviewer"),
    View("/console/stress?leave=x", "reviewer", status=422, name="errors"),
    View("/console/capacity?months=12", "reviewer"),
    View("/console/capacity/plans/{plan}", "reviewer"),
    View("/console/funding", "reviewer"),
    View("/console/funding/warehouse", "reviewer"),
    View("/console/funding/second", "reviewer"),
)

# Answers that no browser shows as a page: papers, figures, and doors that only lead on.
FILES: Final = frozenset(
    {
        "/applications/{reference}/terms.pdf",
        "/letters/{name}",
        "/statements/{bill}/pdf",
        "/data.json",
        "/console/next",
        "/console/letters/{letter_id}",
        "/console/alerts.csv",
        "/console/alerts.pdf",
        "/console/applications/{reference}/{name}",
        "/console/policies/{name}/{version}/changed.csv",
        "/console/policies/{name}/{version}/matrix.csv",
        "/console/policies/{name}/{version}/matrix.pdf",
        "/console/portfolio/{name}",
        "/console/risk/{name}",
        "/console/risk/lines/{line}/{name}",
        "/console/insight/figures/{name}",
        "/console/stress/{name}",
        "/console/funding/{name}/{paper}",
        "/console/capacity/{name}",
        "/console/capacity/plans/{plan_id}/{name}",
        "/livez",
        "/readyz",
        "/metrics",
        "/version",
        "/static/{digest}/{name}",
    }
)


def routes(app: Litestar) -> set[str]:
    """The paths that answer GET, without the types of their parameters."""
    return {
        re.sub(r":\w+}", "}", route.path)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        and "GET" in route.methods
        # The machine's door has no pages, but for those that explain it.
        and not route.path.startswith(("/v1", "/api/openapi.json"))
    }


def route_of(path: str, known: Iterable[str]) -> str:
    """The route that answers a path; what is spelled out goes before a parameter."""
    bare = re.sub(r"{\w+}", "x", path.partition("?")[0])
    fitting = [each for each in known if re.fullmatch(re.sub(r"{\w+}", "[^/]+", each), bare)]
    return min(fitting, key=lambda each: each.count("{"), default="")
