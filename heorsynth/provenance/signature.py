"""Writes and reads the DSSE envelope of a run's statement, signed with Ed25519 if a key is given."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heorsynth.core.errors import FileError, OutputError, Problem, SignatureError
from heorsynth.core.reading import json_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ENVELOPE = "signature.json"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_KEY_VARIABLE = "HEORSYNTH_SIGN_KEY"
UNSIGNED = "Unsigned: accidental changes are detected, forgery is not. Give --sign-key to sign."
_SIGNED = "Signed with Ed25519. The signature does not prove who owns the key: verify with --trusted-key."


@dataclass(frozen=True)
class Seal:
    """The content of an envelope.

    Attributes
    ----------
    payload : bytes      the statement
    key_id : str         SHA-256 of the public key that verifies the signature; "" if unsigned
    """

    payload: bytes
    key_id: str


def signing_key(path: str | Path | None) -> Ed25519PrivateKey | None:
    """The private key in a PEM file, by default the file in HEORSYNTH_SIGN_KEY; None if neither is given.

    Raises
    ------
    SignatureError      the file is not an unencrypted Ed25519 private key
    FileError           the file cannot be read
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    named = path or os.environ.get(_KEY_VARIABLE)
    if not named:
        return None
    fix = "make one with `heorsynth keygen FILE`"
    wrong = SignatureError("signing key", Problem("", "not an unencrypted Ed25519 private key", fix))
    try:
        key = load_pem_private_key(_read(Path(named), "signing key"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise wrong from None
    if not isinstance(key, Ed25519PrivateKey):
        raise wrong
    return key


def public_key(path: str | Path) -> Ed25519PublicKey:
    """The public key in a PEM file; SignatureError if it is not an Ed25519 public key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    wrong = SignatureError("trusted key", Problem("", "not an Ed25519 public key", "give the .pub file of keygen"))
    try:
        key = load_pem_public_key(_read(Path(path), "trusted key"))
    except (ValueError, UnsupportedAlgorithm):
        raise wrong from None
    if not isinstance(key, Ed25519PublicKey):
        raise wrong
    return key


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileError(what, Problem("", f"cannot be read ({error.strerror})", "check the path")) from error


def key_id(key: Ed25519PublicKey) -> str:
    """The id of a public key: SHA-256 of its 32 bytes, in hex."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def keygen(path: str | Path) -> tuple[Path, Path, str]:
    """Create a key pair: the private key at `path`, readable by its owner only, and the public key at `path`.pub.

    Returns
    -------
    tuple            the two paths, and the id of the key

    Raises
    ------
    OutputError      one of the files exists already, or cannot be written
    """
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private, public = Path(path), Path(f"{path}.pub")
    if private.exists() or public.exists():
        raise OutputError(f"key {private.name!r}", Problem("", "exists already", "choose another name"))
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    published = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    try:
        with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret)
        public.write_bytes(published)
    except OSError as error:
        found = f"cannot be written ({error.strerror})"
        raise OutputError(f"key {private.name!r}", Problem("", found, "check the permissions of the folder")) from error
    return private, public, key_id(key.public_key())


def sealed(payload: bytes, key: Ed25519PrivateKey | None) -> str:
    """The envelope of a statement, as the text of its file.

    Notes
    -----
    The signature covers the pre-authentication encoding of DSSE 1.0: "DSSEv1", then type and payload, each preceded by
    its length.
    """
    if key is None:
        return _written(payload, [])
    signature = key.sign(_encoded(payload))
    public = key.public_key()
    entry = {"keyid": key_id(public), "sig": _base64(signature), "public_key": public.public_bytes_raw().hex()}
    return _written(payload, [entry])


def opened(text: bytes) -> Seal:
    """The content of an envelope, after checking every byte and the signature.

    Raises
    ------
    SignatureError      the text is not an envelope, was altered, or its signature is not valid
    """
    altered = SignatureError(ENVELOPE, Problem("", "altered or forged", "do not use the run"))
    try:
        facts = json_of(text)
        payload, signatures = base64.b64decode(facts["payload"], validate=True), facts["signatures"]
        verified = [_key_that_verifies(payload, one) for one in signatures]
        same = _written(payload, signatures).encode() == text
    except (ValueError, KeyError, TypeError, AttributeError):
        raise altered from None
    if not same or None in verified or len(verified) > 1:
        raise altered
    return Seal(payload, verified[0] or "" if verified else "")


def covers(text: bytes, payload: bytes) -> bool:
    """True if a damaged envelope still contains this statement or its hash."""
    return _base64(payload).encode() in text or hashlib.sha256(payload).hexdigest().encode() in text


def _key_that_verifies(payload: bytes, signature: dict[str, str]) -> str | None:
    """The id of the key that verifies a signature; None if the signature is not valid."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if set(signature) != {"keyid", "sig", "public_key"}:
        return None
    raw = base64.b64decode(signature["sig"], validate=True)
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature["public_key"]))
    try:
        public.verify(raw, _encoded(payload))
    except InvalidSignature:
        return None
    exact = (_base64(raw), public.public_bytes_raw().hex(), key_id(public))
    return key_id(public) if exact == (signature["sig"], signature["public_key"], signature["keyid"]) else None


def _encoded(payload: bytes) -> bytes:
    kind = _PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _written(payload: bytes, signatures: list[dict[str, str]]) -> str:
    facts: dict[str, Any] = {
        "payloadType": _PAYLOAD_TYPE,
        "payload": _base64(payload),
        "payload_sha256": hashlib.sha256(payload).hexdigest(),
        "signatures": signatures,
        "note": _SIGNED if signatures else UNSIGNED,
    }
    return json.dumps(facts, indent=2) + "\n"
