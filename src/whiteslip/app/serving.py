"""The web server. It names its application and does not import it: commands start without the pages."""

from __future__ import annotations

import http.client
import threading
from contextlib import closing

from granian.constants import Interfaces, RuntimeModes
from granian.server import Server

from whiteslip.app.settings import Settings

_PAUSE_SECONDS = 0.1
# The server's own words go to stderr: stdout is for data.
_HANDLER = {"class": "logging.StreamHandler", "formatter": "generic", "stream": "ext://sys.stderr"}
_LOG = {"handlers": {"console": _HANDLER, "access": _HANDLER}}


def serve(settings: Settings, workers: int) -> None:
    """Serve until told to stop."""
    Server(
        "whiteslip.app.server:application",
        factory=True,
        address=settings.text("host"),
        port=settings.number("port"),
        interface=Interfaces.ASGI,
        workers=workers,
        runtime_mode=RuntimeModes.st,
        backpressure=16 * 4,
        log_access=False,
        log_dictconfig=_LOG,
    ).serve()


def wait_until_it_answers(settings: Settings, stop: threading.Event) -> None:
    """Return when the server answers, or when ``stop`` is set."""
    while not stop.wait(_PAUSE_SECONDS):
        asking = http.client.HTTPConnection(settings.text("host"), settings.number("port"), timeout=5)
        with closing(asking):
            try:
                asking.request("GET", "/livez")
                asking.getresponse()
            except (OSError, http.client.HTTPException):
                continue
            return
