"""Counts of many cohorts in one pass: by hand, and those of `event_counts` for each cohort by itself."""

from __future__ import annotations

import numpy as np
import pytest

from heorsynth.estimators.stacked.counts import Outcome, stacked
from heorsynth.estimators.survival.counts import event_counts, follow_up


def outcomes(*, delayed: bool) -> list[Outcome]:
    """Five cohorts of 3 to 40 patients: ties, ties up to rounding, missing times and missing entries."""
    rng, found = np.random.default_rng(3), []
    for n in (40, 3, 25, 17, 31):
        time = np.ceil(rng.exponential(6, n)) / 365.25
        time[::4] *= 1 + 1e-15 * rng.integers(-3, 4, len(time[::4]))
        entry = time * rng.choice([0.0, 0.5], n)
        if n > 20:
            time[rng.integers(n)] = np.nan
            entry[rng.integers(n)] = np.nan
        found.append((time, rng.choice([0, 1, 1, 2], n), entry if delayed else None))
    return found


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("codes", [(1,), (1, 2)])
def test_each_row_has_the_counts_of_its_cohort(delayed: bool, codes: tuple[int, ...]) -> None:
    given = outcomes(delayed=delayed)
    stack = stacked(given)
    whole = stack.counts(slice(codes[0], codes[-1] + 1))
    assert stack.sound.all()
    for row, (time, cause, entry) in enumerate(given):
        plain = event_counts(follow_up(time, np.isin(cause, codes), entry))
        k = len(plain.times)
        for name in ("times", "at_risk", "events", "censored"):
            assert np.array_equal(getattr(whole, name)[row, :k], getattr(plain, name)), name
        assert np.isinf(whole.times[row, k:]).all() and not whole.at_risk[row, k:].any()


def test_arms_have_the_counts_of_their_own_patients_at_the_times_of_both() -> None:
    time, cause = np.array([1.0, 2.0, 2.0, 3.0, 9.0]), np.array([1, 0, 1, 2, 1])
    stack = stacked([(time, cause, None)], [np.array([0, 0, 1, 1, -1])])
    assert stack.times.tolist() == [[1.0, 2.0, 3.0]], "the last patient is in neither arm"
    assert stack.at_risk[:, 0].tolist() == [[2.0, 1.0, 0.0], [2.0, 2.0, 1.0]]
    assert stack.ends[0, :, 0].tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    assert stack.ends[1, :, 0].tolist() == [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    assert stack.counts(slice(1, 2), 1).events.tolist() == [[0.0, 1.0, 0.0]]


def test_a_cohort_that_cannot_be_followed_is_marked_and_leaves_the_others_as_they_are() -> None:
    good = (np.array([1.0, 2.0]), np.array([1, 0]), np.array([0.0, 0.5]))
    late = (np.array([1.0, 2.0]), np.array([1, 0]), np.array([1.0 - 1e-12, 0.0]))
    unknown = (np.full(2, np.nan), np.array([1, 0]), np.zeros(2))
    empty = (np.zeros(0), np.zeros(0, int), np.zeros(0))
    stack = stacked([late, good, unknown, empty])
    assert stack.sound.tolist() == [False, True, False, False]
    assert stack.at_risk[0, 1].tolist() == [2.0, 1.0]
    at_start = (np.array([0.0, 2.0]), np.array([1, 0]), None)
    assert stacked([at_start, (np.array([3.0]), np.array([1]), None)]).sound.tolist() == [False, True]
    one_arm = stacked([good, good], [np.array([0, 1]), np.array([1, 1])])
    assert one_arm.sound.tolist() == [True, False]
