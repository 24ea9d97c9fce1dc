"""Follow-up as counts, of five patients by hand: ties, delayed entry, weights, missing times."""

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.survival.counts import at_risk_just_before, event_counts, follow_up, share_or_zero

TIME, EVENT = np.array([2.0, 1, 2, 3, np.nan]), np.array([True, False, False, True, True])


def test_events_and_censorings_are_counted_at_each_distinct_time() -> None:
    patients = follow_up(TIME, EVENT)
    counts = event_counts(patients)
    assert (patients.n, patients.n_total) == (4, 5)
    assert counts.times.tolist() == [1, 2, 3]
    assert counts.at_risk.tolist() == [4, 3, 1]
    assert counts.events.tolist() == [0, 1, 1] and counts.censored.tolist() == [1, 1, 0]


def test_who_enters_at_a_time_is_not_yet_at_risk_then() -> None:
    patients = follow_up(TIME[:4], EVENT[:4], entry=np.array([0.0, 0, 1, 2]))
    assert event_counts(patients).at_risk.tolist() == [2, 2, 1]
    assert at_risk_just_before(patients, np.array([0.5, 2.0, 2.5, 9.0])).tolist() == [2, 2, 1, 0]


def test_a_weight_counts_a_patient_so_often_and_0_not_at_all() -> None:
    patients = follow_up(TIME[:4], EVENT[:4], weights=np.array([3, 1, 0, 2]))
    counts = event_counts(patients)
    assert counts.at_risk.tolist() == [6, 5, 2] and counts.events.tolist() == [0, 3, 2]


def test_follow_up_that_ends_before_it_starts_is_counted_in_the_error() -> None:
    with pytest.raises(NotEstimableError, match="1 of 2 times are not after the start"):
        follow_up(np.array([1.0, 2.0]), np.array([True, True]), entry=np.array([1.0, 1.0]))


@pytest.mark.parametrize("time, event", [([1.0, 2.0], [True]), ([[1.0]], [[True]])])
def test_arrays_of_other_lengths_are_refused(time: list, event: list) -> None:
    with pytest.raises(NotEstimableError, match="differ in length"):
        follow_up(np.array(time), np.array(event))


def test_nobody_to_follow_is_not_estimable() -> None:
    with pytest.raises(NotEstimableError, match="none of 1 patients"):
        follow_up(np.array([np.nan]), np.array([True]))


def test_a_share_of_nothing_is_0() -> None:
    assert share_or_zero(np.array([1.0, 1.0]), np.array([4.0, 0.0])).tolist() == [0.25, 0.0]
