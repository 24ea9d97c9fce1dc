"""The release key: a secret of the custodian, from which the noise of a release is drawn."""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from heorsynth.core.errors import FileError, Problem

_KEY_VARIABLE = "HEORSYNTH_RELEASE_KEY"
"""Environment variable with the path of the release key."""

_LEAST_CHARACTERS = 32
"""The smallest number of characters of a key: 16 random bytes in hex. A key that is made here has 64."""


@dataclass(frozen=True)
class ReleaseKey:
    """The secret behind the noise of releases. Its `repr` shows its id only.

    Attributes
    ----------
    secret : bytes     never written, never shown
    public : bool      True for the constant key of data that are themselves public
    """

    secret: bytes = field(repr=False)
    public: bool = False

    @property
    def id(self) -> str:
        """A commitment to the key: 16 hex digits of HMAC-SHA256(key, "id"). It does not reveal the key."""
        return self.tag(b"id").hex()[:16]

    @property
    def stated(self) -> str:
        """What a label and a record say of the key: "public", or its id."""
        return "public" if self.public else self.id

    def tag(self, what: bytes) -> bytes:
        """HMAC-SHA256 of `what` with this key (32 bytes)."""
        return hmac.digest(self.secret, what, "sha256")

    def __repr__(self) -> str:
        return f"ReleaseKey({self.stated})"


PUBLIC_RELEASE_KEY = ReleaseKey(b"heorsynth: the data are public, and so is the key of their noise", public=True)
"""The key of releases of bundled datasets and simulated trials. They have nobody to protect, and anyone can repeat
their runs to the byte."""


def release_key(path: str | Path | None = None, create: bool = True) -> ReleaseKey:
    """Return the custodian's key: from `path`, else from HEORSYNTH_RELEASE_KEY, else from the user's data folder.

    Parameters
    ----------
    path : path, optional     a file with the key as text
    create : bool             make the key in the user's data folder if none is named and there is none: 32 random
                              bytes in hex, readable by the user only

    Raises
    ------
    FileError                 the file does not exist, cannot be read or made, or is too short for a key
    """
    named = path or os.environ.get(_KEY_VARIABLE)
    file = Path(named) if named else _default_file()
    subject = f"release key {file.name!r}"
    try:
        if not named and create and not file.exists():
            _make(file)
        text = file.read_bytes().strip()
    except FileNotFoundError as error:
        raise FileError(subject, Problem("", "no such file", _fix(bool(named)))) from error
    except OSError as error:
        found = f"cannot be read or made ({error.strerror})"
        raise FileError(subject, Problem("", found, _fix(bool(named)))) from error
    if len(text) < _LEAST_CHARACTERS:
        fix = "write one long random text: python -c 'import secrets; print(secrets.token_hex(32))'"
        raise FileError(subject, Problem("", f"fewer than {_LEAST_CHARACTERS} characters", fix))
    return ReleaseKey(text)


def noise_stream(key: ReleaseKey, what: bytes) -> np.random.Generator:
    """Return the stream of noise of this key for `what`.

    Parameters
    ----------
    key : ReleaseKey
    what : bytes        the content of the source, the settings, and the name of the statistic. The same bytes give the
                        same noise, so repeated releases do not average it away. Other bytes give independent noise

    Returns
    -------
    numpy.random.Generator      PCG64, seeded with HMAC-SHA256(key, "noise" + what)

    Notes
    -----
    PCG64 is no cryptographic generator. Open one stream for each statistic, so that nothing that is learnt of one
    stream tells anything about another.

    Examples
    --------
    >>> key = ReleaseKey(b"a secret of the custodian")
    >>> one, again = noise_stream(key, b"mean of age"), noise_stream(key, b"mean of age")
    >>> bool(one.normal() == again.normal())
    True
    """
    words = np.frombuffer(key.tag(b"noise\0" + what), dtype="<u4")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words.tolist())))


def _default_file() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "heorsynth" / "release.key"


def _fix(named: bool) -> str:
    if named:
        return f"check the path in release_key, --release-key or {_KEY_VARIABLE}"
    return f"give the file of the key as --release-key FILE, or its path in {_KEY_VARIABLE}"


def _make(file: Path) -> None:
    """Write a new key, complete or not at all; a key that another process has just made is kept."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_hex(32))
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
