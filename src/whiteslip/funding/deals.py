"""Read a deal from its file, and say all that is wrong with it. Pure."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID, uuid5

import msgspec

from whiteslip import packs
from whiteslip.base import add_months
from whiteslip.base.money import BASIS_POINTS, MINOR_DIGITS
from whiteslip.funding.model import Bucket, Concentration, Deal

REQUIRED: Final = "required"
_DATA: Final = Path(__file__).with_name("data")
_SPACE: Final = UUID("0b4b8f1e-6b0f-5f6e-9d0c-4f0a0f6f2a51")
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KINDS_OF_PLAN: Final = frozenset({"purchase", "late_fee", "residual", "hardship"})


class DealError(ValueError):
    """A deal file that cannot be used. ``faults`` says all that is wrong, in words."""

    def __init__(self, name: str, faults: list[str]) -> None:
        super().__init__(f"{name}: " + "; ".join(faults))
        self.name, self.faults = name, faults


def facility_id(name: str) -> UUID:
    """The id under which the journal and pledges know a facility."""
    return uuid5(_SPACE, name)


def examples() -> list[str]:
    """The deals that ship as worked examples."""
    return sorted(path.stem for path in _DATA.glob("*.toml"))


def example(name: str) -> str:
    """The text of an example. Raises DealError for one that does not exist."""
    if name not in examples():
        raise DealError(name, [f"there is no such example; there are: {', '.join(examples())}"])
    return (_DATA / f"{name}.toml").read_text("utf-8")


def version_of(deal: Deal) -> str:
    """The version of a deal: a hash of its content."""
    return hashlib.sha256(msgspec.json.encode(deal)).hexdigest()[:16]


def read(text: str, given: Mapping[str, str] | None = None) -> Deal:
    """A deal from TOML. ``given`` fills in by dotted name what the file calls "required".

    As texts have it, a file may say ``revolving_months`` for ``revolving_until``, and ``reference_bps``
    with ``margin_bps`` for ``funding_cost_bps``. Raises DealError with every fault.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DealError("the deal file", [f"it is not TOML: {error}"]) from None
    name = str(raw.get("name", "the deal file"))
    faults = [fault for key, value in (given or {}).items() if (fault := _put(raw, key, value))]
    faults += [f"{key} is required: no public text gives it, state it" for key in required(raw)]
    faults = faults or _work_out(raw)
    if faults:
        raise DealError(name, faults)
    try:
        deal = msgspec.convert(raw, Deal)
    except msgspec.ValidationError as error:
        raise DealError(name, [str(error)]) from None
    faults = list(contradictions(deal))
    if faults:
        raise DealError(name, faults)
    return deal


def required(raw: Mapping[str, Any], before: str = "") -> list[str]:
    """Dotted names of what a file leaves to whoever loads it."""
    found: list[str] = []
    for key, value in raw.items():
        if isinstance(value, dict):
            found += required(cast("dict[str, Any]", value), f"{before}{key}.")
        elif value == REQUIRED:
            found.append(f"{before}{key}")
    return found


def _work_out(raw: dict[str, Any]) -> list[str]:
    """Put what follows from other figures in their place; returns faults."""
    faults: list[str] = []
    months, begins = raw.pop("revolving_months", None), raw.get("begins_on")
    if months is not None:
        if "revolving_until" in raw:
            faults.append("revolving_months and revolving_until say the same: state one of them")
        elif type(months) is not int or months < 0 or not isinstance(begins, date):
            faults.append("revolving_months are whole months from begins_on")
        else:
            raw["revolving_until"] = add_months(begins, months)
    parts = [raw.pop(key) for key in ("reference_bps", "margin_bps") if key in raw]
    if parts:
        if "funding_cost_bps" in raw or len(parts) == 1:
            faults.append("funding_cost_bps is stated, or is reference_bps and margin_bps together")
        elif not all(type(part) is int for part in parts):
            faults.append("reference_bps and margin_bps are whole numbers")
        else:
            raw["funding_cost_bps"] = sum(parts)
    return faults


