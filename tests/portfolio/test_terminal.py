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
    found = json.loads(capsys.readouterr().out)
    stage, loss = found["columns"].index("stage"), found["columns"].index("ecl_minor")
    # LGD 60 %. D owes nothing, so it counts as current: 1 % of a tenth of 30,000. C is in stage 2: half of
    # 7,000 and of a tenth of 73,000. A is bad already.
    assert {row[stage]: row[loss] for row in found["rows"]} == {1: 18, 2: 2_100 + 2_190, 3: 12_480}


@pytest.mark.parametrize(
    "stated", ["current", "current=1", "late=1,2", "current=2,1", "current=1,1000001", "current=-1,2"]
)
def test_probabilities_that_cannot_be_are_refused(stated: str, capsys: pytest.CaptureFixture[str]):
    assert cli.run([*_ASK, "--pd-ppm", stated]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert stated in err
    assert "dpd_30_59" in err
