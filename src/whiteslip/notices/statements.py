"""What a monthly statement says, and one of a payment that came early, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from babel.dates import format_date

from whiteslip.notices.owed import DueFact, PartPaymentFacts, StatementFacts
from whiteslip.notices.words import LOCALES, fill, money, texts


def statement_words(
    facts: StatementFacts, own: Mapping[str, Any], words: Mapping[str, str], language: str
) -> dict[str, str]:
    """What came in and was bought since the statement before, and what being late costs, if anything."""

    def listed(rows: list[DueFact]) -> str:
        between = texts(language)["labels"]["list"]
        return between.join(
            f"{format_date(row.due_on, 'long', locale=LOCALES[language])} "
            f"{money(row.amount_minor, facts.currency, language)}"
            for row in rows
        )

    lists = {"received": listed(facts.received), "bought": listed(facts.bought)}
    there = {
        "received_words": bool(facts.received),
        "bought_words": bool(facts.bought),
        "late_words": bool(facts.late_fee_minor),
        "credit_words": bool(facts.in_credit_minor),
    }
    found = {
        name: fill(own[name], {**words, **lists}) if is_there else "" for name, is_there in there.items()
    }
    return found | ({} if facts.received else {"received_words": own["nothing_received"]})


def statement_rows(facts: StatementFacts, language: str) -> list[list[str]]:
    """What the statement asks for, row by row."""
    own = texts(language)["kinds"]["statement.monthly"]
    rows: list[list[str]] = []
    for item in facts.items:
        on = format_date(item.opened_on, "long", locale=LOCALES[language])
        told = {"on": on, "no": str(item.no), "count": str(item.instalments)}
        text = own[f"item_{item.kind}"] + (own["item_part"] if item.instalments > 1 else "")
        rows.append([fill(text, told), money(item.amount_minor, facts.currency, language)])
    if facts.settled_minor:
        rows.append([own["item_settled"], money(-facts.settled_minor, facts.currency, language)])
    rows.append([own["item_sum"], money(facts.demanded_minor, facts.currency, language)])
    return rows


def part_payment_rows(facts: PartPaymentFacts, language: str) -> list[list[str]]:
    """What was paid, what it went to, and what is left, row by row."""
    own = texts(language)["kinds"]["statement.part_payment"]

    def row(text: str, minor: int, on: date | None = None) -> list[str]:
        day = format_date(on, "long", locale=LOCALES[language]) if on else ""
        return [fill(own[text], {"on": day}), money(minor, facts.currency, language)]

    return [
        row("item_paid", facts.received_minor, facts.paid_on),
        *(row("item_settled", each.amount_minor, each.due_on) for each in facts.settled),
        *([row("item_kept", facts.kept_minor)] if facts.kept_minor else []),
        *([row("item_spared", facts.spared_minor)] if facts.spared_minor else []),
        *(row("item_left", each.amount_minor, each.due_on) for each in facts.schedule),
        row("item_sum", facts.left_minor),
    ]
