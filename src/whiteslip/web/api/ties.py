"""What hangs on a line: mandates, shops on file, users, rewards, and a higher limit by consent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody

from whiteslip import identity, lines
from whiteslip.base import Refusal, new_id
from whiteslip.base.ids import public
from whiteslip.billing import mandates, rewards
from whiteslip.billing.mandates import Scheme
from whiteslip.exits.ties import propose_increase
from whiteslip.identity import Person
from whiteslip.lines import increases, users
from whiteslip.purchases import store as purchases_store
from whiteslip.store import Tx
from whiteslip.web.api.access import (
    PAGE,
    Caller,
    Page,
    get,
    identifier,
    must_be_proven,
    page_of,
    post,
    read,
    write,
)
from whiteslip.web.api.lists import Limit, page_on_line
from whiteslip.web.api.shapes_ties import (
    CouponShape,
    CredentialShape,
    IncreaseShape,
    MandateShape,
    NewCoupon,
    NewIncrease,
    NewMandate,
    NewUser,
    RewardBody,
    RewardShape,
    UserShape,
)
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses


@post(
    "/lines/{line_id:str}/mandates",
    summary="Keep a direct-debit mandate",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def sign(request: WebRequest, line_id: FromPath[str], data: JSONBody[NewMandate]) -> Response[MandateShape]:
    """Collect by it with a payment of method ``direct_debit`` that names it. It ends with the line.

    The customer is checked within the last minutes: it lets their account be debited.
    """
    wanted = identifier("line", line_id, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> MandateShape:
        must_be_proven(request, tx, granted(lines.get_line(tx, wanted)).customer, now)
        scheme = Scheme(data.scheme)
        made = mandates.sign(tx, wanted, scheme, data.reference, data.signed_on, caller.actor, now)
        return MandateShape.of(granted(made))

    return write(request, data, act, 201)


@get(
    "/lines/{line_id:str}/mandates",
    summary="Mandates of a line",
    responses=problem_responses(401, 403, 404, 422),
)
def list_mandates(
    request: WebRequest, line_id: FromPath[str], after: FromQuery[str | None] = None, limit: Limit = PAGE
) -> Page:
    """In the order they were given, also those that were cancelled or lapsed."""
    return page_on_line(request, line_id, "mdt", after, limit, mandates.mandates_of, MandateShape.of)


@post(
    "/mandates/{mandate_id:str}/cancel",
    summary="Cancel a mandate",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def cancel_mandate(request: WebRequest, mandate_id: FromPath[str]) -> Response[MandateShape]:
    """The customer took it back. What is owed stays owed; cancelling twice changes nothing."""
    wanted = identifier("mdt", mandate_id, "mandate.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> MandateShape:
        return MandateShape.of(granted(mandates.cancel(tx, wanted, caller.actor, now)))

    return write(request, None, act)


@get(
    "/lines/{line_id:str}/stored-credentials",
    summary="Shops that keep a line on file",
    responses=problem_responses(401, 403, 404, 422),
)
def list_credentials(
    request: WebRequest, line_id: FromPath[str], after: FromQuery[str | None] = None, limit: Limit = PAGE
) -> Page:
    """By the shops' keys, each with what it tried in vain since. ``after`` is a shop's key."""
    wanted = identifier("line", line_id, "line.not_found")

    def question(tx: Tx, _now: datetime) -> Page:
        granted(lines.get_line(tx, wanted))
        found = purchases_store.credentials_by_shop(tx, wanted, after or "", limit + 1)
        return page_of(found, limit, CredentialShape.of, lambda row: row.shop)

    return read(request, question)


@post(
    "/lines/{line_id:str}/users",
    summary="Let somebody else draw",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def add_user(request: WebRequest, line_id: FromPath[str], data: JSONBody[NewUser]) -> Response[UserShape]:
    """Their data is encrypted into the vault and never answered back; a purchase names them as ``user``.

    The customer is checked within the last minutes.
    """
    ports, wanted = ports_of(request, Ports), identifier("line", line_id, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> UserShape:
        must_be_proven(request, tx, granted(lines.get_line(tx, wanted)).customer, now)
        who = Person(data.full_name, data.id_number, data.phone, data.email)
        user = new_id(now)
        added = granted(users.add_user(tx, wanted, user, data.language, caller.actor, now))
        granted(identity.enrol(tx, ports.vault, user, who, caller.actor, now))
        return UserShape.of(added)

    return write(request, data, act, 201)


@get(
    "/lines/{line_id:str}/users", summary="Who else may draw", responses=problem_responses(401, 403, 404, 422)
)
def list_users(
    request: WebRequest, line_id: FromPath[str], after: FromQuery[str | None] = None, limit: Limit = PAGE
) -> Page:
    """In the order they were added, also those that were removed."""
    return page_on_line(request, line_id, "usr", after, limit, users.users_of, UserShape.of)


@post(
    "/users/{user_id:str}/remove",
    summary="Stop somebody from drawing",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def remove_user(request: WebRequest, user_id: FromPath[str]) -> Response[UserShape]:
    """At once. Removing twice changes nothing."""
    wanted = identifier("usr", user_id, "user.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> UserShape:
        return UserShape.of(granted(users.remove_user(tx, wanted, caller.actor, now)))

    return write(request, None, act)


def _rewards(tx: Tx, line_id: UUID) -> RewardShape:
    line = granted(lines.get_line(tx, line_id))
    coupons = [CouponShape.of(each) for each in rewards.coupons_of(tx, line.id)]
    return RewardShape(public("line", line.id), line.currency, rewards.balance_of(tx, line), coupons)


@get(
    "/lines/{line_id:str}/rewards",
    summary="Cash back and coupons",
    responses=problem_responses(401, 403, 404),
)
def show_rewards(request: WebRequest, line_id: FromPath[str]) -> RewardShape:
    """Cash back is money at face value; a coupon is not."""
    wanted = identifier("line", line_id, "line.not_found")
    return read(request, lambda tx, _: _rewards(tx, wanted))


@post(
    "/lines/{line_id:str}/rewards",
    summary="Give cash back",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def grant(request: WebRequest, line_id: FromPath[str], data: JSONBody[RewardBody]) -> Response[RewardShape]:
    """For another reason than a purchase: what the terms give on purchases comes by itself."""
    wanted = identifier("line", line_id, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> RewardShape:
        granted(rewards.grant(tx, wanted, data.amount_minor, caller.actor, now))
        return _rewards(tx, wanted)

    return write(request, data, act, 201)


@post(
    "/lines/{line_id:str}/rewards/redeem",
    summary="Turn cash back into credit",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def redeem(request: WebRequest, line_id: FromPath[str]) -> Response[RewardShape]:
    """All of it, at face value, whenever the customer likes."""
    wanted = identifier("line", line_id, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> RewardShape:
        rewards.redeem(tx, granted(lines.get_line(tx, wanted, lock=True)), caller.actor, now)
        return _rewards(tx, wanted)

    return write(request, None, act)


@post(
    "/lines/{line_id:str}/coupons",
    summary="Give a coupon",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def give_coupon(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[NewCoupon]
) -> Response[CouponShape]:
    """If the line closes, it stays good for the pack's grace at the least."""
    wanted = identifier("line", line_id, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> CouponShape:
        made = rewards.give_coupon(tx, wanted, data.title, data.usable_until, caller.actor, now)
        return CouponShape.of(granted(made))

    return write(request, data, act, 201)


@post(
    "/coupons/{coupon_id:str}/use",
    summary="A coupon was used",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def use_coupon(request: WebRequest, coupon_id: FromPath[str]) -> Response[CouponShape]:
    """It works on a closed line. Using it twice changes nothing."""
    wanted = identifier("cpn", coupon_id, "coupon.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> CouponShape:
        return CouponShape.of(granted(rewards.use_coupon(tx, wanted, caller.actor, now)))

    return write(request, None, act)


@post(
    "/lines/{line_id:str}/limit-increases",
    summary="Propose a higher limit",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def propose(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[NewIncrease]
) -> Response[IncreaseShape]:
    """A letter tells it; nothing changes before consent. Leaving, pausing and lowering drop it."""
    wanted, issuer = (
        identifier("line", line_id, "line.not_found"),
        ports_of(request, Ports).office.issuer_name,
    )

    def act(tx: Tx, now: datetime, caller: Caller) -> IncreaseShape:
        made = propose_increase(tx, issuer, wanted, data.to_minor, data.effective_at, caller.actor, now)
        return IncreaseShape.of(granted(made))

    return write(request, data, act, 201)


@get(
    "/lines/{line_id:str}/limit-increases",
    summary="Higher limits that were proposed",
    responses=problem_responses(401, 403, 404, 422),
)
def list_increases(
    request: WebRequest, line_id: FromPath[str], after: FromQuery[str | None] = None, limit: Limit = PAGE
) -> Page:
    """Oldest first, with what became of each."""
    return page_on_line(request, line_id, "inc", after, limit, increases.increases_of, IncreaseShape.of)


def _answered(
    request: WebRequest,
    increase_id: str,
    answer: Callable[[Tx, UUID, str, datetime], increases.Increase | Refusal],
) -> Response[IncreaseShape]:
    wanted = identifier("inc", increase_id, "limit.increase_not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> IncreaseShape:
        return IncreaseShape.of(granted(answer(tx, wanted, caller.actor, now)))

    return write(request, None, act)


@post(
    "/limit-increases/{increase_id:str}/consent",
    summary="The customer consents",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def consent(request: WebRequest, increase_id: FromPath[str]) -> Response[IncreaseShape]:
    """The customer agreed in so many words, and is checked within the last minutes; silence is none.

    It takes effect at its instant.
    """

    def agree(tx: Tx, wanted: UUID, actor: str, now: datetime) -> increases.Increase | Refusal:
        found = granted(increases.find_increase(tx, wanted))
        must_be_proven(request, tx, granted(lines.get_line(tx, found.line)).customer, now)
        return increases.consent(tx, wanted, actor, now)

    return _answered(request, increase_id, agree)


@post(
    "/limit-increases/{increase_id:str}/decline",
    summary="The customer declines",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def decline(request: WebRequest, increase_id: FromPath[str]) -> Response[IncreaseShape]:
    """Also after consenting, until it takes effect."""
    return _answered(request, increase_id, increases.decline)


handlers: list[Any] = [
    sign,
    list_mandates,
    cancel_mandate,
    list_credentials,
    add_user,
    list_users,
    remove_user,
    show_rewards,
    grant,
    redeem,
    give_coupon,
    use_coupon,
    propose,
    list_increases,
    consent,
    decline,
]
