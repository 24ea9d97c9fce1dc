"""A paper stands where patients stand: its cohorts agree with its constraints and are labelled with its citations."""

from pathlib import Path

import numpy as np
import pytest

from heorsynth.core.errors import CurveError
from heorsynth.estimators.survival.cox_two_arms import hazard_ratio_of_rows
from heorsynth.published.trial.trial import PublishedTrial


@pytest.fixture(scope="module")
def trial(printed_trial):
    return PublishedTrial.read(printed_trial.path).with_options({"endpoints": ["os"]})


@pytest.fixture(scope="module")
def cohorts(trial):
    return trial.cohorts(m=4, seed=3)


def test_every_cohort_keeps_patients_events_and_numbers_at_risk(printed_trial, trial, cohorts) -> None:
    for cohort in cohorts:
        assert cohort.schema == trial.schema and cohort.n == trial.n == 200
        for arm, own in printed_trial.frame.groupby("arm"):
            rows = cohort.frame[cohort.frame["arm"] == arm]
            assert rows["event"].sum() == own["os_event"].sum()
            for time in (0, 6, 12, 18):
                assert (rows["time"] >= time).sum() == (own["os_time"] >= time).sum()


def test_the_label_names_what_each_section_rests_on(cohorts) -> None:
    settings = cohorts[2].label.settings
    assert settings["rests_on"] == "published"
    assert settings["citations"] == {"smith": "Smith A et al. (2020) J Trials 1:1"}
    assert settings["facts"]["os median"] == "Table 2, page 5 (smith)"
    assert settings["constraints"] == ["arm", "os at risk", "os curve", "os events", "table 1"]
    assert "Smith A" in cohorts[0].label.statement and cohorts[0].label.level == "public"


def test_the_lineage_has_every_fact_with_its_citation_place_and_use(trial) -> None:
    facts = trial.lineage["facts"]
    median = facts["os.median.drug"]
    assert (median["citation"], median["place"], median["use"]) == ("smith", "Table 2, page 5", "test")
    assert float(median["value"]) == trial.paper.document.endpoints["os"].medians.arms["drug"].value.value
    assert facts["os.events.usual"]["use"] == "constraint"
    assert not any(name.startswith("pfs") for name in facts)


def test_what_is_a_constraint_follows_the_options(printed_trial) -> None:
    trial = PublishedTrial.read(printed_trial.path)
    alone = trial.with_options({"endpoints": "os", "constraints": []}).constraints
    assert not any("events" in name for name in alone)
    every = trial.with_options({"endpoints": "os", "constraints": ["events", "medians", "hazard_ratios"]})
    assert {"os.median.drug", "os.hr.drug/usual", "os.events.drug"} <= every.constraints
    printed = float(np.exp(every.paper.hazard_ratio("os", "drug", "usual").value))
    assert all(abs(_ratio(cohort) - printed) <= 0.005 + 1e-9 for cohort in every.cohorts(m=3, seed=1))


def _ratio(cohort) -> float:
    frame = cohort.frame
    found = hazard_ratio_of_rows(frame["time"].to_numpy(), frame["event"].to_numpy() == 1,
                                 (frame["arm"] == "drug").to_numpy())  # fmt: skip
    return float(np.exp(found.value))


def test_two_endpoints_are_joined_with_the_first_never_after_the_last(printed_trial) -> None:
    trial = PublishedTrial.read(printed_trial.path).with_options()
    assert trial.options.endpoints == ("pfs", "os")
    cohort = trial.cohorts(m=2, seed=1)[0]
    assert cohort.schema == trial.schema
    assert (cohort.frame["pfs_time"] <= cohort.frame["os_time"]).all()


