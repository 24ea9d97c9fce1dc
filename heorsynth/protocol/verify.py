"""Checks a run folder: its bytes and its seal, whether it agrees with itself, then a re-run against its numbers."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from heorsynth.core.display import Card, printable
from heorsynth.core.errors import HeorsynthError, Problem, RunError, SignatureError
from heorsynth.data.files.io import label_of, read_frame
from heorsynth.data.labels.watermark import NO_MARK, names_owner, owner_key
from heorsynth.protocol.compare_files import DIFFERENT, IDENTICAL, NOT_RERUNNABLE, WITHIN, compared_runs
from heorsynth.protocol.consistency import contradictions
from heorsynth.protocol.file.source import load_source
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
ALTERED = "altered since the run"
VERIFIED, DIFFERS, NOT_VERIFIED = "verified", "differs", "not verified"
OTHER_VERSIONS = "other versions: "
"""How it is told that a run was made with other versions than those installed."""

NOT_ASKED = "not asked for"

LARGE = (".parquet", ".html")
"""Endings of files whose size no rule bounds: they are hashed in pieces."""


@dataclass(frozen=True)
class Verification:
    """What of a run holds, by three questions that are answered apart.

    Are its bytes those that its sums, statement and signature cover (`intact`, `signature`)? Does it agree with itself
    (`contradictions`)? Does a re-run give the same (`rerun`, `verdicts`)? `result` joins the answers.

    Attributes
    ----------
    run : str                name of the run folder
    intact : Mapping         file to "identical", "altered since the run", "missing", "unexpected", or "not covered"
                             where what holds its hash was altered itself
    rerun : Mapping          file to "identical", "within tolerance", "different" or "not re-runnable"; empty where
                             not re-run
    not_rerun : str          why it could not be re-run, or ""
    verdicts : tuple         recorded and re-run verdict; the second is "" where not re-run
    signature : str          who signed, or that nobody did, or what is wrong with the signature
    signature_holds : bool   False where it is forged, of another run, or not of a key that was named as trusted
    installs : str           recorded package versions beside those here
    contradictions : tuple   what in the run speaks against something else in it, a sentence each
    asked : bool             whether a re-run was asked for
    """

    run: str
    intact: Mapping[str, str]
    rerun: Mapping[str, str]
    not_rerun: str
    verdicts: tuple[str, str]
    signature: str = "not asked"
    signature_holds: bool = True
    installs: str = "not known"
    contradictions: tuple[str, ...] = ()
    asked: bool = True

    @property
    def result(self) -> str:
        """The answer.

        Returns
        -------
        str      "verified": bytes, signature and story hold, and so does the re-run, or none was asked for;
                 "differs": one of them does not; "not verified": a re-run was asked for and could not be made, or was
                 made with other versions and came out otherwise
        """
        if set(self.intact.values()) - {IDENTICAL} or not self.signature_holds or self.contradictions:
            return DIFFERS
        if self.not_rerun:
            return NOT_VERIFIED if self.asked else VERIFIED
        if set(self.rerun.values()) <= {IDENTICAL, WITHIN, NOT_RERUNNABLE} and self.verdicts[0] == self.verdicts[1]:
            return VERIFIED
        return NOT_VERIFIED if self.installs.startswith(OTHER_VERSIONS) else DIFFERS

    @property
    def verified(self) -> bool:
        """True if nothing that was asked speaks against the run: see `result`."""
        return self.result == VERIFIED

    @property
    def within_tolerance(self) -> tuple[str, ...]:
        """The files whose numbers a re-run gave again but for their last digits."""
        return tuple(sorted(name for name, state in self.rerun.items() if state == WITHIN))

    @property
    def _headline(self) -> str:
        if self.result != VERIFIED:
            return self.result
        if not self.asked:
            return "bytes verified, not re-run"
        return f"{VERIFIED}, within tolerance" if self.within_tolerance else VERIFIED

    @property
    def runs(self) -> str:
        """Whether a second run came to an end here."""
        return f"no: {self.not_rerun}" if self.not_rerun else "yes"

    @property
    def same(self) -> str:
        """How the second run came out beside the first."""
        if self.not_rerun:
            return "not known, since it was not run again"
        counted = Counter(self.rerun.values())
        states = (IDENTICAL, WITHIN, DIFFERENT, NOT_RERUNNABLE)
        files = ", ".join(f"{counted[state]} {state}" for state in states if counted[state])
        agree = "the same verdict" if self.verdicts[0] == self.verdicts[1] else "another verdict"
        return f"{files}; {agree} ({self.verdicts[1]}; recorded: {self.verdicts[0]})"

    def to_frame(self) -> pd.DataFrame:
        """One row a file: `file`, `bytes`, `rerun`; whatever is not identical first."""
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
        """What holds, what does not, and what could not be asked."""
        rows = tuple(tuple(map(str, row)) for row in self.to_frame().itertuples(index=False))
        told = (
            f"Signature: {self.signature}.",
            f"Installs: {self.installs}.",
            f"Runs: {self.runs}.",
            f"Same: {self.same}.",
            f"Agrees with itself: {'no: ' + '; '.join(self.contradictions) if self.contradictions else 'yes'}.",
            *([f"Within tolerance: {', '.join(self.within_tolerance)}."] if self.within_tolerance else []),
        )
        note = "\n".join(map(printable, told))
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
) -> Verification:
    """Whether a run folder is as it was written, agrees with itself, and gives the same when it is run again.

    The three are asked apart, and in this order: a folder that fails one is not run again. Running it again executes
    its notebook, which is code: check a folder from a stranger with `rerun=False`.

    Parameters
    ----------
    path : path                    the run folder
    source : path, optional        folder in which a source file is looked for; not needed for bundled datasets
    rerun : bool                   False asks the first two only, and runs nothing
    trusted_key : path, optional   public key that must have signed
    watermark_key : path, optional the owner's key, where the rows were marked with one: needed to make them again

    Returns
    -------
    Verification               "verified", "differs", or "not verified" where a re-run was asked for and not made

    Raises
    ------
    OutputError, RunError      this is no run folder
    SignatureError             the trusted key is none
    """
    folder = Path(path)
    wanted = "" if trusted_key is None else key_id(public_key(trusted_key))
    kept = _kept(folder)
    told, holds = _signature(kept, wanted)
    intact = kept.states

    installs = _installs(kept.statement)

    def found(why: str, verdict: str = "", against: tuple[str, ...] = ()) -> Verification:
        return Verification(folder.name, intact, {}, why, (verdict, ""), told, holds, installs, against, rerun)

    if MISSING in (intact.get(VERDICT), intact.get("protocol.yaml")):
        return found("its verdict or its protocol is missing")
    if any(state != IDENTICAL for state in intact.values()):
        return found("the folder is not as it was written")
    recorded = Run.open(folder)
    if not holds:
        return found("its signature does not hold", recorded.verdict)
    if against := contradictions(recorded, kept.statement):
        return found("it contradicts itself", recorded.verdict, against)
    if not rerun:
        return found(NOT_ASKED, recorded.verdict)
    try:
        again, verdict = _run_again(recorded, kept.statement, None if source is None else Path(source), watermark_key)
    except HeorsynthError as error:
        return found(str(error).replace("\n", " "), recorded.verdict)
    return Verification(folder.name, intact, again, "", (recorded.verdict, verdict), told, holds, installs)


@dataclass(frozen=True)
class _Kept:
    """Each file's state, the seal if its envelope is whole, and the statement it seals."""

    states: dict[str, str]
    seal: Seal | None
    statement: bytes


