"""Planning: an analysis against the cohort it is to run on, before any result is seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from heorsynth.checks.analyses.analysis import OF_ENDPOINT, Analysis
from heorsynth.checks.analyses.script import load
from heorsynth.checks.core.observed import columns
from heorsynth.checks.core.strata import Observed
from heorsynth.core.errors import AnalysisError, Problem, nearest


def planned_analyses(declared: Sequence[Analysis | Mapping[str, object]], real: Observed) -> tuple[Analysis, ...]:
    """Return the declared analyses.

    Raises
    ------
    AnalysisError      a setting that is impossible; a column or an endpoint that the cohort lacks, an outcome on the
                       right-hand side, a script that cannot be loaded, or a name that is used twice
    """
    found: list[Problem] = []
    analyses: list[Analysis] = []
    for place, one in enumerate(declared):
        try:
            analyses.append(_placed(Analysis.of(one)))
        except AnalysisError as error:
            subject = error.subject if error.subject != "analyses" else f"analysis {place + 1}"
            found += [Problem(f"{subject}: {part.where}", part.found, part.fix) for part in error.problems]
    counts = Counter(one.name for one in analyses)
    found += [
        Problem(f"analysis {name!r}: name", "is used twice", "give each analysis its own")
        for name, count in counts.items()
        if count > 1
    ]
    for one in analyses:
        found += [
            Problem(f"analysis {one.name!r}: {part.where}", part.found, part.fix) for part in _problems_of(one, real)
        ]
    if found:
        raise AnalysisError("analyses", found)
    return tuple(analyses)


def _placed(analysis: Analysis) -> Analysis:
    """Return the analysis with the full path of its script: a worker may run in another folder."""
    if not isinstance(analysis.call, str) or not analysis.call:
        return analysis
    file, _, function = analysis.call.rpartition(":")
    return replace(analysis, call=f"{Path(file).resolve()}:{function}")


def _problems_of(analysis: Analysis, real: Observed) -> list[Problem]:
    """Return what an analysis names and the cohort lacks."""
    if analysis.scripted:
        return _script_problems(analysis)
    read, schema = analysis.parsed, real.schema
    known = columns(real)
    if analysis.model in OF_ENDPOINT:
        outcome: tuple[str, ...] = (read.outcome,)
        if read.outcome in schema.endpoints:
            outcome = (read.outcome, schema.endpoints[read.outcome].time, schema.endpoints[read.outcome].event)
            problems = []
        else:
            names = tuple(schema.endpoints)
            fix = nearest(read.outcome, names) if names else "declare an endpoint"
            problems = [Problem("formula", f"no endpoint {read.outcome!r} is declared", fix)]
    else:
        outcome = (read.outcome,)
        problems = [] if read.outcome in known else [_missing(read.outcome, known)]
    for name in read.columns:
        if name in outcome:
            fix = f"leave {name!r} out of the right-hand side"
            problems.append(Problem("formula", f"the outcome {name!r} is also on the right-hand side", fix))
        elif name not in known:
            problems.append(_missing(name, known))
    return problems


def _missing(name: str, known: Sequence[str]) -> Problem:
    return Problem("formula", f"no column {name!r}", nearest(name, known))


def _script_problems(analysis: Analysis) -> list[Problem]:
    try:
        load(analysis.call)
    except AnalysisError as error:
        return list(error.problems)
    return []
