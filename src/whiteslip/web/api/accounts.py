"""Where a line's credit goes: naming the account, saying that it is theirs, sending to it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from whiteslip import identity, lines
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits import accounts
from whiteslip.identity import accounts as kept
from whiteslip.identity.accounts import How, PayoutAccount
from whiteslip.lines import Line
from whiteslip.store import Tx
from whiteslip.web.api.access import Caller, get, identifier, must_be_proven, post, read, write
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses


class AccountBody(Struct, forbid_unknown_fields=True):
    """The number, in a scheme of the line's pack; spaces and dashes do not count."""

    number: Annotated[str, Meta(min_length=4, max_length=60)]


class VerifyBody(Struct, forbid_unknown_fields=True):
    """Which account, and how it was found to be theirs: by whose word."""

    account: str
    how: How


class AccountShape(Struct):
    """The account that stands: ``ends`` are its last four characters. Nothing goes to it before
    ``verified_at``.
    """

    id: str
    line: str
    scheme: str
    ends: str
    given_at: datetime
    verified_at: datetime | None
    verified_how: str | None

    @classmethod
    def of(cls, line: Line, one: PayoutAccount) -> AccountShape:
        """Shape an account."""
        return cls(
            public("acc", one.id),
            public("line", line.id),
            one.scheme,
            one.ends,
            one.given_at,
            one.verified_at,
            one.verified_how,
        )


class NumberShape(Struct):
    """To whom and where to send money."""

    account: str
    scheme: str
    number: str
    full_name: str


def _line(tx: Tx, line_id: str) -> Line:
    return granted(lines.get_line(tx, identifier("line", line_id, "line.not_found")))


@get(
    "/lines/{line_id:str}/payout-account",
    summary="Where a line's credit goes",
    responses=problem_responses(401, 403, 404),
)
def show(request: WebRequest, line_id: FromPath[str]) -> AccountShape:
    """The customer's account, or of who settles their estate."""

    def question(tx: Tx, _now: datetime) -> AccountShape:
        line = _line(tx, line_id)
        found = accounts.stands(tx, ports_of(request, Ports).vault, line)
        if found is None:
            raise Refused(Refusal("payout_account.not_found"))
        return AccountShape.of(line, found)

    return read(request, question)


@post(
    "/lines/{line_id:str}/payout-account",
    summary="Name the account that a line's credit goes to",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def give(request: WebRequest, line_id: FromPath[str], data: JSONBody[AccountBody]) -> Response[AccountShape]:
    """By the customer, checked within the last minutes; for an estate by the owner of the key, who has
    seen who settles it. Another account before it no longer counts.
    """
    ports = ports_of(request, Ports)

    def act(tx: Tx, now: datetime, caller: Caller) -> AccountShape:
        line, by = _line(tx, line_id), caller.actor
        if accounts.payee(tx, line) == line.customer:
            must_be_proven(request, tx, line.customer, now)
        else:
            by = caller.person
        made = granted(accounts.give(tx, ports.office, ports.vault, line, data.number, by, now))
        return AccountShape.of(line, made)

    return write(request, data, act, 201)


@post(
    "/lines/{line_id:str}/payout-account/verify",
    summary="The account is theirs",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def verify(request: WebRequest, line_id: FromPath[str], data: JSONBody[VerifyBody]) -> Response[AccountShape]:
    """Recorded by the owner of the key. What had waited for an account is sent in the same act."""
    ports, account = ports_of(request, Ports), identifier("acc", data.account, "payout_account.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> AccountShape:
        line = _line(tx, line_id)
        done = granted(accounts.verify(tx, ports.vault, line, account, data.how, caller.person, now))
        return AccountShape.of(line, done)

    return write(request, data, act)


@post(
    "/lines/{line_id:str}/payout-account/reveal",
    summary="The number to send money to",
    status_code=200,
    responses=problem_responses(401, 403, 404),
)
def reveal(request: WebRequest, line_id: FromPath[str]) -> Response[NumberShape]:
    """For who pays out, or asks the bank whose account it is. Who looked is journalled; never replayed."""
    vault = ports_of(request, Ports).vault

    def question(tx: Tx, now: datetime) -> NumberShape:
        line, by = _line(tx, line_id), request.scope["state"]["caller"].actor
        whose = accounts.payee(tx, line) or line.customer
        found = granted(kept.reveal(tx, vault, whose, "payout", by, now))
        person = granted(identity.peek(tx, vault, whose))
        return NumberShape(public("acc", found.id), found.scheme, found.number, person.full_name)

    return Response(read(request, question), status_code=200)


handlers: list[Any] = [show, give, verify, reveal]
