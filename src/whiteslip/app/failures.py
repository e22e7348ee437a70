"""What goes wrong in the world around us, told in words and an exit code. What is not told here is a bug."""

from __future__ import annotations

from errno import EACCES, EDQUOT, ENOSPC, EPERM, EROFS
from typing import Final

import psycopg
from psycopg import errors
from psycopg_pool import PoolTimeout

from whiteslip.app.settings import SettingError
from whiteslip.app.terminal import CommandError, Exit, say
from whiteslip.identity.vault import VaultError
from whiteslip.store.embedded import EmbeddedError

TOLD: Final = (
    CommandError,
    SettingError,
    VaultError,
    EmbeddedError,
    psycopg.OperationalError,
    errors.DuplicateSchema,
    errors.InsufficientPrivilege,
    errors.ReadOnlySqlTransaction,
    PoolTimeout,
    OSError,
)
_MENDED: Final = {
    EACCES: "run this as the owner of the home, or set WHITESLIP_HOME to a folder of yours",
    EPERM: "run this as the owner of the home, or set WHITESLIP_HOME to a folder of yours",
    EROFS: "mount it for writing, or set WHITESLIP_HOME to a folder that can be written",
    ENOSPC: "make room, then do the same again",
    EDQUOT: "make room, then do the same again",
}


def told(error: BaseException) -> int:
    """Say on stderr what happened and how to mend it; returns the exit code."""
    match error:
        case CommandError(code=code, hint=hint):
            said = str(error)
        case SettingError():
            code, hint, said = Exit.USAGE, None, str(error)
        case OSError(errno=int(number)):
            about = f"{error.filename}: " if error.filename else ""
            code, hint, said = Exit.ERROR, _MENDED.get(number), f"{about}{error.strerror}"
        case errors.InsufficientPrivilege():
            code, said = Exit.UNHEALTHY, f"the database refuses: {error.diag.message_primary}"
            hint = "whiteslip config show --origin; the role in WHITESLIP_DATABASE_URL owns the database"
        case errors.ReadOnlySqlTransaction():
            code, said = Exit.UNHEALTHY, f"the database is read only: {error.diag.message_primary}"
            hint = "whiteslip config show --origin; WHITESLIP_DATABASE_URL names a primary, not a standby"
        case errors.DuplicateSchema():
            code, said = Exit.CONFLICT, f"the database holds something else: {error.diag.message_primary}"
            hint = "name an empty database in WHITESLIP_DATABASE_URL, then whiteslip init"
        case psycopg.OperationalError() if error.sqlstate:
            code, hint, said = Exit.UNHEALTHY, None, f"the database gave up: {str(error).strip()}"
        case psycopg.OperationalError() | PoolTimeout():
            code, hint, said = Exit.UNHEALTHY, None, f"the database does not answer: {str(error).strip()}"
        case _:
            code, hint, said = Exit.UNHEALTHY, None, str(error)
    say(f"whiteslip: {said}")
    if hint:
        say(f"try: {hint}")
    return code
