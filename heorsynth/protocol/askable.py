"""Refuses margins that this cohort cannot answer, before a generator is fitted to it."""

from __future__ import annotations

from dataclasses import replace

from heorsynth.checks.planning.plan import plan
from heorsynth.core.errors import MarginError, Problem
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.engine.engine import Engine
from heorsynth.protocol.file.spec import Protocol


def require_askable(protocol: Protocol, cohort: Cohort | CohortFolder, engine: Engine) -> None:
    """Nothing, if every margin of the protocol can be asked of the cohort; the engine is where a folder is counted.

    Raises
    ------
    MarginError      a role, endpoint or column the cohort lacks, or a vacuous width: each with its line
    """
    document = protocol.document
    economics = None if document.economics is None else document.economics.model_dump()
    try:
        observed = cohort if isinstance(cohort, Cohort) else cohort.tallied(engine)
        plan(observed, document.purpose, document.margins, economics)
    except MarginError as error:
        raise MarginError(
            f"protocol {protocol.path.name!r}", [_placed(one, protocol) for one in error.problems]
        ) from None


def _placed(problem: Problem, protocol: Protocol) -> Problem:
    """The problem with the line of the margin it names."""
    key = problem.where.split(":", maxsplit=1)[0]
    line = protocol.where("margins", key).split(",", maxsplit=1)[0]
    return replace(problem, where=f"{line}, {problem.where}")
