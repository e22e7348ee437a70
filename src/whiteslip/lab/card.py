"""The card of a model: what it is for, what it saw, how well it does and for whom; HTML and PDF."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jinja2
import msgspec
import typst
from msgspec import Struct

from whiteslip import notices
from whiteslip.decisions.scoring import Model
from whiteslip.lab.binning import Binned
from whiteslip.lab.fitting import Fitted
from whiteslip.lab.measuring import Measures, Told
from whiteslip.lab.model import LabError, need
from whiteslip.lab.reading import Table
from whiteslip.lab.recipe import Recipe

_HERE: Final = Path(__file__).parent
_FONTS: Final = Path(notices.__file__).parent / "fonts"
_INK, _ACCENT, _PALE = "#1a2b33", "#0f5c4d", "#b9c6c9"
_SHOWN_BINS: Final = 12


class BinTold(Struct, frozen=True):
    """A bin of a characteristic: where it reaches, how many, weight of evidence, score."""

    reach: str
    goods: int
    bads: int
    woe: float
    score: float | None


class Characteristic(Struct, frozen=True):
    """A column in bins, with its information value."""

    name: str
    iv: float
    bins: list[BinTold]


class Card(Struct, frozen=True):
    """Everything a card says, as data: ``card.json``."""

    name: str
    version: str
    kind: str
    target: str
    source: str
    file_sha256: str
    rows_read: int
    rows_left_out: int
    rows_fitted: int
    unseen: str
    reject_inference: str
    kept_out: list[str]
    calibrated_by: str
    cut_off: float
    measures: Measures
    characteristics: list[Characteristic]
    horizon_months: int | None = None


def card_of(fitted: Fitted, table: Table, recipe: Recipe, measures: Measures) -> Card:
    """Gather what a card says."""
    model = fitted.model
    unseen = "the latest rows" if recipe.time else "rows chosen by a hash of their id"
    kept = f"{recipe.unseen_percent} % of the rows, {unseen}"
    if measures.repeated:
        kept = f"nothing; {kept}, were kept from another model of the same recipe, told as unseen rows"
    return Card(
        name=model.name,
        version=model.version,
        kind=model.kind,
        target=model.target,
        source=recipe.source,
        file_sha256=table.sha256,
        rows_read=table.read,
        rows_left_out=table.left_out,
        rows_fitted=len(fitted.event),
        unseen=kept,
        reject_inference=recipe.reject_inference,
        kept_out=sorted(recipe.protected),
        calibrated_by="Platt" if model.platt else "isotonic regression" if model.calibration else "nothing",
        cut_off=recipe.cut_off,
        measures=measures,
        horizon_months=recipe.horizon_months,
        characteristics=[_characteristic(b, model) for b in fitted.bins if b.name in model.columns],
    )


def read_card(folder: Path) -> Card:
    """The card in a folder, from its ``card.json``. Raises LabError for one that cannot be read."""
    file = folder / "card.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=Card)
    except OSError as error:
        raise LabError(f"{file} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise LabError(f"{file} is no card: {error}") from None


def _characteristic(found: Binned, model: Model) -> Characteristic:
    part = next((part for part in model.parts if part.fact == found.name), None)
    same = part is not None and part.cuts == found.cuts
    edges = ["", *(f"{cut:g}" for cut in found.cuts), ""]
    bins = [
        BinTold(
            f"{edges[i] or '−∞'} … {edges[i + 1] or '∞'}",
            found.goods[i],
            found.bads[i],
            found.woe[i],
            part.scores[i] if part and same else None,
        )
        for i in range(len(found.woe))
    ]
    return Characteristic(found.name, found.iv, bins)


def write_card(card: Card, folder: Path) -> list[Path]:
    """Write ``card.json``, ``card.html`` and ``card.pdf`` into a folder; the files made."""
    plots = {"calibration": _calibration(card), "characteristics": _ivs(card), "groups": _groups(card)}
    made = {
        "card.json": msgspec.json.format(msgspec.json.encode(card), indent=2),
        "card.html": _html(card, plots).encode(),
        "card.pdf": _pdf(card, plots),
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in made]


def _html(card: Card, plots: Mapping[str, str]) -> str:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(_HERE), autoescape=True, trim_blocks=True)
    # The drawings are our own and name no text that came from outside but column names, which are escaped.
    drawings = {name: plot[plot.index("<svg") :] for name, plot in plots.items()}
    return environment.get_template("card.html").render(
        card=card, told=_told(card), plots=drawings, shown=card.characteristics[:_SHOWN_BINS]
    )


def _told(card: Card) -> list[tuple[str, Told]]:
    rows = [("unseen rows", card.measures.unseen)]
    return rows + (
        [("cross-validated", card.measures.cross_validated)] if card.measures.cross_validated else []
    )


def _pdf(card: Card, plots: Mapping[str, str]) -> bytes:
    data = json.dumps(
        {"card": msgspec.to_builtins(card), "told": [[n, msgspec.to_builtins(t)] for n, t in _told(card)]}
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "card.typ").write_bytes((_HERE / "card.typ").read_bytes())
        for name, plot in plots.items():
            (root / f"{name}.svg").write_text(plot, "utf-8")
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[_FONTS])
        compiler = typst.Compiler(input=root / "card.typ", root=root, font_paths=fonts)
        made = compiler.compile(format="pdf", sys_inputs={"data": data}, timestamp=0)
    if not isinstance(made, bytes):
        raise TypeError("a card is one PDF")
    return made


def _figure(width: float, height: float) -> tuple[Any, Any]:
    matplotlib: Any = need("matplotlib")
    matplotlib.use("svg")
    # The same card gives the same bytes: no random ids, no date; text stays text.
    matplotlib.rcParams.update({"svg.hashsalt": "whiteslip", "svg.fonttype": "none", "font.size": 9})
    figure, axes = need("matplotlib.pyplot").subplots(figsize=(width, height), layout="constrained")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_PALE)
    axes.tick_params(colors=_INK, length=0)
    return figure, axes


def _drawn(figure: Any) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    need("matplotlib.pyplot").close(figure)
    return out.getvalue()


def _calibration(card: Card) -> str:
    figure, axes = _figure(3.6, 3.0)
    bands = card.measures.calibration
    most = max(max(b.predicted, b.observed) for b in bands) * 1.05
    axes.plot([0, most], [0, most], color=_PALE, linewidth=1)
    axes.plot(
        [b.predicted for b in bands], [b.observed for b in bands], color=_ACCENT, marker="o", markersize=4
    )
    axes.set_xlabel("predicted")
    axes.set_ylabel("observed")
    return _drawn(figure)


def _ivs(card: Card) -> str:
    shown = card.characteristics[:_SHOWN_BINS][::-1]
    figure, axes = _figure(3.6, 3.0)
    axes.barh([c.name for c in shown], [c.iv for c in shown], color=_ACCENT)
    axes.set_xlabel("information value")
    return _drawn(figure)


def _groups(card: Card) -> str:
    shown: Sequence[Any] = card.measures.fairness[::-1]
    figure, axes = _figure(7.2, 0.7 + 0.22 * max(1, len(shown)))
    names = [f"{g.ground}: {g.group}" for g in shown]
    axes.barh(names, [g.observed for g in shown], color=_PALE, label="observed")
    axes.plot([g.predicted for g in shown], names, "o", color=_ACCENT, markersize=4, label="predicted")
    if shown:
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return _drawn(figure)
