"""Letters to the customer, also long after a line was closed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from whiteslip import identity, notices
from whiteslip.base import Refusal
from whiteslip.notices import Addressee
from whiteslip.notices.model import Notice, State
from whiteslip.notices.words import texts
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.i18n import Lang
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.kit.problems import Refused, granted
from whiteslip.web.portal.visit import Visit, signed_in


@dataclass(frozen=True, slots=True)
class Entry:
    """A letter as lists show it."""

    title: str
    href: str
    at: datetime
    reference: str
    is_sent: bool


def listed(letters: Iterable[Notice], lang: Lang) -> list[Entry]:
    """Letters for a list, in the given order, with their titles in the reader's language."""
    kinds = texts(lang)["kinds"]
    return [
        Entry(
            title=kinds[letter.kind]["title"],
            href=f"/letters/{letter.id}.pdf",
            at=letter.sent_at or letter.queued_at,
            reference=str(letter.facts.get("reference", "")),
            is_sent=letter.state is State.SENT,
        )
        for letter in letters
    ]


@get("/letters", sync_to_thread=True)
def letters(request: WebRequest) -> Response[Any]:
    """All letters, newest first."""

    def show(visit: Visit) -> Response[Any]:
        found = notices.of_recipient(visit.tx, visit.customer.id)
        return page(request, "portal/letters/page.html", letters=listed(found, language_of(request)))

    return signed_in(request, show)


@get("/letters/{name:str}", sync_to_thread=True)
def letter(request: WebRequest, name: FromPath[str]) -> Response[Any]:
    """One letter as PDF, for whom it was written to."""
    stem, dot, suffix = name.rpartition(".")
    try:
        letter_id = UUID(stem)
    except ValueError:
        raise Refused(Refusal("notice.not_found")) from None
    if (dot, suffix) != (".", "pdf"):
        raise Refused(Refusal("notice.not_found"))

    def show(visit: Visit) -> Response[Any]:
        notice = granted(notices.get(visit.tx, letter_id))
        if notice.recipient != visit.customer.id:
            raise Refused(Refusal("notice.not_found"))
        person = granted(identity.peek(visit.tx, visit.ports.vault, visit.customer.id))
        to = Addressee(person.full_name, person.email, person.phone)
        made = granted(notices.letter(visit.tx, letter_id, to))
        file_name = f"{notice.facts.get('reference', 'letter')}-{notice.kind.rpartition('.')[2]}.pdf"
        return Response(
            made,
            media_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
        )

    return signed_in(request, show)


letter_handlers: Final = [letters, letter]
