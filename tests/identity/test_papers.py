"""Papers that are handed in: what is kept of a good one, and what a bad one meets."""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

from whiteslip.base import Refusal
from whiteslip.identity.papers import JPEG, PDF, Paper, made_safe

MOST_KB = 2_048
RED, BLUE = (200, 20, 20), (20, 20, 200)
PLACE = "Exampleville, 12 Example Street"


def picture(kind: str = "JPEG", size: tuple[int, int] = (640, 480), **how: Any) -> bytes:
    drawn = Image.new("RGB", size, RED)
    drawn.paste(BLUE, (0, 0, size[0] // 2, size[1]))
    out = BytesIO()
    drawn.save(out, kind, **how)
    return out.getvalue()


def pdf(writer: PdfWriter | None = None, pages: int = 1) -> bytes:
    writer = writer or PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    writer.add_metadata({"/Author": PLACE})
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def safe(content: bytes) -> Paper:
    done = made_safe(content, MOST_KB)
    assert isinstance(done, Paper), done
    return done


def code(content: bytes) -> str:
    done = made_safe(content, MOST_KB)
    assert isinstance(done, Refusal), "it was taken"
    return done.code


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_keeps_its_pixels_and_nothing_else(kind: str):
    exif = Image.Exif()
    exif[0x010E] = PLACE
    exif.get_ifd(0x8825)[1] = "N"
    how: dict[str, Any] = {"exif": exif}
    if kind == "PNG":
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Comment", PLACE)
        how["pnginfo"] = notes
    raw = picture(kind, **how)
    assert PLACE.encode() in raw
    kept = safe(raw)
    assert kept.media_type == JPEG
    assert PLACE.encode() not in kept.content
    with Image.open(BytesIO(kept.content)) as shown:
        assert not shown.getexif()
        assert shown.size == (640, 480)
        left, right = shown.getpixel((100, 200)), shown.getpixel((500, 200))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert left[2] > 150 > left[0]
    assert right[0] > 150 > right[2]


def test_a_picture_that_lies_on_its_side_is_turned_upright_before_its_note_is_dropped():
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(BytesIO(safe(picture(exif=exif)).content)) as shown:
        assert shown.size == (480, 640)


def test_what_is_transparent_becomes_white_paper():
    out = BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(out, "PNG")
    with Image.open(BytesIO(safe(out.getvalue()).content)) as shown:
        assert shown.getpixel((20, 20)) == (255, 255, 255)


def test_a_large_photograph_is_kept_in_a_size_that_can_be_read():
    with Image.open(BytesIO(safe(picture(size=(3_900, 2_340))).content)) as shown:
        assert shown.size == (2_600, 1_560)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that claims, and holds, very many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(60_000, 60_000), (9_000, 9_000), (50_000, 1), (2**31 - 1, 2)])
def test_a_bomb_is_refused_before_it_is_unpacked(size: tuple[int, int]):
    assert code(bomb(*size)) == "document.picture_too_large"


def test_a_text_that_unpacks_without_end_is_refused():
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    raw = picture("PNG", size=(8, 8))
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5_000_000), 9))
    assert code(raw[:33] + text + raw[33:]) == "document.unreadable"


def archive(comment: bytes = b"") -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.comment = comment
        made.writestr("run.js", "alert(1)")
    return out.getvalue()


