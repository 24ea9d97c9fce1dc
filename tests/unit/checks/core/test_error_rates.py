"""How often the rule of the verdict is wrong: a "yes" on the edge of the margin, and a "no" to an unbiased copy."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from heorsynth.checks.core.distance import Gaps, Measure, average, largest
from heorsynth.checks.core.finding import FAIL, NO, PASS, Finding, answer_of, decide, decide_single
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.scalar import Measured, compared, share_with_interval

M, TIMES = 20, 1500
MARGIN = 1.0

Draws = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def normal(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Errors with mean 0 and standard deviation 1."""
    return rng.standard_normal(size)


def log_normal(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Errors with mean 0, standard deviation 1 and a skewness of 1: such as mean costs of a small cohort."""
    spread = 0.314
    mean = math.exp(spread**2 / 2)
    return (rng.lognormal(0.0, spread, size) - mean) / (mean * math.sqrt(math.expm1(spread**2)))


ERRORS = pytest.mark.parametrize("errors", [normal, log_normal])


def allowed(rate: float, times: int = TIMES) -> float:
    """Errors that a rate stays within in 1,999 of 2,000 simulations."""
    return float(stats.binom.ppf(0.9995, times, rate))


def test_the_skewed_errors_are_standardised_and_skewed() -> None:
    drawn = log_normal(np.random.default_rng(1), (200_000,))
    assert (drawn.mean(), drawn.std()) == pytest.approx((0.0, 1.0), abs=0.01)
    assert stats.skew(drawn) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("sign", [1, -1])
@ERRORS
def test_a_scalar_off_by_exactly_the_margin_passes_in_at_most_6_percent(errors: Draws, sign: int) -> None:
    """Spread of 0.8 margins, so that a pass is possible; skewed errors may cost the t interval one point of a hundred.

    The interval of the same estimates covers the true difference in at least 88%.
    """
    drawn = sign * MARGIN + 0.8 * errors(np.random.default_rng(2), (TIMES, M))
    numbers = [compared(Measured(0.0, 1.0, list(each), [1.0] * M), Margin("absolute", MARGIN)) for each in drawn]
    passed = sum(decide(one.lower, one.upper, MARGIN) == PASS for one in numbers)
    assert 0 < passed <= allowed(0.06)
    covered = sum(one.lower <= sign * MARGIN <= one.upper for one in numbers)
    assert covered >= stats.binom.ppf(0.0005, TIMES, 0.88)


@pytest.mark.parametrize("m", [5, 20])
@pytest.mark.parametrize("true", [0.0, 0.5])
@pytest.mark.parametrize("measure", [largest, average])
def test_each_bound_of_a_distance_is_wrong_in_at_most_5_percent(measure: Measure, true: float, m: int) -> None:
    """Thirty points of a curve, correlated like a distribution function; each is truly off by `true`."""
    rng, times = np.random.default_rng(3), 300
    place = np.arange(1, 31) / 31
    root = np.linalg.cholesky(np.minimum.outer(place, place) - np.outer(place, place))
    patients = rng.standard_normal((400, 30)) @ root.T
    found = [measure(Gaps.of(true + rng.standard_normal((m, 30)) @ root.T, patients, rng)) for _ in range(times)]
    assert sum(one.lower > true for one in found) <= allowed(0.05, times)
    assert sum(one.upper < true for one in found) <= allowed(0.05, times)


@ERRORS
def test_a_single_use_with_exactly_nine_in_ten_within_the_margin_passes_in_at_most_5_percent(errors: Draws) -> None:
    """Few passes are possible with 20 cohorts (none, even if all lie within), so 60 are judged."""
    rng, m = np.random.default_rng(4), 60
    width = float(np.quantile(np.abs(errors(rng, (1_000_000,))), 0.9))
    within = (np.abs(errors(rng, (TIMES, m))) <= width).sum(axis=1)
    verdicts = [decide_single(*share_with_interval(int(count), m)[1:]) for count in within]
    assert 0 < verdicts.count(PASS) <= allowed(0.05)
    assert verdicts.count(FAIL) <= allowed(0.05)


@ERRORS
def test_forty_findings_within_their_margin_answer_no_in_at_most_5_percent(errors: Draws) -> None:
    """All on the edge, the hardest case; a copy without bias is farther from a "no"."""
    rng, times, count = np.random.default_rng(5), 400, 40
    blank = Finding("costs.mean", "mean", "all", 0, 0, 0, 0, 0, MARGIN, 1, PASS, "", "absolute", m=M)
    noes, uncorrected = 0, 0
    for drawn in MARGIN + 0.1 * errors(rng, (times, count, M)):
        findings = []
        for each in drawn:
            one = compared(Measured(0.0, 1.0, list(each), [1.0] * M), Margin("absolute", MARGIN))
            verdict = decide(one.lower, one.upper, MARGIN)
            findings.append(
                replace(blank, difference=one.difference, lower=one.lower, upper=one.upper, verdict=verdict)
            )
        noes += answer_of(findings) == NO
        uncorrected += any(one.verdict == FAIL for one in findings)
    assert noes <= allowed(0.05, times)
    assert uncorrected > times / 2, "without the correction, one of forty fails by chance"
