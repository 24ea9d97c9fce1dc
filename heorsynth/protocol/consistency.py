"""Whether a run agrees with itself: its verdict, tables, name, source and labels tell one story.

Who forges a run and seals it anew has a folder that is whole. What its files say of each other is still open to
everybody, without running anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from heorsynth.checks.core.finding import borne_out
from heorsynth.core.errors import HeorsynthError
from heorsynth.core.reading import json_of
from heorsynth.data.files.io import label_of, read_frame
from heorsynth.data.inspect import named_rows
from heorsynth.data.labels.claims import belied
from heorsynth.data.labels.label import Label, releases_in
from heorsynth.protocol.file.source import load_source
from heorsynth.protocol.run import Run, run_name
from heorsynth.protocol.run_folder import SUMS, VERDICT, bounded, read_sums, sha256_of
from heorsynth.protocol.synthetic import SYNTHETIC
from heorsynth.provenance.croissant import CROISSANT
from heorsynth.provenance.in_toto import facts_of
from heorsynth.provenance.ro_crate import CRATE

EVIDENCE = "evidence.csv"


def contradictions(run: Run, statement: bytes) -> tuple[str, ...]:
    """What in a run speaks against something else in it, a sentence each; none for a run as it was written.

    Parameters
    ----------
    run : Run            the folder, read
    statement : bytes    what its envelope seals
    """
    release = facts_of(statement)["release"]
    asked = _of_findings(run), _of_statement(run, statement), _of_source(run), _of_hashes(run.path)
    return tuple(chain(*asked, _of_rows(run, release)))


def _of_findings(run: Run) -> Iterator[str]:
    """Findings whose verdict their own interval and margin do not bear out; a table that says other than they."""
    wrong = [one for one in run.evidence.findings if not borne_out(one)]
    if wrong:
        yield f"{VERDICT}: {len(wrong)} of {len(run.evidence.findings)} findings are not what their intervals say"
    if bounded(run.path / EVIDENCE) != run.evidence.to_csv().encode():
        yield f"{EVIDENCE} does not hold the findings of {VERDICT}"


def _of_statement(run: Run, statement: bytes) -> Iterator[str]:
    """A statement about another run, protocol, source, hold-out or result than the folder's."""
    folder = run.path.resolve().name
    fixed = run_name(folder.rsplit("-", 1)[0], run.protocol.sha256, run.fingerprint)
    facts = facts_of(statement)
    for what, found, expected in (
        ("the name of the run", facts["name"], folder),
        ("the folder's name, which follows from protocol and source,", folder, fixed),
        ("the protocol", facts["protocol"], run.protocol.sha256),
        ("the fingerprint of the source", facts["fingerprint"], run.fingerprint),
        ("the hold-out", facts["holdout"], run.holdout),
        ("the verdict", facts["verdict"], run.verdict),
        ("the sentence of the verdict", facts["sentence"], run.evidence.sentence),
    ):
        if found != expected:
            yield f"{what} is not that of the statement"


def _of_source(run: Run) -> Iterator[str]:
    """A fingerprint that the bundled dataset, or the simulated trial, which anybody can make, does not have."""
    if run.protocol.document.cohort.source.path is None and load_source(run.protocol)[1] != run.fingerprint:
        yield "the fingerprint of the source is not that of the dataset the protocol names"


def _of_hashes(folder: Path) -> Iterator[str]:
    """Files that the crate or the Croissant file describe with another hash."""
    known = {**read_sums(folder), **{name: sha256_of(folder / name) for name in (SUMS, CROISSANT)}}
    for document in (CRATE, CROISSANT):
        try:
            facts = json_of(bounded(folder / document))
        except (OSError, ValueError):
            yield f"{document} cannot be read"
            continue
        for name, sha256 in _hashes(facts):
            if known.get(name) != sha256:
                yield f"{document} gives another hash of {name}"


def _hashes(facts: Any) -> Iterator[tuple[str, str]]:
    """Every file of a JSON-LD document that it gives the hash of."""
    if isinstance(facts, dict):
        if "sha256" in facts and "contentSize" in facts:
            yield str(facts.get("contentUrl") or facts.get("@id")), str(facts["sha256"])
        for value in facts.values():
            yield from _hashes(value)
    elif isinstance(facts, list):
        for value in facts:
            yield from _hashes(value)


def _of_rows(run: Run, release: object) -> Iterator[str]:
    """Synthetic files that are not of this run by their label, or whose rows are not what their label says."""
    parts = set()
    for path in sorted((run.path / SYNTHETIC).rglob("*.parquet")):
        name = path.relative_to(run.path).as_posix()
        try:
            frame = read_frame(path)
            label = label_of(frame)
        except HeorsynthError:
            yield f"{name} cannot be read"
            continue
        if label is None:
            yield f"{name} carries no label"
            continue
        parts.add(label.part)
        if wrong := [what for what, same in _facts(run, release, label, path) if not same]:
            yield f"the label of {name} is of another run: {', '.join(wrong)}"
        if problem := _rows_problem(frame, label):
            yield f"{name}: {problem}"
    if parts != set(range(run.evidence.m)):
        yield f"{len(parts)} cohorts are there, {run.evidence.m} were judged"


def _facts(run: Run, release: object, label: Label, path: Path) -> list[tuple[str, bool]]:
    """What a label says that the rest of its run says too, and whether it is the same."""
    place = path.relative_to(run.path / SYNTHETIC).parts[0].removesuffix(".parquet")
    return [
        ("release", label.release == release),
        ("generator", label.generator == run.evidence.generator),
        ("seed", label.seed == run.protocol.document.generator.seed),
        ("number of cohorts", label.m == run.evidence.m),
        ("number of patients", label.n_source == run.evidence.n_source),
        ("place among the cohorts", place == f"{label.part:03d}"),
    ]


def _rows_problem(frame: pd.DataFrame, label: Label) -> str:
    """What of the rows their label does not bear out, or ""."""
    if len(frame) != label.n_rows:
        return "other rows than its label counts"
    if dict(releases_in(named_rows(frame))) != ({label.release: len(frame)} if len(frame) else {}):
        return "rows without an id of the release its label names"
    return "its label claims a mark that its rows do not hold" if belied(frame, label) else ""
