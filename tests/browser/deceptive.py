"""Finds deceptive patterns on a page as a browser shows it.

What it looks for is what the literature on dark patterns calls by these names; each is a word in front of
the fault: shaming, second primary, outweighed, pre-ticked, tick-box wall, countdown, hidden way out,
faint way out, unequal, asks again, forced reason, no way out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

SHAMING: Final = re.compile(
    r"仍要(关闭|离开|放弃)|狠心|残忍|放弃(权益|优惠|福利|特权)|可惜|遗憾|舍不得|确定(要|不要)?(离开|关闭|放弃)吗"
    r"|真的要|再想想|三思|失去|损失|错过|不在乎|挽留|别走|留下来"
    r"|\blose (your|out|all)|miss(ing)? out|\bare you sure|\breally want\b|sorry to see|sad to see|regret"
    r"|\bgive up (your|all)|no thanks, i\b|i don.?t (want|care|need) (to )?sav|\bthink again\b|before you go"
    r"|\bstay with us\b|last chance",
    re.I,
)
HURRY: Final = re.compile(
    r"倒计时|仅剩|还剩\s*\d+\s*(秒|分)|\d+\s*秒(后|内)|\b\d+\s*(seconds?|secs?) (left|remaining)"
    r"|\bonly \d+ .{0,12}left",
    re.I,
)
MOST_BOXES: Final = 2
LEAST_CONTRAST: Final = 4.5
LEAST_SIZE: Final = 0.8
# Widths of equal buttons differ by parts of a pixel.
ROUNDED: Final = 1.01

_LOOK: Final = Path(__file__).with_suffix(".js").read_text().partition("\n")[2]


def faults(page: Page, *, chosen: Sequence[str] = (), seconds: int = 0) -> list[str]:
    """What is deceptive about the page as it stands; nothing for a fair one.

    ``chosen`` are boxes that the reader ticked. With ``seconds`` a clock that was put into the page by
    ``page.clock.install()`` goes on by so many: words that change by themselves are a countdown.
    """
    seen: dict[str, Any] = page.evaluate(_LOOK)
    found = [f"shaming: {match[0]}" for match in SHAMING.finditer(seen["text"])]
    if len(seen["primaries"]) > 1:
        found.append(f"second primary: {seen['primaries']}")
    found += [
        f"outweighed: {rival['words']} against {main['words']}"
        for main in seen["main"]
        for rival in seen["rivals"]
        if rival["area"] > main["area"] * ROUNDED or rival["stands"] > main["stands"]
    ]
    found += [f"pre-ticked: {name}" for name in seen["ticked"] if name not in chosen]
    found += [f"tick-box wall: {count}" for count in seen["boxes"] if count > MOST_BOXES]
    found += [f"countdown: {match[0]}" for match in HURRY.finditer(seen["text"])]
    found += [f"countdown: {timer}" for timer in seen["timers"]]
    if seconds:
        page.clock.run_for(seconds * 1000)
        if page.evaluate("document.body.innerText") != seen["text"]:
            found.append("countdown: the words change by themselves")
    found += _ways_out(seen["out"])
    found += [f"unequal: {count} looks among equal ways" for count in seen["unequal"] if count > 1]
    found += [f"asks again: {words}" for words in seen["prompts"]]
    if seen["leaving"]:
        found.append("asks again: on going away")
    found += [f"asks again: {each}" for each, count in Counter(seen["buttons"]).items() if count > 1]
    found += [f"forced reason: {name}" for name in dict.fromkeys(seen["reasons"])]
    return found


def _ways_out(ways: list[dict[str, Any]]) -> list[str]:
    if not ways:
        return ["no way out: nothing on the page leads to leaving or back"]
    hidden = [f"hidden way out: {way['words']}" for way in ways if not way["shown"]]
    faint = [
        f"faint way out: {way['words']} {way['contrast']:.1f} {way['size']:.2f}"
        for way in ways
        if way["shown"] and (way["contrast"] < LEAST_CONTRAST or way["size"] < LEAST_SIZE)
    ]
    return hidden + faint


def asked_twice(questions: Sequence[str]) -> list[str]:
    """Questions that a way forward puts more than once, in the order of their second time."""
    return [f"asks again: {each}" for at, each in enumerate(questions) if each in questions[:at]]
