"""The desk by program: one person per case, and two for what keeps somebody waiting."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from .conftest import Api, with_key
from .story import Story


@pytest.fixture
def held(api: Api) -> Story:
    """Somebody who could not prove who they are waits for a person."""
    customer = api.customer()
    story = Story(api, customer, api.line(1_000_000, customer))
    story.leaves(proven=False)
    api.post(f"/v1/exits/{story.exit}/doubt", {}, 200)
    return story


def test_two_people_who_take_the_next_case_never_get_the_same(api: Api, held: Story):
    other = Api(api.db, api.client, with_key(api.db, owner="colleague"))
    assert api.post("/v1/cases/next", {}, 200)["case"]["exit"] == held.exit
    assert other.post("/v1/cases/next", {}, 200) == {"case": None}
    assert other.post(f"/v1/cases/{held.exit}/claim", {}, 409)["code"] == "case.taken"
    assert api.post(f"/v1/cases/{held.exit}/claim", {}, 200)["exit"] == held.exit, "it is kept"
    assert api.post("/v1/cases/exit_00000000000000000000000000/claim", {}, 404)["code"] == "exit.not_found"
    due_at = datetime.fromisoformat(held.case["due_at"])
    late = {"until": (due_at + timedelta(hours=1)).isoformat()}
    assert api.post(f"/v1/cases/{held.exit}/snooze", late, 409)["code"] == "desk.snooze_not_possible"
    aside = {"until": (due_at - timedelta(hours=1)).isoformat()}
    api.post(f"/v1/cases/{held.exit}/snooze", aside, 200)
    assert other.post("/v1/cases/next", {}, 200) == {"case": None}, "it is put aside for everybody"
    assert held.case["due_at"] == due_at.isoformat().replace("+00:00", "Z"), "its deadline goes on"


def test_a_choice_by_program_needs_a_reason(api: Api, held: Story):
    path = f"/v1/cases/{held.exit}/choose"
    api.post(path, {"path": "run_off"}, 422)
    assert api.post(path, {"path": "run_off", "reason": "called_back"}, 200)["chosen"] == "run_off"


def test_who_proposed_cannot_approve_with_whichever_key(api: Api, held: Story):
    proposed = {"path": "reject_not_holder", "reason": "proof_missing"}
    proposer = Api(api.db, api.client, with_key(api.db, owner="proposer"))
    assert proposer.post(f"/v1/cases/{held.exit}/choose", proposed, 200)["chosen"] == "reject_not_holder"
    held.passes("+1h")
    again = Api(api.db, api.client, with_key(api.db, owner="proposer"))
    assert again.post(f"/v1/cases/{held.exit}/approve", {}, 403)["code"] == "desk.own_proposal"
    assert api.post(f"/v1/cases/{held.exit}/approve", {}, 200)["proposed"] == "reject_not_holder"
