"""What leaves the house: what is listed, and nothing that is long or unknown."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import whiteslip
from whiteslip.base.ids import parse_public
from whiteslip.webhooks import events
from whiteslip.webhooks.events import PUBLISHED

ROOT = Path(whiteslip.__file__).parents[2]
AT = datetime(2026, 1, 15, 4, tzinfo=UTC)
LONGEST_BODY = 20_000

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=5_000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


def row(kind: str, data: object, subject: UUID | None = None, seq: int = 7) -> dict[str, object]:
    return {
        "seq": seq,
        "at": AT,
        "kind": kind,
        "subject_kind": kind.partition(".")[0],
        "subject": subject or uuid4(),
        "data": data,
    }


@pytest.mark.parametrize("kind", PUBLISHED)
def test_a_sample_looks_like_the_real_thing_and_says_that_it_is_none(kind: str):
    made = events.event(row("webhook.tested", {"kind": kind}), None)
    body = msgspec.json.decode(made.body)
    assert (made.id, made.kind, body["type"]) == ("evt_7", kind, kind)
    assert body["data"]["test"] is True
    told = set(body["data"]) - {"test", "event", "subject_kind", "subject", "line"}
    assert told == set(PUBLISHED[kind]) - {"line"}
    assert all(body["data"][name] is not None for name in PUBLISHED[kind])


@given(
    kind=st.sampled_from([kind for kind in PUBLISHED if kind.startswith(("bill.", "exit.", "payment."))]),
    values=st.lists(anything, min_size=8, max_size=8),
)
def test_whatever_a_journal_row_holds_a_webhook_is_small_and_has_the_listed_fields(
    kind: str, values: list[object]
):
    data: dict[str, object] = dict(zip(PUBLISHED[kind], values, strict=False)) | {"full_name": "x" * 30_000}
    data |= {name: str(uuid4()) for name in data if name in ("payment", "exit", "customer")}
    made = events.event(row(kind, data), uuid4())
    body = msgspec.json.decode(made.body)
    assert len(made.body) < LONGEST_BODY
    assert set(body["data"]) == {"event", "subject_kind", "subject", "line", *PUBLISHED[kind]}
    assert all(isinstance(value, str | int | None) for value in body["data"].values())


def test_ids_are_those_of_the_api():
    line, exit_id = uuid4(), uuid4()
    made = events.event(row("line.spending_stopped", {"exit": str(exit_id)}, line), line)
    data = msgspec.json.decode(made.body)["data"]
    assert parse_public("line", data["subject"]) == parse_public("line", data["line"]) == line
    assert parse_public("exit", data["exit"]) == exit_id


def test_why_a_case_is_held_and_what_locks_a_line_is_told_to_nobody():
    for kind in ("exit.held", "line.locked", "line.unlocked"):
        data = {"ground": "legal", "why": "legal", "kind": "legal", "party": "authority", "reason": "x"}
        assert b"legal" not in events.event(row(kind, data), None).body


def test_every_published_type_is_documented_with_its_fields():
    page = (ROOT / "docs" / "reference" / "webhooks.md").read_text()
    documented = {
        found[1]: tuple(re.findall(r"`([^`]+)`", found[2]))
        for found in re.finditer(r"^\| `([^`]+)` \|[^|]*\|([^|]*)\|$", page, re.M)
    }
    assert documented == dict(PUBLISHED)


def test_what_is_published_exists_in_the_journal():
    journal = (ROOT / "docs" / "reference" / "journal.md").read_text()
    assert set(PUBLISHED) <= set(re.findall(r"^\| `([^`]+)`", journal, re.M))