def test_an_arm_without_a_curve_is_not_of_the_trial(printed_trial, tmp_path: Path) -> None:
    third = ("  usual: {n: 100, source: Figure 1}\n",
             "  usual: {n: 100, source: Figure 1}\n  third: {n: 50, source: Figure 1}\n")  # fmt: skip
    trial = PublishedTrial.read(printed_trial.changed(tmp_path, third)).with_options({"endpoints": "os"})
    assert trial.arms == ("drug", "usual") and trial.n == 200 and trial.cohorts(m=2)[0].n == 200


def test_characteristics_are_added_to_the_same_times_events_and_arms(printed_trial, trial, cohorts) -> None:
    plain = PublishedTrial.read(printed_trial.path).with_options({"endpoints": ["os"], "characteristics": False})
    for one, other in zip(plain.cohorts(m=4, seed=3), cohorts, strict=True):
        assert one.frame.to_numpy().tolist() == other.frame[["time", "event", "arm"]].to_numpy().tolist()
    women = cohorts[0].frame.query("sex == 'female'")["arm"].value_counts()
    assert women.to_dict() == {"drug": 40, "usual": 45} and trial.schema.subgroups == ("sex",)
    assert cohorts.label.settings["prior"] == {"correlation": 0.2, "effect": 0.3, "interaction": 0.15}
    assert trial.lineage["facts"]["table1.age.mean.drug"]["use"] == "constraint"
    assert "table1.age.mean.drug" not in plain.constraints


def test_a_paper_without_table_1_has_no_characteristics(printed_trial, tmp_path: Path) -> None:
    text = printed_trial.path.read_text()
    path = printed_trial.changed(tmp_path, (text[text.index("table1:") :], ""))
    trial = PublishedTrial.read(path).with_options({"endpoints": "os"})
    assert trial.characteristics is None and list(trial.cohorts(m=2)[0].frame) == ["time", "event", "arm"]
    assert "prior" not in trial.cohorts(m=2).label.settings


def test_joined_endpoints_have_characteristics_by_the_endpoint_with_subgroups(printed_trial, tmp_path: Path) -> None:
    more = """    hazard_ratios:
      - {source: Figure 4, arm: drug, reference: usual, value: 0.70, subgroup: {sex: female}}
table1:
"""
    trial = PublishedTrial.read(printed_trial.changed(tmp_path, ("table1:\n", more))).with_options()
    assert trial.characteristics is not None and trial.characteristics.endpoint == "pfs"
    cohorts = trial.cohorts(m=2, seed=1)
    assert list(cohorts[0].frame)[-2:] == ["age", "sex"] and cohorts[0].schema == trial.schema
    assert (cohorts[0].frame["pfs_time"] <= cohorts[0].frame["os_time"]).all()
    assert cohorts.match().set_index("fact").loc["pfs.hr.drug/usual.sex=female", "printed_alike"] == 1
    assert "adjusted_hazard_ratio" in set(cohorts.estimands()["estimand"])


def test_the_fingerprint_follows_every_file(printed_trial, tmp_path: Path) -> None:
    same = PublishedTrial.read(printed_trial.changed(tmp_path)).fingerprint(b"key")
    assert same == PublishedTrial.read(printed_trial.path).fingerprint(b"key")
    with (tmp_path / "os.csv").open("a") as file:
        file.write("drug,40,0.1\n")
    assert PublishedTrial.read(tmp_path / "paper.yaml").fingerprint(b"key") != same


def test_curves_that_contradict_the_numbers_beside_them_are_refused_before_anything_is_drawn(
    printed_trial, tmp_path: Path
) -> None:
    path = printed_trial.changed(tmp_path, ("times: [0, 6, 12, 18]", "times: [0, 16, 17, 18]"))
    with pytest.raises(CurveError, match="the curve leaves at most"):
        PublishedTrial.read(path).require_consistent()


def test_the_card_says_what_is_left_to_test_and_that_no_patient_is_here(trial) -> None:
    told = repr(trial)
    assert "left to test" in told and "os hazard ratio" in told and "No patient of this trial is here" in told
    assert "smith" in trial._repr_html_()
