"""Evidence as a run writes it: what it says of the patients is disclosure-controlled, and its verdicts are the same.

Everybody can compute each synthetic estimate from the files of a run. So a difference, its interval, or the share of
single cohorts within the margin would give the real estimate back, however coarsely that is shown. Therefore every
number of a finding is computed anew from the published real estimate and the synthetic cohorts, and says nothing more
of the patients than that estimate, its published standard error and the verdict.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from heorsynth.checks.core.estimand import BOTH_SIDES
from heorsynth.checks.core.finding import (
    FAIL,
    INCONCLUSIVE,
    LEVEL,
    NOT_ESTIMABLE,
    PASS,
    SINGLE,
    Finding,
    decide,
    decide_single,
    fails_among,
    interval_sentence,
    single_sentence,
)
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.scalar import LESS, MEAN_ABSOLUTE_NORMAL, share_with_interval
from heorsynth.checks.planning.catalogue import ESTIMANDS
from heorsynth.core.disclosure import RULES, Rules, tidy
from heorsynth.core.estimate import normal_quantile
from heorsynth.evidence.evidence import PAPER, Evidence
from heorsynth.evidence.notes import most_exposed

_OVER = 1e-6
"""An end of an interval that must lie beyond the margin is moved so far beyond it, in margins."""

_CLEAR = 1e-3
"""A difference that must lie beyond the margin is moved so far beyond it, in margins."""

_PARTS = (0.5, 0.2, 0.05, 0.01, 1e-3, 1e-4)
"""Parts of the way from the margin to the difference at which an end is tried, so that a fail stands as before."""

_SHARE = 0.05
"""Step of the share of single cohorts within the margin, and of the overlap of intervals."""


def published(evidence: Evidence, rules: Rules = RULES) -> Evidence:
    """Return the evidence that may be written: the same verdicts and answers, with disclosure-controlled numbers.

    Parameters
    ----------
    evidence : Evidence      as computed, with all digits
    rules : Rules            thresholds, see `heorsynth.core.disclosure`

    Notes
    -----
    - Evidence on a paper is returned as it is: its reference is printed.
    - A real estimate is rounded to a step between a tenth and a quarter of its standard error, which is itself shown
      within 10%. A quantile is the mean of five order statistics around it. Synthetic estimates have the same step, so
      that a generator that keeps a total exactly does not state it here.
    - A share with a count, or a complement, of 1 to 4 patients is shown as that of 2.5 patients.
    - Numbers of patients are rounded down to fives, so no complement of fewer than five follows from them.
    - Where rounding alone would contradict the verdict, an end of the interval is put at the margin. This depends on
      the published numbers and the verdict only.
    """
    if evidence.reference == PAPER:
        return evidence  # what is printed is public
    asked = sum(one.decisive and one.verdict != NOT_ESTIMABLE and one.question == "faithful"
                for one in evidence.findings)  # fmt: skip
    findings = tuple(_Finding(one, rules, max(asked, 1)).published for one in evidence.findings)
    exposed = dict(zip(most_exposed(evidence.findings), most_exposed(findings), strict=True))
    return replace(
        evidence,
        findings=findings,
        economics=tuple(one.published for one in evidence.economics),
        notes=tuple(exposed.get(note, note) for note in evidence.notes),
    )


@dataclass(frozen=True)
class _Finding:
    """A finding and the rules by which it is published; `asked` decisive findings are answered together."""

    exact: Finding
    rules: Rules
    asked: int

    @property
    def published(self) -> Finding:
        """The finding with numbers that may be written."""
        exact = self.exact
        if exact.verdict == NOT_ESTIMABLE:
            numbers: dict[str, Any] = {"real": math.nan, "margin": self._margin(math.nan)}
        else:
            numbers = self._estimate() if self._has_interval else self._distance()
            numbers |= self._single(numbers["margin"])
        few = exact.n_real is None or self.rules.is_small(exact.n_real)
        found = replace(exact, **numbers, n_real=None if few else self.rules.floor(exact.n_real or 0))
        if exact.verdict == NOT_ESTIMABLE:
            return found
        found = self._bounded(found)
        return replace(found, because=_reason(exact, found))

    @property
    def _has_interval(self) -> bool:
        exact = self.exact
        return all(math.isfinite(one) for one in (exact.real, exact.real_lower, exact.real_upper))

    def _estimate(self) -> dict[str, float]:
        """The numbers of a finding whose real estimate has an interval of its own."""
        exact, rules, held = self.exact, self.rules, self.exact.held
        ratio = exact.scale == "ratio" and exact.real > 0 and exact.real_lower > 0
        error, real, drawn = self._own_error(ratio), exact.real, exact.synthetic
        step = rules.step(error * (real if ratio else 1.0))
        if held.of and rules.of_class(held.count, held.of) != held.count:
            real, step = rules.of_class(held.count, held.of) / held.of, 0.0
            error = math.sqrt(real * (1 - real) / held.of) / (real if ratio else 1.0)
            drawn = rules.of_class(drawn * held.of, held.of) / held.of
        if math.isfinite(held.real):
            real, drawn = held.real, held.synthetic if math.isfinite(held.synthetic) else drawn
            step = rules.step(max(error, rules.spread(held.error)))
        elif self._order_statistic:
            step = rules.step(8 * rules.part * error)
        real, drawn = (self._above_zero(rules.to_step(one, step), one, step) for one in (real, drawn))
        margin, z = self._margin(real), normal_quantile(LEVEL)
        own, error = error, self._sufficient(error, real, margin, ratio)
        unit = abs(real) if exact.scale == "relative" else 1.0
        if exact.scale == "ratio":
            difference, half = math.log(drawn / real), self._half(exact.synthetic / drawn)
            scaled = error if ratio else error / real
        else:
            share = abs(exact.real) / unit if exact.scale == "relative" else 1.0
            difference, half, scaled = (drawn - real) / unit, self._half(share), error / unit
        reach = z * error if error != own else tidy(z * error, 3)
        low, high = (real * math.exp(side * reach) if ratio else real + side * reach for side in (-1, 1))
        low = min(low, 0.0) if exact.scale == "ratio" and not ratio else low
        return {
            "real": real,
            "synthetic": drawn,
            "difference": _written(difference),
            "lower": _written(difference - half),
            "upper": _written(difference + half),
            "margin": margin,
            "floor": tidy(MEAN_ABSOLUTE_NORMAL * scaled, 2),
            "overlap": _to(exact.overlap, _SHARE),
            "standardised": tidy(difference / scaled, 2) if scaled > 0 else exact.standardised,
            "real_lower": _written(low),
            "real_upper": _written(high),
        }

    def _own_error(self, ratio: bool) -> float:
        """The published standard error of the real estimate; of its logarithm for a ratio."""
        exact, z = self.exact, normal_quantile(LEVEL)
        if ratio:
            return self.rules.spread((math.log(exact.real_upper) - math.log(exact.real_lower)) / (2 * z))
        return self.rules.spread((exact.real_upper - exact.real_lower) / (2 * z))

    @property
    def _order_statistic(self) -> bool:
        """Whether the real estimate is a patient's value that fewer than five order statistics surround."""
        return self.exact.key in ESTIMANDS and ESTIMANDS[self.exact.key].one_value

    def _above_zero(self, shown: float, value: float, step: float) -> float:
        """A number that a ratio or a relative difference can be computed from: not rounded to 0."""
        if shown != 0 or self.exact.scale == "absolute" or value == 0:
            return shown
        return math.copysign(step or abs(value), value)

    def _half(self, factor: float) -> float:
        """Half the width of the interval of the difference, two digits; `factor` puts it on the published scale."""
        half = (self.exact.upper - self.exact.lower) / 2 * factor
        return tidy(half, 2)

    def _margin(self, real: float) -> float:
        """The margin: as declared; with two digits where it was computed from the patients' values."""
        exact = self.exact
        if not exact.own_margin or not math.isfinite(exact.margin):
            return exact.margin
        effect, shown = (
            abs(math.log(one)) if exact.scale == "ratio" and one > 0 else abs(one) for one in (exact.real, real)
        )
        capped = math.isfinite(effect) and math.isclose(exact.margin, effect * LESS, rel_tol=1e-7)
        return shown * LESS if capped and shown > 0 else tidy(exact.margin, 2)

    def _sufficient(self, error: float, real: float, margin: float, ratio: bool) -> float:
        """The published standard error, moved where it would contradict whether the patients suffice."""
        exact, z = self.exact, normal_quantile(LEVEL)
        if exact.sufficient is None or not margin > 0:
            return error
        unit = 1.0 if ratio else real if exact.scale == "ratio" else abs(real) if exact.scale == "relative" else 1.0
        edge = margin * unit / z
        if exact.scale == "ratio" and not ratio:
            return error
        return min(error, edge * (1 - 1e-3)) if exact.sufficient else max(error, edge * (1 + 1e-3))

    def _distance(self) -> dict[str, float]:
        """The numbers of a finding without an interval of the patients' own: a distance, an agreement, an attack."""
        exact, rules = self.exact, self.rules
        margin, floor = self._margin(math.nan), rules.spread(exact.floor)
        step = rules.step(floor / MEAN_ABSOLUTE_NORMAL) if floor > 0 else 0.0
        real = exact.real if exact.real in (0.0, 1.0) else rules.to_step(self._share_of_few(exact.real), step)
        drawn = rules.to_step(exact.synthetic, step)
        apart = math.isclose(exact.difference, exact.synthetic - exact.real, abs_tol=1e-8)
        difference = drawn - real if apart else rules.to_step(exact.difference, step)
        half = self._half(1.0)
        lower, upper = (
            rules.to_step(one, step) if step or not math.isfinite(half) else _written(one)
            for one in (exact.lower, exact.upper)
        )
        return {"real": real, "synthetic": drawn, "difference": _written(difference), "lower": lower, "upper": upper,
                "margin": margin, "floor": floor}  # fmt: skip

    def _share_of_few(self, real: float) -> float:
        held = self.exact.held
        return self.rules.of_class(held.count, held.of) / held.of if held.of else real

    def _single(self, margin: float) -> dict[str, float]:
        """The share of single cohorts within the margin, to a step that does not give the real estimate away."""
        exact = self.exact
        if math.isnan(exact.single):
            return {}
        m, within = exact.m, round(_to(exact.single, _SHARE) * exact.m)
        for count in sorted(range(m + 1), key=lambda one: abs(one - within)):
            share, low, high = share_with_interval(count, m, exact.level)
            shown = replace(exact, single=share, single_lower=low, single_upper=high, margin=margin)
            if exact.use != SINGLE or exact.verdict not in (PASS, FAIL) or (
                decide_single(low, high) == exact.verdict and self._stands(shown) == self._stands(exact)
            ):  # fmt: skip
                return {name: _written(one) for name, one in zip(_SINGLE, (share, low, high), strict=True)}
        return {}

    def _stands(self, finding: Finding) -> bool:
        return fails_among(finding, self.asked)

    def _bounded(self, found: Finding) -> Finding:
        """The finding with the ends of its interval moved where rounding alone would contradict its verdict."""
        exact, width = self.exact, found.margin
        if math.isnan(exact.lower) or math.isnan(exact.upper) or not math.isfinite(width):
            return found
        told = decide(*_within(exact, exact.lower, exact.upper), exact.margin)
        alone = exact.use == SINGLE and not math.isnan(exact.single)
        if exact.verdict in (PASS, FAIL) and not alone:
            told = exact.verdict  # which holds on the edge of the margin too, where the last digit decides
        far = exact.upper > exact.margin if told == INCONCLUSIVE else exact.lower + exact.upper > 0
        side = 1.0 if far else -1.0
        for ends in self._candidates(found, told, side, width):
            moved: dict[str, Any] = {name: _written(end) for name, end in ends.items()}
            shown = replace(found, **moved)
            same = decide(*_within(exact, shown.lower, shown.upper), width) == told
            if same and (alone or self._stands(shown) == self._stands(exact)):
                return shown
        return found

    def _candidates(self, found: Finding, told: str, side: float, width: float) -> Iterator[dict[str, float]]:
        """Difference and ends of the interval as they are, then moved to the margin."""
        middle, lower, upper = found.difference, found.lower, found.upper
        yield {}
        if told == PASS:
            low, high = (min(max(one, -width), width) for one in (lower, upper))
            yield {"lower": low, "upper": high, "difference": min(max(middle, low), high)}
        elif told == INCONCLUSIVE:
            edge = side * width
            low = min(lower, edge * (1 - side * _OVER))
            high = max(upper, edge * (1 + side * _OVER))
            yield {"lower": low, "upper": high, "difference": middle}
        else:
            centre = max(side * middle, width * (1 + _CLEAR))
            inner = max(side * (lower if side > 0 else upper), width * (1 + _OVER))
            outer = max(side * (upper if side > 0 else lower), centre)
            nearest = width * (1 + _OVER)
            for end in (inner, nearest, *(centre - part * (centre - width) for part in _PARTS)):
                low, high = (end, outer) if side > 0 else (-outer, -end)
                yield {"lower": low, "upper": high, "difference": side * centre}


