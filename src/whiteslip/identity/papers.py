"""Papers as they are handed in, made safe to keep and to look at. Pure; nothing touches the disk.

What a file is, its content says: neither its name nor the sender's word. A picture is drawn anew from
its pixels, a PDF is written anew from its pages, so what else was in the file (places, names of
machines, a second file behind the first) is gone. What would act when it is opened is refused.
"""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final, cast

from PIL import Image, ImageOps

from whiteslip.base import Refusal

# The reader of PDFs quotes what it stumbles over; papers have no business in a log.
logging.getLogger("pypdf").propagate = False

JPEG: Final = "image/jpeg"
PDF: Final = "application/pdf"
_PNG_HEAD: Final = b"\x89PNG\r\n\x1a\n"
# 50 million pixels: what telephones make today. A bomb says more in a few kilobytes.
_MOST_PIXELS: Final = 50_000_000
_MOST_SIDE: Final = 12_000
# Small print of a passport is readable at this length of the longer side.
_KEPT_SIDE: Final = 2_600
_QUALITY: Final = 85
_MOST_PAGES: Final = 20
_MOST_OBJECTS: Final = 50_000
_EOF_WITHIN: Final = 1_024
_KILO: Final = 1_024
# Dictionary keys and kinds of action by which a PDF does something, or carries another file.
_ACTIVE_KEYS: Final = frozenset(
    {"/JS", "/JavaScript", "/AA", "/XFA", "/EF", "/EmbeddedFiles", "/RichMediaContent", "/Launch"}
)
_ACTIVE_KINDS: Final = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/SubmitForm",
        "/ImportData",
        "/GoToR",
        "/GoToE",
        "/Rendition",
        "/Movie",
        "/Sound",
        "/RichMedia",
        "/RichMediaExecute",
        "/EmbeddedFile",
        "/FileAttachment",
    }
)
# What the readers raise for files that are broken, or made to break them.
_PICTURE_FAULTS: Final = (
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_PDF_FAULTS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper that is safe to keep."""

    media_type: str
    content: bytes = field(repr=False)


def made_safe(content: bytes, most_kilobytes: int) -> Paper | Refusal:
    """The paper drawn or written anew.

    Refusals: ``document.empty``, ``document.too_large``, ``document.type_unknown``,
    ``document.unreadable``, ``document.picture_too_large``, ``document.encrypted``,
    ``document.active``, ``document.too_long``.
    """
    if not content:
        return Refusal("document.empty")
    if len(content) > most_kilobytes * _KILO:
        return Refusal("document.too_large", {"most_mb": max(1, most_kilobytes // _KILO)})
    if content.startswith(b"\xff\xd8\xff"):
        return _picture(content, "JPEG")
    if content.startswith(_PNG_HEAD):
        return _picture(content, "PNG")
    if content.startswith(b"%PDF-"):
        return _pdf(content)
    return Refusal("document.type_unknown")


def _picture(content: bytes, kind: str) -> Paper | Refusal:
    try:
        with Image.open(BytesIO(content), formats=[kind]) as opened:
            width, height = opened.size
            if max(width, height) > _MOST_SIDE or width * height > _MOST_PIXELS:
                return Refusal("document.picture_too_large", {"most_pixels": _MOST_SIDE})
            opened.draft("RGB", (_KEPT_SIDE, _KEPT_SIDE))  # a JPEG decodes smaller, in less memory
            opened.load()
            # Smaller first, so that turning it upright copies little; then onto white paper.
            opened.thumbnail((_KEPT_SIDE, _KEPT_SIDE))
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except _PICTURE_FAULTS as error:
        is_bomb = isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning)
        if is_bomb:
            return Refusal("document.picture_too_large", {"most_pixels": _MOST_SIDE})
        return Refusal("document.unreadable")
    sheet = Image.new("RGB", upright.size, "white")
    sheet.paste(upright, mask=upright.getchannel("A"))
    drawn = BytesIO()
    sheet.save(drawn, "JPEG", quality=_QUALITY)
    return Paper(JPEG, drawn.getvalue())


def _pdf(content: bytes) -> Paper | Refusal:
    import pypdf.errors  # noqa: PLC0415 (a tenth of a second of every command's start, for what few of them need)

    if b"%%EOF" not in content[-_EOF_WITHIN:]:
        return Refusal("document.unreadable")
    try:
        reader = pypdf.PdfReader(BytesIO(content))
        if reader.is_encrypted:
            return Refusal("document.encrypted")
        if _acts(reader.root_object):
            return Refusal("document.active")
        count = len(reader.pages)
        if not count:
            return Refusal("document.unreadable")
        if count > _MOST_PAGES:
            return Refusal("document.too_long", {"most": _MOST_PAGES})
        writer, written = pypdf.PdfWriter(), BytesIO()
        for page in reader.pages:
            writer.add_page(page)
        writer.metadata = None
        writer.write(written)
    except (pypdf.errors.PyPdfError, *_PDF_FAULTS):
        return Refusal("document.unreadable")
    return Paper(PDF, written.getvalue())


def _acts(catalogue: object) -> bool:
    """Whether anything that the catalogue reaches is active, or there is more than a paper needs."""
    from pypdf import generic  # noqa: PLC0415 (see _pdf)

    waiting: list[Any] = [catalogue]
    seen: set[tuple[int, int]] = set()
    count = 0
    while waiting:
        found = waiting.pop()
        count += 1
        if count > _MOST_OBJECTS:
            return True
        if isinstance(found, generic.IndirectObject):
            if (found.idnum, found.generation) in seen:
                continue
            seen.add((found.idnum, found.generation))
            waiting.append(found.get_object())
        elif isinstance(found, generic.DictionaryObject):
            if _ACTIVE_KEYS & found.keys() or _ACTIVE_KINDS & {
                str(found.raw_get(key)) for key in ("/S", "/Type", "/Subtype") if key in found
            }:
                return True
            waiting.extend(found.raw_get(key) for key in found)
        elif isinstance(found, generic.ArrayObject):
            waiting.extend(cast("Iterable[Any]", list.__iter__(found)))
    return False
