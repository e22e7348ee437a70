"""Recipes: what a table means, and which way each fact may move the risk."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from whiteslip.decisions.grounds import forbidden
from whiteslip.decisions.scoring import MOST_MONTHS, Derived, Fact, Scale
from whiteslip.lab.model import LabError

_FOLDER: Final = Path(__file__).parent / "recipes"


class FactRecipe(Struct, frozen=True, forbid_unknown_fields=True):
    """A fact and the column it is read from.

    ``monotone``: +1 more of it never lowers the risk, -1 never raises it, 0 either way.
    ``levels``: texts of an ordered column, the first is 0. What is not ``scored`` only goes into what is
    derived, such as a sum of money into a ratio.
    """

    column: str
    meaning: str
    unit: str
    reason: str
    least: float
    most: float
    monotone: Literal[-1, 0, 1] = 0
    may_miss: bool = False
    scored: bool = True
    levels: list[str] = []


class DerivedRecipe(Struct, frozen=True, forbid_unknown_fields=True):
    """A number made of facts; see :class:`whiteslip.decisions.scoring.Derived`."""

    op: Literal["ratio", "sum", "mean", "max", "min", "slope", "at_least"]
    of: list[str]
    reason: str
    at: float = 0.0
    monotone: Literal[-1, 0, 1] = 0


class Group(Struct, frozen=True, forbid_unknown_fields=True):
    """A protected column, to measure fairness by. ``bands`` cut a number into groups."""

    column: str
    bands: list[float] = []


class Event(Struct, frozen=True, forbid_unknown_fields=True):
    """An event read off several columns: one of them is ``at_least`` so much.

    Where the column ``before`` is so already, nothing is left to come: the row is not at risk, and left out.
    """

    columns: list[str]
    at_least: float
    before: str


class Booster(Struct, frozen=True, forbid_unknown_fields=True):
    """How trees are grown; the defaults suit some tens of thousands of rows."""

    trees: int = 350
    rate: float = 0.03
    leaves: int = 15
    least_rows: int = 60
    columns_share: float = 0.5
    rows_share: float = 0.8
    ridge: float = 5.0


class Recipe(Struct, frozen=True, forbid_unknown_fields=True):
    """How to read a table and what to fit.

    ``target_is``: the text of the target column that counts as the event, 1; or ``event`` reads it off
    several columns. ``unseen_percent`` of
    the rows are kept from fitting, chosen by a hash of ``id`` and ``seed``; with ``time``, the
    latest are: out of time instead of out of sample. A row whose target is blank is somebody who
    was turned down; ``reject_inference`` says whether fuzzy augmentation lets such rows count.
    ``horizon_months``: the event of the target comes within so many; absent where the target is a state.
    ``protocol``: ``kept`` fits on the other rows, ``all`` on all of them and measures by repeated
    cross-validation as well.
    """

    name: str
    target: str
    id: str
    facts: dict[str, FactRecipe]
    target_column: str = ""
    target_is: str = ""
    event: Event | None = None
    derived: dict[str, DerivedRecipe] = {}
    protected: dict[str, Group] = {}
    time: str = ""
    horizon_months: int | None = None
    seed: str = "whiteslip"
    unseen_percent: int = 25
    protocol: Literal["kept", "all"] = "kept"
    cut_off: float = 0.5
    reject_inference: Literal["none", "fuzzy"] = "none"
    scale: Scale = Scale(600, 20.0, 40)
    booster: Booster = Booster()
    missing: tuple[str, ...] = ("", "NA")
    source: str = ""

    @property
    def columns(self) -> list[str]:
        """What a model reads, in order: facts, then derived."""
        return [*(name for name, fact in self.facts.items() if fact.scored), *self.derived]

    @property
    def outcome_columns(self) -> list[str]:
        """The columns that tell what came."""
        return list(self.event.columns) if self.event else [self.target_column]

    @property
    def monotone(self) -> list[int]:
        """The direction of each column."""
        return [self.facts[n].monotone if n in self.facts else self.derived[n].monotone for n in self.columns]

    def model_facts(self) -> list[Fact]:
        """The facts as a model has them."""
        return [
            Fact(name, f.meaning, f.unit, f.reason, f.least, f.most, f.may_miss)
            for name, f in self.facts.items()
        ]

    def model_derived(self) -> list[Derived]:
        """The derived numbers as a model has them."""
        return [Derived(name, d.op, d.of, d.reason, d.at) for name, d in self.derived.items()]


def shipped_recipes() -> list[str]:
    """Names of the recipes that come along."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_recipe(name: str) -> Recipe:
    """A recipe by its name or its file. Raises LabError that says what is wrong with it."""
    path = _FOLDER / f"{name}.toml" if name in shipped_recipes() else Path(name)
    try:
        recipe = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Recipe)
    except OSError as error:
        known = ", ".join(shipped_recipes())
        raise LabError(
            f"there is no recipe {name}: {error.strerror}; those that come along: {known}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise LabError(f"the recipe {path} cannot be read: {error}") from None
    faults = _faults(recipe)
    if faults:
        raise LabError(f"the recipe {path}: {'; '.join(faults)}")
    return recipe


def _faults(recipe: Recipe) -> list[str]:
    named = forbidden([*recipe.facts, *recipe.derived])
    read = {fact.column for fact in recipe.facts.values()}
    named += [
        f"{group.column} is protected and is read as a fact too"
        for group in recipe.protected.values()
        if group.column in read
    ]
    named += [
        f"{name} reads {part}, which is no fact"
        for name, derived in recipe.derived.items()
        for part in derived.of
        if part not in recipe.facts
    ]
    named += [f"{name}: least is above most" for name, f in recipe.facts.items() if f.least > f.most]
    named += [
        f"{column} is the target and is read as a fact too"
        for column in recipe.outcome_columns
        if column in read
    ]
    if bool(recipe.target_column) == bool(recipe.event):
        named.append("the outcome is a target_column with its target_is, or an event; one of them")
    if recipe.horizon_months is not None and not 1 <= recipe.horizon_months <= MOST_MONTHS:
        named.append(f"horizon_months is from 1 to {MOST_MONTHS}")
    if not 0 < recipe.unseen_percent < 100:
        named.append("unseen_percent is between 1 and 99")
    return named
