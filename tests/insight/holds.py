"""What holds of each of insight's measures for any rows at all, by its name, and rows drawn by lot.

The sentences are those of the reference. Each is given what was counted and what was made of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from insight.crowd import leaving_model

from whiteslip.insight.measures import WENT_AWAY
from whiteslip.insight.model import OTHER_WAYS, SCREENS, Journey, Seen, Step
from whiteslip.insight.uplift import Look
from whiteslip.portfolio.veil import SMALLEST_GROUP

Rows = Sequence[dict[str, Any]]
Holds = Callable[[Sequence[Any], Rows], None]
_START: Final = datetime(2026, 1, 15, 4, tzinfo=UTC)
_DID: Final = ("left", "reduced", "paused", "stayed")


def _told(rows: Rows, column: str) -> Rows:
    """Rows that are not hidden."""
    return [row for row in rows if row[column] is not None]


def _within(row: dict[str, Any], low: str, value: float | None, high: str) -> None:
    assert value is not None
    assert 0 <= row[low] <= value + 1e-12
    assert value - 1e-12 <= row[high] <= 1


def funnel(counted: Sequence[Seen], found: Rows) -> None:
    """What comes to a screen leaves it: went on, another way, or away; the first sees every walk."""
    walks = defaultdict[Journey, set[bytes]](set)
    for seen in counted:
        walks[seen.journey].add(seen.walk)
    for row in _told(found, "walks"):
        assert row["walks"] == row["went_on"] + row["other_way"] + row["went_away"]
        if row["walks"]:
            _within(row, "drop_low", row["drop"], "drop_high")
        if row["screen"].startswith("1_"):
            assert row["walks"] == len(walks[Journey(row["journey"])])
    assert all(row["walks"] == 0 or row["walks"] >= SMALLEST_GROUP for row in _told(found, "walks"))


def flows(counted: Sequence[Seen], found: Rows) -> None:
    """What comes to a screen leaves it, by which way; who went away is nowhere else."""
    steps = {(seen.walk, seen.step) for seen in counted}
    for journey, screen in {(row["journey"], row["from_step"]) for row in found}:
        out = [row for row in found if (row["journey"], row["from_step"]) == (journey, screen)]
        if len(_told(out, "walks")) == len(out):
            came = sum(1 for seen in counted if seen.journey == journey and seen.step == screen)
            assert sum(row["walks"] for row in out) == came
    gone = [row["walks"] for row in found if row["to_step"] == WENT_AWAY]
    ends = {walk for walk, step in steps if step is Step.DONE or step in OTHER_WAYS}
    if None not in gone:
        assert sum(gone) == len({walk for walk, _ in steps} - ends)


def reasons(counted: Rows, found: Rows) -> None:
    """Exits of all reasons are those of the window, and their shares add up to one."""
    if len(_told(found, "exits")) == len(found) > 0:
        assert sum(row["exits"] for row in found) == sum(row["exits"] for row in counted)
        assert sum(row["share"] for row in found) == pytest.approx(1)
    for row in _told(found, "exits"):
        _within(row, "share_low", row["share"], "share_high")


def complaints(counted: Rows, found: Rows) -> None:
    """Topics add up to all complaints; a rate lies within its bounds."""
    topics = [row for row in found if row["topic"] != "any"]
    (whole,) = (row for row in found if row["topic"] == "any")
    if whole["complaints"] is not None and len(_told(topics, "complaints")) == len(topics):
        assert sum(row["complaints"] for row in topics) == whole["complaints"]
    for row in _told(found, "complaints"):
        assert row["per_thousand_low"] <= row["per_thousand"] <= row["per_thousand_high"]
        assert row["per_thousand"] == pytest.approx(1_000 * row["complaints"] / row["exits"])


def rejoins(counted: Rows, found: Rows) -> None:
    """No more come back than left, and each share lies within its bounds."""
    assert len(found) == len(counted)
    for row in _told(found, "leavers"):
        assert 0 <= row["rejoined"] <= row["leavers"] >= SMALLEST_GROUP
        _within(row, "share_low", row["share"], "share_high")


def hazard(counted: Rows, found: Rows) -> None:
    """No more ask than are there, months are in order, and each chance lies within its bounds."""
    assert [row["month"] for row in found] == sorted(row["month"] for row in counted)
    for row in _told(found, "at_risk"):
        assert 0 <= row["asked"] <= row["at_risk"] >= SMALLEST_GROUP
        _within(row, "hazard_low", row["hazard"], "hazard_high")


def drivers(counted: Sequence[Any], found: Rows) -> None:
    """Every line weighs something or nothing: shares add up to no more than one; a weight is above zero."""
    assert bool(found) <= (len(counted) >= SMALLEST_GROUP)
    assert sum(row["share"] or 0 for row in found) <= 1 + 1e-9
    for row in found:
        assert row["weight"] > 0
        assert row["lines"] == len(counted)
        assert row["share"] is None or not 0 < row["share"] * len(counted) < SMALLEST_GROUP - 0.5
        _within(row, "hazard_low", row["hazard"], "hazard_high")


def leavers(counted: Rows, found: Rows) -> None:
    """Of each band, who left and who stayed are all its lines; bands add up to all."""
    for row in _told(found, "lines"):
        assert row["lines"] == row["left"] + row["stayed"]
        _within(row, "share_low", row["share_left"], "share_high")
    if len(_told(found, "lines")) == len(found):
        assert sum(row["lines"] for row in found) == sum(row["lines"] for row in counted)


def outcomes(counted: Rows, found: Rows) -> None:
    """Lines of all that people did add up to all lines, those that were late to all that were."""
    for row in _told(found, "lines"):
        assert 0 <= row["late"] <= row["lines"]
        _within(row, "late_low", row["late_rate"], "late_high")
    if len(_told(found, "lines")) == len(found):
        assert sum(row["lines"] for row in found) == sum(row["lines"] for row in counted)
        assert sum(row["late"] for row in found) == sum(row["late"] for row in counted)


def offers(counted: Sequence[Look], found: Rows) -> None:
    """Both arms are all who looked; a difference lies within its bounds."""
    for row in _told(found, "shown"):
        own = [look for look in counted if look.offer == row["offer"]]
        assert row["shown"] + row["held_out"] == len(own)
        for outcome in ("left_30", "left_180", "complained"):
            assert -1 <= row[f"{outcome}_low"] <= row[f"{outcome}_uplift"] <= row[f"{outcome}_high"] <= 1
    assert {row["offer"] for row in found} == {look.offer for look in counted}


def qini(counted: Sequence[Look], found: Rows) -> None:
    """A curve goes from nobody to all in steps of ten people or more; it ends at the plain difference."""
    for name in {row["offer"] for row in found}:
        own = [look for look in counted if look.offer == name and look.left_180 is not None]
        rows = [row for row in found if row["offer"] == name]
        people = [round(row["people"] * len(own)) for row in rows]
        assert (people[0], rows[0]["fewer_leave"], people[-1]) == (0, 0.0, len(own))
        assert all(two - one >= SMALLEST_GROUP for one, two in pairwise(people))
        shown, held = ([look for look in own if look.held_out is out] for out in (False, True))
        if shown:
            left = [sum(look.left_180 is True for look in arm) for arm in (shown, held)]
            wanted = (left[1] / len(held) if held else 0) - left[0] / len(shown)
            assert rows[-1]["fewer_leave"] == pytest.approx(wanted)
        assert rows[0]["qini_low"] <= rows[0]["qini_high"]


HOLDS: Final[Mapping[str, Holds]] = {
    each.__name__: each
    for each in (
        funnel, flows, reasons, complaints, rejoins, hazard, drivers, leavers, outcomes, offers, qini,
    )
}  # fmt: skip


@st.composite
def _steps(draw: st.DrawFn) -> list[Seen]:
    ends = st.sampled_from([None, Step.DONE, *OTHER_WAYS])
    shape = draw(
        st.lists(st.tuples(st.sampled_from(Journey), st.integers(0, 2), ends), min_size=1, max_size=60)
    )
    found = list[Seen]()
    for number, (journey, depth, end) in enumerate(shape):
        way: list[Step] = [*SCREENS[journey][: depth + 1], *([end] if end else [])]
        for second, step in enumerate(way):
            at = _START + timedelta(seconds=second * (1 + number % 5))
            found.append(Seen(number.to_bytes(4), "all", journey, step, at))
    return found


def _parts(whole: int) -> st.SearchStrategy[tuple[int, int]]:
    """A count and a part of it."""
    return st.integers(1, whole).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


_REASONS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 40)).map(
    lambda drawn: [{"segment": "all", "reason": name, "exits": exits} for name, exits in drawn.items()]
)
_COMPLAINTS = st.tuples(
    st.integers(1, 400), st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 40), min_size=1)
).map(
    lambda drawn: [
        {"segment": "all", "exits": drawn[0], "topic": topic, "complaints": count}
        for topic, count in drawn[1].items()
    ]
)
_REJOINS = st.dictionaries(st.sampled_from((1, 3, 6, 12)), _parts(60)).map(
    lambda drawn: [
        {"segment": "all", "months": months, "leavers": n, "rejoined": k} for months, (n, k) in drawn.items()
    ]
)
_HAZARD = st.dictionaries(st.integers(1, 12), _parts(60)).map(
    lambda drawn: [
        {"segment": "all", "month": date(2026, month, 1), "at_risk": n, "asked": k}
        for month, (n, k) in drawn.items()
    ]
)
_GROUPS = st.dictionaries(
    st.tuples(st.sampled_from(("band_1", "band_2", "unscored")), st.sampled_from(_DID)), _parts(40)
).map(
    lambda drawn: [
        {"segment": "all", "band": band, "did": did, "lines": n, "late": k}
        for (band, did), (n, k) in drawn.items()
    ]
)
_MODEL = leaving_model()
_SCORED = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from((100_000, 900_000)), st.integers(0, 5)).map(
        lambda drawn: (
            _MODEL,
            dict(zip(("months_idle", "limit_minor", "purchases_12m"), drawn, strict=True)),
        )
    ),
    max_size=40,
)


def _look(
    offer: str,
    held_out: bool,
    half: int,
    drawn_bps: int,
    months: int,
    followed: tuple[bool | None, bool | None, bool | None],
    in_difficulty: bool,
) -> Look:
    left_30, left_180, complained = followed
    return Look(
        offer, "pause", held_out, 50, "line_in_use", drawn_bps, months, False, left_30, left_180, complained,
        in_difficulty, half,
    )  # fmt: skip


# Left within 30 days, within 180, complained: all that can be known at a time.
_FOLLOWED = (
    (None, None, None), (False, None, None), (True, None, None), (False, False, False),
    (False, True, False), (True, True, True), (True, True, False),
)  # fmt: skip
_LOOKS = st.lists(
    st.builds(
        _look,
        st.sampled_from(("one", "two")),
        st.booleans(),
        st.integers(0, 1),
        st.integers(0, 10_000),
        st.integers(0, 24),
        st.sampled_from(_FOLLOWED),
        st.booleans(),
    ),
    max_size=70,
)
ROWS: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "funnel": _steps(),
    "flows": _steps(),
    "reasons": _REASONS,
    "complaints": _COMPLAINTS,
    "rejoins": _REJOINS,
    "hazard": _HAZARD,
    "drivers": _SCORED,
    "leavers": _GROUPS,
    "outcomes": _GROUPS,
    "offers": _LOOKS,
    "qini": _LOOKS,
}