def _put(raw: dict[str, Any], dotted: str, text: str) -> str | None:
    """Write a whole number or a day at a dotted name that the file requires; returns a fault."""
    *groups, last = dotted.split(".")
    place = raw
    for group in groups:
        inner = place.get(group)
        place = cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}
    if place.get(last) != REQUIRED:
        return f"{dotted} is not open: the file states it or does not know it"
    if last.endswith(("_on", "_until")):
        try:
            place[last] = date.fromisoformat(text)
        except ValueError:
            return f"{dotted} is a day such as 2026-10-31, not {text!r}"
    elif re.fullmatch(r"-?\d+", text):
        place[last] = int(text)
    else:
        return f"{dotted} is a whole number, not {text!r}"
    return None


def contradictions(deal: Deal) -> Iterator[str]:
    """What in a well-formed deal cannot all be true."""
    if not _NAME.fullmatch(deal.name):
        yield f"name is lower-case words joined by hyphens, not {deal.name!r}"
    if deal.currency not in MINOR_DIGITS:
        yield f"currency {deal.currency!r} is unknown; known: {', '.join(MINOR_DIGITS)}"
    if deal.commitment_minor <= 0:
        yield "commitment_minor is above 0"
    if not deal.begins_on <= deal.revolving_until <= deal.ends_on:
        yield "begins_on, revolving_until and ends_on follow each other"
    if (deal.advance is None) == (deal.overcollateralisation is None):
        yield "a deal lends by advance or by overcollateralisation: exactly one of the two"
    for key, bps in _shares(deal):
        if not 0 <= bps <= BASIS_POINTS:
            yield f"{key} is from 0 to {BASIS_POINTS}, not {bps}"
    if deal.cure_days < 0 or deal.funding_cost_bps < 0:
        yield "cure_days and funding_cost_bps are 0 or more"
    yield from _of_eligibility(deal)
    yield from _of_product(deal)
    yield from _of_advance(deal)
    yield from _of_concentrations(deal.concentrations)


def _of_concentrations(limits: Sequence[Concentration]) -> Iterator[str]:
    for number, limit in enumerate(limits, 1):
        if (limit.by is Bucket.TERM) != (limit.above_days is not None):
            yield f"concentrations[{number}]: above_days belongs to a limit by term, and only to that"
        if (limit.by is Bucket.SCORE) != (limit.from_pd_bps is not None):
            yield f"concentrations[{number}]: from_pd_bps belongs to a limit by score, and only to that"
    if len({(c.by, c.above_days, c.from_pd_bps) for c in limits}) < len(limits):
        yield "two concentration limits on the same bucket"


def _of_product(deal: Deal) -> Iterator[str]:
    rules = deal.eligibility
    unknown = sorted(set(rules.jurisdictions) - set(packs.names()))
    if unknown:
        yield f"eligibility.jurisdictions are of {', '.join(packs.names())}; not {', '.join(unknown)}"
    if "" in rules.categories_excluded:
        yield "eligibility.categories_excluded names categories, not nothing"
    for name, least, most in (
        ("instalments", rules.instalments_at_least, rules.instalments_at_most),
        ("rate_bps", rules.rate_at_least_bps, rules.rate_at_most_bps),
        ("remaining_days", rules.remaining_days_at_least, rules.remaining_days_at_most),
    ):
        if least is not None and most is not None and least > most:
            yield f"eligibility: {name} at least {least} and at most {most}: nothing is eligible"
    longest, left = rules.term_days_at_most, rules.remaining_days_at_least
    if longest is not None and left is not None and left > longest:
        yield "eligibility.remaining_days_at_least is above term_days_at_most: nothing is eligible"
    if rules.set_off_at_most_minor is not None and rules.set_off_at_most_minor < 0:
        yield "eligibility.set_off_at_most_minor is 0 or more"


