"""The shell: one Litestar application out of routers, with everything that all doors share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from litestar import Litestar, MediaType, Response, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler
from litestar.utils.sync import AsyncCallable

from whiteslip.web.kit.assets import serve_asset
from whiteslip.web.kit.bodies import StrictRequest, no_nul
from whiteslip.web.kit.cookies import WebRequest, settings_of
from whiteslip.web.kit.edge import LastResort, answer
from whiteslip.web.kit.envelope import Envelope
from whiteslip.web.kit.forms import only_own_forms, read_form
from whiteslip.web.kit.guide.handlers import guide_handlers, machines, problem_types
from whiteslip.web.kit.limits import Limits, not_too_often
from whiteslip.web.kit.settings import WebSettings


@get("/livez", sync_to_thread=False)
def livez() -> Response[str]:
    """The process answers."""
    return Response("ok\n", media_type=MediaType.TEXT)


@get("/readyz", sync_to_thread=True)
def readyz(request: WebRequest) -> Response[dict[str, bool]]:
    """Whether everything we need answers: 200 or 503, and which."""
    found = dict(settings_of(request).ready())
    return Response(found, status_code=200 if all(found.values()) else 503)


@get("/metrics", sync_to_thread=True)
def metrics(request: WebRequest) -> Response[bytes]:
    """Counters in the Prometheus text format."""
    return Response(settings_of(request).metrics(), media_type="text/plain; version=0.0.4")


@get("/version", sync_to_thread=False)
def version(request: WebRequest) -> Response[dict[str, str]]:
    """Which build this is."""
    return Response(dict(settings_of(request).version()))


def _wrap_once(app: Litestar) -> None:
    """Undo double wrapping.

    Litestar 2.25 wraps a synchronous handler again each time that its path gets another method, or
    that it is registered under a further path; called, such a handler answers with a coroutine.
    """
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            outer: Any = handler.fn
            while isinstance(inner := getattr(outer, "func", None), AsyncCallable):
                outer = cast("Any", inner)
            handler._fn = outer  # pyright: ignore[reportPrivateUsage]


def create_app(
    routers: Sequence[ControllerRouterHandler],
    settings: WebSettings,
    ports: object = None,
) -> Litestar:
    """The application. ``ports`` is what handlers get from :func:`ports_of`: a database, a clock.

    Routes are left out of the OpenAPI document unless they say ``include_in_schema=True``.
    """
    handlers: list[ControllerRouterHandler] = [
        livez,
        readyz,
        metrics,
        version,
        serve_asset,
        machines,
        problem_types,
    ]
    if settings.demo:
        handlers += guide_handlers
    limits = Limits(settings.per_minute, settings.trusted_proxies)
    app = Litestar(
        route_handlers=[*handlers, *routers],
        dependencies={"form": Provide(read_form)},
        guards=[no_nul, not_too_often, only_own_forms],
        exception_handlers={Exception: answer},
        include_in_schema=False,
        logging_config=None,
        debug=False,
        openapi_config=OpenAPIConfig(
            title="Whiteslip",
            version=settings.api_version,
            path="/api/openapi.json",
            render_plugins=[JsonRenderPlugin(path="/")],
        ),
        request_class=StrictRequest,
        request_max_body_size=settings.body_limit,
        state=State({"web": settings, "ports": ports, "limits": limits}),
    )
    _wrap_once(app)
    app.asgi_handler = Envelope(LastResort(app.asgi_handler), settings)
    return app
