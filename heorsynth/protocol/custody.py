"""Who may receive the cohorts of a run, and what the custodian keeps: the release key and the ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from heorsynth.core.errors import FileError, GeneratorError, OutputError, Problem, ProtocolError, RunError
from heorsynth.core.numbers import is_whole
from heorsynth.core.secret import PUBLIC_RELEASE_KEY, ReleaseKey, release_key
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.files.io import label_of, read_frame
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.keyed_patients import keyed_patients
from heorsynth.data.labels.ledger import LedgerEntry, packed, read_ledger, record
from heorsynth.data.labels.levels import INTERNAL
from heorsynth.data.labels.spending import Spending, spending_of
from heorsynth.generators import registry
from heorsynth.generators.sampling.sampler import Sampler
from heorsynth.protocol.file.release import ReleaseSection, level_of
from heorsynth.protocol.file.source import Origin
from heorsynth.protocol.file.spec import Protocol
from heorsynth.protocol.run_folder import VERDICT
from heorsynth.protocol.synthetic import SYNTHETIC, Patients
from heorsynth.published.trial.trial import PublishedTrial


@dataclass(frozen=True)
class Custody:
    """The release level of a run, the release key, and the ledger of releases.

    Attributes
    ----------
    level : str                release level
    key : ReleaseKey or None   None if neither noise nor a ledger needs one
    ledger : Path or None      the ledger, which stays with the custodian
    fewest : int or None       smallest number of patients in which releases may differ; None for that of the level
    budget : Mapping or None   privacy budget of the patients, as the protocol declares it
    """

    level: str
    key: ReleaseKey | None
    ledger: Path | None = None
    fewest: int | None = None
    budget: Spending | None = None

    @property
    def options(self) -> dict[str, object]:
        """The settings that the generator is given in addition to those of the protocol."""
        return {} if self.level == INTERNAL else {registry.RELEASE: self.level, "release_key": self.key}

    def entered(self, protocol: Protocol, run: str, patients: Patients, sampler: Sampler | None) -> LedgerEntry | None:
        """Return the ledger's entry for a fitted generator, after its check; None without a ledger.

        Raises
        ------
        LedgerError      the release may not be made; nothing was drawn yet
        FileError        the ledger cannot be read, belongs to another key, or is damaged
        """
        if self.ledger is None or self.key is None or sampler is None or isinstance(patients, PublishedTrial):
            return None
        entry = _entry(self.level, self.key, protocol, run, patients, sampler)
        read_ledger(self.ledger, self.key).require(entry, self.fewest, self.budget)
        return entry

    def recorded(self, entry: LedgerEntry | None, release: str) -> str:
        """Add a finished run to the ledger, and return what the ledger says of it; "" without a ledger."""
        if entry is None or self.ledger is None or self.key is None:
            return ""
        return record(self.ledger, self.key, replace(entry, release=release), self.fewest, self.budget)


def _entry(
    level: str, key: ReleaseKey, protocol: Protocol, run: str, patients: Cohort | CohortFolder, sampler: Sampler
) -> LedgerEntry:
    """The entry of a release before its name is known."""
    found = keyed_patients(patients, key)
    order = np.argsort(found.ids if len(found.ids) else found.rows)  # the order of the rows is not kept
    settings = json.dumps([level, sampler.name, dict(sampler.settings)], sort_keys=True, default=str)
    covers = sampler.settings.get("noise_covers", 0)
    return LedgerEntry(
        date=datetime.now(UTC).date().isoformat(),
        level=level,
        run=run,
        release="",
        protocol=protocol.sha256,
        source=key.tag(b"release\0" + found.content + f"{patients.schema!r}\0{settings}".encode()).hex(),
        columns=found.columns,
        ids=packed(found.ids[order] if len(found.ids) else found.ids),
        rows=packed(found.rows[order]),
        spent=spending_of(sampler.settings.get("spent")),
        noise_covers=covers if is_whole(covers, 0) else 0,
    )


def require_bounded(protocol: Protocol) -> None:
    """Raise ProtocolError, with its line, if the generator cannot bound what a patient moves as the level asks."""
    if protocol.document.cohort.source.published is not None:
        return  # there is no patient
    try:
        registry.require_bounded(protocol.document.generator.name, level_of(protocol.document))
    except GeneratorError as error:
        (problem,) = error.problems
        placed = Problem(protocol.where("release"), problem.found, problem.fix)
        raise ProtocolError(f"protocol {protocol.path.name!r}", placed) from error


def custody_of(
    protocol: Protocol,
    origin: Origin,
    given: str | Path | ReleaseKey | None,
    ledger: str | Path | None = None,
    again: bool = False,
) -> Custody:
    """Return the release level of a protocol, with the key for its noise and the ledger.

    Parameters
    ----------
    given : path or ReleaseKey, optional    the key; by default the file that the protocol names, else the public key
                                            for a bundled dataset or a simulated trial, else the custodian's own
    ledger : path, optional                 by default the file that the protocol names
    again : bool                            True for the second run of `verify`: it is no release, so no ledger is used

    Raises
    ------
    FileError      the key cannot be read or made
    OutputError    the ledger lies in a run folder
    """
    level, block, folder = level_of(protocol.document), protocol.document.release, protocol.path.parent
    block = ReleaseSection() if block is None else block
    place = Path(ledger) if ledger else folder / block.ledger if block.ledger else None
    place = None if again else place
    if place is not None:
        _require_outside(place)
    if (level == INTERNAL and place is None) or protocol.document.cohort.source.published is not None:
        return Custody(level, None)
    budget = None if block.budget is None else block.budget.model_dump(exclude_none=True)
    return Custody(
        level, _key(given or (folder / block.key if block.key else None), origin), place, block.fewest, budget
    )


def _key(given: str | Path | ReleaseKey | None, origin: Origin) -> ReleaseKey:
    if isinstance(given, ReleaseKey):
        return given
    return PUBLIC_RELEASE_KEY if given is None and origin.public else release_key(given)


def _require_outside(ledger: Path) -> None:
    """Raise OutputError if a ledger lies in a run folder, which others receive."""
    if any((parent / VERDICT).exists() for parent in ledger.absolute().parents):
        fix = "keep it where only the custodian reads it"
        raise OutputError(f"ledger {ledger.name!r}", Problem("", "lies in a run folder", fix))


def key_of_run(folder: Path, given: str | Path | None) -> ReleaseKey | None:
    """Return the key that a second run of a run folder needs; None if it needs none.

    Raises
    ------
    RunError      the key is not here, or it is another one; the message names the id of the one that is needed
    """
    label = label_of(read_frame(min((folder / SYNTHETIC).rglob("*.parquet"))))
    if label is None or not label.noise_key:
        return None
    if label.noise_key == PUBLIC_RELEASE_KEY.stated:
        return PUBLIC_RELEASE_KEY
    fix = f"heorsynth verify {folder.name} --release-key FILE"
    needed = f"the noise follows the secret release key with id {label.noise_key}, which only the custodian has"
    try:
        key = release_key(given, create=False)
    except FileError:
        if given is not None:
            raise
        raise RunError(f"run {folder.name!r}", Problem("release key", f"{needed}; there is none here", fix)) from None
    if key.stated != label.noise_key:
        found = f"{needed}; the key here has id {key.id}"
        raise RunError(f"run {folder.name!r}", Problem("release key", found, fix))
    return key
