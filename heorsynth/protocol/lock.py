"""Freezes a protocol before results are seen, and tells whether it has changed since."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from heorsynth.core.errors import FileError, Problem, ProtocolError
from heorsynth.protocol.placing import leaves
from heorsynth.protocol.source import read_origin
from heorsynth.protocol.spec import Document, Protocol, read_protocol

PLACEHOLDER = re.compile(r"^(…|\.\.\.|<.*>|\?+|xxx+|the arm compared with)$|\b(TODO|TBD|FIXME)\b", re.IGNORECASE)
"""What stands where somebody meant to write something later."""


@dataclass(frozen=True)
class Lock:
    """What was fixed beforehand.

    Attributes
    ----------
    protocol_sha256 : str     of the protocol as it stands now
    locked : bool             whether a lock file was found beside it
    changed : tuple of str    sections that differ from the lock
    amended : tuple of str    of these, the sections an amendment names
    timing : Mapping          "before", "after" and "unsaid" to the number of amendments that say they came before
                              data, after data, or do not say
    """

    protocol_sha256: str
    locked: bool
    changed: tuple[str, ...] = ()
    amended: tuple[str, ...] = ()
    timing: Mapping[str, int] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """The sentences the first page carries."""
        return " ".join(filter(None, [self._state, self._amendments]))

    @property
    def _amendments(self) -> str:
        """How many amendments came before data and how many after: one that came after may follow the results."""
        words = {
            "before": "before data",
            "after": "after data",
            "unsaid": "without saying whether before or after data",
        }
        told = [f"{self.timing[when]} {how}" for when, how in words.items() if self.timing.get(when)]
        return f"Amendments: {', '.join(told)}." if told else ""

    @property
    def _state(self) -> str:
        if not self.locked:
            return (
                "This protocol was not locked before the run: nothing shows that its margins came before its results."
            )
        if not self.changed:
            return "This protocol is as it was locked."
        silent = [name for name in self.changed if name not in self.amended]
        told = (
            f" Not covered by an amendment: {', '.join(silent)}." if silent else " Every change is in its amendments."
        )
        return f"This protocol was changed after it was locked: {', '.join(self.changed)}.{told}"

    def to_json(self) -> str:
        facts = {
            "protocol_sha256": self.protocol_sha256,
            "locked": self.locked,
            "changed": list(self.changed),
            "amended": list(self.amended),
            "amendments": dict(self.timing),
            "note": self.note,
        }
        return json.dumps(facts, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Lock:
        """The lock `to_json` wrote into a run folder."""
        facts = json.loads(text)
        changed, amended = tuple(facts["changed"]), tuple(facts["amended"])
        return cls(facts["protocol_sha256"], facts["locked"], changed, amended, facts.get("amendments", {}))


def lock_path(protocol: Path) -> Path:
    """The lock file of a protocol: beside it, with the ending .lock."""
    return protocol.with_suffix(".lock")


def write_lock(path: str | Path) -> Path:
    """Locks a protocol as it stands, and returns the lock file's path.

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
    if target.exists() and read_lock(protocol).changed:
        raise FileError(
            f"lock {target.name!r}",
            Problem(
                "",
                "the protocol has changed since it was locked",
                "write an amendment; or delete the lock, and the first page will say the new one is recent",
            ),
        )
    facts = {"protocol_sha256": protocol.sha256, "document": _sections(protocol.document)}
    target.write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return target


def source_is_here(protocol: Protocol) -> bool:
    """True where the patients can be read: a dataset, a simulated trial, or a file that is there."""
    file = protocol.document.cohort.source.path
    return file is None or (protocol.path.parent / file).is_file()


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


def read_lock(protocol: Protocol) -> Lock:
    """Whether this protocol was locked, and which of its sections have changed since."""
    path = lock_path(protocol.path)
    timing = Counter(one.before_or_after_data or "unsaid" for one in protocol.document.amendments)
    if not path.exists():
        return Lock(protocol.sha256, locked=False, timing=dict(sorted(timing.items())))
    try:
        before = _sections(Document.model_validate(json.loads(path.read_text(encoding="utf-8"))["document"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"lock {path.name!r}", Problem("", "cannot be read", "restore it, or lock again")) from error
    now = _sections(protocol.document)
    changed = tuple(
        sorted(name for name in set(now) | set(before) if name != "amendments" and now.get(name) != before.get(name))
    )
    named = {amendment.section.split(".")[0] for amendment in protocol.document.amendments if amendment.section}
    amended = tuple(name for name in changed if name in named)
    return Lock(protocol.sha256, True, changed, amended, dict(sorted(timing.items())))


def _sections(document: Document) -> Mapping[str, object]:
    """The document with every default written out: a key that a later version adds is then no change."""
    sections: Mapping[str, object] = json.loads(document.model_dump_json())
    return sections
