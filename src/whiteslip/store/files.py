"""Small files that only we can read, written whole or not at all: the disk may be full, the power may go."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a file, or leave the one that is there as it is."""
    half = _beside(path, text)
    try:
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def write_once(path: Path, text: str) -> None:
    """Write a file that is not there yet. Raises FileExistsError where another was quicker."""
    half = _beside(path, text)
    try:
        os.link(half, path)
    finally:
        half.unlink()


def _beside(path: Path, text: str) -> Path:
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    half = Path(name)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
    except OSError:
        half.unlink()
        raise
    return half
