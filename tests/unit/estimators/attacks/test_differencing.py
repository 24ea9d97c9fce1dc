"""Attacks on two releases against closed forms, and their errors where a release says nothing of the patient."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from heorsynth.estimators.attacks import differencing
from heorsynth.estimators.attacks.differencing import Releases

R = 20


def releases(rng: np.random.Generator, n: int, m: int, noise: float, k: int = 12, kept: float = 1.0) -> Releases:
    """Releases of `k` standard normal numbers and `k` indicators of frequency 0.3; `noise` is the SD of each mean.

    With `kept` = 0 the second release does not depend on who is left out.
    """
    numbers, bits = rng.normal(size=(n, k)), (rng.random((n, k)) < 0.3).astype(float)
    spread = math.sqrt(0.21)
    people = np.column_stack([numbers, (bits - 0.3) / spread])
    mean = people.mean(axis=0)
    chosen = people[:R]
    without = (n * mean - kept * chosen - (1 - kept) * mean) / (n - 1)
    return Releases(
        n,
        mean + noise * rng.normal(size=(m, 2 * k)),
        without[:, None, :] + noise * rng.normal(size=(R, m, 2 * k)),
        chosen,
        np.arange(2 * k) < k,
        np.full(2 * k, 0.2 / spread),
        np.zeros(2 * k, dtype=bool),
        np.arange(R) < 10,
    )


def test_exact_means_give_the_patient_himself() -> None:
    exact = releases(np.random.default_rng(1), 100, 2, 0.0)
    assert exact.guesses == pytest.approx(exact.patients, abs=1e-9)
    attack, error = differencing.numbers(exact, np.random.default_rng(1))
    assert attack.success == pytest.approx(1.0) and error == pytest.approx(0.0, abs=1e-9)
    levels = differencing.levels(exact)
    assert levels.success == 1.0
    assert levels.control == pytest.approx(
        0.3**2 + 0.7**2, abs=0.07
    )  # two patients agree; the more frequent value: 0.7
    assert levels.guessing == pytest.approx(0.7, abs=0.13)  # 240 draws: 4 standard errors are 0.12
    assert differencing.took_part(exact).success == 1.0


@pytest.mark.parametrize("noise", [0.005, 0.02, 0.1])
def test_with_noise_the_share_of_the_error_removed_is_that_of_the_closed_form(noise: float) -> None:
    """Own errors have the variance v = (n² + (n − 1)²)·noise²/m, those by another patient's difference 2 + v."""
    n, m, found = 100, 5, []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        found.append(differencing.numbers(releases(rng, n, m, noise), rng)[0].success)
    v = (n**2 + (n - 1) ** 2) * noise**2 / m
    # 4 standard errors, and 0.01 because a ratio of medians has a small bias
    assert np.mean(found) == pytest.approx(1 - math.sqrt(v / (2 + v)), abs=4 * np.std(found) / math.sqrt(20) + 0.01)


@pytest.mark.parametrize("m", [2, pytest.param(20, marks=pytest.mark.long)])
def test_a_release_that_does_not_depend_on_the_patient_is_rarely_accused(m: int) -> None:
    accused = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        one = releases(rng, 100, m, 0.1, kept=0.0)
        attacks = differencing.numbers(one, rng)[0], differencing.levels(one), differencing.took_part(one)
        limits = 0.2, 0.05, 0.1
        accused.append([a.excess - 1.645 * a.se > limit for a, limit in zip(attacks, limits, strict=True)])
    assert np.mean(accused, axis=0).max() <= 0.05


def test_noise_that_all_differences_share_is_not_taken_for_a_patient() -> None:
    """The release of all patients is off by 0.05 SD: by 5 SD in each difference. None depends on its patient."""
    accused = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        one = releases(rng, 100, 5, 0.01, kept=0.0)
        one = replace(one, whole=one.whole + 0.05 * rng.normal(size=one.whole.shape[1]))
        attacks = differencing.levels(one), differencing.took_part(one)
        accused.append([a.excess - 1.645 * a.se > limit for a, limit in zip(attacks, (0.05, 0.1), strict=True)])
    assert np.mean(accused, axis=0).max() <= 0.05


def test_noise_of_the_release_of_all_does_not_hide_who_took_part() -> None:
    rng = np.random.default_rng(1)
    exact = releases(rng, 100, 2, 0.0)
    noisy = replace(exact, whole=exact.whole + rng.normal(size=exact.whole.shape[1]))
    assert differencing.took_part(noisy).success > 0.9


def test_the_interval_of_the_removed_error_covers_nothing_in_nine_of_ten() -> None:
    inside = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        attack, _ = differencing.numbers(releases(rng, 100, 5, 0.1, kept=0.0), rng)
        inside.append(abs(attack.excess) <= 1.645 * attack.se)
    assert np.mean(inside) >= 0.9 - 4 * math.sqrt(0.9 * 0.1 / 100)


def test_a_missing_number_is_left_out_of_the_errors() -> None:
    exact = releases(np.random.default_rng(1), 100, 2, 0.0)
    exact.patients[3, :6] = np.nan
    exact.patients[:, 7] = np.nan
    attack, error = differencing.numbers(exact, np.random.default_rng(1))
    assert attack.success == pytest.approx(1.0) and error == pytest.approx(0.0, abs=1e-9)
    assert differencing.took_part(exact).success == 1.0


def test_releases_print_no_value_of_a_patient() -> None:
    one = releases(np.random.default_rng(1), 100, 2, 0.0)
    assert f"{one.patients[0, 0]:.4f}" not in repr(one)
