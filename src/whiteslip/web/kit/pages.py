"""Pages: Jinja templates that sit beside their handlers, with their texts in ``page.toml``.

Every template finds: ``t`` (texts), ``ui`` (the macros of ``macros.html``), ``lang``, ``form``,
``errors``, ``refused``, ``form_token``, ``path``, ``switches`` (links to the page in the other languages),
``keeps_form`` (whether the switch must carry what was typed), ``static`` and ``settings``; and the
filters ``money``, ``figure``, ``symbol``, ``day``, ``short_day``, ``instant``, ``deadline``, ``percent``,
``share`` and ``number``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Response
from litestar.datastructures import Cookie

from whiteslip.base import Refusal
from whiteslip.web.kit.assets import static
from whiteslip.web.kit.cookies import (
    WebRequest,
    form_token,
    language_cookie,
    language_wish,
    nonce,
    settings_of,
)
from whiteslip.web.kit.forms import LANGUAGE, Errors, Form
from whiteslip.web.kit.i18n import LANGUAGES, NAMES, Lang, Speech, Texts, as_language, preferred
from whiteslip.web.kit.sentences import sentence, status_of

HTML: Final = "text/html"
_WEB: Final = Path(__file__).parents[1]


def _spoken(method: str) -> Callable[[Context, Any], str]:
    @pass_context
    def say(context: Context, value: Any) -> str:
        return getattr(context["t"].speech, method)(value)

    return say


_SAID: Final = (
    "money", "figure", "symbol", "day", "short_day", "instant", "deadline", "percent", "share", "number",
)  # fmt: skip


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_WEB),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for name in _SAID:
        cast("dict[str, Any]", environment.filters)[name] = _spoken(name)
    cast("dict[str, Any]", environment.globals)["static"] = static
    return environment


ENVIRONMENT: Final = _environment()


@dataclass(frozen=True, slots=True)
class Switch:
    """A link to the same page in another language."""

    lang: Lang
    name: str
    href: str


def language_of(request: WebRequest) -> Lang:
    """The language of a request: the switch in a form, ``?lang=``, the cookie, then the browser's."""
    form = request.scope["state"].get("form")
    wishes = (
        form.value(LANGUAGE) if isinstance(form, Form) else None,
        request.query_params.get("lang"),
        language_wish(request),
    )
    for wish in wishes:
        if (asked := as_language(wish)) is not None:
            return asked
    return preferred(request.headers.get("accept-language", ""), settings_of(request).default_language)


def speech_of(request: WebRequest) -> Speech:
    """Says amounts and times to the reader of this request."""
    return Speech(language_of(request), settings_of(request).timezone)


def page(
    request: WebRequest,
    template: str,
    /,
    *,
    status: int = 200,
    form: Form | None = None,
    errors: Errors | None = None,
    refusal: Refusal | None = None,
    cookies: tuple[Cookie, ...] = (),
    **context: Any,
) -> Response[str]:
    """Render ``template`` (a path below ``web/``) in the reader's language.

    With ``errors`` the answer is 422, with a ``refusal`` that of its code, unless a status is given;
    both stand in the summary at the top, and the title says "Error".
    """
    speech = speech_of(request)
    token, fresh = nonce(request)
    shown: dict[str, Any] = {
        "t": Texts(template.rpartition("/")[0], speech),
        "lang": speech.lang,
        "form": form or Form(),
        "keeps_form": form is not None,
        "errors": errors or Errors(),
        "refused": sentence(refusal, speech) if refusal else None,
        "form_token": form_token(request, token),
        "path": request.url.path,
        "query": request.query_params,
        "switches": _switches(request, speech.lang),
        "settings": settings_of(request),
    }
    if taken := shown.keys() & context.keys():
        raise ValueError(f"{template}: every page has {sorted(taken)} of its own")
    shown |= context
    shown["ui"] = ENVIRONMENT.get_template("kit/macros.html").make_module(shown)
    sent = list(cookies)
    if fresh is not None:
        sent.append(fresh)
    if language_wish(request) != speech.lang and _chosen(request):
        sent.append(language_cookie(settings_of(request), speech.lang))
    if status == 200 and (refusal or errors):
        status = status_of(refusal) if refusal else 422
    return Response(
        ENVIRONMENT.get_template(template).render(shown),
        media_type=HTML,
        status_code=status,
        headers={"Content-Language": speech.lang},
        cookies=sent,
    )


def _chosen(request: WebRequest) -> bool:
    form = request.scope["state"].get("form")
    return "lang" in request.query_params or (isinstance(form, Form) and form.switching)


def _switches(request: WebRequest, present: Lang) -> list[Switch]:
    kept = [(key, value) for key, value in parse_qsl(request.url.query) if key != "lang"]
    return [
        Switch(lang, NAMES[lang], f"?{urlencode([*kept, ('lang', lang)])}")
        for lang in LANGUAGES
        if lang != present
    ]
