"""Late truth across a hardship plan, and who leaves before a proposal to end the agreement, by the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

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


def in_a_plan(story: Story, option: str = "longer") -> dict[str, Any]:
    """900.00 in 3, of which the first is due on 21 November and 15 days late when a plan is agreed. The plan;
    it is two days later.
    """
    story.buys(90_000, 3)
    story.passes("+45d")
    made = story.api.post(f"/v1/lines/{story.line}/hardship", {"option": option})
    story.passes("+2d")
    assert (story.now["owed_minor"] > 91_000, story.now["days_past_due"]) == (True, 15)
    return made


def test_a_dispute_from_before_a_hardship_plan_is_taken_out_of_it_with_its_days_and_fee(story: Story):
    in_a_plan(story)
    body = {"amount_minor": 90_000, "ground": "not_received", "began_on": "2026-10-30"}
    opened = story.api.post(f"/v1/purchases/{story.bought[0]}/dispute", body)
    assert opened["suspended_minor"] == 90_000
    assert (story.now["owed_minor"], story.now["days_past_due"]) == (0, 0), "nor does it cost anything"
    story.api.post(f"/v1/disputes/{opened['id']}/resolve", {"outcome": "lost"}, 200)
    assert (story.now["owed_minor"], story.now["days_past_due"]) == (90_000, 0)
    assert [(minor, why) for minor, _, why in story.owed_anew()] == [(90_000, "dispute_lost")]


def test_a_refund_from_before_a_hardship_plan_lowers_what_is_in_it(story: Story):
    in_a_plan(story)
    body = {"amount_minor": 90_000, "value_on": "2026-10-30"}
    story.api.post(f"/v1/purchases/{story.bought[0]}/refund", body, 200)
    assert (story.now["owed_minor"], story.now["credit_minor"], story.now["days_past_due"]) == (0, 0, 0)


def test_a_payment_from_before_a_hardship_plan_that_comes_back_is_owed_anew_and_told(story: Story):
    # The first paid in time, and the second late by 15 days on 5 January: a plan. The first comes back: it
    # was 45 days late that day. It is owed anew, on a day that its customer is written of.
    story.buys(90_000, 3)
    story.passes("+30d")
    first = story.plan()["schedule"][0]["total_minor"]
    debit = story.pays(first)
    story.passes("+45d")
    made = story.api.post(f"/v1/lines/{story.line}/hardship", {"option": "longer"})
    before = story.now
    story.passes("+2d")
    story.api.post(f"/v1/payments/{debit}/return", None, 200)
    after = story.now
    assert (made["days_past_due"], after["days_past_due"]) == (15, 45)
    assert after["owed_minor"] == before["owed_minor"] + first
    ((minor, due_on, why),) = story.owed_anew()
    assert (minor, why) == (first, "returned_payment")
    assert date.fromisoformat(due_on) >= story.today + timedelta(days=14)
    assert story.api.get(f"/v1/lines/{story.line}/hardship")["standing"]["state"] == "agreed"


def test_a_payment_within_grace_that_arrives_late_keeps_a_plan_that_a_night_found_broken(story: Story):
    first = in_a_plan(story)["schedule"][0]
    due_on = date.fromisoformat(first["due_on"])
    story.passes(f"+{(due_on - story.today).days + 17}d")
    plan = f"/v1/lines/{story.line}/hardship"
    assert story.api.get(plan)["standing"]["state"] == "broken"
    story.pays(first["amount_minor"], value_on=due_on + timedelta(days=10))
    assert story.api.get(plan)["standing"]["state"] == "agreed"
    assert story.now["days_past_due"] == 15
    assert len(story.happened("hardship.kept")) == 1
