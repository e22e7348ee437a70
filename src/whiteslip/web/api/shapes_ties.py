"""Bodies and answers about what hangs on a line. Amounts are minor units of the line's currency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from whiteslip.base.ids import public
from whiteslip.billing.mandates import Mandate
from whiteslip.billing.rewards import Coupon
from whiteslip.lines.increases import Increase
from whiteslip.lines.users import AuthorisedUser
from whiteslip.purchases.model import Credential
from whiteslip.web.api.shapes import Amount, Key, Text


class NewMandate(Struct, forbid_unknown_fields=True):
    """Leave to collect. ``reference`` is what stands on the payer's bank statement."""

    scheme: Literal["sepa_core", "bacs", "ach", "cn_agreed"]
    reference: Key
    signed_on: date


class MandateShape(Struct):
    """A mandate. One that is not ``active`` collects nothing."""

    id: str
    line: str
    scheme: str
    reference: str
    state: str
    signed_on: date
    last_used_on: date | None
    ended_at: datetime | None

    @classmethod
    def of(cls, mandate: Mandate) -> MandateShape:
        """Shape a mandate."""
        return cls(
            public("mdt", mandate.id),
            public("line", mandate.line),
            mandate.scheme,
            mandate.reference,
            mandate.state,
            mandate.signed_on,
            mandate.last_used_on,
            mandate.ended_at,
        )


class CredentialShape(Struct):
    """A shop that keeps the line on file; ``last_code`` is why its last attempt was declined."""

    shop: str
    stored_at: datetime
    last_used_at: datetime
    declined: int
    last_declined_at: datetime | None
    last_code: str | None

    @classmethod
    def of(cls, known: Credential) -> CredentialShape:
        """Shape a shop on file."""
        return cls(
            known.shop,
            known.stored_at,
            known.last_used_at,
            known.declined,
            known.last_declined_at,
            known.last_code,
        )


class NewUser(Struct, forbid_unknown_fields=True):
    """Somebody who may draw. What names them goes into the vault and comes back in no answer."""

    full_name: Text
    id_number: Text
    phone: Text
    email: Text
    language: Literal["zh-CN", "en"] = "zh-CN"


class UserShape(Struct):
    """Somebody who may draw, until ``removed_at``."""

    id: str
    line: str
    language: str
    added_at: datetime
    removed_at: datetime | None

    @classmethod
    def of(cls, user: AuthorisedUser) -> UserShape:
        """Shape a user."""
        return cls(
            public("usr", user.id), public("line", user.line), user.language, user.added_at, user.removed_at
        )


class RewardBody(Struct, forbid_unknown_fields=True):
    """How much cash back is given."""

    amount_minor: Amount


class NewCoupon(Struct, forbid_unknown_fields=True):
    """A coupon that is good until the end of a day."""

    title: Annotated[str, Meta(min_length=1, max_length=80)]
    usable_until: date


class CouponShape(Struct):
    """A coupon."""

    id: str
    title: str
    usable_until: date
    used_at: datetime | None

    @classmethod
    def of(cls, coupon: Coupon) -> CouponShape:
        """Shape a coupon."""
        return cls(public("cpn", coupon.id), coupon.title, coupon.usable_until, coupon.used_at)


class RewardShape(Struct):
    """The rewards of a line: ``balance_minor`` is cash back at face value."""

    line: str
    currency: str
    balance_minor: int
    coupons: Sequence[CouponShape]


class NewIncrease(Struct, forbid_unknown_fields=True):
    """A higher limit, and the instant from which it would apply."""

    to_minor: Amount
    effective_at: datetime


class IncreaseShape(Struct):
    """A higher limit that was proposed, and what became of it."""

    id: str
    line: str
    to_minor: int
    effective_at: datetime
    state: str
    consented_at: datetime | None
    ended_at: datetime | None
    ended_why: str | None

    @classmethod
    def of(cls, increase: Increase) -> IncreaseShape:
        """Shape an increase."""
        return cls(
            public("inc", increase.id),
            public("line", increase.line),
            increase.to_minor,
            increase.effective_at,
            increase.state,
            increase.consented_at,
            increase.ended_at,
            increase.ended_why,
        )
