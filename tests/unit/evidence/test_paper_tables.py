"""Table 1 against columns of the cohorts, by hand; and what is not compared."""

import numpy as np
import pytest

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.evidence.paper import plan_for_paper
from heorsynth.evidence.paper_questions import Asking
from heorsynth.evidence.paper_tables import not_compared, not_determined, table_findings
from heorsynth.published.trial.trial import PublishedTrial


@pytest.fixture(scope="module")
def trial(printed_trial):
    return PublishedTrial.read(printed_trial.path).with_options({"endpoints": "os"})


def asked(trial, age: float, share: float) -> Asking:
    """Cohorts in which the drug's ages have this mean with SD 9.8, and this share of each arm is female."""
    cohorts = []
    for part, one in enumerate(trial.cohorts(m=3, seed=1)):
        frame = one.frame.sort_values("arm")
        z = np.linspace(-1.7, 1.7, 100)
        ages = np.concatenate([age + part * 0.01 + 9.8 * z / z.std(ddof=1), 62 + 10 * z])
        females = np.tile(np.arange(100) < round(100 * share), 2)
        frame = frame.assign(age=ages, sex=np.where(females, "female", "male"))
        cohorts.append(Cohort.derive(one.schema, frame, label=one.label))
    return Asking(trial, cohorts, plan_for_paper(trial))


def by_name(asking: Asking):
    return {(one.estimand, one.group): one for one in table_findings(asking)}


def test_means_deviations_medians_and_shares_agree_where_the_columns_do(trial) -> None:
    found = by_name(asked(trial, 61.2, 0.40))
    assert found["mean of age", "arm=drug"].verdict == "pass"
    assert found["sd of age", "arm=drug"].synthetic == pytest.approx(9.8)
    assert found["median of age", "arm=usual"].margin == pytest.approx(0.1 * 14 / 1.349)
    assert found["share of sex=female", "arm=drug"].real == 0.40
    assert not any(one.decisive for one in found.values())


def test_a_mean_off_by_a_fifth_of_a_standard_deviation_fails(trial) -> None:
    found = by_name(asked(trial, 61.2 + 0.2 * 9.8, 0.40))
    assert found["mean of age", "arm=drug"].verdict == "fail"
    assert found["mean of age", "arm=drug"].margin == pytest.approx(0.98)


def test_a_share_off_by_ten_points_fails(trial) -> None:
    found = by_name(asked(trial, 61.2, 0.50))
    assert found["share of sex=female", "arm=drug"].verdict == "fail"
    assert found["share of sex=female", "arm=usual"].verdict != "pass"


def test_columns_that_the_cohorts_lack_are_named_as_not_compared(trial) -> None:
    plain = trial.with_options({"endpoints": "os", "characteristics": False})
    asking = Asking(plain, list(plain.cohorts(m=2)), plan_for_paper(plain))
    assert table_findings(asking) == []
    (note,) = not_compared(asking, [])
    assert "table 1 (10 facts)" in note
    assert not_compared(asked(trial, 61.2, 0.4), []) == ()


def test_table_1_of_the_cohorts_is_constructed_and_what_it_leaves_open_is_told(trial) -> None:
    cohorts = trial.cohorts(m=4, seed=1)
    found = table_findings(Asking(trial, cohorts, plan_for_paper(trial)))
    assert len(found) == 7 and all(one.constructed and one.verdict == "pass" for one in found)
    drawn, adjusted = not_determined(cohorts)
    assert "correlation (age and sex)" in drawn and "effect 0.3" in drawn
    assert "adjusted for Table 1" in adjusted and "of this interval is the prior's" in adjusted
    assert not_determined(list(cohorts)) == ()


def test_costs_of_the_paper_are_compared(printed_trial, tmp_path) -> None:
    costs = "costs:\n  total: {source: Table 3, currency: EUR, arms: {drug: {mean: 900, sd: 500}}}\ntable1:\n"
    path = printed_trial.changed(tmp_path, ("table1:\n", costs))
    trial = PublishedTrial.read(path).with_options({"endpoints": "os"})
    found = by_name(Asking(trial, trial.cohorts(m=2, seed=1), plan_for_paper(trial)))
    assert found["mean of total", "arm=drug"].constructed and found["mean of total", "arm=drug"].verdict == "pass"
