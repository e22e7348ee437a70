"""Web: the doors of the house, over one shell.

What it owns: ``kit``, the shell every door stands on, and the doors themselves: ``api`` for
machines, ``portal`` for customers, ``console`` for staff. It has no tables and no business rules:
a handler reads a form, calls one act of a room below in one transaction, and shows the answer.

Invariants
----------
- Doors do not know each other; they share ``kit`` and nothing else.
- Every page works without JavaScript, in both languages, from 320 px up, and asks no other host.
- Broad ``except`` clauses live in ``kit/edge.py`` and nowhere else in this room.
"""
