"""The command line. Data on stdout, messages on stderr; ``--json`` wherever there is data."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from cyclopts import App, CycloptsError

from whiteslip.app.failures import TOLD, told
from whiteslip.app.settings import VERSION
from whiteslip.app.terminal import Exit

HELP = """A consumer credit line, from the first purchase to a clean goodbye.

Start with `whiteslip demo`, or with `whiteslip init` and `whiteslip up`.
"""

# Which module adds which commands.
_MODULES: Final = {
    "setup": ("init", "stop", "doctor", "backup", "restore", "config"),
    "run": ("demo", "serve", "worker", "up", "day", "clock"),
    "people": ("user", "keys", "lines", "exits"),
    "estates": ("estates",),
    "portfolio": ("portfolio",),
    "applications": ("applications",),
    "policy": ("policy",),
    "books": ("ledger", "audit", "decisions"),
    "bureau": ("bureau",),
    "capacity": ("capacity",),
    "complaints": ("complaints",),
    "data": ("import", "world"),
    "debts": ("debts",),
    "funding": ("funding",),
    "insight": ("insight",),
    "lab": ("lab",),
    "lake": ("lake",),
    "letters": ("letters",),
    "models": ("models",),
    "money": ("payments", "disputes", "refunds"),
    "packs": ("packs",),
    "privacy": ("privacy",),
    "restrictions": ("restrictions",),
    "stress": ("stress",),
    "terms": ("terms",),
    "watch": ("watch",),
    "vault": ("vault",),
    "webhooks": ("webhooks",),
}


def app(tokens: Sequence[str] = ()) -> App:
    """The command line: with the command that ``tokens`` begin with, or with all where they begin with none.

    To import them all takes a second of which one command needs a part, and the version nothing.
    """
    made = App(name="whiteslip", help=HELP, version=VERSION, help_format="plaintext")
    if list(tokens) == ["--version"]:
        return made
    at_hand = [module for module, names in _MODULES.items() if tokens and tokens[0] in names]
    for module in at_hand or _MODULES:
        import_module(f"whiteslip.app.commands_{module}").register(made)
    return made


def run(tokens: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        app(tokens)(list(tokens), exit_on_error=False, print_error=True, result_action="return_value")
    except CycloptsError:
        return Exit.USAGE
    except BrokenPipeError:
        sys.stderr.close()
        return Exit.OK
    except KeyboardInterrupt:
        return 130
    except TOLD as error:
        return told(error)
    return Exit.OK


def main() -> None:
    """The entry point. Who closed our output wants to hear nothing."""
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
        sys.exit(run(sys.argv[1:]))
