"""A keyed fingerprint of the source: it tells two sources apart, and cannot be confirmed by guessing rows."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from heorsynth.core.errors import FileError, Problem
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.cohort_folder import CohortFolder

KEY_VARIABLE = "HEORSYNTH_KEY"
PUBLIC_KEY = b"a bundled dataset is public: this key hides nothing"


def key_file() -> Path:
    """Where this user's key lies: made on first use, readable by nobody else."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "heorsynth" / "fingerprint.key"


def private_key() -> bytes:
    """The user's key: from the environment variable HEORSYNTH_KEY, else from `key_file`.

    Raises
    ------
    FileError      the key file can neither be read nor made
    """
    if given := os.environ.get(KEY_VARIABLE):
        return given.encode()
    path = key_file()
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
        return path.read_bytes()
    except OSError as error:
        raise FileError(
            "fingerprint key", Problem("", "cannot be read or made", f"set the environment variable {KEY_VARIABLE}")
        ) from error


def fingerprint(cohort: Cohort | CohortFolder, key: bytes) -> str:
    """HMAC-SHA256 of the cohort's rows and roles, in hex; of a folder, of its files as they are.

    Notes
    -----
    A plain hash of a tiny cohort can be confirmed by trying candidate rows; without the key this cannot.
    """
    if isinstance(cohort, CohortFolder):
        told = hmac.new(key, repr(cohort.schema).encode(), hashlib.sha256)
        for name in cohort.files:
            with (cohort.path / name).open("rb") as file:
                told.update(b"\0" + name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
        return told.hexdigest()
    rows = cohort.rows.to_csv(index=False, lineterminator="\n").encode()
    return hmac.new(key, repr(cohort.schema).encode() + b"\0" + rows, hashlib.sha256).hexdigest()
