"""What stands beside the portfolio: leaving, each facility and stress, with their latest figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from whiteslip import funding, insight
from whiteslip.base import Money, Rate, Refusal, local_day
from whiteslip.funding import store as funding_store
from whiteslip.funding.acts import Statement
from whiteslip.funding.model import Covenant
from whiteslip.insight import Window
from whiteslip.insight.feedback import FRICTION
from whiteslip.insight.words import Words
from whiteslip.web.console.duty import HOME, Duty
from whiteslip.web.console.insight.charts import walked
from whiteslip.web.kit.i18n import Speech, Texts

_FUNNEL: Final = "funnel"


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure that leads to its page; ``said`` explains it, ``day`` is its own where it has one."""

    href: str
    title: str
    figure: str
    said: str
    is_bad: bool = False
    day: date | None = None


def tiles(duty: Duty, speech: Speech, t: Texts) -> list[Tile]:
    """Leaving, each facility, and futures, which nobody has to wait for here."""
    ahead = Tile(f"{HOME}/stress", t("tile_stress"), "", t("tile_stress_says"))
    return [_leaving(duty, speech, t), *_facilities(duty, speech, t), ahead]


def _leaving(duty: Duty, speech: Speech, t: Texts) -> Tile:
    """The screen of the last year that most go away from."""
    zone, words = duty.ports.pack.timezone, Words(speech.lang)
    found = insight.compute(duty.tx, None, _FUNNEL, Window.of(None, local_day(duty.now, zone), "none", zone))
    rows = [] if isinstance(found, Refusal) else walked(found)
    href, title = f"{HOME}/insight", t("tile_leaving")
    if not rows:
        return Tile(href, title, "–", t("tile_leaving_none"))
    worst = max(rows, key=lambda row: row["drop_low"])
    said = t("tile_leaving_says", screen=words.code(worst["screen"]))
    return Tile(href, title, words.cell("drop", worst["drop"]), said, worst["drop_low"] > FRICTION)


def _facilities(duty: Duty, speech: Speech, t: Texts) -> Iterator[Tile]:
    """What each may still draw by its newest night, and the covenant with the least room."""
    texts = Texts("console/funding", speech)
    for found in funding_store.facilities(duty.tx):
        deal, href = found.deal, f"{HOME}/funding/{found.deal.name}"
        told = funding.statement(duty.tx, deal.name)
        if isinstance(told, Refusal):
            yield Tile(href, deal.title, "–", t("tile_no_night"))
            continue
        available = speech.money(Money(told.base.available_minor, deal.currency))
        is_bad = any(each.is_breached for each in told.covenants)
        yield Tile(href, deal.title, available, _narrowest(told, speech, t, texts), is_bad, told.day)


def _narrowest(told: Statement, speech: Speech, t: Texts, texts: Texts) -> str:
    """The covenant with the least headroom for its limit, in words."""
    known = [each for each in told.covenants if each.headroom is not None and each.limit]
    if not known:
        return t("tile_available")

    def room(each: Covenant) -> Rate | Money:
        left = each.headroom or 0
        return Rate(left) if each.unit == "bps" else Money(left, told.deal.currency)

    def share(each: Covenant) -> float:
        return (each.headroom or 0) / abs(each.limit)

    least = min(known, key=share)
    left = room(least)
    said = speech.percent(left) if isinstance(left, Rate) else speech.money(left)
    return t("tile_narrowest", test=texts(f"test_{least.test}"), room=said)
