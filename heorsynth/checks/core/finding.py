"""A finding: the real and the synthetic estimate of one estimand, and whether their difference is within the margin."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from scipy import special

from heorsynth.checks.core.estimand import FAITHFUL, PRIVATE
from heorsynth.checks.core.margin import Margin
from heorsynth.core.estimate import significant, stable
from heorsynth.core.reading import typed

LEVEL = 0.90
"""Level of every interval: two one-sided tests at 5% are a 90% interval inside the margin."""

PASS, FAIL, INCONCLUSIVE, NOT_ESTIMABLE = "pass", "fail", "inconclusive", "not estimable"
WORST_FIRST = (FAIL, NOT_ESTIMABLE, INCONCLUSIVE, PASS)

YES, NO, NOT_SHOWN, NOT_ASKED = "yes", "no", "not shown", "not asked"
"""The answers to a question."""

TESTED, CONSTRUCTED = "tested", "constructed"
"""The basis of a finding: a test, or an equality by construction, which is no evidence of fidelity."""

LATER_LEVEL = 0.99
"""Level of the intervals after the number of cohorts was increased; see `protocol.settle`."""

POOLED, SINGLE = "pooled", "single"
"""The use of the cohorts: analysts get all of them, or one file goes out alone."""

_SINGLE_SHARE = 0.9
"""Share of the single cohorts that must lie within the margin, if one file goes out alone."""

_LEAST_ROOM = 0.05
"""A difference that happens to be on its margin now is taken to be this share of the margin away from it."""

NO_THRESHOLD = "no threshold"
"""The `obstacle` of an economic question without a willingness-to-pay threshold."""


@dataclass(frozen=True)
class Held:
    """Facts about a finding that the custodian's memory holds and no file: `evidence.publish` needs them.

    Attributes
    ----------
    real, synthetic : float     of a quantile: the mean of five order statistics around it, in the patients and on
                                average in the cohorts; NaN for other estimands
    error : float               the standard error of `real`: sd/√5
    count, of : int             of a share: the patients with the property, and all of them; 0 for other estimands
    """

    real: float = math.nan
    synthetic: float = math.nan
    error: float = math.nan
    count: int = 0
    of: int = 0


@dataclass(frozen=True)
class Finding:
    """The result of a check for one estimand in one group of patients.

    Attributes
    ----------
    key : str                      the key of the estimand in a protocol: "survival.rmst"
    estimand, group : str          such as "rmst of os to 3650 day", "sex=f"
    real, synthetic : float        the real estimate, and the mean over the m synthetic cohorts
    difference : float             on the margin's scale (see `Margin`)
    lower, upper : float           its interval at `level`, given the patients: it covers the synthesis alone
    margin : float                 half-width of the margin, on the same scale
    floor : float                  the mean |difference| between the real data and a resample of them
    verdict : str                  pass, fail, inconclusive, not estimable
    because : str                  the reason for the verdict, in a sentence
    scale, unit : str              scale of the margin; unit of `real` and `synthetic`
    n_real : int or None           number of real patients it rests on; None: one to four, where it is published
    decisive : bool                whether the verdict of the purpose depends on it
    basis : str                    tested, or constructed: equal to the source by construction, so no evidence
    question : str                 faithful or private
    kind : str                     kind of group: all, arm, subgroup, intersection
    endpoint, column : str         the endpoint or column, if there is one
    threshold : float              willingness to pay; NaN if there is none
    per : str                      the denominator of the threshold: QALY, or a unit of the effect
    remark : str                   `because` without the sentence on interval and margin, and without `worst`
    worst : str                    the members that differ most, if it is a share of many; else ""
    obstacle : str                 NO_THRESHOLD, or ""
    overlap : float                overlap of the real and the synthetic 95% interval, 1 if they are equal (Karr et
                                   al. 2006); NaN for distances
    standardised : float           (synthetic - real) / real standard error; NaN for distances
    real_lower, real_upper         the patients' own 90% interval, on the scale of `real`; NaN if there is none
    m : int                        number of synthetic cohorts
    single, single_lower, single_upper
                                   share of the single cohorts within the margin, with its 90% Clopper-Pearson interval
    use : str                      pooled or single: what the verdict rests on
    level : float                  level of [lower, upper]: 0.90, or more if the number of cohorts was increased
    for_many : bool                whether a fail needs no correction for the number of findings: `fails_among`
    own_margin : bool              whether the margin was computed from the patients' values, such as their mean
    held : Held                    facts that are in memory only: no file has them
    """

    key: str
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
    n_real: int | None = 0
    decisive: bool = True
    basis: str = TESTED
    question: str = FAITHFUL
    kind: str = "all"
    endpoint: str = ""
    column: str = ""
    threshold: float = math.nan
    per: str = ""
    remark: str = ""
    obstacle: str = ""
    overlap: float = math.nan
    standardised: float = math.nan
    real_lower: float = math.nan
    real_upper: float = math.nan
    m: int = 0
    single: float = math.nan
    single_lower: float = math.nan
    single_upper: float = math.nan
    use: str = POOLED
    level: float = LEVEL
    for_many: bool = False
    worst: str = ""
    own_margin: bool = False
    held: Held = field(default_factory=Held, repr=False, compare=False)

    @property
    def check(self) -> str:
        """The name of the check that made it."""
        return self.key.split(".", maxsplit=1)[0]

    @property
    def constructed(self) -> bool:
        """Whether the estimand equals the source by construction."""
        return self.basis == CONSTRUCTED

    @property
    def known(self) -> bool:
        """Whether it is an estimate with an interval: neither a distance nor not estimable."""
        return not math.isnan(self.standardised)

    @property
    def own_half_width(self) -> float:
        """Half-width of the patients' own 90% interval, on the scale of the margin; NaN if there is none."""
        if math.isnan(self.real_lower):
            return math.nan
        if self.scale == "ratio":
            return (math.log(self.real_upper) - math.log(self.real_lower)) / 2 if self.real_lower > 0 else math.inf
        half = (self.real_upper - self.real_lower) / 2
        return half / abs(self.real) if self.scale == "relative" else half

    @property
    def sufficient(self) -> bool | None:
        """Whether the patients' own interval is no wider than the margin; None if they have no interval."""
        half = self.own_half_width
        return None if math.isnan(half) or math.isnan(self.margin) else half <= self.margin

    @property
    def patients_needed(self) -> int:
        """Number of patients at which their own interval is as wide as the margin; 0 if unknown.

        The width of an interval is proportional to 1/√n.
        """
        half = self.own_half_width
        known = math.isfinite(half) and self.margin > 0
        return math.ceil(self.n_real * (half / self.margin) ** 2) if known and self.n_real else 0

    @property
    def cohorts_needed(self) -> int:
        """Number of cohorts at which the interval is likely to lie on one side of the margin; 0 if unknown."""
        room = max(abs(self.margin - abs(self.difference)), _LEAST_ROOM * self.margin)
        half = (self.upper - self.lower) / 2
        known = self.m > 1 and room > 0 and math.isfinite(half)
        return math.ceil(self.m * (half / room) ** 2) + 1 if known else 0

    @property
    def stable(self) -> Finding:
        """The finding with numbers rounded so that every processor writes the same (`heorsynth.core.estimate.stable`).

        The verdict is unchanged: it was reached with all digits.
        """
        size = max((abs(one) for one in (self.real, self.synthetic) if math.isfinite(one)), default=0.0)
        scale = max(size, self.margin) if self.scale == "absolute" else 1.0
        errors = max(1.0, scale / self.floor) if self.floor > 0 else 1.0
        sizes = {
            **dict.fromkeys(("real", "synthetic", "real_lower", "real_upper"), size),
            **dict.fromkeys(("overlap", "standardised"), errors),
            **dict.fromkeys(("single", "single_lower", "single_upper"), 1.0),
        }
        on_scale = dict.fromkeys(("difference", "lower", "upper", "margin", "floor"), scale)
        written: dict[str, Any] = {name: stable(getattr(self, name), of) for name, of in {**sizes, **on_scale}.items()}
        return replace(self, **written)

    def to_dict(self) -> dict[str, object]:
        """Return the finding as JSON-ready data; a number that is not estimable is None, never NaN."""
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in {"check": self.check, **asdict(self)}.items()
            if key != "held"
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Finding:
        """Return the finding that `to_dict` wrote; ValueError or AttributeError for other data."""
        omitted = ("check", "held")
        known = {
            name: math.nan if value is None and name != "n_real" else value
            for name, value in facts.items()
            if name not in omitted
        }
        found = typed(cls, known)
        if found.check != facts.get("check"):
            raise ValueError(f"check {facts.get('check')!r} does not answer {found.key!r}")
        return found


