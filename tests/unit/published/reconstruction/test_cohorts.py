"""Reconstruction and sampling uncertainty are kept apart, and pooled by Rubin's rule for inference."""

import numpy as np
import pytest
from published_figures import figure

import heorsynth as hs
from heorsynth.core.errors import NotEstimableError, UnknownNameError
from heorsynth.published.reconstruction.cohorts import reconstruction_interval


@pytest.fixture(scope="module")
def cohorts() -> hs.published.ReconstructedCohorts:
    return hs.published.reconstruct(*figure("ACT2_2A"), m=6)


def mean_time(cohort: hs.Cohort) -> tuple[float, float]:
    return float(cohort.frame["time"].mean()), float(cohort.frame["time"].var() / cohort.n)


def test_the_reconstruction_interval_is_that_of_one_more_draw() -> None:
    found = reconstruction_interval(np.array([1.0, 2.0, 3.0]), 0.95, 10)
    assert found.value == 2 and found.high - 2 == pytest.approx(4.302653 * np.sqrt(4 / 3), rel=1e-6)


def test_pooled_variance_is_within_and_between_by_rubin(cohorts: hs.published.ReconstructedCohorts) -> None:
    pairs = np.array([mean_time(cohort) for cohort in cohorts])
    pooled = cohorts.analyse(mean_time)
    assert pooled.se**2 == pytest.approx(pairs[:, 1].mean() + (1 + 1 / 6) * pairs[:, 0].var(ddof=1))
    inner = cohorts.interval(lambda cohort: mean_time(cohort)[0])
    assert inner.value == pytest.approx(pooled.value) and inner.se < pooled.se and "reconstruction" in inner.method


def test_estimands_have_both_intervals(cohorts: hs.published.ReconstructedCohorts) -> None:
    table = cohorts.estimands(horizon=12.0, landmark=6.0)
    assert table["estimand"].tolist() == ["hazard_ratio", *["median", "rmst", "landmark"] * 2]
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    assert (table["pooled_low"] < table["low"]).all() and (table["high"] < table["pooled_high"]).all()
    assert table["share_reconstruction"].between(0, 1).all()


def test_an_estimand_that_the_patients_do_not_give_is_missing() -> None:
    table = hs.published.reconstruct(*figure("TEXT-SOFT(2)_2D"), m=2).estimands()
    assert table.loc[table["estimand"] == "median", "value"].isna().all()


def test_part_of_an_ensemble_is_an_ensemble(cohorts: hs.published.ReconstructedCohorts) -> None:
    assert isinstance(cohorts[:3], hs.published.ReconstructedCohorts) and len(cohorts[:3]) == 3


def test_one_cohort_has_no_spread(cohorts: hs.published.ReconstructedCohorts) -> None:
    with pytest.raises(NotEstimableError, match="one cohort has no spread"):
        cohorts[:1].interval(lambda cohort: cohort.n)
    with pytest.raises(NotEstimableError):
        cohorts[:1].analyse(mean_time)


def test_rows_for_other_packages_keep_times_events_and_ids_and_count_the_reference_as_0(
    cohorts: hs.published.ReconstructedCohorts,
) -> None:
    found = cohorts.to_ipd()
    assert found.columns.tolist() == ["cohort", "time", "status", "treat"]
    second, own = found[found["cohort"] == 2], cohorts[1].frame
    assert (second["time"].to_numpy() == own["time"].to_numpy()).all() and second.index.equals(own.index)
    assert second["status"].sum() == own["event"].sum()
    reference = cohorts[0].schema.arm_reference
    assert ((second["treat"] == 0).to_numpy() == (own["arm"] == reference).to_numpy()).all()
    assert found.attrs == cohorts[0].frame.attrs and found.attrs
    with pytest.raises(UnknownNameError, match="oss"):
        cohorts.to_ipd("oss")
