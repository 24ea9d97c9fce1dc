"""A registry of released cohorts: a file of JSON lines that tells which release a file came from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from heorsynth.core.errors import FileError, OutputError, Problem
from heorsynth.core.reading import json_of, typed
from heorsynth.data.labels.label import Label, releases_in

MAX_BYTES = 200_000_000
"""A registry is a line a run; a larger file is not one."""


@dataclass(frozen=True)
class Release:
    """What is kept of one run's cohorts: hashes and label facts, and nothing of their rows.

    Attributes
    ----------
    release : str            as every row's id carries it
    run : str                name of the run folder
    files : Mapping          file to SHA-256
    label : Mapping          what the labels of all its cohorts have in common
    purpose, verdict : str   what it was judged fit for, or not
    signed_by : str          name of the key that signed the run, or ""
    watermark_key : str      the key of this release's mark, made from its owner's; "" where only the public one is
                             in the rows. A registry that holds such keys is kept as secret as they are
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
    """What a registry says of a file.

    Attributes
    ----------
    releases : tuple         what its rows or its label come from, the most rows first; empty for none known
    sentence : str           how each was recognised, and what speaks against it
    same_bytes : bool        True where the file is a released one to the byte
    forged : bool            True where the label names a release that does not bear it out
    """

    releases: tuple[Release, ...]
    sentence: str
    same_bytes: bool = False
    forged: bool = False


def require_writable(path: str | Path) -> None:
    """Nothing, if a registry can be written there and what stands there is one.

    Raises
    ------
    OutputError, FileError
    """
    file = Path(path)
    if file.exists():
        read_registry(file)
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise OutputError(f"registry {file.name!r}", Problem("", "cannot be written", "check the folder's rights"))


def read_registry(path: str | Path) -> tuple[Release, ...]:
    """The releases in a registry file, in the order they were added.

    Raises
    ------
    FileError      no such file, too large, or a line that is no release
    """
    file = Path(path)
    subject = f"registry {file.name!r}"
    try:
        if file.stat().st_size > MAX_BYTES:
            raise FileError(subject, Problem("", "is too large to be a registry", "give the file --registry wrote"))
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(subject, Problem("", "cannot be read", "check the path")) from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(typed(Release, json_of(line)))
        except ValueError:
            fix = "restore it: every line is one release"
            raise FileError(subject, Problem(f"line {number}", "no release", fix)) from None
    return tuple(found)


def add(path: str | Path, release: Release) -> None:
    """Adds a release to a registry file, which is made if absent; one that it holds already is not added again.

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
        raise OutputError(f"registry {file.name!r}", Problem("", found, "check its rights and space")) from error


def identify(
    held: Sequence[Release],
    sha256: str,
    label: Label | None,
    ids: Sequence[str],
    n_rows: int,
    marked: Sequence[Release] = (),
) -> Match:
    """Which releases a file came from: by its bytes, else by the ids of its rows, its label and its mark.

    Parameters
    ----------
    held : sequence of Release    a registry
    sha256 : str                  of the file
    label : Label or None         that the file carries
    ids : sequence of str         every `synthetic_id` found in it
    n_rows : int                  rows of the file
    marked : sequence             releases whose mark was found in it
    """
    for release in held:
        for name, recorded in release.files.items():
            if recorded == sha256:
                return Match((release,), f"is {name} of {_told(release)}, to the byte", same_bytes=True)
    counts = releases_in(ids)
    known = {release.release: release for release in held}
    named = [(known[name], count) for name, count in counts.most_common() if name in known]
    told = [f"{count:,} of {n_rows:,} rows carry ids of {_told(release)}" for release, count in named]
    told += [f"{count:,} rows carry ids of the release {name}, which is not in this registry"
             for name, count in counts.items() if name not in known]  # fmt: skip
    forged, why = _borne_out(known, label)
    told += [f"its rows carry the mark of {_told(release)}" for release in marked]
    releases = tuple(dict.fromkeys([*(release.release for release, _ in named), *(one.release for one in marked)]))
    return Match(
        tuple(known[name] for name in releases),
        "; ".join([*told, *why]) or "no file, row id, mark or label of a release in it",
        forged=forged,
    )


def _told(release: Release) -> str:
    return f"release {release.release} (run {release.run}, {release.purpose}: {release.verdict})"


def _borne_out(known: Mapping[str, Release], label: Label | None) -> tuple[bool, list[str]]:
    """Whether a label says other than its release does, and what is to be told of it."""
    if label is None:
        return False, []
    release = known.get(label.release)
    if release is None:
        return False, ["its label names a release that is not in this registry; anyone can write a label"]
    told = label.shared
    other = sorted(name for name in {*told, *release.label} if told.get(name) != release.label.get(name))
    if other:
        return True, [f"its label is not the one released: {', '.join(other)} differ"]
    return False, [f"its label is that of {_told(release)}, though its bytes are not a released file's"]
