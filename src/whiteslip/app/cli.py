"""The command line. Data on stdout, messages on stderr; ``--json`` wherever there is data."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import psycopg
from cyclopts import App, CycloptsError

from whiteslip.app import (
    commands_applications,
    commands_books,
    commands_bureau,
    commands_capacity,
    commands_complaints,
    commands_data,
    commands_debts,
    commands_estates,
    commands_funding,
    commands_insight,
    commands_lab,
    commands_lake,
    commands_models,
    commands_money,
    commands_packs,
    commands_people,
    commands_policy,
    commands_portfolio,
    commands_privacy,
    commands_restrictions,
    commands_run,
    commands_setup,
    commands_stress,
    commands_terms,
    commands_vault,
    commands_watch,
    commands_webhooks,
)
from whiteslip.app.settings import VERSION, SettingError
from whiteslip.app.terminal import CommandError, Exit, log_to_stderr, say
from whiteslip.identity.vault import VaultError
from whiteslip.store.embedded import EmbeddedError

HELP = """A consumer credit line, from the first purchase to a clean goodbye.

Start with `whiteslip demo`, or with `whiteslip init` and `whiteslip up`.
"""

app = App(name="whiteslip", help=HELP, version=VERSION, help_format="plaintext")
for commands in (
    commands_setup,
    commands_run,
    commands_people,
    commands_portfolio,
    commands_applications,
    commands_policy,
    commands_books,
    commands_bureau,
    commands_capacity,
    commands_complaints,
    commands_data,
    commands_debts,
    commands_estates,
    commands_funding,
    commands_insight,
    commands_lab,
    commands_lake,
    commands_models,
    commands_money,
    commands_packs,
    commands_privacy,
    commands_restrictions,
    commands_stress,
    commands_terms,
    commands_watch,
    commands_vault,
    commands_webhooks,
):
    commands.register(app)


def run(tokens: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        app(list(tokens), exit_on_error=False, print_error=True, result_action="return_value")
    except CycloptsError:
        return Exit.USAGE
    except CommandError as error:
        say(f"whiteslip: {error}")
        if error.hint:
            say(f"try: {error.hint}")
        return error.code
    except SettingError as error:
        say(f"whiteslip: {error}")
        return Exit.USAGE
    except (VaultError, EmbeddedError) as error:
        say(f"whiteslip: {error}")
        return Exit.UNHEALTHY
    except psycopg.OperationalError as error:
        say(f"whiteslip: the database does not answer: {str(error).strip()}")
        return Exit.UNHEALTHY
    except BrokenPipeError:
        sys.stderr.close()
        return Exit.OK
    except KeyboardInterrupt:
        return 130
    return Exit.OK


def main() -> None:
    """The entry point."""
    log_to_stderr()
    sys.exit(run(sys.argv[1:]))
