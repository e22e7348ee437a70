"""A refusal: an expected business "no"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused and why.

    ``code`` is stable, dotted and documented (``line.stopped``). ``facts`` fills the sentence
    shown to people; it never holds personal data. A refusal knows nothing of HTTP.
    """

    code: str
    facts: Mapping[str, str | int] = field(default_factory=dict[str, str | int])

    def __str__(self) -> str:
        details = ", ".join(f"{key}={value}" for key, value in self.facts.items())
        return f"{self.code} ({details})" if details else self.code
