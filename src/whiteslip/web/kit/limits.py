"""How often one address may sign in, ask for a code or send a form for which nobody signs in.

Codes and passwords have counts of their own, per person, which are all that stands before who is signed in;
this one is for who tries many people. Each
process counts for itself and forgets when it ends. An address is the one that connects, or, where that is
a proxy the lender trusts, the last one in ``X-Forwarded-For`` that is not: what stands before it anybody
could have written.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from litestar.exceptions import TooManyRequestsException
from litestar.handlers import BaseRouteHandler

from whiteslip.web.kit.cookies import Connection
from whiteslip.web.kit.settings import Network

# For a handler whose requests are counted: ``@post(…, opt=COUNTED)``.
COUNTED: Final = {"counted": True}
_SECOND_NS: Final = 1_000_000_000
_MINUTE_NS: Final = 60 * _SECOND_NS
# One subscriber has a whole network of this length.
_OWN_IPV6_BITS: Final = 64
_MOST_KEPT: Final = 100_000


class Limits:
    """Counts requests by address: ``per_minute`` at once, and then as they are made good over a minute.

    This is the generic cell rate algorithm: for each address the instant by which all that it sent would
    have been sent at an even pace. ``per_minute`` of zero counts nothing.
    """

    def __init__(
        self, per_minute: int, trusted: Sequence[Network] = (), clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._per_minute, self._trusted, self._clock = per_minute, trusted, clock
        self._even_at: dict[str, int] = {}

    def address(self, peer: str, forwarded: str) -> str:
        """Who asks, as it is counted."""
        known = _parsed(peer)
        for each in reversed(forwarded.split(",") if forwarded else []):
            if known is None or not self._trusts(known):
                break
            said = _parsed(each.strip())
            if said is None:
                break
            known = said
        if isinstance(known, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((known, _OWN_IPV6_BITS), strict=False))
        return str(known or peer)

    def _trusts(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        return any(address in network for network in self._trusted)

    def wait(self, address: str) -> int:
        """Count a request: zero lets it in, else it is refused for so many seconds."""
        if not self._per_minute:
            return 0
        now, apart = self._clock(), _MINUTE_NS // self._per_minute
        even_at = max(now, self._even_at.get(address, 0))
        early = even_at - now - (_MINUTE_NS - apart)
        if early > 0:
            return -(-early // _SECOND_NS)
        if len(self._even_at) >= _MOST_KEPT:
            self._even_at = {who: at for who, at in self._even_at.items() if at > now}
        self._even_at[address] = even_at + apart
        return 0


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found


async def not_too_often(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard: a counted handler answers 429 with ``Retry-After`` to an address that asks too often."""
    if not handler.opt.get("counted") or connection.client is None:
        return
    limits: Any = connection.app.state["limits"]
    forwarded = ",".join(connection.headers.getall("x-forwarded-for", []))
    seconds = limits.wait(limits.address(connection.client.host, forwarded))
    if seconds:
        raise TooManyRequestsException(headers={"Retry-After": str(seconds)})