def _of_eligibility(deal: Deal) -> Iterator[str]:
    rules = deal.eligibility
    if rules.days_past_due_below < 1:
        yield "eligibility.days_past_due_below is 1 or more, or nothing is eligible"
    if rules.charged_off_from_days < rules.days_past_due_below:
        yield "eligibility.charged_off_from_days is not before days_past_due_below"
    if rules.balance_to_minor is not None and rules.balance_from_minor > rules.balance_to_minor:
        yield "eligibility.balance_from_minor is above balance_to_minor: nothing is eligible"
    if rules.balance_from_minor < 1:
        yield "eligibility.balance_from_minor is 1 or more"
    if rules.term_days_at_most is not None and rules.seasoned_days_at_least >= rules.term_days_at_most:
        yield "eligibility.seasoned_days_at_least is not below term_days_at_most: nothing is eligible"
    if min(rules.seasoned_days_at_least, rules.forbearances_at_most) < 0:
        yield "eligibility: seasoned_days_at_least and forbearances_at_most are 0 or more"
    unknown = sorted(set(rules.kinds) - _KINDS_OF_PLAN)
    if unknown or not rules.kinds:
        known = ", ".join(sorted(_KINDS_OF_PLAN))
        yield f"eligibility.kinds are of {known}; not {', '.join(unknown) or 'none'}"
    floor = deal.triggers.pool_at_least_minor
    if floor is not None and floor < 0:
        yield "triggers.pool_at_least_minor is 0 or more"
    ages = [step.until_months for step in deal.triggers.cumulative_loss]
    if ages != sorted(set(ages)) or any(age < 1 for age in ages):
        yield "triggers.cumulative_loss goes from the youngest age to the oldest, each once and above 0"
    allowed = [step.at_most_bps for step in deal.triggers.cumulative_loss]
    if allowed != sorted(allowed):
        yield "triggers.cumulative_loss: no later step allows less than an earlier one"


def _of_advance(deal: Deal) -> Iterator[str]:
    if deal.advance and deal.advance.steps:
        if deal.advance.seasoned_months is None:
            yield "advance.seasoned_months is required by its steps"
        steps = deal.advance.steps
        losses = [step.vintage_loss_below_bps for step in steps]
        if losses != sorted(set(losses)):
            yield "advance.steps go from the lowest loss to the highest, each once"
        rates = [*(step.advance_bps for step in steps), deal.advance.bps]
        if rates != sorted(rates, reverse=True):
            yield "advance.steps: a lower loss is not lent less on"
    over = deal.overcollateralisation
    if over and (over.initial_pool_minor <= 0 or over.yield_supplement_minor < 0):
        yield "overcollateralisation: initial_pool_minor is above 0, yield_supplement_minor 0 or more"
    if over and over.amortising_bps < over.revolving_bps:
        yield "overcollateralisation.amortising_bps is below revolving_bps"


def _shares(deal: Deal) -> Iterator[tuple[str, int]]:
    yield "reserve_bps", deal.reserve_bps
    yield "unused_fee_bps", deal.unused_fee_bps
    if deal.advance:
        yield "advance.bps", deal.advance.bps
        for step in deal.advance.steps:
            yield "advance.steps.advance_bps", step.advance_bps
    if deal.overcollateralisation:
        yield "overcollateralisation.revolving_bps", deal.overcollateralisation.revolving_bps
        yield "overcollateralisation.amortising_bps", deal.overcollateralisation.amortising_bps
    for limit in deal.concentrations:
        yield f"concentrations.{limit.by}.at_most_bps", limit.at_most_bps
    for step in deal.triggers.cumulative_loss:
        yield "triggers.cumulative_loss.at_most_bps", step.at_most_bps
    for key in ("delinquency_3m_at_most_bps", "payment_rate_at_least_bps"):
        value = getattr(deal.triggers, key)
        if value is not None:
            yield f"triggers.{key}", value
