"""Who erases what no law keeps, by kind of record: each room its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from whiteslip.identity.vault import forget_traces
from whiteslip.privacy import Forget

FORGET: Final[Mapping[str, Forget]] = {"traces": forget_traces}