def decide(lower: float, upper: float, width: float) -> str:
    """Return pass if [lower, upper] lies inside [-width, width], fail if it lies outside, else inconclusive."""
    if -width <= lower and upper <= width:
        return PASS
    return FAIL if lower > width or upper < -width else INCONCLUSIVE


def decide_single(lower: float, upper: float) -> str:
    """Return the verdict on single cohorts, from the interval of the share within the margin.

    The limits are Clopper-Pearson's, so they hold for any distribution; a normal tolerance limit passes skewed costs
    too often.
    """
    if lower >= _SINGLE_SHARE:
        return PASS
    return FAIL if upper < _SINGLE_SHARE else INCONCLUSIVE


def interval_sentence(verdict: str, lower: float, upper: float, margin: Margin, level: float = LEVEL) -> str:
    """Return the reason for the verdict, on the scale of the margin."""
    if math.isnan(lower) or math.isnan(upper):
        return "one cohort: chance and bias cannot be separated, so at least 2 are needed"
    shown = (_ratio(lower), _ratio(upper)) if margin.scale == "ratio" else (lower, upper)
    where = {PASS: "lies inside", FAIL: "lies outside", INCONCLUSIVE: "crosses the edge of"}[verdict]
    return (
        f"the {level:.0%} interval {significant(shown[0], 3)} to {significant(shown[1], 3)} {where} the margin {margin}"
    )


