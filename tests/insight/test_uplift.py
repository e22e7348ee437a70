"""An offer is judged against those held out by lot; what only delays or harms goes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.insight.intervals import any_time
from whiteslip.insight.uplift import Look, Verdict, coefficient, curve, judge, offers, qini


def look(held_out: bool, left_30: bool | None = False, left_180: bool | None = False, **more: object) -> Look:
    given: dict[str, object] = {
        "offer": "pause-30",
        "kind": "pause",
        "held_out": held_out,
        "held_out_percent": 50,
        "why": "line_in_use",
        "drawn_bps": 5_000,
        "months": 20,
        "ended": False,
        "left_30": left_30,
        "left_180": left_180,
        "complained": False,
        "in_difficulty": False,
        "half": 0,
    } | more
    return Look(**given)  # type: ignore[arg-type]


def arm(held_out: bool, looks: int, soon: int, late: int, **more: object) -> list[Look]:
    return [look(held_out, n < soon, n < late, **more) for n in range(looks)]


def test_an_offer_worked_out_by_hand():
    told = judge(arm(False, 300, 150, 210) + arm(True, 300, 240, 240))
    assert (told.left_30.value, told.left_180.value) == pytest.approx((-0.3, -0.1))
    # t = 600, s1 = 151/302, s2 = 241/302, variance 2·0.25 + 2·0.1612 = 0.8223 and rho² = 7.936/1000, so
    # half = √(0.8223 · 2 · 5.762/(600² · 0.007936) · ln(√5.762/0.05)) = 0.1132.
    assert told.left_30.high == pytest.approx(-0.3 + 0.1132, abs=2e-3)
    assert told.verdict is Verdict.ONLY_DELAYS, (
        "a third is left of what it did at first, and it may be nothing"
    )
    (row,) = offers(arm(False, 300, 150, 210) + arm(True, 300, 240, 240))
    assert (row["shown"], row["held_out"], row["verdict"]) == (300, 300, "only_delays")


@pytest.mark.parametrize(
    ("looks", "verdict"),
    [
        (arm(False, 40, 20, 20) + arm(True, 40, 20, 20), Verdict.RUNNING),
        (arm(False, 1_000, 300, 300) + arm(True, 1_000, 600, 600), Verdict.WORKS),
        (arm(False, 300, 60, 240) + arm(True, 300, 240, 240), Verdict.ONLY_DELAYS),
        (arm(False, 60, 30, 30, in_difficulty=True) + arm(True, 60, 30, 30), Verdict.REACHES_DIFFICULTY),
        (arm(False, 300, 90, 90, complained=True) + arm(True, 300, 90, 90), Verdict.HARMS),
        (arm(False, 2_000, 900, 900) + arm(True, 2_000, 900, 900), Verdict.NO_EFFECT),
    ],
    ids=lambda value: value.value if isinstance(value, Verdict) else "",
)
def test_the_rule_says(looks: list[Look], verdict: Verdict):
    assert judge(looks).verdict is verdict
    (row,) = offers(looks)
    assert row["verdict"] == verdict


def test_help_is_meant_for_people_in_difficulty():
    looks = arm(False, 60, 30, 30, in_difficulty=True, kind="hardship_help") + arm(True, 60, 30, 30)
    assert judge(looks).verdict is Verdict.RUNNING


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_order_does_not_matter_and_swapping_the_arms_mirrors_the_difference(
    rows: list[tuple[bool, bool, bool]],
):
    looks = [look(held, soon, soon or late) for held, soon, late in rows]
    assert judge(looks) == judge(looks[::-1])
    swapped = judge([look(not held, soon, soon or late) for held, soon, late in rows])
    assert swapped.left_180.value == pytest.approx(-judge(looks).left_180.value)
    (row,) = offers(looks)
    shown = sum(1 for held, _, _ in rows if not held)
    assert row["shown"] == (shown if 10 <= shown <= len(rows) - 10 else None), "small arms are not told"


def test_looking_every_night_cries_wolf_no_oftener_than_once_in_twenty():
    dice, wrong = random.Random(5), 0
    for _ in range(150):
        counts = [[0, 0], [0, 0]]
        for night in range(1_200):
            side = dice.random() < 0.5
            counts[side][0] += dice.random() < 0.4
            counts[side][1] += 1
            if night > 50 and night % 5 == 0:
                gap = any_time(*counts[1], *counts[0])
                if gap.low > 0 or gap.high < 0:
                    wrong += 1
                    break
    assert wrong <= 150 // 20 + 3


def test_a_qini_curve_worked_out_by_hand():
    # Shown, left; held out, left. Among the full 10 fewer leave; among the empty nobody is moved.
    cells = {"old_high": (20, 5, 20, 15), "old_low": (20, 10, 20, 10)}
    points = curve(cells, {"old_high": 0.5, "old_low": 0.0})
    assert points == [(0.0, 0.0), (0.5, 10 / 40), (1.0, 10 / 40)]
    assert coefficient(points) == pytest.approx(0.5 * 0.125 + 0.5 * 0.25 - 0.125)
    # The same people, the effect learnt on either half: 10 of 40 fewer, all of them among the full.
    looks = [
        look(held, left_180=n < left, drawn_bps=drawn, half=n % 2)
        for drawn, held, left in (
            (9_000, False, 5), (9_000, True, 15), (1_000, False, 10), (1_000, True, 10),
        )
        for n in range(20)
    ]  # fmt: skip
    rows = qini(looks)
    assert [(row["people"], row["fewer_leave"]) for row in rows] == points
    assert rows[0]["qini"] == pytest.approx(coefficient(points), abs=0.02)
    backwards = curve(cells, {"old_high": 0.0, "old_low": 0.5})
    assert coefficient(backwards) == pytest.approx(-coefficient(points))


def test_whom_an_offer_moves_is_found_and_luck_is_not_taken_for_it():
    dice = random.Random(3)

    def lives(moved: float) -> list[Look]:
        made = list[Look]()
        for _ in range(1_200):
            held, full = dice.random() < 0.5, dice.random() < 0.5
            chance = 0.6 - (moved if full and not held else 0.0)
            made.append(
                look(
                    held,
                    left_180=dice.random() < chance,
                    drawn_bps=9_000 if full else 1_000,
                    half=len(made) % 2,
                )
            )
        return made

    moved, luck = qini(lives(0.4)), qini(lives(0.0))
    assert moved[0]["qini_low"] > 0
    assert luck[0]["qini_low"] < 0 < luck[0]["qini_high"]


BY_HAND = {"offers": test_an_offer_worked_out_by_hand, "qini": test_a_qini_curve_worked_out_by_hand}
