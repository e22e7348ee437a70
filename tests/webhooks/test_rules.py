"""When to try again, when to leave a server alone, when to stop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.webhooks import rules
from whiteslip.webhooks.model import Answer, Endpoint, EndpointState
from whiteslip.webhooks.rules import Verdict

NOW = datetime(2026, 1, 15, tzinfo=UTC)
answers = st.builds(
    Answer,
    status=st.none() | st.integers(100, 599),
    ms=st.integers(0, 15_000),
    retry_after=st.none() | st.integers(0, 10**9),
)


def endpoint(failures: int = 0, failing_since: datetime | None = None, *kinds: str) -> Endpoint:
    return Endpoint(
        uuid4(), "https://x", kinds, EndpointState.ACTIVE, None, 10, failures, failing_since, None, NOW
    )


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, Verdict.DELIVERED),
        (299, Verdict.DELIVERED),
        (301, Verdict.REFUSED),
        (304, Verdict.REFUSED),
        (400, Verdict.REFUSED),
        (404, Verdict.REFUSED),
        (410, Verdict.GONE),
        (429, Verdict.ILL),
        (500, Verdict.ILL),
        (503, Verdict.ILL),
        (None, Verdict.ILL),
    ],
)
def test_what_an_answer_means(status: int | None, meaning: Verdict):
    assert rules.verdict(Answer(status, 1)) is meaning


def test_ten_attempts_are_spread_over_three_days():
    waits = [rules.pause(UUID(int=1), failed, Answer(500, 1)) for failed in range(1, 11)]
    assert waits[-1] is None
    total = sum((wait for wait in waits if wait), timedelta())
    assert timedelta(hours=75) < total < timedelta(hours=84)


@given(st.uuids(), st.integers(1, 9), answers)
def test_a_pause_is_as_scheduled_up_to_a_tenth_more_or_what_was_asked_for_and_always_the_same(
    delivery: UUID, failed: int, answer: Answer
):
    found = rules.pause(delivery, failed, answer)
    assert found == rules.pause(delivery, failed, answer)
    assert found
    scheduled = rules.PAUSES[failed - 1]
    assert scheduled <= found <= max(scheduled * 1.1, rules.asked_to_wait(answer))
    assert rules.asked_to_wait(answer) <= timedelta(days=1)


@given(st.integers(0, 1_000), answers)
def test_a_server_rests_when_it_is_ill_and_not_when_it_says_no(failures: int, answer: Answer):
    rested = rules.rest(endpoint(failures), answer)
    assert bool(rested) == (rules.verdict(answer) is Verdict.ILL)
    if answer.status not in (429, 502, 503, 504):
        assert rested <= timedelta(minutes=5)


def test_three_days_without_anything_taken_are_the_end():
    assert not rules.is_hopeless(endpoint(), NOW)
    assert not rules.is_hopeless(endpoint(9, NOW), NOW + timedelta(days=3, microseconds=-1))
    assert rules.is_hopeless(endpoint(9, NOW), NOW + timedelta(days=3))


def test_an_exit_stands_in_the_lane_of_its_line_and_in_no_other_endpoints():
    line, case, first, second = uuid4(), uuid4(), endpoint(), endpoint()
    told = [
        {"seq": 11, "kind": "line.spending_stopped", "subject": line, "data": {}},
        {"seq": 12, "kind": "exit.review_opened", "subject": case, "data": {}},
        {"seq": 13, "kind": "exit.assessed", "subject": case, "data": {}},
        {"seq": 10, "kind": "line.closed", "subject": line, "data": {}},
    ]
    made = rules.wanted(told, [first, second], {case: line})
    assert [(each.seq, each.endpoint) for each in made] == [
        (seq, each.id) for seq in (11, 12) for each in (first, second)
    ]
    assert len({each.lane for each in made}) == 2
