"""`indirect_comparison`: own patients against a published trial, anchored or not, matched or not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from heorsynth.core.display import Card, facts_card
from heorsynth.core.errors import ComparisonError, Problem
from heorsynth.core.estimate import Estimate, significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.comparison.bucher import bucher
from heorsynth.estimators.comparison.ensemble import pool_ensemble
from heorsynth.estimators.comparison.matching import MatchingWeights, matching_weights
from heorsynth.estimators.comparison.weighted_cox import WeightedCox, weighted_cox
from heorsynth.published.comparison.match import Match, moments
from heorsynth.published.comparison.patients import Columns, Patients, Rows, patients_of

_UNIT = "log hazard ratio"


@dataclass(frozen=True)
class IndirectComparison:
    """A treatment against a comparator that no trial compared directly.

    Attributes
    ----------
    log_hazard_ratio : Estimate     of the treatment to the comparator
    own, published : Estimate       each against the anchor, log hazard ratio; None if there is no anchor
    treatment, comparator, anchor : str
    method : str                    "Bucher", "anchored MAIC" or "unanchored MAIC"
    n_own : int                     own patients used
    effective_n : float             of them after matching
    m : int                         reconstructed cohorts; 1 for a published estimate or a single cohort
    from_reconstruction : float     share of the variance that is between the reconstructions
    """

    log_hazard_ratio: Estimate
    own: Estimate | None
    published: Estimate | None
    treatment: str
    comparator: str
    anchor: str
    method: str
    n_own: int
    effective_n: float
    m: int
    from_reconstruction: float

    @property
    def hazard_ratio(self) -> Estimate:
        """The hazard ratio, with its interval; the standard error is of the log."""
        one = self.log_hazard_ratio
        return replace(
            one, value=math.exp(one.value), low=math.exp(one.low), high=math.exp(one.high), unit="hazard ratio"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: the hazard ratio, its interval and standard error of the log, and how it was obtained."""
        ratio = self.hazard_ratio
        row = {
            "treatment": self.treatment, "comparator": self.comparator, "anchor": self.anchor, "method": self.method,
            "hazard_ratio": ratio.value, "low": ratio.low, "high": ratio.high, "se_log": ratio.se, "level": ratio.level,
            "n_own": self.n_own, "effective_n": self.effective_n, "m": self.m,
            "from_reconstruction": self.from_reconstruction,
        }  # fmt: skip
        return pd.DataFrame([row])

    def card(self) -> Card:
        """Return the table that is shown."""
        ratio = self.hazard_ratio
        told = f"{significant(ratio.value, 3)} ({ratio.level:.0%} interval {significant(ratio.low, 3)} to "
        rows = [("hazard ratio", told + f"{significant(ratio.high, 3)})"), ("method", self.method)]
        rows += [("anchor", self.anchor)] if self.anchor else []
        rows += [("own patients", f"{self.n_own:,}, effective {self.effective_n:.1f}")] if self.n_own else []
        rows += [("reconstructions", f"{self.m}; {self.from_reconstruction:.0%} of the variance is between them")]
        note = "" if self.anchor else (
            "Unanchored: valid only if every prognostic factor and effect modifier is matched, which no data can show."
        )  # fmt: skip
        return facts_card(f"{self.treatment} against {self.comparator}", rows, note)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def indirect_comparison(
    own: Rows | Estimate,
    published: Rows | Sequence[Rows] | Estimate,
    *,
    treatment: str,
    comparator: str,
    anchor: str | None = None,
    match: Match | None = None,
    columns: Columns = ("time", "event", "arm"),
    level: float = 0.95,
) -> IndirectComparison:
    """Return the hazard ratio of a treatment of own patients to the comparator of a published trial.

    Parameters
    ----------
    own : Cohort, DataFrame or Estimate
        own patients with the arms `treatment` and, if there is one, `anchor`; or their log hazard ratio
    published : sequence of Cohort or DataFrame, one of them, or Estimate
        reconstructed cohorts with the arms `comparator` and `anchor`; or the log hazard ratio of comparator to anchor
    treatment, comparator, anchor : str
        names of arms; without an anchor the comparison is unanchored and needs `match`
    match : dict, optional
        published characteristics that weights give the own patients: {"age": {"mean": 61.2, "sd": 9.8},
        "sex": {"female": 0.4}, "ecog": 0.3}; a number is a mean
    columns : tuple of str
        time, event (1 = event) and arm of frames; a Cohort knows them, and its first endpoint is compared
    level : float
        confidence level

    Returns
    -------
    IndirectComparison

    Raises
    ------
    ComparisonError         a column, an arm or a level is not there; no anchor and nothing to match
    NotEstimableError       no weights reach the published characteristics, or an arm has no event

    See Also
    --------
    heorsynth.published.read : hazard ratios and characteristics of a paper

    Notes
    -----
    *Bucher* (anchor, no match): d = d_own - d_published, variances added. *Anchored MAIC*: the same with the own
    patients weighted so that their means are the published ones. *Unanchored MAIC*: a Cox model of the weighted own
    patients of the treatment and the published patients of the comparator. Weights are w = exp(x a) (method of
    moments); the variance is the sandwich of the Cox score and of the weights' equation together, the published
    characteristics taken as known. Ties as in Breslow.

    With m reconstructed cohorts each is analysed, and T = mean of the variances + (1 + 1/m) · variance between (Rubin).
    Own patients with a missing characteristic are left out.

    An anchored comparison assumes that every effect modifier in imbalance is matched; an unanchored one also that every
    prognostic factor is.

    References
    ----------
    Bucher et al. (1997) J Clin Epidemiol 50:683. Signorovitch et al. (2010) PharmacoEconomics 28:935. Phillippo et al.
    (2016) NICE DSU Technical Support Document 18. Rubin (1987) Multiple Imputation, section 3.3.

    Examples
    --------
    >>> import heorsynth as hs
    >>> ours = hs.Estimate.normal(-0.40, 0.15)
    >>> theirs = hs.Estimate.normal(-0.10, 0.20)
    >>> hs.published.indirect_comparison(ours, theirs, treatment="A", comparator="C", anchor="B").hazard_ratio
    0.7408 hazard ratio (95% interval 0.4538 to 1.209)
    """
    _require(own, anchor, match)
    if anchor is None:
        assert match is not None and not isinstance(own, Estimate)
        return _unanchored(own, published, treatment, comparator, match, columns, level)
    ours, weights, n = _own_effect(own, treatment, anchor, match, columns)
    theirs = [_effect(one, comparator, anchor, columns) for one in _each(published)]
    values, variances = zip(*((bucher(ours, one).value, bucher(ours, one).se ** 2) for one in theirs), strict=True)
    name = "Bucher" if weights is None else "anchored MAIC"
    return _result(
        values, variances, level, treatment, comparator, anchor, name, n, weights,
        ours, pool_ensemble([one.value for one in theirs], [one.se**2 for one in theirs], unit=_UNIT),
    )  # fmt: skip


