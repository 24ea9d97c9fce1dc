"""The plateau of an error is found where the truth is known, and its interval holds it."""

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.plateau import plateau

SIZES = np.array([25.0, 50.0, 100.0, 200.0, 400.0])


def squared(bias: float, rng: np.random.Generator, repeats: int = 30) -> np.ndarray:
    """Squared errors of means of n rows with standard deviation 10, of a copy with this bias."""
    return (bias + 10 * rng.normal(size=(len(SIZES), repeats)) / np.sqrt(SIZES)[:, None]) ** 2


def test_an_error_without_noise_is_fitted_exactly_and_its_exponent_is_found() -> None:
    errors = np.repeat(3.0 + 40 * SIZES[:, None] ** -0.5, 5, axis=1)
    free = plateau(SIZES, errors, np.random.default_rng(1), exponent=None)
    assert free.exponent == 0.5
    assert (free.floor.value, free.scale.value) == pytest.approx((3.0, 40.0))
    assert free.floor.low == pytest.approx(free.floor.high)


def test_floor_and_scale_are_never_negative() -> None:
    rng = np.random.default_rng(2)
    falling = plateau(SIZES, np.repeat(100 / SIZES[:, None] ** 2, 6, axis=1), rng)
    rising = plateau(SIZES, np.repeat(SIZES[:, None], 6, axis=1), rng)
    assert falling.floor.value == 0 and falling.scale.value > 0
    assert rising.scale.value == 0 and rising.floor.value > 0


def test_an_error_of_zero_has_floor_and_scale_zero() -> None:
    found = plateau(SIZES, np.zeros((5, 5)), np.random.default_rng(1), exponent=None)
    assert found.floor.value == found.scale.value == 0 and found.at(10) == 0


@pytest.mark.parametrize("bias", [1.0, 2.0])
def test_the_interval_of_the_floor_holds_it(bias: float) -> None:
    held = []
    for seed in range(200):
        rng = np.random.default_rng([int(10 * bias), seed])
        found = plateau(SIZES, squared(bias, rng), rng, draws=200).floor
        held.append(found.low <= bias**2 <= found.high)
    assert np.mean(held) >= 0.88, np.mean(held)


def test_without_a_floor_the_interval_reaches_zero() -> None:
    held = []
    for seed in range(200):
        rng = np.random.default_rng([7, seed])
        held.append(plateau(SIZES, squared(0.0, rng), rng, draws=200).floor.low <= 1e-9)
    assert np.mean(held) >= 0.93, np.mean(held)


@pytest.mark.parametrize(
    ("sizes", "errors"),
    [
        ([10, 20], np.ones((2, 9))),
        ([10, 20, 30], np.ones((3, 4))),
        ([10, 20, 30], -np.ones((3, 9))),
        ([0, 20, 30], np.ones((3, 9))),
        ([10, 20, 30], np.ones(3)),
    ],
)
def test_too_few_sizes_or_repeats_are_refused(sizes: list[int], errors: np.ndarray) -> None:
    with pytest.raises(NotEstimableError, match="three sizes, five repeats"):
        plateau(sizes, errors, np.random.default_rng(1))
