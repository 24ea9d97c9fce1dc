"""Evidence for one purpose: runs the checks and adds the lineage of the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from heorsynth.checks.analyses.analysis import Analysis
from heorsynth.checks.core.groups import ALL, Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.standing import Standing
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.economics.analysis import names_in
from heorsynth.checks.economics.estimands import BALANCE
from heorsynth.checks.planning.catalogue import ESTIMANDS
from heorsynth.checks.planning.plan import Plan, plan
from heorsynth.checks.planning.run_checks import Rows
from heorsynth.checks.privacy.releases import Refit, releases
from heorsynth.core.errors import LabelError, Problem, RoleError
from heorsynth.core.random import check_seed, stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.sampling import most_rows_problem
from heorsynth.data.labels.facts import FACTS
from heorsynth.data.labels.label import patients_behind
from heorsynth.engine.engine import Engine, EngineSpec, open_engine
from heorsynth.engine.task import one_thread
from heorsynth.estimators.attacks.differencing import Releases
from heorsynth.evidence.economics import economic_numbers
from heorsynth.evidence.evidence import Evidence
from heorsynth.evidence.folders import Judged, Sample, patients_of
from heorsynth.evidence.folders import judged as judged_folders
from heorsynth.evidence.notes import further_notes, lineage, notes_on
from heorsynth.evidence.preconditions import (
    cohorts,
    folders,
    require_apart,
    require_cohorts,
    require_distinct,
    require_same_roles,
)


def validate(
    cohort: Cohort | CohortFolder,
    syn: Sequence[Cohort] | Sequence[CohortFolder],
    purpose: str = "economic-evaluation",
    margins: Mapping[str, Margin | Mapping[str, object]] | None = None,
    holdout: Cohort | None = None,
    economics: Mapping[str, object] | None = None,
    seed: int = 1,
    *,
    use: str | None = None,
    allow_synthetic_source: bool = False,
    most_rows: int = 50_000,
    analyses: Sequence[Analysis | Mapping[str, object]] = (),
    refit: Refit | None = None,
    engine: EngineSpec = "local",
    workers: int | None = None,
) -> Evidence:
    """Return the evidence on whether synthetic cohorts are fit for a purpose.

    Parameters
    ----------
    cohort : Cohort            the real patients, in memory or as a CohortFolder
    syn : sequence of Cohort   the synthetic cohorts with the same roles; CohortFolders if `cohort` is one
    purpose : str              teaching, software-testing, model-development, augmentation, external-control,
                               economic-evaluation or data-sharing
    margins : dict             such as ``{"survival.rmst": {"horizon": 3650, "relative": 0.05}}``: replaces the
                               purpose's default, or makes a further estimand decisive
    holdout : Cohort           patients kept out of training: the control of the disclosure checks
    economics : dict           ``{"comparator": "usual", "wtp": [20000]}``; ``cost`` and ``effect`` name columns;
                               ``baseline``, ``adjust``, ``impute`` and ``cluster`` adjust the evaluation as in
                               `evaluate` (``impute``: true or a number of imputed data sets)
    seed : int                 seed of the resampling behind some intervals; >= 0
    use : str                  "pooled" if analysts get all cohorts, "single" if one file goes out alone; by default
                               the purpose's
    allow_synthetic_source     accept a `cohort` that is itself synthetic; every finding then says so
    most_rows : int            size of the random sample of a folder, for checks that need rows; at least 1,000.
                               Smaller folders and cohorts in memory are used whole
    analyses : sequence        the user's own `Analysis` objects: their estimates and decisions are decisive
    refit : callable           cohort -> the m cohorts of a release, such as
                               ``lambda cohort: recipe.fit(cohort, seed=1).sample(m=20, seed=1)``. The generator is
                               fitted 21 more times, for decisive attacks on releases that differ by one patient
    engine, workers            where the checks run, see `open_engine`; the findings do not depend on it

    Returns
    -------
    Evidence                   with its verdict: "fit", "not fit" or "inconclusive"

    Raises
    ------
    UnknownNameError           an unknown purpose, comparator or economics setting
    MarginError                an unknown estimand or a margin it cannot have
    RoleError                  the roles differ from those of the real cohort, folders are mixed with cohorts, an
                               argument is neither, `most_rows` is invalid, or a refit is impossible
    AnalysisError              an analysis that is impossible, or names what the cohort lacks
    LabelError                 `cohort` is itself synthetic, or a synthetic cohort is given twice
    EngineError                a check failed twice

    See Also
    --------
    heorsynth.evidence.evidence.Evidence : the result
    heorsynth.tables.verdict_table, heorsynth.figures.forest : show it

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> evidence = validate(cohort, synthetic, purpose="software-testing", seed=1)
    >>> evidence.purpose, evidence.m, evidence.n_source
    ('software-testing', 2, 60)
    >>> sorted({finding.check for finding in evidence.findings})
    ['costs', 'disclosure', 'structure', 'subgroups', 'survival']
    """
    check_seed(seed)
    require_comparable(cohort, syn, holdout, allow_synthetic_source=allow_synthetic_source, most_rows=most_rows)
    with open_engine(engine, workers) as opened:
        patients = None
        if isinstance(cohort, CohortFolder) and not cohort.is_counted:  # count and sample it in one pass
            patients = patients_of(cohort, most_rows, seed, opened)
        plan_of_checks = planned(cohort, purpose, margins, economics, opened, analyses, use, refit is not None)
        again = None
        if refit is not None and isinstance(cohort, Cohort):
            again = releases(cohort, refit, stream(seed, "refit"), opened)
        return evidence_of(
            cohort, syn, plan_of_checks, seed, opened, holdout, most_rows, again=again, patients=patients
        )


def require_comparable(
    cohort: Cohort | CohortFolder,
    syn: Sequence[Cohort] | Sequence[CohortFolder],
    holdout: Cohort | None,
    *,
    allow_synthetic_source: bool,
    most_rows: int,
) -> None:
    """Raise the errors of `validate` for cohorts that cannot be compared."""
    require_cohorts(cohort, syn)
    if wrong := most_rows_problem(most_rows):
        raise RoleError("validate", wrong)
    if cohort.synthetic and not allow_synthetic_source:
        raise LabelError(
            "the cohort to judge against",
            Problem(
                "", "is itself synthetic", "give the real patients, or allow_synthetic_source=True to have it on record"
            ),
        )
    require_same_roles(cohort, syn)
    require_distinct(syn)
    if holdout is not None:
        require_same_roles(cohort, [holdout], "hold-out")
        if isinstance(cohort, Cohort):
            require_apart(cohort, holdout)


def planned(
    cohort: Cohort | CohortFolder,
    purpose: str,
    margins: Mapping[str, Margin | Mapping[str, object]] | None,
    economics: Mapping[str, object] | None,
    engine: Engine,
    analyses: Sequence[Analysis | Mapping[str, object]] = (),
    use: str | None = None,
    refits: bool = False,
) -> Plan:
    """Return the plan of the checks for a purpose; for a folder it uses the counts of all rows."""
    with one_thread():
        return plan(_observed(cohort, engine), purpose, margins, economics, analyses, use, refits)


def _observed(cohort: Cohort | CohortFolder, engine: Engine) -> Observed:
    return cohort.tallied(engine) if isinstance(cohort, CohortFolder) else cohort


def evidence_of(
    cohort: Cohort | CohortFolder,
    syn: Sequence[Cohort] | Sequence[CohortFolder],
    asked: Plan,
    seed: int,
    engine: Engine,
    holdout: Cohort | None = None,
    most_rows: int = 50_000,
    sample: Sample | None = None,
    again: Releases | str | None = None,
    patients: Cohort | None = None,
) -> Evidence:
    """Return the evidence from a given plan, for cohorts that `require_comparable` accepted.

    Parameters
    ----------
    asked : Plan             from `planned`, for the same cohort
    most_rows : int          rows of the random sample of each folder, where `sample` is not given
    sample : Sample          random sample of the folders, already drawn with the same seed; None draws it if needed
    patients : Cohort        the sample's patients, where only they are drawn already
    again : Releases         means of releases without single patients, or why there are none; cohorts in memory only
    """
    calibrated = _calibrated(syn)
    standing = asked.standing(_constructed(calibrated, syn, asked), lineage(cohort, syn))
    if isinstance(cohort, CohortFolder):
        tally = cohort.tallied(engine)
        found = judged_folders(cohort, tally, folders(syn), asked, seed, engine, most_rows, standing, sample, patients)
    else:
        found = _judged(cohort, cohorts(syn), asked, seed, engine, holdout, standing, again)
    everyone = Group("all", ALL, _observed(cohort, engine), ())
    findings = [*found.findings, *asked.unanswered(found.findings, everyone, standing)]
    return Evidence.of(
        asked.purpose.name,
        findings,
        m=len(syn),
        n_rows=syn[0].n,
        n_source=cohort.n,
        generator=_generator(syn),
        broken=found.broken,
        missing_roles=asked.missing_roles,
        economics=found.economics,
        notes=(
            *notes_on(cohort, _observed(cohort, engine), syn, asked, holdout, _fixed(calibrated)),
            *_unknown_keys(calibrated),
            *asked.not_asked(findings),
            *further_notes(cohort, syn, findings),
            *found.notes,
        ),
    )


def _judged(
    cohort: Cohort,
    syn: Sequence[Cohort],
    asked: Plan,
    seed: int,
    engine: Engine,
    holdout: Cohort | None,
    standing: Standing,
    again: Releases | str | None,
) -> Judged:
    """Return what cohorts in memory show."""
    findings = Rows(cohort, syn, seed, holdout, standing, again).findings(list(asked.by_check().items()), engine)
    behind = patients_behind(cohort.n, (one.label for one in syn))
    numbers = economic_numbers(cohort, syn, asked.economics, seed, behind)
    return Judged(findings, _broken(cohort, syn), (), numbers)


def _calibrated(syn: Sequence[Any]) -> frozenset[str]:
    return frozenset(key for drawn in syn if drawn.label is not None for key in drawn.label.calibrated)


def _constructed(calibrated: frozenset[str], syn: Sequence[Any], asked: Plan) -> frozenset[str]:
    """Return the keys that are equal by construction, and `key:column` for those that are so for one column.

    A generator sets unadjusted means equal. An adjusted estimate is equal only if the moments of its covariates were
    kept too.
    """
    labels = [drawn.label for drawn in syn]
    kept = set.intersection(*(set() if label is None else set(label.kept) for label in labels))
    tested = set()
    for key, margin in asked.margins.items():
        used = {name for role in ("baseline", "adjust") for name in names_in(role, margin.settings.get(role))}
        if not used <= kept or margin.settings.get("impute"):
            tested.add(key)
    return _fixed(calibrated) - tested | {f"{BALANCE.key}:{name}" for name in kept}


def _fixed(calibrated: frozenset[str]) -> frozenset[str]:
    """Return the keys of the estimands that a label names, or that the facts it names fix."""
    return frozenset(key for key in ESTIMANDS if key in calibrated or set(ESTIMANDS[key].fixed_by) & calibrated)


def _unknown_keys(constructed: frozenset[str]) -> tuple[str, ...]:
    """A note on labels that name estimands which do not exist here: a misspelt key would mark nothing in silence."""
    unknown = sorted(constructed - set(ESTIMANDS) - set(FACTS))
    return (f"The label names unknown estimands as equal by construction: {', '.join(unknown)}.",) if unknown else ()


def _generator(syn: Sequence[Any]) -> str:
    named = {drawn.label.generator for drawn in syn if drawn.label is not None}
    return ", ".join(sorted(named)) or "unknown"


def _broken(cohort: Cohort, syn: Sequence[Cohort]) -> dict[str, int]:
    """Return the number of rows that break each post-condition, counted by the generator or here."""
    counted = getattr(syn, "broken", None)
    if isinstance(counted, Mapping):
        return dict(counted)
    domain, found = Domain.of(cohort), Counter[str]()
    for drawn in syn:
        found.update(domain.breaks(drawn.arrays))
    return dict(found)
