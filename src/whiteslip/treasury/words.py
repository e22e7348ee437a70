"""What the prices of a plan say to a person, in both languages. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from whiteslip.base.money import Money
from whiteslip.treasury.findings import Event
from whiteslip.treasury.model import Price

_PPM_PER_POINT: Final = 10_000


def _load() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


# Code -> language -> sentence.
SENTENCES: Final = _load()


def explain(
    prices: Sequence[Price],
    currency: str,
    language: str,
    money: Callable[[Money], str],
    called: Callable[[str], str] = str,
) -> list[str]:
    """One sentence per limit that binds, the dearest first, and one for those that do not.

    ``money`` writes an amount, ``called`` a segment.
    """
    binding = sorted((each for each in prices if each.worth_minor), key=lambda each: -each.worth_minor)
    told = [
        SENTENCES[each.name][language].format(
            per=_per(each, currency, money),
            worth=money(Money(each.worth_minor, currency)),
            segment=called(each.segment),
        )
        for each in binding
    ]
    free = [
        SENTENCES[f"name_{each.name}"][language].format(segment=called(each.segment))
        for each in prices
        if not each.worth_minor and each.used < each.bound
    ]
    if free:
        told.append(
            SENTENCES["free"][language].format(names=("、" if language == "zh-CN" else ", ").join(free))
        )
    return told


def _per(price: Price, currency: str, money: Callable[[Money], str]) -> str:
    if price.name == "pd":
        whole, rest = divmod(price.per, _PPM_PER_POINT)
        return f"{whole}.{rest:04d}".rstrip("0")
    return money(Money(price.per, currency))


def duties(
    events: Sequence[Event], language: str, day: Callable[[date], str], share: Callable[[float], str]
) -> list[str]:
    """Who has to act by when, the most urgent first; or that nobody has to."""
    if not events:
        return [SENTENCES["quiet"][language]]
    return [
        SENTENCES["duty"][language].format(
            who=SENTENCES[f"who_{each.who}"][language],
            what=SENTENCES[f"what_{each.name}"][language],
            by=day(each.act_by),
            first=day(each.first_on),
            share=share(each.share),
        )
        for each in events
    ]