def _kept(folder: Path) -> _Kept:
    """Every file held against what covers it: envelope, statement, sums, and so down to the cohorts."""
    sums, names = read_sums(folder), set(files_in(folder))
    states = {name: _state(folder / name, sums.get(name)) for name in names if name not in (SUMS, *OCCASION_FILES)}
    states |= {name: MISSING for name in (*sums, *OCCASION_FILES) if name not in names}
    seal, envelope = None, b""
    if ENVELOPE in names:
        states[ENVELOPE] = ALTERED
        envelope = _bytes(folder / ENVELOPE)
        try:
            seal = opened(envelope)
            states[ENVELOPE] = IDENTICAL
        except SignatureError:
            pass
    statement = b"" if seal is None else seal.payload
    if STATEMENT in names:
        held = _bytes(folder / STATEMENT)
        same = held == seal.payload if seal else covers(envelope, held)
        states[STATEMENT] = IDENTICAL if same else ALTERED
        statement = statement or held
    try:
        subjects = subjects_of(statement)
    except ValueError:
        subjects = {}
    for name in (SUMS, *OCCASION_FILES[:2]):
        if name in names:
            states[name] = _state(folder / name, subjects.get(name)) if name in subjects else NOT_COVERED
    if states[SUMS] == ALTERED:
        states = {name: NOT_COVERED if _by_sums(name, state) else state for name, state in states.items()}
    return _Kept(dict(sorted(states.items())), seal, statement)


