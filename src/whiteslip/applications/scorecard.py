"""The scorecard of applications: a model like any other, scored by ``whiteslip.decisions.scoring``.

The one that ships scores until the lender's own, fitted in the lab, is the champion called
``application``. Points, doubling and reasons are as in Siddiqi, Credit Risk Scorecards (2006), chapter 6.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from whiteslip.decisions.scoring import Model, decoded

NAME: Final = "application"
SHIPPED: Final = Path(__file__).with_name("scorecards") / "application.json"
# What is known of an applicant when they are scored.
FACTS: Final = frozenset(
    {"debt_service_ratio_bps", "lenders_elsewhere", "income_proven", "past_due_elsewhere"}
)
_MAY_MISS: Final = "past_due_elsewhere"


@cache
def shipped() -> Model:
    """The scorecard that ships."""
    return decoded(SHIPPED.read_bytes())


def faults(model: Model) -> list[str]:
    """Why a model cannot score applications, in words; empty when it can."""
    found = [f"{fact.name} is no fact of an application" for fact in model.facts if fact.name not in FACTS]
    takes = {fact.name for fact in model.facts if fact.may_miss} - {
        part.fact for part in model.parts if part.missing is None
    }
    if any(fact.name == _MAY_MISS for fact in model.facts) and _MAY_MISS not in takes:
        found.append(f"{_MAY_MISS} is absent where no bureau's file was read")
    return found if model.kind == "scorecard" else [*found, "the table of limits reads points"]
