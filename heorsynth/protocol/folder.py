"""Writes a run folder whole or not at all, and says what stands in it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heorsynth.core.errors import OutputError, Problem

SUMS = "SHA256SUMS"
VERDICT = "verdict.json"


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
    """Every file and link of a run folder by its path within it, sorted, without the sums themselves."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return sorted(name for name in found if name != SUMS)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path) -> None:
    """Writes SHA256SUMS over every file of the folder, in the format of sha256sum."""
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in files_in(folder)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def read_sums(folder: Path) -> dict[str, str]:
    """File name to SHA-256, from SHA256SUMS; names that leave the folder are refused.

    Raises
    ------
    OutputError     no sums, sums that are a link or no text, or a name with `..` or an absolute path
    """
    path = folder / SUMS
    if not path.is_file() or path.is_symlink():
        raise OutputError(f"run {folder.name!r}", Problem(SUMS, "is missing", "this is not a whole run folder"))
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise OutputError(
            f"run {folder.name!r}", Problem(SUMS, "is not text: it was altered", "do not use it")
        ) from None
    sums: dict[str, str] = {}
    for line in text.splitlines():
        digest, _, name = line.partition("  ")
        if not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise OutputError(
                f"run {folder.name!r}", Problem(SUMS, "a line that is no file of this run", "do not use it")
            )
        sums[name] = digest
    return sums
