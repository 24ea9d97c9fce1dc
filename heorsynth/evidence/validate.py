"""The evidence for one purpose: asks every check its question, and joins the answers to the rows' lineage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from heorsynth.checks import registry
from heorsynth.checks.finding import Finding
from heorsynth.checks.margin import Margin
from heorsynth.checks.plan import Plan, plan
from heorsynth.core.errors import LabelError, Problem, RoleError, TooFewPatientsError
from heorsynth.core.random import check_seed, stream
from heorsynth.data.cohort import Cohort
from heorsynth.data.domain import Domain
from heorsynth.data.folder import CohortFolder
from heorsynth.evidence.evidence import Evidence
from heorsynth.evidence.folders import judged as judged_folders


def validate(
    cohort: Cohort | CohortFolder,
    syn: Sequence[Cohort] | Sequence[CohortFolder],
    purpose: str = "economic-evaluation",
    margins: Mapping[str, Margin | Mapping[str, object]] | None = None,
    holdout: Cohort | None = None,
    economics: Mapping[str, object] | None = None,
    seed: int = 1,
    *,
    allow_synthetic_source: bool = False,
    engine: str = "local",
    workers: int | None = None,
) -> Evidence:
    """Evidence on whether synthetic cohorts serve a purpose.

    Parameters
    ----------
    cohort : Cohort            the real patients; or a CohortFolder of them
    syn : sequence of Cohort   the synthetic cohorts, with the same roles; CohortFolders where the patients are one
    purpose : str              teaching, software-testing, model-development, augmentation, external-control,
                               economic-evaluation or data-sharing
    margins : dict             such as ``{"survival.rmst": {"horizon": 3650, "relative": 0.05}}``: replaces the
                               purpose's default, or makes a further estimand decisive
    holdout : Cohort           people of the same kind whom the generator never saw: the control of the
                               disclosure checks
    economics : dict           ``{"comparator": "usual", "wtp": [20000]}``
    seed : int                 of the resampling behind some intervals; >= 0
    allow_synthetic_source     judge against a cohort that is itself synthetic, and say so
    engine, workers            where folders are counted; see `core.engine.open_engine`

    Returns
    -------
    Evidence                   with its verdict: "fit", "not fit" or "inconclusive"

    Raises
    ------
    UnknownNameError           an unknown purpose, comparator or economics setting
    MarginError                an unknown estimand or a margin it cannot have
    RoleError                  roles of the synthetic cohorts differ from the real one's, or folders beside cohorts
    LabelError                 the cohort to judge against is itself synthetic
    """
    check_seed(seed)
    if cohort.synthetic and not allow_synthetic_source:
        raise LabelError(
            "the cohort to judge against",
            Problem(
                "", "is itself synthetic", "give the real patients, or allow_synthetic_source=True to have it on record"
            ),
        )
    _require_same_roles(cohort, syn)
    if holdout is not None:
        _require_same_roles(cohort, [holdout], "hold-out")
    asked = plan(cohort, purpose, margins, economics)
    told: tuple[str, ...] = ()
    if isinstance(cohort, CohortFolder):
        findings, broken, told = judged_folders(cohort, _folders(syn), asked, seed, engine, workers)
    else:
        findings, broken = _judged(cohort, _cohorts(syn), asked, seed, holdout)
    calibrated = _calibrated(syn)
    weighed = [replace(asked.weighed(finding), calibrated=finding.key in calibrated) for finding in findings]
    return Evidence.of(
        purpose,
        weighed,
        m=len(syn),
        n_rows=syn[0].n,
        n_source=cohort.n,
        generator=_generator(syn),
        broken=broken,
        notes=(*_notes(cohort, syn, asked, holdout, calibrated), *told),
    )


def _judged(
    cohort: Cohort, syn: Sequence[Cohort], asked: Plan, seed: int, holdout: Cohort | None
) -> tuple[list[Finding], dict[str, int]]:
    """The findings of every check on rows, and rows that break a post-condition."""
    findings: list[Finding] = []
    for name, its_margins in asked.by_check().items():
        findings += registry.load(name)(cohort, syn, its_margins, stream(seed, "check", name), holdout)
    return findings, _broken(cohort, syn)


def _folders(syn: Sequence[Any]) -> list[CohortFolder]:
    """The synthetic folders; RoleError if any is a cohort in memory."""
    if not all(isinstance(drawn, CohortFolder) for drawn in syn):
        problem = Problem("", "cohorts in memory beside a folder of patients", "write them with Sampler.write")
        raise RoleError("synthetic cohorts", problem)
    return list(syn)


def _cohorts(syn: Sequence[Any]) -> Sequence[Cohort]:
    """The synthetic cohorts; RoleError if any is a folder."""
    if any(isinstance(drawn, CohortFolder) for drawn in syn):
        problem = Problem("", "folders beside patients in memory", "give the patients as a CohortFolder too")
        raise RoleError("synthetic cohorts", problem)
    return syn


def _columns(drawn: Cohort | CohortFolder) -> list[str]:
    return [str(name) for name in (drawn.columns if isinstance(drawn, CohortFolder) else drawn.rows.columns)]


def _require_same_roles(cohort: Any, syn: Sequence[Any], what: str = "synthetic cohorts") -> None:
    if not len(syn):
        raise TooFewPatientsError("synthetic cohorts", Problem("", "there are none", "draw at least one"))
    problems = []
    for part, drawn in enumerate(syn):
        wanted, found = replace(cohort.schema, id=None), replace(drawn.schema, id=None)
        if wanted != found:
            roles = [name for name in vars(wanted) if getattr(wanted, name) != getattr(found, name)]
            problems.append(
                Problem(
                    f"cohort {part}",
                    f"other roles than the real one: {', '.join(roles)}",
                    "declare the same roles for both",
                )
            )
        absent = [name for name in wanted.columns if name not in _columns(drawn)]
        if absent:
            problems.append(
                Problem(
                    f"cohort {part}",
                    f"lacks the columns {', '.join(absent)}",
                    "every column with a role must be synthesised",
                )
            )
    if problems:
        raise RoleError(what, problems)


def _calibrated(syn: Sequence[Any]) -> frozenset[str]:
    return frozenset(key for drawn in syn if drawn.label is not None for key in drawn.label.calibrated)


def _generator(syn: Sequence[Any]) -> str:
    named = {drawn.label.generator for drawn in syn if drawn.label is not None}
    return ", ".join(sorted(named)) or "unknown"


def _broken(cohort: Cohort, syn: Sequence[Cohort]) -> dict[str, int]:
    """Rows that break a post-condition: as the generator counted them, or counted here."""
    counted = getattr(syn, "broken", None)
    if isinstance(counted, Mapping):
        return dict(counted)
    domain, found = Domain.of(cohort), Counter[str]()
    for drawn in syn:
        found.update(domain.breaks(drawn.rows))
    return dict(found)


def _notes(
    cohort: Cohort | CohortFolder,
    syn: Sequence[Any],
    asked: Plan,
    holdout: Cohort | None,
    calibrated: frozenset[str],
) -> tuple[str, ...]:
    notes = list(asked.notes)
    if cohort.synthetic:
        notes.append("The cohort judged against is itself synthetic: this is no evidence about real patients.")
    folder = isinstance(cohort, CohortFolder)
    if holdout is not None and (folder or "disclosure" not in asked.by_check()):
        why = "what needs one needs rows" if folder else "this purpose asks nothing that needs one"
        notes.append(f"The hold-out of {holdout.n} patients was not used: {why}.")
    labels = [drawn.label for drawn in syn if drawn.label is not None]
    if len(labels) < len(syn):
        notes.append(f"{len(syn) - len(labels)} of {len(syn)} cohorts carry no label: their origin is unknown.")
    if others := {label.n_source for label in labels} - {cohort.n}:
        notes.append(
            f"The label says they were made from {', '.join(map(str, sorted(others)))} patients; "
            f"they are judged against {cohort.n}."
        )
    if calibrated:
        notes.append(f"Set equal to the source, so no evidence of fidelity: {', '.join(sorted(calibrated))}.")
    return tuple(notes)