_SINGLE = ("single", "single_lower", "single_upper")


def _within(exact: Finding, lower: float, upper: float) -> tuple[float, float]:
    """The ends of an interval within the range of differences that can fail."""
    low, high = ESTIMANDS[exact.key].span if exact.key in ESTIMANDS else BOTH_SIDES
    return min(max(lower, low), high), min(max(upper, low), high)


def _reason(exact: Finding, found: Finding) -> str:
    """The reason for the verdict with the published interval; a reason without an interval as it is."""
    if exact.remark == exact.because:
        return exact.because
    before, after = _sentence(exact), _sentence(found)
    if before in exact.because:
        return exact.because.replace(before, after)
    worst = f"worst: {found.worst}" if found.worst else ""
    return "; ".join(filter(None, (found.remark, after, worst)))


def _sentence(one: Finding) -> str:
    """The sentence on the interval of a finding, or on its single cohorts."""
    if one.use == SINGLE and not math.isnan(one.single):
        return single_sentence(round(one.single * one.m), one.m, one.single_lower, one.single_upper, one.level)
    margin = Margin(one.scale, one.margin, of=_reference(one.key))
    return interval_sentence(_decided(one), *_within(one, one.lower, one.upper), margin, one.level)


def _decided(found: Finding) -> str:
    if math.isnan(found.lower) or math.isnan(found.upper):
        return INCONCLUSIVE
    return decide(*_within(found, found.lower, found.upper), found.margin)


def _reference(key: str) -> str:
    relative_to = ESTIMANDS[key].relative_to if key in ESTIMANDS else ""
    return relative_to or "the real value"


def _to(value: float, step: float) -> float:
    return value if math.isnan(value) else tidy(round(value / step) * step, 6)


def _written(value: float) -> float:
    return tidy(value, 9)
