"""What the shell must be told. The room ``app`` fills it in; nothing here reads the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias
from zoneinfo import ZoneInfo

from whiteslip.web.kit.i18n import Lang

Network: TypeAlias = IPv4Network | IPv6Network
MIN_SECRET_BYTES = 32


def _always_ready() -> Mapping[str, bool]:
    return {}


def _never() -> bool:
    return False


def _no_metrics() -> bytes:
    return b""


def _own_name() -> dict[Lang, str]:
    return {"zh-CN": "白条", "en": "Whiteslip"}


def _unnamed() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the shell behaves.

    ``secret`` signs anti-forgery tokens: at least 32 random bytes, the same in every process.
    ``https`` is whether the *browser* speaks TLS to us, also through a proxy: it makes cookies
    ``Secure`` and turns HSTS on. ``body_limit`` is in bytes; a route that takes files sets its own
    ``request_max_body_size``. ``timezone`` is an IANA name; pages show instants in it.
    ``issuer_name`` is who lends, as every page's header and title say it; ``pay_page`` is the address of
    their own page on which customers pay, if they have one. ``default_language`` is for
    readers whose browser asks for none of ours. ``demo`` adds the style guide and a mark on each page, which
    says more while the people of the demonstration are still ``living`` their years.

    ``per_minute`` is how often one address may sign in, ask for a code or send a form for which nobody signs
    in, and ``trusted_proxies`` who may say in ``X-Forwarded-For`` whose address it is; see ``limits``.

    ``ready`` names each thing we need and whether it answers; ``metrics`` gives the Prometheus text
    format; ``version`` names the build. ``unavailable`` are exceptions of the world below, such as
    a database that is away: they become 503 with ``Retry-After`` and not 500.
    """

    secret: bytes = field(repr=False)
    https: bool = False
    demo: bool = False
    living: Callable[[], bool] = _never
    timezone: str = "Asia/Shanghai"
    issuer_name: Mapping[Lang, str] = field(default_factory=_own_name)
    pay_page: str = ""
    default_language: Lang = "zh-CN"
    body_limit: int = 256 * 1024
    per_minute: int = 0
    trusted_proxies: Sequence[Network] = ()
    api_version: str = "2026-10-01"
    ready: Callable[[], Mapping[str, bool]] = _always_ready
    metrics: Callable[[], bytes] = _no_metrics
    version: Callable[[], Mapping[str, str]] = _unnamed
    unavailable: tuple[type[Exception], ...] = ()

    def __post_init__(self) -> None:
        if len(self.secret) < MIN_SECRET_BYTES:
            raise ValueError(f"the web secret needs at least {MIN_SECRET_BYTES} bytes")
        ZoneInfo(self.timezone)
