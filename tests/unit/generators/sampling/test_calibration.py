"""A calibrated sample meets what it was asked to meet, keeps what it must not move, and says so."""

import json
from pathlib import Path

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.labels import facts
from heorsynth.estimators.survival.estimates import rmst
from heorsynth.generators.sampling.calibration import TOLERANCE, aims_of
from heorsynth.generators.sampling.cohorts import SyntheticCohorts


def trial(n: int = 300) -> hs.Cohort:
    return hs.datasets.simulated_trial(n, seed=3)[0]


def drawn(cohort: hs.Cohort, calibrate: object, m: int = 2) -> SyntheticCohorts:
    return hs.generators.create("heor", calibrate=calibrate).fit(cohort, seed=1).sample(m=m, seed=2)


def test_the_means_of_costs_and_qalys_are_the_sources_in_every_arm() -> None:
    cohort = trial()
    for synthetic in drawn(cohort, ["costs.mean by arm", "utilities.mean by arm"], m=4):
        for column in ("cost", "qaly"):
            wanted, found = (one.frame.groupby("arm")[column].mean() for one in (cohort, synthetic))
            np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_two_groupings_are_met_together() -> None:
    cohort = trial()
    for synthetic in drawn(cohort, ["costs.mean by arm", "costs.mean by sex"]):
        for group in ("arm", "sex"):
            wanted, found = (one.frame.groupby(group)["cost"].mean() for one in (cohort, synthetic))
            np.testing.assert_allclose(found, wanted, rtol=1.5 * TOLERANCE)  # they pull against each other


def test_restricted_mean_survival_is_the_sources_and_pbc_keeps_its_whole_days() -> None:
    cohort = hs.datasets.load("pbc")
    aim = aims_of(["survival.os by arm"], cohort, 5)[0]
    for synthetic in drawn(cohort, ["survival.os by arm"]):
        time, cause, _ = synthetic.outcome("os")
        assert (time == np.floor(time)).all() and (time > 0).all()
        for level, value in aim.values.items():
            rows = synthetic.levels(str(aim.by)) == level
            assert rmst(time[rows], cause[rows] == 1, aim.horizon).value == pytest.approx(value, rel=TOLERANCE)


def test_a_published_value_is_met_and_zeros_totals_and_full_health_stay() -> None:
    cohort = trial()
    plain = drawn(cohort, [])[0].frame
    frame = drawn(cohort, {"costs.mean of cost by arm": {"usual": 3500, "new": 6000}, "utilities.mean": 0.6})[0].frame
    assert frame.groupby("arm")["cost"].mean().to_dict() == pytest.approx({"new": 6000, "usual": 3500}, rel=1e-4)
    assert frame["qaly"].mean() == pytest.approx(0.6, rel=1e-4)
    assert (frame["hospital"] == 0).sum() == (plain["hospital"] == 0).sum()
    assert (frame["cost"] - frame["drug"] - frame["hospital"]).abs().max() < 0.006
    assert (frame["qaly"] == frame["qaly"].max()).sum() == (plain["qaly"] == plain["qaly"].max()).sum()


def test_the_label_and_the_findings_say_what_was_calibrated() -> None:
    cohort = trial()
    syn = drawn(cohort, {"utilities.mean of qaly by arm": {"usual": 0.6, "new": 0.65}, "survival.os": None})
    assert syn.label.settings["calibrate"] == {
        "utilities.mean of qaly by arm": {"usual": 0.6, "new": 0.65},
        "survival.os": "source",
    }
    assert {facts.MEAN_EFFECTS, facts.RESTRICTED_MEANS} <= set(syn.label.calibrated)
    found = hs.validate(cohort, syn, economics={"comparator": "usual", "wtp": 20_000}).findings
    assert all(finding.constructed for finding in found if finding.key == "utilities.mean")


def test_a_saved_generator_is_calibrated_too(tmp_path: Path) -> None:
    sampler = hs.generators.create("heor", calibrate=["costs.mean by arm"]).fit(trial(), seed=1)
    loaded = hs.generators.load(sampler.save(tmp_path / "g.json"))
    assert loaded.sample(m=1, seed=2)[0].frame.equals(sampler.sample(m=1, seed=2)[0].frame)
    assert json.loads((tmp_path / "g.json").read_text(encoding="utf-8"))["aims"][0]["by"] == "arm"


@pytest.mark.parametrize(
    ("calibrate", "told"),
    [
        (["costs.median by arm"], "cannot be calibrated"),
        (["costs.mean of cots"], "'cost'"),
        (["costs.mean by colour"], "no declared arm or subgroup"),
        (["survival.pfs"], "not declared"),
        ({"costs.mean by arm": {"old": 5000}}, "published value for no level"),
        ({"costs.mean by arm": {"usual": -1}}, "no number above 0"),
        ({"costs.mean": True}, "no number above 0"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_with_the_reason(calibrate: object, told: str) -> None:
    with pytest.raises(errors.GeneratorError, match=told):
        hs.generators.create("heor", calibrate=calibrate).fit(trial(), seed=1)


def test_a_value_in_another_unit_is_refused() -> None:
    with pytest.raises(errors.GeneratorError, match="check the unit"):
        drawn(trial(), {"costs.mean of cost": 50})


def test_contradicting_values_are_refused() -> None:
    with pytest.raises(errors.GeneratorError, match="contradict"):
        drawn(trial(), {"costs.mean of cost": 6000, "costs.mean of cost by arm": {"usual": 3000, "new": 5000}})


def test_a_calibrated_sampler_draws_whole_cohorts_only() -> None:
    sampler = hs.generators.create("heor", calibrate=["costs.mean"]).fit(trial(), seed=1)
    with pytest.raises(errors.GeneratorError, match="draws whole cohorts"):
        sampler.sample(n=20, m=1, where={"sex": "f"})


def test_one_text_instead_of_a_list_is_refused() -> None:
    with pytest.raises(errors.GeneratorError, match="write a list"):
        hs.generators.create("heor", calibrate="costs.mean")
