"""What must not move a score or a decision about credit, by the words that names are made of. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

# ECOA 15 USC 1691(a); Directive (EU) 2023/2225 articles 6 and 18(3), with usual spellings.
PROTECTED: Final = frozenset({
    "sex", "gender", "age", "birth", "born", "birthday", "marriage", "marital", "married", "spouse", "race",
    "colour", "color", "ethnic", "ethnicity", "nationality", "nation", "origin", "religion", "faith",
    "belief", "health", "illness", "disability", "pregnancy", "children", "orientation", "genetic", "social",
    "friends", "followers", "union", "politics", "political", "language", "surname",
})  # fmt: skip
# Using a right is no risk: that somebody left, paused, disputed or complained scores nobody.
NEUTRAL: Final = frozenset({
    "exit", "exits", "exited", "left", "leave", "leaver", "leaving", "closed", "closing", "close", "former",
    "pause", "paused", "pauses", "pausing", "lock", "locked", "locks", "withdrawn", "withdraw",
    "withdrawal", "withdrawals", "dispute", "disputes", "disputed", "complaint", "complaints", "complained",
    "objection", "objections", "erasure",
})  # fmt: skip


def forbidden(names: Iterable[str]) -> list[str]:
    """Which names are of grounds that must not be in a score, in words."""
    found: list[str] = []
    for name in names:
        words = set(name.lower().split("_"))
        if words & PROTECTED:
            found.append(f"{name} is a protected ground and stays out of scores")
        if words & NEUTRAL:
            found.append(f"{name} is about leaving, pausing or complaining and stays out of scores")
    return found
