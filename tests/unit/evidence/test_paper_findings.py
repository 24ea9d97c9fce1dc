"""Findings on curves, medians and ratios: a fact that is changed by hand is found."""

from pathlib import Path

import numpy as np
import pytest

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.evidence.paper import plan_for_paper
from heorsynth.evidence.paper_findings import survival_findings
from heorsynth.evidence.paper_questions import Asking
from heorsynth.published.trial.trial import PublishedTrial


def frame_of(path: Path, m: int = 4, columns=None, **margins):
    """The findings on the endpoint os of a paper file, as a frame."""
    trial = PublishedTrial.read(path).with_options({"endpoints": "os"})
    cohorts = list(trial.cohorts(m=m, seed=1))
    if columns is not None:
        cohorts = [
            Cohort.derive(one.schema, one.frame.assign(**columns(one.frame)), label=one.label) for one in cohorts
        ]
    found = survival_findings(Asking(trial, cohorts, plan_for_paper(trial, margins)))
    rows = [vars(one) | {"constructed": one.constructed} for one in found]
    return {(row["estimand"], row["group"], row["question"]): row for row in rows}


PAIR = "arm=drug vs usual"


@pytest.fixture(scope="module")
def exact(printed_trial):
    return frame_of(printed_trial.path)


def test_the_curve_is_within_the_error_of_a_click(exact) -> None:
    for arm in ("drug", "usual"):
        gap = exact["largest distance of curves of os from the clicked points", f"arm={arm}", "faithful"]
        assert gap["synthetic"] < 0.01 and gap["verdict"] == "pass" and gap["constructed"]


def test_the_restricted_mean_is_the_area_below_the_points(exact, printed_trial) -> None:
    end = min(own["os_time"].max() for _, own in printed_trial.frame.groupby("arm"))
    (key,) = [key for key in exact if key[0].startswith("rmst of os") and key[1] == "arm=drug" and key[2] == "faithful"]
    own = printed_trial.frame.query("arm == 'drug'")
    from lifelines import KaplanMeierFitter
    from lifelines.utils import restricted_mean_survival_time

    fitter = KaplanMeierFitter().fit(own["os_time"], own["os_event"])
    assert exact[key]["real"] == pytest.approx(restricted_mean_survival_time(fitter, t=end), rel=1e-3)
    assert exact[key]["synthetic"] == pytest.approx(exact[key]["real"], rel=5e-3)


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "pass"), (1.2, "fail"), (0.8, "fail")])
def test_a_printed_hazard_ratio_that_is_off_by_a_fifth_fails(printed_trial, tmp_path, exact, factor, verdict) -> None:
    printed = exact["hazard ratio of os", PAIR, "faithful"]["real"]
    path = printed_trial.changed(tmp_path, (f"value: {printed:.2f}, low", f"value: {printed * factor:.2f}, low"))
    assert frame_of(path)["hazard ratio of os", PAIR, "faithful"]["verdict"] == verdict


def test_the_ratio_of_the_other_direction_is_read_in_its_direction(printed_trial, tmp_path, exact) -> None:
    printed = exact["hazard ratio of os", PAIR, "faithful"]["real"]
    text = printed_trial.path.read_text()
    old = text[text.index("arm: drug, reference: usual, value") : text.index("}\n  pfs")]
    path = printed_trial.changed(tmp_path, (old, f"arm: usual, reference: drug, value: {1 / printed:.2f}"))
    found = frame_of(path)["hazard ratio of os", "arm=usual vs drug", "faithful"]
    assert found["verdict"] == "pass" and found["synthetic"] == pytest.approx(1 / printed, rel=0.05)


def test_an_adjusted_ratio_supports_and_does_not_decide(printed_trial, tmp_path) -> None:
    path = printed_trial.changed(tmp_path, ("reference: usual, value", "reference: usual, adjusted: true, value"))
    found = frame_of(path)["hazard ratio of os, adjusted in the paper", PAIR, "faithful"]
    assert not found["decisive"]


def test_a_median_that_is_not_reached_is_kept_or_not_by_each_cohort(printed_trial, tmp_path, exact) -> None:
    median = exact["median of os", "arm=drug", "faithful"]["real"]
    path = printed_trial.changed(tmp_path, (f"drug: {{value: {median:.1f}}}", "drug: {value: not reached}"))
    found = frame_of(path)["median of os is not reached (share of the cohorts)", "arm=drug", "faithful"]
    assert found["synthetic"] == 0 and found["verdict"] == "fail"


def test_a_subgroup_ratio_is_found_where_the_cohorts_have_its_column(printed_trial, tmp_path) -> None:
    more = (
        "      - {source: Figure 3, arm: drug, reference: usual, value: 0.70, subgroup: {sex: female}, n: {drug: 40}}\n"
    )
    path = printed_trial.changed(tmp_path, ("  pfs:\n", f"{more}  pfs:\n"))
    key = ("hazard ratio of os", f"{PAIR}, sex=female", "faithful")
    plain = frame_of(path)[key]
    assert plain["basis"] == "constructed" and plain["verdict"] == "pass" and not plain["decisive"]
    found = frame_of(path, columns=lambda frame: {"sex": np.where(np.arange(len(frame)) % 2, "female", "male")})[key]
    assert found["kind"] == "subgroup" and not found["decisive"] and found["real"] == 0.70


def test_a_horizon_that_one_curve_does_not_reach_is_told(printed_trial) -> None:
    ends = printed_trial.frame.groupby("arm")["os_time"].max()
    horizon = float(ends.max()) - 1e-6 if ends.max() - ends.min() > 1 else None
    if horizon is None:
        pytest.skip("both curves end together")
    found = frame_of(printed_trial.path, **{"survival.rmst": {"relative": 0.02, "horizon": horizon}})
    told = [row for key, row in found.items() if key[0].startswith("rmst of") and row["verdict"] == "not estimable"]
    assert len(told) == 1 and "the published curve ends at" in told[0]["because"]
