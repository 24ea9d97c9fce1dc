"""A folder of recorded calls: one JSON file a call, named by the hash of what was asked."""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Any

from heorsynth.core.errors import CallRecordError, Problem
from heorsynth.core.reading import json_of, typed
from heorsynth.language.models.calls import Answer, Call, digest

_FORMAT = 1
"""Version of the format of a record."""

_MOST_BYTES = 16_000_000
"""Largest record that is read."""

_NAME = re.compile(r"[0-9a-f]{64}\.json")


class Records:
    """Recorded calls in a folder.

    Parameters
    ----------
    folder : path    made when the first call is recorded

    Notes
    -----
    A record holds the call, the raw answer and the SHA-256 of both. The hash shows accidents and edits by hand. Whoever
    rewrites the hash too is caught by the sums and the signature of the run folder that holds the records.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def __contains__(self, call: Call) -> bool:
        return self._path(call.key).is_file()

    def __len__(self) -> int:
        return len(self.keys())

    def keys(self) -> list[str]:
        """Return the keys of the recorded calls, sorted."""
        if not self.folder.is_dir():
            return []
        return sorted(path.stem for path in self.folder.iterdir() if _NAME.fullmatch(path.name))

    def facts(self, key: str) -> dict[str, Any]:
        """Return a record as plain data.

        Raises
        ------
        CallRecordError      it is missing, damaged, altered, or of another call
        """
        path = self._path(key)
        try:
            with path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
            if len(content) > _MOST_BYTES:
                raise ValueError("too large")
            facts = json_of(content)
            said = facts.pop("sha256") if isinstance(facts, dict) else None
            whole = isinstance(facts, dict) and said == digest(facts) and digest(facts["call"]) == key
        except FileNotFoundError:
            raise self._error(key, "there is no such record", "run once with a live model") from None
        except OSError as error:
            raise self._error(key, f"cannot be read ({error.strerror})", "check its permissions") from None
        except (ValueError, KeyError, TypeError):
            raise self._error(key, "is not a record of a call", "restore it") from None
        if not whole:
            raise self._error(key, "was altered: its hash does not match its content", "restore it, or ask again")
        return facts

    def read(self, call: Call) -> Answer:
        """Return the recorded answer to a call; raise CallRecordError as `facts` does."""
        facts = self.facts(call.key)
        try:
            return typed(Answer, facts["answer"])
        except (KeyError, ValueError):
            raise self._error(call.key, "is not a record of a call", "restore it") from None

    def write(self, call: Call, answer: Answer) -> Path:
        """Write a record, complete or not at all. A record that exists is not replaced.

        Raises
        ------
        CallRecordError      the folder cannot be written
        """
        facts = {"heorsynth_record": _FORMAT, "call": call.to_dict(), "answer": asdict(answer)}
        text = json.dumps({**facts, "sha256": digest(facts)}, indent=1, sort_keys=True, ensure_ascii=True) + "\n"
        path = self._path(call.key)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.stem}.{secrets.token_hex(4)}")
            try:
                draft.write_text(text, encoding="utf-8")
                os.link(draft, path)
            finally:
                draft.unlink(missing_ok=True)
        except FileExistsError:
            pass
        except OSError as error:
            raise self._error(call.key, f"cannot be written ({error.strerror})", "check folder and disk") from None
        return path

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _error(self, key: str, found: str, fix: str) -> CallRecordError:
        return CallRecordError(f"recorded call {key[:12]}", Problem("", found, fix))
