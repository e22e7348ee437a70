"""What all of the lab shares: its error, its arrays, its libraries."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class LabError(ValueError):
    """Something that a person can mend: says what, where and how."""


def need(library: str) -> Any:
    """A fitting library. Raises LabError where the extra is not installed."""
    try:
        return importlib.import_module(library)
    except ImportError:
        name = library.partition(".")[0]
        raise LabError(
            f"{name} is not installed; the lab is an extra: pip install 'whiteslip[lab]'"
        ) from None
