"""Writes a run folder whole or not at all, and says what stands in it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heorsynth.core.errors import OutputError, Problem, RunError
from heorsynth.provenance.croissant import CROISSANT
from heorsynth.provenance.in_toto import STATEMENT
from heorsynth.provenance.ro_crate import CRATE
from heorsynth.provenance.signature import ENVELOPE

SUMS = "SHA256SUMS"
VERDICT = "verdict.json"

MOST_BYTES = 64_000_000
"""Of the files that are read whole to check a run; a run of 100,000 files has sums of 10 million bytes."""

OCCASION_FILES = (CROISSANT, CRATE, STATEMENT, ENVELOPE)
"""Files that tell when and on what a run was made, in the order they are written. Two equal runs differ in them,
so they are not among the sums: the statement covers the sums, the crate and the Croissant file, and the envelope
the statement."""


@contextmanager
def staged(out: Path, name: str) -> Iterator[Path]:
    """A folder to write a run into; it takes its name under `out` only when all of it is there.

    Whatever ends the block early (an error, a full disk, Ctrl-C) leaves nothing behind. An earlier copy of
    the same run is replaced.

    Raises
    ------
    OutputError     `out` cannot be written, is itself a run, or holds something else of that name
    """
    target = out / name
    if (out / VERDICT).exists():
        raise OutputError(f"output {out.name!r}", Problem("", "is itself a run folder", "choose the folder above it"))
    if target.exists() and not (target / VERDICT).exists():
        raise OutputError(f"output {name!r}", Problem("", "exists and is not a run", "move it, or choose another out"))
    staging = out / f".{name}.partial-{os.getpid()}"
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
    except OSError as error:
        raise OutputError(
            f"output {out.name!r}", Problem("", "cannot be written", "check its rights and space")
        ) from error
    try:
        yield staging
        _take_place(staging, target)
    except OSError as error:
        raise OutputError(
            f"output {out.name!r}",
            Problem(
                "", f"writing failed ({error.strerror or 'no reason given'})", "free space or choose another folder"
            ),
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for folder in made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def _take_place(staging: Path, target: Path) -> None:
    if target.exists():
        old = staging.with_name(staging.name + "-old")
        target.rename(old)
        staging.rename(target)
        shutil.rmtree(old)
    else:
        staging.rename(target)


def files_in(folder: Path) -> list[str]:
    """Whatever stands in a run folder by its path within it, sorted: files, links, pipes, and empty folders."""
    found = []
    for path in folder.rglob("*"):
        if not path.is_dir() or path.is_symlink() or not any(path.iterdir()):
            found.append(path.relative_to(folder).as_posix())
    return sorted(found)


def summed_files(folder: Path) -> list[str]:
    """The files that the sums cover: all that two equal runs share."""
    return [name for name in files_in(folder) if name not in (SUMS, *OCCASION_FILES)]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bounded(path: Path) -> bytes:
    """The bytes of a file that a run writes for itself; a file may be sparse, and say that it is larger than memory.

    Raises
    ------
    OSError         it cannot be read
    OutputError     larger than any run makes it
    """
    with path.open("rb") as file:
        held = file.read(MOST_BYTES + 1)
    if len(held) > MOST_BYTES:
        found = f"more than {MOST_BYTES:,} bytes: larger than any run makes it"
        raise OutputError(f"run {path.parent.name!r}", Problem(path.name, found, "do not use it"))
    return held


def write_sums(folder: Path) -> None:
    """Writes SHA256SUMS over every file that two equal runs share, in the format of sha256sum."""
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in summed_files(folder)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def read_sums(folder: Path) -> dict[str, str]:
    """File name to SHA-256, from SHA256SUMS; names that leave the folder are refused.

    Raises
    ------
    RunError        no such folder
    OutputError     no sums, sums that are a link or no text, or a name that leaves the folder or comes twice
    """
    if not folder.is_dir():
        found = "is a file" if folder.is_file() else "there is no such folder"
        fix = "give the folder that `heorsynth run` wrote" if folder.is_file() else "check the path"
        raise RunError(f"run {folder.name!r}", Problem("", found, fix))
    path = folder / SUMS
    if not path.is_file() or path.is_symlink():
        raise OutputError(f"run {folder.name!r}", Problem(SUMS, "is missing", "this is not a whole run folder"))
    try:
        text = bounded(path).decode()
    except UnicodeDecodeError:
        raise OutputError(
            f"run {folder.name!r}", Problem(SUMS, "is not text: it was altered", "do not use it")
        ) from None
    sums: dict[str, str] = {}
    for line in text.splitlines():
        digest, _, name = line.partition("  ")
        if not _is_within(name) or name in sums:
            raise OutputError(
                f"run {folder.name!r}", Problem(SUMS, "a line that is no file of this run", "do not use it")
            )
        sums[name] = digest
    return sums


def _is_within(name: str) -> bool:
    """True for a relative path with `/` between plain parts, on any system."""
    parts = name.split("/")
    return not set(parts) & {"", ".", ".."} and not set(name) & set("\\:\0")
