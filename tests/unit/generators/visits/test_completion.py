"""Missed visits are filled with values of patients who attended, in the sense of missing at random."""

from __future__ import annotations

import numpy as np

from heorsynth.generators.visits.completion import arm_codes, completed


def test_every_visit_has_a_value_that_a_patient_of_the_arm_has(patients):
    filled = completed(patients, np.random.default_rng(1))
    arm = patients.levels("arm")
    for name in ("u4", "u8", "u12", "c12"):
        gaps = patients.missing(name)
        assert not filled.missing(name).any()
        assert np.array_equal(filled.numbers(name)[~gaps], patients.numbers(name)[~gaps])
        for one in patients.arm_levels:
            mine = arm == one
            assert {*filled.numbers(name)[mine & gaps]} <= {*patients.numbers(name)[mine & ~gaps]}


def test_patients_with_low_values_before_get_lower_values(patients):
    filled = completed(patients, np.random.default_rng(2))
    cohort = patients
    gaps = cohort.missing("u4") & (cohort.numbers("time") > 4)
    low = cohort.numbers("u0") < np.median(cohort.numbers("u0"))
    assert filled.numbers("u4")[gaps & low].mean() < filled.numbers("u4")[gaps & ~low].mean()


def test_arms_are_coded_in_their_order(patients):
    codes = arm_codes(patients.rows, patients.schema, patients.arm_levels)
    assert np.array_equal(np.array(patients.arm_levels)[codes], patients.levels("arm"))
