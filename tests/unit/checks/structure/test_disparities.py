"""Representation against a stated population, and gaps between groups: kept, erased or amplified?"""

import math

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.cohort.cohort import Cohort

ROLES = {"endpoints": {"os": ("time", "event")}, "costs": ["cost"], "subgroups": ["sex"], "unit": "year"}


def rows(n, seed, gap=2000.0, women=0.3):
    rng = np.random.default_rng(seed)
    sex = np.where(rng.random(n) < women, "f", "m")
    death, left = rng.exponential(np.where(sex == "f", 6.0, 3.0)), rng.uniform(1, 5, n)
    cost = rng.gamma(2.0, 2500.0, n) + np.where(sex == "f", gap, 0.0)
    return pd.DataFrame({"time": np.minimum(death, left), "event": (death <= left) * 1, "cost": cost, "sex": sex})


def cohorts(n=2000, m=5, **changes):
    real = hs.Cohort(rows(n, 1), **ROLES)
    drawn = [Cohort.derive(real.schema, rows(n, 10 + part, **changes), label=None) for part in range(m)]
    return real, drawn


def asked(real, drawn, key, margin):
    return [one for one in hs.validate(real, drawn, "teaching", {key: margin}).findings if one.key == key]


def target(shares, **options):
    return {"ratio": [0.8, 1.25], "targets": {"sex": shares}, **options}


def test_a_cohort_is_held_against_the_population_and_not_against_its_source():
    real, drawn = cohorts(women=0.5)
    found = {one.group: one for one in asked(real, drawn, "subgroups.target", target({"f": 0.5, "m": 0.5}))}
    assert {one.verdict for one in found.values()} == {"pass"}
    women = found["sex=f"]
    share = np.mean([(cohort.frame["sex"] == "f").mean() for cohort in drawn])
    assert women.difference == pytest.approx(math.log(share / 0.5))
    own = (real.frame["sex"] == "f").mean()
    assert women.real == own
    assert f"source {own:.0%} (log disparity {math.log(own / 0.5):+.1f})" in women.because
    like_the_source = asked(*cohorts(women=0.3), "subgroups.target", target({"f": 0.5, "m": 0.5}))
    assert {one.verdict for one in like_the_source} == {"fail"}


def test_targets_of_the_sampler_meet_the_targets_of_the_check():
    real = hs.Cohort(rows(400, 1), **ROLES)
    shares = {"f": 0.51, "m": 0.49}
    drawn = hs.generators.create("heor").fit(real, seed=1).sample(m=5, seed=1, targets={"sex": shares})
    found = asked(real, drawn, "subgroups.target", target(shares))
    assert {one.verdict for one in found} == {"pass"}


def test_a_level_that_is_lost_fails_and_one_of_few_patients_is_not_shown():
    real, drawn = cohorts(women=0.0)
    found = {one.group: one.verdict for one in asked(real, drawn, "subgroups.target", target({"f": 0.5, "m": 0.5}))}
    assert found["sex=f"] == "fail"
    few = rows(300, 2).assign(sex=["f"] * 3 + ["m"] * 297)
    small = hs.Cohort(few, **ROLES)
    one = asked(small, [Cohort.derive(small.schema, few, label=None)], "subgroups.target", target({"f": 0.5, "m": 0.5}))
    assert [f.verdict for f in one if f.group == "sex=rare level 1"] == ["not estimable"]


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (None, "no target population"),
        ({"sxe": {"f": 0.5, "m": 0.5}}, "sex"),
        ({"sex": {"f": 0.5, "w": 0.5}}, "no such level"),
        ({"sex": {"f": 0.5, "m": 0.4}}, "add up to 0.9"),
        ({"sex": {"f": 50, "m": 50}}, "numbers above 0"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused(targets, words):
    real, drawn = cohorts(n=60, m=1)
    with pytest.raises(errors.MarginError, match=words):
        asked(real, drawn, "subgroups.target", {"ratio": [0.8, 1.25], "targets": targets})


def disparity(real, drawn):
    return {one.estimand.split(" to ")[0]: one for one in asked(real, drawn, "subgroups.disparity", {"relative": 0.10})}


def test_a_gap_that_is_kept_passes_and_is_the_difference_of_the_levels():
    real, drawn = cohorts(n=6000)
    found = disparity(real, drawn)
    assert {one.verdict for one in found.values()} == {"pass"}
    frame = real.frame
    by_hand = frame.loc[frame["sex"] == "f", "cost"].mean() - frame.loc[frame["sex"] == "m", "cost"].mean()
    gap = found["gap in mean of cost"]
    assert gap.real == pytest.approx(by_hand)
    assert gap.group == "sex=f vs m"
    assert gap.margin == pytest.approx(0.1 * frame.loc[frame["sex"] == "m", "cost"].mean())


@pytest.mark.parametrize(
    ("gap", "words"), [(0.0, "% of the real one"), (6000.0, "% of the real one"), (-3000.0, "reversed")]
)
def test_a_gap_that_is_erased_amplified_or_reversed_fails_and_says_so(gap, words):
    found = disparity(*cohorts(gap=gap))["gap in mean of cost"]
    assert found.verdict == "fail"
    assert words in found.because


def test_no_gap_among_few_patients_is_shown():
    few = rows(300, 2).assign(sex=["f"] * 4 + ["m"] * 296)
    small = hs.Cohort(few, **ROLES)
    found = disparity(small, [Cohort.derive(small.schema, few, label=None)])
    assert {one.verdict for one in found.values()} == {"not estimable"}
    assert all(math.isnan(one.real) for one in found.values())
