"""Whose act a command is, where it takes two people."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from whiteslip.app.terminal import CommandError, Exit
from whiteslip.identity import access
from whiteslip.identity.model import DECIDES, Staff
from whiteslip.store import Tx

By = Annotated[str, Parameter(help="Whose act it is: a reviewer or an admin, by name.")]


def colleague(tx: Tx, name: str) -> Staff:
    """A member of staff by name; raises CommandError where nobody is called that."""
    found = access.staff_named(tx, name)
    if found is None:
        raise CommandError(f"nobody is called {name}", Exit.NOT_FOUND, hint="whiteslip user list")
    return found


def acting(tx: Tx, name: str) -> str:
    """The actor behind ``--by``, the same person as at the desk and behind their keys.

    The terminal believes the name, because whoever opens the database could write it; it does not believe
    in somebody who does not exist, or who may not decide.
    """
    found = colleague(tx, name)
    if found.role not in DECIDES:
        raise CommandError(f"{name} is no reviewer or admin", Exit.NOT_FOUND, hint="whiteslip user list")
    return f"staff:{found.id}"
