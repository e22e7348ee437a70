"""What is left after leaving and is too little to be asked for is given up, however late it arises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from whiteslip.day import every_violation

from .story import Story

if TYPE_CHECKING:
    from .conftest import Api


@pytest.fixture
def story(api: Api) -> Story:
    customer = api.customer()
    return Story(api, customer, api.line(1_000_000, customer))


def settled(story: Story) -> None:
    """Nothing is owed, nothing is told of a debt, nothing grows old, and the books hold."""
    story.passes("+40d")
    assert (story.now["owed_minor"], story.now["days_past_due"]) == (0, 0)
    assert story.owed_anew() == []
    assert "debt.arrears" not in story.every_letter()
    assert story.happened("debt.waived")
    with story.api.db.transaction() as tx:
        assert every_violation(tx) == []


@pytest.mark.parametrize(("less", "asked"), [(1, 0), (100, 0), (101, 101)])
def test_a_payment_that_turns_out_a_trifle_less_after_closing_is_not_asked_for(
    story: Story, less: int, asked: int
):
    story.buys(20_000)
    payment, paid_on = story.pays(20_000), story.today
    story.passes("+15d")
    assert story.leaves()["state"] == "closed"
    right = {"amount_minor": 20_000 - less, "value_on": paid_on.isoformat()}
    story.api.post(f"/v1/payments/{payment}/correct", right, 200)
    assert (story.now["lifecycle"], story.now["owed_minor"]) == ("closed", asked)
    if asked:
        assert [minor for minor, *_ in story.owed_anew()] == [asked]
    else:
        settled(story)


def test_a_debit_of_a_trifle_that_comes_back_after_closing_is_not_asked_for(story: Story):
    story.buys(20_000)
    story.pays(19_950)
    payment = story.pays(50, "direct_debit")
    story.passes("+15d")
    assert story.leaves()["state"] == "closed"
    story.api.post(f"/v1/payments/{payment}/return", None, 200)
    settled(story)


def test_a_trifle_that_is_left_of_a_debt_that_came_back_after_closing_is_not_asked_for(story: Story):
    story.buys(20_000)
    payment = story.pays(20_000, "direct_debit")
    story.passes("+15d")
    assert story.leaves()["state"] == "closed"
    story.api.post(f"/v1/payments/{payment}/return", None, 200)
    assert [minor for minor, *_ in story.owed_anew()] == [20_000]
    story.pays(19_950)
    story.passes("+1d")
    assert story.now["owed_minor"] == 0
    assert [each["data"]["amount_minor"] for each in story.happened("debt.waived")] == [50]


def test_a_dispute_about_a_trifle_that_is_lost_while_leaving_is_told_and_not_asked_for(story: Story):
    purchase = story.buys(80)
    body = {"amount_minor": 80, "ground": "not_received"}
    dispute = story.api.post(f"/v1/purchases/{purchase}/dispute", body)
    story.leaves()
    story.passes("+3d")
    assert story.case["state"] == "run_off"
    story.api.post(f"/v1/disputes/{dispute['id']}/resolve", {"outcome": "lost"}, 200)
    assert story.case["state"] == "closed"
    assert len(story.written("dispute.turned_down")) == 1
    settled(story)
