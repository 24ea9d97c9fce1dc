"""Writes a run folder completely or not at all, and lists and hashes its files."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from heorsynth.core.disclosure import RULES
from heorsynth.core.errors import OutputError, Problem, RunError
from heorsynth.evidence.evidence import Evidence
from heorsynth.protocol.file.spec import Protocol
from heorsynth.provenance.croissant import CROISSANT
from heorsynth.provenance.in_toto import STATEMENT
from heorsynth.provenance.ro_crate import CRATE
from heorsynth.provenance.signature import ENVELOPE

SUMS = "SHA256SUMS"
VERDICT = "verdict.json"

MOST_BYTES = 64_000_000
"""Largest size of a file that is read at once. A run of 100,000 files has sums of 10 million bytes."""

OCCASION_FILES = (CROISSANT, CRATE, STATEMENT, ENVELOPE)
"""Files with the time and machine of a run, in the order they are written. They differ between equal runs, so the sums
omit them. The statement covers the sums, the crate and the Croissant file; the signature covers the statement."""


@contextmanager
def staged(out: Path, name: str) -> Iterator[Path]:
    """Temporary folder for a run, renamed to `out / name` at the end of the block.

    If the block ends early (an error, a full disk, Ctrl-C), the temporary folder is removed. An earlier folder of the
    same run is replaced.

    Raises
    ------
    OutputError     `out` is not writable or is itself a run, or `out / name` exists and is not a run
    """
    target = out / name
    if (out / VERDICT).exists():
        raise OutputError(f"output {out.name!r}", Problem("", "is itself a run folder", "give its parent folder"))
    if target.exists() and not (target / VERDICT).exists():
        raise OutputError(
            f"output {name!r}",
            Problem("", "exists and is not a run folder", "move it, or choose another output folder"),
        )
    staging = out / f".{name}.partial-{os.getpid()}"
    created = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
    except OSError as error:
        raise OutputError(
            f"output {out.name!r}", Problem("", "cannot be written", "check the permissions and the free space")
        ) from error
    try:
        yield staging
        _take_place(staging, target)
    except OSError as error:
        raise OutputError(
            f"output {out.name!r}",
            Problem(
                "",
                f"writing failed ({error.strerror or 'no reason given'})",
                "free disk space, or choose another folder",
            ),
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for folder in created:
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
    """Sorted relative paths of everything in a run folder: files, links, pipes, and empty folders."""
    names = []
    for path in folder.rglob("*"):
        if not path.is_dir() or path.is_symlink() or not any(path.iterdir()):
            names.append(path.relative_to(folder).as_posix())
    return sorted(names)


def summed_files(folder: Path) -> list[str]:
    """The files that the sums cover; they are the same in two equal runs."""
    return [name for name in files_in(folder) if name not in (SUMS, *OCCASION_FILES)]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex; the file is read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bounded(path: Path) -> bytes:
    """The bytes of a file, up to `MOST_BYTES`.

    The limit protects memory: a sparse file in a forged folder can be larger than memory.

    Raises
    ------
    OSError         the file cannot be read
    OutputError     the file is larger than any file of its kind in a run
    """
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        found = f"more than {MOST_BYTES:,} bytes: larger than any run makes it"
        raise OutputError(f"run {path.parent.name!r}", Problem(path.name, found, "do not use it"))
    return content


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS, in the format of `sha256sum`, over every file that is the same in two equal runs."""
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in summed_files(folder)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def read_sums(folder: Path) -> dict[str, str]:
    """File name to SHA-256, from SHA256SUMS.

    Raises
    ------
    RunError        the folder does not exist
    OutputError     SHA256SUMS is missing, a link or not text; or a name is repeated or lies outside the folder
    """
    if not folder.is_dir():
        found = "is a file" if folder.is_file() else "there is no such folder"
        fix = "give the folder that `heorsynth run` wrote" if folder.is_file() else "check the path"
        raise RunError(f"run {folder.name!r}", Problem("", found, fix))
    path = folder / SUMS
    if not path.is_file() or path.is_symlink():
        raise OutputError(f"run {folder.name!r}", Problem(SUMS, "is missing", "give a complete run folder"))
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
    """True if a name is a relative path within the folder on every operating system."""
    parts = name.split("/")
    return not set(parts) & {"", ".", ".."} and not set(name) & set("\\:\0")


def write_extract(sql: str, attrition: pd.DataFrame, folder: Path) -> None:
    """Write the queries that made a cohort from a database, and the persons left after each step, rounded down to 5."""
    (folder / "source.sql").write_text(sql, encoding="utf-8")
    shown = attrition.assign(persons=[RULES.floor(count) for count in attrition["persons"]])
    (folder / "attrition.csv").write_bytes(shown.to_csv(index=False, lineterminator="\n").encode())


def write_pages(pages: Mapping[str, str], folder: Path) -> None:
    """Write texts into a folder, by file name."""
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


def write_verdict(
    protocol: Protocol, evidence: Evidence, fingerprint: str, holdout: Mapping[str, Any] | None, folder: Path
) -> None:
    """Write the findings as a table, and as JSON with the seed, the version and the fingerprints of a run."""
    (folder / "evidence.csv").write_bytes(evidence.to_csv().encode())
    facts = evidence.to_dict() | {
        "seed": protocol.document.generator.seed,
        "heorsynth": version("heorsynth"),
        "protocol_sha256": protocol.sha256,
        "source_fingerprint": fingerprint,
        "holdout": holdout,
        "title": protocol.document.title,
    }
    text = json.dumps(facts, indent=2, sort_keys=True, allow_nan=False) + "\n"
    (folder / VERDICT).write_text(text, encoding="utf-8")
