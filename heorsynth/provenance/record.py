"""The facts of a run, and the time and machine of it, as used by RO-Crate, Croissant file and statement."""

from __future__ import annotations

import platform
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from types import MappingProxyType
from typing import Any

from heorsynth.core.reading import typed
from heorsynth.data.labels.levels import level_sentence
from heorsynth.data.labels.spending import privacy_sentence

NEEDS_A_PERSON = "needs a person"
"""Shown for a blank answer that only a person can give."""

_PLACEHOLDERS = {"tbd", "tba", "tbc", "todo", "to do", "xx", "xxx", "fill in", "to be decided", "needs a person"}
"""Texts that count as no answer. A text without letters, such as "…", and a text in brackets count as none too."""

_BRACKETED = re.compile(r"<[^<>]*>|\[[^\[\]]*\]|\{[^{}]*\}")


def answered(text: object) -> str:
    """The answer of a person, without spaces around it; "" for a blank or a placeholder.

    Examples
    --------
    >>> answered(" the registry's data board "), answered("…"), answered("TBD."), answered("<name, role>")
    ("the registry's data board", '', '', '')
    """
    answer = str(text or "").strip()
    filled = any(character.isalnum() for character in answer) and not _BRACKETED.fullmatch(answer)
    return answer if filled and answer.strip(" .…:").lower() not in _PLACEHOLDERS else ""


@dataclass(frozen=True)
class Record:
    """The facts of a run without time and machine: the same protocol, data, seed and lock give the same record.

    It contains names, counts, settings and keyed hashes. It contains no value, range or level of the source, except
    those in the protocol.

    Attributes
    ----------
    name : str                     name of the run folder
    title, purpose : str           title and purpose of the protocol
    verdict, sentence : str        the verdict for this purpose, and its explanation
    version : str                  version of heorsynth
    source : Mapping               kind, keyed fingerprint, kind of key, number of patients, label, depth of lineage
    protocol : Mapping             SHA-256 of protocol and lock, and the content of the lock
    generator : Mapping            name, settings, numbers of rows and cohorts, seeds
    post_processing : tuple        the steps applied to the rows after they were drawn, in order
    margins : tuple of Mapping     every estimand judged, with its margin, scale and whether it is decisive
    amendments : tuple of Mapping  date, what, why, section, before or after data
    holdout : Mapping or None      share, number of patients in and outside the hold-out, keyed fingerprint
    governance : Mapping           the answers in the protocol; None for a blank
    columns : Mapping              synthetic column to "number", "integer", "boolean" or "text"
    release : str                  name of the set of cohorts; part of the id of every row
    language_model : Mapping or None  the model that wrote texts; no generator of heorsynth uses one
    texts : tuple of Mapping       the texts of the run, by maker
    """

    name: str
    title: str
    purpose: str
    verdict: str
    sentence: str
    version: str
    source: Mapping[str, Any]
    protocol: Mapping[str, Any]
    generator: Mapping[str, Any]
    post_processing: tuple[str, ...]
    margins: tuple[Mapping[str, Any], ...]
    amendments: tuple[Mapping[str, Any], ...]
    holdout: Mapping[str, Any] | None
    governance: Mapping[str, str | None]
    columns: Mapping[str, str]
    release: str
    language_model: Mapping[str, Any] | None = None
    texts: tuple[Mapping[str, Any], ...] = ()

    @property
    def description(self) -> str:
        """The description for a data catalogue."""
        level = level_sentence(str(self.generator.get("level", "")))
        promised = privacy_sentence(self.generator.get("settings", {}))
        return f"Synthetic cohorts, not patients. {self.sentence} {level} {promised}".rstrip()

    def answer(self, key: str) -> str:
        """The answer to a key of the governance section, or "needs a person"."""
        return answered(self.governance.get(key)) or NEEDS_A_PERSON

    @property
    def terms(self) -> str:
        """The terms of use in the governance section."""
        keys = ("intended_use", "prohibited_use", "legal_basis", "retention")
        return "; ".join(f"{name.replace('_', ' ')}: {self.answer(name)}" for name in keys)


@dataclass(frozen=True)
class Occasion:
    """Time, packages and machine of a run: the facts that differ between two equal runs.

    Attributes
    ----------
    started, finished : str     UTC, ISO 8601, to the second
    seconds : Mapping           step to its duration in seconds
    machine : Mapping           operating system, architecture, Python; no host, user or path
    packages : Mapping          direct dependencies of heorsynth, and packages whose plug-ins the run used: name to
                                version
    steps : Mapping             step to its start and end, UTC
    """

    started: str
    finished: str
    seconds: Mapping[str, float]
    machine: Mapping[str, str]
    packages: Mapping[str, str]
    steps: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def times(self, step: str) -> tuple[str, str]:
        """Start and end of a step; those of the whole run if the step was not timed."""
        return self.steps.get(step, (self.started, self.finished))

    def to_dict(self) -> dict[str, Any]:
        """The occasion as JSON-ready data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Occasion:
        """The occasion that `to_dict` wrote; ValueError for any other data."""
        return typed(cls, facts)


class Clock:
    """Times the steps of a run."""

    def __init__(self) -> None:
        self._started = _now()
        self._seconds: dict[str, float] = {}
        self._steps: dict[str, tuple[str, str]] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the duration of the block to this step."""
        before, began = time.monotonic(), _now()
        yield
        self._seconds[name] = round(self._seconds.get(name, 0.0) + time.monotonic() - before, 3)
        self._steps[name] = self._steps.get(name, (began,))[0], _now()

    def occasion(self, plugins: Mapping[str, str] = MappingProxyType({})) -> Occasion:
        """The times so far, with this machine and its packages; `plugins` are packages whose plug-ins the run used."""
        software = dict(sorted({**plugins, **packages()}.items()))
        return Occasion(self._started, _now(), dict(self._seconds), machine(), software, dict(self._steps))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def machine() -> dict[str, str]:
    """Operating system, architecture and Python version; nothing that identifies the machine."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def packages() -> dict[str, str]:
    """Direct dependency of heorsynth to its installed version; "" if it is not installed."""
    names = [re.split(r"[^\w.-]", line)[0] for line in requires("heorsynth") or [] if "extra ==" not in line]
    return {name: _version(name) for name in sorted(names)}


def _version(name: str) -> str:
    try:
        return version(name).split("+")[0]
    except PackageNotFoundError:
        return ""
