"""The web application: one per worker process, out of settings."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Final

import psycopg
from litestar import Litestar
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from psycopg_pool import PoolTimeout

from whiteslip.app.failures import TOLD, told
from whiteslip.app.logs import log_to_stderr
from whiteslip.app.serving import end_with_the_server
from whiteslip.app.settings import VERSION, load
from whiteslip.app.wiring import LIVING_MARK, Platform, opened, settle, web_secret
from whiteslip.exits import store as exits_store
from whiteslip.ledger.model import SealedError
from whiteslip.notices import acts as notices_acts
from whiteslip.store import Tx
from whiteslip.store.database import journal_head
from whiteslip.store.timers import present
from whiteslip.web import api, console, portal
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

_READY_SECONDS: Final = 2.0
# Who asks for a page hears after this long that the database is away.
_PATIENCE_SECONDS: Final = 2.0


def build(platform: Platform) -> Litestar:
    """The application over an open platform."""
    settings = platform.settings
    name = settings.text("issuer_name")
    language = "en" if settings.text("language") == "en" else "zh-CN"
    web = WebSettings(
        secret=web_secret(settings),
        https=settings.flag("secure_cookies") and not platform.is_demo,
        demo=platform.is_demo,
        living=(settings.home / LIVING_MARK).exists,
        timezone=platform.pack.timezone,
        issuer_name={"zh-CN": name, "en": name},
        pay_page=settings.text("pay_page"),
        default_language=language,
        per_minute=settings.number("requests_per_minute"),
        trusted_proxies=settings.networks("trusted_proxies"),
        ready=lambda: {"database": _answers(platform)},
        metrics=lambda: _metrics(platform),
        version=lambda: {"version": VERSION},
        # At midnight a day may be sealed under somebody who was about to book on it.
        unavailable=(psycopg.OperationalError, PoolTimeout, SealedError),
    )
    return create_app([*portal.routers, *console.routers, *api.routers], web, platform.doors)


def application() -> Litestar:
    """What the server's workers import: the platform stays open as long as the process lives."""
    log_to_stderr()
    end_with_the_server()
    try:
        opening = opened(load(os.environ), patience=_PATIENCE_SECONDS)
        platform = opening.__enter__()
    except TOLD as error:
        raise SystemExit(told(error)) from None
    # Half a second that the first customer who leaves would otherwise wait for.
    platform.pack.calendar.is_business_day(date(2026, 1, 1))
    app = build(platform)
    settle()

    def close() -> None:
        opening.__exit__(None, None, None)

    app.on_shutdown.append(close)
    return app


def _answers(platform: Platform) -> bool:
    """Whether the database answers within ``_READY_SECONDS``: who asks whether we are ready does not wait."""
    answered = threading.Event()

    def ask() -> None:
        with suppress(psycopg.OperationalError, PoolTimeout):
            with platform.database.connection() as conn:
                journal_head(Tx(conn))
            answered.set()

    threading.Thread(target=ask, daemon=True, name="ready").start()
    return answered.wait(_READY_SECONDS)


def _metrics(platform: Platform) -> bytes:
    """Gauges read from the database when asked, so that every process tells the same."""
    registry = CollectorRegistry()
    with platform.database.transaction() as tx:
        seq, _ = journal_head(tx)
        _gauge(registry, "whiteslip_journal_rows", "Rows of the journal", "", {"": seq})
        states = {state.value: count for state, count in exits_store.counts(tx).items()}
        _gauge(registry, "whiteslip_exits", "Exits by state", "state", states)
        letters = notices_acts.counts(tx)
        _gauge(registry, "whiteslip_notices", "Letters by state", "state", letters)
        since, now = notices_acts.waiting(tx).since, present(tx)
        seconds = max(0, int((now - since).total_seconds())) if since else 0
        meaning = "Since when the oldest letter waits that is still to be sent"
        _gauge(registry, "whiteslip_notices_waiting_seconds", meaning, "", {"": seconds})
    return generate_latest(registry)


def _gauge(
    registry: CollectorRegistry, name: str, meaning: str, label: str, values: Mapping[str, int]
) -> None:
    gauge = Gauge(name, meaning, [label] if label else [], registry=registry)
    for value, count in values.items():
        (gauge.labels(value) if label else gauge).set(count)
