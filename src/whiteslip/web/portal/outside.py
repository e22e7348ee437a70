"""People who are not signed in: what their browser carries, and codes that give nothing away.

Somebody nobody knows gets a stand-in: an id made from what they typed. Codes are counted and
checked for it as for anybody, so limits, refusals and time are the same; nothing is ever sent.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import Cookie

from whiteslip import identity, lines
from whiteslip.base import Refusal
from whiteslip.identity import codes
from whiteslip.identity.model import Code
from whiteslip.lines import Customer
from whiteslip.notices import Addressee
from whiteslip.notices.compose import code_text, code_title
from whiteslip.notices.mailers import MailError
from whiteslip.store import Tx
from whiteslip.web.kit.cookies import WebRequest, settings_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings

CLAIM_MINUTES: Final = 30
_NONCE_BYTES: Final = 12
_log: Any = structlog.get_logger("whiteslip.portal")


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody said of themselves at ``asked_at``, for one ``purpose``: an id and nothing else."""

    purpose: str
    subject: UUID
    asked_at: datetime
    to: str = "/line"


@dataclass(frozen=True, slots=True)
class Applicant:
    """Somebody in the vault who is no customer yet, and the language they applied in."""

    id: UUID
    language: str


def _key(settings: WebSettings, use: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, b"whiteslip/portal/" + use).derive(settings.secret)


def stand_in(settings: WebSettings, *typed: str) -> UUID:
    """The id of somebody we do not know: the same for the same words, and no way back to them."""
    digest = hmac.digest(_key(settings, b"stand-in"), "\0".join(typed).encode(), "sha256")
    return UUID(bytes=digest[:16])


def _name(settings: WebSettings) -> str:
    return "__Host-claim" if settings.https else "claim"


def _cookie(settings: WebSettings, value: str, max_age: int) -> Cookie:
    return Cookie(
        key=_name(settings),
        value=value,
        path="/",
        max_age=max_age,
        httponly=True,
        secure=settings.https,
        samesite="lax",
    )


def keep(settings: WebSettings, claim: Claim) -> Cookie:
    """The claim for the browser to carry, where nobody can read or change it."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCMSIV(_key(settings, b"claim")).encrypt(nonce, msgspec.json.encode(claim), None)
    return _cookie(settings, base64.urlsafe_b64encode(nonce + sealed).decode(), CLAIM_MINUTES * 60)


def forget(settings: WebSettings) -> Cookie:
    """Make the browser drop its claim."""
    return _cookie(settings, "", 0)


def claim_of(request: WebRequest, now: datetime, purpose: str | None = None) -> Claim | None:
    """The claim the browser carries, if we sealed it, it is fresh, and it is for ``purpose``."""
    settings = settings_of(request)
    held = request.cookies.get(_name(settings), "")
    try:
        raw = base64.urlsafe_b64decode(held)
        plain = AESGCMSIV(_key(settings, b"claim")).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
        claim = msgspec.json.decode(plain, type=Claim)
    except (binascii.Error, InvalidTag, ValueError):
        return None
    is_fresh = claim.asked_at <= now < claim.asked_at + timedelta(minutes=CLAIM_MINUTES)
    return claim if is_fresh and purpose in (None, claim.purpose) else None


def match(tx: Tx, ports: Ports, phone: str, full_name: str, id_number: str) -> list[UUID]:
    """Whoever has this phone, ID number and name; ``phone`` as it is kept."""
    found = identity.find(tx, ports.vault, id_number=id_number, phone=phone)
    return [who for who in found if identity.compare(tx, ports.vault, who, full_name, id_number).all]


def ask(tx: Tx, ports: Ports, claim: Claim, now: datetime) -> Code | Refusal:
    """Make a code for whoever it is. Refusal: ``identity.too_many_codes``."""
    return codes.send_code(
        tx,
        ports.vault,
        claim.subject,
        claim.purpose,
        ports.pack.minutes("identity.code_minutes"),
        ports.pack.count("identity.codes_per_hour"),
        now,
    )


def check_code(tx: Tx, ports: Ports, claim: Claim, typed: str, now: datetime) -> Refusal | None:
    """Whether the code is right; a wrong one is counted, so the caller commits also when refused."""
    return codes.check_code(
        tx,
        ports.vault,
        claim.subject,
        claim.purpose,
        typed,
        ports.pack.minutes("identity.code_minutes"),
        ports.pack.count("identity.code_attempts"),
        now,
    )


def check(tx: Tx, ports: Ports, claim: Claim, typed: str, now: datetime) -> Customer | Refusal:
    """Whose code it is. A wrong one is counted, so the caller commits also when refused."""
    customer = check_code(tx, ports, claim, typed, now) or lines.get_customer(tx, claim.subject)
    if isinstance(customer, Refusal) and customer.code == "customer.not_found":
        return Refusal("identity.code_wrong")
    return customer


def delivery(
    ports: Ports, subject: UUID, code: Code | Refusal, now: datetime, applicant: Applicant | None = None
) -> BackgroundTask | None:
    """Send the code once the answer is on its way, so that a slow mail server tells nothing.

    An ``applicant`` is no customer yet: the code goes to what they typed.
    """
    return (
        None if isinstance(code, Refusal) else BackgroundTask(_deliver, ports, subject, code, now, applicant)
    )


def _deliver(
    ports: Ports, subject: UUID, code: Code, now: datetime, applicant: Applicant | None = None
) -> None:
    with ports.database.transaction() as tx:
        person = identity.peek(tx, ports.vault, applicant.id if applicant else subject)
        customer = None if applicant else lines.get_customer(tx, subject)
    language = applicant.language if applicant else getattr(customer, "language", None)
    if language is None or isinstance(person, Refusal):
        return
    to = Addressee(person.full_name, person.email, person.phone)
    minutes, issuer = ports.pack.minutes("identity.code_minutes"), ports.office.issuer_name
    title, text = code_title(language, issuer), code_text(language, code.text, minutes, issuer)
    try:
        ports.mailer.send_code(subject, to, title, text, now)
    except MailError as error:
        _log.warning("code.not_sent", error=type(error).__name__)
