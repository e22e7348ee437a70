"""A client of the API that does not give up, and does nothing twice."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import httpx

# A night of a large book, asked for again, waits for the one that is under way.
PATIENCE_SECONDS: Final = 600


@dataclass(frozen=True)
class Door:
    """The API behind a client that carries address and key. A server that is gone is waited for."""

    client: httpx.Client

    def send(self, path: str, body: object = None, once: str | None = None) -> tuple[int, Any]:
        """POST until there is an answer, under one ``Idempotency-Key``; status and body."""
        headers = {"Idempotency-Key": once} if once else {}
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            with suppress(httpx.TransportError):
                answer = self.client.post(f"/v1/{path}", json=body, headers=headers)
                if answer.status_code < 500:
                    return answer.status_code, answer.json()
            time.sleep(0.1)
        raise TimeoutError(f"{path} was never answered")

    def post(self, path: str, body: object = None, once: str | None = None) -> Any:
        """:func:`send` what is never refused; the answer."""
        status, answer = self.send(path, body, once)
        assert status < 300, (path, answer)
        return answer
