"""World: a seeded population on a test clock.

What it owns: no tables. People buy, pay, pay late, stop paying, send things back and leave, by
dice with a seed, through the same acts as the doors; every night is sealed, which checks the
invariants. The demo is a world of a few hundred people over two years; the tests run larger ones.

Invariant: with the same seed the same things are done, though identifiers differ.
"""

from whiteslip.world.model import Result, Setting
from whiteslip.world.run import run, settle

__all__ = ["Result", "Setting", "run", "settle"]
