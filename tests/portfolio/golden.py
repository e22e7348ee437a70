"""A book small enough for paper, and every measure of it worked out there.

A buys 12,000, due on 20 January, and never pays. B buys 10,000 in two instalments with 100 interest on the
first; pays that on time, the second before it is billed, stops drawing on 10 March and is closed on the 20th.
C buys 20,000 on 1 February, gives 4,000 back, is billed on 1 March with a fee of 600, pays 6,600 on the due
day, the 17th, and is let off 3,000 on 15 April. D to G open on 1 March and never buy; E asks to leave on
20 April, D pauses from 10 March to 5 April, G from 10 April on. D disputed something in March, F does since
the 20th of April. The behaviour model has scored C and F at the
last two month ends, and A at the last. Month ends are looked at; the last is 30 April.

    owed       31 Jan   28 Feb   31 Mar   30 Apr      days past due
    A          12,000   12,000   12,000   12,000      11, 39, 70, 100
    B          10,100        0        0        0       0
    C                   16,000   10,000    7,000       0, 14, 44
    book       22,100   28,000   22,000   19,000
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import pytest
from portfolio.lives import Lives

END: Final = date(2026, 4, 30)
_JAN, _FEB, _MAR, _APR = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), END
_CAUSES: Final = ("1_new_bad", "2_cured", "3_stays_bad", "4_written_off", "5_book_growth", "6_exits")


def _day(month: int, day: int) -> date:
    return date(2026, month, day)


def book() -> Lives:
    """The seven lines."""
    made = Lives()
    made.line("a", _day(1, 10), 100_000)
    made.buy("a", "a1", _day(1, 10), 12_000)
    made.bill("a1", 1, 12_000, _day(1, 12), _day(1, 20))
    made.line("b", _day(1, 10), 50_000)
    made.buy("b", "b1", _day(1, 10), 10_000)
    made.bill("b1", 1, 5_000, _day(1, 25), _day(2, 5), interest=100)
    made.bill("b1", 2, 5_000, _day(2, 23), _day(3, 5))
    made.settle("b1", 1, "payment", _day(2, 4), 5_000)
    made.settle("b1", 1, "payment", _day(2, 4), 100, "interest")
    made.settle("b1", 2, "payment", _day(2, 10), 5_000)
    made.leave("b", _day(3, 10), _day(3, 20))
    made.line("c", _day(2, 1), 80_000)
    made.buy("c", "c1", _day(2, 1), 20_000, "y")
    made.bill("c1", 1, 20_000, _day(3, 1), _day(3, 17), fee=600)
    made.settle("c1", 1, "refund", _day(2, 12), 4_000)
    made.settle("c1", 1, "payment", _day(3, 17), 6_000)
    made.settle("c1", 1, "payment", _day(3, 17), 600, "fee")
    made.settle("c1", 1, "waiver", _day(4, 15), 3_000)
    made.line("d", _day(3, 1), 30_000)
    made.line("e", _day(3, 1), 40_000)
    made.leave("e", _day(4, 20))
    made.line("f", _day(3, 1), 60_000)
    made.line("g", _day(3, 1), 20_000)
    made.lock("d", _day(3, 10), _day(4, 5))
    made.lock("g", _day(4, 10))
    made.dispute("d", _day(3, 2), _day(3, 9))
    made.dispute("f", _day(4, 20))
    for line, before, now in (("c", 300_000, 200_000), ("f", 40_000, 100_000)):
        made.score(line, _MAR, before)
        made.score(line, _APR, now)
    made.score("a", _APR, 10_000)
    return made


def _near(value: float) -> Any:
    return pytest.approx(value, abs=1e-12)


# Columns, and all rows of them.
GOLDEN: Final[dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]]] = {
    "npl": (
        (
            "on_day", "lines", "book_minor", "npl_minor", "new_npl_minor", "performing_before_minor",
            "npl_ratio", "formation_rate", "constant_ratio",
        ),
        [
            (_JAN, 2, 22_100, 0, 0, 0, 0.0, None, 0.0),
            (_FEB, 2, 28_000, 0, 0, 22_100, 0.0, 0.0, 0.0),
            (_MAR, 2, 22_000, 0, 0, 28_000, 0.0, 0.0, 0.0),
            (_APR, 2, 19_000, 12_000, 12_000, 22_000, _near(12 / 19), _near(12 / 22), _near(120 / 221)),
        ],
    ),
    # February grew by C's 16,000 less B's 10,100; March shrank by C's 6,000; in April A turned bad.
    "npl_change": (
        ("on_day", "cause", "npl_change_minor", "book_change_minor", "contribution"),
        [
            *((_JAN, cause, 0, 22_100 * (cause == "5_book_growth"), 0.0) for cause in _CAUSES),
            *((_FEB, cause, 0, 5_900 * (cause == "5_book_growth"), 0.0) for cause in _CAUSES),
            *((_MAR, cause, 0, -6_000 * (cause == "5_book_growth"), 0.0) for cause in _CAUSES),
            (_APR, "1_new_bad", 12_000, 0, _near(12 / 19)),
            (_APR, "2_cured", 0, 0, 0.0),
            (_APR, "3_stays_bad", 0, 0, 0.0),
            (_APR, "4_written_off", 0, -3_000, 0.0),
            (_APR, "5_book_growth", 0, 0, 0.0),
            (_APR, "6_exits", 0, 0, 0.0),
        ],
    ),
    "dpd": (
        ("on_day", "lines_30", "lines_60", "lines_90", "dpd_30_minor", "dpd_60_minor", "dpd_90_minor",
         "dpd_30_share"),
        [
            (_JAN, 0, 0, 0, 0, 0, 0, 0.0),
            (_FEB, 1, 0, 0, 12_000, 0, 0, _near(12 / 28)),
            (_MAR, 1, 1, 0, 12_000, 12_000, 0, _near(12 / 22)),
            (_APR, 2, 1, 1, 19_000, 12_000, 12_000, 1.0),
        ],
    ),
    "roll_rates": (
        ("on_day", "from_bucket", "to_bucket", "lines", "opening_minor", "closing_minor", "lines_share",
         "rate"),
        [
            (_FEB, "current", "none", 1, 10_100, 0, 1.0, 0.0),
            (_FEB, "dpd_1_29", "dpd_30_59", 1, 12_000, 12_000, 1.0, 1.0),
            (_MAR, "current", "dpd_1_29", 1, 16_000, 10_000, 1.0, 0.625),
            (_MAR, "dpd_30_59", "dpd_60_89", 1, 12_000, 12_000, 1.0, 1.0),
            (_APR, "dpd_1_29", "dpd_30_59", 1, 10_000, 7_000, 1.0, 0.7),
            (_APR, "dpd_60_89", "dpd_90_plus", 1, 12_000, 12_000, 1.0, 1.0),
        ],
    ),
    "vintages": (
        ("opened", "months_on_book", "lines", "originated_minor", "owed_minor", "dpd_30_minor",
         "dpd_90_minor", "defaulted_lines", "defaulted_minor", "net_loss_minor", "default_rate",
         "net_loss_rate"),
        [
            (202601, 0, 2, 22_000, 22_100, 0, 0, 0, 0, 0, 0.0, 0.0),
            (202601, 1, 2, 22_000, 12_000, 12_000, 0, 0, 0, 0, 0.0, 0.0),
            (202601, 2, 2, 22_000, 12_000, 12_000, 0, 0, 0, 0, 0.0, 0.0),
            (202601, 3, 2, 22_000, 12_000, 12_000, 12_000, 1, 12_000, 0, _near(12 / 22), 0.0),
            (202602, 0, 1, 20_000, 16_000, 0, 0, 0, 0, 0, 0.0, 0.0),
            (202602, 1, 1, 20_000, 10_000, 0, 0, 0, 0, 0, 0.0, 0.0),
            (202602, 2, 1, 20_000, 7_000, 7_000, 0, 0, 0, 3_000, 0.0, 0.15),
            (202603, 0, 4, 0, 0, 0, 0, 0, 0, 0, None, None),
            (202603, 1, 4, 0, 0, 0, 0, 0, 0, 0, None, None),
        ],
    ),
    "classes": (
        ("asset_class", "lines", "balance_minor", "share"),
        [
            ("2_special_mention", 1, 7_000, _near(7 / 19)),
            ("3_substandard", 1, 12_000, _near(12 / 19)),
        ],
    ),
    "cdr": (
        ("on_day", "performing_before_minor", "defaulted_minor", "mdr", "cdr"),
        [
            (_JAN, 0, 0, None, None),
            (_FEB, 22_100, 0, 0.0, 0.0),
            (_MAR, 28_000, 0, 0.0, 0.0),
            (_APR, 22_000, 12_000, _near(12 / 22), _near(1 - (10 / 22) ** 12)),
        ],
    ),
    # B's second instalment of 5,000 was billed in February, and paid before that.
    "prepayment": (
        ("on_day", "opening_minor", "scheduled_minor", "prepaid_minor", "smm", "cpr"),
        [
            (_JAN, 0, 17_000, 0, None, None),
            (_FEB, 22_100, 5_000, 5_000, _near(50 / 171), _near(1 - (121 / 171) ** 12)),
            (_MAR, 28_000, 20_000, 0, 0.0, 0.0),
            (_APR, 22_000, 0, 0, 0.0, 0.0),
        ],
    ),
    "payment_rate": (
        ("on_day", "opening_minor", "collected_minor", "mpr"),
        [
            (_JAN, 0, 0, None),
            (_FEB, 22_100, 10_100, _near(101 / 221)),
            (_MAR, 28_000, 6_600, _near(66 / 280)),
            (_APR, 22_000, 0, 0.0),
        ],
    ),
    "dilution": (
        ("on_day", "refunded_minor", "dilution"),
        [(_JAN, 0, None), (_FEB, 4_000, _near(40 / 221)), (_MAR, 0, 0.0), (_APR, 0, 0.0)],
    ),
    "excess_spread": (
        ("on_day", "charged_minor", "written_off_minor", "gross_yield", "loss_rate", "excess_spread"),
        [
            (_JAN, 100, 0, None, None, None),
            (_FEB, 0, 0, 0.0, 0.0, 0.0),
            (_MAR, 600, 0, _near(12 * 6 / 280), 0.0, _near(12 * 6 / 280)),
            (_APR, 0, 3_000, 0.0, _near(12 * 3 / 22), _near(-12 * 3 / 22)),
        ],
    ),
    # A's 12,000 are open at shop x, of a line of January with 100,000; C's 7,000 at y, of February, 80,000.
    "concentration": (
        ("by", "groups", "open_minor", "largest_share", "hhi", "effective_number"),
        [
            ("category", 1, 19_000, 1.0, 1.0, 1.0),
            ("limit", 1, 19_000, 1.0, 1.0, 1.0),
            *(
                (by, 2, 19_000, _near(12 / 19), _near(193 / 361), _near(361 / 193))
                for by in ("merchant", "obligor", "opened")
            ),
            ("pack", 1, 19_000, 1.0, 1.0, 1.0),
        ],
    ),
    # Of two that were current one paid off and one fell late; every late one rolled on. That is too few: who
    # is current is taken together with who is late, and of those six one paid off. So by roll rates PD is 5/6
    # for who is current or owes nothing, one for who is late. LGD 60 %, a tenth of the undrawn.
    # D has no score: 3,000 x 5/6 x 0.6. F's says 10 % in twelve months: 6,000 x 0.1 x 0.6. C's says 20 %;
    # it is in stage 2, so 36 months: 1 - 0.8 ^ 3 = 0.488 of 7,000 and 7,300. A is in stage 3 anyway.
    "ecl": (
        ("stage", "lines", "lines_by_score", "lines_by_roll_rates", "lines_pooled", "lines_horizon_unknown",
         "drawn_minor", "undrawn_minor", "drawn_ecl_minor", "undrawn_ecl_minor", "ecl_minor"),
        [
            (1, 2, 1, 1, 1, 0, 0, 90_000, 0, 1_860, 1_860),
            (2, 1, 1, 0, 0, 0, 7_000, 73_000, 2_050, 2_137, 4_187),
            (3, 1, 0, 0, 0, 0, 12_000, 88_000, 7_200, 5_280, 12_480),
        ],
    ),
    # A month ago A 12,480, E 2,000 and G 1,000 by roll rates; C at 30 % 1,800 + 1,260, F at 4 % 144; D could
    # not draw. E's and G's was released when they stopped; 1,800 of C's was used up, the rest of C's change
    # came with stage 2. F is exposed as before: the 216 more are by another score. D draws again, which is
    # remeasured.
    "ecl_movement": (
        ("opening_minor", "new_lines_minor", "released_at_draw_stop_minor", "written_off_minor",
         "to_stage_1_minor", "to_stage_2_minor", "to_stage_3_minor", "pd_changed_minor", "remeasured_minor",
         "closing_minor"),
        [(18_684, 0, -3_000, -1_800, 0, 2_927, 0, 216, 1_500, 18_527)],
    ),
    "coverage": (("allowance_minor", "npl_minor", "coverage"), [(18_527, 12_000, _near(18_527 / 12_000))]),
    # D to G are seen for a month, C for two; B is closed after two, A is bad after three.
    "survival": (
        ("month", "at_risk", "ended", "by_customer", "by_us", "defaulted", "survival", "cif_by_customer",
         "cif_by_us", "cif_defaulted"),
        [
            (1, 7, 4, 0, 0, 0, 1.0, 0.0, 0.0, 0.0),
            (2, 3, 2, 1, 0, 0, _near(2 / 3), _near(1 / 3), 0.0, 0.0),
            (3, 1, 1, 0, 0, 1, 0.0, _near(1 / 3), 0.0, _near(2 / 3)),
        ],
    ),
    # B and E leave, G pauses. D did too, and draws again.
    "freed": (
        ("on_day", "lines", "limit_minor", "undrawn_minor", "exposure_minor", "weighted_minor"),
        [(_MAR, 1, 50_000, 50_000, 5_000, 3_750), (_APR, 2, 60_000, 60_000, 6_000, 4_500)],
    ),
    "cohorts": (
        ("bucket", "months_on_book", "leaving", "lines", "limit_minor", "owed_minor", "undrawn_minor",
         "may_be_asked"),
        # D alone: F disputes something, G is locked.
        [
            ("dpd_30_59", 2, 0, 1, 80_000, 7_000, 73_000, 0),
            ("dpd_90_plus", 3, 0, 1, 100_000, 12_000, 88_000, 0),
            ("none", 1, 0, 3, 110_000, 0, 90_000, 1),
            ("none", 1, 1, 1, 40_000, 0, 0, 0),
        ],
    ),
}  # fmt: skip
