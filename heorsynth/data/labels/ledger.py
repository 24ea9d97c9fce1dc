"""The ledger of releases: keyed hashes of the patients behind each, so that two releases do not differ by a few."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from heorsynth.core.display import counted
from heorsynth.core.errors import FileError, LedgerError, OutputError, Problem
from heorsynth.core.reading import json_of, typed
from heorsynth.core.secret import ReleaseKey
from heorsynth.data.labels.levels import INTERNAL, PUBLIC_LEVEL, SHARED
from heorsynth.data.labels.spending import Spending, composed, in_words, within

FEWEST = {SHARED: 10, PUBLIC_LEVEL: 20}
"""Two releases that share patients must differ in so many, or in none. Health agencies withhold counts of fewer than
about ten patients from recipients under agreement. Anybody may combine public releases with what he knows of some
patients, so these need twice as many."""

_MAX_BYTES = 1_000_000_000


@dataclass(frozen=True, repr=False)
class LedgerEntry:
    """One release in a ledger. Every hash is keyed, so it tells nothing without the release key.

    Attributes
    ----------
    date, level : str        day of the release, and its release level
    run, release : str       name of the run folder, and of the release as in the id of each row
    protocol : str           SHA-256 of the protocol
    source : str             keyed hash of patients, roles, generator and settings: equal ones have equal noise
    columns : str            keyed hash of the names of the columns
    ids, rows : str          keyed hashes of the patients' ids ("" without an id) and of their rows, in base64
    spent : Mapping or None  privacy budget that it spends, see `labels.spending`; None if the generator states none
    noise_covers : int       number of patients whose change its noise hides; 0 without noise
    """

    date: str
    level: str
    run: str
    release: str
    protocol: str
    source: str
    columns: str
    ids: str
    rows: str
    spent: Spending | None = None
    noise_covers: int = 0


@dataclass(frozen=True)
class _Change:
    """How the patients of a new release differ from those of an earlier one.

    Attributes
    ----------
    date, run : str          of the earlier release
    shared : int             patients in both
    came, left : int         patients in one of them only
    changed : int or None    patients of both whose rows differ; None if it cannot be known
    differ : int             the patients by whom an outsider can tell the two apart
    comparable : bool        False without ids, if the columns differ: then nobody can be recognised
    """

    date: str
    run: str
    shared: int
    came: int
    left: int
    changed: int | None
    differ: int
    comparable: bool = True

    def __str__(self) -> str:
        if not self.comparable:
            return f"Not comparable with {self.run} of {self.date}."
        if not self.shared:
            return f"It shares nobody with {self.run} of {self.date}."
        changed = "" if self.changed is None else f", {self.changed:,} changed"
        return f"Since {self.run} of {self.date}: {self.came:,} came, {self.left:,} left{changed}."


@dataclass(frozen=True)
class Ledger:
    """A ledger that was read with its key: its releases, oldest first, and the budget of each source, if declared."""

    entries: tuple[LedgerEntry, ...] = ()
    budget: Spending | None = None

    def changes(self, new: LedgerEntry) -> tuple[_Change, ...]:
        """Return how a new release differs from each earlier one that left the custodian."""
        return tuple(_change(new, one) for one in self._released)

    def spent(self, new: LedgerEntry) -> dict[str, Spending | None]:
        """Return what the releases of these patients spend, this one included; equal releases spend once."""
        mine = _patients(new)
        related = [one for one in self._released if _share(mine, _patients(one))]
        return {one.source: one.spent for one in [*related, new]}

    def require(self, new: LedgerEntry, fewest: int | None = None, budget: Spending | None = None) -> str:
        """Raise LedgerError if a release may not be made; else return in words what was compared.

        Parameters
        ----------
        fewest : int, optional    smallest number of patients that may differ; by default that of the level (`FEWEST`)
        budget : Mapping          of the protocol; that of the ledger holds as well
        """
        if new.level == INTERNAL:
            return "Recorded in the ledger. An internal release is not compared with others."
        changes, spending = self.changes(new), self.spent(new)
        least = fewest or FEWEST[new.level]
        problems = [
            problem
            for change, old in zip(changes, self._released, strict=True)
            if (problem := _refusal(change, least, min(new.noise_covers, old.noise_covers)))
        ]
        budgets = [one for one in (self.budget, budget) if one is not None]
        before = [one for source, one in spending.items() if source != new.source]
        problems += [problem for one in budgets if (problem := within(before, new.spent, one))]
        if problems:
            raise LedgerError(f"release of {new.run}", problems)
        number = f"Compared with {counted(len(changes), 'earlier release')} in the ledger."
        total = in_words(composed(list(spending.values())))
        limit = "".join(f" of {in_words(one)}" for one in budgets[-1:])
        return " ".join([number, *map(str, changes), f"Privacy budget spent on these patients: {total}{limit}."])

    @property
    def _released(self) -> list[LedgerEntry]:
        return [one for one in self.entries if one.level != INTERNAL]


def packed(hashes: np.ndarray) -> str:
    """Return hashes (n,) of 64 bits as text."""
    return base64.b64encode(hashes.astype(">u8").tobytes()).decode()


def read_ledger(path: str | Path, key: ReleaseKey) -> Ledger:
    """Return the releases of a ledger; an empty one if there is no file yet.

    Raises
    ------
    FileError       it cannot be read, belongs to another key, or a line is damaged, changed or missing
    """
    file = Path(path)
    if not file.exists():
        return Ledger()
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise FileError(f"ledger {file.name!r}", Problem("", "is too large for a ledger", "begin a new one"))
        return _parsed(file.name, file.read_bytes(), key)[0]
    except OSError as error:
        found = Problem("", f"cannot be read ({error.strerror})", "check the path")
        raise FileError(f"ledger {file.name!r}", found) from error


def record(
    path: str | Path,
    key: ReleaseKey,
    new: LedgerEntry,
    fewest: int | None = None,
    budget: Spending | None = None,
) -> str:
    """Add a release to a ledger under a lock, after the check of `Ledger.require`; return what that says.

    The same release again is not added twice. A ledger that is new takes the budget.

    Raises
    ------
    LedgerError, FileError, OutputError
    """
    file = Path(path)
    try:
        with _locked(file) as held:
            size = os.fstat(held).st_size
            ledger, tag = _parsed(file.name, os.pread(held, size, 0), key)
            told = ledger.require(new, fewest, budget)
            facts = [] if size else [{"ledger": 1, "key": key.id, "budget": budget}]
            known = any(replace(one, date=new.date) == new for one in ledger.entries)
            lines, tag = _written([*facts, *([] if known else [asdict(new)])], tag, key)
            _append(held, size, lines)
            return told
    except OSError as error:
        found = f"cannot be written ({error.strerror})"
        raise OutputError(f"ledger {file.name!r}", Problem("", found, "check its permissions and space")) from error


@contextmanager
def _locked(file: Path) -> Iterator[int]:
    """The file, made for its owner alone if it is new, and locked against every other writer."""
    import fcntl

    held = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield held
    finally:
        os.close(held)


def _append(held: int, size: int, lines: bytes) -> None:
    """Write lines at the end: all of them, or none."""
    try:
        done = 0
        while done < len(lines):
            done += os.pwrite(held, lines[done:], size + done)
        os.fsync(held)
    except OSError:
        os.ftruncate(held, size)
        raise


def _written(facts: Sequence[Mapping[str, object]], tag: str, key: ReleaseKey) -> tuple[bytes, str]:
    """The lines of these facts; each has a keyed tag over itself and the line before."""
    lines = b""
    for one in facts:
        tag = _tag(key, tag, one)
        lines += json.dumps({"of": one, "tag": tag}, sort_keys=True).encode() + b"\n"
    return lines, tag


def _tag(key: ReleaseKey, before: str, facts: Mapping[str, object]) -> str:
    return key.tag(b"ledger\0" + before.encode() + json.dumps(facts, sort_keys=True).encode()).hex()


def _parsed(name: str, content: bytes, key: ReleaseKey) -> tuple[Ledger, str]:
    """The ledger in these bytes, and the tag of its last line."""
    tag, budget, entries = "", None, []
    subject, fix = f"ledger {name!r}", "restore it from a backup; every release that it lost must be entered again"
    for number, line in enumerate(content.splitlines(), 1):
        try:
            held = json_of(line)
            facts = held["of"]
            if number == 1 and facts["key"] != key.id:
                found = f"belongs to the release key with id {facts['key']!s:.16}; the key given has id {key.id}"
                raise FileError(subject, Problem("", found, "give its key with --release-key, or another ledger"))
            tag = _tag(key, tag, facts)
            if held["tag"] != tag:
                raise ValueError("changed")
            if number == 1:
                budget = facts["budget"]
            else:
                entries.append(typed(LedgerEntry, facts))
        except (ValueError, KeyError, TypeError):
            raise FileError(subject, Problem(f"line {number}", "damaged, changed or incomplete", fix)) from None
    return Ledger(tuple(entries), budget), tag


def _patients(entry: LedgerEntry) -> tuple[np.ndarray, np.ndarray, str]:
    ids, rows = (np.frombuffer(base64.b64decode(text), dtype=">u8") for text in (entry.ids, entry.rows))
    return ids, rows, entry.columns


def _share(one: tuple[np.ndarray, np.ndarray, str], other: tuple[np.ndarray, np.ndarray, str]) -> bool:
    """True if two sources have a patient in common, or if that cannot be known."""
    if len(one[0]) and len(other[0]):
        return bool(np.isin(one[0], other[0]).any())
    return one[2] != other[2] or bool(np.isin(one[1], other[1]).any())


def _change(new: LedgerEntry, old: LedgerEntry) -> _Change:
    """Compare two releases: by id where both have ids, else row by row."""
    (ids, rows, columns), (old_ids, old_rows, old_columns) = _patients(new), _patients(old)
    if len(ids) and len(old_ids):
        _, here, there = np.intersect1d(ids, old_ids, return_indices=True)
        came, left = len(ids) - len(here), len(old_ids) - len(there)
        changed = int((rows[here] != old_rows[there]).sum()) if columns == old_columns else None
        # Newcomers and leavers stand out by what did not change of the others, however many of these changed.
        return _Change(old.date, old.run, len(here), came, left, changed, came + left or changed or 0)
    if columns != old_columns:
        return _Change(old.date, old.run, 0, len(rows), len(old_rows), None, 0, comparable=False)
    kinds, place = np.unique(np.concatenate([rows, old_rows]), return_inverse=True)
    now, then = (np.bincount(part, minlength=len(kinds)) for part in (place[: len(rows)], place[len(rows) :]))
    shared = int(np.minimum(now, then).sum())
    came, left = len(rows) - shared, len(old_rows) - shared
    return _Change(old.date, old.run, shared, came, left, None, max(came, left))


def _refusal(change: _Change, fewest: int, covers: int) -> Problem | None:
    """Why a release may not be made beside an earlier one; None if it may."""
    if not change.comparable:
        found = "its columns are others, and without ids nobody can be recognised in both"
        fix = "declare the id of the patients in both protocols, or keep a ledger for each study"
        return Problem(f"{change.run} of {change.date}", found, fix)
    if not change.shared or not covers < change.differ < fewest:
        return None
    found = (
        f"the sources differ in {counted(change.differ, 'patient')}, fewer than {fewest}: the difference of the two "
        "releases would tell of them"
    )
    fix = f"wait until {fewest} patients or more came, left or changed; or release internally"
    return Problem(f"{change.run} of {change.date}", found, fix)
