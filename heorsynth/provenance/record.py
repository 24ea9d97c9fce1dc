"""What a run was, and the occasion on which it was made: the facts that crate, Croissant and statement all tell."""

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

NEEDS_A_PERSON = "needs a person"
"""Stands wherever the protocol leaves blank what no machine can know."""

PLACEHOLDERS = {"tbd", "tba", "tbc", "todo", "to do", "xx", "xxx", "fill in", "to be decided", "needs a person"}
"""What stands for an answer that is still to come; so does whatever has no letter, such as "…", and "<name>"."""

BRACKETED = re.compile(r"<[^<>]*>|\[[^\[\]]*\]|\{[^{}]*\}")


def answered(text: object) -> str:
    """What a person wrote; "" for nothing, and for a line that was pasted and not filled in.

    Examples
    --------
    >>> answered(" the registry's data board "), answered("…"), answered("TBD."), answered("<name, role>")
    ("the registry's data board", '', '', '')
    """
    said = str(text or "").strip()
    filled = any(character.isalnum() for character in said) and not BRACKETED.fullmatch(said)
    return said if filled and said.strip(" .…:").lower() not in PLACEHOLDERS else ""


@dataclass(frozen=True)
class Record:
    """A run without anything of its occasion: the same protocol, data, seed and lock give the same record.

    It holds names, counts, settings and keyed hashes; no value, range or level of the source beyond what the
    protocol itself writes down.

    Attributes
    ----------
    name, title, purpose : str     of the run folder, the protocol, and what the cohorts are for
    verdict, sentence : str        for that purpose
    version : str                  of heorsynth
    source : Mapping               kind, keyed fingerprint and which key, patients, its own label and lineage depth
    protocol : Mapping             SHA-256 of protocol and lock, and what the lock says of changes
    generator : Mapping            name, settings, rows, cohorts, seeds
    post_processing : tuple        what was done to the rows after the law drew them, in order
    margins : tuple of Mapping     every estimand judged: margin on its scale, decisive or not
    amendments : tuple of Mapping  date, what, why, section, before or after data
    holdout : Mapping or None      share, patients on either side, keyed fingerprint of those held out
    governance : Mapping           as the protocol says; None where it is blank
    columns : Mapping              synthetic column to "number", "integer", "boolean" or "text"
    release : str                  names the set of cohorts; every row's id carries it
    language_model : None          no prompt was used: no generator here asks a language model
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
    language_model: None = None

    @property
    def description(self) -> str:
        """What a catalogue shows."""
        return f"Synthetic cohorts, not patients. {self.sentence}"

    def said(self, what: str) -> str:
        """A part of the governance section, or that it needs a person."""
        return answered(self.governance.get(what)) or NEEDS_A_PERSON

    @property
    def terms(self) -> str:
        """On what terms the cohorts may be used, as far as the protocol says."""
        asked = ("intended_use", "prohibited_use", "legal_basis", "retention")
        return "; ".join(f"{name.replace('_', ' ')}: {self.said(name)}" for name in asked)


@dataclass(frozen=True)
class Occasion:
    """When, with what and on what kind of machine a run was made: what may differ between two equal runs.

    Attributes
    ----------
    started, finished : str     UTC, ISO 8601, to the second
    seconds : Mapping           each step to the seconds it took
    machine : Mapping           operating system, architecture, Python; no host, user or path
    packages : Mapping          direct dependencies of heorsynth, and packages whose plug-ins the run used: name to
                                version
    steps : Mapping             each step to when it began and when it ended, UTC
    """

    started: str
    finished: str
    seconds: Mapping[str, float]
    machine: Mapping[str, str]
    packages: Mapping[str, str]
    steps: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def times(self, step: str) -> tuple[str, str]:
        """When a step began and ended: the whole run's times where it was not timed by itself."""
        return self.steps.get(step, (self.started, self.finished))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Occasion:
        """The occasion `to_dict` wrote; ValueError if it is anything else."""
        return typed(cls, facts)


class Clock:
    """Times the steps of a run."""

    def __init__(self) -> None:
        self._started = _now()
        self._seconds: dict[str, float] = {}
        self._steps: dict[str, tuple[str, str]] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Counts what the block takes towards this step."""
        before, began = time.monotonic(), _now()
        yield
        self._seconds[name] = round(self._seconds.get(name, 0.0) + time.monotonic() - before, 3)
        self._steps[name] = self._steps.get(name, (began,))[0], _now()

    def occasion(self, plugins: Mapping[str, str] = MappingProxyType({})) -> Occasion:
        """What was timed so far, on this machine; `plugins` are packages that the run used, with their versions."""
        software = dict(sorted({**plugins, **packages()}.items()))
        return Occasion(self._started, _now(), dict(self._seconds), machine(), software, dict(self._steps))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def machine() -> dict[str, str]:
    """The kind of this machine: nothing that tells it from another of its kind."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def packages() -> dict[str, str]:
    """heorsynth's direct dependencies to the versions installed; "" where one is not."""
    asked = [re.split(r"[^\w.-]", line)[0] for line in requires("heorsynth") or [] if "extra ==" not in line]
    return {name: _version(name) for name in sorted(asked)}


def _version(name: str) -> str:
    try:
        return version(name).split("+")[0]
    except PackageNotFoundError:
        return ""
