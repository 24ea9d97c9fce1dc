"""From frames to labelled cohorts that keep what is printed."""

import numpy as np
import pandas as pd
import pytest
from published_figures import figure

import heorsynth as hs
from heorsynth.core.errors import CurveError, HeorsynthError, LabelError
from heorsynth.core.random import stream
from heorsynth.published.reconstruction.cleaning import arms_of
from heorsynth.published.reconstruction.constraints import Printed, RepeatedCohorts, median
from heorsynth.published.reconstruction.ensemble import ensemble

CURVES, AT_RISK, TOTALS = figure("ACT2_2A")


@pytest.fixture(scope="module")
def cohorts() -> hs.published.ReconstructedCohorts:
    return hs.published.reconstruct(CURVES, AT_RISK, TOTALS, m=5, seed=3)


def test_cohorts_have_the_declared_roles_and_every_row_its_id(cohorts: hs.published.ReconstructedCohorts) -> None:
    one = cohorts[0]
    assert len(cohorts) == 5 and one.synthetic is True and one.arm_levels == ("wt_b", "wt_be")
    assert list(one.frame.columns) == ["time", "event", "arm"] and list(one.schema.endpoints) == ["os"]
    ids = pd.concat([cohort.frame for cohort in cohorts]).index
    assert ids.is_unique and ids.str.startswith(f"SYN-{cohorts.label.release}-").all()


def test_the_label_says_that_they_rest_on_what_is_published(cohorts: hs.published.ReconstructedCohorts) -> None:
    assert cohorts.label.settings["rests_on"] == "published" and cohorts.label.rests_on == 71
    assert "Reconstructed from a published figure" in cohorts.label.statement
    with pytest.raises(LabelError):
        hs.published.ReconstructedCohorts([hs.Cohort.derive(cohorts[0].schema, cohorts[0].frame, label=None)])


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(cohorts: hs.published.ReconstructedCohorts) -> None:
    again = hs.published.reconstruct(CURVES, AT_RISK, TOTALS, m=5, seed=3)
    pd.testing.assert_frame_equal(again[4].frame, cohorts[4].frame)
    other = hs.published.reconstruct(CURVES, AT_RISK, TOTALS, m=5, seed=4)
    assert not np.array_equal(other[4].frame["time"], cohorts[4].frame["time"])


def test_one_arm_is_a_cohort_without_an_arm_role() -> None:
    own = [frame[frame["arm"] == "wt_b"] for frame in (CURVES, AT_RISK, TOTALS)]
    one = hs.published.reconstruct(*own, m=2, unit="week", endpoint="pfs")[0]
    assert one.schema.arm is None and list(one.schema.endpoints) == ["pfs"] and one.schema.unit == "week"


def test_a_printed_hazard_ratio_is_that_of_every_cohort() -> None:
    cohorts = hs.published.reconstruct(CURVES, AT_RISK, TOTALS, m=5, hazard_ratio="1.04")
    ratios = [float(cohorts[part : part + 2].estimands()["value"][0]) for part in range(0, 4)]
    assert Printed.of("1.04").holds(np.array(ratios)).all()


def test_a_number_with_which_too_few_reconstructions_agree_is_told() -> None:
    """One of the twenty candidates has this median to six digits; the five cohorts repeat it."""
    arm = arms_of(CURVES, AT_RISK, TOTALS, None)[0]
    only = f"{median(next(iter(ensemble(arm, 20, stream(3, 'reconstruct', 0))))):.6f}"
    with pytest.warns(RepeatedCohorts, match="only 1 of the reconstructions"):
        hs.published.reconstruct(CURVES, AT_RISK, TOTALS, m=5, seed=3, medians={arm.name: only})


def test_a_printed_median_is_that_of_every_cohort() -> None:
    cohorts = hs.published.reconstruct(CURVES, AT_RISK, TOTALS, m=5, medians={"wt_b": "3.6"})
    for cohort in cohorts:
        own = cohort.frame[cohort.frame["arm"] == "wt_b"].sort_values("time")
        survivors = np.cumprod(1 - own["event"] / np.arange(len(own), 0, -1))
        assert Printed.of("3.6").holds(own["time"][survivors <= 0.5 + 1e-9].iloc[:1].to_numpy()).all()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"hazard_ratio": "0.60"}, "the printed ratio is 0.6, and the curves give 1.0"),
        ({"hazard_ratio": "low"}, "hazard_ratio: not a number"),
        ({"medians": {"wt_b": "12"}}, "the printed median is 12, and the curve gives 3."),
        ({"medians": {"wt-b": "3.6"}}, "'wt-b' has no curve\n.*did you mean 'wt_b"),
        ({"medians": {"wt_b": "NR"}}, "medians, arm 'wt_b': not a number"),
        ({"reference": "old"}, "reference: 'old' has no curve"),
    ],
)
def test_printed_numbers_that_contradict_the_curves_are_refused(facts: dict[str, object], message: str) -> None:
    with pytest.raises(CurveError, match=message):
        hs.published.reconstruct(CURVES, AT_RISK, TOTALS, m=3, **facts)


@pytest.mark.parametrize("wrong", [{"m": 1}, {"m": 2.5}, {"seed": -1}])
def test_impossible_numbers_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(HeorsynthError):
        hs.published.reconstruct(CURVES, AT_RISK, TOTALS, **wrong)


def test_a_written_cohort_carries_its_label(cohorts: hs.published.ReconstructedCohorts, tmp_path: object) -> None:
    path = hs.write(cohorts[0], f"{tmp_path}/one.parquet")
    assert hs.inspect(path).label.settings["rests_on"] == "published"
