"""Intake: a portfolio that ran elsewhere is taken over from a file.

What it owns: schema ``intake``: runs and how far they came, rejected rows and why, where each
customer came from, and what the file reported month by month. Customers, lines, plans, bills,
payments and balances are put on the books through the doors of the rooms below, so a customer
taken over is a customer like any other.

A *mapping* (a TOML file) says which column means what, which days the months' figures stand for,
and how a balance becomes instalments. A *history* is one row read; a *takeover* is the history as
it will be booked (:mod:`plan`: pure, with every rule written there); :mod:`booking` books it.

Invariants
----------
- A customer is taken over whole or not at all; what is not loaded is a rejected row with a reason.
- A batch and the place in the file commit together: an interrupted run goes on, nothing is twice.
- After each month the ledger's debt less credit is the balance the file reports, to the minor unit.
- Reported status and outcome are information: nothing is decided by them.
- Personal data goes to the vault if the mapping names it, and nowhere else; unmapped columns are
  not read.
- A file of any size or content takes bounded memory and ends in a report or an IntakeError.
"""

from whiteslip.intake.acts import run
from whiteslip.intake.fault import IntakeError
from whiteslip.intake.mapping import load as load_mapping
from whiteslip.intake.mapping import names as mapping_names
from whiteslip.intake.model import Options, Rejected, Report

__all__ = ["IntakeError", "Options", "Rejected", "Report", "load_mapping", "mapping_names", "run"]
