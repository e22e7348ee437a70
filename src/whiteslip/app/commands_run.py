"""Serve, work, demonstrate; the clock and the night."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from cyclopts import App, Parameter

from whiteslip import day
from whiteslip.app import demo, serving, worker
from whiteslip.app.commands_setup import Count, Json
from whiteslip.app.running import running
from whiteslip.app.settings import Settings, load
from whiteslip.app.terminal import CommandError, Exit, answer, data, pairs, progress, refuse, say
from whiteslip.app.wiring import Platform, opened, signals_left_to_main, working
from whiteslip.base import Refusal, local_day
from whiteslip.day.clock import advance, step_of
from whiteslip.identity import rotation
from whiteslip.store.timers import StoredClock, next_timer, present

# Of these years there are calendars, and no date overflows.
_YEARS: Final = (1990, 2100)
StandStill = Annotated[
    bool, Parameter(negative="", help="Also where there are people and the machine's clock goes.")
]


def serve(*, workers: int = 1) -> None:
    """Serve pages and the API. Timers are run by `whiteslip worker`."""
    settings = load(os.environ)
    with opened(settings, size=1):
        serving.must_be_free(settings)
        say(f"http://{settings.text('host')}:{settings.text('port')}")
    serving.serve(settings, workers)


def work() -> None:
    """Run timers and send letters as they fall due, and seal days that are over."""
    stop = threading.Event()

    def end(_number: int, _frame: object) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with opened(load(os.environ)) as platform:
        say("working; stop with Ctrl-C")
        worker.run(platform, stop)


def up(*, workers: int = 1) -> None:
    """Serve and work in one."""
    settings = load(os.environ)
    with opened(settings) as platform:
        serving.must_be_free(settings)
        _up(settings, workers, partial(worker.run, platform))


def _up(settings: Settings, workers: int, beside: Callable[[threading.Event], None]) -> None:
    """Serve, with ``beside`` in a thread until its event is set. When it ends before, so does the server."""
    with running(settings.home):
        _up_alone(settings, workers, beside)


def _up_alone(settings: Settings, workers: int, beside: Callable[[threading.Event], None]) -> None:
    stop = threading.Event()
    failed = list[CommandError]()

    def run() -> None:
        try:
            # The server forks: what another thread holds at that moment, a lock say, its child would keep.
            serving.wait_until_it_answers(settings, stop)
            beside(stop)
        except CommandError as error:
            failed.append(error)
        finally:
            if not stop.is_set():
                os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=run, name="worker")
    with signals_left_to_main():
        thread.start()
    try:
        say(f"http://{settings.text('host')}:{settings.text('port')}")
        serving.serve(settings, workers)
    finally:
        stop.set()
        thread.join()
    if failed:
        raise failed[0]


def demonstrate(
    *, customers: Count = 200, nights: Count = 730, seed: int = 7, serve: bool = True, json: Json = False
) -> None:
    """A world of people who do not exist, two years of it, with links to look at it.

    The world is made once, while the first pages are served; later runs find it. The links come when it has
    lived. --no-serve makes it and prints the links only.
    """
    settings = load(os.environ, home=os.environ.get("WHITESLIP_HOME") or ".demo")
    os.environ["WHITESLIP_HOME"] = str(settings.home)
    if serve:
        serving.must_be_free(settings)  # before a world that still lives is taken for one that was cut off
    demo.prepare(settings, nights)

    def live(stop: threading.Event) -> None:
        with opened(settings, durable=False) as platform, progress("two years go by", nights) as tell:
            demo.populate(platform, customers, nights, seed, tell, stop.is_set)
        with opened(settings) as platform:
            if stop.is_set():
                return
            links = demo.links(platform)
            answer(links, json, lambda: pairs(links))
            if serve:
                worker.run(platform, stop)

    if serve:
        _up(settings, 1, live)
    else:
        live(threading.Event())


def seal(on: date, /, *, json: Json = False) -> None:
    """Close DAY: bills, fees, exits, timers, then the invariants and the seal.

    Days left out before it are sealed first; a night that was cut off goes on where it stopped. Letters are
    sent by `whiteslip worker`; where a clock was set, with their night.
    """
    with opened(load(os.environ)) as platform:
        with platform.database.transaction() as tx:
            now, stepped = present(tx), StoredClock(tx).read() is not None
        try:
            with progress(f"sealing {on}") as tell:
                done = day.seal(
                    platform.database,
                    platform.ports,
                    on,
                    platform.pack.timezone,
                    now,
                    lambda _day, _stage, count: tell(count),
                    with_letters=stepped,
                )
        except day.InvariantError as error:
            raise CommandError(str(error), Exit.UNHEALTHY) from None
    if isinstance(done, Refusal):
        refuse(done)
    result = {"day": on, "already": done.already, "stages": dict(done.stages)}
    answer(result, json, lambda: data(f"{on} was sealed" if done.already else f"{on} is sealed"))


def clock_show(*, json: Json = False) -> None:
    """Tell what time it is for this installation."""
    with working() as (_, tx):
        now, frozen, due = present(tx), StoredClock(tx).read(), next_timer(tx)
    result = {"now": now, "frozen": frozen is not None, "next_timer": due}
    answer(
        result, json, lambda: pairs({"now": now, "frozen": frozen is not None, "next timer": due or "none"})
    )


def clock_advance(
    step: Annotated[str, Parameter(help="How far: +30d, +6h or +15m.")],
    /,
    *,
    stand_still: StandStill = False,
    json: Json = False,
) -> None:
    """Move the clock forward, through every night and timer on the way. It then stands still."""
    amount = step_of(step)
    if amount is None:
        raise CommandError(f"{step!r} is no step; write +30d, +6h or +15m", Exit.USAGE)
    with opened(load(os.environ)) as platform:
        with platform.database.transaction() as tx:
            to = present(tx) + amount
        _advance(platform, to, stand_still, json)


def clock_set(at: datetime, /, *, stand_still: StandStill = False, json: Json = False) -> None:
    """Move the clock forward to an instant, such as 2026-12-01T09:00."""
    if not _YEARS[0] <= at.year <= _YEARS[1]:
        raise CommandError(f"a clock stands between {_YEARS[0]} and {_YEARS[1]}", Exit.USAGE)
    with opened(load(os.environ)) as platform:
        to = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(platform.pack.timezone))
        _advance(platform, to, stand_still, json)


def _advance(platform: Platform, to: datetime, stand_still: bool, json: bool) -> None:
    with platform.database.transaction() as tx:
        if not stand_still and StoredClock(tx).read() is None and rotation.holds_people(tx):
            raise CommandError(
                "there are people here, and a clock that was moved stands still for good: nothing falls due, "
                "and no night comes, but by this command",
                Exit.CONFLICT,
                hint="in a trial, the same with --stand-still",
            )
    with progress("nights go by"):
        nights = advance(platform.database, platform.ports, platform.pack.timezone, to)
    if isinstance(nights, Refusal):
        refuse(nights)
    today = local_day(to, platform.pack.timezone)
    answer(
        {"now": to, "nights_sealed": nights},
        json,
        lambda: data(f"it is {today}; {nights} nights were sealed"),
    )


def register(app: App) -> None:
    """Add these commands."""
    app.command(demonstrate, name="demo")
    app.command(serve)
    app.command(work, name="worker")
    app.command(up)
    night = App(name="day", help="The business day.")
    night.command(seal)
    app.command(night)
    clock = App(name="clock", help="The installation's clock, which a demo or a test drives.")
    clock.command(clock_show, name="show")
    clock.command(clock_advance, name="advance")
    clock.command(clock_set, name="set")
    app.command(clock)
