"""Set up, look after and take down an installation."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter, validators

from whiteslip import packs
from whiteslip.app import backups, running
from whiteslip.app.settings import SETTINGS, load, unread
from whiteslip.app.terminal import CommandError, Exit, answer, data, pairs, say, table
from whiteslip.app.wiring import create_database, holds_people, loaded_pack, opened, prepare_home
from whiteslip.applications import reviews
from whiteslip.base import local_day
from whiteslip.bureau import acts as bureau_acts
from whiteslip.day import every_violation
from whiteslip.exits import lateletters
from whiteslip.exits.promises import broken as promises_broken
from whiteslip.identity import access, rotation
from whiteslip.identity.model import Kind, Role
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.notices import acts as notices_acts
from whiteslip.privacy.acts import overdue
from whiteslip.store import embedded
from whiteslip.store.timers import present

Json = Annotated[bool, Parameter(name="--json", negative="", help="Give the data as JSON.")]
Count = Annotated[int, Parameter(validator=validators.Number(gte=0))]
Limit = Annotated[int, Parameter(help="How many at most.", validator=validators.Number(gte=1))]
LINK_MINUTES = 30
_LEAST_FREE = 1 << 30


def init(*, json: Json = False) -> None:
    """Make the home, its keys and the database, and a one-time link for the first admin.

    Doing it again migrates an older database and changes nothing else.
    """
    settings = load(os.environ)
    loaded_pack(settings)  # one that does not exist leaves no home behind
    is_new = not settings.master_key_file.exists()
    applied = create_database(settings)
    if is_new and holds_people(settings):
        raise CommandError(
            f"{settings.master_key_file} is not there, and the database holds people under a master key; "
            "put it back from your copy",
            Exit.UNHEALTHY,
        )
    prepare_home(settings)
    with opened(settings) as platform, platform.database.transaction() as tx:
        now = present(tx)
        link = None
        if not access.all_staff(tx):
            admin = access.create_staff(tx, "admin", Role.ADMIN, None, now)
            if isinstance(admin, access.Staff):
                link = console_link(access.make_link(tx, Kind.STAFF, admin.id, LINK_MINUTES, now))
    result = {"home": str(settings.home), "migrations": len(applied), "admin_link": link}

    def human() -> None:
        pairs({"home": settings.home, "migrations applied": len(applied)})
        if link:
            data(f"admin link (once, {LINK_MINUTES} minutes)  {link}")
        say("next: whiteslip up")

    answer(result, json, human)


def console_link(token: str) -> str:
    """The address of a one-time link for staff."""
    settings = load(os.environ)
    return f"http://{settings.text('host')}:{settings.text('port')}/console/link/{token}"


def stop(*, json: Json = False) -> None:
    """Stop what `up` or `demo` runs, and the embedded database."""
    settings = load(os.environ)
    served = running.stop(settings.home)
    stopped = False if settings.text("database_url") else embedded.stop(settings.home)
    answer(
        {"server": served, "database": stopped},
        json,
        lambda: data("stopped" if served or stopped else "nothing was running"),
    )


@dataclass(frozen=True, slots=True)
class Check:
    """One thing the doctor looked at."""

    what: str
    good: bool
    found: str


def _meant(stranger: tuple[str, str]) -> str:
    """Of a variable that nobody reads, and the name it comes nearest to."""
    variable, near = stranger
    return f"nobody reads {variable}" + (f"; {near} was meant?" if near else "")


def doctor(*, json: Json = False) -> None:
    """Look at everything that can be wrong: exit code 5 when something is."""
    settings, strangers = load(os.environ), unread(os.environ)
    meant = "; ".join(map(_meant, strangers.items())) or "each is one that is read"
    checks = [Check("packs", not packs.check(), "; ".join(packs.check()) or f"{len(packs.names())} sound")]
    checks.append(Check("settings", not any(strangers.values()), meant))
    free = shutil.disk_usage(settings.home if settings.home.exists() else Path.cwd()).free
    checks.append(Check("disk", free > _LEAST_FREE, f"{free >> 20} MB free"))
    with opened(settings) as platform:
        checks.append(Check("database", True, "answers, and its schema is this version's"))
        with platform.database.transaction() as tx:
            keyless = rotation.lacks_a_key(tx, platform.ports.vault)
            broken = every_violation(tx)
            sealed = last_sealed_day(tx)
            letters, waiting = notices_acts.counts(tx), notices_acts.waiting(tx)
            pile_up = waiting.is_long(present(tx))
            untold = lateletters.late(tx, present(tx))
            late = overdue(tx, local_day(present(tx), platform.pack.timezone))
            promises = promises_broken(tx, present(tx)) + bureau_acts.untold(tx, present(tx))
            promises += [f"an application is decided in time: {one}" for one in reviews.late(tx, present(tx))]
        key = f"{settings.master_key_file} opens " + ("not every record" if keyless else "every record")
        checks.append(Check("vault", not keyless, key))
        checks.append(Check("invariants", not broken, "; ".join(broken[:5]) or "all hold"))
        checks.append(Check("erasure", not late, f"{late} people are overdue"))
        kept = "; ".join(promises[:5]) or "the packs' minutes and days are kept"
        checks.append(Check("promises", not promises, kept))
        checks.append(Check("last sealed day", True, str(sealed or "none yet")))
        lost = letters.get("failed", 0) + letters.get("unknown", 0)
        found = f"{lost} failed or unknown, {sum(letters.values())} in all"
        checks.append(Check("letters", not lost, f"{found}; whiteslip letters list" if lost else found))
        since = f", the oldest since {waiting.since:%Y-%m-%d %H:%M} UTC" if waiting.since else ""
        checks.append(Check("letters waiting", not pile_up, f"{waiting.letters} wait{since}"))
        told = (
            "; ".join(f"{each.kind} by {each.due_at:%Y-%m-%d}" for each in untold[:5]) or "all sent in time"
        )
        found = f"{len(untold)} late: {told}" if untold else told
        checks.append(Check("letters in time", not untold, found))
        owed = platform.pack.says("bureau.free_report_days")
        agency = platform.ports.office.agency
        missing = "letters must name it: set WHITESLIP_BUREAU_AGENCY" if owed else "no letter need name it"
        checks.append(Check("credit bureau", bool(agency) or not owed, agency or missing))
        way = type(platform.ports.mailer).__name__
        checks.append(Check("mail", way != "NoMailer", way))
    answer(
        [{"check": c.what, "good": c.good, "found": c.found} for c in checks],
        json,
        lambda: table(
            ["check", "", "found"], [[c.what, "ok" if c.good else "WRONG", c.found] for c in checks]
        ),
    )
    wrong = [c.what for c in checks if not c.good]
    if wrong:
        raise CommandError(f"not well: {', '.join(wrong)}", Exit.UNHEALTHY)


def backup(file: Annotated[str, Parameter(allow_leading_hyphen=True)], /, *, json: Json = False) -> None:
    """Write the database into one FILE (- for stdout), with a manifest and its checksum.

    Keys are not in it: keep master.key and web.secret apart, or what it holds cannot be read.
    """
    made = backups.write(load(os.environ), file)
    if file != "-":
        answer(made, json, lambda: pairs(made))
    say("keep the keys of the home apart from this file; without them it cannot be read")


def restore(file: Path, /, *, check_only: bool = False, json: Json = False) -> None:
    """Read a backup FILE into an empty database. With --check-only, only look whether it is whole."""
    settings = load(os.environ)
    found = backups.verify(file) if check_only else backups.read(settings, file)
    answer(found, json, lambda: pairs(found))


def config_show(*, origin: bool = False, json: Json = False) -> None:
    """Show the settings; with --origin, where each comes from."""
    settings = load(os.environ)
    for stranger in unread(os.environ).items():
        say(_meant(stranger))
    rows = [settings.values[s.name] for s in SETTINGS]
    result = {v.setting.name: {"value": v.shown, "origin": v.origin} if origin else v.shown for v in rows}

    def human() -> None:
        if origin:
            table(["setting", "value", "origin"], [[v.setting.variable, v.shown, v.origin] for v in rows])
        else:
            pairs({v.setting.variable: v.shown for v in rows})

    answer(result, json, human)


def register(app: App) -> None:
    """Add these commands."""
    app.command(init)
    app.command(stop)
    app.command(doctor)
    app.command(backup)
    app.command(restore)
    config = App(name="config", help="Settings.")
    config.command(config_show, name="show")
    app.command(config)
