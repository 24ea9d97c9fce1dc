"""The noise has the distribution that the account supposes, and nobody without its seed can repeat it."""

from fractions import Fraction
from math import exp

import numpy as np
import pytest
from scipy.stats import chisquare

from heorsynth.generators.protection.discrete_gaussian import SecretBits, discrete_gaussian


@pytest.mark.parametrize("variance", [Fraction(1, 2), Fraction(9), Fraction(401, 64)])
def test_noise_follows_the_discrete_gaussian(variance: Fraction) -> None:
    bits = SecretBits(b"noise for a test")
    drawn = np.array([discrete_gaussian(bits, variance) for _ in range(20_000)])
    ends = int(3 * float(variance) ** 0.5)
    masses = {x: exp(-x * x / (2 * float(variance))) for x in range(-60, 61)}
    expected = np.array([masses[x] for x in range(-ends, ends + 1)]) / sum(masses.values()) * len(drawn)
    found = np.array([(drawn == x).sum() for x in range(-ends, ends + 1)])
    rest = len(drawn) - found.sum(), len(drawn) - expected.sum()
    assert chisquare([*found, rest[0]], [*expected, rest[1]]).pvalue > 1e-4


def test_a_seed_gives_its_noise_again_and_another_seed_other_noise() -> None:
    def noise(seed: bytes) -> list[int]:
        bits = SecretBits(seed)
        return [discrete_gaussian(bits, Fraction(400)) for _ in range(50)]

    assert noise(b"one") == noise(b"one") != noise(b"two")


def test_bits_are_even_and_chances_are_as_asked() -> None:
    bits = SecretBits(b"bits for a test")
    assert np.mean([bits.below(3) for _ in range(20_000)]) == pytest.approx(1.0, abs=0.02)
    assert np.mean([bits.happens(1, 4) for _ in range(20_000)]) == pytest.approx(0.25, abs=0.015)
    # four standard errors of 20,000 draws
    assert np.mean([bits.decays(5, 2) for _ in range(20_000)]) == pytest.approx(exp(-2.5), abs=0.008)
