"""Freezes a protocol before results are seen, and tells whether it has changed since."""

from __future__ import annotations

import glob
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from heorsynth.core.errors import FileError, OutputError, Problem, ProtocolError, RunError
from heorsynth.core.plugins import ESTIMANDS, installed
from heorsynth.core.reading import json_of, typed
from heorsynth.generators import registry
from heorsynth.protocol.file.error_lines import leaves
from heorsynth.protocol.file.source import read_origin
from heorsynth.protocol.file.spec import Document, Protocol, read_protocol
from heorsynth.protocol.run_folder import bounded
from heorsynth.provenance.in_toto import STATEMENT, occasion_of

PLACEHOLDER = re.compile(r"^(…|\.\.\.|<.*>|\?+|xxx+|the arm compared with)$|\b(TODO|TBD|FIXME)\b", re.IGNORECASE)
"""What stands where somebody meant to write something later."""

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
"""How a day is written that can be compared with those of runs."""


@dataclass(frozen=True)
class Lock:
    """What was fixed beforehand, and when.

    Attributes
    ----------
    protocol_sha256 : str     of the protocol as it stands now
    locked : bool             whether a lock file was found beside it
    changed : tuple of str    sections that differ from the lock
    amended : tuple of str    of these, the sections an amendment names
    amendments : Mapping      "before", "after" and "unsaid" to the number of amendments that say they came before
                              data, after data, or do not say
    locked_at : str           when, by the clock of the machine that locked it, UTC; "" where the lock does not tell
    runs_before : int         runs of this protocol that were found when it was locked
    known_after : tuple       days of runs of an earlier version of it that came before one of its amendments
    contradicted : int        amendments that say they came before data, though one of those runs came before them
    plugins : Mapping         packages whose plug-ins the protocol uses, with the versions installed
    plugins_locked : Mapping  the same as they were when the protocol was locked
    """

    protocol_sha256: str
    locked: bool
    changed: tuple[str, ...] = ()
    amended: tuple[str, ...] = ()
    amendments: Mapping[str, int] = field(default_factory=dict)
    locked_at: str = ""
    runs_before: int = 0
    known_after: tuple[str, ...] = ()
    contradicted: int = 0
    plugins: Mapping[str, str] = field(default_factory=dict)
    plugins_locked: Mapping[str, str] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """The sentences the first page carries."""
        return " ".join(filter(None, [self._state, self._declared, self._known, self._plugins]))

    @property
    def _plugins(self) -> str:
        """Which plug-ins have another version than when the protocol was locked."""
        then, now = self.plugins_locked, self.plugins
        if not self.locked or then == now:
            return ""
        other = [
            f"{name} {then.get(name) or 'absent'} when locked, {now.get(name) or 'absent'} now"
            for name in sorted({*then, *now})
            if then.get(name) != now.get(name)
        ]
        return f"Plug-ins of other versions: {'; '.join(other)}."

    @property
    def _declared(self) -> str:
        """How many amendments came before data and how many after: one that came after may follow the results."""
        words = {
            "before": "before data",
            "after": "after data",
            "unsaid": "without saying whether before or after data",
        }
        told = [f"{self.amendments[when]} {how}" for when, how in words.items() if self.amendments.get(when)]
        return f"Amendments, as declared: {', '.join(told)}." if told else ""

    @property
    def _known(self) -> str:
        """What runs of earlier versions show of the amendments, whatever those say."""
        if not self.known_after:
            return ""
        against = f", against what {self.contradicted} of them say" if self.contradicted else ""
        return f"A run of {self.known_after[0]} came before amendments of later days{against}."

    @property
    def _when(self) -> str:
        if not self.locked_at:
            return "; its lock does not tell when"
        at = self.locked_at[:16].replace("T", " ")
        if self.runs_before:
            return f" on {at} UTC, after {self.runs_before} of its runs: its margins may follow their results"
        return f" on {at} UTC, before any run of it that was found"

    @property
    def _state(self) -> str:
        if not self.locked:
            return (
                "This protocol was not locked before the run: nothing shows that its margins came before its results."
            )
        if not self.changed:
            return f"This protocol is as it was locked{self._when}."
        silent = [name for name in self.changed if name not in self.amended]
        told = (
            f" Not covered by an amendment: {', '.join(silent)}." if silent else " Every change is in its amendments."
        )
        return f"This protocol was changed after it was locked{self._when}: {', '.join(self.changed)}.{told}"

    def to_json(self) -> str:
        facts = {**asdict(self), "note": self.note}
        told = {name: held for name, held in facts.items() if held or not name.startswith("plugins")}
        return json.dumps(told, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str, protocol_sha256: str) -> Lock:
        """The lock `to_json` wrote into a run folder of this protocol.

        Raises
        ------
        RunError      not a lock, or that of another protocol
        """
        try:
            lock = typed(cls, json_of(text))
        except ValueError:
            raise RunError("protocol.lock", Problem("", "not the lock of a run", "restore it")) from None
        if lock.protocol_sha256 != protocol_sha256:
            found = "the lock of another protocol, or of this one before it was edited"
            raise RunError("protocol.lock", Problem("protocol_sha256", found, "use the lock of this run"))
        return lock


def lock_path(protocol: Path) -> Path:
    """The lock file of a protocol: beside it, with the ending .lock."""
    return protocol.with_suffix(".lock")


