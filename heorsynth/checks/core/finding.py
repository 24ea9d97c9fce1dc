"""A finding: one estimand, real beside synthetic, held against its margin by its confidence interval."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from heorsynth.checks.core.estimand import FAITHFUL, PRIVATE
from heorsynth.checks.core.margin import Margin
from heorsynth.core.estimate import normal_quantile, significant, stable
from heorsynth.core.reading import typed

LEVEL = 0.90
"""Level of every interval: an equivalence test at 5% is a 90% interval inside the margin (two one-sided tests)."""

PASS, FAIL, INCONCLUSIVE, NOT_ESTIMABLE = "pass", "fail", "inconclusive", "not estimable"
WORST_FIRST = (FAIL, NOT_ESTIMABLE, INCONCLUSIVE, PASS)

TESTED, CONSTRUCTED = "tested", "constructed"
"""What a finding rests on: a comparison, or an equality that the generator made and that is no evidence."""

NO_THRESHOLD = "no threshold"
"""The `obstacle` of an economic question without a willingness-to-pay threshold."""


@dataclass(frozen=True)
class Finding:
    """What a check found for one estimand in one group of patients.

    Attributes
    ----------
    key : str                      of the estimand, as a protocol names it: "survival.rmst"
    estimand, group : str          such as "rmst of os to 3650 day", "sex=f"
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
    basis : str                    tested, or constructed: set equal to the source's, so no evidence of fidelity
    question : str                 faithful or private
    kind : str                     of the group: all, arm, subgroup, intersection
    endpoint, column : str         the endpoint or column it is about, if it is about one
    threshold : float              willingness to pay; NaN if it is about none
    per : str                      what a threshold is money for: QALY, or a unit of the effect
    remark : str                   the part of `because` beyond interval and margin
    obstacle : str                 NO_THRESHOLD, or ""
    overlap : float                of the real and the synthetic 95% interval, 1 if they are one (Karr et al. 2006);
                                   NaN for distances
    standardised : float           (synthetic - real) / the real standard error; NaN for distances
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
    n_real: int = 0
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

    @property
    def check(self) -> str:
        """The name of the check that gave it."""
        return self.key.split(".", maxsplit=1)[0]

    @property
    def constructed(self) -> bool:
        """Whether the generator set the estimand equal to the source's."""
        return self.basis == CONSTRUCTED

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
        written: dict[str, Any] = {name: stable(getattr(self, name), of) for name, of in {**sizes, **on_scale}.items()}
        return replace(self, **written)

    def to_dict(self) -> dict[str, object]:
        """The finding as JSON-ready data; what could not be estimated is None, never NaN."""
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in {"check": self.check, **asdict(self)}.items()
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Finding:
        """The finding `to_dict` wrote; ValueError or AttributeError if it is anything else."""
        known = {name: math.nan if value is None else value for name, value in facts.items() if name != "check"}
        found = typed(cls, known)
        if found.check != facts.get("check"):
            raise ValueError(f"check {facts.get('check')!r} does not answer {found.key!r}")
        return found


def decide(lower: float, upper: float, width: float) -> str:
    """pass if [lower, upper] lies inside [-width, width], fail if it lies outside, else inconclusive."""
    if -width <= lower and upper <= width:
        return PASS
    return FAIL if lower > width or upper < -width else INCONCLUSIVE


def interval_sentence(verdict: str, lower: float, upper: float, margin: Margin) -> str:
    """Why the verdict is what it is, in the margin's own terms."""
    shown = (_ratio(lower), _ratio(upper)) if margin.scale == "ratio" else (lower, upper)
    where = {PASS: "lies inside", FAIL: "lies outside", INCONCLUSIVE: "crosses the edge of"}[verdict]
    return (
        f"the {LEVEL:.0%} interval {significant(shown[0], 3)} to {significant(shown[1], 3)} {where} the margin {margin}"
    )


def _ratio(logarithm: float) -> float:
    """The ratio of a logarithm; infinite if it is beyond what a float holds."""
    return math.exp(logarithm) if logarithm < math.log(sys.float_info.max) else math.inf


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
    if finding.verdict != FAIL or finding.question == PRIVATE:
        return finding.verdict == FAIL
    stretch = normal_quantile(1 - (1 - LEVEL) / count) / normal_quantile(LEVEL)
    lower = finding.difference - stretch * (finding.difference - finding.lower)
    upper = finding.difference + stretch * (finding.upper - finding.difference)
    return decide(lower, upper, finding.margin) == FAIL


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Decisive findings before the others, and within each: fail, not estimable, inconclusive, pass."""
    return sorted(findings, key=lambda finding: (not finding.decisive, WORST_FIRST.index(finding.verdict)))
