"""Packs: what the law demands, per jurisdiction, as sourced parameters.

What it owns: no tables; the data files in ``data/`` and ``duties.toml``. ``base`` holds a neutral
value of every parameter; a country's pack overrides what its law or market says. Each parameter
carries its unit, its source, whether that source was read in the primary text, and the duty it
serves. Each duty names the features and the tests that serve it, or what is planned. A pack also
follows a calendar of business days, computed from the library ``holidays`` when first asked for.

Invariants
----------
- Every parameter exists in ``base``, so no pack has gaps; amounts of money every pack sets itself.
- A value is read with its unit: asking for days of a parameter in months is an error.
- What a country has from ``base`` is never called verified for it.
- Every parameter serves a duty that exists, and every duty is served by a parameter.
- Whiteslip shows which duty a feature serves; it never calls itself compliant.
"""

from whiteslip.packs.calendars import make_up_days_until
from whiteslip.packs.checking import check
from whiteslip.packs.duties import Duty, duties
from whiteslip.packs.model import Pack, PackError, Parameter, Unit
from whiteslip.packs.reading import load, names, read

__all__ = [
    "Duty",
    "Pack",
    "PackError",
    "Parameter",
    "Unit",
    "check",
    "duties",
    "load",
    "make_up_days_until",
    "names",
    "read",
]
