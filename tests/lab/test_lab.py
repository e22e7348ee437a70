"""Models that the lab fits: as good as they claim, one way only, and the same to the bit when live."""

from __future__ import annotations

import importlib
import json
import tracemalloc
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pytest
from lab.conftest import RECIPE, recipe_with, rows, write

from whiteslip.app.cli import run
from whiteslip.decisions.scoring import Model, decoded, encoded, score
from whiteslip.lab import (
    KINDS,
    LabError,
    Recipe,
    Table,
    fit,
    fit_all,
    fitting,
    load_recipe,
    measure,
    read_table,
    stability,
    write_card,
)
from whiteslip.lab.card import card_of
from whiteslip.lab.fitting import Rows, fit_booster, noted, out_of_fold, rows_of
from whiteslip.lab.measuring import Repeated, predictions, psi, told
from whiteslip.lab.model import Floats
from whiteslip.lab.protocol import FOLDS, SHARES
from whiteslip.lab.reading import columns_of

DATA: Final = Path(__file__).parents[2].parent / "shared" / "data"
PUBLIC = pytest.mark.skipif(not DATA.exists(), reason="the public data sets are not beside the project")


def live(model: Model, recipe: Recipe, row: list[float]) -> float:
    facts = {name: None if np.isnan(v) else v for name, v in zip(recipe.facts, row, strict=True)}
    return score(model, facts).probability


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_same_facts_give_the_same_score_in_the_lab_and_live_to_the_bit(
    table: Table, recipe: Recipe, kind: str
):
    model = fit(table, recipe, kind, folds=2).model
    shipped = decoded(encoded(model))
    in_the_lab: list[float] = predictions(model, recipe, table.facts[:200]).tolist()
    assert in_the_lab == [live(shipped, recipe, row) for row in table.facts[:200].tolist()]


def test_trees_score_as_the_library_that_grew_them(table: Table, recipe: Recipe):
    columns = columns_of(recipe, table.facts)
    model = fit_booster(Rows(columns, table.event, np.ones(len(columns))), recipe)
    lightgbm: Any = importlib.import_module("lightgbm")
    grown = recipe.booster
    parameters = {
        "objective": "binary", "learning_rate": grown.rate, "num_leaves": grown.leaves,
        "min_data_in_leaf": grown.least_rows, "feature_fraction": grown.columns_share,
        "bagging_fraction": grown.rows_share, "bagging_freq": 1, "lambda_l2": grown.ridge,
        "monotone_constraints": recipe.monotone, "seed": 17, "deterministic": True, "force_row_wise": True,
        "num_threads": 1, "verbose": -1,
    }  # fmt: skip
    theirs = lightgbm.train(parameters, lightgbm.Dataset(columns, table.event), grown.trees).predict(columns)
    assert np.abs(predictions(model, recipe, table.facts) - theirs).max() < 1e-12


@pytest.mark.parametrize("kind", list(KINDS))
def test_more_of_what_may_only_raise_the_risk_never_lowers_it(table: Table, recipe: Recipe, kind: str):
    model = fit(table, recipe, kind, folds=2).model
    for row in table.facts[1:40].tolist():
        risks = [live(model, recipe, [late, *row[1:]]) for late in range(13)]
        assert risks == sorted(risks)
        drawn = [live(model, recipe, [row[0], share / 10, row[2]]) for share in range(16)]
        assert drawn == sorted(drawn)


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_same_file_gives_the_same_model(table: Table, recipe: Recipe, kind: str):
    assert fit(table, recipe, kind, folds=2).model.version == fit(table, recipe, kind, folds=2).model.version


def test_a_model_tells_apart_and_is_calibrated_on_rows_it_has_not_seen(table: Table, recipe: Recipe):
    fitted = fit(table, recipe, "scorecard")
    found = measure(fitted.model, table, recipe, (fitted.out_of_fold, fitted.event))
    assert found.unseen.rows == int(table.unseen.sum())
    assert found.unseen.auc > 0.72
    assert found.cross_validated
    assert abs(found.unseen.auc - found.cross_validated.auc) < 0.1
    assert found.unseen.gini == pytest.approx(2 * found.unseen.auc - 1)
    top, bottom = found.calibration[-1], found.calibration[0]
    assert top.predicted > bottom.predicted
    assert top.observed > bottom.observed
    assert {(g.ground, g.group) for g in found.fairness} == {("sex", "f"), ("sex", "m")}


