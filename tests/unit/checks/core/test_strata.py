"""The patients of an arm or a level, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.core.strata import at_level, levels_in, patients, patients_by
from heorsynth.data.folders.tally import Tally

FRAME = pd.DataFrame(
    {"time": [1.0, 2, 3, 4, 5, 6], "event": 1, "arm": list("baabba"), "sex": ["m", "f", None, "m", "m", "f"]}
)
COHORT = hs.Cohort(FRAME, endpoints={"os": ("time", "event")}, arm="arm", subgroups="sex")


@pytest.mark.parametrize("data", [COHORT, Tally.of(COHORT)], ids=["rows", "tally"])
def test_levels_masks_and_counts_are_those_of_the_rows_and_leave_missing_out(data: hs.Cohort | Tally) -> None:
    assert levels_in(data, "sex") == ["f", "m"]
    assert [patients(data, at_level(data, "sex", level)) for level in ("f", "m", "x")] == [2, 3, 0]
    assert dict(patients_by(data, ["arm", "sex"])) == {("b", "m"): 3, ("a", "f"): 2, ("a", ""): 1}


def test_a_level_that_taken_rows_have_lost_is_not_among_theirs() -> None:
    taken = COHORT.take(np.array([0, 3]))
    assert levels_in(taken, "sex") == ["m"] and at_level(taken, "sex", "m").tolist() == [True, True]