@pytest.mark.parametrize("second", [archive(), pdf(), b"<html><script>alert(1)</script></html>"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_second_file_behind_a_picture_is_gone(kind: str, second: bytes):
    kept = safe(picture(kind) + second).content
    assert second not in kept
    assert b"script" not in kept
    assert not zipfile.is_zipfile(BytesIO(kept))


def test_a_second_file_inside_a_pdf_is_gone():
    raw = pdf()
    both = raw + archive(raw[raw.rindex(b"startxref") :])
    assert zipfile.is_zipfile(BytesIO(both))
    kept = safe(both).content
    assert not zipfile.is_zipfile(BytesIO(kept))
    assert b"alert" not in kept


@pytest.mark.parametrize(
    "raw",
    [
        b"GIF89a" + bytes(50),
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"MZ" + bytes(200),
        archive(),
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"%!PS-Adobe-3.0",
        b" \n%PDF-1.7",
        bytes(64),
    ],
)
def test_what_is_neither_jpeg_nor_png_nor_pdf_is_refused_whatever_it_is_called(raw: bytes):
    assert code(raw) == "document.type_unknown"


def test_an_empty_and_a_large_file_are_told_apart():
    assert code(b"") == "document.empty"
    assert made_safe(bytes(MOST_KB * 1024 + 1), MOST_KB) == Refusal("document.too_large", {"most_mb": 2})


@pytest.mark.parametrize("raw", [picture("JPEG"), picture("PNG"), pdf()])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_refused(raw: bytes, share: float):
    assert code(raw[: int(len(raw) * share)]) == "document.unreadable"


def test_a_picture_format_inside_another_head_is_not_opened():
    out = BytesIO()
    Image.new("RGB", (9, 9)).save(out, "TIFF")
    assert code(b"\xff\xd8\xff" + out.getvalue()) == "document.unreadable"


def test_a_pdf_keeps_its_pages_and_neither_author_nor_catalogue():
    raw = pdf(pages=3)
    kept = safe(raw)
    assert kept.media_type == PDF
    shown = PdfReader(BytesIO(kept.content))
    assert len(shown.pages) == 3
    assert PLACE not in str(shown.metadata)
    assert set(shown.root_object) <= {"/Type", "/Pages"}


def active(name: str) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    action = DictionaryObject(
        {NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("cmd")}
    )
    match name:
        case "script":
            script = {
                NameObject("/S"): NameObject("/JavaScript"),
                NameObject("/JS"): TextStringObject("app.alert(1)"),
            }
            writer.root_object[NameObject("/OpenAction")] = DictionaryObject(script)
        case "file":
            writer.add_attachment("run.exe", b"MZ")
        case "launch on opening":
            writer.root_object[NameObject("/OpenAction")] = writer._add_object(action)  # pyright: ignore[reportPrivateUsage]
        case "launch on a page":
            writer.pages[0][NameObject("/AA")] = DictionaryObject({NameObject("/O"): action})
        case "a link that launches":
            link = DictionaryObject(
                {
                    NameObject("/Type"): NameObject("/Annot"),
                    NameObject("/Subtype"): NameObject("/Link"),
                    NameObject("/A"): action,
                }
            )
            writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(link)])  # pyright: ignore[reportPrivateUsage]
        case "a form that sends":
            send = DictionaryObject({NameObject("/S"): NameObject("/SubmitForm")})
            writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/A"): send})
        case _:
            writer.root_object[NameObject("/AcroForm")] = DictionaryObject(
                {NameObject("/XFA"): TextStringObject("x")}
            )
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        "script",
        "file",
        "launch on opening",
        "launch on a page",
        "a link that launches",
        "a form that sends",
        "xfa",
    ],
)
def test_a_pdf_that_does_anything_is_refused(name: str):
    assert code(active(name)) == "document.active"


def test_a_script_under_a_disguised_name_is_seen():
    raw = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/J#61vaScript/#4a#53(x)>>>>endobj\n"
        b"2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
        b"trailer<</Root 1 0 R/Size 4>>\nstartxref\n0\n%%EOF\n"
    )
    assert code(raw) == "document.active"
    harmless = raw.replace(b"/S/J#61vaScript/#4a#53(x)", b"/S/GoTo/D[3 0 R/Fit]")
    assert b"GoTo" not in safe(harmless).content


def test_a_locked_pdf_is_refused():
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt("secret", algorithm="RC4-128")
    assert code(pdf(writer)) == "document.encrypted"


def test_a_pdf_of_very_many_pages_is_refused():
    assert code(pdf(pages=21)) == "document.too_long"


def test_pages_that_contain_each_other_do_not_hang():
    raw = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Count 1/Kids[2 0 R]>>endobj\n"
        b"trailer<</Root 1 0 R/Size 3>>\nstartxref\n0\n%%EOF\n"
    )
    assert code(raw) == "document.unreadable"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([picture("JPEG", (64, 48)), picture("PNG", (64, 48)), pdf()]), st.data())
def test_a_damaged_file_is_taken_safely_or_refused_and_never_breaks_the_reader(
    raw: bytes, data: st.DataObject
):
    at = data.draw(st.integers(8, len(raw) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=12))
    done = made_safe(raw[:at] + junk + raw[at + len(junk) :], MOST_KB)
    assert isinstance(done, Paper) or done.code.startswith("document.")