def test_points_double_the_odds_by_the_scale_that_is_stated(table: Table, recipe: Recipe):
    model = fit(table, recipe, "scorecard", folds=2).model
    assert model.scale
    assert all(float(points).is_integer() for part in model.parts for points in part.scores)
    for points in (520, 560, 600):
        odds = [
            np.exp(-(model.scale.offset - p) / model.scale.factor) for p in (points, points + model.scale.pdo)
        ]
        assert odds[1] / odds[0] == pytest.approx(2)
    assert np.exp(-(model.scale.offset - 600) / model.scale.factor) == pytest.approx(20)


def test_rows_that_cannot_be_used_are_left_out_and_told_by_line_and_column(tmp_path: Path, recipe: Recipe):
    lines = rows(300)
    lines[10] = "10,NaN,0.5,0,f,no"
    lines[20] = "20,2,1e400,0,f,no"
    lines[30] = "30,2,0.5,zero,f,no"
    lines[40] = "40,2"
    lines[50] = "50,99,0.5,0,f,no"
    lines[60] = "60,,0.5,0,f,no"
    lines[70] = "70,1,0.5,0,f,"
    found = read_table(write(tmp_path / "broken.csv", lines), recipe)
    assert [(f.line, f.column) for f in found.faults] == [
        (11, "late"), (21, "drawn"), (31, "noise"), (41, ""), (51, "late"), (61, "late"), (71, "bad"),
    ]  # fmt: skip
    assert (found.read, found.left_out, len(found.event)) == (300, 7, 293)


