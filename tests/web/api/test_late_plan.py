"""Late truth across a hardship plan, and who leaves before a proposal to end the agreement, by the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import pytest

from whiteslip.day import every_violation
from whiteslip.decisions import replay

from .conftest import Api
from .story import Story


@pytest.fixture
def story(api: Api) -> Iterator[Story]:
    customer = api.customer()
    yield Story(api, customer, api.line(1_000_000, customer))
    with api.db.transaction() as tx:
        assert every_violation(tx) == []
        assert replay(tx).is_same


def test_a_payment_from_before_a_hardship_plan_gives_back_its_days_and_its_fee(story: Story):
    # 900.00 in 3; the first is due on 21 November. On 6 December a plan is agreed at 15 days late; then the
    # first arrives, valued the day before its due day.
    story.buys(90_000, 3)
    first = story.plan()["schedule"][0]
    assert first["due_on"] == "2026-11-21"
    story.passes("+45d")
    before = story.now
    fee = 1_000
    assert (story.today, before["days_past_due"]) == (date(2026, 12, 6), 15)
    story.api.post(f"/v1/lines/{story.line}/hardship", {"option": "longer"})
    story.passes("+2d")
    agreed = story.now
    assert agreed["days_past_due"] == 15
    story.pays(first["total_minor"], value_on=date(2026, 11, 20))
    after = story.now
    assert after["days_past_due"] == 0
    assert after["owed_minor"] == agreed["owed_minor"] - fee - first["total_minor"]
    (told,) = story.happened("debt.recomputed")
    assert (told["data"]["waived_minor"], told["data"]["days_past_due"]) == (fee, 0)


def test_a_proposal_is_over_once_its_customer_has_left(story: Story, key: Callable[..., str]):
    body = {"reasons": ["product_ended"]}
    proposal = story.api.post(f"/v1/lines/{story.line}/terminate", body)
    story.leaves()
    approve = f"/v1/terminations/{proposal['id']}/approve"
    assert replace(story.api, secret=key()).post(approve, None, 409)["code"] == "termination.decided"
    (over,) = story.happened("termination.overtaken")
    assert over["data"]["termination"]
