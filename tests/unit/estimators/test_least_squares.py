"""Many linear models at once are the same as one after the other by another library."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from heorsynth.estimators import least_squares
from heorsynth.estimators.least_squares import Model, first_coefficients

MODELS = [
    Model(0, ((1,),)),
    Model(0, ((1,), (2,))),
    Model(3, ((2,), (1,), (4,))),
    Model(0, ((1, 2), (1,), (2,))),
    Model(4, ((1,),)),
]


def columns(missing: bool = False) -> np.ndarray:
    rng = np.random.default_rng(1)
    found = rng.normal(size=(90, 5))
    found[:, 1] = found[:, 1] > 0
    found[:, 0] += 2 * found[:, 1] * found[:, 2] + rng.normal(size=90) * (1 + found[:, 1])
    if missing:
        found[rng.random(found.shape) < 0.1] = np.nan
    return found


def by_statsmodels(held: np.ndarray, model: Model) -> tuple[float, float]:
    design = np.column_stack([np.prod(held[:, list(term)], axis=1) for term in model.terms])
    fitted = sm.OLS(held[:, model.outcome], sm.add_constant(design), missing="drop").fit(cov_type="HC2")
    return fitted.params[1], fitted.bse[1]


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("many", [1, 1000])
@pytest.mark.parametrize("cells", [100_000, 300])
def test_coefficients_and_robust_errors_agree_with_statsmodels(
    missing: bool, cells: int, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(least_squares, "_CELLS", cells)
    monkeypatch.setattr(least_squares, "_MANY", many)
    held = columns(missing)
    estimate, error = first_coefficients(held.T, MODELS)
    np.testing.assert_allclose(np.column_stack([estimate, error]), [by_statsmodels(held, one) for one in MODELS], 1e-9)


def test_an_indicator_alone_gives_the_difference_of_means_with_the_error_of_welch() -> None:
    held = columns()
    high, low = (held[held[:, 1] == level, 0] for level in (1, 0))
    estimate, error = first_coefficients(held.T, [MODELS[0]])
    assert estimate[0] == pytest.approx(high.mean() - low.mean())
    assert error[0] ** 2 == pytest.approx(high.var(ddof=1) / len(high) + low.var(ddof=1) / len(low))


def test_rows_that_cannot_tell_coefficients_apart_give_no_number_and_leave_the_others_alone() -> None:
    held = columns()
    held[:, 2] = 3 * held[:, 1] - 1
    estimate, error = first_coefficients(held.T, MODELS)
    assert np.isnan(estimate).tolist() == np.isnan(error).tolist() == [False, True, True, True, False]
    constant = np.column_stack([held[:, 0], np.ones(90)])
    assert np.isnan(first_coefficients(constant.T, [Model(0, ((1,),))])[0]).all()
    assert np.isnan(first_coefficients(held[:2].T, [MODELS[0]])[0]).all()


def test_errors_are_left_out_on_request_and_the_estimates_stay() -> None:
    estimate, error = first_coefficients(columns().T, MODELS, errors=False)
    np.testing.assert_array_equal(estimate, first_coefficients(columns().T, MODELS)[0])
    assert np.isnan(error).all()
