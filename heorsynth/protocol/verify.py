"""Checks a run folder: its bytes against its sums, then a re-run against its numbers and its verdict."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from heorsynth.core.display import Card
from heorsynth.core.errors import CohortError, FileError, ProtocolError, RunError
from heorsynth.protocol.folder import SUMS, VERDICT, files_in, read_sums, sha256_of
from heorsynth.protocol.run import Run, run
from heorsynth.protocol.source import load_source

RELATIVE_TOLERANCE = 1e-9
"""Two numbers this close are the same computation on another machine's arithmetic."""

IDENTICAL, WITHIN, DIFFERENT, MISSING, UNEXPECTED = (
    "identical",
    "within tolerance",
    "different",
    "missing",
    "unexpected",
)
ALTERED = "altered since the run"


@dataclass(frozen=True)
class Verification:
    """What of a run holds.

    Attributes
    ----------
    run : str                name of the run folder
    intact : Mapping         file to "identical", "altered since the run", "missing" or "unexpected"
    rerun : Mapping          file to "identical", "within tolerance" or "different"; empty where not re-run
    not_rerun : str          why it could not be re-run, or ""
    verdicts : tuple         recorded and re-run verdict; the second is "" where not re-run
    """

    run: str
    intact: Mapping[str, str]
    rerun: Mapping[str, str]
    not_rerun: str
    verdicts: tuple[str, str]

    @property
    def verified(self) -> bool:
        """True if every file is as it was and, where a re-run was possible, its numbers and verdict agree."""
        same = {IDENTICAL, WITHIN}
        return (
            set(self.intact.values()) <= {IDENTICAL}
            and set(self.rerun.values()) <= same
            and (bool(self.not_rerun) or self.verdicts[0] == self.verdicts[1])
        )

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
            f"Re-run verdict: {self.verdicts[1]}; recorded: {self.verdicts[0]}."
            if not self.not_rerun
            else (f"Not re-run: {self.not_rerun}.")
        )
        state = "verified" if self.verified else "differs"
        return Card(f"Run {self.run}: {state}", ("file", "bytes", "re-run"), rows, told)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def verify(path: str | Path, source: str | Path | None = None, rerun: bool = True) -> Verification:
    """Whether a run folder is as it was written, and whether running it again gives the same.

    Parameters
    ----------
    path : path                the run folder
    source : path, optional    folder in which a source file is looked for; not needed for bundled datasets
    rerun : bool               False checks the bytes only

    Raises
    ------
    OutputError, RunError      this is no run folder
    """
    folder = Path(path)
    intact = _intact(folder)
    if intact.get(VERDICT) == MISSING or intact.get("protocol.yaml") == MISSING:
        return Verification(folder.name, intact, {}, "its verdict or its protocol is missing", ("", ""))
    if any(state != IDENTICAL for state in intact.values()):
        return Verification(folder.name, intact, {}, "the folder is not as it was written", ("", ""))
    recorded = Run.open(folder)
    if not rerun:
        return Verification(folder.name, intact, {}, "not asked for", (recorded.verdict, ""))
    try:
        again, verdict = _run_again(recorded, None if source is None else Path(source))
    except (FileError, CohortError, ProtocolError, RunError) as error:
        return Verification(folder.name, intact, {}, str(error).replace("\n", " "), (recorded.verdict, ""))
    return Verification(folder.name, intact, again, "", (recorded.verdict, verdict))


def _intact(folder: Path) -> dict[str, str]:
    sums = read_sums(folder)
    found = {name: _state(folder / name, sums.get(name)) for name in files_in(folder)}
    return found | {name: MISSING for name in sums if name not in found}


def _state(path: Path, recorded: str | None) -> str:
    """A link is never followed: what it points to may change, or lie outside the run."""
    if recorded is None:
        return UNEXPECTED
    if path.is_symlink():
        return ALTERED
    return IDENTICAL if sha256_of(path) == recorded else ALTERED


def _run_again(recorded: Run, source: Path | None) -> tuple[dict[str, str], str]:
    """The files of a second run from the recorded protocol, held against the first."""
    with tempfile.TemporaryDirectory() as place:
        workspace = Path(place)
        stem = recorded.path.name.rsplit("-", 1)[0]
        protocol = workspace / f"{stem}.yaml"
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
        )
        states = {
            name: _compared(recorded.path / name, again.path / name) for name in files_in(recorded.path) if name != SUMS
        }
        return states, again.verdict


def _compared(before: Path, after: Path) -> str:
    if not after.exists():
        return DIFFERENT
    if sha256_of(before) == sha256_of(after):
        return IDENTICAL
    if before.suffix == ".json":
        close = _close(json.loads(before.read_text(encoding="utf-8")), json.loads(after.read_text(encoding="utf-8")))
        return WITHIN if close else DIFFERENT
    if before.suffix in (".csv", ".parquet"):
        read = pd.read_csv if before.suffix == ".csv" else pd.read_parquet
        return WITHIN if _close_frames(read(before), read(after)) else DIFFERENT
    return DIFFERENT


def _close(before: object, after: object) -> bool:
    """True for JSON values that agree, numbers to `RELATIVE_TOLERANCE`."""
    if isinstance(before, float) and isinstance(after, (int, float)):
        return math.isclose(before, after, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12)
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_close(value, after[name]) for name, value in before.items())
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(_close(*pair) for pair in zip(before, after, strict=True))
    return before == after


def _close_frames(before: pd.DataFrame, after: pd.DataFrame) -> bool:
    try:
        pd.testing.assert_frame_equal(before, after, rtol=RELATIVE_TOLERANCE)
    except AssertionError:
        return False
    return True
