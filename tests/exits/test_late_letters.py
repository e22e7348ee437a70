"""Letters that a law gives days for: in time or late, told by the night, the doctor and the desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notices.test_notices import NOW, Refusing, deliver, new, queued

from whiteslip import packs
from whiteslip.base import end_of_day, local_day
from whiteslip.exits import lateletters
from whiteslip.notices.facts import KINDS, AdverseFacts
from whiteslip.packs import Pack
from whiteslip.store import Database
from whiteslip.store.database import journal_after

SHANGHAI = "Asia/Shanghai"


def late(db: Database, now: datetime) -> list[str]:
    with db.transaction() as tx:
        return [each.kind for each in lateletters.late(tx, now)]


def own(pack: Pack, **days: int) -> Pack:
    """The pack with other numbers; two underscores are a dot."""
    keys = {name.replace("__", "."): value for name, value in days.items()}
    changed = {key: replace(pack.parameters[key], value=value) for key, value in keys.items()}
    return replace(pack, parameters={**pack.parameters, **changed})


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_refused_or_taken_has_days_and_other_letters_have_none(kind: str):
    days = lateletters.days_for(kind, packs.load("us"))
    timed = issubclass(KINDS[kind], AdverseFacts) or kind in ("debt.sold", "debt.arrears")
    assert (days is not None) == timed


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_restriction_is_told_within_the_shorter_of_both_numbers_and_a_decline_within_the_one(
    adverse: int, restricted: int
):
    pack = own(
        packs.load("us"),
        issuer__adverse_action_days=adverse,
        issuer__restriction_notice_days=restricted,
        debt__sold_letter_days=7,
    )
    assert lateletters.days_for("line.restricted", pack) == min(adverse, restricted)
    assert lateletters.days_for("application.declined", pack) == adverse
    assert lateletters.days_for("debt.sold", pack) == 7


@pytest.mark.parametrize(
    ("kind", "days"),
    [
        ("application.declined", 30),
        ("line.restricted", 0),
        ("debt.sold", 0),
        ("debt.arrears", 14),
        ("statement.part_payment", 11),
    ],
)
def test_a_letter_that_no_server_takes_is_late_when_its_days_are_over_and_not_before(
    db: Database, kind: str, days: int
):
    letter = queued(db, new(kind, pack="us"))
    end = end_of_day(local_day(NOW, SHANGHAI) + timedelta(days=days), SHANGHAI)
    assert late(db, end) == []
    assert late(db, end + timedelta(seconds=1)) == [kind]
    deliver(db, letter, Refusing(permanent=True))
    assert late(db, end + timedelta(days=9)) == [kind], "given up is not sent"


def test_the_night_says_of_a_late_letter_once(db: Database):
    letter = queued(db, new("line.restricted"))
    nights = [NOW + timedelta(days=n) for n in range(5)]
    with db.transaction() as tx:
        told = [lateletters.note_late(tx, since, now) for since, now in pairwise(nights)]
    assert told == [1, 0, 0, 0]
    with db.transaction() as tx:
        rows = [row for row in journal_after(tx, 0, 50) if row["kind"] == "notice.overdue"]
    assert [row["subject"] for row in rows] == [letter]
