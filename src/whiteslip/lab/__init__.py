"""Lab: fit, validate, compare and ship models that score.

What it owns: no tables. A *recipe* (TOML) names the target, the facts with their meaning, range and
the direction in which each may move the risk, and the protected columns, which are measured and
never modelled. A file of rows becomes a *table*; a table and a recipe become a
:class:`whiteslip.decisions.scoring.Model`, which is data and scores without the lab.

It is an extra: the fitting libraries are asked for when something is fitted, and nothing below
imports this room. What it promises
----------
- Rows are read as a stream; a row that cannot be used is left out and told, with line and column.
- A model is measured on rows that it has not seen, by the code that will score live.
- Whatever a recipe says, protected grounds, leaving, pausing and complaining are in no model.
- Nothing is random that a seed in the recipe does not decide: the same file gives the same model.

Acts: :func:`read_table`, :func:`fit`, :func:`fit_all`, :func:`measure`, :func:`stability` and
:func:`write_card`.
"""

from whiteslip.lab.card import write_card
from whiteslip.lab.fitting import KINDS, fit
from whiteslip.lab.measuring import measure, stability
from whiteslip.lab.model import LabError
from whiteslip.lab.protocol import fit_all
from whiteslip.lab.reading import Table, read_table
from whiteslip.lab.recipe import Recipe, load_recipe, shipped_recipes

__all__ = [
    "KINDS",
    "LabError",
    "Recipe",
    "Table",
    "fit",
    "fit_all",
    "load_recipe",
    "measure",
    "read_table",
    "shipped_recipes",
    "stability",
    "write_card",
]
