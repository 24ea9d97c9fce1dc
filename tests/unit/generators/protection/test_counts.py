"""No patient moves a sum by more than is stated, and what noise has broken is repaired."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from heorsynth.generators.protection.counts import (
    ONE_PLACE,
    Bins,
    in_pairs,
    in_places,
    mean_products,
    nearest_correlation,
    onto_total,
    pulled_together,
    without_tail,
)
from heorsynth.generators.protection.public import PublicColumn

NUMBERS = st.floats(-1e6, 1e6)


@given(st.integers(-1, 4), st.integers(-1, 4))
def test_a_patient_moves_a_table_of_counts_by_no_more_than_stated(before: int, after: int) -> None:
    rows = in_places(np.array([before, after]), 5)
    assert np.linalg.norm(rows[0] - rows[1]) <= ONE_PLACE


@given(st.integers(1, 6).flatmap(lambda d: arrays(float, (2, d), elements=NUMBERS)))
def test_a_patient_moves_products_of_scores_by_no_more_than_stated(scores: np.ndarray) -> None:
    pairs = ~np.eye(scores.shape[1], dtype=bool)
    rows, sensitivity = in_pairs(scores, pairs)
    assert np.linalg.norm((rows[0] - rows[1]).astype(float)) <= sensitivity


def test_a_score_that_is_no_number_adds_nothing() -> None:
    rows, _ = in_pairs(np.array([[np.nan, 1.0], [np.inf, 1.0]]), ~np.eye(2, dtype=bool))
    assert not rows.any()


def test_the_bound_of_products_is_reached_within_a_third() -> None:
    rows, sensitivity = in_pairs(np.array([[1.0, 1.0], [1.0, -1.0]]), ~np.eye(2, dtype=bool))
    assert np.linalg.norm((rows[0] - rows[1]).astype(float)) >= 0.66 * sensitivity


def test_mean_products_are_correlations_of_standard_scores() -> None:
    rng = np.random.default_rng(1)
    first = rng.standard_normal(5000)
    scores = np.column_stack([first, 0.6 * first + 0.8 * rng.standard_normal(5000)]) / 2  # short enough to stay whole
    pairs = ~np.eye(2, dtype=bool)
    rows, _ = in_pairs(scores, pairs)
    found = mean_products(rows.sum(axis=0), pairs, 5000)
    # the longest scores are shortened, which costs a fifth of the correlation at most
    assert 0.12 <= found[0, 1] <= 0.16 and found[0, 1] == found[1, 0] and found[0, 0] == 0


@given(arrays(float, st.integers(1, 12), elements=st.floats(-50, 50)), st.floats(0.5, 100))
def test_counts_are_put_onto_their_total_by_one_shift(noised: np.ndarray, total: float) -> None:
    found = onto_total(noised, total)
    assert found.min() >= 0 and found.sum() == pytest.approx(total)
    shifts = (noised - found)[found > 0]
    assert np.ptp(shifts) == pytest.approx(0, abs=1e-9)  # Held et al.: the same shift for all that stay above 0


def test_intervals_follow_from_what_is_public() -> None:
    assert Bins.of(PublicColumn((), (0.0, 3.0), True), 9).left.tolist() == [0, 1, 2, 3]
    assert Bins.of(PublicColumn((), (0.0, 10.0, 50.0)), 9).right.tolist() == [10, 50]
    amounts = Bins.of(PublicColumn((), (0.0, 800.0)), 2, amount=True)
    assert amounts.left.tolist() == [0, 0, 100] and amounts.right.tolist() == [0, 100, 800]
    assert amounts.places(np.array([0.0, 1.0, 99.0, 100.0, 800.0, np.nan])).tolist() == [0, 1, 1, 2, 2, -1]
    cut = Bins.of(PublicColumn((), (0.0, 100.0), True), 2, cuts=(40.0, 60.0))
    assert cut.left.tolist() == [0, 40, 50, 60]


def test_scores_are_those_of_the_share_below() -> None:
    bins = Bins.of(PublicColumn((), (0.0, 10.0)), 2)
    found = bins.scores(np.array([5.0, 2.5, np.nan]), np.array([0.5, 0.5]))
    assert found == pytest.approx([norm.ppf(0.5), norm.ppf(0.25), 0.0])


def test_arms_that_differ_by_noise_alone_get_one_law() -> None:
    patients = np.array([100.0, 100.0])
    near = np.array([[0.52, 0.48], [0.48, 0.52]])
    assert pulled_together(near, patients, 400.0) == pytest.approx(np.full((2, 2), 0.5))
    assert pulled_together(near, patients, 0.0) == pytest.approx(near)


def test_an_upper_end_that_is_noise_is_cut_and_one_that_is_not_stays() -> None:
    shares = np.array([[0.8, 0.1, 0.01, -0.01], [0.6, 0.1, 0.1, 0.2]])
    found = without_tail(shares, np.array([0.02, 0.02]))
    assert found[0].tolist() == [0.8, 0.1, 0.0, 0.0] and found[1].tolist() == shares[1].tolist()


def test_a_correlation_matrix_is_made_possible() -> None:
    broken = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    found = nearest_correlation(broken)
    assert np.linalg.eigvalsh(found).min() >= 0 and np.diag(found) == pytest.approx(np.ones(3))
