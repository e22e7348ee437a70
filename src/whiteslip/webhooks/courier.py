"""Sign, seal and send, by Standard Webhooks 1.0."""

from __future__ import annotations

import asyncio
import base64
import email.utils
import functools
import logging
import secrets
import ssl
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import httpx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from standardwebhooks import Webhook

from whiteslip.base import Clock, SystemClock
from whiteslip.webhooks import guard
from whiteslip.webhooks.model import Answer, Event

# It would write each URL into the log, and many carry a token.
logging.getLogger("httpx").setLevel(logging.WARNING)
TIMEOUT_SECONDS: Final = 15
_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class SealError(Exception):
    """A signing secret does not open: it was altered, or sealed under another web secret."""


def new_secret() -> str:
    """A signing secret: ``whsec_`` and 32 random bytes in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


@dataclass(frozen=True, slots=True)
class Courier:
    """What sending needs: the installation's web secret, whether inside addresses are allowed, a clock.

    The clock is the machine's, also where the installation's stands still: receivers compare the
    stamp on the envelope with their own.
    """

    web_secret: bytes = field(repr=False)
    allow_internal: bool = False
    clock: Clock = field(default_factory=SystemClock)

    def seal(self, endpoint: UUID, secret: str) -> bytes:
        """A signing secret as it is stored, bound to its endpoint."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + _cipher(self.web_secret).encrypt(nonce, secret.encode(), endpoint.bytes)

    def unseal(self, endpoint: UUID, sealed: bytes) -> str:
        """The signing secret again. Raises SealError."""
        nonce, kept = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return _cipher(self.web_secret).decrypt(nonce, kept, endpoint.bytes).decode()
        except (InvalidTag, ValueError):
            raise SealError("a signing secret does not open; rotate it") from None

    def send(self, url: str, signing: Sequence[str], event: Event) -> Answer:
        """Post an event, signed with each of ``signing``. Whatever goes wrong is an answer.

        The host is looked up once and the connection goes to the address that was checked. No
        redirect is followed and no proxy asked; what the server says is not read.
        """
        begun = time.perf_counter()
        status, wait, error = None, None, None
        try:
            reached = guard.target(url, self.allow_internal)
            # In a thread of its own, for whoever calls may be inside an event loop.
            with ThreadPoolExecutor(1) as thread:
                sending = _post(reached, self._headers(signing, event), event.body, self.clock)
                status, wait = thread.submit(asyncio.run, sending).result()
        except guard.BlockedError:
            error = "address_not_allowed"
        except (TimeoutError, httpx.TimeoutException):
            error = "timeout"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
            error = "unreachable"
        return Answer(status, round((time.perf_counter() - begun) * 1000), error, wait)

    def _headers(self, signing: Sequence[str], event: Event) -> dict[str, str]:
        now, body = self.clock.now(), event.body.decode()
        return {
            "content-type": "application/json",
            "user-agent": "Whiteslip",
            "webhook-id": event.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(Webhook(key).sign(event.id, now, body) for key in signing),
        }


async def _post(
    reached: guard.Target, headers: dict[str, str], body: bytes, clock: Clock
) -> tuple[int, int | None]:
    """The status, and what Retry-After says. The time limit is for everything together."""
    async with (
        asyncio.timeout(TIMEOUT_SECONDS),
        httpx.AsyncClient(verify=_tls(), timeout=TIMEOUT_SECONDS, trust_env=False) as client,
        client.stream(
            "POST",
            reached.url,
            content=body,
            headers=headers | {"host": reached.authority},
            extensions={"sni_hostname": reached.server_name},
            follow_redirects=False,
        ) as answer,
    ):
        return answer.status_code, seconds_asked(answer.headers.get("retry-after"), clock.now())


def seconds_asked(text: str | None, now: datetime) -> int | None:
    """What a Retry-After header asks for: seconds, or an instant (RFC 9110, 10.2.3). None for nonsense."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdecimal():
        return min(int(text.strip()[:9]), 10**9)
    try:
        until = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0, int((until - now).total_seconds()))


@functools.cache
def _tls() -> ssl.SSLContext:
    """The certificates of the world are read once."""
    return httpx.create_ssl_context(trust_env=False)


@functools.cache
def _cipher(web_secret: bytes) -> AESGCMSIV:
    return AESGCMSIV(HKDF(SHA256(), 32, None, b"whiteslip/webhooks").derive(web_secret))
