"""Models on their way from the lab to live: signed there, verified here.

The key pair is Ed25519 (RFC 8032). Its private half signs in the lab; whoever scores needs the
public half alone. What is signed are the model's own bytes, so a changed digit is refused.
"""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from whiteslip.decisions.model import TableError
from whiteslip.decisions.scoring import Model, decoded, encoded
from whiteslip.store.files import write_once

_KEY_BYTES: Final = 32


class Artefact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed model: its bytes as text, and the signature of them in base64."""

    model: str
    signature: str


def make_key(path: Path) -> Ed25519PrivateKey:
    """The signing key in ``path``, made (0600) if there is none."""
    if not path.exists():
        made = base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
        with suppress(FileExistsError):
            write_once(path, made + "\n")
    return _read_key(path)


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        raw = base64.b64decode(path.read_bytes().strip(), validate=True)
    except (OSError, binascii.Error) as error:
        raise TableError(f"the signing key {path} cannot be read: {error}") from None
    if len(raw) != _KEY_BYTES:
        raise TableError(f"{path} holds no signing key: it has {len(raw)} bytes, not {_KEY_BYTES}")
    return Ed25519PrivateKey.from_private_bytes(raw)


def sign(model: Model, key: Ed25519PrivateKey) -> bytes:
    """The artefact of a model."""
    content = encoded(model)
    signature = base64.b64encode(key.sign(content)).decode()
    return msgspec.json.format(msgspec.json.encode(Artefact(content.decode(), signature)), indent=1)


def verified(artefact: bytes, key: Ed25519PublicKey) -> Model:
    """The model of an artefact. Raises TableError when it was altered or another key signed it."""
    try:
        found = msgspec.json.decode(artefact, type=Artefact)
        signature = base64.b64decode(found.signature, validate=True)
    except (msgspec.DecodeError, msgspec.ValidationError, binascii.Error) as error:
        raise TableError(f"this is no signed model: {error}") from None
    content = found.model.encode()
    try:
        key.verify(signature, content)
    except InvalidSignature:
        raise TableError("this model was altered after it was signed, or signed by another key") from None
    return decoded(content)
