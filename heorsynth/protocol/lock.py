"""Locks a protocol before results are known, and reports later changes."""

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
from heorsynth.protocol.file.analyses import script_hashes
from heorsynth.protocol.file.error_lines import leaves
from heorsynth.protocol.file.published import paper_hashes
from heorsynth.protocol.file.source import read_origin
from heorsynth.protocol.file.spec import Document, Protocol, read_protocol
from heorsynth.protocol.run_folder import bounded
from heorsynth.provenance.in_toto import STATEMENT, occasion_of

_PLACEHOLDER = re.compile(r"^(…|\.\.\.|<.*>|\?+|xxx+|the arm compared with)$|\b(TODO|TBD|FIXME)\b", re.IGNORECASE)
"""Texts that stand for an answer to be written later."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
"""An ISO date; only such dates are compared with the dates of runs."""


_SECTION_OF = {"scripts": "analyses", "definition": "cohort"}
"""The section of the protocol that a change of something outside its text belongs to."""


@dataclass(frozen=True)
class Lock:
    """Whether and when a protocol was locked, and what has changed since.

    Attributes
    ----------
    protocol_sha256 : str     SHA-256 of the present protocol
    locked : bool             True if there is a lock file beside the protocol
    changed : tuple of str    sections that differ from the lock
    amended : tuple of str    the changed sections that an amendment names
    amendments : Mapping      number of amendments declared as "before" data, as "after" data, or as neither ("unsaid")
    locked_at : str           time of locking, UTC, by the clock of the machine; "" if the lock has no time stamp
    runs_before : int         number of runs of this protocol found at the time of locking
    known_after : tuple       dates of runs of an earlier version that are older than one of the amendments
    contradicted : int        number of amendments declared as before data although such a run is older
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
        """The sentences on the first page of the dossier."""
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
        """Number of amendments before and after data. An amendment after data may depend on the results."""
        words = {
            "before": "before data",
            "after": "after data",
            "unsaid": "not declared as before or after data",
        }
        counts = [f"{self.amendments[when]} {text}" for when, text in words.items() if self.amendments.get(when)]
        return f"Amendments, as declared: {', '.join(counts)}." if counts else ""

    @property
    def _known(self) -> str:
        """The amendments that are younger than a run of an earlier version of the protocol."""
        if not self.known_after:
            return ""
        wrong = f" Declared as before data all the same: {self.contradicted}." if self.contradicted else ""
        return f"A run of {self.known_after[0]} is older than amendments with a later date.{wrong}"

    @property
    def _when(self) -> str:
        if not self.locked_at:
            return "The lock has no time stamp."
        at = self.locked_at[:16].replace("T", " ")
        if self.runs_before:
            runs = f"after {self.runs_before} of its runs: its margins may follow their results"
            return f"It was locked on {at} UTC, {runs}."
        return f"It was locked on {at} UTC, before any run that was found."

    @property
    def _state(self) -> str:
        if not self.locked:
            return (
                "The protocol was not locked before the run: nothing shows that its margins were chosen before the "
                "results were known."
            )
        if not self.changed:
            return f"The protocol matches its lock. {self._when}"
        uncovered = [name for name in self.changed if name not in self.amended]
        covered = (
            f"Not covered by an amendment: {', '.join(uncovered)}." if uncovered else "Amendments cover every change."
        )
        return f"The protocol was changed after it was locked: {', '.join(self.changed)}. {covered} {self._when}"

    def to_json(self) -> str:
        """The lock as JSON text, as it is written into a run folder."""
        facts = {**asdict(self), "note": self.note}
        written = {name: value for name, value in facts.items() if value or not name.startswith("plugins")}
        return json.dumps(written, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str, protocol_sha256: str) -> Lock:
        """The lock that `to_json` wrote into a run folder of this protocol.

        Raises
        ------
        RunError      the text is not a lock, or it is the lock of another protocol
        """
        try:
            lock = typed(cls, json_of(text))
        except ValueError:
            raise RunError("protocol.lock", Problem("", "not the lock of a run", "restore it")) from None
        if lock.protocol_sha256 != protocol_sha256:
            found = "the lock of another protocol, or of an earlier version of this one"
            raise RunError("protocol.lock", Problem("protocol_sha256", found, "use the lock of this run"))
        return lock


def lock_path(protocol: Path) -> Path:
    """Path of the lock file: the protocol's path with the ending .lock."""
    return protocol.with_suffix(".lock")


