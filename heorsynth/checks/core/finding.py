"""A finding: one estimand, real beside synthetic, held against its margin by its confidence interval."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from heorsynth.checks.core.margin import Margin
from heorsynth.core.estimate import normal_quantile, significant, stable
from heorsynth.core.reading import typed

LEVEL = 0.90
"""Level of every interval: an equivalence test at 5% is a 90% interval inside the margin (two one-sided tests)."""

PASS, FAIL, INCONCLUSIVE, NOT_ESTIMABLE = "pass", "fail", "inconclusive", "not estimable"
WORST_FIRST = (FAIL, NOT_ESTIMABLE, INCONCLUSIVE, PASS)
WRITTEN = 1e-8
"""Relative difference that a number may have from what was written of it."""

MEAN_ABSOLUTE_NORMAL = math.sqrt(2 / math.pi)
"""Mean of |Z| for a standard normal Z."""


@dataclass(frozen=True)
class Finding:
    """What a check found for one estimand in one group of patients.

    Attributes
    ----------
    check, estimand, group : str   such as "survival", "rmst of os to 3650 day", "sex=f"
    real, synthetic : float        the estimand in the source, and its mean over the m cohorts
    difference : float             on the margin's scale (see `Margin`)
    lower, upper : float           its 90% interval, over the real data's sampling and the synthesis
    margin : float                 half-width of the margin on the same scale
    floor : float                  the mean |difference| of a resample of the real data itself
    verdict : str                  pass, fail, inconclusive, not estimable
    because : str                  the verdict in a sentence
    scale, unit : str              of the margin, and of `real` and `synthetic`
    n_real : int                   real patients it rests on
    decisive : bool                whether the purpose's verdict depends on it
    calibrated : bool              the estimand was set equal to the source's: no evidence of fidelity
    key : str                      of the estimand, as a protocol names it: "survival.rmst"
    kind : str                     of the group: all, arm, subgroup, intersection
    overlap : float                of the real and the synthetic 95% interval, 1 where they are one (Karr et al. 2006);
                                   NaN for distances
    standardised : float           (synthetic - real) / the real standard error; NaN for distances
    """

    check: str
    estimand: str
    group: str
    real: float
    synthetic: float
    difference: float
    lower: float
    upper: float
    margin: float
    floor: float
    verdict: str
    because: str
    scale: str
    unit: str = ""
    n_real: int = 0
    decisive: bool = True
    calibrated: bool = False
    key: str = ""
    kind: str = "all"
    overlap: float = math.nan
    standardised: float = math.nan

    @property
    def known(self) -> bool:
        """Whether it is an estimate with an interval, and neither a distance nor beyond estimation."""
        return not math.isnan(self.standardised)

    @property
    def stable(self) -> Finding:
        """The finding with its numbers as every processor writes them (see `heorsynth.core.estimate.stable`).

        Its verdict stays: it was reached with all digits.
        """
        size = max((abs(one) for one in (self.real, self.synthetic) if math.isfinite(one)), default=0.0)
        scale = max(size, self.margin) if self.scale == "absolute" else 1.0
        errors = max(1.0, scale / self.floor) if self.floor > 0 else 1.0
        sizes = {"real": size, "synthetic": size, "overlap": errors, "standardised": errors}
        on_scale = dict.fromkeys(("difference", "lower", "upper", "margin", "floor"), scale)
        written = {name: stable(getattr(self, name), of) for name, of in {**sizes, **on_scale}.items()}
        return replace(self, **written)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, object]:
        """The finding as JSON-ready data; what could not be estimated is None, never NaN."""
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Finding:
        """The finding `to_dict` wrote; ValueError or AttributeError if it is anything else."""
        return typed(cls, {name: math.nan if value is None else value for name, value in facts.items()})


@dataclass(frozen=True)
class Measured:
    """One estimand of one group: the real estimate, and one value with its variance from each cohort."""

    real: float
    real_variance: float
    synthetic: Sequence[float]
    synthetic_variances: Sequence[float]
    n_real: int
    unit: str = ""


def synthesis_variance(values: np.ndarray, variances: np.ndarray) -> float:
    """Variance of the mean over m cohorts: the larger of the between and the mean within variance, over m.

    A generator that draws less variably than a fresh sample has a smaller between variance; taking the
    larger keeps the interval honest for one that draws more.
    """
    within = float(np.mean(variances))
    between = float(np.var(values, ddof=1)) if len(values) > 1 else 0.0
    return max(within, between) / len(values)


def judge(
    check: str, estimand: str, group: str, measured: Measured, margin: Margin, *, decisive: bool = True
) -> Finding:
    """The finding for a scalar estimand, by two one-sided tests on the margin's scale.

    Notes
    -----
    With real estimate r (variance v) and the mean s of the m synthetic ones (variance t), the difference is
    s - r, (s - r)/|r| or log(s/r), its variance v + t, (t + v·(s/r)²)/r² or t/s² + v/r² (delta method).
    Passes if the 90% interval lies inside [-margin, margin], fails if it lies outside, else is inconclusive.

    References
    ----------
    Schuirmann (1987) J Pharmacokinet Biopharm 15:657.
    """
    values, variances = np.asarray(measured.synthetic, float), np.asarray(measured.synthetic_variances, float)
    real, real_variance = measured.real, measured.real_variance
    synthetic, spread = float(np.mean(values)), synthesis_variance(values, variances)
    if margin.scale == "absolute":
        difference, variance, floor_se = synthetic - real, real_variance + spread, math.sqrt(real_variance)
    elif real == 0 or (margin.scale == "ratio" and (synthetic <= 0 or real < 0)):
        reason = f"no {margin.scale} difference exists: real {significant(real)}, synthetic {significant(synthetic)}"
        return not_estimable(
            check, estimand, group, reason, margin, real=real, n_real=measured.n_real, decisive=decisive
        )
    elif margin.scale == "relative":
        difference = (synthetic - real) / abs(real)
        variance = (spread + real_variance * (synthetic / real) ** 2) / real**2
        floor_se = math.sqrt(real_variance) / abs(real)
    else:
        difference = math.log(synthetic / real)
        variance, floor_se = spread / synthetic**2 + real_variance / real**2, math.sqrt(real_variance) / real
    half = normal_quantile(LEVEL) * math.sqrt(variance)
    lower, upper = difference - half, difference + half
    verdict = decide(lower, upper, margin.width)
    own = math.sqrt(real_variance)
    return Finding(
        check,
        estimand,
        group,
        real,
        synthetic,
        difference,
        lower,
        upper,
        margin.width,
        MEAN_ABSOLUTE_NORMAL * floor_se,
        verdict,
        because(verdict, lower, upper, margin),
        margin.scale,
        measured.unit,
        measured.n_real,
        decisive,
        overlap=overlap(real, own, synthetic, math.sqrt(float(np.mean(variances)))),
        standardised=(synthetic - real) / own if own > 0 else math.nan,
    )


def overlap(real: float, real_se: float, synthetic: float, synthetic_se: float) -> float:
    """How much the 95% intervals of two estimates overlap: the mean share of each that lies in the other.

    1 for the same interval, 0 where they touch, below 0 the farther they lie apart.

    References
    ----------
    Karr, Kohnen, Oganian, Reiter & Sanil (2006) Am Stat 60:224, doi:10.1198/000313006X124640.

    Examples
    --------
    >>> overlap(0.0, 1.0, 0.0, 1.0), round(overlap(0.0, 1.0, 1.96, 1.0), 3)
    (1.0, 0.5)
    """
    z = normal_quantile(0.95)
    widths = 2 * z * real_se, 2 * z * synthetic_se
    if min(widths) <= 0:
        return math.nan
    shared = min(real + z * real_se, synthetic + z * synthetic_se) - max(
        real - z * real_se, synthetic - z * synthetic_se
    )
    return (shared / widths[0] + shared / widths[1]) / 2


def decide(lower: float, upper: float, width: float) -> str:
    """pass if [lower, upper] lies inside [-width, width], fail if it lies outside, else inconclusive."""
    if -width <= lower and upper <= width:
        return PASS
    return FAIL if lower > width or upper < -width else INCONCLUSIVE


ONE_SIDED = {"disclosure": (0.0, math.inf), "inference": (-math.inf, 0.0)}
"""Checks in which a difference in one direction is no failure, and the span that the interval is cut to."""


def borne_out(finding: Finding) -> bool:
    """Whether a finding's verdict may follow from its interval and margin: a check may soften it to "inconclusive".

    The digits that are written are fewer than those it was reached with: on the edge of a margin either side is right.
    """
    if finding.verdict not in (PASS, FAIL):
        return finding.verdict in (INCONCLUSIVE, NOT_ESTIMABLE)
    low, high = ONE_SIDED.get(finding.check, (-math.inf, math.inf))
    lower, upper = (min(max(end, low), high) for end in (finding.lower, finding.upper))
    widths = (finding.margin * (1 + edge) for edge in (0.0, -WRITTEN, WRITTEN))
    return finding.verdict in {decide(lower, upper, width) for width in widths}


def because(verdict: str, lower: float, upper: float, margin: Margin) -> str:
    """Why the verdict is what it is, in the margin's own terms."""
    shown = (_ratio(lower), _ratio(upper)) if margin.scale == "ratio" else (lower, upper)
    where = {PASS: "lies inside", FAIL: "lies outside", INCONCLUSIVE: "crosses the edge of"}[verdict]
    return (
        f"the {LEVEL:.0%} interval {significant(shown[0], 3)} to {significant(shown[1], 3)} {where} the margin {margin}"
    )


