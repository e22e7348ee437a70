"""Forms: read them into structs, say what is wrong field by field, send the browser on.

Validation follows GOV.UK: on the server, on submit only, an error summary that links to fields.
Bodies are parsed here and not by the framework, whose parser keeps the last thousand bodies in a
cache: identity numbers and one-time codes have no business staying in memory.
"""

from __future__ import annotations

import typing
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar, cast
from urllib.parse import parse_qsl

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.types import Empty
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from whiteslip.base import Money, Refusal
from whiteslip.base.money import MINOR_DIGITS
from whiteslip.web.kit.cookies import Connection, WebRequest, is_own_form
from whiteslip.web.kit.i18n import Fact
from whiteslip.web.kit.problems import Refused

T = TypeVar("T")

TOKEN: Final = "form_token"  # noqa: S105 - the hidden field's name
LANGUAGE: Final = "form_language"
# A policy's table is edited in one form: some hundred rules of ten cells.
MAX_FIELDS: Final = 2_000
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Upload:
    """A file from a form, whole in memory; the route's body limit bounds it. ``name`` is a claim."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with a field: the texts ``error_<name>_<kind>``, ``error_<name>``, ``error_<kind>``."""

    name: str
    kind: str
    facts: Mapping[str, Fact] = field(default_factory=dict[str, Fact])

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the page's texts, the most particular first."""
        return (
            f"error_{self.name}_{self.kind}",
            f"error_{self.name}",
            f"error_{self.kind}",
            "error_invalid",
        )


@dataclass(slots=True)
class Errors:
    """What is wrong with a form, in the order of its fields."""

    found: list[FieldError] = field(default_factory=list[FieldError])

    def add(self, name: str, kind: str, **facts: Fact) -> Errors:
        """Note one more; also for a "no" of the domain that belongs to a field."""
        self.found.append(FieldError(name, kind, facts))
        return self

    def of(self, name: str) -> FieldError | None:
        """The first error of a field."""
        return next((error for error in self.found if error.name == name), None)

    def __iter__(self) -> Iterator[FieldError]:
        return iter(self.found)

    def __bool__(self) -> bool:
        return bool(self.found)


def kind_of(message: str) -> str:
    """What msgspec found wrong, as a word of ours. The message itself may repeat the input."""
    if message.startswith("Object contains unknown field"):
        return "unknown"
    if "of length >=" in message:
        return "too_short"
    if "of length <=" in message:
        return "too_long"
    if ">" in message.replace("->", ""):
        return "too_small"
    if "<" in message:
        return "too_big"
    if "enum value" in message:
        return "not_an_option"
    if "missing required" in message:
        return "missing"
    return "invalid"


@dataclass(frozen=True, slots=True)
class Form:
    """What the browser sent. ``switching`` is the language link, pressed on a half-filled form."""

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]], repr=False)
    files: Mapping[str, Sequence[Upload]] = field(default_factory=dict[str, Sequence[Upload]], repr=False)

    @property
    def switching(self) -> bool:
        """Whether the page is only wanted again in another language."""
        return LANGUAGE in self.fields

    def value(self, name: str, default: str = "") -> str:
        """The field's value, trimmed."""
        return (self.fields.get(name) or [default])[0].strip()

    def values(self, name: str) -> list[str]:
        """All values of a field that may come more than once."""
        return [text.strip() for text in self.fields.get(name, []) if text.strip()]

    def read(self, shape: type[T]) -> T | Errors:
        """The form as a struct or dataclass, or everything that is wrong with it.

        A blank field counts as absent: missing when the shape requires it, else its default. While
        the language is being switched the answer is Errors without any error: show the page again.
        """
        if self.switching:
            return Errors()
        hints, errors = typing.get_type_hints(shape, include_extras=True), Errors()
        given: dict[str, Any] = {}
        info = cast(
            "msgspec.inspect.StructType | msgspec.inspect.DataclassType", msgspec.inspect.type_info(shape)
        )
        for part in info.fields:
            is_list = isinstance(part.type, msgspec.inspect.ListType | msgspec.inspect.VarTupleType)
            raw = self.values(part.encode_name) if is_list else self.value(part.encode_name)
            if not raw:
                if part.required:
                    errors.add(part.encode_name, "missing")
                continue
            try:
                msgspec.convert(raw, hints[part.name], strict=False)
            except msgspec.ValidationError as error:
                errors.add(part.encode_name, kind_of(str(error)))
            given[part.encode_name] = raw
        if errors:
            return errors
        try:
            return msgspec.convert(given, shape, strict=False)
        except msgspec.ValidationError:
            return errors.add("", "invalid")