def write_lock(path: str | Path, out: str | Path = "runs") -> Path:
    """Lock a protocol and return the path of the lock file; a lock that matches the protocol is kept.

    Parameters
    ----------
    out : path      folder of earlier runs; the lock contains their number

    Raises
    ------
    ProtocolError                the protocol has a placeholder, or the comparator is not an arm
    CohortError                  the rows of the source and the roles are not a valid cohort
    FileError                    the source cannot be read, or a lock exists that the protocol no longer matches

    Notes
    -----
    The roles are checked only if the source is available: see `source_is_here`.
    """
    protocol = read_protocol(path)
    target = lock_path(protocol.path)
    _require_no_placeholder(protocol)
    if source_is_here(protocol):
        read_origin(protocol)
    if target.exists():
        if not read_lock(protocol).changed:
            return target
        fix = "write an amendment; or delete the lock: the new one will state its date and the number of earlier runs"
        raise FileError(f"lock {target.name!r}", Problem("", "the protocol has changed since it was locked", fix))
    facts = {
        "protocol_sha256": protocol.sha256,
        "locked_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "runs_before": len(_earlier_runs(protocol, Path(out))),
        "document": _sections(protocol.document),
        **({"plugins": used} if (used := plugins_used(protocol.document)) else {}),
        **{name: held for name, held in _beside(protocol).items() if held},
    }
    target.write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return target


def source_is_here(protocol: Protocol) -> bool:
    """True if the patients can be read: a dataset, a simulated trial, or an existing file or folder."""
    source = protocol.document.cohort.source
    return source.public or (source.path is not None and (protocol.path.parent / source.path).exists())


def _require_no_placeholder(protocol: Protocol) -> None:
    """Raise ProtocolError if a value of the protocol is a placeholder."""
    values = dict(leaves(protocol.document.model_dump()))
    problems = [
        Problem(protocol.where(*at), "is a placeholder", "replace it, or leave the key out, before you lock")
        for at, value in values.items()
        if isinstance(value, str) and _PLACEHOLDER.search(value.strip()) and at[:2] != ("cohort", "source")
    ]
    if problems:
        raise ProtocolError(f"protocol {protocol.path.name!r}", problems)


def read_lock(protocol: Protocol, out: str | Path = "runs") -> Lock:
    """The lock of a protocol, with the sections that have changed since.

    Parameters
    ----------
    out : path      folder of earlier runs; their dates show which amendments came after data
    """
    path = lock_path(protocol.path)
    unlocked = Lock(protocol.sha256, locked=False, plugins=plugins_used(protocol.document))
    lock = _with_amendments(unlocked, protocol, Path(out))
    if not path.exists():
        return lock
    try:
        facts = json_of(path.read_bytes())
        before = _sections(Document.model_validate(facts["document"]))
        at, runs = str(facts.get("locked_at", "")), int(facts.get("runs_before", 0))
        plugins_then = {str(name): str(held) for name, held in facts.get("plugins", {}).items()}
        before |= {name: dict(facts.get(name, {})) for name in _SECTION_OF}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"lock {path.name!r}", Problem("", "cannot be read", "restore it, or lock again")) from error
    now = {**_sections(protocol.document), **_beside(protocol)}
    differ = {name for name in set(now) | set(before) if name != "amendments" and now.get(name) != before.get(name)}
    changed = tuple(sorted({_SECTION_OF.get(name, name) for name in differ}))
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


def _with_amendments(lock: Lock, protocol: Protocol, out: Path) -> Lock:
    """The lock with the amendments as declared, and with the runs of earlier versions that contradict them."""
    amendments = protocol.document.amendments
    declared = Counter(one.before_or_after_data or "unsaid" for one in amendments)
    runs = [day for day, sha256 in _earlier_runs(protocol, out) if sha256 != protocol.sha256] if amendments else []
    late = [one for one in amendments if runs and _DAY.fullmatch(one.date) and runs[0] < one.date]
    after = tuple(day for day in runs if any(day < one.date for one in late))
    contradicted = sum(one.before_or_after_data == "before" for one in late)
    return replace(lock, amendments=dict(sorted(declared.items())), known_after=after, contradicted=contradicted)


def _earlier_runs(protocol: Protocol, out: Path) -> list[tuple[str, str]]:
    """Date and SHA-256 of the protocol of every run in `out` whose protocol has this name; oldest first."""
    runs = []
    for folder in out.glob(f"{glob.escape(protocol.slug)}-" + "[0-9a-f]" * 8):
        try:
            started = occasion_of(bounded(folder / STATEMENT)).started
            runs.append((started[:10], hashlib.sha256(bounded(folder / "protocol.yaml")).hexdigest()))
        except (OSError, ValueError, OutputError):
            continue
    return sorted(runs)


def _beside(protocol: Protocol) -> dict[str, dict[str, str]]:
    """The hashes of files beside a protocol that say what is done: scripts, the definition of a cohort, a paper."""
    folder, omop = protocol.path.parent, protocol.document.cohort.source.omop
    named = [omop.cohort] if omop is not None and isinstance(omop.cohort, str) else []
    definition = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in named if (folder / name).is_file()
    }
    definition |= paper_hashes(protocol)
    return {"scripts": script_hashes(protocol.document.analyses, folder), "definition": definition}


def _sections(document: Document) -> dict[str, object]:
    """The document with all defaults, so that a key added in a later version of heorsynth is not a change."""
    sections: dict[str, object] = json.loads(document.model_dump_json(by_alias=True))
    return sections
