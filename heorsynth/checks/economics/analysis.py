"""The analysis behind an economic evaluation of one cohort: complete cases or imputation, adjusted or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from pandas.api import types

from heorsynth.checks.core.observed import columns as column_names
from heorsynth.checks.core.observed import total_cost
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.visits.measured import outcome
from heorsynth.core.errors import NotEstimableError, Problem, RoleError, nearest
from heorsynth.core.numbers import is_whole
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.estimators.economics.arms import ArmMeans, arm_means
from heorsynth.estimators.economics.regression import IMPUTATIONS, adjusted_means, imputed_means
from heorsynth.estimators.visits.imputation import AT_RANDOM, JUMP, METHODS, imputed_visit_means
from heorsynth.estimators.visits.trajectories import Outcome

COMPLETE, IMPUTE = "complete", "impute"
_MISSING = (COMPLETE, IMPUTE, *METHODS)
"""Methods for missing outcomes: complete cases; imputed costs and effects; or imputed values at visits."""

ADJUSTMENTS: Mapping[str, object] = {"baseline": None, "adjust": (), "impute": None, "cluster": None}
"""The settings of an adjusted evaluation; with these defaults the evaluation is plain."""

_TOLD = {
    IMPUTE: "missing values imputed",
    AT_RANDOM: "missing visits imputed",
    JUMP: "missing visits imputed by jump to reference",
}

FEWEST_IMPUTATIONS = 5
"""Imputed data sets of each synthetic cohort: the mean over m cohorts averages the noise of 5·m of them."""


@dataclass(frozen=True)
class Analysis:
    """The settings of an economic evaluation: arms, cost, effect, covariates, missing outcomes and clusters.

    Attributes
    ----------
    arms : tuple of str        the comparator first
    costs : tuple of str       cost columns that are added
    effect : str               column of the effect
    adjust : tuple of str      covariates of cost and effect
    baseline : str             utility at baseline, a covariate of the effect only
    missing : str              "complete", "impute", "visits" or "jump-to-reference"
    imputations : int          number of imputed data sets per cohort
    cluster : str              column of the cluster that was randomised
    """

    arms: tuple[str, ...]
    costs: tuple[str, ...]
    effect: str
    adjust: tuple[str, ...] = ()
    baseline: str | None = None
    missing: str = COMPLETE
    imputations: int = IMPUTATIONS
    cluster: str | None = None

    @property
    def plain(self) -> bool:
        """True if the means are unadjusted, nothing is imputed, and patients are independent."""
        return not self.covariates and self.missing == COMPLETE and self.cluster is None

    @property
    def covariates(self) -> tuple[str, ...]:
        """All covariates, the baseline utility first."""
        return tuple(dict.fromkeys([*([] if self.baseline is None else [self.baseline]), *self.adjust]))

    @property
    def told(self) -> str:
        """The analysis in the label of a finding, such as "adjusted for u0, age"; "" if it is plain."""
        parts = [f"adjusted for {', '.join(self.covariates)}" if self.covariates else ""]
        parts.append(_TOLD.get(self.missing, ""))
        parts.append(f"clustered by {self.cluster}" if self.cluster is not None else "")
        return ", ".join(filter(None, parts))

    def columns(self, cohort: Cohort) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cost, effect and arm (n,); the arm is its position in `arms`, or -1 for another arm."""
        places = cohort.coded(str(cohort.schema.arm)).among(self.arms)
        arm = np.where(places < len(self.arms), places, -1)
        return total_cost(cohort, self.costs), cohort.column(self.effect).astype(float), arm

    def of(self, cohort: Cohort, rng: np.random.Generator) -> ArmMeans:
        """Means of the arms in one cohort; its rows count as patients.

        Notes
        -----
        A covariate with one value in all patients is left out, as R's `lm` does: sex among women.
        """
        cost, effect, arm = self.columns(cohort)
        arms = len(self.arms)
        if self.plain:
            return arm_means(cost, effect, arm, arms)
        if self.missing in METHODS:
            return self._of_visits(cohort, cost, arm, rng)
        shared = joined([covariate(cohort, name) for name in self.adjust], cohort.n)
        own = [] if self.baseline is None or self.baseline in self.adjust else [covariate(cohort, self.baseline)]
        effect_only = joined(own, cohort.n)
        groups = None if self.cluster is None else _clusters(cohort, self.cluster)
        outcomes = np.column_stack([cost, effect])
        if self.missing == COMPLETE:
            known = np.isfinite(np.column_stack([outcomes, shared, effect_only])).all(axis=1) & (arm >= 0)
        else:
            known = arm >= 0
        shared, effect_only = _varying(shared, known), _varying(effect_only, known)
        both = np.column_stack([shared, effect_only])
        whole = self.imputations > 1 and bool(np.isfinite(np.column_stack([outcomes, both]))[known].all())
        if self.missing == COMPLETE or whole:
            return adjusted_means(cost, effect, arm, arms, shared, both, groups)
        self._require_known_levels(cohort)
        return imputed_means(
            cost, effect, arm, arms, shared, rng, baseline=effect_only, imputations=self.imputations, cluster=groups
        )  # fmt: skip

    def _of_visits(self, cohort: Cohort, cost: np.ndarray, arm: np.ndarray, rng: np.random.Generator) -> ArmMeans:
        """Means of the arms with values at visits imputed; a cost that is not derived from visits is imputed as one."""
        schema = cohort.schema
        derived = len(self.costs) == 1 and self.costs[0] in schema.derived
        paid = outcome(cohort, self.costs[0]) if derived else Outcome.of_column(cost)
        shared = _varying(joined([covariate(cohort, name) for name in self.adjust], cohort.n), arm >= 0)
        groups = None if self.cluster is None else _clusters(cohort, self.cluster)
        baseline = None
        if self.baseline is not None:
            baseline = _visits_of(schema, self.effect).index(self.baseline)
        return imputed_visit_means(
            *(paid, outcome(cohort, self.effect), arm, len(self.arms), shared, rng), method=self.missing,
            imputations=self.imputations, baseline=baseline, cluster=groups,
        )  # fmt: skip

    def require(self, cohort: Cohort) -> None:
        """Raise RoleError if a setting is not possible in this cohort: see `problems`."""
        if self.missing not in _MISSING:
            raise RoleError("economic evaluation", Problem("missing", f"{self.missing!r}", f"one of {_MISSING}"))
        if problems := self.problems(cohort):
            raise RoleError("economic evaluation", problems)

    def problems(self, cohort: Observed) -> list[Problem]:
        """Return the problems of its columns: no such column, an outcome, the arm or the id, or no number."""
        schema = cohort.schema
        taken = {schema.arm, schema.id, self.effect, *self.costs, *schema.times, *schema.events}
        taken |= {part for total in self.costs for part in schema.totals.get(total, ())}
        names = column_names(cohort)
        asked = [("adjust", name) for name in self.adjust]
        asked += [(role, name) for role in ("baseline", "cluster") if (name := getattr(self, role)) is not None]
        problems = []
        for role, name in asked:
            if name not in names:
                problems.append(Problem(role, f"no column {name!r}", nearest(name, names)))
            elif name in taken:
                fix = "the column of the unit that was randomised, such as the practice"
                fix = f"give {fix}" if role == "cluster" else "give a covariate known before treatment"
                problems.append(Problem(role, f"{name!r} is an outcome or the arm, or the id", fix))
            elif role != "cluster" and name == self.cluster:
                problems.append(Problem(role, f"{name!r} is the cluster", "give it as one of the two"))
            elif role == "baseline" and isinstance(cohort, Cohort) and not types.is_numeric_dtype(cohort.rows[name]):
                problems.append(Problem(role, f"{name!r} is not a number", "give the utility measured at baseline"))
        return problems + (self._problems_of_visits(schema) if self.missing in METHODS else [])

    def _problems_of_visits(self, schema: Schema) -> list[Problem]:
        """Return the problems of an imputation of visits: effect or baseline is not from visits."""
        visits = _visits_of(schema, self.effect)
        if not visits:
            fix = 'declare visits, and derived={"qaly": hs.area("eq5d")}'
            return [Problem("missing", f"{self.effect!r} is not derived from visits", fix)]
        if self.baseline is not None and self.baseline not in visits:
            return [Problem("baseline", f"{self.baseline!r} is no visit of the effect", f"give {visits[0]!r}")]
        return []

    def left_out(self, cohort: Cohort) -> int:
        """Return the number of patients with cost and effect known and a covariate or cluster missing."""
        cost, effect, arm = self.columns(cohort)
        used = [*self.covariates, *([] if self.cluster is None else [self.cluster])]
        known = np.isfinite(cost) & np.isfinite(effect) & (arm >= 0)
        return int((known & cohort.rows[used].isna().any(axis=1).to_numpy()).sum()) if used else 0

    def _require_known_levels(self, cohort: Cohort) -> None:
        frame = cohort.rows
        gaps = [name for name in self.adjust if not measured(cohort, name) and frame[name].isna().any()]
        if gaps:
            fix = "make missing a separate level, or leave the column out"
            raise NotEstimableError("imputation", Problem(", ".join(gaps), "a level is missing in some patients", fix))


