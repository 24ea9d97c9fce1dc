"""The effect on the change from baseline: by hand with one later visit; against R in tests/reference."""

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.visits.repeated_measures import change_from_baseline


def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    treated = np.arange(60) % 2 == 1
    return rng.normal(size=(60, 1)) + rng.normal(size=(60, 3)) + treated[:, None] * [0, 0.5, 1], treated


def test_with_one_later_visit_it_is_analysis_of_covariance() -> None:
    values, treated = drawn()
    found = change_from_baseline(values[:, :2], treated)
    design = np.column_stack([np.ones(60), treated, values[:, 0] - values[:, 0].mean()])
    beta, squares, *_ = np.linalg.lstsq(design, values[:, 1] - values[:, 0], rcond=None)
    se = np.sqrt(squares[0] / 57 * np.linalg.inv(design.T @ design)[1, 1])
    assert found.value == pytest.approx(beta[1], abs=1e-9)
    assert found.se == pytest.approx(se, rel=1e-6)


def test_a_patient_without_a_later_value_adds_nothing() -> None:
    values, treated = drawn()
    more = np.vstack([values, [[0.3, np.nan, np.nan]], [[np.nan, 1.0, 1.0]]])
    found = change_from_baseline(more, np.append(treated, [True, False]))
    assert found.value == pytest.approx(change_from_baseline(values, treated).value, abs=1e-12)
    assert (found.n_used, found.n_total) == (60, 62)


def test_it_allows_for_dropout_that_depends_on_earlier_values() -> None:
    """Low values leave, more of them in one arm: the complete cases are biased by far more than the model."""
    rng = np.random.default_rng(2)
    n = 20_000
    treated = np.arange(n) % 2 == 1
    values = rng.normal(size=(n, 1)) + rng.normal(size=(n, 3)) * 0.5
    values[(values[:, 1] < np.where(treated, 0.5, -0.5)), 2] = np.nan
    known = np.isfinite(values[:, 2])
    naive = values[known & treated, 2].mean() - values[known & ~treated, 2].mean()
    found = change_from_baseline(values, treated)
    assert naive > 0.3
    assert abs(found.value) < 3 * found.se < 0.1


@pytest.mark.parametrize(("columns", "said"), [(1, "fewer than two"), (2, "one value")])
def test_what_has_no_change_is_refused(columns: int, said: str) -> None:
    with pytest.raises(NotEstimableError, match=said):
        change_from_baseline(np.ones((20, columns)), np.arange(20) % 2 == 1)


def test_an_arm_without_later_values_is_refused() -> None:
    values, treated = drawn()
    with pytest.raises(NotEstimableError, match="arm"):
        change_from_baseline(np.where(treated[:, None] & (np.arange(3) > 0), np.nan, values), treated)
