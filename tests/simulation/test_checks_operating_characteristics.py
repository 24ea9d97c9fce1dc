"""The checks are themselves checked: how often each passes and fails what is known to be right, borderline or wrong."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from heorsynth.checks.core.distance import average, largest

REPETITIONS = 60
AT_MOST = int(stats.binom.ppf(0.9995, REPETITIONS, 0.05))
"""Wrong answers that a check with a 5% error rate stays within in 1,999 of 2,000 such simulations: 10 of 60."""

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "operating_characteristics.py"


def _loaded():
    sys.path.insert(0, str(BENCHMARK.parent))  # where its neighbour `results` lies, as when it is run by itself
    spec = importlib.util.spec_from_file_location("operating_characteristics", BENCHMARK)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


benchmark = _loaded()


@pytest.mark.parametrize("key", benchmark.CASES)
def test_a_generator_off_by_exactly_the_margin_seldom_passes(key):
    found = benchmark.verdicts(key, 500, 1.0, REPETITIONS, m=3)
    assert found["pass"] <= AT_MOST


@pytest.mark.parametrize("n", [50, 500])
@pytest.mark.parametrize("key", benchmark.CASES)
def test_a_faithful_generator_seldom_fails(key, n):
    assert benchmark.verdicts(key, n, 0.0, REPETITIONS, m=3)["fail"] <= AT_MOST


@pytest.mark.parametrize("n", [50, 150])
@pytest.mark.parametrize("key", benchmark.CASES)
def test_a_generator_off_by_three_margins_never_passes(key, n):
    assert benchmark.verdicts(key, n, 3.0, REPETITIONS, m=3)["pass"] == 0


@pytest.mark.parametrize("key", benchmark.CASES)
def test_with_1000_patients_three_margins_off_are_found_out(key):
    found = benchmark.verdicts(key, 1000, 3.0, REPETITIONS, m=3)
    assert found["fail"] >= int(stats.binom.ppf(0.0005, REPETITIONS, 0.95))


@pytest.mark.parametrize("measure", [largest, average], ids=["largest", "average"])
@pytest.mark.parametrize("shift", [0.0, 0.02, 0.2])
def test_the_bounds_of_a_distance_are_each_wrong_at_most_one_time_in_twenty(measure, shift):
    """Ten correlated gaps, four of them truly `shift`: also at 0, where a resampled distance is biased upward."""
    rng, repetitions = np.random.default_rng(5), 1000
    covariance = 0.02**2 * (0.5 * np.eye(10) + 0.5)
    truth = np.where(np.arange(10) < 4, shift, 0.0)
    noise = rng.multivariate_normal(np.zeros(10), covariance, 1000)
    real = np.abs(truth).max() if measure is largest else np.abs(truth).mean()
    drawn = rng.multivariate_normal(truth, covariance, repetitions)
    measured = [measure(gaps, noise, noise) for gaps in drawn]
    bounds = np.array([(one.lower, one.upper) for one in measured])
    allowed = stats.binom.ppf(0.9995, repetitions, 0.05)
    assert (bounds[:, 0] > real + 1e-12).sum() <= allowed
    assert (bounds[:, 1] < real - 1e-12).sum() <= allowed
