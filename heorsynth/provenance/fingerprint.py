"""A keyed fingerprint of the source; without the key, guessed rows cannot be tested against it."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from heorsynth.core.errors import FileError, Problem
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.cohort_folder import CohortFolder

_KEY_VARIABLE = "HEORSYNTH_KEY"
PUBLIC_KEY = b"a bundled dataset is public: this key hides nothing"


def _key_file() -> Path:
    """Path of the user's key, which is created on first use and readable only by the user."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "heorsynth" / "fingerprint.key"


def private_key() -> bytes:
    """The user's key, from the environment variable HEORSYNTH_KEY or else from `_key_file`.

    Raises
    ------
    FileError      the key file cannot be read or created
    """
    if given := os.environ.get(_KEY_VARIABLE):
        return given.encode()
    path = _key_file()
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
        return path.read_bytes()
    except OSError as error:
        raise FileError(
            "fingerprint key", Problem("", "cannot be read or created", f"set the environment variable {_KEY_VARIABLE}")
        ) from error


def fingerprint(cohort: Cohort | CohortFolder, key: bytes) -> str:
    """HMAC-SHA256 of the roles and rows of a cohort, in hex; for a folder, of the roles and the bytes of its files.

    Notes
    -----
    With a plain hash, anybody could test guessed rows of a small cohort. Here the key is needed for such a test.
    """
    if isinstance(cohort, CohortFolder):
        digest = hmac.new(key, repr(cohort.schema).encode(), hashlib.sha256)
        for name in cohort.files:
            with (cohort.path / name).open("rb") as file:
                digest.update(b"\0" + name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()
    rows = cohort.rows.to_csv(index=False, lineterminator="\n").encode()
    return hmac.new(key, repr(cohort.schema).encode() + b"\0" + rows, hashlib.sha256).hexdigest()
