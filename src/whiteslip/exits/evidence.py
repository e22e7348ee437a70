"""Evidence: asked for only where a ground needs it, and never a reason to wait. None commits.

A doubt about who asked needs a paper that names them; an estate needs the paper that shows who may
settle it. Nothing else is ever asked for. What is asked stops no deadline: who sends nothing is treated
as the deadline of their case has it. Papers are sealed in the vault under the customer's key.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip import packs
from whiteslip.base import Refusal, end_of_day, new_id
from whiteslip.exits import acts, desk, letters, store
from whiteslip.exits.model import Exit, Ground, State
from whiteslip.exits.papers import PaperRequest, Wanted, Why
from whiteslip.exits.rules import Clocks
from whiteslip.exits.work import OnFile
from whiteslip.identity import Vault
from whiteslip.identity.documents import documents_of, keep, keep_longer
from whiteslip.identity.papers import made_safe
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx
from whiteslip.store.database import Row

KIND: Final = "evidence"
_LETTERS: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_CODE_LENGTH: Final = 12


def may_ask(tx: Tx, case: Exit) -> Wanted | None:
    """The paper that this case's ground lets the desk ask for; None for most."""
    estate = store.estate_of_line(tx, case.line)
    if estate:
        return Wanted.AUTHORITY if case.is_open and estate.contact is None else None
    in_doubt = case.state is State.HELD and case.ground is Ground.IDENTITY
    return Wanted.ID_DOCUMENT if in_doubt else None


def ask(
    tx: Tx, issuer_name: str, exit_id: UUID, why: Why, actor: str, now: datetime
) -> PaperRequest | Refusal:
    """Ask for the one paper that the ground of a case needs; a letter says what, why and by when.

    Refusals: ``exit.not_found``, ``case.taken``, ``document.no_ground``, ``document.asked_already``.
    """
    both = acts.locked(tx, exit_id)
    if isinstance(both, Refusal):
        return both
    line, case = both
    wanted = may_ask(tx, case)
    if wanted is None:
        return Refusal("document.no_ground")
    if any(each.is_open(now) for each in store.paper_requests(tx, exit_id)):
        return Refusal("document.asked_already")
    taken = desk.take(tx, exit_id, actor, now)
    if taken:
        return taken
    why = Why.ESTATE if wanted is Wanted.AUTHORITY and why is not Why.UNREADABLE else why
    new = PaperRequest(new_id(now), exit_id, wanted, why, actor, now, _answer_by(line, case, now))
    code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
    store.add_paper_request(tx, new, code_hash(code))
    data = {"request": new.id, "wanted": wanted, "why": why, "answer_by": new.answer_by}
    tx.record(Entry(now, "exit.paper_asked", "exit", exit_id, actor, data))
    clocks = Clocks.of(packs.load(line.pack))
    letters.ask_for_paper(OnFile(tx, line, now), case, new, _spelled(code), clocks, issuer_name)
    return new


def _answer_by(line: Line, case: Exit, now: datetime) -> datetime:
    """The case's own deadline, or sooner: asking for a paper never makes anybody wait longer."""
    days = packs.load(line.pack).days("evidence.answer_days")
    own = end_of_day(line.today(now) + timedelta(days=days), line.timezone)
    return min(own, case.due_at) if case.due_at else own


def code_hash(code: str) -> bytes:
    """What is kept of the code on the letter; sixty random bits need no salt."""
    return hashlib.sha256(b"whiteslip/paper" + code.upper().encode()).digest()


def _spelled(code: str) -> str:
    return "-".join(code[at : at + 4] for at in range(0, _CODE_LENGTH, 4))


def by_code(tx: Tx, code: str) -> PaperRequest | None:
    """The request that a letter's code belongs to; ``code`` without hyphens and spaces."""
    return store.paper_request_by_code(tx, code_hash(code))


def hand_in(
    tx: Tx, vault: Vault, request: PaperRequest, content: bytes, actor: str, now: datetime
) -> PaperRequest | Refusal:
    """Take a paper: made safe, sealed, and kept for as long as the pack says.

    Refusals: ``document.not_asked``, those of :func:`whiteslip.identity.papers.made_safe`,
    ``identity.not_found``.
    """
    found = _waiting(tx, request, now)
    if isinstance(found, Refusal):
        return found
    line, case, waiting = found
    pack = packs.load(line.pack)
    paper = made_safe(content, pack.count("evidence.most_kilobytes"))
    if isinstance(paper, Refusal):
        return paper
    until = now + timedelta(days=pack.days("evidence.keep_days"))
    kept = keep(tx, vault, case.customer, KIND, paper.media_type, paper.content, until, actor, now)
    return kept if isinstance(kept, Refusal) else _taken(tx, waiting, kept, actor, now)


def use_earlier(
    tx: Tx, request: PaperRequest, document: UUID, actor: str, now: datetime
) -> PaperRequest | Refusal:
    """Take a paper that the same customer handed in before; its clock begins anew.

    Refusals: ``document.not_asked``, ``document.not_found``.
    """
    found = _waiting(tx, request, now)
    if isinstance(found, Refusal):
        return found
    line, case, waiting = found
    if document not in {row["id"] for row in earlier(tx, case, now)}:
        return Refusal("document.not_found")
    keep_longer(tx, document, now + timedelta(days=packs.load(line.pack).days("evidence.keep_days")))
    return _taken(tx, waiting, document, actor, now)


def earlier(tx: Tx, case: Exit, now: datetime) -> list[Row]:
    """Papers that the customer handed in before, the newest first: id, media_type, kept_at."""
    return [row for row in documents_of(tx, case.customer, KIND) if row["keep_until"] > now]


def _waiting(tx: Tx, request: PaperRequest, now: datetime) -> tuple[Line, Exit, PaperRequest] | Refusal:
    """The request with its case, locked, if a paper can still be handed in."""
    both = acts.locked(tx, request.exit)
    standing = next((each for each in store.paper_requests(tx, request.exit) if each.id == request.id), None)
    if isinstance(both, Refusal) or standing is None:
        return Refusal("document.not_asked")
    line, case = both
    if not standing.is_open(now) or may_ask(tx, case) is not standing.wanted:
        return Refusal("document.not_asked")
    return line, case, standing


def _taken(tx: Tx, request: PaperRequest, document: UUID, actor: str, now: datetime) -> PaperRequest:
    done = replace(request, document=document, handed_in_at=now)
    store.save_paper_request(tx, done)
    store.wake(tx, request.exit)
    data = {"request": request.id, "document": document}
    tx.record(Entry(now, "exit.paper_handed_in", "exit", request.exit, actor, data))
    return done
