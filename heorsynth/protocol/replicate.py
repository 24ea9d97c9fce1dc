"""Replicates an analysis on the patients and the synthetic cohorts of a run; only the table leaves."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heorsynth.checks.analyses.analysis import Analysis
from heorsynth.checks.analyses.replicate import Replication, replicate
from heorsynth.core.errors import AnalysisError, Problem, RunError
from heorsynth.core.yaml import read_yaml
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.generators.sampling.cohorts import SyntheticCohorts
from heorsynth.protocol.notebook import SOURCE_VARIABLE
from heorsynth.protocol.run import Run


def replicate_run(analysis: str, run: str | Path, patients: str | Path | None = None) -> tuple[Replication, ...]:
    """Return the analyses of a file, on the patients and the synthetic cohorts of a run.

    Parameters
    ----------
    analysis : str       "file.py:function", or a YAML file with one analysis or a list `analyses`
    run : path           the run folder
    patients : path      the source file, or its folder; not needed for bundled datasets

    Raises
    ------
    AnalysisError        the analysis cannot be read, or names what the cohort lacks
    RunError             the source differs from the source of the run, or its rows are in folders
    """
    declared = read_analyses(analysis)
    opened = Run.open(run)
    with _source(patients):
        cohort, synthetic = opened.cohort, opened.synthetic
    if not isinstance(cohort, Cohort) or not isinstance(synthetic, SyntheticCohorts):
        problem = Problem("source", "is a folder of files", "replicate an analysis on a cohort in memory")
        raise RunError(f"run {opened.path.name!r}", problem)
    found = tuple(replicate(one, cohort, synthetic).published for one in declared)
    atexit.register(_mute)
    return found


def read_analyses(analysis: str) -> tuple[Analysis, ...]:
    """Return the analyses of "file.py:function" or of a YAML file, whose scripts lie beside it."""
    file, _, function = analysis.rpartition(":")
    if file.endswith(".py"):
        return (Analysis(function, call=analysis),)
    path = Path(analysis)
    if path.suffix not in (".yaml", ".yml"):
        fix = "give file.py:function, or a YAML file with the settings of hs.Analysis"
        raise AnalysisError(f"analysis {path.name!r}", Problem("", "neither a script nor a YAML file", fix))
    plain, _, _ = read_yaml(path)
    listed = plain.get("analyses", [plain])
    if not isinstance(listed, list) or not listed:
        raise AnalysisError(f"analysis {path.name!r}", Problem("analyses", "not a list", "write - {name: …, model: …}"))
    return tuple(_beside(one, path.parent) for one in listed)


def _beside(declared: object, folder: Path) -> Analysis:
    if isinstance(declared, dict) and isinstance(declared.get("call"), str):
        declared = declared | {"call": str(folder / declared["call"])}
    return Analysis.of(declared)  # type: ignore[arg-type]


@contextmanager
def _source(patients: str | Path | None) -> Iterator[None]:
    """Let the run read its source from the folder of the patients."""
    before = os.environ.get(SOURCE_VARIABLE)
    if patients is not None:
        place = Path(patients)
        os.environ[SOURCE_VARIABLE] = str(place.parent if place.is_file() else place)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(SOURCE_VARIABLE, None)
        else:
            os.environ[SOURCE_VARIABLE] = before


def _mute() -> None:
    """Close the output at the end of the program, before what the script has registered for then can print."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for number in (1, 2):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, number)
        os.close(sink)
