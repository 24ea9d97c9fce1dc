"""Copies of a trial with visits: parts and totals, nothing after death, profiles, dropout, correlation over time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core.errors import GeneratorError
from heorsynth.data.cohort.visits import visit_breaks, with_derived
from heorsynth.generators.visits.attendance import Attendance
from heorsynth.generators.visits.completion import completed


def profile(cohort: hs.Cohort, arm: str, measure: str = "eq5d") -> np.ndarray:
    return np.nanmean(cohort.visit_values(measure)[1][cohort.levels("arm") == arm], axis=0)


def staying(cohort: hs.Cohort, arm: str) -> np.ndarray:
    times, values = cohort.visit_values("eq5d")
    mine = cohort.levels("arm") == arm
    known, followed = ~np.isnan(values[mine]), times <= cohort.numbers("time")[mine, None]
    return np.flip(np.maximum.accumulate(np.flip(known, axis=1), axis=1), axis=1).sum(axis=0) / followed.sum(axis=0)


def correlation(cohort: hs.Cohort) -> np.ndarray:
    return pd.DataFrame(cohort.visit_values("eq5d")[1]).corr().to_numpy()


def test_derived_columns_equal_their_parts_in_every_row(copies):
    for copy in copies:
        again = with_derived(copy.rows, copy.schema)
        for name in ("qaly", "total"):
            assert np.allclose(again[name], copy.rows[name], rtol=1e-9, equal_nan=True)


def test_no_row_has_a_value_after_death_or_times_that_do_not_rise(copies):
    assert [visit_breaks(copy.arrays, copy.schema) for copy in copies] == [{}] * len(copies)


def test_nobody_alive_has_a_value_after_the_end_of_follow_up(copies):
    for copy in copies:
        frame = copy.rows
        assert frame.loc[frame["time"] < 8 - 1, ["u8", "u12"]].isna().all(axis=None)


def test_the_profile_of_each_arm_is_that_of_the_patients(patients, copies):
    for arm in patients.arm_levels:
        mean = np.mean([profile(copy, arm) for copy in copies], axis=0)
        assert np.allclose(mean, profile(patients, arm), rtol=5e-3)


def test_spikes_at_one_and_values_below_zero_are_kept(patients, copies):
    for name in ("u0", "u12"):
        for share in (lambda held: (held == 1).mean(), lambda held: (held < 0).mean()):
            known = [copy.rows[name].dropna() for copy in copies]
            # five patients share each piece of the law, so a share may differ by as many of about 100 in an arm
            assert np.mean([share(held) for held in known]) == pytest.approx(
                share(patients.rows[name].dropna()), abs=0.02
            )


def test_dropout_by_arm_is_that_of_the_patients(patients, copies):
    for arm in patients.arm_levels:
        mean = np.mean([staying(copy, arm) for copy in copies], axis=0)
        # one of about 50 patients who are followed to the last visit; those who come early by their jitter count too
        assert np.abs(mean - staying(patients, arm)).max() <= 0.02


def test_correlation_over_time_is_that_of_the_patients(patients, copies):
    mean = np.mean([correlation(copy) for copy in copies], axis=0)
    # a standard error of a correlation of 100 patients: neighbouring visits are met, the others follow
    assert np.abs(mean - correlation(patients)).max() <= 0.05


def test_patients_who_are_worse_leave_sooner_in_copies_too(copies):
    gaps = []
    for copy in copies:
        held = copy.rows[(copy.rows["time"] > 12) & copy.rows["u4"].notna()]
        leaves = held[["u8", "u12"]].isna().all(axis=1)
        gaps.append(held.loc[leaves, "u4"].mean() - held.loc[~leaves, "u4"].mean())
    assert np.mean(gaps) < 0


def test_visits_keep_their_jitter(patients, copies):
    wanted = (patients.rows["t8"] - 8).std()
    assert np.mean([(copy.rows["t8"] - 8).std() for copy in copies]) == pytest.approx(wanted, rel=0.1)
    assert all(copy.rows["t8"].isna().equals(copy.rows["u8"].isna()) for copy in copies)


def test_a_saved_generator_draws_the_same_rows(tmp_path: Path, patients):
    sampler = hs.generators.create("heor").fit(patients, seed=1)
    again = hs.generators.load(sampler.save(tmp_path / "law.json"))
    assert again.sample(m=1, seed=5)[0].frame.equals(sampler.sample(m=1, seed=5)[0].frame)


def test_the_law_reads_again_from_its_data(patients):
    law = Attendance.of(patients, completed(patients, np.random.default_rng(1)), 5)
    assert Attendance.from_dict(law.to_dict()).to_dict() == law.to_dict()
    assert law.follows
    assert law.full == ("u0",)


def test_a_shared_release_of_visits_and_a_calibrated_derived_column_are_refused(patients):
    with pytest.raises(GeneratorError, match="who missed visits"):
        hs.generators.create("heor", release="shared").fit(patients, seed=1)
    with pytest.raises(GeneratorError, match="derived from visits"):
        hs.generators.create("heor", calibrate=["costs.mean of total by arm"]).fit(patients, seed=1)


def test_another_generator_has_derived_columns_that_equal_their_parts_too(patients):
    copy = hs.generators.create("marginals").fit(patients, seed=1).sample(m=1, seed=1)[0]
    again = with_derived(copy.rows, copy.schema)
    assert np.allclose(again["qaly"], copy.rows["qaly"], equal_nan=True)
