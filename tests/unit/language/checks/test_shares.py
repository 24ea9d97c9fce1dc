"""Shares of texts: exact for one text a patient, wider for several, and right as often as promised."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from heorsynth.core.errors import NotEstimableError
from heorsynth.language.checks.shares import difference_of_shares, mean_difference, share, welch_difference


@pytest.mark.parametrize("count, n", [(0, 20), (3, 20), (20, 20), (1, 2)])
def test_one_text_a_patient_gives_the_interval_of_clopper_and_pearson(count: int, n: int) -> None:
    held = share([at < count for at in range(n)], [str(at) for at in range(n)])
    assert (held.low, held.high) == pytest.approx(proportion_confint(count, n, method="beta"), abs=1e-12)
    assert held.count == count and held.n_used == held.n_total == n


def test_copies_of_one_text_carry_the_information_of_their_patients() -> None:
    hits = [True] * 5 + [False] * 15
    alone = share(hits, range(20))
    copied = share(np.repeat(hits, 6), np.repeat(range(20), 6))
    assert copied.value == alone.value and copied.n_used == 120 and copied.n_total == 20
    assert copied.low == pytest.approx(alone.low, abs=0.03) and copied.high == pytest.approx(alone.high, abs=0.03)
    never = share([False] * 120, np.repeat(range(20), 6))
    assert never.high == pytest.approx(share([False] * 20, range(20)).high)


def test_the_interval_of_clustered_texts_is_right_at_least_as_often_as_promised() -> None:
    rng, right = np.random.default_rng(4), 0
    for _ in range(400):
        chance = rng.beta(0.5, 2.0, 40)
        held = share((rng.random((40, 5)) < chance[:, None]).ravel(), np.repeat(range(40), 5))
        right += held.low <= 0.2 <= held.high
    assert right >= 371  # 400 draws at 95%: 371 or more with probability .98


def test_no_text_gives_no_share() -> None:
    with pytest.raises(NotEstimableError):
        share([], [])


def test_newcombe_by_hand() -> None:
    first, second = share([True] * 4 + [False] * 36, range(40)), share([True] * 12 + [False] * 28, range(40))
    held = difference_of_shares(first, second)
    low = 0.2 - np.hypot(0.3 - second.low, first.high - 0.1)
    assert held.value == pytest.approx(0.2) and held.low == pytest.approx(low) and held.high < 0.42


def test_differences_of_means_are_those_of_scipy() -> None:
    from scipy import stats

    a, b = np.array([1.0, 4.0, 2.0, 8.0]), np.array([3.0, 9.0, 4.0, 9.5])
    pairs = stats.ttest_rel(b, a).confidence_interval()
    held = mean_difference(b - a, "words")
    assert (held.low, held.high) == pytest.approx((pairs.low, pairs.high))
    apart = stats.ttest_ind(b, a, equal_var=False).confidence_interval()
    held = welch_difference(a, b, "words")
    assert (held.low, held.high) == pytest.approx((apart.low, apart.high))
    assert welch_difference(a * 0, b * 0, "words").low == 0
    with pytest.raises(NotEstimableError):
        mean_difference(a[:1], "words")
    with pytest.raises(NotEstimableError):
        welch_difference(a[:1], b, "words")
