"""What stands beside the portfolio: leaving, each facility and stress, with their latest figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from whiteslip import funding, insight
from whiteslip.base import Money, Rate, Refusal, local_day
from whiteslip.funding import store as funding_store
from whiteslip.funding.acts import Statement
from whiteslip.funding.model import Covenant
from whiteslip.insight import Window
from whiteslip.insight.feedback import FRICTION
from whiteslip.insight.words import Words
from whiteslip.web.console.duty import HOME, Duty
from whiteslip.web.console.figures import Figure
from whiteslip.web.console.funding.handlers import headroom
from whiteslip.web.console.insight.charts import walked
from whiteslip.web.console.insight.handlers import FUNNEL, funnel
from whiteslip.web.console.stress.handlers import usual
from whiteslip.web.kit.i18n import Speech, Texts


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


def figures(duty: Duty, speech: Speech) -> list[Figure]:
    """Of leaving, of the facility with the least room, and of the future: the chart that says most."""
    found = [funnel(duty, speech), _tightest(duty, speech), usual(duty, speech)]
    return [each for each in found if each]


def _tightest(duty: Duty, speech: Speech) -> Figure | None:
    statements = [funding.statement(duty.tx, each.deal.name) for each in funding_store.facilities(duty.tx)]
    known = [
        (room, told)
        for told in statements
        if not isinstance(told, Refusal)
        for room in [_least(told)]
        if room
    ]
    if not known:
        return None
    told = min(known, key=lambda each: _share(each[0]))[1]
    return headroom(duty, told, speech)


def _leaving(duty: Duty, speech: Speech, t: Texts) -> Tile:
    """The screen of the last year that most go away from."""
    zone, words = duty.ports.pack.timezone, Words(speech.lang)
    found = insight.compute(duty.tx, None, FUNNEL, Window.of(None, local_day(duty.now, zone), "none", zone))
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


def _share(each: Covenant) -> float:
    return (each.headroom or 0) / abs(each.limit or 1)


def _least(told: Statement) -> Covenant | None:
    """The covenant with the least headroom for its limit."""
    known = [each for each in told.covenants if each.headroom is not None and each.limit]
    return min(known, key=_share, default=None)


def _narrowest(told: Statement, speech: Speech, t: Texts, texts: Texts) -> str:
    """The covenant with the least headroom for its limit, in words."""
    least = _least(told)
    if least is None:
        return t("tile_available")
    left = least.headroom or 0
    said = (
        speech.percent(Rate(left)) if least.unit == "bps" else speech.money(Money(left, told.deal.currency))
    )
    return t("tile_narrowest", test=texts(f"test_{least.test}"), room=said)
