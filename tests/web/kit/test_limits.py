"""How often one address may ask at the doors where nobody is signed in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from whiteslip.web import console, portal
from whiteslip.web.kit.limits import Limits
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

T = TypeVar("T")
PROXY, OTHER = "10.0.0.5", "203.0.113.9"
SECOND = 1_000_000_000
DOORS = (
    "/sign-in",
    "/sign-in/code",
    "/close",
    "/close/code",
    "/apply",
    "/complain/outside",
    "/paper",
    "/console/sign-in",
)


def app(*trusted: str, per_minute: int = 3) -> Litestar:
    networks = [ip_network(each) for each in trusted]
    settings = WebSettings(secret=bytes(32), per_minute=per_minute, trusted_proxies=networks)
    return create_app([*portal.routers, *console.routers], settings)


def apart(asked: Coroutine[Any, Any, T]) -> T:
    """Run it in a thread of its own: a browser of other tests may keep a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, asked).result()


def posts(to: Litestar, path: str, said: Sequence[str], peer: str = PROXY) -> list[httpx.Response]:
    """Forms without their token, which answer 403 unless they are refused before; each as said to come
    from somewhere.
    """

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=to, client=(peer, 1))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return [
                await client.post(path, data={"a": "b"}, headers={"X-Forwarded-For": each} if each else {})
                for each in said
            ]

    return apart(ask())


@pytest.mark.parametrize("door", DOORS)
def test_whoever_sends_more_than_the_limit_is_told_to_wait(door: str):
    answers = posts(app(), door, [""] * 4)
    assert [each.status_code for each in answers] == [403, 403, 403, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 20


def test_looking_at_a_page_is_not_counted_and_nobody_else_waits():
    here = app()
    assert posts(here, "/sign-in", [""] * 4)[-1].status_code == 429
    assert posts(here, "/sign-in", [""], peer=OTHER)[0].status_code == 403

    async def look() -> int:
        transport = httpx.ASGITransport(app=here, client=(PROXY, 1))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return (await client.get("/livez")).status_code

    assert apart(look()) == 200


def test_nobody_is_believed_who_says_where_they_come_from_unless_a_trusted_proxy_does():
    said = [f"198.51.100.{number}" for number in range(4)]
    assert posts(app(), "/sign-in", said)[-1].status_code == 429, "no proxy is trusted"
    assert [each.status_code for each in posts(app("10.0.0.0/24"), "/sign-in", said)] == [403] * 4
    forged = [f"{each}, {OTHER}" for each in said]
    assert posts(app(PROXY), "/sign-in", forged)[-1].status_code == 429, "what stands before it is anybody's"
    assert posts(app(PROXY), "/sign-in", said, peer=OTHER)[-1].status_code == 429


def test_an_address_is_found_behind_any_number_of_own_proxies_and_a_network_of_ipv6_is_one():
    limits = Limits(1, [ip_network("10.0.0.0/8")])
    assert limits.address(PROXY, f"198.51.100.7, {OTHER}, 10.1.1.1") == OTHER
    assert limits.address(PROXY, "") == PROXY
    assert limits.address(PROXY, "no address") == PROXY
    assert limits.address("::ffff:10.0.0.5", OTHER) == OTHER
    assert limits.address("2001:db8::1", "") == limits.address("2001:db8::ffff:2", "")
    assert limits.address("2001:db8:0:1::1", "") != limits.address("2001:db8::1", "")


@given(st.integers(1, 20), st.lists(st.integers(0, 30 * SECOND), min_size=1, max_size=80))
def test_never_twice_the_limit_in_a_minute_and_who_waits_as_told_comes_in(per_minute: int, gaps: list[int]):
    now, let_in = [0], list[int]()
    limits = Limits(per_minute, clock=lambda: now[0])
    for gap in gaps:
        now[0] += gap
        wait = limits.wait(PROXY)
        if not wait:
            let_in.append(now[0])
    for at in let_in:
        assert sum(at <= each < at + 60 * SECOND for each in let_in) < 2 * per_minute + 1
    wait = limits.wait(PROXY)
    now[0] += wait * SECOND
    assert not wait or limits.wait(PROXY) == 0
    assert Limits(0).wait(PROXY) == 0
