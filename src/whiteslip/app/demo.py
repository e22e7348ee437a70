"""The demonstration: a world, and links to walk into it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from whiteslip import exits, world
from whiteslip.app import demo_day
from whiteslip.app.commands_lake import take_snapshot
from whiteslip.app.settings import Settings
from whiteslip.app.terminal import CommandError, refuse
from whiteslip.app.wiring import (
    DEMO_MARK,
    LIVING_MARK,
    Platform,
    create_database,
    drop_database,
    loaded_pack,
    prepare_home,
)
from whiteslip.base import Refusal, SystemClock, end_of_day, local_day
from whiteslip.decisions import champions
from whiteslip.decisions.scoring import decoded
from whiteslip.decisions.signing import make_key, sign
from whiteslip.exits.model import Outcome
from whiteslip.identity import access
from whiteslip.identity.model import Kind, Role, Staff
from whiteslip.lines import Line
from whiteslip.lines.acts import page_of_lines
from whiteslip.packs import Pack
from whiteslip.store import Tx
from whiteslip.store.timers import present
from whiteslip.world import Setting

_LINK_MINUTES: Final = 24 * 60
_REVIEWER: Final = "reviewer"
_LOOKED_AT: Final = 1_000
# Scored, and funded by a facility.
_LAST_NIGHTS: Final = 14
_MODELS: Final = Path(__file__).with_name("models")
_CHAMPION: Final = "behaviour-champion"


def prepare(settings: Settings, nights: int) -> None:
    """Make the home of a demonstration, marked until its world has lived; pages say so meanwhile.

    Policies are in force since its first morning. One that serves real people is left alone.
    """
    used = settings.master_key_file.exists() and not (settings.home / DEMO_MARK).exists()
    if used or settings.text("database_url"):
        raise CommandError(
            f"{settings.home} may hold real people; a demonstration wants a home of its own",
            hint="WHITESLIP_HOME=.demo whiteslip demo",
        )
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / DEMO_MARK).touch()
    living = settings.home / LIVING_MARK
    if living.exists():
        drop_database(settings)  # a world that was cut off cannot go on: its dice are gone
    elif not settings.master_key_file.exists():
        living.touch()
    prepare_home(settings)
    pack = loaded_pack(settings)
    first = datetime.combine(_first_day(pack, nights), time(), ZoneInfo(pack.timezone))
    create_database(settings, first if living.exists() else None)


def _first_day(pack: Pack, nights: int) -> date:
    return local_day(SystemClock().now(), pack.timezone) - timedelta(days=nights)


def populate(
    platform: Platform,
    customers: int,
    nights: int,
    seed: int,
    tell: Callable[[int], None],
    is_over: Callable[[], bool],
) -> None:
    """Let the world live until yesterday, unless it has lived already. Its last fortnight is scored.

    Where ``is_over`` it ends between two nights, and is made anew the next time.
    """
    mark = platform.settings.home / LIVING_MARK
    if not mark.exists():
        return
    with suppress(_CutOffError):
        _live(platform, customers, nights, seed, tell, is_over)
        mark.unlink()


class _CutOffError(Exception):
    """Somebody stops the demonstration before its world has lived."""


def _live(
    platform: Platform,
    customers: int,
    nights: int,
    seed: int,
    tell: Callable[[int], None],
    is_over: Callable[[], bool],
) -> None:
    setting = Setting(customers, nights, seed, _first_day(platform.pack, nights), platform.pack.name)
    # Two years of snapshots would take longer than the world; the last night's is taken at its end.

    lender = platform.doors.lender

    def told(done: int) -> None:
        first = max(1, nights - _LAST_NIGHTS)
        day = setting.start + timedelta(days=done - 1)
        last = end_of_day(day, platform.pack.timezone)
        if done % demo_day.DESK_NIGHTS == 0:
            with platform.database.transaction() as tx:
                demo_day.answer(tx, lender, last)
        if done >= first:
            with platform.database.transaction() as tx:
                if done == first:
                    serve_models(tx, platform.settings.home, last)
                demo_day.fund(tx, day, last)
        tell(done)
        if is_over():
            raise _CutOffError

    result = world.run(platform.database, replace(platform.ports, lake=None), setting, told)
    if isinstance(result, Refusal):
        refuse(result)
    if result.violations or not result.balanced:
        raise CommandError(f"the world's books do not agree: {'; '.join(result.violations[:3])}")
    if platform.ports.lake:
        take_snapshot(platform, platform.ports.lake, result.last_day)
    with platform.database.transaction() as tx:
        found = page_of_lines(tx, None, _LOOKED_AT)
        demo_day.begin(tx, platform.ports.office, found, present(tx))
        demo_day.ask_for_a_person(tx, lender, present(tx))


def serve_models(tx: Tx, home: Path, now: datetime) -> None:
    """Sign the two models of the demonstration with its key; two people make the first the champion.

    Both come from ``whiteslip lab fit behaviour_default`` (scorecard and additive) on the data that the
    recipe names, and look three months ahead. Its people are others, so the index of stability is high from
    the first night on.
    """
    key = make_key(home / "model.key")
    for path in sorted(_MODELS.glob("*.json")):
        model = decoded(path.read_bytes())
        champions.enter(tx, sign(model, key), key.public_key(), "demo", now)
        if path.stem == _CHAMPION:
            champions.propose(tx, model.name, model.version, "demo:one", now)
            champions.promote(tx, model.name, model.version, "demo:two", now)


def links(platform: Platform) -> dict[str, str]:
    """One-time links: a customer who owes nothing, one who owes, and a reviewer."""
    settings = platform.settings
    base = f"http://{settings.text('host')}:{settings.text('port')}"
    with platform.database.transaction() as tx:
        now = present(tx)
        found = page_of_lines(tx, None, _LOOKED_AT)
        reviewer = _reviewer(tx)
        open_lines = [line for line in found if not line.drawing_stopped]
        owing = _first(open_lines, lambda line: line.owed_minor > 0 and not line.held_minor)
        clear = _first(open_lines, lambda line: _closes_now(tx, line, now)) or _first(
            open_lines, lambda line: not line.owed_minor and not line.held_minor
        )
        made = {"first page": base + "/"}
        for name, line in (("customer, nothing owed", clear), ("customer, with a balance", owing)):
            if line:
                token = access.make_link(tx, Kind.CUSTOMER, line.customer, _LINK_MINUTES, now)
                made[name] = f"{base}/link/{token}"
        token = access.make_link(tx, Kind.STAFF, reviewer.id, _LINK_MINUTES, now)
        made["reviewer"] = f"{base}/console/link/{token}"
        made["API key"] = access.create_key(tx, "demo", ["read", "write"], now, owner=reviewer.id)
    return made


def _closes_now(tx: Tx, line: Line, now: datetime) -> bool:
    """Whether nothing is open, not even a payment that may come back: such a line closes with the click."""
    if line.owed_minor or line.held_minor:
        return False
    plan = exits.preview(tx, line.id, now)
    return not isinstance(plan, Refusal) and plan.outcome is Outcome.CLOSES_NOW


def _reviewer(tx: Tx) -> Staff:
    known = [staff for staff in access.all_staff(tx) if staff.name == _REVIEWER]
    if known:
        return known[0]
    made = access.create_staff(tx, _REVIEWER, Role.REVIEWER, None, present(tx))
    if isinstance(made, Refusal):
        refuse(made)
    return made


def _first(found: list[Line], wanted: Callable[[Line], bool]) -> Line | None:
    return next((line for line in found if wanted(line)), None)
