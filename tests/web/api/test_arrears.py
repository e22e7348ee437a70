"""Who misses a payment and stays, through the API on a test clock."""

from __future__ import annotations

from typing import Any

from .conftest import Api
from .story import Story


def test_who_stays_and_is_late_gets_a_letter_of_help_and_who_paid_or_disputes_gets_none(api: Api):
    late, paid, disputing = (Story(api, owner, api.line(100_000, owner)) for owner in _people(api, 3))
    for story in (late, paid, disputing):
        purchase = story.buys(30_000)
    body = {"amount_minor": 30_000, "ground": "not_received"}
    api.post(f"/v1/purchases/{purchase}/dispute", body)
    paid.pays(30_000)
    late.passes("+56d")
    assert late.now["days_past_due"] >= 3
    (letter,) = _letters(api, late)
    assert (letter["kind"], letter["subject"], letter["state"]) == ("debt.arrears", late.line, "sent")
    assert api.ask("GET", f"/v1/letters/{letter['id']}/pdf").content.startswith(b"%PDF")
    assert late.events().count("debt.arrears_told") == 1
    assert _letters(api, paid) == []
    assert "debt.arrears" not in {each["kind"] for each in _letters(api, disputing)}


def test_letters_are_about_a_case_or_a_line_and_not_both(api: Api):
    story = Story(api, owner := api.customer(), api.line(100_000, owner))
    story.leaves()
    for query in ("", f"?exit={story.exit}&line={story.line}"):
        assert api.ask("GET", f"/v1/letters{query}").json()["code"] == "request.invalid"


def _people(api: Api, count: int) -> list[str]:
    return [api.customer() for _ in range(count)]


def _letters(api: Api, story: Story) -> list[dict[str, Any]]:
    return api.get(f"/v1/letters?line={story.line}")["data"]
