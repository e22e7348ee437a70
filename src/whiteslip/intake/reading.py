"""A file, line by line, in bounded memory, whatever it holds."""

from __future__ import annotations

import csv
import hashlib
import re
import stat
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from whiteslip.intake.fault import IntakeError

# A customer of six months takes 300 bytes; a line above this is no row of a portfolio.
LONGEST_LINE: Final = 64 * 1024
_SKIP: Final = 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MAGIC: Final = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "save it as CSV (UTF-8)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save it as CSV (UTF-8)"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"PAR1", "a Parquet file", "write it as CSV"),
    (b"\xff\xfe", "text in UTF-16", "save it as CSV (UTF-8)"),
    (b"\xfe\xff", "text in UTF-16", "save it as CSV (UTF-8)"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be read: its size and SHA-256 name its content."""

    path: Path
    bytes: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file. ``raw`` is None when it is too long to be kept; ``end`` is the byte after it."""

    number: int
    end: int
    length: int
    raw: bytes | None
    is_ended: bool


class LineError(ValueError):
    """A line that is no row: a stable code and what was found."""

    def __init__(self, code: str, found: str) -> None:
        super().__init__(code)
        self.code = code
        self.found = found


def inspect(path: Path) -> Source:
    """Look at a file before it is read. Raises IntakeError for what cannot be a CSV file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise IntakeError("file.not_a_file", f"{path} is no file; give the path of a CSV file")
        with path.open("rb") as file:
            head = file.read(4)
            for magic, what, mend in _MAGIC:
                if head.startswith(magic):
                    raise IntakeError("file.not_csv", f"{path} is {what}, not CSV; {mend}")
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").digest()
            size = file.tell()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}; check the path and its permissions"
        raise IntakeError("file.unreadable", message) from None
    if not size:
        raise IntakeError("file.empty", f"{path} is empty; it needs a header line and a row per customer")
    return Source(path, size, digest)


def lines(file: BinaryIO, start: int = 0, number: int = 1) -> Generator[Line]:
    """Lines from byte ``start``, which begins line ``number``. Holds at most one line in memory."""
    file.seek(start)
    end = start
    while raw := file.readline(LONGEST_LINE + 1):
        length, is_ended = len(raw), raw.endswith(b"\n")
        kept: bytes | None = raw
        if length > LONGEST_LINE and not is_ended:
            kept = None
            while more := file.readline(_SKIP):
                length += len(more)
                if more.endswith(b"\n"):
                    is_ended = True
                    break
        end += length
        yield Line(number, end, length, kept, is_ended)
        number += 1


def cells(line: Line, encoding: str, delimiter: str) -> list[str]:
    """The cells of a line, stripped; none for a blank line. Raises LineError."""
    if line.raw is None:
        raise LineError("row.too_long", f"{line.length:,} bytes")
    raw = line.raw.removeprefix(_BOM) if line.number == 1 else line.raw
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        found = f"byte {raw[error.start]:#04x} at position {error.start + 1}"
        raise LineError("row.encoding", found) from None
    text = text.removesuffix("\n").removesuffix("\r")
    if odd := _CONTROL.search(text):
        code = "row.nul" if odd.group() == "\0" else "row.control_character"
        raise LineError(code, f"character {ord(odd.group()):#04x} at position {odd.start() + 1}")
    if not text.strip():
        return []
    try:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter, strict=True))]
    except csv.Error as error:
        raise LineError("row.quotes", str(error)) from None
