"""Models that score: facts in; a probability, points and reasons out. Pure.

A model is data: a scorecard (bins and points), an additive model (bins and log odds) or trees. The
same code scores in the lab and live, with the same double-precision operations in the same order,
so the same facts give the same score to the bit; no fitting library is needed to score.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from whiteslip.decisions.contract import described
from whiteslip.decisions.grounds import forbidden
from whiteslip.decisions.model import FactError, TableError
from whiteslip.decisions.stability import SCORE, Spread, spread_faults

FORMAT: Final = "whiteslip-model-1"
MAX_REASONS: Final = 4
MOST_MONTHS: Final = 120
MAX_BYTES: Final = 32 * 1024 * 1024
# Below this the exponential overflows.
_LEAST_LOG_ODDS: Final = -700.0


class Fact(Struct, frozen=True, forbid_unknown_fields=True):
    """A number the model reads. ``reason`` is the code told when it counts against somebody."""

    name: str
    meaning: str
    unit: str
    reason: str
    least: float
    most: float
    may_miss: bool = False


class Derived(Struct, frozen=True, forbid_unknown_fields=True):
    """A number made out of facts, by one of a few operations.

    ratio: the first over the second, ``at`` where the second is not positive; sum, mean, max, min;
    slope: the first less the last; at_least: how many of them reach ``at``.
    """

    name: str
    op: Literal["ratio", "sum", "mean", "max", "min", "slope", "at_least"]
    of: list[str]
    reason: str
    at: float = 0.0


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A characteristic: bin ``i`` reaches from ``cuts[i-1]`` up to below ``cuts[i]``.

    ``scores`` has one more than ``cuts``: points of a scorecard, log odds otherwise. ``missing`` is
    what an absent fact scores, where one may be absent.
    """

    fact: str
    cuts: list[float]
    scores: list[float]
    missing: float | None = None


class Tree(Struct, frozen=True, forbid_unknown_fields=True):
    """A regression tree in arrays: node ``i`` sends ``x <= cut[i]`` to ``left[i]``, else right.

    A leaf has ``fact`` -1. ``value`` is the leaf's log odds, at inner nodes the mean of those below.
    """

    fact: list[int]
    cut: list[float]
    left: list[int]
    right: list[int]
    missing_left: list[bool]
    value: list[float]


class Scale(Struct, frozen=True, forbid_unknown_fields=True):
    """Points of a scorecard: ``base_points`` at ``base_odds`` (good to bad), doubling each ``pdo``."""

    base_points: int
    base_odds: float
    pdo: int

    @property
    def factor(self) -> float:
        """Points per unit of log odds."""
        return self.pdo / math.log(2)

    @property
    def offset(self) -> float:
        """Points at even odds."""
        return self.base_points - self.factor * math.log(self.base_odds)


class Curve(Struct, frozen=True, forbid_unknown_fields=True):
    """A calibration: linear between the points, flat beyond them; ``x`` ascends strictly."""

    x: list[float]
    y: list[float]


