"""Packs: what the law demands, per jurisdiction, as sourced parameters.

What it owns: no tables; the data files in ``data/``. ``base`` holds a neutral value of every
parameter; a country's pack overrides what its law or market says. Each parameter carries its
unit, its source, whether that source was read in the primary text, and the duty it serves.

Invariants
----------
- Every parameter exists in ``base``, so no pack has gaps.
- A value is read with its unit: asking for days of a parameter in months is an error.
- Whiteslip shows which duty a feature serves; it never calls itself compliant.
"""

from whiteslip.packs.model import Pack, PackError, Parameter, Unit
from whiteslip.packs.reading import check, load, names

__all__ = ["Pack", "PackError", "Parameter", "Unit", "check", "load", "names"]
