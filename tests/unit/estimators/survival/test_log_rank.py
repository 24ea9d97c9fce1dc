"""The log-rank test of four patients by hand."""

import math

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.survival.log_rank import log_rank, log_rank_of

TIME, EVENT, GROUP = np.array([1.0, 2, 3, 4]), np.ones(4, bool), np.array(["a", "b", "a", "b"])


def test_observed_expected_and_the_statistic_of_four_patients() -> None:
    """Expected in a: 2/4 + 1/3 + 1/2 = 4/3; variance 1/4 + 2/9 + 1/4 = 13/18; so (2/3)² · 18/13 = 8/13."""
    found = log_rank(TIME, EVENT, GROUP)
    assert found.observed == {"a": 2.0, "b": 2.0}
    assert found.expected == pytest.approx({"a": 4 / 3, "b": 8 / 3})
    assert found.statistic == pytest.approx(8 / 13)
    assert found.p_value == pytest.approx(math.erfc(math.sqrt(4 / 13)))


def test_counts_give_the_same_as_rows() -> None:
    events = np.array([[1.0, 0, 1, 0], [0, 1, 0, 1]])
    at_risk = np.array([[2.0, 1, 1, 0], [2, 2, 1, 1]])
    assert log_rank_of(events, at_risk, ["a", "b"]) == log_rank(TIME, EVENT, GROUP)


@pytest.mark.parametrize(("event", "group"), [(np.zeros(4, bool), GROUP), (EVENT, np.array(["a"] * 4))])
def test_without_an_event_or_a_second_group_there_is_no_test(event: np.ndarray, group: np.ndarray) -> None:
    with pytest.raises(NotEstimableError, match="two groups and an event"):
        log_rank(TIME, event, group)
