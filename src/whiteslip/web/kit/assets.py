"""Static files, held in memory and served for ever under the hash of their content."""

from __future__ import annotations

import functools
import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from whiteslip.web.kit.cookies import WebRequest

FOREVER: Final = "public, max-age=31536000, immutable"
_FOLDER: Final = Path(__file__).with_name("static")
_MIN_PACKED: Final = 1024  # bytes; below it gzip gains nothing


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    media_type: str
    body: bytes


def _load(folder: Path) -> tuple[str, Mapping[str, Asset]]:
    digest, assets = hashlib.sha256(), dict[str, Asset]()
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name, body = path.relative_to(folder).as_posix(), path.read_bytes()
        digest.update(f"{name}\0{len(body)}\0".encode() + body)
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        assets[name] = Asset(media_type, body)
    # One hash for the whole folder, so that files may name each other by relative paths.
    return digest.hexdigest()[:16], assets


DIGEST, ASSETS = _load(_FOLDER)


@functools.cache
def _packed(name: str) -> bytes | None:
    """The file's gzip form, where that is smaller; made when it is first asked for."""
    body = ASSETS[name].body
    packed = gzip.compress(body, 9, mtime=0) if len(body) >= _MIN_PACKED else body
    return packed if len(packed) < len(body) else None


def static(name: str) -> str:
    """The URL of a file in ``kit/static``. A file that is not there is a bug and raises KeyError."""
    if name not in ASSETS:
        raise KeyError(f"no static file {name}")
    return f"/static/{DIGEST}/{name}"


@get("/static/{digest:str}/{name:path}", include_in_schema=False, sync_to_thread=False)
def serve_asset(request: WebRequest, digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """A static file. Under an older hash the present file is served, but not kept."""
    key = name.lstrip("/")
    asset = ASSETS.get(key)
    if asset is None:
        raise NotFoundException
    headers = {"Cache-Control": FOREVER if digest == DIGEST else "no-cache", "Vary": "Accept-Encoding"}
    body = asset.body
    packed = _packed(key) if "gzip" in request.headers.get("accept-encoding", "") else None
    if packed is not None:
        body, headers["Content-Encoding"] = packed, "gzip"
    return Response(body, media_type=asset.media_type, headers=headers)
