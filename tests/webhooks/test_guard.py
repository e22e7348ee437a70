"""Nobody makes us knock on a door inside our own network."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.webhooks import Courier, guard
from whiteslip.webhooks.courier import new_secret, seconds_asked
from whiteslip.webhooks.model import Event

from .conftest import COURIER, KEY

if TYPE_CHECKING:
    from .conftest import Receiver

INTERNAL = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0.0.0.0",
    "0",
    "10.0.0.1",
    "10.1",
    "172.16.5.4",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "2852039166",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:10.0.0.1]",
    "[::ffff:8.8.8.8]",
    "[::ffff:7f00:1]",
    "[::10.0.0.1]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::1]",
    "[2002:0a00:0001::1]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[2001:db8::1]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "localhost",
    "LOCALHOST.",
    "hooks.localhost",
]


@pytest.mark.parametrize("host", INTERNAL)
def test_an_address_inside_is_refused_however_it_is_written(host: str):
    assert guard.fault(f"https://{host}/", allow_internal=False)
    answer = Courier(KEY).send(f"https://{host}/", [new_secret()], Event(1, "line.closed", b"{}"))
    assert answer.status is None
    assert answer.error in ("address_not_allowed", "unreachable")


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700:4700::1111]", "hooks.example.com", "例子.example"])
def test_an_address_of_the_world_is_not(host: str):
    assert guard.fault(f"https://{host}/hooks?token=1", allow_internal=False) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "https://user@hooks.example.com/",
        "https://user:secret@hooks.example.com/",
        "https://hooks.example.com@127.0.0.1/",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:1023/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com\\@10.0.0.1/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nx: y",
        "https:///hooks",
        "hooks.example.com",
        "",
        "https://hooks.example.com/" + "a" * 2_000,
    ],
)
def test_a_url_that_is_not_plain_https_is_refused(url: str):
    assert guard.fault(url, allow_internal=False)
    assert (
        Courier(KEY).send(url, [new_secret()], Event(1, "line.closed", b"{}")).error == "address_not_allowed"
    )


@pytest.mark.parametrize("port", [80, 443, 1024, 8443, 65_535])
def test_the_ports_of_the_web_and_those_of_users_are_allowed(port: int):
    assert guard.fault(f"https://hooks.example.com:{port}/", allow_internal=False) is None


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let names resolve to each answer in turn; returns the names that were asked for."""
    asked: list[str] = []
    left = list(answers)

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        family = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [(family[ip_address(a).version], socket.SOCK_STREAM, 6, "", (a, port)) for a in left.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:10.0.0.1"], ["fe80::1%eth0"], ["::1"]]
)
def test_a_name_is_refused_when_any_of_its_addresses_is_inside(
    monkeypatch: pytest.MonkeyPatch, found: list[str]
):
    resolving(monkeypatch, found)
    with pytest.raises(guard.BlockedError):
        guard.target("https://rebind.example.com/", allow_internal=False)


def test_the_address_that_was_checked_is_the_one_that_is_called(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
):
    asked = resolving(monkeypatch, ["127.0.0.1"], ["192.0.2.1"])
    url = f"http://hooks.example.com:{receiver.port}/hooks"
    answer = COURIER.send(url, [new_secret()], Event(1, "line.closed", b'{"type": "line.closed"}'))
    assert answer.status == 204
    assert asked == ["hooks.example.com"], "a second look-up could have told another address"
    assert receiver.came[0]["headers"]["host"] == f"hooks.example.com:{receiver.port}"


def test_a_target_keeps_the_name_for_the_certificate(monkeypatch: pytest.MonkeyPatch):
    resolving(monkeypatch, ["8.8.8.8"], ["2606:4700:4700::1111"])
    found = guard.target("https://hooks.example.com/a?b=c", allow_internal=False)
    assert (str(found.url), found.authority, found.server_name) == (
        "https://8.8.8.8/a?b=c",
        "hooks.example.com",
        "hooks.example.com",
    )
    found = guard.target("https://hooks.example.com:8443/", allow_internal=False)
    assert (str(found.url), found.authority) == (
        "https://[2606:4700:4700::1111]:8443/",
        "hooks.example.com:8443",
    )


@given(st.ip_addresses(v=6))
def test_no_address_that_holds_another_one_gets_through(address: IPv6Address):
    if guard.is_public(address):
        assert address.ipv4_mapped is None
        assert address.sixtofour is None
        assert address.teredo is None
        assert address.is_global


@given(st.ip_addresses(v=4))
def test_what_is_private_is_not_public(address: IPv4Address):
    inside = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    assert not (inside and guard.is_public(address))


def test_a_server_that_says_nothing_is_left_after_the_time_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("whiteslip.webhooks.courier.TIMEOUT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        answer = COURIER.send(url, [new_secret()], Event(1, "line.closed", b"{}"))
    assert (answer.status, answer.error) == (None, "timeout")
    assert 250 <= answer.ms < 5_000


def test_nobody_there_is_an_answer_too():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    answer = COURIER.send(f"http://127.0.0.1:{port}/", [new_secret()], Event(1, "line.closed", b"{}"))
    assert (answer.status, answer.error) == (None, "unreachable")


def test_retry_after_is_seconds_or_an_instant_or_nothing():
    now = datetime(2026, 1, 15, 12, tzinfo=UTC)
    assert seconds_asked("120", now) == 120
    assert seconds_asked("Thu, 15 Jan 2026 12:02:00 GMT", now) == 120
    assert seconds_asked("Thu, 15 Jan 2026 11:00:00 GMT", now + timedelta(hours=1)) == 0
    for nonsense in (None, "", "soon", "-5", "²", "1e9"):
        assert seconds_asked(nonsense, now) is None
