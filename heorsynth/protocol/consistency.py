"""Checks that the files of a run agree: verdict, tables, name, source and labels.

A forger can recompute all hashes and sign a changed run folder. Contradictions between its files can still be found,
without executing any code of the folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from heorsynth.checks.planning.catalogue import borne_out
from heorsynth.core.errors import HeorsynthError
from heorsynth.core.reading import json_of
from heorsynth.data.files.io import label_of, read_frame
from heorsynth.data.inspect import named_rows
from heorsynth.data.labels.claims import contradicts_label
from heorsynth.data.labels.label import Label, releases_in
from heorsynth.protocol.file.release import level_of
from heorsynth.protocol.file.source import load_source
from heorsynth.protocol.run import Run, run_name
from heorsynth.protocol.run_folder import SUMS, VERDICT, bounded, read_sums, sha256_of
from heorsynth.protocol.synthetic import SYNTHETIC
from heorsynth.provenance.croissant import CROISSANT
from heorsynth.provenance.in_toto import facts_of
from heorsynth.provenance.ro_crate import CRATE

_EVIDENCE = "evidence.csv"


def contradictions(run: Run, statement: bytes) -> tuple[str, ...]:
    """Sentences, each on two parts of a run that contradict each other; empty for an unchanged run.

    Parameters
    ----------
    run : Run            the run folder
    statement : bytes    the statement that the signature covers
    """
    release = facts_of(statement)["release"]
    files = _of_findings(run), _of_statement(run, statement), _of_source(run), _of_hashes(run.path)
    return tuple(chain(*files, _of_rows(run, release)))


def _of_findings(run: Run) -> Iterator[str]:
    """Findings whose verdict does not follow from their interval and margin; a table that differs from the findings."""
    wrong = [one for one in run.evidence.findings if not borne_out(one)]
    if wrong:
        yield f"{VERDICT}: {len(wrong)} of {len(run.evidence.findings)} findings contradict their intervals"
    if bounded(run.path / _EVIDENCE) != run.evidence.to_csv().encode():
        yield f"{_EVIDENCE} differs from the findings in {VERDICT}"


def _of_statement(run: Run, statement: bytes) -> Iterator[str]:
    """Parts of the statement that belong to another run, protocol, source, hold-out or result."""
    folder = run.path.resolve().name
    fixed = run_name(folder.rsplit("-", 1)[0], run.protocol.sha256, run.fingerprint)
    facts = facts_of(statement)
    for what, stated, expected in (
        ("the name of the run", facts["name"], folder),
        ("the name of the folder, computed from protocol and source,", folder, fixed),
        ("the protocol", facts["protocol"], run.protocol.sha256),
        ("the fingerprint of the source", facts["fingerprint"], run.fingerprint),
        ("the hold-out", facts["holdout"], run.holdout),
        ("the verdict", facts["verdict"], run.verdict),
        ("the sentence of the verdict", facts["sentence"], run.evidence.sentence),
    ):
        if stated != expected:
            yield f"{what} differs from the statement"


def _of_source(run: Run) -> Iterator[str]:
    """A fingerprint that differs from that of the bundled dataset or simulated trial."""
    if run.protocol.document.cohort.source.public and load_source(run.protocol)[1] != run.fingerprint:
        yield "the fingerprint of the source differs from that of the dataset in the protocol"


def _of_hashes(folder: Path) -> Iterator[str]:
    """Files whose hash differs from that in the crate or in the Croissant file."""
    hashes = {**read_sums(folder), **{name: sha256_of(folder / name) for name in (SUMS, CROISSANT)}}
    for document in (CRATE, CROISSANT):
        try:
            facts = json_of(bounded(folder / document))
        except (OSError, ValueError):
            yield f"{document} cannot be read"
            continue
        for name, sha256 in _hashes(facts):
            if hashes.get(name) != sha256:
                yield f"{document} gives another hash of {name}"


def _hashes(facts: Any) -> Iterator[tuple[str, str]]:
    """Name and SHA-256 of every file with a hash in a JSON-LD document."""
    if isinstance(facts, dict):
        if "sha256" in facts and "contentSize" in facts:
            yield str(facts.get("contentUrl") or facts.get("@id")), str(facts["sha256"])
        for value in facts.values():
            yield from _hashes(value)
    elif isinstance(facts, list):
        for value in facts:
            yield from _hashes(value)


def _of_rows(run: Run, release: object) -> Iterator[str]:
    """Synthetic files whose label belongs to another run, or whose rows differ from their label."""
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
            yield f"{name} has no label"
            continue
        parts.add(label.part)
        if wrong := [what for what, same in _label_facts(run, release, label, path) if not same]:
            yield f"the label of {name} belongs to another run: {', '.join(wrong)}"
        if problem := _rows_problem(frame, label):
            yield f"{name}: {problem}"
    if parts != set(range(run.evidence.m)):
        yield f"number of synthetic cohorts: {len(parts)} in the folder, {run.evidence.m} judged"


def _label_facts(run: Run, release: object, label: Label, path: Path) -> list[tuple[str, bool]]:
    """Facts of a label that the run states too, and for each whether they agree."""
    place = path.relative_to(run.path / SYNTHETIC).parts[0].removesuffix(".parquet")
    return [
        ("release", label.release == release),
        ("generator", label.generator == run.evidence.generator),
        ("release level", label.level in ("", level_of(run.protocol.document))),  # "": of an older version
        ("seed", label.seed == run.protocol.document.generator.seed),
        ("number of cohorts", label.m == run.evidence.m),
        ("number of patients", label.n_source == run.evidence.n_source),
        ("place among the cohorts", place == f"{label.part:03d}"),
    ]


def _rows_problem(frame: pd.DataFrame, label: Label) -> str:
    """How the rows differ from their label; "" if they do not."""
    if len(frame) != label.n_rows:
        return "the number of rows differs from its label"
    if dict(releases_in(named_rows(frame))) != ({label.release: len(frame)} if len(frame) else {}):
        return "some rows have no id of the release in the label"
    return "its label claims a watermark that its rows do not contain" if contradicts_label(frame, label) else ""
