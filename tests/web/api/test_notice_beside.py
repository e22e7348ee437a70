"""The lender's notice and the customer's own wish on one line, by the API, in both directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from whiteslip.base import local_day
from whiteslip.day import every_violation
from whiteslip.decisions import replay

from .conftest import Api
from .story import WISH, Story


@pytest.fixture
def story(api: Api) -> Iterator[Story]:
    customer = api.customer()
    yield Story(api, customer, api.line(1_000_000, customer))
    with api.db.transaction() as tx:
        assert every_violation(tx) == []
        assert replay(tx).is_same


@pytest.fixture
def other(story: Story, key: Callable[..., str]) -> Api:
    """A key of somebody else, for what takes two."""
    return replace(story.api, secret=key())


def gives_notice(story: Story, other: Api) -> str:
    proposal = story.api.post(f"/v1/lines/{story.line}/terminate", {"reasons": ["product_ended"]})
    return other.post(f"/v1/terminations/{proposal['id']}/approve", None, 200)["exit"]


def case(story: Story, exit_id: str) -> dict[str, Any]:
    return story.api.get(f"/v1/exits/{exit_id}")


def ends_on(story: Story, exit_id: str) -> date:
    return local_day(datetime.fromisoformat(case(story, exit_id)["due_at"]), "Asia/Shanghai")


def told(story: Story, exit_id: str) -> list[str]:
    return [letter["kind"] for letter in story.api.get(f"/v1/letters?exit={exit_id}")["data"]]


def test_who_proves_and_then_stays_has_no_notice_but_one_that_is_given_afresh(story: Story, other: Api):
    story.buys(60_000, 6)
    notice = gives_notice(story, other)
    assert ends_on(story, notice) == date(2026, 12, 22)
    story.passes("+10d")
    own = story.leaves()
    assert (own["state"], case(story, notice)["state"]) == ("run_off", "cancelled")
    assert told(story, notice) == ["termination.notice", "termination.overtaken"]
    (off,) = story.happened("exit.cancelled")
    assert off["data"]["why"] == "customer_asked_first"
    (closing,) = story.told_to_bureau()
    assert closing.reason == WISH
    story.passes("+5d")
    story.proves()
    story.api.post(f"/v1/exits/{own['id']}/cancel", None, 200)
    story.pays(80_000)
    story.passes("+60d")  # past the old day
    assert (story.now["lifecycle"], case(story, notice)["state"]) == ("active", "cancelled")
    assert story.authorises(100)["state"] == "authorised"
    again = gives_notice(story, other)
    assert story.today == date(2027, 1, 5)
    assert ends_on(story, again) == date(2027, 3, 5), "the full time, from when they knew"


def test_a_wish_that_nobody_proves_leaves_the_notice_and_its_day_as_they_were(story: Story, other: Api):
    story.buys(60_000, 6)
    notice = gives_notice(story, other)
    before = case(story, notice)
    story.passes("+10d")
    own = story.leaves(proven=False)
    assert (own["state"], story.authorises(100)["code"]) == ("stopped", "line.stopped")
    assert case(story, notice) == before
    facts = story.facts_of("exit.acknowledged")
    assert (facts["notice_given_on"], facts["notice_ends_on"]) == ("2026-10-22", "2026-12-22")
    story.passes("+15d")
    assert case(story, own["id"])["state"] == "lapsed"
    assert case(story, notice) == before
    assert story.facts_of("exit.lapsed")["notice_ends_on"] == "2026-12-22"
    story.passes("+37d")
    assert case(story, notice)["state"] == "run_off"
    assert told(story, own["id"]) == ["exit.acknowledged", "exit.lapsed"]
    assert told(story, notice) == ["termination.notice", "exit.runoff"]
    (closing,) = story.told_to_bureau()
    assert (closing.reason, closing.closed_on) == ("lender_notice", date(2026, 12, 22))


@pytest.mark.parametrize("proven", [True, False])
def test_a_day_that_comes_while_nobody_knows_who_asked_waits_for_that(story: Story, other: Api, proven: bool):
    notice = gives_notice(story, other)
    story.passes("+55d")  # 16 December
    own = story.leaves(proven=False)
    story.passes("+10d")
    assert story.today == date(2026, 12, 26)
    assert (case(story, own["id"])["state"], case(story, notice)["state"]) == ("stopped", "notice")
    assert story.told_to_bureau() == []
    if proven:
        story.proves()
        story.api.post(f"/v1/exits/{own['id']}/confirm", None, 200)
        ended = (own["id"], ["exit.acknowledged", "exit.closed"], "closed")
        other_one = (notice, ["termination.notice", "termination.overtaken"], "cancelled")
        reason = WISH
    else:
        story.passes("+5d")
        ended = (notice, ["termination.notice", "termination.closed"], "closed")
        other_one = (own["id"], ["exit.acknowledged", "exit.lapsed"], "lapsed")
        reason = "lender_notice"
    for exit_id, letters, state in (ended, other_one):
        assert (told(story, exit_id), case(story, exit_id)["state"]) == (letters, state)
    (closing,) = story.told_to_bureau()
    assert closing.reason == reason
    assert len(story.happened("line.closed")) == 1
    story.passes("+20d")
    assert [told(story, exit_id) for exit_id in (notice, own["id"])].count([]) == 0
    assert sum(kind in ("exit.closed", "termination.closed") for kind in story.every_letter()) == 1
