"""The edge: the one place in this room that catches whatever is raised, and answers in kind.

Paths of the machine API get RFC 9457 problems; everything else gets a page in the reader's
language. Neither repeats the input, and neither says more of a bug than the request's id. The log
gets the error's class and where it was raised, but not its message: messages of databases and
parsers quote the values they choke on.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec
import structlog
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from whiteslip.base import Refusal
from whiteslip.web.kit.cookies import WebRequest, door_of, settings_of
from whiteslip.web.kit.forms import kind_of
from whiteslip.web.kit.i18n import Lang, texts_in
from whiteslip.web.kit.pages import language_of, page, speech_of
from whiteslip.web.kit.problems import MEDIA_TYPE, Fault, Refused, problem, title_of
from whiteslip.web.kit.sentences import sentence, status_of

RETRY_AFTER_SECONDS: Final = 5
_MACHINE: Final = ("/v1", "/api", "/livez", "/readyz", "/metrics", "/version")
_POINTED: Final = re.compile(r"at `\$([^`]*)`$")
_MISSING: Final = re.compile(r"missing required field `(\w+)`")
_UNKNOWN: Final = re.compile(r"^Object contains unknown field `(.*?)`(?: - at `\$([^`]*)`)?$", re.DOTALL)
_BOUND: Final = re.compile(r"^Expected `\w+`(?: of length)? ([<>]=) (-?\d+)(?: - at `.*)?$", re.DOTALL)
_ABSENT: Final = re.compile(r"Missing required \w+ parameter '([^']+)'")
# What a path may hold as it is (RFC 3986 section 3.3).
_IN_PATH: Final = "/:@!$&'()*+,;=~"
# A member's name is told, and nothing that was only made to look like one.
_NAME_LENGTH: Final = 64
_log: Any = structlog.get_logger("whiteslip.web")


def is_machine(path: str) -> bool:
    """Whether programs ask here: the machine API and what watches us. They get problems and not pages."""
    return any(path == root or path.startswith(root + "/") for root in _MACHINE)


def refuse(
    request: WebRequest,
    refusal: Refusal,
    faults: Sequence[Fault] = (),
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    """Answer with a refusal: a problem for a machine, a page for a person."""
    request_id = request.scope["state"].get("request_id")
    if not is_machine(request.url.path):
        return _error_page(request, refusal, headers)
    speech = speech_of(request)
    said = problem(
        refusal,
        speech.lang,
        timezone=speech.timezone,
        instance=quote(request.scope["path"], safe=_IN_PATH),
        request_id=request_id,
        faults=faults,
    )
    asked = {"WWW-Authenticate": "Bearer"} if said.status == 401 else {}  # RFC 9110, section 15.5.2
    return Response(
        msgspec.json.encode(said),
        media_type=MEDIA_TYPE,
        status_code=said.status,
        headers={**(headers or {}), **asked, "Content-Language": speech.lang},
    )


def _error_page(request: WebRequest, refusal: Refusal, headers: dict[str, str] | None) -> Response[Any]:
    status, speech = status_of(refusal), speech_of(request)
    desk = door_of(request.url.path) == "console"
    shown = page(
        request,
        "kit/error.html",
        status=status,
        layout="kit/console.html" if desk else "kit/base.html",
        home="/console" if desk else "/",
        code=refusal.code,
        title=title_of(status, speech.lang),
        said=sentence(refusal, speech),
        is_fault=status >= 500,
        request_id=request.scope["state"].get("request_id"),
    )
    shown.headers.update(headers or {})
    return shown


def answer(request: WebRequest, error: Exception) -> Response[Any]:
    """The answer to anything raised on the way. Registered for Exception in the shell."""
    if isinstance(error, Refused):
        return refuse(request, error.refusal, error.faults)
    if isinstance(error, ValidationException):
        return refuse(request, Refusal("request.invalid"), _parameters(error, language_of(request)))
    if isinstance(error, HTTPException) and error.status_code < 500:
        return refuse(request, _of_status(error.status_code), headers=_kept(error.headers))
    if isinstance(error, settings_of(request).unavailable):
        _note(request.scope, error, "unavailable")
        retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return refuse(request, Refusal("server.unavailable"), headers=retry)
    _note(request.scope, error, "failed")
    return refuse(request, Refusal("server.failed"))


def _kept(headers: dict[str, str] | None) -> dict[str, str]:
    return {
        name: value for name, value in (headers or {}).items() if name.lower() in {"allow", "retry-after"}
    }


def _of_status(status: int) -> Refusal:
    match status:
        case 401:
            return Refusal("request.unauthorised")
        case 403:
            return Refusal("request.forbidden")
        case 404:
            return Refusal("request.not_found")
        case 405:
            return Refusal("request.method_not_allowed")
        case 413:
            return Refusal("request.too_large")
        case 415:
            return Refusal("request.media_type")
        case 429:
            return Refusal("request.too_many")
        case _:
            return Refusal("request.malformed")


def body_faults(error: msgspec.ValidationError, lang: Lang) -> list[Fault]:
    """Where a JSON body is wrong, without repeating what it holds."""
    message = str(error)
    found, missing = _POINTED.search(message), _MISSING.search(message)
    pointer = _pointer(found.group(1) if found else "")
    if missing:
        pointer = f"{pointer}/{missing.group(1)}"
    elif unknown := _UNKNOWN.match(message):
        pointer = _pointer(unknown.group(2) or "") + _member(unknown.group(1))
    kind = kind_of(message)
    return [Fault(pointer=pointer, code=kind, detail=_said(kind, message, lang))]


def _said(kind: str, message: str, lang: Lang) -> str:
    """What is wrong, with the bound that was passed; bounds stand in the contract and repeat no input."""
    texts = texts_in("kit")[lang]
    bound = _BOUND.search(message)
    if not bound:
        return texts[f"error_{kind}"]
    at = texts["error_at_least" if bound[1] == ">=" else "error_at_most"]
    return texts[f"error_{kind}"] + texts["colon"] + at.format(bound=bound[2])


def _pointer(path: str) -> str:
    """A place as msgspec has it, ``.reasons[0]``, as a JSON pointer."""
    return re.sub(r"\[(\d+|\.\.\.)\]", r"/\1", path.replace(".", "/").replace("[///]", "[...]"))


def _member(name: str) -> str:
    """The step of a JSON pointer (RFC 6901) to a member; none to a name past all sense."""
    return f"/{name.replace('~', '~0').replace('/', '~1')}" if len(name) <= _NAME_LENGTH else ""


def _parameters(error: ValidationException, lang: Lang) -> list[Fault]:
    if absent := _ABSENT.match(error.detail):
        return [Fault(parameter=absent[1], code="missing", detail=texts_in("kit")[lang]["error_missing"])]
    faults: list[Fault] = []
    for item in error.extra if isinstance(error.extra, list) else []:
        message, key = str(item.get("message", "")), str(item.get("key", ""))
        kind = kind_of(message)
        detail = _said(kind, message, lang)
        if item.get("source") == "body":
            pointer = "" if key == "data" else "/" + key.replace(".", "/")
            faults.append(Fault(pointer=pointer, code=kind, detail=detail))
        else:
            faults.append(Fault(parameter=key, code=kind, detail=detail))
    return faults


def _note(scope: Any, error: Exception, event: str) -> None:
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    _log.error(
        f"request.{event}",
        request_id=scope["state"].get("request_id"),
        method=scope.get("method"),
        route=scope.get("path_template"),
        error=f"{type(error).__module__}.{type(error).__qualname__}",
        sqlstate=getattr(error, "sqlstate", None),
        frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )


class LastResort:
    """Around the framework: an answer even when the error page itself fails."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; should anything escape, say only that it failed."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            _note(scope, error, "failed")
            if begun or scope["type"] != "http":
                # The server must cut the connection: half an answer may not look whole.
                raise ConnectionAbortedError("the answer broke off") from None
            body = b"500"
            headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 500, "headers": headers})
            await send({"type": "http.response.body", "body": body, "more_body": False})
