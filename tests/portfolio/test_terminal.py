"""What is assumed of defaults, at a terminal."""

from __future__ import annotations

import json
from datetime import date

import pytest
from portfolio import golden
from portfolio.lives import Lives

from whiteslip import portfolio
from whiteslip.app import cli
from whiteslip.lake import Lake

_ASK = ("portfolio", "measure", "ecl", "--json")


def test_probabilities_of_default_are_yours_to_give(
    place: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    book = golden.book().put(place, golden.END)
    monkeypatch.setattr("whiteslip.app.commands_portfolio.the_lake", lambda: book)
    monkeypatch.setattr("whiteslip.app.commands_portfolio.last_sealed", lambda: golden.END)
    own = ("--pd-ppm", "dpd_30_59=100000,500000", "--pd-ppm", "current=10000,20000")
    assert cli.run([*_ASK, *own]) == 0
    # LGD 60 %. D owes nothing, so it counts as current: 1 % of a tenth of 30,000; F has a score, which says
    # 10 % of a tenth of 60,000. C is in stage 2: half of 7,000 and of a tenth of 73,000. A is bad already.
    assert _losses(capsys.readouterr().out) == {1: 18 + 360, 2: 2_100 + 2_190, 3: 12_480}
    # A model that says how far it looks ahead is not told otherwise.
    assert cli.run([*_ASK, *own, "--score-months", "36"]) == 0
    assert _losses(capsys.readouterr().out) == {1: 18 + 360, 2: 2_100 + 2_190, 3: 12_480}


def test_a_model_that_does_not_say_how_far_it_looks_ahead_is_not_used_unless_you_say_it(
    place: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    silent = golden.book()
    for row in silent.rows["score"]:
        row["horizon_months"] = None
    book = silent.put(place, golden.END)
    monkeypatch.setattr("whiteslip.app.commands_portfolio.the_lake", lambda: book)
    monkeypatch.setattr("whiteslip.app.commands_portfolio.last_sealed", lambda: golden.END)
    own = ("--pd-ppm", "dpd_30_59=100000,500000", "--pd-ppm", "current=10000,20000")
    assert cli.run([*_ASK, *own]) == 0
    told = capsys.readouterr()
    # F falls back on its bucket, as D does: 1 % of a tenth of 60,000.
    assert _losses(told.out) == {1: 18 + 36, 2: 2_100 + 2_190, 3: 12_480}
    assert "1 line has a score whose model does not say how far it looks ahead" in told.err
    assert "--score-months" in told.err
    # If the score means three years, a third of its hazard is in one: 1 - 0.9 ^ (1 / 3) = 3.4511 %.
    assert cli.run([*_ASK, *own, "--score-months", "36"]) == 0
    told = capsys.readouterr()
    assert _losses(told.out) == {1: 18 + 124, 2: 2_100 + 2_190, 3: 12_480}
    assert "does not say" not in told.err


@pytest.mark.parametrize(
    ("months", "year", "life"),
    [
        # 1 - 0.99 ^ 12 = 0.113615, 1 - 0.99 ^ 36 = 0.303587.
        (1, 113_615, 303_587),
        # 1 - 0.99 ^ 2 = 0.0199, 1 - 0.99 ^ 6 = 0.058520.
        (6, 19_900, 58_520),
        (12, 10_000, 29_701),
        # 1 - 0.99 ^ 0.5 = 0.005013, 1 - 0.99 ^ 1.5 = 0.014962.
        (24, 5_013, 14_962),
    ],
)
def test_a_score_is_brought_from_its_models_horizon_to_twelve_months_and_to_lifetime(
    place: Lake, months: int, year: int, life: int
):
    book = Lives()
    for line in ("well", "late"):
        book.line(line, date(2026, 1, 10), 10_000_000)
        book.buy(line, line, date(2026, 1, 10), 10_000_000)
        book.score(line, golden.END, 10_000, months)
    book.bill("well", 1, 10_000_000, None, date(2026, 12, 20))
    book.bill("late", 1, 10_000_000, date(2026, 2, 20), date(2026, 3, 15))
    found = portfolio.compute(book.put(place, golden.END), "ecl")
    assert isinstance(found, portfolio.Result)
    losses = {row["stage"]: row["ecl_minor"] for row in found.records()}
    # Ten millionths of 10,000,000 are 1 %; LGD 60 %, the rate rounded half up to a millionth.
    assert losses == {1: 10 * ((year * 6 + 5) // 10), 2: 10 * ((life * 6 + 5) // 10)}


def _losses(said: str) -> dict[int, int]:
    found = json.loads(said)
    stage, loss = found["columns"].index("stage"), found["columns"].index("ecl_minor")
    return {row[stage]: row[loss] for row in found["rows"]}


@pytest.mark.parametrize(
    "stated", ["current", "current=1", "late=1,2", "current=2,1", "current=1,1000001", "current=-1,2"]
)
def test_probabilities_that_cannot_be_are_refused(stated: str, capsys: pytest.CaptureFixture[str]):
    assert cli.run([*_ASK, "--pd-ppm", stated]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert stated in err
    assert "dpd_30_59" in err
