"""Who may receive the cohorts of a run, and the key that the custodian keeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from heorsynth.core.errors import FileError, GeneratorError, Problem, ProtocolError, RunError
from heorsynth.core.secret import PUBLIC_RELEASE_KEY, ReleaseKey, release_key
from heorsynth.data.files.io import label_of, read_frame
from heorsynth.data.labels.levels import INTERNAL
from heorsynth.generators import registry
from heorsynth.protocol.file.release import level_of
from heorsynth.protocol.file.source import Origin
from heorsynth.protocol.file.spec import Protocol
from heorsynth.protocol.synthetic import SYNTHETIC


@dataclass(frozen=True)
class Custody:
    """The release level of a run, and the release key; None if the level is internal.

    `options` are the settings of the generator that follow from them.
    """

    level: str
    key: ReleaseKey | None

    @property
    def options(self) -> dict[str, object]:
        """The settings that the generator is given in addition to those of the protocol."""
        return {} if self.level == INTERNAL else {registry.RELEASE: self.level, "release_key": self.key}


def require_bounded(protocol: Protocol) -> None:
    """Raise ProtocolError, with its line, if the generator cannot bound what a patient moves as the level asks."""
    try:
        registry.require_bounded(protocol.document.generator.name, level_of(protocol.document))
    except GeneratorError as error:
        (problem,) = error.problems
        placed = Problem(protocol.where("release"), problem.found, problem.fix)
        raise ProtocolError(f"protocol {protocol.path.name!r}", placed) from error


def custody_of(protocol: Protocol, origin: Origin, given: str | Path | ReleaseKey | None) -> Custody:
    """Return the release level of a protocol, with the key for its noise.

    Parameters
    ----------
    given : path or ReleaseKey, optional    the key; by default the file that the protocol names, else the public key
                                            for a bundled dataset or a simulated trial, else the custodian's own

    Raises
    ------
    FileError      the key cannot be read or made
    """
    level, block = level_of(protocol.document), protocol.document.release
    if level == INTERNAL:
        return Custody(level, None)
    if isinstance(given, ReleaseKey):
        return Custody(level, given)
    declared = None if block is None or block.key is None else protocol.path.parent / block.key
    path = given or declared
    if path is None and origin.public:
        return Custody(level, PUBLIC_RELEASE_KEY)
    return Custody(level, release_key(path))


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
