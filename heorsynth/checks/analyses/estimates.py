"""The estimates of an analysis on the patients and on every cohort; what cannot be estimated has its reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pandas as pd

from heorsynth.checks.analyses.analysis import OF_ENDPOINT, RMST, Analysis
from heorsynth.checks.analyses.design import Design
from heorsynth.checks.analyses.models import Coefficient, Outcome, fitted
from heorsynth.checks.analyses.script import estimates_of_call
from heorsynth.checks.core.refusals import reason_of
from heorsynth.checks.survival.horizon import default_horizon, outcome
from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.core.estimate import Estimate, significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT

Coefficients = Mapping[str, Coefficient]
_OTHER_NAMES = "the analysis returned another set of names than on the synthetic cohorts"


@dataclass(frozen=True, eq=False)
class Estimates:
    """The estimates of one analysis.

    Attributes
    ----------
    analysis : Analysis
    names : tuple          the estimates of interest; () if the analysis failed everywhere
    real : Mapping or str  name -> coefficient of the patients; or the reason why there is none
    synthetic : tuple      the same of each cohort
    hidden : frozenset     names that fewer than five patients are behind
    shown : Mapping        name -> the name that may be shown
    horizon : float        of rmst
    """

    analysis: Analysis
    names: tuple[str, ...]
    real: Coefficients | str
    synthetic: tuple[Coefficients | str, ...]
    hidden: frozenset[str] = frozenset()
    shown: Mapping[str, str] = field(default_factory=dict)
    horizon: float = math.nan

    @property
    def failure(self) -> str:
        """Why the analysis gave no estimate at all; "" if it gave some."""
        return self.real if isinstance(self.real, str) and not self.names else ""

    def label(self, name: str) -> str:
        """Return the name of an estimate for a reader: "primary: trt"."""
        return f"{self.analysis.name}: {self.shown.get(name, name)}"

    def of(self, name: str, part: Coefficients | str) -> Coefficient:
        """Return one coefficient; NotEstimableError with the reason if there is none."""
        if name in self.hidden:
            raise NotEstimableError(f"fewer than {SMALL_COUNT} real patients: not shown")
        if isinstance(part, str):
            raise NotEstimableError(part)
        if name not in part:
            raise NotEstimableError("the estimate is missing")
        return part[name]

    def all_of(self, name: str) -> tuple[Coefficient, list[Coefficient]]:
        """Return the coefficient of the patients and those of all cohorts; NotEstimableError if one is missing."""
        try:
            real = self.of(name, self.real)
        except NotEstimableError as error:
            raise NotEstimableError(f"in the real cohort: {reason_of(error)}") from None
        found, refused = [], []
        for part in self.synthetic:
            try:
                found.append(self.of(name, part))
            except NotEstimableError as error:
                refused.append(reason_of(error))
        if refused:
            raise NotEstimableError(f"in {len(refused)} of {len(self.synthetic)} synthetic cohorts: {refused[0]}")
        return real, found


def estimates_of(analysis: Analysis, real: Cohort, synthetic: Sequence[Cohort]) -> Estimates:
    """Return the estimates of an analysis; an analysis that fails is a reason, never an exception."""
    if analysis.scripted:
        return _of_script(analysis, real, synthetic)
    try:
        design = Design.of(analysis.parsed, real)
        matrix = design.matrix(real)
        names = design.focus(analysis.focus)
        hidden, shown = design.rare(matrix), design.shown(matrix)
        horizon = _horizon(analysis, real)
    except (NotEstimableError, HorizonError) as error:
        return Estimates(analysis, (), f"in the real cohort: {reason_of(error)}", ())
    if not names:
        return Estimates(analysis, (), "focus names no estimate of the model", ())
    fit = partial(_fitted, analysis, design, horizon)
    return Estimates(
        analysis,
        names,
        _tried(partial(fit, real)),
        tuple(_tried(partial(fit, cohort)) for cohort in synthetic),
        hidden,
        shown,
        horizon,
    )


def _tried(estimate: Callable[[], Coefficients]) -> Coefficients | str:
    try:
        return estimate()
    except (NotEstimableError, HorizonError) as error:
        return reason_of(error)


def _horizon(analysis: Analysis, real: Cohort) -> float:
    if analysis.model != RMST:
        return math.nan
    return default_horizon(real, analysis.parsed.outcome) if analysis.horizon is None else float(analysis.horizon)


def _fitted(analysis: Analysis, design: Design, horizon: float, cohort: Cohort) -> Coefficients:
    matrix = design.matrix(cohort)
    named, rows = analysis.parsed.outcome, matrix.index.to_numpy()
    if analysis.model in OF_ENDPOINT:
        time, event, entry = outcome(cohort, named)
        held = Outcome(time[rows], event[rows], None if entry is None else entry[rows], horizon)
    else:
        held = Outcome(_numbers(cohort, named)[rows])
    if cohort.schema.cluster is not None:
        codes = cohort.coded(cohort.schema.cluster).codes[rows]
        held = replace(held, cluster=np.unique(codes, return_inverse=True)[1])
    known = np.isfinite(held.y) & (True if held.entry is None else np.isfinite(held.entry))
    if not known.all():
        held, matrix = held.take(known), matrix[known]
    if len(matrix) < matrix.shape[1] + SMALL_COUNT:
        raise NotEstimableError("too few complete rows for so many terms")
    return fitted(analysis.model, matrix.reset_index(drop=True), held)


def _numbers(cohort: Cohort, name: str) -> np.ndarray:
    column = cohort.rows[name]
    if pd.api.types.is_numeric_dtype(column.dtype):
        return np.asarray(column.to_numpy(float, na_value=np.nan))
    levels = cohort.levels(name)
    numbers = pd.to_numeric(pd.Series(levels).replace({"True": "1", "False": "0", "": None}), errors="coerce")
    if numbers.isna().sum() > int((levels == "").sum()):
        raise NotEstimableError(f"the outcome {name!r} is not a number: code it as 0 and 1")
    return numbers.to_numpy(float)


def _of_script(analysis: Analysis, real: Cohort, synthetic: Sequence[Cohort]) -> Estimates:
    """Return the estimates of a function of the user; their names are those on the synthetic cohorts."""

    def run(cohort: Cohort) -> Coefficients:
        found = estimates_of_call(analysis.call, cohort.frame_without_its_label())
        if any(not se > 0 for _, se in found.values()):
            raise NotEstimableError("an estimate has no standard error above 0")
        return {name: Coefficient(value, se) for name, (value, se) in found.items()}

    drawn = [_tried(partial(run, cohort)) for cohort in synthetic]
    first: Coefficients = next((one for one in drawn if not isinstance(one, str)), {})
    if not first:
        reason = next((one for one in drawn if isinstance(one, str)), "no synthetic cohort")
        return Estimates(analysis, (), f"in {len(drawn)} of {len(drawn)} synthetic cohorts: {reason}", ())
    if len(first) > max(real.n // SMALL_COUNT, 1):
        reason = f"the analysis returned {len(first)} estimates of {real.n} patients: that may be their rows"
        return Estimates(analysis, (), reason, ())
    if absent := [name for name in analysis.focus if name not in first]:
        return Estimates(analysis, (), f"focus: the analysis returned no estimate {absent[0]!r}", ())
    names = tuple(name for name in first if not analysis.focus or name in analysis.focus)
    same = [_with_names(one, first) for one in drawn]
    return Estimates(analysis, names, _with_names(_tried(lambda: run(real)), first), tuple(same))


def _with_names(found: Coefficients | str, first: Coefficients) -> Coefficients | str:
    return found if isinstance(found, str) or set(found) == set(first) else _OTHER_NAMES


def as_estimate(found: Coefficient, level: float, unit: str) -> Estimate:
    """Return a coefficient with its interval at a confidence level."""
    half = found.half(level)
    return Estimate(found.value, found.value - half, found.value + half, found.se, level, unit)


def unit_of(estimates: Estimates, real: Cohort) -> str:
    """Return the unit of the estimates: of time for rmst, of the column for ols, else none."""
    analysis = estimates.analysis
    if analysis.model == RMST:
        return real.schema.unit
    return real.schema.unit_of(analysis.parsed.outcome) if analysis.model == "ols" else ""


def spans(estimates: Estimates, real: Cohort) -> str:
    """Return the horizon of rmst, and the cluster that errors allow for, for a label, or ""."""
    cluster = real.schema.cluster
    errors = "" if cluster is None or estimates.analysis.scripted else f", clustered by {cluster}"
    upto = "" if math.isnan(estimates.horizon) else f" to {significant(estimates.horizon)} {real.schema.unit}"
    return upto + errors
