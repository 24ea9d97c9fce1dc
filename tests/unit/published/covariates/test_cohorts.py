"""From a paper file to cohorts that agree with it."""

from collections.abc import Callable

import pytest

import heorsynth as hs
from heorsynth.published.covariates.cohorts import UnusedFacts

Changed = Callable[..., "hs.published.Paper"]
pytestmark = pytest.mark.filterwarnings("ignore::heorsynth.published.reconstruction.constraints.RepeatedCohorts")


def test_cohorts_have_the_columns_and_roles_of_the_paper(changed: Changed) -> None:
    cohorts = hs.published.cohorts(changed(), m=2, seed=1)
    assert list(cohorts[0].frame) == ["time", "event", "arm", "age", "sex", "total"]
    assert cohorts[0].schema.costs == ("total",)
    assert cohorts[0].schema.subgroups == ("sex",)
    assert (cohorts[0].schema.currency, cohorts[0].schema.price_year) == ("EUR", 2020)
    assert cohorts.label.settings["rests_on"] == "published"
    assert cohorts.label.settings["citations"] == ["Smith A et al. (2020) J Trials 1:1"]
    assert cohorts[0].frame["total"].isna().sum() == 100  # the paper states no cost of usual care
    usual = cohorts[0].frame[cohorts[0].frame["arm"] == "usual"]
    assert (usual["sex"] == "female").sum() == 45


def test_the_same_seed_gives_the_same_rows_and_another_gives_others(changed: Changed) -> None:
    paper = changed()
    one, same, other = (hs.published.cohorts(paper, m=2, seed=seed)[1].frame for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one["age"].equals(other["age"])


def test_time_event_and_arm_are_those_of_the_reconstruction(changed: Changed) -> None:
    drug = ("drug: {value: 18.0, low: 15.1, high: not reached}, ", "")
    paper = changed(("value: 0.62, low", "value: 0.62, adjusted: true, low"), drug)
    cohorts = hs.published.cohorts(paper, m=2, seed=3)
    plain = hs.published.reconstruct(
        paper.curves("os"), paper.at_risk("os"), paper.totals("os"), m=20, seed=3, medians={"usual": "12.0"}
    )
    for one, other in zip(cohorts, plain[:2], strict=True):
        assert one.frame[["time", "event", "arm"]].to_numpy().tolist() == other.frame.to_numpy().tolist()


def test_a_hazard_ratio_that_the_curves_exclude_is_told_and_not_used(changed: Changed) -> None:
    with pytest.warns(UnusedFacts, match=r"hazard_ratio: the printed ratio is 0.3"):
        cohorts = hs.published.cohorts(changed(("value: 0.62, low: 0.43", "value: 0.30, low: 0.20")), m=2, seed=1)
    assert cohorts.label.settings["not_used"][0].startswith("hazard_ratio")


def test_a_correlation_of_a_name_that_is_no_column_is_refused(changed: Changed) -> None:
    with pytest.raises(hs.HeorsynthError, match="'agee' is no column"):
        hs.published.cohorts(changed(("between: [age, total]", "between: [agee, total]")), m=2)


def test_a_subgroup_that_table_1_lacks_is_refused(changed: Changed) -> None:
    paper = changed(("subgroup: {sex: female}, n: {drug: 40, usual: 45}", "subgroup: {region: Asia}"))
    with pytest.raises(hs.HeorsynthError, match="'region' is no characteristic"):
        hs.published.cohorts(paper, m=2)


def test_an_unknown_endpoint_is_refused(changed: Changed) -> None:
    with pytest.raises(hs.HeorsynthError, match="pfs"):
        hs.published.cohorts(changed(), "pfs", m=2)


def test_a_paper_without_table_1_gives_the_reconstruction_alone(changed: Changed) -> None:
    text = changed().path.read_text()
    start, end = text.index("table1:"), text.index("correlations:")
    group = "      - {source: Figure 3, arm: drug, reference: usual, value: 0.70, subgroup: {sex: female}, n: {drug: 40, usual: 45}}\n"  # noqa: E501
    paper = changed((text[start:end], ""), (text[text.index("correlations:") :], ""), (group, ""))
    assert list(hs.published.cohorts(paper, m=2)[0].frame) == ["time", "event", "arm"]
