"""Which addresses may be called: nobody makes us knock on a door inside our own network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import httpx

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL: Final = 2_000
_PORTS: Final = frozenset({80, 443})
_FIRST_USER_PORT: Final = 1024
_LAST_PORT: Final = 65_535
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
# Global unicast (RFC 4291, IANA): what is allocated to the world. All else, mapped and NAT64 addresses
# among it, is refused by not being in here; tunnels that carry an IPv4 address are cut out.
_WORLD: Final = ipaddress.IPv6Network("2000::/3")
_TUNNELS: Final = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))
# Of versions of Python some call parts of these global: protocol assignments (RFC 6890), withdrawn 6to4
# relays (RFC 7526), and addresses shared by a provider's customers (RFC 6598).
_NOBODYS: Final = tuple(map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10")))


class BlockedError(Exception):
    """The address may not be called. Says why, for a log; never repeats the address."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect: an address that was looked up once and checked, and who we say we mean."""

    url: httpx.URL
    authority: str
    server_name: str


def fault(text: str, allow_internal: bool) -> str | None:
    """What is wrong with a URL, before anybody looks its host up; None when nothing is.

    Hosts written as an address are judged at once, also where they are written in octal, in
    hexadecimal or as one number.
    """
    try:
        parsed = _parsed(text, allow_internal)
    except BlockedError as blocked:
        return str(blocked)
    host = parsed.raw_host.decode().strip("[]").rstrip(".").lower()
    if allow_internal:
        return None
    if host == "localhost" or host.endswith(".localhost"):
        return "internal address"
    literal = _literal(host)
    return "internal address" if literal and not is_public(literal) else None


def target(text: str, allow_internal: bool) -> Target:
    """Look the host up, once, and check every address it has.

    Raises BlockedError for what may not be called and OSError where the host is not found.
    """
    parsed = _parsed(text, allow_internal)
    host = parsed.raw_host.decode().strip("[]")
    port = parsed.port or _DEFAULT_PORTS[parsed.scheme]
    found = _addresses(host, port)
    if not found:
        raise OSError("the host has no address")
    if not allow_internal and not all(map(is_public, found)):
        raise BlockedError("internal address")
    return Target(parsed.copy_with(host=str(found[0])), parsed.netloc.decode(), host)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet."""
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in nobodys for nobodys in _NOBODYS)
    return address in _WORLD and not any(address in tunnel for tunnel in _TUNNELS)


def _parsed(text: str, allow_internal: bool) -> httpx.URL:
    if len(text) > MAX_URL or any(letter <= " " or letter in "\\\x7f" for letter in text):
        raise BlockedError("not a URL")
    try:
        parsed = httpx.URL(text)
        port = parsed.port or _DEFAULT_PORTS.get(parsed.scheme, 0)
    except (httpx.InvalidURL, ValueError):
        raise BlockedError("not a URL") from None
    if parsed.scheme != "https" and not (allow_internal and parsed.scheme == "http"):
        raise BlockedError("not https")
    if not parsed.raw_host:
        raise BlockedError("no host")
    if parsed.userinfo or parsed.fragment:
        raise BlockedError("credentials or a fragment")
    if port not in _PORTS and not _FIRST_USER_PORT <= port <= _LAST_PORT:
        raise BlockedError("port")
    return parsed


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:  # what the system's own resolver would make of 0x7f.1, 0177.0.0.1 or 2130706433
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _addresses(host: str, port: int) -> Sequence[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except UnicodeError:
        raise OSError("the host is no name") from None
    return [ipaddress.ip_address(str(address[0])) for *_, address in found]
