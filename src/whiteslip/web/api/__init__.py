"""API: the door for machines, version 1, under ``/v1``.

Bearer keys with scopes, ``Idempotency-Key`` on every write, cursors on every list, problems after
RFC 9457. Handlers read a typed body, call one act in one transaction and shape the answer; they
decide nothing. Identifiers outside are prefixed (``line_…``); amounts are minor units.
"""

from whiteslip.web.api.router import routers

__all__ = ["routers"]
