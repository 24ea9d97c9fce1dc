"""Missing levels make no group, and a difference is written no finer than its margin lets it matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import groups_of
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.data.folders.tally import Tally

SCHEMA = Schema({}, arm="arm", subgroups=("sex", "stage"))
FRAME = pd.DataFrame({
    "arm": ["new"] * 6 + ["usual"] * 5 + [None], "sex": ["f"] * 5 + [None] * 2 + ["m"] * 5,
    "stage": [None] + ["I"] * 5 + ["II"] * 6,
})  # fmt: skip


def test_patients_whose_level_is_missing_are_in_no_group_but_everyone() -> None:
    real = Cohort.derive(SCHEMA, FRAME, label=None)
    expected = {"all": 12, "arm=new": 6, "arm=usual": 5, "sex=f": 5, "sex=m": 5, "stage=I": 5, "stage=II": 6}
    crossed = {"sex=f, stage=I": 4, "sex=m, stage=II": 5}
    assert {one.label: one.real.n for one in groups_of(real, [])} == expected
    assert {one.label: one.real.n for one in groups_of(real, [], 4)} == expected | crossed
    assert {one.label: one.real.n for one in groups_of(Tally.of(real), [], 5)} == {
        **expected,
        "sex=m, stage=II": 5,
    }


def test_a_group_has_the_same_level_in_each_synthetic_cohort_and_may_be_empty_there() -> None:
    real = Cohort.derive(SCHEMA, FRAME, label=None)
    women = Cohort.derive(SCHEMA, FRAME[:5], label=None)
    sizes = {one.label: [part.n for part in one.synthetic] for one in groups_of(real, [women, real])}
    assert (sizes["all"], sizes["sex=f"], sizes["sex=m"]) == ([5, 12], [5, 5], [0, 5])


FOUND = Finding("check.key", "e", "all", 0.0, 0.0, 1.2e-10, -1.2e-10, 1.2e-10, 1000.0, 0.0, "pass", "why", "absolute")


def test_an_absolute_difference_is_written_to_a_trillionth_of_its_margin_or_of_its_estimates() -> None:
    written = FOUND.stable
    assert (written.difference, written.lower, written.upper) == (0.0, 0.0, 0.0), "the margin is a thousand"
    small = replace(FOUND, margin=0.001)
    assert small.stable.difference == 1.2e-10
    assert replace(small, real=1000.0).stable.difference == 0.0, "it is a difference of two thousands"
    assert replace(small, real=1000.0, scale="relative").stable.difference == 1.2e-10
    assert np.isnan(replace(FOUND, real=np.nan, synthetic=np.nan, difference=np.nan).stable.difference)
