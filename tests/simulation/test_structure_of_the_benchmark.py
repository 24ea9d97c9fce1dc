"""What benchmarks/structure.py and frontier.py measure: contrasts by hand, and copies whose answer is known."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import frontier
import structure


def frame(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    x = rng.normal(size=n)
    return pd.DataFrame({
        "time": rng.exponential(np.exp(-x)) + 0.01, "event": rng.integers(0, 2, n), "x": x,
        "y": x + rng.normal(size=n), "sex": rng.choice(["f", "m"], n),
    })  # fmt: skip


def test_a_difference_of_means_and_its_standard_error_are_welchs() -> None:
    wide = frame()[["x", "y"]]
    found, error = frontier.differences(wide, wide.median())
    high = wide["x"] > wide["x"].median()
    above, below = wide.loc[high, "y"], wide.loc[~high, "y"]
    assert found[0, 1] == pytest.approx(above.mean() - below.mean(), rel=1e-12)
    assert error[0, 1] == pytest.approx(np.sqrt(above.var() / len(above) + below.var() / len(below)), rel=1e-9)


def test_a_side_of_fewer_than_five_patients_is_not_asked() -> None:
    wide = pd.DataFrame({"a": [1.0] * 4 + [0.0] * 20, "b": np.arange(24.0)})
    assert np.isnan(frontier.differences(wide, pd.Series({"a": 0.5, "b": 11.5}))[0][0, 1])


def test_the_patients_themselves_have_no_contrast_off_and_shuffled_columns_lose_those_that_are_shown() -> None:
    patients = frame()
    same = frontier.undeclared(patients, [patients] * 3)
    assert same["contrasts off"] == 0.0 and 0.1 < same["shown"] < 0.9
    rng = np.random.default_rng(1)
    apart = [patients.apply(lambda column: rng.permutation(column.to_numpy())) for _ in range(20)]
    # shuffled columns have no contrast, so one beyond 1.96 standard errors is off unless 20 draws are far from 0
    assert frontier.undeclared(patients, apart)["contrasts off, of those shown"] > 0.95


def test_a_resample_keeps_third_moments_and_shuffled_columns_lose_them() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 3000))
    patients = pd.DataFrame({"a": a, "b": b, "c": a * b + rng.normal(size=3000), "d": rng.normal(size=3000)})
    again = patients.iloc[rng.integers(3000, size=3000)].reset_index(drop=True)
    apart = patients.apply(lambda column: rng.permutation(column.to_numpy()))
    # E[abc] of standardised columns is 0.71; its standard error is 0.04
    assert structure.thirds_of(patients, again)["strong kept"] == pytest.approx(1, abs=0.2)
    assert structure.thirds_of(patients, apart)["strong kept"] == pytest.approx(0, abs=0.2)


def test_the_planted_contrast_is_there_and_none_is_where_none_was_planted() -> None:
    with_, without = (structure.contrast(structure.planted(4000, 1, ratios)) for ratios in ((0.4, 1.8), (0.7, 0.7)))
    # log(0.4 / 1.8) = -1.50, drawn towards 0 by the covariate that is left out and the penalizer
    assert -1.6 < with_ < -1.2
    assert abs(without) < 0.25
