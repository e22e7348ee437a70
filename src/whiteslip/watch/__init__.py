"""Watch: sees early what goes wrong on a line, says why, and proposes what fits.

What it owns: schema ``watch``: how far the journal was read, a memory of each line, alerts, and how
those who are scored are spread night by night. It follows the journal as webhooks do, after the commit:
a purchase never waits for it.

A memory (``memory``) is decayed sums that each event changes in constant time; ``features`` reads
facts from it; the table ``watch-monitor`` says what follows, how long it is quiet afterwards, how
many false alarms it may raise, and who is told.

Invariants
----------
- A memory is a fold over the journal: made again from its first row it is the same, to the bit.
- It reads what a line buys, pays and is asked for. What somebody did by leaving, pausing, disputing
  or complaining is not among its kinds and moves nothing.
- An alert carries the decision that raised it: facts, version and reasons can be replayed.
- An alert does nothing by itself. A person acts, and what turns out is written on it.
- A rule whose alarms were false more often than its budget only asks to be watched.

``streams`` looks at the events of all lines together, and says when they are no longer as they were.
Every night ``nightly`` scores the lines that live by the champion ``behaviour``, and holds them against
what the model was fitted on (the table ``score-drift``).

Acts: ``follow`` reads on, ``rebuild`` makes memories again, ``acknowledge`` and ``label``,
``labelled_facts`` is what the lab learns from.
"""

from whiteslip.watch.acts import acknowledge, follow, label, labelled_facts, rebuild
from whiteslip.watch.model import Act, Alert, Shown, State

__all__ = ["Act", "Alert", "Shown", "State", "acknowledge", "follow", "label", "labelled_facts", "rebuild"]
