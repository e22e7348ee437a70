"""Packs at a terminal; no installation is needed to read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from whiteslip import packs
from whiteslip.app import cli

Capture = pytest.CaptureFixture[str]
EU = Path(packs.__file__).parent / "data" / "eu.toml"


def run(capture: Capture, *tokens: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    code = cli.run(["packs", *tokens])
    out, err = capture.readouterr()
    return code, out, err


def data(capture: Capture, *tokens: str) -> Any:
    """What a command gives as JSON."""
    code, out, err = run(capture, *tokens, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_without_a_name_the_packs_are_listed(capsys: Capture):
    assert [row["name"] for row in data(capsys, "show")] == packs.names()
    code, out, _ = run(capsys, "show")
    assert (code, "TARGET2" in out) == (0, True)


def test_a_pack_is_shown_with_the_duty_that_each_number_serves(capsys: Capture):
    shown = data(capsys, "show", "cn")
    assert (shown["currency"], shown["calendar"]) == ("CNY", "CN")
    assert shown["make_up_days_until"] >= 2026
    by_key = {one["key"]: one for one in shown["parameters"]}
    assert set(by_key) == set(packs.load("cn").parameters)
    one = by_key["complaint.answer_days"]
    assert (one["value"], one["unit"], one["verified"], one["from"]) == (15, "days", True, "cn")
    assert one["duty"]["sentence"]
    assert by_key["exit.step_up_days"]["duty"]["tests"]


def test_the_table_loses_no_source_however_long(capsys: Capture):
    code, out, _ = run(capsys, "show", "eu")
    assert code == 0
    said = " ".join(out.split())
    assert "…" not in said
    for one in packs.load("eu").listed():
        assert one.key in said
        assert one.source.split()[-1] in said


def test_a_pack_that_does_not_exist_is_not_found(capsys: Capture):
    code, out, err = run(capsys, "show", "atlantis")
    assert (code, out) == (3, "")
    assert "there is no pack 'atlantis'" in err


def test_what_ships_is_sound(capsys: Capture):
    code, out, err = run(capsys, "check")
    assert (code, err) == (0, "")
    count = len(packs.duties())
    assert out == f"5 packs are sound; {count} of {count} duties are served\n"


def test_a_pack_that_calls_a_debt_otherwise_than_is_built_is_not_sound(capsys: Capture, tmp_path: Path):
    mine = tmp_path / "mine.toml"
    mine.write_text(
        EU.read_text().replace(
            "[parameters.debt.stage_two_after_days]\nvalue = 30",
            "[parameters.debt.stage_two_after_days]\nvalue = 31",
        )
    )
    code, _, err = run(capsys, "check", str(mine))
    assert code == 1
    assert "mine: debt.stage_two_after_days is 31, and classes and stages are built for 30" in err


def test_faults_of_a_file_are_told_on_stderr_with_exit_code_1(capsys: Capture, tmp_path: Path):
    mine = tmp_path / "mine.toml"
    mine.write_text(EU.read_text())
    assert run(capsys, "check", str(mine)) == (0, f"{mine} is sound\n", "")
    mine.write_text(EU.read_text().replace("TARGET2", "MOON"))
    code, out, err = run(capsys, "check", str(mine))
    assert (code, out) == (1, "")
    assert err.startswith("mine: calendar 'MOON' is none of")
    code, out, err = run(capsys, "check", str(tmp_path / "nowhere.toml"))
    assert (code, out) == (3, "")
    assert "nowhere.toml cannot be read: No such file" in err


def test_a_pack_that_demands_what_nobody_writes_or_sends_is_not_sound(tmp_path: Path, capsys: Capture):
    mine = tmp_path / "mine.toml"
    mine.write_text(EU.read_text().replace("closed withdrawal.settled", "closed withdrawal.farewell"))
    assert cli.run(["packs", "check", str(mine)]) == 1
    said = capsys.readouterr().err
    assert "told.withdraw demands withdrawal.farewell, which is not written in zh-CN or en" in said
    mine.write_text(EU.read_text().replace("closed withdrawal.settled", "closed exit.closed"))
    assert cli.run(["packs", "check", str(mine)]) == 1
    said = capsys.readouterr().err
    assert "mine: exit.closed to customer is missing after withdraw begins > " in said
