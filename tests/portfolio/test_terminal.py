"""What is assumed of defaults, at a terminal."""

from __future__ import annotations

import json

import pytest
from portfolio import golden

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
    # If the score means three years, a third of its hazard is in one: 1 - 0.9 ^ (1 / 3) = 3.4511 %.
    assert cli.run([*_ASK, *own, "--score-months", "36"]) == 0
    assert _losses(capsys.readouterr().out) == {1: 18 + 124, 2: 2_100 + 2_190, 3: 12_480}


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