def _visits_of(schema: Schema, effect: str) -> list[str]:
    """Return the columns of the visits that an effect is derived from; none if it is not."""
    one = schema.derived.get(effect)
    return [] if one is None else [column for _, column in schema.visits[one.measure]]


def analysis_of(
    arms: tuple[str, ...], costs: tuple[str, ...], effect: str, settings: Mapping[str, object]
) -> Analysis | None:
    """Return the analysis that an `economics` block declares; None if it is plain.

    Examples
    --------
    >>> found = analysis_of(("usual", "new"), ("cost",), "qaly", {"baseline": "u0", "adjust": ["age"], "cluster": "gp"})
    >>> found.told
    'adjusted for u0, age, clustered by gp'
    """
    baseline, cluster = settings.get("baseline"), settings.get("cluster")
    number = imputations(settings.get("impute"))
    found = Analysis(
        arms,
        costs,
        effect,
        names_in("adjust", settings.get("adjust")),
        None if baseline is None else str(baseline),
        COMPLETE if number is None else IMPUTE,
        IMPUTATIONS if number is None else number,
        None if cluster is None else str(cluster),
    )
    return None if found.plain else found


def names_in(setting: str, declared: object) -> tuple[str, ...]:
    """Return a column or a list of columns as distinct names; RoleError for anything else."""
    listed = [] if declared is None else [declared] if isinstance(declared, str) else declared
    if not isinstance(listed, (list, tuple)) or not all(isinstance(name, str) for name in listed):
        raise RoleError("economics", Problem(setting, "expected a list of columns", f"write {setting}: [age, sex]"))
    return tuple(dict.fromkeys(cast(Sequence[str], listed)))


