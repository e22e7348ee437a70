"""Files that are wrong, hostile or cut off: a message for each, and bounded memory."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.intake import IntakeError, reading
from whiteslip.intake.reading import LONGEST_LINE, Line, LineError


class Endless(io.RawIOBase):
    """A file of one line without an end in sight, which is never in memory."""

    def __init__(self, size: int) -> None:
        self._left = size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return offset + whence

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        count = min(len(buffer), self._left)
        buffer[:count] = b"x" * count
        self._left -= count
        return count


def line(raw: bytes, number: int = 2) -> Line:
    return Line(number, len(raw), len(raw), raw, raw.endswith(b"\n"))


def test_a_gigabyte_of_one_line_is_refused_in_little_memory():
    size = 1024**3
    tracemalloc.start()
    found = list(reading.lines(io.BufferedReader(Endless(size), 1024 * 1024)))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(each.raw, each.length, each.end) for each in found] == [(None, size, size)]
    assert peak < 8 * 1024 * 1024
    with pytest.raises(LineError) as caught:
        reading.cells(found[0], "utf-8", ",")
    assert (caught.value.code, caught.value.found) == ("row.too_long", "1,073,741,824 bytes")


def test_the_line_after_one_that_is_too_long_is_read():
    file = io.BytesIO(b"x" * (LONGEST_LINE + 5) + b"\n1,2\n")
    long, short = reading.lines(file)
    assert long.raw is None
    assert (short.number, short.raw, short.end) == (2, b"1,2\n", len(file.getvalue()))


def test_a_line_of_exactly_the_longest_length_is_kept():
    kept, after = reading.lines(io.BytesIO(b"x" * (LONGEST_LINE - 1) + b"\n1\n"))
    assert kept.raw is not None
    assert after.raw == b"1\n"


@given(st.lists(st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"")), max_size=20))
def test_reading_can_begin_at_the_end_of_any_line(rows: list[bytes]):
    file = io.BytesIO(b"".join(row + b"\n" for row in rows))
    whole = list(reading.lines(file))
    for place, each in enumerate(whole):
        assert list(reading.lines(file, each.end, each.number + 1)) == whole[place + 1 :]


@given(st.binary(max_size=300))
def test_whatever_a_line_holds_it_is_cells_or_a_stable_code(raw: bytes):
    for each in reading.lines(io.BytesIO(raw)):
        try:
            read = [cell.strip() for cell in reading.cells(each, "utf-8", ",")]
        except LineError as bad:
            read = [bad.code]
        assert "\0" not in "".join(read)


@pytest.mark.parametrize(
    ("raw", "code", "found"),
    [
        (b"1,\xff\xfe,2\n", "row.encoding", "byte 0xff at position 3"),
        (b"1,\x00,2\n", "row.nul", "character 0x00 at position 3"),
        (b"1,\x1b[2J,2\n", "row.control_character", "character 0x1b at position 3"),
        (b"1,2\r3,4\n", "row.control_character", "character 0x0d at position 4"),
        (b'1,"2\n', "row.quotes", "unexpected end of data"),
        (b'1,"2"3,4\n', "row.quotes", "',' expected after '\"'"),
    ],
)
def test_a_line_that_is_no_row_says_what_is_wrong(raw: bytes, code: str, found: str):
    with pytest.raises(LineError) as caught:
        reading.cells(line(raw), "utf-8", ",")
    assert (caught.value.code, caught.value.found) == (code, found)


def test_a_byte_order_mark_crlf_quotes_and_spaces_are_read_as_meant():
    assert reading.cells(line(b'\xef\xbb\xbfa, "b" ,c\r\n', 1), "utf-8", ",") == ["a", '"b"', "c"]
    assert reading.cells(line(b'a,"b,""c""",d\r\n'), "utf-8", ",") == ["a", 'b,"c"', "d"]
    assert reading.cells(line("名,1\n".encode("gb18030")), "gb18030", ",") == ["名", "1"]


@pytest.mark.parametrize("raw", [b"\n", b"\r\n", b"  \n"])
def test_a_blank_line_has_no_cells(raw: bytes):
    assert reading.cells(line(raw), "utf-8", ",") == []


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "file.empty", "is empty"),
        (b"PK\x03\x04rest", "file.not_csv", "a ZIP archive or an Excel workbook"),
        (b"\x1f\x8brest", "file.not_csv", "a gzip archive"),
        ("ID,LIMIT".encode("utf-16"), "file.not_csv", "UTF-16"),
    ],
)
def test_what_cannot_be_csv_is_refused_with_its_name(tmp_path: Path, content: bytes, code: str, words: str):
    path = tmp_path / "portfolio.csv"
    path.write_bytes(content)
    with pytest.raises(IntakeError, match=words) as caught:
        reading.inspect(path)
    assert caught.value.code == code


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path):
    with pytest.raises(IntakeError, match="is no file"):
        reading.inspect(tmp_path)
    with pytest.raises(IntakeError, match="No such file"):
        reading.inspect(tmp_path / "absent.csv")
