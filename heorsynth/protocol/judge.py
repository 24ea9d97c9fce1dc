"""Plans the checks of a protocol before a generator is fitted, and judges the synthetic cohorts by that plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from heorsynth.checks.economics.arms import economics_problems, outcome_problems
from heorsynth.checks.planning.plan import Plan
from heorsynth.core.errors import AnalysisError, MarginError, Problem, ProtocolError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.engine.engine import Engine
from heorsynth.estimators.attacks.differencing import Releases
from heorsynth.evidence.evidence import Evidence
from heorsynth.evidence.paper import evidence_of_paper, plan_for_paper
from heorsynth.evidence.validate import evidence_of, planned, require_comparable
from heorsynth.protocol.file.analyses import analyses_of
from heorsynth.protocol.file.spec import Protocol
from heorsynth.protocol.fitting import not_refitted
from heorsynth.protocol.synthetic import Displayed, Patients, Synthetic
from heorsynth.published.trial.trial import PublishedTrial


def plan_checks(protocol: Protocol, cohort: Patients, engine: Engine) -> Plan:
    """Plan of the checks that a protocol asks of its patients; made once per run.

    Parameters
    ----------
    engine : Engine     counts the rows of a folder; not used for a cohort in memory

    Raises
    ------
    AnalysisError    an analysis that names what the cohort lacks; each with its line
    MarginError      a margin whose role, endpoint or column the cohort lacks, or a vacuous width; each with its line
    ProtocolError    a cost, effect, covariate or cluster of the economics that the cohort lacks; each with its line
    """
    document = protocol.document
    economics = None if document.economics is None else document.economics.model_dump()
    try:
        if isinstance(cohort, PublishedTrial):
            return plan_for_paper(cohort, document.margins, document.purpose)
        _require_columns(protocol, cohort, engine)
        analyses = analyses_of(document.analyses, protocol.path.parent)
        refits = not not_refitted(document, cohort)
        return planned(cohort, document.purpose, document.margins, economics, engine, analyses, document.use, refits)
    except AnalysisError as error:
        raise AnalysisError(f"protocol {protocol.path.name!r}", _with_places(error, protocol)) from None
    except MarginError as error:
        problems = [_with_line(problem, protocol) for problem in error.problems]
        raise MarginError(f"protocol {protocol.path.name!r}", problems) from None


def _require_columns(protocol: Protocol, cohort: Cohort | CohortFolder, engine: Engine) -> None:
    """Raise ProtocolError, with their lines, for columns that the economics name and that cannot be used."""
    if protocol.document.economics is None or not cohort.schema.arm:
        return
    settings = protocol.document.economics.model_dump()
    observed = cohort.tallied(engine) if isinstance(cohort, CohortFolder) else cohort
    problems = outcome_problems(observed, settings) or economics_problems(observed, settings)
    if problems:
        placed = [replace(one, where=protocol.where("economics", one.where)) for one in problems]
        raise ProtocolError(f"protocol {protocol.path.name!r}", placed)


def _with_places(error: AnalysisError, protocol: Protocol) -> list[Problem]:
    """The problems of the analyses, each preceded by the line of the key it is about."""
    placed = {f"analysis {one.name!r}": place for place, one in enumerate(protocol.document.analyses)}
    problems = []
    for problem in error.problems:
        subject, _, key = problem.where.rpartition(": ")
        at = ("analyses", placed[subject], key) if subject in placed else ("analyses",)
        problems.append(replace(problem, where=protocol.where(*at)))
    return problems


def _with_line(problem: Problem, protocol: Protocol) -> Problem:
    """The problem, preceded by the line of the margin it names."""
    key = problem.where.split(":", maxsplit=1)[0]
    line = protocol.where("margins", key).split(",", maxsplit=1)[0]
    return replace(problem, where=f"{line}, {problem.where}")


def judge(
    protocol: Protocol,
    plan: Plan,
    cohort: Patients,
    synthetic: Synthetic,
    rows: Displayed,
    holdout: Cohort | None,
    notes: Sequence[str],
    engine: Engine,
    again: Releases | str,
) -> Evidence:
    """Evidence for the protocol's purpose, with these notes first and every number rounded as it is written.

    The verdict, the files and the dossier are all computed from the rounded numbers, so they cannot disagree.

    Parameters
    ----------
    plan : Plan           from `plan_checks`
    rows : Displayed      holds the random sample of folders; checks that compare rows use it too
    again : Releases      means of releases without single patients, or why there are none
    """
    document = protocol.document
    if isinstance(cohort, PublishedTrial):
        of_paper = evidence_of_paper(cohort, rows.copies, plan)
        return replace(of_paper, notes=(*filter(None, notes), *of_paper.notes)).stable
    require_comparable(
        cohort,
        synthetic,
        holdout,
        allow_synthetic_source=document.cohort.allow_synthetic_source,
        most_rows=document.most_rows,
    )
    evidence = evidence_of(
        cohort, synthetic, plan, document.generator.seed, engine, holdout, document.most_rows, rows.sample, again
    )
    return replace(evidence, notes=(*filter(None, notes), *evidence.notes)).stable
