"""Verifies a run folder: the hashes of its files, its signature, its consistency, and the result of a second run."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from heorsynth.core.display import Card, printable
from heorsynth.core.errors import HeorsynthError, Problem, RunError, SignatureError
from heorsynth.core.plugins import installed_version
from heorsynth.data.files.io import label_of, read_frame
from heorsynth.data.labels.watermark import NO_MARK, names_owner, owner_key
from heorsynth.protocol.compare_files import DIFFERENT, IDENTICAL, NOT_RERUNNABLE, WITHIN, compared_runs
from heorsynth.protocol.consistency import contradictions
from heorsynth.protocol.custody import key_of_run
from heorsynth.protocol.file.analyses import copy_scripts
from heorsynth.protocol.file.source import load_source
from heorsynth.protocol.narratives.files import copy_records
from heorsynth.protocol.run import Run, run
from heorsynth.protocol.run_folder import (
    MOST_BYTES,
    OCCASION_FILES,
    SUMS,
    VERDICT,
    bounded,
    files_in,
    read_sums,
    sha256_of,
)
from heorsynth.protocol.synthetic import SYNTHETIC
from heorsynth.provenance.in_toto import STATEMENT, facts_of, name_of, occasion_of, subjects_of
from heorsynth.provenance.record import packages
from heorsynth.provenance.signature import ENVELOPE, Seal, covers, key_id, opened, public_key

MISSING, UNEXPECTED, NOT_COVERED = "missing", "unexpected", "not covered"
_ALTERED = "altered since the run"
VERIFIED, DIFFERS, NOT_VERIFIED = "verified", "differs", "not verified"
_OTHER_VERSIONS = "other versions: "
"""Start of `Verification.installs` if the installed versions differ from those of the run."""

_NOT_REQUESTED = "not requested"

_LARGE = (".parquet", ".html")
"""Endings of files without a size limit; they are read in pieces."""


@dataclass(frozen=True)
class _Verification:
    """The result of verifying a run folder, by three separate questions.

    1. Do the files have the hashes that the sums, the statement and the signature cover (`intact`, `signature`)?
    2. Do the files agree with each other (`contradictions`)?
    3. Does a second run give the same files (`rerun`, `verdicts`)?

    `result` combines the three answers.

    Attributes
    ----------
    run : str                name of the run folder
    intact : Mapping         file to "identical", "altered since the run", "missing", "unexpected", or "not covered" if
                             the file that holds its hash was altered
    rerun : Mapping          file to "identical", "within tolerance", "different" or "not re-runnable"; empty without a
                             second run
    not_rerun : str          why there was no second run; "" if there was one
    verdicts : tuple         verdict of the run and of the second run; the latter is "" without a second run
    signature : str          the key that signed; or that the run is unsigned, or what is wrong with the signature
    signature_holds : bool   False if the signature is forged, belongs to another run, or is not by the trusted key
    installs : str           package versions of the run, compared with the installed ones
    contradictions : tuple   sentences, each on two parts of the run that contradict each other
    requested : bool         True if a second run was requested
    """

    run: str
    intact: Mapping[str, str]
    rerun: Mapping[str, str]
    not_rerun: str
    verdicts: tuple[str, str]
    signature: str = "not checked"
    signature_holds: bool = True
    installs: str = "not known"
    contradictions: tuple[str, ...] = ()
    requested: bool = True

    @property
    def result(self) -> str:
        """The answer to all three questions.

        Returns
        -------
        str      "verified": files and signature are valid and consistent, and the second run, if requested, gives the
                 same; "differs": one of these fails; "not verified": the second run was requested but not possible, or
                 it differs and other package versions are installed
        """
        if set(self.intact.values()) - {IDENTICAL} or not self.signature_holds or self.contradictions:
            return DIFFERS
        if self.not_rerun:
            return NOT_VERIFIED if self.requested else VERIFIED
        if set(self.rerun.values()) <= {IDENTICAL, WITHIN, NOT_RERUNNABLE} and self.verdicts[0] == self.verdicts[1]:
            return VERIFIED
        return NOT_VERIFIED if self.installs.startswith(_OTHER_VERSIONS) else DIFFERS

    @property
    def verified(self) -> bool:
        """True if `result` is "verified"."""
        return self.result == VERIFIED

    @property
    def within_tolerance(self) -> tuple[str, ...]:
        """The files that a second run repeats except for the last digits of numbers."""
        return tuple(sorted(name for name, state in self.rerun.items() if state == WITHIN))

    @property
    def _headline(self) -> str:
        if self.result != VERIFIED:
            return self.result
        if not self.requested:
            return "bytes verified, not re-run"
        return f"{VERIFIED}, within tolerance" if self.within_tolerance else VERIFIED

    @property
    def runs(self) -> str:
        """Whether there was a second run; if not, why."""
        return f"no: {self.not_rerun}" if self.not_rerun else "yes"

    @property
    def same(self) -> str:
        """Number of files by the result of the second run, and whether the verdict is the same."""
        if self.not_rerun:
            return "not known, because the run was not repeated"
        counts = Counter(self.rerun.values())
        states = (IDENTICAL, WITHIN, DIFFERENT, NOT_RERUNNABLE)
        files = ", ".join(f"{counts[state]} {state}" for state in states if counts[state])
        agreement = "the same verdict" if self.verdicts[0] == self.verdicts[1] else "another verdict"
        return f"{files}; {agreement} ({self.verdicts[1]}; recorded: {self.verdicts[0]})"

    def to_frame(self) -> pd.DataFrame:
        """One row per file: `file`, `bytes`, `rerun`; files that are not identical come first."""
        names = sorted(
            {*self.intact, *self.rerun},
            key=lambda name: (
                self.intact.get(name) == IDENTICAL and self.rerun.get(name, IDENTICAL) == IDENTICAL,
                name,
            ),
        )
        rows = [(name, self.intact.get(name, ""), self.rerun.get(name, "not re-run")) for name in names]
        return pd.DataFrame(rows, columns=["file", "bytes", "rerun"])

    def card(self) -> Card:
        """The files in a table, and the answers below it."""
        rows = tuple(tuple(map(str, row)) for row in self.to_frame().itertuples(index=False))
        lines = (
            f"Signature: {self.signature}.",
            f"Installs: {self.installs}.",
            f"Runs: {self.runs}.",
            f"Same: {self.same}.",
            f"Agrees with itself: {'no: ' + '; '.join(self.contradictions) if self.contradictions else 'yes'}.",
            *([f"Within tolerance: {', '.join(self.within_tolerance)}."] if self.within_tolerance else []),
        )
        note = "\n".join(map(printable, lines))
        return Card(f"Run {self.run}: {self._headline}", ("file", "bytes", "re-run"), rows, note)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def verify(
    path: str | Path,
    source: str | Path | None = None,
    rerun: bool = True,
    trusted_key: str | Path | None = None,
    watermark_key: str | Path | None = None,
    release_key: str | Path | None = None,
) -> _Verification:
    """Check that a run folder is unchanged and consistent, and that a second run gives the same files.

    The three checks are made in this order, and the first that fails ends the verification. The second run executes
    the notebook in the folder, which is code: use `rerun=False` for a folder from a source you do not trust.

    Parameters
    ----------
    path : path                    the run folder
    source : path, optional        folder of the source file; not needed for bundled datasets
    rerun : bool                   False omits the second run; no code of the folder is executed
    trusted_key : path, optional   public key; the signature must be by this key
    watermark_key : path, optional the owner's key; needed for a second run if the rows were marked with it
    release_key : path, optional   the custodian's key; needed for a second run of a shared or public release, whose
                                   label states the key's id. By default the key of this user

    Returns
    -------
    Verification               its `result` is "verified", "differs" or "not verified"

    Raises
    ------
    OutputError, RunError      the path is not a run folder
    SignatureError             the trusted key is not an Ed25519 public key

    See Also
    --------
    run : makes a run folder.
    Run : reads a run folder.
    inspect : looks for labels and watermarks in a single file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> verify(Path(tempfile.gettempdir()) / "no-such-run")
    Traceback (most recent call last):
    heorsynth.core.errors.RunError: run 'no-such-run' has 1 problem
      1. there is no such folder
          fix: check the path
    """
    folder = Path(path)
    trusted = "" if trusted_key is None else key_id(public_key(trusted_key))
    files = _checked_files(folder)
    signature, holds = _signature(files, trusted)
    installs = _installs(files.statement)

    def without_rerun(why: str, verdict: str = "", against: tuple[str, ...] = ()) -> _Verification:
        verdicts = (verdict, "")
        return _Verification(folder.name, files.states, {}, why, verdicts, signature, holds, installs, against, rerun)

    if MISSING in (files.states.get(VERDICT), files.states.get("protocol.yaml")):
        return without_rerun("its verdict or its protocol is missing")
    if any(state != IDENTICAL for state in files.states.values()):
        return without_rerun("its files differ from those that the run wrote")
    try:
        recorded = Run.open(folder)
    except HeorsynthError as error:
        if not installs.startswith(_OTHER_VERSIONS):
            raise
        # such as a plug-in that is not installed here: without the protocol nothing more can be asked
        reason = f"its protocol cannot be read with other versions: {error}".replace("\n", " ")
        return replace(without_rerun(reason), requested=True)
    if not holds:
        return without_rerun("its signature is not valid", recorded.verdict)
    if against := contradictions(recorded, files.statement):
        return without_rerun("its files contradict each other", recorded.verdict, against)
    if not rerun:
        return without_rerun(_NOT_REQUESTED, recorded.verdict)
    source_folder = None if source is None else Path(source)
    try:
        again, verdict = _run_again(recorded, files.statement, source_folder, watermark_key, release_key)
    except HeorsynthError as error:
        return without_rerun(str(error).replace("\n", " "), recorded.verdict)
    return _Verification(folder.name, files.states, again, "", (recorded.verdict, verdict), signature, holds, installs)


@dataclass(frozen=True)
class _CheckedFiles:
    """The state of each file; the signature, None if it cannot be read; and the statement that it signs."""

    states: dict[str, str]
    seal: Seal | None
    statement: bytes


def _checked_files(folder: Path) -> _CheckedFiles:
    """Compare the hash of every file: the signature covers the statement, this the sums, and these all other files."""
    sums, names = read_sums(folder), set(files_in(folder))
    states = {name: _state(folder / name, sums.get(name)) for name in names if name not in (SUMS, *OCCASION_FILES)}
    states |= {name: MISSING for name in (*sums, *OCCASION_FILES) if name not in names}
    seal, envelope = None, b""
    if ENVELOPE in names:
        states[ENVELOPE] = _ALTERED
        envelope = _bytes(folder / ENVELOPE)
        try:
            seal = opened(envelope)
            states[ENVELOPE] = IDENTICAL
        except SignatureError:
            pass
    statement = b"" if seal is None else seal.payload
    if STATEMENT in names:
        content = _bytes(folder / STATEMENT)
        same = content == seal.payload if seal else covers(envelope, content)
        states[STATEMENT] = IDENTICAL if same else _ALTERED
        statement = statement or content
    try:
        subjects = subjects_of(statement)
    except ValueError:
        subjects = {}
    for name in (SUMS, *OCCASION_FILES[:2]):
        if name in names:
            states[name] = _state(folder / name, subjects.get(name)) if name in subjects else NOT_COVERED
    if states[SUMS] == _ALTERED:
        states = {name: NOT_COVERED if _altered_by_sums(name, state) else state for name, state in states.items()}
    return _CheckedFiles(dict(sorted(states.items())), seal, statement)


def _altered_by_sums(name: str, state: str) -> bool:
    """True if only the sums show that a file was altered. If the sums are altered, the file may be unchanged."""
    return state != IDENTICAL and name not in (SUMS, *OCCASION_FILES)


def _bytes(path: Path) -> bytes:
    """The bytes of a small file; empty for a link and for a file larger than any run writes."""
    return b"" if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES else bounded(path)


def _state(path: Path, recorded: str | None) -> str:
    """State of a file by its recorded hash. Links count as altered: their target may change or lie outside the run."""
    if recorded is None:
        return UNEXPECTED
    if path.is_symlink() or not path.is_file():
        return _ALTERED
    if path.suffix not in _LARGE and path.stat().st_size > MOST_BYTES:
        return _ALTERED
    return IDENTICAL if sha256_of(path) == recorded else _ALTERED


def _signature(files: _CheckedFiles, trusted: str) -> tuple[str, bool]:
    """Description of the signature, and whether it is valid; `trusted` is the id of the trusted key, or ""."""
    if files.seal is None:
        return "not readable: the signature file is missing, altered or forged", False
    key = files.seal.key_id
    if not key:
        return "unsigned: accidental changes are detected, forgery is not", not trusted
    if files.states.get(SUMS) != IDENTICAL:
        return f"by key {key[:16]}, but for another run, or for this run before it was changed", False
    if trusted and key != trusted:
        return f"by key {key[:16]}, not by the trusted key {trusted[:16]}", False
    owner = ", the trusted key" if trusted else "; its owner is unknown, because no trusted key was given"
    return f"by key {key[:16]}{owner}", True


def _installs(statement: bytes) -> str:
    """The package versions of the run, compared with the installed ones."""
    try:
        recorded = occasion_of(statement).packages
    except ValueError:
        return "not known: no statement lists the versions"
    recorded = {"heorsynth": facts_of(statement)["version"], **recorded}
    here = {"heorsynth": version("heorsynth"), **packages()}
    here |= {name: installed_version(name) for name in recorded if name not in here}  # packages of plug-ins
    other = [f"{name} {used or 'absent'} in the run, {here.get(name) or 'absent'} here"
             for name, used in recorded.items() if here.get(name, "") != used]  # fmt: skip
    return f"{_OTHER_VERSIONS}{'; '.join(other)}" if other else f"the same versions of {len(recorded)} packages"


def _run_again(
    recorded: Run,
    statement: bytes,
    source: Path | None,
    watermark_key: str | Path | None,
    release_key: str | Path | None,
) -> tuple[dict[str, str], str]:
    """Repeat the run; the result of comparing each file with the first run, and the verdict of the second."""
    name = name_of(statement)
    if name in ("", ".", "..") or Path(name).name != name or "-" not in name:
        raise RunError("the statement names no run")
    _require_owner(recorded.path, watermark_key)
    noise_key = key_of_run(recorded.path, release_key)
    if source is None and recorded.protocol.document.cohort.source.published is not None:
        source = recorded.path.resolve()  # it holds a copy of the paper
    with tempfile.TemporaryDirectory() as place:
        workspace = Path(place)
        protocol = workspace / f"{name.rsplit('-', 1)[0]}.yaml"
        shutil.copy(recorded.path / "protocol.yaml", protocol)
        copy_scripts(recorded.protocol.document.analyses, recorded.path, workspace)
        copy_records(recorded.protocol.document, recorded.path, workspace)
        _, fingerprint = load_source(recorded.protocol, source)
        if fingerprint != recorded.fingerprint:
            raise RunError("the source has another fingerprint than the source of this run")
        again = run(
            protocol,
            workspace / "runs",
            source=source,
            template=recorded.path / "notebook.ipynb",
            lock_text=(recorded.path / "protocol.lock").read_text(encoding="utf-8"),
            watermark_key=watermark_key,
            release_key=noise_key,
            occasion=occasion_of(statement),
        )
        return compared_runs(recorded.path, again.path), again.verdict


def _require_owner(folder: Path, watermark_key: str | Path | None) -> None:
    """Raise RunError if the rows are marked with an owner's key and this is not that key."""
    first = label_of(read_frame(min((folder / SYNTHETIC).rglob("*.parquet"))))
    owner = None if watermark_key is None else owner_key(watermark_key)
    if first is None or (first.watermark.startswith(NO_MARK) and names_owner(first.watermark, None)):
        return
    if not names_owner(first.watermark, owner):
        fix = "give the owner's key as watermark_key" if owner is None else "give the key that the run used"
        raise RunError(f"run {folder.name!r}", Problem("watermark", f"the rows follow {first.watermark}", fix))
