"""How the error of synthetic cohorts falls with their rows, against a copy whose law is known."""

import math

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core.errors import LabelError, RoleError
from heorsynth.evaluation.scaling import Scaling


def patients(n: int = 120, seed: int = 4) -> "hs.Cohort":
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "time": rng.exponential(300, n).round() + 1, "event": rng.integers(0, 2, n),
        "arm": np.tile(["a", "b"], n // 2), "cost": rng.gamma(2, 500, n).round(2), "age": rng.normal(60, 8, n),
    })  # fmt: skip
    return hs.Cohort(frame, endpoints={"os": ("time", "event")}, arm="arm", costs=["cost"], currency="EUR")


@pytest.fixture(scope="module")
def cohort() -> "hs.Cohort":
    return patients()


@pytest.fixture(scope="module")
def resampled(cohort: "hs.Cohort") -> Scaling:
    return hs.scaling(cohort, generator=hs.generators.create("bootstrap"), repeats=30, seed=2)


def test_a_resample_of_the_patients_has_no_floor_and_the_noise_of_their_number(resampled: Scaling) -> None:
    # The variance of a mean of n resampled rows is that of the patients' mean times n_patients / n: c = n_patients.
    frame = resampled.to_frame().set_index("quantity")
    one = resampled.plateaus["mean of age"]
    assert one.floor.low == 0 and one.scale.low < 120 < one.scale.high
    expected = 120 / (2 * 0.05 + 0.05**2)
    assert frame.loc["mean of age", "enough_low"] < expected < frame.loc["mean of age", "enough_high"]
    assert frame.loc["mean of age", "cohorts"] == math.ceil(frame.loc["mean of age", "enough"] / 120)


def test_more_rows_reproduce_more_patients_where_rows_are_resampled(resampled: Scaling) -> None:
    shares = resampled.copied.set_index("rows")["patients"]
    for n, share in shares.items():
        assert share == pytest.approx(1 - (1 - 1 / 120) ** n, abs=0.03)  # three binomial standard errors of 30 draws


def test_a_biased_copy_has_its_bias_as_floor(cohort: "hs.Cohort", monkeypatch: pytest.MonkeyPatch) -> None:
    from heorsynth.evaluation import scaling as module

    def shifted(one: "hs.Cohort", horizons: dict) -> dict[str, float]:
        values = plain(one, horizons)
        return {**values, "mean of age": values["mean of age"] + (2.0 if one.synthetic else 0.0)}

    plain = module.quantities
    monkeypatch.setattr(module, "quantities", shifted)
    found = hs.scaling(cohort, generator=hs.generators.create("bootstrap"), repeats=30, seed=3)
    row = found.to_frame().set_index("quantity").loc["mean of age"]
    bias = 2.0 / (cohort.rows["age"].std() / math.sqrt(120))
    assert row["floor_low"] < bias < row["floor_high"]
    assert row["plateau"] == pytest.approx(math.hypot(1, row["floor"]))


def test_fitted_errors_fall_and_the_table_is_shown(resampled: Scaling) -> None:
    fitted = resampled.errors.query("quantity == 'mean of cost'")["fitted"]
    assert fitted.is_monotonic_decreasing and (np.diff(fitted) < 0).all()
    assert "mean of age" in repr(resampled) and "enough rows" in resampled._repr_html_()


def test_the_same_seed_gives_the_same_numbers(cohort: "hs.Cohort") -> None:
    make = hs.generators.create("marginals")
    first, again = (hs.scaling(cohort, generator=make, sizes=[30, 60, 90], repeats=5, seed=5) for _ in range(2))
    assert first.errors.equals(again.errors) and first.to_frame().equals(again.to_frame())


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"sizes": [50, 100]}, "fewer than three"),
        ({"sizes": [5, 50, 100]}, "below 20 rows"),
        ({"repeats": 4}, "4 cohorts of a size"),
        ({"tolerance": 0.0}, "not a share above 0"),
    ],
)
def test_settings_that_show_nothing_are_refused(cohort: "hs.Cohort", settings: dict, found: str) -> None:
    with pytest.raises(RoleError, match=found):
        hs.scaling(cohort, **settings)


def test_a_synthetic_cohort_is_refused(cohort: "hs.Cohort") -> None:
    drawn = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=1, seed=1)[0]
    with pytest.raises(LabelError, match="itself synthetic"):
        hs.scaling(drawn)
