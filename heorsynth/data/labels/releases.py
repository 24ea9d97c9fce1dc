"""A registry of released cohorts: a file of JSON lines that identifies the release a file came from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from heorsynth.core.display import agreeing, counted
from heorsynth.core.errors import FileError, OutputError, Problem
from heorsynth.core.reading import json_of, typed
from heorsynth.data.labels.label import Label, releases_in

_MAX_BYTES = 200_000_000
"""The largest size of a registry file. It has one line per run."""


@dataclass(frozen=True)
class Release:
    """The registry entry of one run: hashes and label facts, without any row.

    Attributes
    ----------
    release : str            the release, as in the id of each row
    run : str                name of the run folder
    files : Mapping          file name to SHA-256
    label : Mapping          the fields that the labels of all its cohorts share
    purpose, verdict : str   the purpose and the verdict of its evidence
    signed_by : str          name of the key that signed the run, or ""
    watermark_key : str      key of this release's watermark, derived from the owner's key; "" if only the public
                             watermark is used. Keep a registry with such keys secret
    """

    release: str
    run: str
    files: Mapping[str, str]
    label: Mapping[str, Any]
    purpose: str
    verdict: str
    signed_by: str = ""
    watermark_key: str = ""


@dataclass(frozen=True)
class Match:
    """The result of searching a file in a registry.

    Attributes
    ----------
    releases : tuple         the releases that its rows or label come from, most rows first; empty if unknown
    sentence : str           how each was recognised, and what contradicts it
    same_bytes : bool        True if the file is identical to a released file
    forged : bool            True if the label contradicts the release that it names
    """

    releases: tuple[Release, ...]
    sentence: str
    same_bytes: bool = False
    forged: bool = False


def require_writable(path: str | Path) -> None:
    """Raise an error if the registry cannot be written, or if an existing file is not a registry.

    Raises
    ------
    OutputError, FileError
    """
    file = Path(path)
    if file.exists():
        read_registry(file)
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        problem = Problem("", "cannot be written", "check the folder's permissions")
        raise OutputError(f"registry {file.name!r}", problem)


def read_registry(path: str | Path) -> tuple[Release, ...]:
    """Return the releases in a registry file, in the order they were added.

    Raises
    ------
    FileError      the file does not exist, is too large, or has a line that is not a release
    """
    file = Path(path)
    subject = f"registry {file.name!r}"
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise FileError(subject, Problem("", "is too large for a registry", "give the file that --registry wrote"))
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(subject, Problem("", "cannot be read", "check the path")) from error
    releases = []
    for number, line in enumerate(lines, 1):
        try:
            releases.append(typed(Release, json_of(line)))
        except ValueError:
            fix = "restore the file: every line must be one release"
            raise FileError(subject, Problem(f"line {number}", "not a release", fix)) from None
    return tuple(releases)


def add(path: str | Path, release: Release) -> None:
    """Add a release to a registry file, unless it is already there. The file is created if it does not exist.

    Raises
    ------
    FileError, OutputError
    """
    file = Path(path)
    if file.exists() and release in read_registry(file):
        return
    line = json.dumps(asdict(release), sort_keys=True) + "\n"
    try:
        with file.open("a", encoding="utf-8") as out:
            out.write(line)
    except OSError as error:
        found = f"cannot be written ({error.strerror})"
        raise OutputError(f"registry {file.name!r}", Problem("", found, "check its permissions and space")) from error


def identify(
    registry: Sequence[Release],
    sha256: str,
    label: Label | None,
    ids: Sequence[str],
    n_rows: int,
    marked: Sequence[Release] = (),
) -> Match:
    """Return the releases a file came from, by its bytes, or else by its row ids, its label and its watermark.

    Parameters
    ----------
    registry : sequence of Release
    sha256 : str                  of the file
    label : Label or None         of the file
    ids : sequence of str         every `synthetic_id` in the file
    n_rows : int                  rows of the file
    marked : sequence             releases whose watermark was detected in the file
    """
    for release in registry:
        for name, recorded in release.files.items():
            if recorded == sha256:
                return Match((release,), f"is {name} of {_name(release)}, to the byte", same_bytes=True)
    counts = releases_in(ids)
    known = {release.release: release for release in registry}
    named = [(known[name], count) for name, count in counts.most_common() if name in known]
    carry = {name: agreeing(count, "carries an id", "carry ids") for name, count in counts.items()}
    reasons = [f"{n:,} of {n_rows:,} rows {carry[one.release]} of {_name(one)}" for one, n in named]
    reasons += [
        f"{counted(count, 'row')} {carry[name]} of the release {name}, which is not in this registry"
        for name, count in counts.items()
        if name not in known
    ]
    forged, label_reasons = _compare_label(known, label)
    reasons += [f"its rows carry the mark of {_name(release)}" for release in marked]
    releases = tuple(dict.fromkeys([*(release.release for release, _ in named), *(one.release for one in marked)]))
    return Match(
        tuple(known[name] for name in releases),
        "; ".join([*reasons, *label_reasons]) or "no file, row id, mark or label of a release in it",
        forged=forged,
    )


def _name(release: Release) -> str:
    return f"release {release.release} (run {release.run}, {release.purpose}: {release.verdict})"


def _compare_label(known: Mapping[str, Release], label: Label | None) -> tuple[bool, list[str]]:
    """Return whether a label contradicts its release, and a sentence about it."""
    if label is None:
        return False, []
    release = known.get(label.release)
    if release is None:
        return False, ["its label names a release that is not in this registry; anyone can write a label"]
    shared = label.shared
    other = sorted(name for name in {*shared, *release.label} if shared.get(name) != release.label.get(name))
    if other:
        return True, [f"its label is not the one released: {', '.join(other)} differ"]
    return False, [f"its label is that of {_name(release)}, though its bytes are not a released file's"]
