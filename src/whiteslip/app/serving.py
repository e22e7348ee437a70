"""The web server. It names its application and does not import it: commands start without the pages."""

from __future__ import annotations

from granian.constants import Interfaces, RuntimeModes
from granian.server import Server

from whiteslip.app.settings import Settings


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
    ).serve()
