"""Days of notice before a debt is sold, which none of the packs that ship gives."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

from whiteslip import packs
from whiteslip.billing.sales import NOTICE
from whiteslip.packs import Pack


@contextmanager
def days_before_a_sale(days: int) -> Generator[None]:
    """For as long as this lasts, every pack gives them."""
    shipped = packs.load

    def load(name: str) -> Pack:
        pack = shipped(name)
        notice = replace(pack.parameters[NOTICE], value=days)
        return replace(pack, parameters={**pack.parameters, NOTICE: notice})

    with mock.patch.object(packs, "load", load):
        yield
