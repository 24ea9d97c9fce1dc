"""A registry informs how the covariates of a tiny cohort hang together, at its stated weight, and nothing else."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors

TIE = 0.7


def patients(n: int, seed: int, tie: float = TIE) -> hs.Cohort:
    """Two biomarkers with a normal correlation, neither tied to survival."""
    rng = np.random.default_rng(seed)
    first, noise = rng.standard_normal((2, n))
    time = rng.exponential(4.0, n)
    frame = pd.DataFrame(
        {
            "time": np.round(np.minimum(time, 5.0) + 0.01, 2),
            "event": (time < 5).astype(int),
            "arm": np.where(np.arange(n) % 2, "new", "usual"),
            "albumin": first,
            "bilirubin": tie * first + np.sqrt(1 - tie**2) * noise,
            "ascites": np.where(first + rng.standard_normal(n) > 0, "yes", "no"),
        }
    )
    return hs.Cohort(frame, endpoints={"os": ("time", "event")}, arm="arm", unit="year")


def association(cohort: hs.Cohort, borrow: hs.Cohort | None = None, weight: float | None = None) -> float:
    sampler = hs.generators.create("heor").fit(cohort, seed=1, borrow=borrow, weight=weight)
    frame = sampler.sample(n=2000, m=1, seed=1)[0].frame
    return float(np.corrcoef(frame["albumin"], frame["bilirubin"])[0, 1])


def test_a_registry_halves_the_error_of_associations_in_a_tiny_cohort() -> None:
    registry = patients(1000, seed=99)
    alone, helped = np.array(
        [
            (abs(association(tiny) - TIE), abs(association(tiny, registry, 0.3) - TIE))
            for tiny in (patients(20, seed) for seed in range(12))
        ]
    ).mean(axis=0)
    assert helped < alone / 2


def test_the_weight_discounts_a_registry_of_another_kind() -> None:
    tiny, other = patients(60, seed=1), patients(600, seed=2, tie=-TIE)
    alone, light, heavy = association(tiny), association(tiny, other, 0.02), association(tiny, other, 1.0)
    assert alone > 0.4 and heavy < -0.4
    assert heavy < light < alone and abs(alone - light) < abs(alone - heavy) / 2


def test_survival_values_and_missing_values_stay_the_cohorts_own() -> None:
    tiny, registry = patients(80, seed=1), patients(500, seed=2)
    frame = registry.frame.assign(time=lambda held: held["time"] * 10, albumin=lambda held: held["albumin"] + 100)
    sampler = hs.generators.create("heor").fit(
        tiny, seed=1, borrow=hs.Cohort.derive(registry.schema, frame, label=None), weight=1.0
    )
    drawn = sampler.sample(m=1, seed=1)[0]
    plain = hs.generators.create("heor").fit(tiny, seed=1).sample(m=1, seed=1)[0]
    for name in ("time", "event", "arm"):
        assert sorted(drawn.frame[name]) == sorted(plain.frame[name]), name
    assert drawn.frame["albumin"].mean() == pytest.approx(tiny.frame["albumin"].mean(), abs=0.1)
    assert drawn.label is not None and drawn.label.n_source == 80
    assert drawn.label.settings["borrow"] == {
        "patients": 500,
        "weight": 1.0,
        "columns": ["albumin", "bilirubin", "ascites"],
    }


def test_a_registry_without_a_weight_or_of_other_columns_is_refused() -> None:
    tiny, registry = patients(60, seed=1), patients(100, seed=2)
    renamed = hs.Cohort(registry.frame[["time", "event"]], endpoints={"os": ("time", "event")})
    recoded = hs.Cohort.derive(
        registry.schema, registry.frame.assign(ascites=lambda held: held["ascites"].str.upper()), label=None
    )
    for borrow, weight, told in (
        (registry, None, "only one of borrow and weight"),
        (registry, 0.0, "above 0"),
        (renamed, 0.5, "in common"),
        (recoded, 0.5, "coded differently"),
    ):
        with pytest.raises(errors.GeneratorError, match=told):
            hs.generators.create("heor").fit(tiny, seed=1, borrow=borrow, weight=weight)


def test_the_groups_of_min_patients_are_kept_in_the_saved_law() -> None:
    cohort = hs.datasets.load("pbc")
    law = hs.generators.create("heor", min_patients=20).fit(cohort, seed=1).law.to_dict()
    for ending in law["outcome"]["endings"]:
        assert len(ending["edges"]) - 1 <= cohort.n / 20
    known = {column["name"]: cohort.frame[column["name"]].notna().sum() for column in law["columns"]}
    for column in law["columns"]:
        if "" in column["quantiles"]:
            widths = np.diff(column["quantiles"][""]["edges"]) * known[column["name"]]
            assert widths.min() >= 20 - 1e-6, column["name"]


@pytest.mark.parametrize("value", [4, 5.5, "many"])
def test_a_min_patients_below_five_is_refused(value: object) -> None:
    with pytest.raises(errors.GeneratorError, match="5 or more"):
        hs.generators.create("heor", min_patients=value)


def test_a_cohort_too_small_for_min_patients_is_refused() -> None:
    with pytest.raises(errors.GeneratorError, match="at least 80 patients"):
        hs.generators.create("heor", min_patients=40).fit(patients(60, seed=1), seed=1)
