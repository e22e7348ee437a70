"""The web server. It names its application and does not import it: commands start without the pages."""

from __future__ import annotations

import ctypes
import http.client
import os
import signal
import socket
import sys
import threading
import time
from contextlib import closing
from errno import EADDRINUSE

from granian.constants import Interfaces, RuntimeModes
from granian.server import Server

from whiteslip.app.settings import Settings
from whiteslip.app.terminal import CommandError, Exit

_PAUSE_SECONDS = 0.1
# One that was told to end, or killed, is given this long to let go.
_PATIENCE_SECONDS = 3.0
_KILLED_AFTER_SECONDS = 15
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# The server's own words go to stderr: stdout is for data.
_HANDLER = {"class": "logging.StreamHandler", "formatter": "generic", "stream": "ext://sys.stderr"}
_LOG = {"handlers": {"console": _HANDLER, "access": _HANDLER}}


def must_be_free(settings: Settings) -> None:
    """Raises CommandError where another serves at our address.

    Our server shares its port among processes (SO_REUSEPORT), so the kernel would let both begin, and hand
    each request to either.
    """
    host, port = settings.text("host"), settings.number("port")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            socket.create_server((host, port), family=family).close()
        except OSError as error:
            if error.errno == EADDRINUSE and time.monotonic() < end:
                time.sleep(_PAUSE_SECONDS)
                continue
            why = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
            said = f"cannot serve at {host}:{port}: {why}"
            taken = f"whiteslip stop, where another runs; or WHITESLIP_PORT={port + 1} whiteslip ..."
            hint = taken if error.errno == EADDRINUSE else "whiteslip config show --origin"
            raise CommandError(said, Exit.UNHEALTHY, hint) from None
        return


def end_with_the_server() -> None:
    """Let this worker process end when its server is killed; alone it would answer on, unknown to anybody."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


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
        # One that is still starting when told to stop does not hear it.
        workers_kill_timeout=_KILLED_AFTER_SECONDS,
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