class Model(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model as it is shipped. ``columns`` are what parts and trees read: facts or derived.

    ``horizon_months``: the target is an event within so many months. Absent in older artefacts, and where
    the target is a state, such as who is late on a day: the score is no probability over a time then.
    ``platt`` (slope, intercept) corrects the log odds, ``calibration`` the probability. ``reference`` is
    how score and columns were spread over the rows it was fitted on, ``training`` what the lab measured.
    """

    format: Literal["whiteslip-model-1"] = FORMAT
    name: str
    kind: Literal["scorecard", "additive", "trees"]
    target: str
    horizon_months: int | UnsetType = UNSET
    facts: list[Fact]
    derived: list[Derived] = []
    columns: list[str]
    bias: float = 0.0
    parts: list[Part] = []
    trees: list[Tree] = []
    scale: Scale | None = None
    platt: tuple[float, float] | None = None
    calibration: Curve | None = None
    reference: dict[str, Spread] = {}
    training: dict[str, Any] = {}

    @property
    def version(self) -> str:
        """The first 12 hexadecimal digits of the SHA-256 of its content."""
        return hashlib.sha256(encoded(self)).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Scored:
    """``probability`` of the target; ``points`` where the model is a scorecard.

    ``against`` is how much each column raised the log odds above what is best in it (additive) or
    usual (trees), largest first; ``reasons`` are the codes of the first four.
    """

    probability: float
    points: int | None
    against: tuple[tuple[str, float], ...]
    reasons: tuple[str, ...]


def encoded(model: Model) -> bytes:
    """The bytes that version and signature are of: as read back, so that 1 and 1.0 are the same."""
    read_back = msgspec.json.decode(msgspec.json.encode(model), type=Model)
    return msgspec.json.encode(read_back, order="deterministic")


def decoded(content: bytes) -> Model:
    """A model out of its bytes. Raises TableError that says what is wrong with it and where."""
    if len(content) > MAX_BYTES:
        raise TableError(f"a model has at most {MAX_BYTES} bytes, this one {len(content)}")
    try:
        model = msgspec.json.decode(content, type=Model)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise TableError(f"this is no model: {error}") from None
    faults = model_faults(model)
    if faults:
        raise TableError(f"model {model.name!r}: {'; '.join(faults[:5])}")
    return model


def model_faults(model: Model) -> list[str]:
    """What is wrong with a model, in words: unknown names, broken bins, trees that loop, grounds
    that must not be in it."""
    names = [fact.name for fact in model.facts] + [derived.name for derived in model.derived]
    faults = [f"{name} is named twice" for name in {n for n in names if names.count(n) > 1}]
    faults += forbidden(names)
    if model.horizon_months is not UNSET and not 1 <= model.horizon_months <= MOST_MONTHS:
        faults.append(f"horizon_months is from 1 to {MOST_MONTHS}, not {model.horizon_months}")
    known = {fact.name for fact in model.facts}
    for derived in model.derived:
        faults += [
            f"{derived.name} reads {part}, which is unknown" for part in derived.of if part not in known
        ]
        if not derived.of or (derived.op == "ratio" and len(derived.of) != 2):
            faults.append(f"{derived.name} does not have the facts that {derived.op} needs")
    faults += [f"{column} is read and unknown" for column in model.columns if column not in names]
    faults += [
        f"{part.fact} is scored and no column" for part in model.parts if part.fact not in model.columns
    ]
    faults += [fault for part in model.parts for fault in _part_faults(part)]
    faults += [
        f"tree {n}: {fault}"
        for n, tree in enumerate(model.trees)
        for fault in _tree_faults(tree, len(model.columns))
    ]
    if (model.scale is not None) != (model.kind == "scorecard"):
        faults.append("a scorecard has a scale, and only a scorecard")
    if model.calibration and not _ascends(model.calibration.x, model.calibration.y):
        faults.append("the calibration does not ascend")
    for name, spread in model.reference.items():
        if name != SCORE and name not in model.columns:
            faults.append(f"{name} has a reference and is no column")
        faults += spread_faults(name, spread)
    return faults


def _ascends(x: Sequence[float], y: Sequence[float]) -> bool:
    inside = all(0 <= value <= 1 for value in y)
    strictly = all(a < b for a, b in itertools.pairwise(x))
    return len(x) == len(y) > 0 and inside and strictly and list(y) == sorted(y)


def _part_faults(part: Part) -> list[str]:
    if len(part.scores) != len(part.cuts) + 1:
        return [f"{part.fact} has {len(part.cuts)} cuts and {len(part.scores)} scores"]
    if any(a >= b for a, b in itertools.pairwise(part.cuts)):
        return [f"the cuts of {part.fact} do not ascend"]
    return []


def _tree_faults(tree: Tree, columns: int) -> list[str]:
    size = len(tree.fact)
    if size == 0 or {
        len(tree.cut),
        len(tree.left),
        len(tree.right),
        len(tree.missing_left),
        len(tree.value),
    } != {size}:
        return ["its arrays differ in length"]
    for node, fact in enumerate(tree.fact):
        if fact == -1:
            continue
        if not 0 <= fact < columns:
            return [f"node {node} reads column {fact}"]
        # Children come after their parent, so a walk ends.
        if not (node < tree.left[node] < size and node < tree.right[node] < size):
            return [f"node {node} has no children after it"]
    return []


def checked(model: Model, given: Mapping[str, object]) -> dict[str, float | None]:
    """The facts the model reads, in range. Raises FactError with the path of the first bad one."""
    return {
        fact.name: _number(f"{model.name}.{fact.name}", fact, given.get(fact.name)) for fact in model.facts
    }


def _number(path: str, fact: Fact, value: object) -> float | None:
    wanted = f"a number of {fact.unit} from {fact.least:g} to {fact.most:g}"
    if value is None:
        if fact.may_miss:
            return None
        raise FactError(path, "nothing", wanted)
    # A bool is an int to Python; not-a-number and infinities are in no range; a huge int has no float.
    if type(value) not in (int, float) or not fact.least <= value <= fact.most:  # type: ignore[operator]
        raise FactError(path, described(value), wanted)
    return float(value) + 0.0  # type: ignore[arg-type]


def columns(model: Model, facts: Mapping[str, float | None]) -> list[float | None]:
    """What parts and trees read, in the order of ``model.columns``."""
    known = dict(facts)
    for derived in model.derived:
        known[derived.name] = derive(derived, [facts[name] for name in derived.of])
    return [known[name] for name in model.columns]


def derive(derived: Derived, values: Sequence[float | None]) -> float | None:
    """A derived number; absent when a part of it is."""
    known = [value for value in values if value is not None]
    if len(known) != len(values):
        return None
    match derived.op:
        case "ratio":
            return known[0] / known[1] if known[1] > 0 else derived.at
        case "sum":
            return _sum(known)
        case "mean":
            return _sum(known) / len(known)
        case "max":
            return max(known)
        case "min":
            return min(known)
        case "slope":
            return known[0] - known[-1]
        case "at_least":
            return float(len([value for value in known if value >= derived.at]))


def _sum(values: Sequence[float]) -> float:
    """From left to right; ``sum`` compensates since Python 3.12 and gives other bits."""
    total = 0.0
    for value in values:
        total += value
    return total


def score(model: Model, given: Mapping[str, object]) -> Scored:
    """Score somebody. Raises FactError for a fact that is absent, of the wrong kind or out of range."""
    return score_columns(model, columns(model, checked(model, given)))


def score_columns(model: Model, read: Sequence[float | None]) -> Scored:
    """Score what :func:`columns` read. Raises FactError for an absent one that has no bin."""
    log_odds, against = _trees(model, read) if model.kind == "trees" else _additive(model, read)
    points = None
    if model.scale is not None:
        points = round(log_odds)  # parts of a scorecard are whole points already
        log_odds = (model.scale.offset - points) / model.scale.factor
    probability = probability_of(model, log_odds)
    told = sorted((pair for pair in against if pair[1] > 0), key=lambda pair: (-pair[1], pair[0]))
    codes = _codes(model)
    reasons = list(dict.fromkeys(codes[name] for name, _ in told))[:MAX_REASONS]
    return Scored(probability, points, tuple(told), tuple(reasons))


def points_of(scored: Scored) -> int:
    """The points of a scorecard's score. Raises TableError where another kind of model scored."""
    if scored.points is None:
        raise TableError("only a scorecard gives points")
    return scored.points


def probability_of(model: Model, log_odds: float) -> float:
    """The calibrated probability at some log odds."""
    if model.platt:
        log_odds = model.platt[0] * log_odds + model.platt[1]
    probability = 1.0 / (1.0 + math.exp(-log_odds)) if log_odds > _LEAST_LOG_ODDS else 0.0
    return calibrated(model.calibration, probability) if model.calibration else probability


def _codes(model: Model) -> dict[str, str]:
    return {each.name: each.reason for each in (*model.facts, *model.derived)}


def _additive(model: Model, read: Sequence[float | None]) -> tuple[float, list[tuple[str, float]]]:
    """The sum of the parts, and how far each lies from its best. Points count for somebody, log
    odds of the bad against them."""
    places = {name: place for place, name in enumerate(model.columns)}
    sign = -1.0 if model.scale is not None else 1.0
    total, against = model.bias, list[tuple[str, float]]()
    for part in model.parts:
        value = read[places[part.fact]]
        if value is None:
            if part.missing is None:
                raise FactError(
                    f"{model.name}.{part.fact}", "nothing", "a number: it has no bin for absent ones"
                )
            here = part.missing
        else:
            here = part.scores[bisect_right(part.cuts, value)]
        total += here
        best = min(sign * each for each in part.scores)
        against.append((part.fact, sign * here - best))
    return total, against


def _trees(model: Model, read: Sequence[float | None]) -> tuple[float, list[tuple[str, float]]]:
    """The sum of the leaves; each step towards one counts for the column it asked about."""
    total = model.bias
    moved = [0.0] * len(model.columns)
    for tree in model.trees:
        node = 0
        while (column := tree.fact[node]) >= 0:
            value = read[column]
            goes_left = tree.missing_left[node] if value is None else value <= tree.cut[node]
            below = tree.left[node] if goes_left else tree.right[node]
            moved[column] += tree.value[below] - tree.value[node]
            node = below
        total += tree.value[node]
    return total, list(zip(model.columns, moved, strict=True))


def calibrated(curve: Curve, probability: float) -> float:
    """The calibrated probability."""
    above = bisect_right(curve.x, probability)
    if above == 0:
        return curve.y[0]
    if above == len(curve.x):
        return curve.y[-1]
    x0, x1, y0, y1 = curve.x[above - 1], curve.x[above], curve.y[above - 1], curve.y[above]
    return y0 + (y1 - y0) * ((probability - x0) / (x1 - x0))
