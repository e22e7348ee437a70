"""Who erases what no law keeps, by kind of record: each room its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from whiteslip.applications.reviews import forget_views
from whiteslip.identity.documents import forget_expired
from whiteslip.identity.vault import forget_traces
from whiteslip.privacy import Forget

FORGET: Final[Mapping[str, Forget]] = {
    "traces": forget_traces,
    # Words of complaints and papers that were handed in, once their clocks have run out.
    "documents": forget_expired,
    "application_views": forget_views,
}
