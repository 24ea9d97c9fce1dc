"""Survival, costs and utilities of two levels of two subgroups together, where a margin asks for it."""

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.checks.core.groups import groups_of
from heorsynth.checks.planning.plan import plan
from heorsynth.core.errors import MarginError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.tally import Tally

LEAST = 60
MARGINS = {
    "survival.rmst": {"relative": 0.1, "horizon": 2.0, "intersections": LEAST},
    "survival.rmst_difference": {"relative": 0.1, "horizon": 2.0, "intersections": LEAST},
    "costs.mean": {"relative": 0.2, "intersections": LEAST},
    "costs.zero_share": {"absolute": 0.1},
    "costs.cv": {"relative": 0.25, "intersections": 2 * LEAST},
    "utilities.mean": {"relative": 0.2, "intersections": 2 * LEAST},
}


def trial(seed, n=900):
    return hs.datasets.simulated_trial(n, seed)[0]


@pytest.fixture(scope="module")
def real():
    return trial(1)


def drawn(real, spoil=lambda frame: frame):
    return [Cohort.derive(real.schema, spoil(trial(10 + part, real.n).frame), label=None) for part in range(4)]


def judged(real, cohorts, margins=MARGINS):
    return hs.validate(real, cohorts, "software-testing", margins, seed=1)


def cells(real, least):
    counts = real.frame.groupby(["sex", "stage"], observed=True).size()
    return {f"sex={sex}, stage={stage}" for (sex, stage), count in counts.items() if count >= least}


def of(evidence, key):
    return {one.group: one for one in evidence.findings if one.key == key and one.kind == "intersection"}


def test_each_margin_is_asked_of_the_cells_that_have_its_fewest_patients_and_of_no_other(real):
    evidence = judged(real, drawn(real))
    assert set(of(evidence, "survival.rmst")) == set(of(evidence, "costs.mean")) == cells(real, LEAST)
    assert set(of(evidence, "costs.cv")) == set(of(evidence, "utilities.mean"))
    assert set(of(evidence, "utilities.mean")) == cells(real, 2 * LEAST) < cells(real, LEAST) != set()
    assert not of(evidence, "costs.zero_share")
    assert set(of(evidence, "survival.rmst_difference")) == {f"arm=new vs usual, {cell}" for cell in cells(real, LEAST)}


def test_a_cell_is_judged_as_a_cohort_of_its_patients_would_be_and_never_decides(real):
    cohorts = drawn(real)
    evidence = judged(real, cohorts)

    def within(cohort):
        return cohort.take(np.flatnonzero((cohort.levels("sex") == "f") & (cohort.levels("stage") == "II")))

    found = of(evidence, "costs.mean")["sex=f, stage=II"]
    alone = judged(within(real), [within(one) for one in cohorts], {"costs.mean": {"relative": 0.2}})
    whole = next(one for one in alone.findings if one.key == "costs.mean" and one.group == "all")
    assert (found.real, found.synthetic, found.lower, found.upper) == pytest.approx(
        (whole.real, whole.synthetic, whole.lower, whole.upper)
    )
    assert not any(one.decisive for one in evidence.findings if one.kind == "intersection")


def test_what_is_wrong_in_one_cell_only_is_seen_there_and_by_no_level_alone():
    def swapped(frame):
        """Costs of women in stage II rise by half, and others of their sex and of their stage make up for it."""
        women, second = frame["sex"] == "f", frame["stage"] == "II"
        cost, extra = frame["cost"].copy(), frame.loc[women & second, "cost"].sum() / 2
        cost[women & second] *= 1.5
        for rows in (women & ~second, ~women & second):
            cost[rows] *= 1 - extra / frame.loc[rows, "cost"].sum()
        return frame.assign(cost=cost)

    real = trial(1, 4000)
    evidence = judged(real, drawn(real, swapped), {"costs.mean": {"relative": 0.3, "intersections": LEAST}})
    alone = {one.group: one for one in evidence.findings if one.key == "costs.mean" and one.kind == "subgroup"}
    assert of(evidence, "costs.mean")["sex=f, stage=II"].verdict == "fail"
    assert abs(alone["sex=f"].difference) < 0.15 > abs(alone["stage=II"].difference)
    assert "fail" not in {alone["sex=f"].verdict, alone["stage=II"].verdict}


def test_cells_are_partially_pooled_with_cells_and_levels_with_levels(real):
    asked = judged(real, drawn(real)).subgroups()
    without = {key: {name: value for name, value in margin.items() if name != "intersections"}
               for key, margin in MARGINS.items()}  # fmt: skip
    plain = judged(real, drawn(real), without).subgroups()
    costs = asked[asked["key"] == "costs.mean"]
    crossed = costs[costs["group"].str.contains(", ")]
    assert set(crossed["group"]) == cells(real, LEAST)
    assert (crossed["pooled"] != crossed["difference"]).all()
    levels = costs[~costs["group"].str.contains(", ")].reset_index(drop=True)
    assert levels.equals(plain[plain["key"] == "costs.mean"].reset_index(drop=True))


def test_a_tally_has_the_same_cells_as_the_rows(real):
    rows, counts = groups_of(real, [], LEAST), groups_of(Tally.of(real), [], LEAST)
    assert [(one.label, one.real.n) for one in rows] == [(one.label, one.real.n) for one in counts]


def test_a_minimum_that_no_cell_has_is_refused_and_says_so(real):
    with pytest.raises(MarginError, match="no two levels have that many patients together"):
        plan(real, "software-testing", {"costs.mean": {"relative": 0.2, "intersections": real.n}})