def imputations(declared: object) -> int | None:
    """Return the number of imputed data sets that `impute` declares; None for complete cases.

    Parameters
    ----------
    declared      None, false or "complete": complete cases; true or "impute": `IMPUTATIONS`; a number of 2 or more

    Examples
    --------
    >>> imputations("complete"), imputations(True), imputations(5)
    (None, 20, 5)
    """
    if declared is None or declared is False or declared == COMPLETE:
        return None
    if declared is True or declared == IMPUTE:
        return IMPUTATIONS
    if is_whole(declared, 2):
        return int(declared)
    fix = "write impute: true, a number of imputed data sets of 2 or more, or complete"
    raise RoleError("economics", Problem("impute", "not a method for missing values", fix))


def rows_of(data: Observed) -> Cohort:
    """Return a cohort in memory; NotEstimableError for counts, which hold no patient's covariates."""
    if not isinstance(data, Cohort):
        raise NotEstimableError("an adjusted evaluation needs rows, and a folder is counted")
    return data


def measured(cohort: Cohort, name: str) -> bool:
    """Return whether a column is a number and no code."""
    return cohort.arrays.holds_numbers(name) and not cohort.schema.holds_levels(name)


def covariate(cohort: Cohort, name: str) -> np.ndarray:
    """A column as numbers (n, k): the values, or indicators of all levels except the first; NaN for missing values.

    Raises
    ------
    NotEstimableError      the cohort has no such column
    """
    if not cohort.has(name):
        raise NotEstimableError(f"there is no column {name!r}")
    if measured(cohort, name):
        return cohort.numbers(name)[:, None]
    held = cohort.coded(name)
    shown = np.equal.outer(held.names, np.array(list(held.counts)[1:], held.names.dtype)).astype(float)
    shown[-1] = np.nan
    return np.asarray(shown[held.codes])


def joined(parts: list[np.ndarray], n: int) -> np.ndarray:
    """Return columns side by side (n, k); (n, 0) without columns."""
    return np.column_stack(parts) if parts else np.empty((n, 0))


def _clusters(cohort: Cohort, name: str) -> np.ndarray:
    if not cohort.has(name):
        raise NotEstimableError(f"there is no column {name!r}")
    return cohort.levels(name)


def _varying(columns: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the columns with two or more values among these patients."""
    held = columns[known]
    if not held.size:
        return columns
    first = np.where(np.isfinite(held), held, np.inf).min(axis=0)
    last = np.where(np.isfinite(held), held, -np.inf).max(axis=0)
    return columns[:, last > first]
