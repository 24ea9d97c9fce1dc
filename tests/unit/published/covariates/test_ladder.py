"""Values have the numbers of Table 1 to the printed digit, whatever their shape."""

import numpy as np
import pytest

from heorsynth.published.covariates.ladder import numbers, states_spread
from heorsynth.published.schema.document import MomentsSection
from heorsynth.published.schema.printed import printed


def cell(**stated: str | tuple[str, str]) -> MomentsSection:
    read = {name: [printed(one) for one in text] if isinstance(text, tuple) else printed(text)
            for name, text in stated.items()}  # fmt: skip
    return MomentsSection.model_validate(read)


@pytest.mark.parametrize("kind", ["characteristic", "cost", "utility"])
@pytest.mark.parametrize("seed", range(6))
def test_mean_and_sd_are_met_by_every_shape(kind: str, seed: int) -> None:
    stated = cell(mean="0.71", sd="0.22") if kind == "utility" else cell(mean="61.2", sd="55.0")
    values, shape = numbers(stated, 80, kind, np.random.default_rng(seed))
    assert shape
    assert stated.mean is not None and stated.sd is not None
    assert abs(values.mean() - stated.mean.value) <= stated.mean.half
    assert abs(values.std(ddof=1) - stated.sd.value) <= stated.sd.half
    assert (np.diff(values) >= 0).all()
    assert values.max() <= 1 if kind == "utility" else values.min() >= 0


def test_a_standard_error_is_one_of_the_patients_who_are_known() -> None:
    values, _ = numbers(cell(mean="10.0", se="0.50"), 64, "characteristic", np.random.default_rng(1))
    assert values.std(ddof=1) / 8 == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n", [40, 41, 42, 43])
def test_quartiles_and_median_are_met(n: int, seed: int) -> None:
    values, _ = numbers(cell(median="4.1", iqr=("2.2", "9.5")), n, "characteristic", np.random.default_rng(seed))
    found = np.quantile(values, [0.25, 0.5, 0.75])
    assert np.abs(found - [2.2, 4.1, 9.5]).max() <= 0.05
    assert values.min() > 0


def test_a_range_is_met_by_its_ends() -> None:
    values, _ = numbers(cell(median="62", range=("31", "84")), 60, "characteristic", np.random.default_rng(1))
    assert [round(one) for one in (values[0], np.median(values), values[-1])] == [31, 62, 84]
    values, shape = numbers(
        cell(mean="60.0", sd="9.0", range=("31", "84")), 60, "characteristic", np.random.default_rng(1)
    )
    assert shape == "logit-normal"
    assert [round(one) for one in (values[0], values.mean(), values.std(ddof=1), values[-1])] == [31, 60, 9, 84]


def test_zeros_are_counted_and_the_moments_are_those_of_all() -> None:
    values, shape = numbers(cell(mean="12,300", sd="9,100", zeros="30%"), 50, "cost", np.random.default_rng(1))
    assert (values == 0).sum() == 15
    assert values.mean() == pytest.approx(12300, abs=0.5)
    assert values.std(ddof=1) == pytest.approx(9100, abs=0.5)
    assert shape.startswith("zeros and")


def test_mean_and_sd_beside_quartiles_stretch_the_tails() -> None:
    stated = cell(mean="6.50", sd="5.00", median="5.0", iqr=("3.0", "9.0"))
    values, _ = numbers(stated, 200, "characteristic", np.random.default_rng(3))
    assert values.mean() == pytest.approx(6.5, abs=0.006)
    assert values.std(ddof=1) == pytest.approx(5.0, abs=0.006)
    assert np.quantile(values, 0.75) == pytest.approx(9.0, abs=0.6)


def test_a_place_without_a_spread_is_not_enough() -> None:
    assert not states_spread(cell(mean="61"))
    assert not states_spread(cell(median="61"))
    assert states_spread(cell(median="61", range=("40", "80")))