def test_a_file_is_read_as_a_stream_however_much_of_it_is_broken(tmp_path: Path, recipe: Recipe):
    broken = [
        "7,NaN,0.5,0,f,no",
        "8,2,zero,0,f,no",
        "9,2",
        "10,2,1e400,0,f,yes",
        '11,"2"x,0.5,0,f,no',
    ] * 24_000
    path = write(tmp_path / "large.csv", rows(300) + broken)
    tracemalloc.start()
    found = read_table(path, recipe)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 1_500_000
    assert peak < path.stat().st_size // 4
    assert (len(found.event), found.left_out, len(found.faults)) == (300, len(broken), 1_000)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no column"),
        (b"a,b\n1,2\n", "no column"),
        (b"id,late,drawn,noise,sex,bad\n", "too few rows"),
        (b"id,late,drawn,noise,sex,bad\n" + b"x" * (2 << 20), "longer than"),
        (bytes(range(256)) * 50, "no column"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_what_is_wrong(
    tmp_path: Path, recipe: Recipe, content: bytes, says: str
):
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(LabError, match=says):
        read_table(path, recipe)


@pytest.mark.parametrize("name", ["marital_status", "age", "exits", "complaints", "paused"])
def test_protected_grounds_and_having_left_are_in_no_recipe(tmp_path: Path, name: str):
    with pytest.raises(LabError, match="stays out of scores"):
        recipe_with(tmp_path, noise=name)


def test_an_event_is_read_off_several_columns_and_who_had_it_before_is_not_at_risk(tmp_path: Path):
    outcome = 'target_column = "bad"\ntarget_is = "yes"'
    event = '[event]\ncolumns = ["m1", "m2"]\nat_least = 3\nbefore = "m0"\n\n[booster]'
    text = (
        RECIPE.replace("REJECTS", "none").replace(outcome, "horizon_months = 2").replace("[booster]", event)
    )
    path = tmp_path / "event.toml"
    path.write_text(text)
    recipe = load_recipe(str(path))
    months = [
        (0, 0, 3),
        (2, 3, 0),
        (2, 2, 2),
        (0, 0, 0),
        (3, 3, 3),
        (0, "", 0),
        (0, "late", 0),
        (1, 4, 9),
    ] * 9
    lines = ["id,late,drawn,noise,sex,m0,m1,m2"]
    lines += [f"{n},1,0.5,0,f,{','.join(map(str, each))}" for n, each in enumerate(months)]
    table = read_table(write(tmp_path / "event.csv", lines), recipe)
    assert table.event.tolist() == [1, 1, 0, 0, 1] * 9
    assert [(fault.line, fault.column) for fault in table.faults[:3]] == [(6, "m0"), (7, "m1"), (8, "m1")]
    for wrong, says in (
        (text.replace('"m1"', '"late"'), "read as a fact too"),
        (outcome + text, "one of them"),
    ):
        path.write_text(wrong)
        with pytest.raises(LabError, match=says):
            load_recipe(str(path))


def test_who_was_turned_down_counts_only_where_the_recipe_says_so(tmp_path: Path):
    lines = rows(1200)
    lines[1:200] = [line.rpartition(",")[0] + "," for line in lines[1:200]]
    path = write(tmp_path / "rejects.csv", lines)
    plain = read_table(path, recipe_with(tmp_path))
    assert plain.left_out == 199
    recipe = recipe_with(tmp_path, rejects="fuzzy")
    fuzzy = read_table(path, recipe)
    assert (fuzzy.left_out, int((~fuzzy.known).sum())) == (0, 199)
    augmented = fit(fuzzy, recipe, "scorecard", folds=2)
    assert augmented.model.version != fit(plain, recipe, "scorecard", folds=2).model.version


def test_a_population_that_moved_is_told(table: Table, recipe: Recipe):
    model = fit(table, recipe, "scorecard", folds=2).model
    same = stability(model, recipe, table.facts[:750], table.facts[750:])
    assert max(same.values()) < 0.1
    moved = table.facts.copy()
    moved[:, 0] = np.minimum(12, moved[:, 0] + 3)
    assert stability(model, recipe, table.facts, moved)["late"] > 0.25


def test_stability_of_two_bands_is_the_sum_done_by_hand():
    before = np.array([0.0] * 50 + [1.0] * 50)
    after = np.array([0.0] * 30 + [1.0] * 70)
    by_hand = (0.3 - 0.5) * np.log(0.3 / 0.5) + (0.7 - 0.5) * np.log(0.7 / 0.5)
    assert psi(before, after) == pytest.approx(by_hand, abs=1e-3)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_cross_validation_predicts_each_row_once_by_a_model_that_has_not_seen_it(
    table: Table, recipe: Recipe, monkeypatch: pytest.MonkeyPatch, share: float
):
    fitted_on: list[Floats] = []
    asked: list[Floats] = []

    def spy(rows: Rows, by: Recipe) -> Model:
        fitted_on.append(rows.columns)
        return fit_booster(rows, by)

    def scored(_model: Model, columns: Floats) -> Floats:
        seen = {tuple(row) for row in fitted_on[-1].tolist()}
        assert not seen & {tuple(row) for row in columns.tolist()}
        asked.append(columns)
        return np.zeros(len(columns))

    monkeypatch.setattr(fitting, "KINDS", {"booster": spy})
    monkeypatch.setattr(fitting, "scores", scored)
    # Absent numbers equal nothing; the noise in each row makes it the only one of its kind.
    rows = rows_of(table, recipe, whole=True)
    rows = Rows(np.nan_to_num(rows.columns), rows.event, rows.weight)
    out_of_fold(rows, recipe, "booster", 4, share=share)
    count = len(rows.event)
    assert count == len(table.event)
    assert sorted(np.concatenate(asked)[:, 2].tolist()) == sorted(rows.columns[:, 2].tolist())
    wanted = count // 2 if share < 1 else count - count // 4
    assert all(abs(len(each) - wanted) <= 1 for each in fitted_on)


def test_a_model_of_all_rows_says_what_it_is_worth_on_rows_not_seen_and_how_it_learns(
    table: Table, recipe: Recipe, tmp_path: Path
):
    fitted, measures = fit_all(table, recipe, "booster")
    found = measures.repeated
    assert found
    assert measures.unseen == measure(fit(table, recipe, "booster").model, table, recipe).unseen
    assert len(fitted.event) == found.rows == len(table.event)
    assert found.least <= found.auc <= found.most
    assert 0 < found.spread < 0.02
    assert [each.share for each in found.curve] == list(SHARES)
    assert measures.cross_validated
    assert found.curve[-1].auc == measures.cross_validated.auc, "nine tenths are what ten folds leave"
    assert found.curve[0].rows == len(table.event) // 2
    # What it says of rows that it has seen would be more.
    whole = measure(fitted.model, table, recipe, whole=True).unseen.auc
    assert whole > found.most + 0.01
    fitted = noted(fitted, measures, table.sha256)
    assert fitted.model.training["unseen"]["auc"] == found.auc
    write_card(card_of(fitted, table, recipe, measures), tmp_path)
    text = (tmp_path / "card.html").read_text()
    for said in (f"AUC {found.auc:.4f} on average", "Learning curve", "75 %"):
        assert said in text
    assert json.loads((tmp_path / "card.json").read_text())["measures"]["repeated"]["folds"] == FOLDS


@PUBLIC
def test_on_all_public_rows_attrition_reaches_what_is_claimed_for_rows_not_seen():
    recipe = load_recipe("attrition")
    assert recipe.protocol == "all"
    rows = rows_of(read_table(DATA / "bank_churners.csv", recipe), recipe, whole=True)
    assert told(rows.event, out_of_fold(rows, recipe, "booster", FOLDS)).auc >= 0.992


@PUBLIC
@pytest.mark.parametrize(
    ("name", "file", "kind", "least"),
    [
        ("behaviour", "uci_credit_card.csv", "booster", 0.785),
        ("behaviour", "uci_credit_card.csv", "scorecard", 0.775),
        ("attrition", "bank_churners.csv", "scorecard", 0.95),
        ("attrition", "bank_churners.csv", "booster", 0.99),
    ],
)
def test_on_public_data_a_model_without_protected_columns_reaches_what_is_claimed(
    name: str, file: str, kind: str, least: float
):
    recipe = load_recipe(name)
    table = read_table(DATA / file, recipe)
    assert table.left_out == 0
    fitted = fit(table, recipe, kind, folds=2)
    assert measure(fitted.model, table, recipe).unseen.auc >= least


def test_the_commands_fit_ship_validate_and_refuse_what_was_altered(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path))
    data, made = write(tmp_path / "rows.csv", rows()), tmp_path / "made"
    by = ["--recipe", str(tmp_path / "recipe.toml")]
    fit_it = ["lab", "fit", by[1], "--data", str(data), "--out", str(made), "--protocol", "kept", "--json"]
    assert run(fit_it) == 0
    told = json.loads(capsys.readouterr().out)
    assert {path.name for path in made.iterdir()} == {"model.json", "card.json", "card.html", "card.pdf"}
    assert (made / "card.pdf").read_bytes().startswith(b"%PDF")
    assert "http" not in (made / "card.html").read_text().replace("http://www.w3.org", "")
    assert run(["lab", "ship", str(made)]) == 0
    capsys.readouterr()
    signed = made / "signed.json"
    assert run(["lab", "validate", str(signed), "--data", str(data), *by, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["auc"] == told["unseen"]["auc"], "of the file it was fitted on only the kept rows count"
    assert len(said["calibration"]) == 10
    assert [each["group"] for each in said["fairness"]] == ["f", "m"]
    assert run(["lab", "card", str(made), "--out", str(tmp_path / "again"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["auc"] == told["unseen"]["auc"]
    for name in ("card.json", "card.html", "card.pdf"):
        assert (tmp_path / "again" / name).read_bytes() == (made / name).read_bytes()
    assert run(["lab", "compare", str(signed), str(made), "--data", str(data), *by]) == 0
    assert told["version"] in capsys.readouterr().out
    signed.write_text(signed.read_text().replace("past_due_often", "past_due_oftem", 1))
    assert run(["lab", "validate", str(signed), "--data", str(data), *by]) == 1
    assert "altered after it was signed" in capsys.readouterr().err


def test_a_model_of_all_rows_is_not_measured_on_the_file_that_it_has_seen(
    tmp_path: Path, table: Table, recipe: Recipe, capsys: pytest.CaptureFixture[str]
):
    by = ["--recipe", str(tmp_path / "recipe.toml")]
    fitted = fit(table, recipe, "scorecard", folds=2)
    measures = measure(fitted.model, table, recipe)
    all_rows = msgspec.structs.replace(
        measures, repeated=Repeated(10, 3, 1500, 0.75, 0.0, 0.75, 0.75, 0.4, 0.1, [], 0.0)
    )
    for name, found in (("kept.json", measures), ("all.json", all_rows)):
        (tmp_path / name).write_bytes(encoded(noted(fitted, found, table.sha256).model))
    kept, whole = str(tmp_path / "kept.json"), str(tmp_path / "all.json")
    seen, other = str(tmp_path / "rows.csv"), str(write(tmp_path / "later.csv", rows(seed=4)))
    assert run(["lab", "compare", kept, kept, "--data", seen, *by]) == 0
    capsys.readouterr()
    for command in (["compare", kept, whole], ["compare", whole, kept], ["validate", whole]):
        assert run(["lab", *command, "--data", seen, *by]) == 1
        assert "another file, or a model fitted with --protocol kept" in capsys.readouterr().err
        assert run(["lab", *command, "--data", other, *by]) == 0