def single_sentence(count: int, m: int, lower: float, upper: float, level: float = LEVEL) -> str:
    """Return how many single cohorts lie within the margin, with the interval of that share."""
    return (
        f"{count} of {m} single cohorts lie within the margin ({level:.0%} interval {lower:.0%} to {upper:.0%}; "
        f"at least {_SINGLE_SHARE:.0%} is required)"
    )


def _ratio(logarithm: float) -> float:
    """Return the ratio of a logarithm; infinite if a float cannot hold it."""
    return math.exp(logarithm) if logarithm < math.log(sys.float_info.max) else math.inf


def answer_of(findings: Sequence[Finding]) -> str:
    """Return the answer of decisive findings to one question: "yes", "no" or "not shown".

    Notes
    -----
    "yes" if all pass, and at least one was tested: what a generator sets equal by construction is no evidence. Each
    pass is a test at 5%, and all must pass. So a wrong "yes" has a probability of at most 5%, whatever the number of
    findings (intersection-union test; Berger 1982 Technometrics 24:295).

    "no" if one fails after correction for the number of findings (`fails_among`, Bonferroni). So a wrong "no" also has
    a probability of at most 5%. Without the correction, one of many findings is likely to fail by chance.
    """
    known = sum(finding.verdict != NOT_ESTIMABLE for finding in findings)
    if any(fails_among(finding, known) for finding in findings):
        return NO
    passed = bool(findings) and all(finding.verdict == PASS for finding in findings)
    return YES if passed and not all(finding.constructed for finding in findings) else NOT_SHOWN


def fails_among(finding: Finding, count: int) -> bool:
    """Return whether a finding still fails when its interval is widened to hold for `count` findings at once.

    Notes
    -----
    Each side of the interval is multiplied by t(1 - 0.05/count) / t(0.95), on m - 1 degrees of freedom. For single
    cohorts the Clopper-Pearson limit is computed at 0.05/count. A count of lost levels has an interval of width 0, and
    the share of analyses that are off has no t-interval: their probability of a false alarm is bounded where they are
    counted (`structure.subgroups`, `structure.panel`). A disclosure is not corrected for the number of findings: that
    number does not protect the patients it exposes.
    """
    if finding.verdict != FAIL or finding.question == PRIVATE or finding.for_many:
        return finding.verdict == FAIL
    tail = (1 - finding.level) / 2 / max(count, 1)
    if finding.use == SINGLE and not math.isnan(finding.single):
        within = round(finding.single * finding.m)
        upper = 1.0 if within == finding.m else float(special.betaincinv(within + 1, finding.m - within, 1 - tail))
        return upper < _SINGLE_SHARE
    freedom = max(finding.m - 1, 1)
    stretch = float(special.stdtrit(freedom, 1 - tail) / special.stdtrit(freedom, 0.5 + finding.level / 2))
    lower = finding.difference - stretch * (finding.difference - finding.lower)
    upper = finding.difference + stretch * (finding.upper - finding.difference)
    return decide(lower, upper, finding.margin) == FAIL


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Return decisive findings before supporting ones, and in each part: fail, not estimable, inconclusive, pass."""
    return sorted(findings, key=lambda finding: (not finding.decisive, WORST_FIRST.index(finding.verdict)))
