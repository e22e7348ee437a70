"""The lab: fit, validate, compare and ship models that score."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np
from cyclopts import App, Parameter

from whiteslip import lab
from whiteslip.app.commands_setup import Json
from whiteslip.app.settings import load
from whiteslip.app.terminal import CommandError, answer, must_exist, pairs, progress, read_file, say, table
from whiteslip.app.terminal import data as emit
from whiteslip.decisions.model import TableError
from whiteslip.decisions.scoring import Model, decoded, encoded
from whiteslip.decisions.signing import make_key, sign, verified
from whiteslip.lab import Recipe, Table
from whiteslip.lab.card import card_of, read_card
from whiteslip.lab.fitting import noted
from whiteslip.lab.measuring import Measures, Repeated, Told, predictions
from whiteslip.lab.model import Flags

_MODEL: Final = "model.json"
_SHOWN_FAULTS: Final = 10

Data = Annotated[Path, Parameter(name="--data", help="A CSV file with a header.")]
Kind = Literal["scorecard", "booster", "additive"]
Protocol = Annotated[
    Literal["kept", "all"] | None,
    Parameter(help="Fit on the rows that are not kept, or on all; as the recipe says when left out."),
]


def _read(data: Path, recipe: str) -> tuple[Table, Recipe]:
    """A table and its recipe; rows that were left out are told."""
    must_exist(data)
    if recipe not in lab.shipped_recipes():
        must_exist(Path(recipe), "whiteslip lab recipes")
    try:
        known = lab.load_recipe(recipe)
        with progress(f"reading {data.name}", data.stat().st_size) as tell:
            found = lab.read_table(data, known, tell)
    except lab.LabError as error:
        raise CommandError(str(error)) from None
    for fault in found.faults[:_SHOWN_FAULTS]:
        say(f"line {fault.line} is left out: {fault.column or 'the row'} {fault.why}")
    if found.left_out > _SHOWN_FAULTS:
        say(f"{found.left_out} of {found.read} rows are left out")
    return found, known


def _model(path: Path) -> Model:
    """A model from a folder, a plain file or a signed one."""
    file = path / _MODEL if path.is_dir() else path
    content = read_file(file, "whiteslip lab fit")
    try:
        if b'"signature"' in content[-400:]:
            return verified(content, make_key(_key()).public_key())
        return decoded(content)
    except (OSError, TableError) as error:
        raise CommandError(f"{file}: {error}") from None


def _key() -> Path:
    return load(os.environ).home / "model.key"


def _told(told: Told | Repeated) -> dict[str, Any]:
    return _rounded(msgspec.to_builtins(told))


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}


def _bands(measures: Measures) -> dict[str, list[dict[str, Any]]]:
    """How true the probabilities are, and how each protected group fares."""
    parts = {"calibration": measures.calibration, "fairness": measures.fairness}
    return {name: [_rounded(row) for row in msgspec.to_builtins(part)] for name, part in parts.items()}


def _show(figures: dict[str, Any], parts: dict[str, list[dict[str, Any]]]) -> None:
    pairs(figures)
    for name, rows in parts.items():
        if rows:
            emit(f"\n{name}")
            table(list(rows[0]), [[*row.values()] for row in rows])


def _has_seen(scored: Model, found: Table, path: Path) -> bool:
    """Whether a model was fitted on rows of this very file; refused where it has seen them all."""
    if scored.training.get("file_sha256") != found.sha256:
        return False
    if scored.training.get("protocol") == "all":
        raise CommandError(
            f"{path} was fitted on all rows of this file, so there is none that it has not seen;"
            " give another file, or a model fitted with --protocol kept",
            hint="whiteslip lab fit --protocol kept",
        )
    return True


def recipes(*, json: Json = False) -> None:
    """List the recipes that come along."""
    found = [lab.load_recipe(name) for name in lab.shipped_recipes()]
    rows = [{"recipe": r.name, "target": r.target, "source": r.source} for r in found]
    answer(rows, json, lambda: table(["recipe", "target", "source"], [[*row.values()] for row in rows]))


def fit(
    recipe: str,
    /,
    *,
    data: Data,
    out: Path,
    kind: Kind = "scorecard",
    protocol: Protocol = None,
    json: Json = False,
) -> None:
    """Fit a model by RECIPE; write model and card into a folder.

    Rows that cannot be used are left out and told. What is measured was kept from fitting: a quarter of the
    rows, or by the protocol "all" each row in turn.
    """
    found, known = _read(data, recipe)
    try:
        if (protocol or known.protocol) == "all":
            fitted, measures = lab.fit_all(found, known, kind, say)
        else:
            fitted = lab.fit(found, known, kind, say)
            measures = lab.measure(fitted.model, found, known, (fitted.out_of_fold, fitted.event))
        fitted = noted(fitted, measures, found.sha256)
        out.mkdir(parents=True, exist_ok=True)
        lab.write_card(card_of(fitted, found, known, measures), out)
        (out / _MODEL).write_bytes(encoded(fitted.model))
    except lab.LabError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror}") from None
    shown: dict[str, Any] = {
        "model": fitted.model.name,
        "version": fitted.model.version,
        "kind": kind,
        "left_out": found.left_out,
        "unseen": _told(measures.unseen),
    }
    if measures.cross_validated:
        shown["cross_validated"] = _told(measures.cross_validated)
    if measures.repeated:
        shown["repeated"] = _told(measures.repeated)
    answer(shown, json, lambda: pairs(shown))
    say(f"the card is {out / 'card.html'}; then: whiteslip lab ship {out}")


def validate(model: Path, /, *, data: Data, recipe: str, json: Json = False) -> None:
    """Measure MODEL on a file it has not seen: figures, calibration and each protected group.

    On the file it was fitted on only the rows that were kept from it count.
    """
    scored = _model(model)
    found, known = _read(data, recipe)
    seen = _has_seen(scored, found, model)
    try:
        measures = lab.measure(scored, found, known, whole=not seen)
    except lab.LabError as error:
        raise CommandError(str(error)) from None
    if seen:
        say(f"{model} was fitted on rows of this file; measured on the {measures.unseen.rows} kept from it")
    figures, parts = _told(measures.unseen), _bands(measures)
    answer(figures | parts, json, lambda: _show(figures, parts))


def card(folder: Path, /, *, out: Path, json: Json = False) -> None:
    """Write the card of FOLDER again, as JSON, HTML and PDF, and print its figures."""
    must_exist(folder / "card.json", "whiteslip lab fit")
    try:
        found = read_card(folder)
        out.mkdir(parents=True, exist_ok=True)
        lab.write_card(found, out)
    except lab.LabError as error:
        raise CommandError(str(error), hint="whiteslip lab fit") from None
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror}") from None
    measures = found.measures
    head = {"model": found.name, "version": found.version, "kind": found.kind}
    told = {"cross_validated": measures.cross_validated, "repeated": measures.repeated}
    figures = head | _told(measures.unseen) | {name: _told(each) for name, each in told.items() if each}
    parts = _bands(measures)
    answer(figures | parts, json, lambda: _show(figures, parts))
    say(f"the card is {out / 'card.html'}")


def drift(model: Path, before: Path, after: Path, /, *, recipe: str, json: Json = False) -> None:
    """PSI of the score and CSI of each column between two files."""
    scored = _model(model)
    (old, known), (new, _) = _read(before, recipe), _read(after, recipe)
    found = {name: round(v, 4) for name, v in lab.stability(scored, known, old.facts, new.facts).items()}
    ordered = dict(sorted(found.items(), key=lambda pair: -pair[1]))
    answer(found, json, lambda: pairs(ordered))


def compare(first: Path, second: Path, /, *, data: Data, recipe: str, json: Json = False) -> None:
    """Measure two models on the same rows that neither has seen, and how often they differ.

    The rows are those that a recipe keeps from fitting; a model fitted on all rows of the file is refused.
    """
    models = [_model(first), _model(second)]
    found, known = _read(data, recipe)
    for scored, path in zip(models, (first, second), strict=True):
        _has_seen(scored, found, path)
    rows: list[dict[str, Any]] = []
    sides: list[Flags] = []
    for scored in models:
        rows.append(
            {"version": scored.version, "kind": scored.kind} | _told(lab.measure(scored, found, known).unseen)
        )
        sides.append(predictions(scored, known, found.facts[found.unseen]) < known.cut_off)
    differ = float(np.not_equal(*sides).mean())
    shown = {"models": rows, "decided_differently": round(differ, 4)}

    def human() -> None:
        table(list(rows[0]), [[*row.values()] for row in rows])
        pairs({"decided_differently": f"{differ:.1%} at {known.cut_off}"})

    answer(shown, json, human)


def ship(model: Path, /, *, out: Path | None = None, json: Json = False) -> None:
    """Sign MODEL with the key of this home, so that it can be scored with live."""
    scored = _model(model)
    target = out or (model / "signed.json" if model.is_dir() else model.with_name("signed.json"))
    try:
        target.write_bytes(sign(scored, make_key(_key())))
    except (OSError, TableError) as error:
        raise CommandError(f"{target} cannot be written: {error}") from None
    shown = {"model": scored.name, "version": scored.version, "artefact": str(target)}
    answer(shown, json, lambda: pairs(shown))


def register(app: App) -> None:
    """Add the commands."""
    group = App(name="lab", help="Fit, validate, compare and ship models that score.")
    for command in (card, compare, drift, fit, recipes, ship, validate):
        group.command(command)
    app.command(group)
