"""Seals a run's statement in a DSSE envelope, signed with Ed25519 where a key is given, and opens it again."""

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
PAYLOAD_TYPE = "application/vnd.in-toto+json"
KEY_VARIABLE = "HEORSYNTH_SIGN_KEY"
UNSIGNED = "Unsigned: an accident to this folder is found, a forgery is not. Give --sign-key to sign."
SIGNED = "Signed with Ed25519. Whose key it is must be learnt elsewhere: verify with --trusted-key."


@dataclass(frozen=True)
class Seal:
    """What an envelope holds.

    Attributes
    ----------
    payload : bytes      the statement that was sealed
    key_id : str         SHA-256 of the public key it verifies with; "" where it is unsigned
    """

    payload: bytes
    key_id: str


def signing_key(path: str | Path | None) -> Ed25519PrivateKey | None:
    """The key in a PEM file, or in the one HEORSYNTH_SIGN_KEY names; None where neither is given.

    Raises
    ------
    SignatureError      not an unencrypted Ed25519 private key
    FileError           the file cannot be read
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    named = path or os.environ.get(KEY_VARIABLE)
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
    """The public key in a PEM file; SignatureError if it holds none of Ed25519."""
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
    """SHA-256 of a public key's 32 bytes, in hex: the name it goes by."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def keygen(path: str | Path) -> tuple[Path, Path, str]:
    """Makes a key pair: the private key at `path`, readable by its owner only, and `path`.pub; and the key's name.

    Raises
    ------
    OutputError      one of the files is there already, or cannot be written
    """
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private, public = Path(path), Path(f"{path}.pub")
    if private.exists() or public.exists():
        raise OutputError(f"key {private.name!r}", Problem("", "is there already", "choose another name"))
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    shown = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    try:
        with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret)
        public.write_bytes(shown)
    except OSError as error:
        found = f"cannot be written ({error.strerror})"
        raise OutputError(f"key {private.name!r}", Problem("", found, "check the folder's rights")) from error
    return private, public, key_id(key.public_key())


def sealed(payload: bytes, key: Ed25519PrivateKey | None) -> str:
    """The envelope of a statement, as the text of its file.

    Notes
    -----
    Signed is the pre-authentication encoding "DSSEv1", then type and payload, each after its length (DSSE 1.0).
    """
    if key is None:
        return _written(payload, [])
    signature = key.sign(_encoded(payload))
    public = key.public_key()
    entry = {"keyid": key_id(public), "sig": _base64(signature), "public_key": public.public_bytes_raw().hex()}
    return _written(payload, [entry])


def opened(text: bytes) -> Seal:
    """What an envelope holds, if every byte of it is as it was sealed.

    Raises
    ------
    SignatureError      not an envelope, one byte of it altered, or a signature that does not verify
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
    """True if what is left of a damaged envelope still names this statement, by its text or by its hash."""
    return _base64(payload).encode() in text or hashlib.sha256(payload).hexdigest().encode() in text


def _key_that_verifies(payload: bytes, signature: dict[str, str]) -> str | None:
    """The name of the key that an envelope's signature verifies with; None if it does not."""
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
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _written(payload: bytes, signatures: list[dict[str, str]]) -> str:
    facts: dict[str, Any] = {
        "payloadType": PAYLOAD_TYPE,
        "payload": _base64(payload),
        "payload_sha256": hashlib.sha256(payload).hexdigest(),
        "signatures": signatures,
        "note": SIGNED if signatures else UNSIGNED,
    }
    return json.dumps(facts, indent=2) + "\n"