def write_lock(path: str | Path, out: str | Path = "runs") -> Path:
    """Locks a protocol as it stands, and returns the lock file's path; a lock that holds already is left as it is.

    Parameters
    ----------
    out : path      folder in which runs of it that came before are looked for: their number is in the lock

    A placeholder is no decision, and roles that the patients do not have cannot be run: neither is locked. Where the
    source is a file that is not here, its roles are not looked at; `source_is_here` tells.

    Raises
    ------
    ProtocolError                a placeholder, or a comparator that is no arm
    FileError, CohortError       the source is here, and does not make a cohort in these roles
    FileError                    it is locked already and has changed: amend it instead
    """
    protocol = read_protocol(path)
    target = lock_path(protocol.path)
    _require_no_placeholder(protocol)
    if source_is_here(protocol):
        read_origin(protocol)
    if target.exists():
        if not read_lock(protocol).changed:
            return target
        fix = "write an amendment; or delete the lock: the new one tells when it was made, and after how many runs"
        raise FileError(f"lock {target.name!r}", Problem("", "the protocol has changed since it was locked", fix))
    facts = {
        "protocol_sha256": protocol.sha256,
        "locked_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "runs_before": len(earlier_runs(protocol, Path(out))),
        "document": _sections(protocol.document),
        **({"plugins": used} if (used := plugins_used(protocol.document)) else {}),
    }
    target.write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return target


def source_is_here(protocol: Protocol) -> bool:
    """True where the patients can be read: a dataset, a simulated trial, or a file or folder that is there."""
    place = protocol.document.cohort.source.path
    return place is None or (protocol.path.parent / place).exists()


def _require_no_placeholder(protocol: Protocol) -> None:
    """Nothing, unless a text of the protocol still waits for its author."""
    written = dict(leaves(protocol.document.model_dump()))
    told = [
        Problem(protocol.where(*at), "is a placeholder", "decide it, or leave the key out, before you lock")
        for at, value in written.items()
        if isinstance(value, str) and PLACEHOLDER.search(value.strip()) and at[:2] != ("cohort", "source")
    ]
    if told:
        raise ProtocolError(f"protocol {protocol.path.name!r}", told)


def read_lock(protocol: Protocol, out: str | Path = "runs") -> Lock:
    """Whether this protocol was locked, when, and which of its sections have changed since.

    Parameters
    ----------
    out : path      folder in which runs of its earlier versions are looked for: they tell which amendments came after
                    data
    """
    path = lock_path(protocol.path)
    unlocked = Lock(protocol.sha256, locked=False, plugins=plugins_used(protocol.document))
    lock = _amended(unlocked, protocol, Path(out))
    if not path.exists():
        return lock
    try:
        facts = json_of(path.read_bytes())
        before = _sections(Document.model_validate(facts["document"]))
        at, runs = str(facts.get("locked_at", "")), int(facts.get("runs_before", 0))
        plugins_then = {str(name): str(held) for name, held in facts.get("plugins", {}).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"lock {path.name!r}", Problem("", "cannot be read", "restore it, or lock again")) from error
    now = _sections(protocol.document)
    changed = tuple(
        sorted(name for name in set(now) | set(before) if name != "amendments" and now.get(name) != before.get(name))
    )
    named = {amendment.section.split(".")[0] for amendment in protocol.document.amendments if amendment.section}
    amended = tuple(name for name in changed if name in named)
    known = replace(lock, locked=True, changed=changed, amended=amended, locked_at=at, runs_before=runs)
    return replace(known, plugins_locked=plugins_then)


def plugins_used(document: Document) -> dict[str, str]:
    """The packages whose plug-ins a protocol uses, for its generator and its margins, with their versions.

    Raises
    ------
    PluginError      the name of its generator is in use twice
    """
    generator = registry.plugin(document.generator.name)
    estimands = [one for one in installed(ESTIMANDS) if one.name in document.margins]
    used = [*([generator] if generator else []), *estimands]
    return {one.distribution or one.value: one.version for one in used}


def _amended(lock: Lock, protocol: Protocol, out: Path) -> Lock:
    """The lock with what amendments say of before and after data, and what runs of earlier versions show of it."""
    made = protocol.document.amendments
    said = Counter(one.before_or_after_data or "unsaid" for one in made)
    runs = [day for day, sha256 in earlier_runs(protocol, out) if sha256 != protocol.sha256] if made else []
    late = [one for one in made if runs and DAY.fullmatch(one.date) and runs[0] < one.date]
    after = tuple(day for day in runs if any(day < one.date for one in late))
    contradicted = sum(one.before_or_after_data == "before" for one in late)
    return replace(lock, amendments=dict(sorted(said.items())), known_after=after, contradicted=contradicted)


def earlier_runs(protocol: Protocol, out: Path) -> list[tuple[str, str]]:
    """The day, and the SHA-256 of its protocol, of every run of a protocol of this name in a folder; earliest first."""
    found = []
    for folder in out.glob(f"{glob.escape(protocol.slug)}-" + "[0-9a-f]" * 8):
        try:
            started = occasion_of(bounded(folder / STATEMENT)).started
            found.append((started[:10], hashlib.sha256(bounded(folder / "protocol.yaml")).hexdigest()))
        except (OSError, ValueError, OutputError):
            continue
    return sorted(found)


def _sections(document: Document) -> Mapping[str, object]:
    """The document with every default written out: a key that a later version adds is then no change."""
    sections: Mapping[str, object] = json.loads(document.model_dump_json())
    return sections