def _ratio(logarithm: float) -> float:
    """The ratio of a logarithm; infinite where it is beyond what a float holds."""
    return math.exp(logarithm) if logarithm < math.log(sys.float_info.max) else math.inf


def not_estimable(
    check: str,
    estimand: str,
    group: str,
    reason: str,
    margin: Margin,
    *,
    real: float = math.nan,
    n_real: int = 0,
    decisive: bool = True,
) -> Finding:
    """The finding where the data cannot say, with the reason; it never counts as a pass."""
    return Finding(
        check,
        estimand,
        group,
        real,
        math.nan,
        math.nan,
        math.nan,
        math.nan,
        margin.width,
        math.nan,
        NOT_ESTIMABLE,
        reason,
        margin.scale,
        "",
        n_real,
        decisive,
    )


def overall(findings: Sequence[Finding]) -> str:
    """The verdict for a purpose: "fit" if all decisive findings pass, "not fit" if one fails beyond chance.

    Else "inconclusive". Each pass is a test at 5%, and all must pass, so a wrong "fit" stays at or below 5% however
    many there are (intersection-union test; Berger 1982 Technometrics 24:295). Of many that may each fail by chance
    one is likely to, so a failure counts only if it stands when all are taken together (`fails_among`, Bonferroni):
    a wrong "not fit" stays at or below 5% too.
    """
    decisive = [finding for finding in findings if finding.decisive]
    known = sum(finding.verdict != NOT_ESTIMABLE for finding in decisive)
    if any(fails_among(finding, known) for finding in decisive):
        return "not fit"
    return "fit" if decisive and all(finding.verdict == PASS for finding in decisive) else "inconclusive"


def fails_among(finding: Finding, count: int) -> bool:
    """Whether a finding fails also when its interval is widened to hold for `count` findings at once.

    Notes
    -----
    Each side of the interval is stretched by z(1 - 0.05/count) / z(0.95), as if it were normal. A count of lost levels
    has no width: its own chance of a false alarm is bounded where it is counted. A disclosure that fails needs no
    others: that many things were asked is no comfort to whom it exposes.
    """
    if finding.verdict != FAIL or finding.check == "disclosure":
        return finding.verdict == FAIL
    stretch = normal_quantile(1 - (1 - LEVEL) / count) / normal_quantile(LEVEL)
    lower = finding.difference - stretch * (finding.difference - finding.lower)
    upper = finding.difference + stretch * (finding.upper - finding.difference)
    return decide(lower, upper, finding.margin) == FAIL


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Decisive findings before the others, and within each: fail, not estimable, inconclusive, pass."""
    return sorted(findings, key=lambda finding: (not finding.decisive, WORST_FIRST.index(finding.verdict)))


Margins = Mapping[str, Margin]