def _require(own: object, anchor: str | None, match: Match | None) -> None:
    if anchor is None and not match:
        fix = "name the common comparator as anchor=…, or the characteristics to match"
        raise ComparisonError("comparison", Problem("", "neither an anchor nor characteristics to match", fix))
    if isinstance(own, Estimate) and (match or anchor is None):
        raise ComparisonError("comparison", Problem("own", "an estimate cannot be matched", "give the patients"))


def _each(published: Rows | Sequence[Rows] | Estimate) -> list[Rows | Estimate]:
    if isinstance(published, (Cohort, pd.DataFrame, Estimate)):
        return [published]
    found = list(published)
    if not found or not all(isinstance(one, (Cohort, pd.DataFrame)) for one in found):
        problem = Problem("published", "not cohorts or frames", "give the cohorts of hs.published.reconstruct")
        raise ComparisonError("comparison", problem)
    return [*found]


def _effect(rows: Rows | Estimate, arm: str, anchor: str, columns: Columns) -> Estimate:
    """The log hazard ratio of an arm to the anchor in the published trial."""
    if isinstance(rows, Estimate):
        return rows
    return _cox(patients_of(rows, columns, (arm, anchor), "published"), arm)


def _cox(found: Patients, arm: str) -> Estimate:
    """The log hazard ratio of an arm to the other patients, without weights."""
    fit = weighted_cox(found.time, found.event, found.arm == arm, np.ones(len(found.time)))
    return Estimate.normal(fit.value, math.sqrt(1 / fit.information), unit=_UNIT, n_used=len(found.time))


def _own_effect(
    own: Rows | Estimate, treatment: str, anchor: str, match: Match | None, columns: Columns
) -> tuple[Estimate, MatchingWeights | None, int]:
    if isinstance(own, Estimate):
        return own, None, own.n_used
    found = patients_of(own, columns, (treatment, anchor), "own")
    if not match:
        return _cox(found, treatment), None, len(found.time)
    found, weights = _matched(found, match)
    fit = weighted_cox(found.time, found.event, found.arm == treatment, weights.weights)
    variance = fit.variance_of(weights.adjusted(fit.residuals))
    return Estimate.normal(fit.value, math.sqrt(variance), unit=_UNIT), weights, len(found.time)


def _matched(found: Patients, match: Match) -> tuple[Patients, MatchingWeights]:
    covariates, targets = moments(found.frame, match)
    known = np.isfinite(covariates).all(axis=1)
    return found.kept(known), matching_weights(covariates[known], targets)


def _unanchored(
    own: Rows,
    published: Rows | Sequence[Rows] | Estimate,
    treatment: str,
    comparator: str,
    match: Match,
    columns: Columns,
    level: float,
) -> IndirectComparison:
    found, weights = _matched(patients_of(own, columns, (treatment,), "own"), match)
    values, variances = [], []
    for rows in _each(published):
        if isinstance(rows, Estimate):
            problem = Problem("published", "an estimate has no arm to compare with", "give reconstructed cohorts")
            raise ComparisonError("comparison", problem)
        fit = _together(found, weights, patients_of(rows, columns, (comparator,), "published"))
        influence = fit.weights * fit.residuals
        influence[: len(found.time)] = weights.adjusted(fit.residuals[: len(found.time)])
        values.append(fit.value)
        variances.append(fit.variance_of(influence))
    return _result(
        values, variances, level, treatment, comparator, "", "unanchored MAIC", len(found.time), weights, None, None
    )


def _together(own: Patients, weights: MatchingWeights, other: Patients) -> WeightedCox:
    n = len(other.time)
    return weighted_cox(
        np.concatenate([own.time, other.time]),
        np.concatenate([own.event, other.event]),
        np.repeat([True, False], [len(own.time), n]),
        np.concatenate([weights.weights, np.ones(n)]),
    )


def _result(
    values: Sequence[float],
    variances: Sequence[float],
    level: float,
    treatment: str,
    comparator: str,
    anchor: str,
    name: str,
    n: int,
    weights: MatchingWeights | None,
    own: Estimate | None,
    published: Estimate | None,
) -> IndirectComparison:
    pooled = pool_ensemble(values, variances, level=level, unit=_UNIT, method=name)
    share = 1 - float(np.mean(variances)) / pooled.se**2 if pooled.se > 0 else 0.0
    effective = weights.effective_n if weights is not None else float(n)
    return IndirectComparison(
        pooled, own, published, treatment, comparator, anchor, name, n, effective, len(values), max(share, 0.0)
    )
