"""Which process runs in a home: its number in a file that it keeps locked as long as it lives.

A number alone outlives who is killed, and belongs to a stranger after the machine was started again.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from whiteslip.app.terminal import CommandError, Exit

_FILE: Final = "up.pid"


@contextmanager
def running(home: Path) -> Generator[None]:
    """We run in this home. Raises CommandError where another does."""
    path = home / _FILE
    # A lock of this kind is the process's own: the server's children do not hold it on.
    with path.open("a+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise CommandError(
                f"process {file.read()} runs in {home} already", Exit.CONFLICT, hint="whiteslip stop"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def stop(home: Path) -> bool:
    """End what runs in this home. False when nothing does. Raises CommandError for somebody else's."""
    try:
        file = (home / _FILE).open("r+")
    except FileNotFoundError:
        return False
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = int(file.read())
        else:
            return False
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    except PermissionError:
        raise CommandError(f"process {pid} belongs to somebody else") from None
    return True
