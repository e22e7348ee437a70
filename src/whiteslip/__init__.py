"""Whiteslip: a consumer credit line, from the first purchase to a clean goodbye.

The rooms are floors. A room imports only from floors below it; the order is the
contract in ``.importlinter`` and is explained in ``docs/explanation/house.md``.
"""

__version__ = "0.1.0"