FromForm: TypeAlias = NamedDependency[Form]
"""How a handler takes what the browser sent: ``form: FromForm``."""


def compact(text: str) -> str:
    """A code or number as people type it, without spaces and hyphens, full-width digits narrowed."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(letter for letter in plain if not letter.isspace() and letter not in "-‐‑–—")


def parse_money(text: str, currency: str) -> Money | None:
    """An amount as people type it (``1,200``, ``¥1200.50``, ``１２００元``), or None."""
    minor = _parts_of(text, "¥￥元$€£", MINOR_DIGITS[currency])
    return None if minor is None else Money(minor, currency)


def parse_percent(text: str) -> int | None:
    """A rate as people type it (``0.6``, ``18.25 %``), in basis points, or None."""
    return _parts_of(text, "%", 2)


def _parts_of(text: str, around: str, digits: int) -> int | None:
    """A decimal number of at most so many digits after its point, counted in the last of them."""
    plain = "".join(unicodedata.normalize("NFKC", text).split()).replace(",", "").strip(around)
    whole, dot, rest = plain.partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 12 and len(rest) <= digits):
        return None
    if dot and not (rest.isascii() and rest.isdigit()):
        return None
    return int(whole + rest.ljust(digits, "0"))


def _clean(text: str) -> str:
    if any(unicodedata.category(letter) == "Cc" and letter not in "\r\n\t" for letter in text):
        raise Refused(Refusal("request.invalid"))
    return unicodedata.normalize("NFC", text)


def _split(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(_clean(name), []).append(_clean(value))
    return fields


def _parts(body: bytes, boundary: str) -> Form:
    """A form with files. It stays in memory: the framework's reader would write large files to disk."""
    pairs: list[tuple[str, str]] = []
    files: dict[str, list[Upload]] = {}
    try:
        with PushMultipartParser(boundary, max_segment_count=MAX_FIELDS) as parser:
            head, content = None, bytearray()
            for part in parser.parse(body):
                if isinstance(part, MultipartSegment):
                    head, content = part, bytearray()
                elif part:
                    content += part
                elif head and head.name and head.filename:
                    media_type = head.content_type or "application/octet-stream"
                    upload = Upload(_clean(head.filename), media_type, bytes(content))
                    files.setdefault(_clean(head.name), []).append(upload)
                elif head and head.name and head.filename is None:
                    pairs.append((head.name, content.decode()))
    except (MultipartError, ValueError):
        raise Refused(Refusal("request.malformed")) from None
    return Form(_split(pairs), files)


async def read_form(request: WebRequest) -> Form:
    """The form of this request; an empty one when there is none. Handlers take it as ``form``."""
    held: object = request.scope["state"].get("form", Empty)
    if isinstance(held, Form):
        return held
    media_type = request.content_type[0]
    if media_type == "application/x-www-form-urlencoded":
        body = await request.body()
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            raise Refused(Refusal("request.malformed")) from None
        form = Form(_split(pairs))
    elif media_type == "multipart/form-data":
        form = _parts(await request.body(), request.content_type[1].get("boundary", ""))
    else:
        form = Form()
    request.scope["state"]["form"] = form
    return form


async def only_own_forms(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard of every route: what changes something must come from our own page.

    A router that takes no cookies for proof of identity (the machine API) says
    ``opt={"own_forms": False}``.
    """
    if not isinstance(connection, Request) or connection.method in SAFE:
        return
    if handler.opt.get("own_forms") is False:
        return
    token = connection.headers.get("x-form-token") or (await read_form(connection)).value(TOKEN)
    if not is_own_form(connection, token):
        raise Refused(Refusal("request.expired"))


def is_local(to: str) -> bool:
    """Whether ``to`` is a path on this host, and nothing a browser could read as another host."""
    return to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable() and "\\" not in to


def see_other(request: WebRequest, to: str, *cookies: Cookie) -> Response[None]:
    """Post, redirect, get: send the browser to ``to`` (a local path) after a form did its work."""
    if not is_local(to):
        raise ValueError("a redirect stays on this host")
    if request.headers.get("hx-request") == "true":
        return Response(None, status_code=204, headers={"HX-Redirect": to}, cookies=list(cookies))
    return Response(None, status_code=303, headers={"Location": to}, cookies=list(cookies))