def _by_sums(name: str, state: str) -> bool:
    """True for a file that only the sums speak against: where they were altered, it may be as it was."""
    return state != IDENTICAL and name not in (SUMS, *OCCASION_FILES)


def _bytes(path: Path) -> bytes:
    """What a file of the occasion holds; nothing where it is a link, or larger than any run makes it."""
    return b"" if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES else bounded(path)


def _state(path: Path, recorded: str | None) -> str:
    """A link is never followed: what it points to may change, or lie outside the run."""
    if recorded is None:
        return UNEXPECTED
    if path.is_symlink() or not path.is_file():
        return ALTERED
    if path.suffix not in LARGE and path.stat().st_size > MOST_BYTES:
        return ALTERED
    return IDENTICAL if sha256_of(path) == recorded else ALTERED


def _signature(kept: _Kept, wanted: str) -> tuple[str, bool]:
    """What is to be said of the signature, and whether it holds; `wanted` names a trusted key, or is ""."""
    if kept.seal is None:
        return "none that can be read: the envelope is missing, altered or forged", False
    by = kept.seal.key_id
    if not by:
        return "unsigned: an accident is found, a forgery is not", not wanted
    if kept.states.get(SUMS) != IDENTICAL:
        return f"by key {by[:16]}, but of another run, or of this one before it was changed", False
    if wanted and by != wanted:
        return f"by key {by[:16]}, not by the trusted key {wanted[:16]}", False
    return f"by key {by[:16]}{', the trusted one' if wanted else '; nobody has said here whose that is'}", True


def _installs(statement: bytes) -> str:
    """The package versions a run was made with, beside those installed here."""
    try:
        recorded = occasion_of(statement).packages
    except ValueError:
        return "not known: no statement tells the versions"
    recorded = {"heorsynth": facts_of(statement)["version"], **recorded}
    here = {"heorsynth": version("heorsynth"), **packages()}
    other = [f"{name} {held or 'absent'} there, {here.get(name) or 'absent'} here"
             for name, held in recorded.items() if here.get(name, "") != held]  # fmt: skip
    return f"{OTHER_VERSIONS}{'; '.join(other)}" if other else f"the same versions of {len(recorded)} packages"


def _run_again(
    recorded: Run, statement: bytes, source: Path | None, watermark_key: str | Path | None
) -> tuple[dict[str, str], str]:
    """The files of a second run from the recorded protocol on the recorded occasion, held against the first."""
    name = name_of(statement)
    if name in ("", ".", "..") or Path(name).name != name or "-" not in name:
        raise RunError("the statement names no run")
    _require_owner(recorded.path, watermark_key)
    with tempfile.TemporaryDirectory() as place:
        workspace = Path(place)
        protocol = workspace / f"{name.rsplit('-', 1)[0]}.yaml"
        shutil.copy(recorded.path / "protocol.yaml", protocol)
        _, found = load_source(recorded.protocol, source)
        if found != recorded.fingerprint:
            raise RunError("the source's fingerprint is not that of this run")
        again = run(
            protocol,
            workspace / "runs",
            source=source,
            template=recorded.path / "notebook.ipynb",
            lock_text=(recorded.path / "protocol.lock").read_text(encoding="utf-8"),
            watermark_key=watermark_key,
            occasion=occasion_of(statement),
        )
        return compared_runs(recorded.path, again.path), again.verdict


def _require_owner(folder: Path, watermark_key: str | Path | None) -> None:
    """Nothing, if the key given is the one the rows were marked with; RunError otherwise."""
    first = label_of(read_frame(min((folder / SYNTHETIC).rglob("*.parquet"))))
    owner = None if watermark_key is None else owner_key(watermark_key)
    if first is None or (first.watermark.startswith(NO_MARK) and names_owner(first.watermark, None)):
        return
    if not names_owner(first.watermark, owner):
        needed = "give that key as watermark_key" if owner is None else "give that one"
        raise RunError(f"run {folder.name!r}", Problem("watermark", f"the rows follow {first.watermark}", needed))
