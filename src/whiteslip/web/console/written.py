"""What people write and somebody answers in time: a queue with the nearest deadline on top, and a page each.

Which rules hold is the room's: a ``Register`` names its acts. Its folder has two templates, which extend
``_waiting.html`` and ``_written.html``, and its own texts: those of its name and of its enums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip.base import Refusal
from whiteslip.identity.documents import open_document
from whiteslip.store import Tx
from whiteslip.web.console.duty import HOME, Duty, on_duty, submitted
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import Refused


class Written(Protocol):
    """What somebody wrote. ``words`` are a sealed document of the vault."""

    @property
    def id(self) -> UUID: ...
    @property
    def words(self) -> UUID | None: ...


W = TypeVar("W", bound=Written)
_Act = Callable[..., Written | Refusal]


@dataclass(frozen=True, slots=True)
class Register(Generic[W]):
    """One kind of what people write.

    ``name`` is its path, its folder and how its texts begin; ``purpose`` is why words are opened, for the
    journal. ``about`` gives the text that says what one is about, and when it came; ``later`` until when
    the answer may still be put off; ``may_answer`` whether one may be answered so.
    """

    name: str
    purpose: str
    not_found: Refusal
    by_reference: Callable[[Tx, str], W | None]
    waiting: Callable[[Tx], Sequence[W]]
    about: Callable[[W], tuple[str, datetime]]
    later: Callable[[W, datetime], datetime | None]
    may_answer: Callable[[W, Any], bool]
    outcomes: type[StrEnum]
    whys: type[StrEnum]
    delays: type[StrEnum]
    answer: Callable[[Tx, str, UUID, Any, Any, str, datetime], W | Refusal]
    extend: Callable[[Tx, str, UUID, Any, str, datetime], W | Refusal]

    @property
    def at(self) -> str:
        """Where its queue is."""
        return f"{HOME}/{self.name}"

    def found(self, duty: Duty, reference: str) -> W:
        """One of them by the reference on its letters. Raises Refused."""
        found = self.by_reference(duty.tx, reference)
        if found is None:
            raise Refused(self.not_found)
        return found

    def page(self, duty: Duty, found: W, form: Form, **shown: Any) -> Response[Any]:
        """The page of one of them."""
        about, came_at = self.about(found)
        return page(
            duty.request,
            f"console/{self.name}/page.html",
            form=form,
            name=self.name,
            written=found,
            about=about,
            came_at=came_at,
            outcomes=[outcome for outcome in self.outcomes if self.may_answer(found, outcome)],
            whys=list(self.whys),
            delays=list(self.delays),
            later=self.later(found, duty.now),
            **{"words": None, **shown},
            **duty.shown(),
        )

    def act(
        self, request: WebRequest, reference: str, form: Form, shape: type[Any], act: _Act, to: str
    ) -> Response[Any]:
        """Do an act with what was typed, and go ``to``."""

        def done(duty: Duty, found: W) -> Errors | Written | Refusal:
            typed = form.read(shape)
            if isinstance(typed, Errors):
                return typed
            issuer, said = duty.ports.office.issuer_name, msgspec.structs.astuple(typed)
            return act(duty.tx, issuer, found.id, *said, duty.actor, duty.now)

        return submitted(request, form, lambda duty: self.found(duty, reference), done, self.page, to)


def read_words(
    duty: Duty, words: UUID | None, purpose: str, shown: Callable[..., Response[Any]]
) -> Response[Any]:
    """``shown`` with what somebody wrote; who read it is journalled."""
    if words is None:
        return shown()
    opened = open_document(duty.tx, duty.ports.vault, words, purpose, duty.actor, duty.now)
    return shown(refusal=opened) if isinstance(opened, Refusal) else shown(words=opened.content.decode())


def handlers_of(register: Register[W]) -> list[Any]:
    """The routes of a register's pages."""
    answering = msgspec.defstruct("Answering", [("outcome", register.outcomes), ("why", register.whys)])
    extending = msgspec.defstruct("Extending", [("delay", register.delays)])
    one = f"/{register.name}/{{reference:str}}"

    @get(f"/{register.name}", sync_to_thread=True)
    def queue(request: WebRequest) -> Response[Any]:
        def act(duty: Duty) -> Response[str]:
            rows = [(each, *register.about(each)) for each in register.waiting(duty.tx)]
            shown = {"name": register.name, "rows": rows}
            return page(request, f"console/{register.name}/list.html", **shown, **duty.shown())

        return on_duty(request, act)

    @get(one, sync_to_thread=True)
    def show(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
        return on_duty(request, lambda duty: register.page(duty, register.found(duty, reference), Form()))

    @post(f"{one}/words", sync_to_thread=True)
    def read(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
        def act(duty: Duty) -> Response[Any]:
            found = register.found(duty, reference)
            shown = partial(register.page, duty, found, Form())
            return read_words(duty, found.words, register.purpose, shown)

        return on_duty(request, act, chooses=True)

    @post(f"{one}/extend", sync_to_thread=True)
    def extend(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
        to = f"{register.at}/{reference}"
        return register.act(request, reference, form, extending, register.extend, to)

    @post(f"{one}/answer", sync_to_thread=True)
    def answer(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
        return register.act(request, reference, form, answering, register.answer, register.at)

    return [queue, show, read, extend, answer]
