"""A paper file as the source of a protocol: what such a protocol may say, the trial, and copies of its files."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from heorsynth.core.errors import CurveError, FileError, PaperError, Problem, ProtocolError
from heorsynth.protocol.file.error_lines import with_lines
from heorsynth.protocol.file.spec import Protocol
from heorsynth.published.trial.trial import PublishedTrial

_COPIES = "published"
"""Folder of a run that holds the paper file and the files it names, so that the run can be repeated without them."""


def _paper_path(protocol: Protocol, folder: Path | None = None) -> Path:
    """Return the path of the paper file: beside the protocol, or the copy in a run folder."""
    declared = Path(str(protocol.document.cohort.source.published))
    start = folder or protocol.path.parent
    copied = start / _COPIES / declared.name
    return copied if not (start / declared).exists() and copied.exists() else start / declared


def trial_of(protocol: Protocol, folder: Path | None = None) -> PublishedTrial:
    """Return the trial of the paper that a protocol names.

    Raises
    ------
    PaperError, FileError, CurveError     with the line of the protocol, and that of the paper file
    ProtocolError                         an option that is none, with its line
    """
    try:
        trial = PublishedTrial.read(_paper_path(protocol, folder))
    except (PaperError, FileError) as error:
        raise with_lines(error, protocol, default=("source", "published")) from None
    try:
        trial = trial.with_options(protocol.document.generator.options)
    except PaperError as error:
        options = protocol.document.generator.options
        at = ("generator", "options") if options else ("cohort", "source", "published")
        placed = [Problem(protocol.where(*at, *(one.where.split(".") if options else [])), one.found, one.fix)
                  for one in error.problems]  # fmt: skip
        raise ProtocolError(f"protocol {protocol.path.name!r}", placed) from None
    try:
        trial.require_consistent()
    except (CurveError, PaperError) as error:
        raise with_lines(error, protocol, default=("source", "published")) from None
    return trial


def copy_paper(protocol: Protocol, folder: Path, target: Path) -> None:
    """Copy the paper file and the files that it names into a run folder; nothing for another source."""
    if protocol.document.cohort.source.published is None:
        return
    for name, path in PublishedTrial.read(_paper_path(protocol, folder)).paper.files.items():
        place = target / _COPIES / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def paper_hashes(protocol: Protocol) -> dict[str, str]:
    """Return the SHA-256 of the paper file and of the files that it names; empty for another source.

    A paper file that cannot be read has its own hash only.
    """
    if protocol.document.cohort.source.published is None:
        return {}
    path = _paper_path(protocol)
    try:
        files = PublishedTrial.read(path).paper.files
    except (PaperError, FileError):
        files = {path.name: path}
    return {name: hashlib.sha256(one.read_bytes()).hexdigest() for name, one in files.items() if one.is_file()}
