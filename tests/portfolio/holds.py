"""What holds of each measure for any book at all, by its name. The sentences are those of the reference.

Each is given the measures of one currency by name, and the book as it was made up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import groupby, pairwise
from typing import Any, Final

import pytest
from portfolio.lives import Lives

Rows = Sequence[dict[str, Any]]
Found = Mapping[str, Rows]
Holds = Callable[[Found, Lives, str], None]


def _sum(rows: Rows, column: str) -> int:
    return sum(row[column] for row in rows)


def _book(found: Found) -> int:
    return found["npl"][-1]["book_minor"]


def _stopped(book: Lives, on: date) -> set[str]:
    """Lines that cannot draw at the end of a day: they leave, or are locked."""
    left = {row["line_id"] for row in book.rows["exit"] if row["stopped_on"] <= on}
    locks = [row for row in book.rows["lock"] if row["set_on"] <= on]
    return left | {row["line_id"] for row in locks if row["lifted_on"] is None or row["lifted_on"] > on}


def npl(found: Found, book: Lives, currency: str) -> None:
    """The book is what was bought and charged less what was settled; NPL is a part of it."""
    last = found["npl"][-1]
    assert last["book_minor"] == book.owed(last["on_day"], currency)
    assert all(0 <= row["new_npl_minor"] <= row["npl_minor"] <= row["book_minor"] for row in found["npl"])


def npl_change(found: Found, book: Lives, currency: str) -> None:
    """Causes add up to the change of the ratio, of NPL and of the book, each month."""
    before = {"book_minor": 0, "npl_minor": 0}
    known = {row["on_day"]: row for row in found["npl"]}
    for on, group in groupby(found["npl_change"], lambda row: row["on_day"]):
        parts = list(group)
        change = (parts[0]["ratio_after"] or 0) - parts[0]["ratio_before"]
        # With nothing left there is no ratio, and no cause has a share of it.
        if parts[0]["ratio_after"] is not None:
            assert _sum(parts, "contribution") == pytest.approx(change, abs=1e-9)
        assert _sum(parts, "book_change_minor") == known[on]["book_minor"] - before["book_minor"]
        assert _sum(parts, "npl_change_minor") == known[on]["npl_minor"] - before["npl_minor"]
        before = known[on]


def dpd(found: Found, book: Lives, currency: str) -> None:
    """Later buckets are within earlier ones, and all within the book."""
    for row, whole in zip(found["dpd"], found["npl"], strict=True):
        assert row["book_minor"] == whole["book_minor"]
        assert row["dpd_90_minor"] <= row["dpd_60_minor"] <= row["dpd_30_minor"] <= row["book_minor"]
        assert row["lines_90"] <= row["lines_60"] <= row["lines_30"] <= row["lines"] == whole["lines"]


def roll_rates(found: Found, book: Lives, currency: str) -> None:
    """From each bucket shares add up to one; opening balances are the book of the month before."""
    for _, group in groupby(found["roll_rates"], lambda row: (row["on_day"], row["from_bucket"])):
        parts = list(group)
        assert _sum(parts, "opening_share") == pytest.approx(1)
        assert _sum(parts, "lines_share") == pytest.approx(1)
    for before, now in pairwise(found["npl"]):
        rolled = [row for row in found["roll_rates"] if row["on_day"] == now["on_day"]]
        assert _sum(rolled, "opening_minor") == before["book_minor"]
        assert _sum(rolled, "lines") == before["lines"]


def vintages(found: Found, book: Lives, currency: str) -> None:
    """Vintages add up to the book each day, at last to all that was bought and given up; sums only grow."""
    for whole in found["npl"]:
        rows = [row for row in found["vintages"] if row["on_day"] == whole["on_day"]]
        assert _sum(rows, "owed_minor") == whole["book_minor"]
    last = [row for row in found["vintages"] if row["on_day"] == found["npl"][-1]["on_day"]]
    assert _sum(last, "net_loss_minor") == book.settled(currency, ["waiver", "sold"]) - book.got(currency)
    lines = {row["line_id"] for row in book.rows["line"] if row["currency"] == currency}
    bought = sum(row["principal_minor"] for row in book.rows["plan"] if row["line_id"] in lines)
    assert _sum(last, "originated_minor") == bought
    for _, group in groupby(found["vintages"], lambda row: row["opened"]):
        for one, two in pairwise(list(group)):
            for column in ("originated_minor", "defaulted_minor", "defaulted_lines", "net_loss_minor"):
                assert one[column] <= two[column]


def classes(found: Found, book: Lives, currency: str) -> None:
    """Balances of the five classes add up to the book, their shares to one."""
    assert _sum(found["classes"], "balance_minor") == _book(found)
    assert not _book(found) or _sum(found["classes"], "share") == pytest.approx(1)


def cdr(found: Found, book: Lives, currency: str) -> None:
    """What performed is the book less NPL of the month before; no more of it can default."""
    for (before, now), row in zip(pairwise(found["npl"]), found["cdr"][1:], strict=True):
        assert row["on_day"] == now["on_day"]
        assert row["performing_before_minor"] == before["book_minor"] - before["npl_minor"]
        assert 0 <= row["defaulted_minor"] <= row["performing_before_minor"]
        assert row["mdr"] is None or 0 <= row["mdr"] <= row["cdr"] <= 1


def prepayment(found: Found, book: Lives, currency: str) -> None:
    """All that was ever billed was scheduled in one month; no month prepays more than it collects."""
    lines = {row["line_id"] for row in book.rows["line"] if row["currency"] == currency}
    billed = [row for row in book.rows["instalment"] if row["line_id"] in lines and row["statement_on"]]
    assert _sum(found["prepayment"], "scheduled_minor") == _sum(billed, "principal_minor")
    for row, paid in zip(found["prepayment"], found["payment_rate"], strict=True):
        assert 0 <= row["prepaid_minor"] <= paid["collected_minor"]


def payment_rate(found: Found, book: Lives, currency: str) -> None:
    """Every payment is collected in one month; a month opens with the book of the one before."""
    assert _sum(found["payment_rate"], "collected_minor") == book.settled(currency, ["payment"])
    for before, row in zip(found["npl"], found["payment_rate"][1:], strict=False):
        assert row["opening_minor"] == before["book_minor"]


def dilution(found: Found, book: Lives, currency: str) -> None:
    """Every refund is of one month."""
    assert _sum(found["dilution"], "refunded_minor") == book.settled(currency, ["refund"])


def excess_spread(found: Found, book: Lives, currency: str) -> None:
    """Every charge, also of what was sold unbilled, and every loss is of one month; spread is yield less loss
    less costs.
    """
    lines = {row["line_id"] for row in book.rows["line"] if row["currency"] == currency}
    charged = [row for row in book.rows["instalment"] if row["line_id"] in lines and row["charged_on"]]
    billed = {(row["plan_id"], row["no"]) for row in charged}
    price = [
        row for row in book.rows["settlement"] if row["line_id"] in lines if row["component"] != "principal"
    ]
    before = [row for row in price if (row["plan_id"], row["no"]) not in billed]
    rows = found["excess_spread"]
    asked = _sum(charged, "interest_minor") + _sum(charged, "fee_minor")
    assert _sum(rows, "charged_minor") == asked + _sum(before, "amount_minor")
    assert _sum(rows, "written_off_minor") == book.settled(currency, ["waiver", "sold"])
    for row in rows:
        if row["opening_minor"]:
            assert row["excess_spread"] == pytest.approx(row["gross_yield"] - row["loss_rate"])


def concentration(found: Found, book: Lives, currency: str) -> None:
    """However it is split, open principal is the same; the index lies between one over the number and one."""
    lines = {row["line_id"] for row in book.rows["line"] if row["currency"] == currency}
    put = sum(row["principal_minor"] for row in book.rows["instalment"] if row["line_id"] in lines)
    taken = sum(
        row["amount_minor"]
        for row in book.rows["settlement"]
        if row["line_id"] in lines and row["component"] == "principal"
    )
    assert len(found["concentration"]) == (6 if put - taken else 0)
    for row in found["concentration"]:
        assert row["open_minor"] == put - taken
        assert 1 / row["groups"] - 1e-9 <= row["hhi"] <= row["largest_share"] + 1e-9 <= 1 + 2e-9


def ecl(found: Found, book: Lives, currency: str) -> None:
    """Drawn balances add up to the book, undrawn ones to limits that may be drawn less what is owed, lines by
    source to their stage; no loss is more than is exposed.
    """
    assert _sum(found["ecl"], "drawn_minor") == _book(found)
    for row in found["ecl"]:
        assert row["ecl_minor"] == row["drawn_ecl_minor"] + row["undrawn_ecl_minor"]
        assert 0 <= row["drawn_ecl_minor"] <= row["drawn_minor"]
        assert 0 <= row["undrawn_ecl_minor"] <= row["undrawn_minor"]
        by_source = row["lines_by_score"], row["lines_by_roll_rates"]
        assert sum(by_source) == (row["lines"] if row["stage"] < 3 else 0)
        assert 0 <= row["lines_horizon_unknown"] <= row["lines_by_roll_rates"]
        assert 0 <= row["lines_pooled"] <= row["lines_by_roll_rates"]
    on = found["npl"][-1]["on_day"]
    lines = [row for row in book.rows["line"] if row["currency"] == currency and row["opened_on"] <= on]
    stopped = _stopped(book, on)
    may_be_drawn = sum(row["limit_minor"] for row in lines if row["line_id"] not in stopped)
    assert may_be_drawn - _book(found) <= _sum(found["ecl"], "undrawn_minor") <= may_be_drawn
    scored = {row["line_id"] for row in book.rows["score"] if row["on_day"] == on}
    assert _sum(found["ecl"], "lines_by_score") <= len(scored)


def ecl_movement(found: Found, book: Lives, currency: str) -> None:
    """Opening and every movement add up to closing, which is the loss of all stages."""
    for row in found["ecl_movement"]:
        moved = [value for name, value in row.items() if name.endswith("_minor")]
        assert sum(moved[:-1]) == moved[-1] == _sum(found["ecl"], "ecl_minor")


def coverage(found: Found, book: Lives, currency: str) -> None:
    """Allowance is the loss of all stages, NPL that of the last day."""
    (row,) = found["coverage"]
    assert row["allowance_minor"] == _sum(found["ecl"], "ecl_minor")
    assert row["npl_minor"] == found["npl"][-1]["npl_minor"]


def survival(found: Found, book: Lives, currency: str) -> None:
    """Every line ends or is censored once; survival and the three incidences add up to one and only fall."""
    lines = [row for row in book.rows["line"] if row["currency"] == currency]
    assert _sum(found["survival"], "ended") == len(lines) == found["survival"][0]["at_risk"]
    for row in found["survival"]:
        reached = row["cif_by_customer"] + row["cif_by_us"] + row["cif_defaulted"]
        assert row["survival"] + reached == pytest.approx(1, abs=1e-12)
        assert row["by_customer"] + row["by_us"] + row["defaulted"] <= row["ended"] <= row["at_risk"]
    assert all(one["survival"] >= two["survival"] for one, two in pairwise(found["survival"]))


def freed(found: Found, book: Lives, currency: str) -> None:
    """Every line that cannot draw on the day gives its limit back once, and never more than the limit."""
    gone = _stopped(book, found["npl"][-1]["on_day"])
    lines = [row for row in book.rows["line"] if row["currency"] == currency and row["line_id"] in gone]
    assert _sum(found["freed"], "lines") == len(lines)
    assert _sum(found["freed"], "limit_minor") == _sum(lines, "limit_minor")
    for row in found["freed"]:
        assert 0 <= row["weighted_minor"] <= row["exposure_minor"] + row["lines"]
        assert row["exposure_minor"] <= row["undrawn_minor"] <= row["limit_minor"]


def cohorts(found: Found, book: Lives, currency: str) -> None:
    """Groups add up to the lines that are not closed, their limits and what they owe; nobody is asked who
    leaves, is late, locked, helped or disputes.
    """
    open_lines = [
        row for row in book.rows["line"] if row["currency"] == currency and row["closed_on"] is None
    ]
    assert _sum(found["cohorts"], "lines") == len(open_lines)
    assert _sum(found["cohorts"], "limit_minor") == _sum(open_lines, "limit_minor")
    assert _sum(found["cohorts"], "owed_minor") == _book(found)
    kept_out = {
        row["line_id"]
        for table, until in (
            ("exit", None),
            ("lock", "lifted_on"),
            ("hardship", "ended_on"),
            ("dispute", "settled_on"),
        )
        for row in book.rows[table]
        if not (until and row[until])
    }
    most = sum(row["line_id"] not in kept_out for row in open_lines)
    late = sum(row["lines"] for row in found["cohorts"] if row["bucket"].startswith("dpd_"))
    asked = _sum(found["cohorts"], "may_be_asked")
    assert most - late <= asked <= most
    assert all(not row["may_be_asked"] for row in found["cohorts"] if row["bucket"].startswith("dpd_"))


HOLDS: Final[Mapping[str, Holds]] = {
    each.__name__: each
    for each in (
        npl, npl_change, dpd, roll_rates, vintages, classes, cdr, prepayment, payment_rate, dilution,
        excess_spread, concentration, ecl, ecl_movement, coverage, survival, freed, cohorts,
    )
}  # fmt: skip
