"""Indirect comparisons: methods, reconstructions, and arguments that are refused."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core.errors import ComparisonError, NotEstimableError
from heorsynth.core.random import stream
from heorsynth.estimators.survival.cox_two_arms import hazard_ratio_of_rows
from heorsynth.published.comparison.match import moments

COMPARE = hs.published.indirect_comparison


def trial(seed: int, arms: tuple[str, str], n: int = 120) -> pd.DataFrame:
    rng = stream(seed, "compare")
    arm = np.repeat(arms, n)
    age, sex = rng.normal(60, 8, 2 * n), np.where(rng.random(2 * n) < 0.4, "female", "male")
    time = rng.exponential(np.exp(3 - 0.03 * (age - 60) + 0.4 * (arm == arms[0])))
    frame = {"time": np.minimum(time, 40), "event": (time < 40).astype(int), "arm": arm, "age": age, "sex": sex}
    return pd.DataFrame(frame)


OWN, PUBLISHED = trial(1, ("A", "B")), [trial(seed, ("C", "B")) for seed in (2, 3, 4)]
MATCH = {"age": {"mean": 62.0, "sd": 7.5}, "sex": {"female": 0.5, "male": 0.5}}


def log_ratio(frame: pd.DataFrame, first: str) -> tuple[float, float]:
    found = hazard_ratio_of_rows(
        frame["time"].to_numpy(), frame["event"].to_numpy() > 0, (frame["arm"] == first).to_numpy()
    )
    return found.value, found.se


def test_bucher_of_cohorts_subtracts_their_hazard_ratios_and_adds_the_spread_of_reconstructions() -> None:
    found = COMPARE(OWN, PUBLISHED, treatment="A", comparator="C", anchor="B")
    (own, own_se), theirs = log_ratio(OWN, "A"), [log_ratio(one, "C") for one in PUBLISHED]
    values = [own - value for value, _ in theirs]
    # Breslow's ties against Efron's: the 40 censored at the end tie with no event
    assert found.log_hazard_ratio.value == pytest.approx(np.mean(values), abs=1e-8)
    within = own_se**2 + np.mean([se**2 for _, se in theirs])
    between = (1 + 1 / 3) * np.var(values, ddof=1)
    assert found.log_hazard_ratio.se**2 == pytest.approx(within + between)
    assert found.from_reconstruction == pytest.approx(between / (within + between))
    assert (found.method, found.m, found.n_own) == ("Bucher", 3, 240)
    assert found.hazard_ratio.low == pytest.approx(np.exp(found.log_hazard_ratio.low))


def test_identical_reconstructions_add_nothing() -> None:
    one = COMPARE(OWN, PUBLISHED[0], treatment="A", comparator="C", anchor="B")
    same = COMPARE(OWN, [PUBLISHED[0]] * 3, treatment="A", comparator="C", anchor="B")
    assert same.log_hazard_ratio.se == pytest.approx(one.log_hazard_ratio.se) and same.from_reconstruction == 0


def test_matching_own_patients_to_themselves_changes_nothing_but_the_variance() -> None:
    own = {"age": float(OWN["age"].mean())}
    matched = COMPARE(OWN, PUBLISHED[0], treatment="A", comparator="C", anchor="B", match=own)
    plain = COMPARE(OWN, PUBLISHED[0], treatment="A", comparator="C", anchor="B")
    assert matched.log_hazard_ratio.value == pytest.approx(plain.log_hazard_ratio.value)
    assert matched.effective_n == pytest.approx(240) and matched.method == "anchored MAIC"


def test_an_unanchored_comparison_is_the_cox_model_of_both_arms() -> None:
    treated = OWN[OWN["arm"] == "A"]
    found = COMPARE(OWN, PUBLISHED[0], treatment="A", comparator="C", match={"age": float(treated["age"].mean())})
    both = pd.concat([treated, PUBLISHED[0][PUBLISHED[0]["arm"] == "C"]])
    assert found.log_hazard_ratio.value == pytest.approx(log_ratio(both, "A")[0], abs=1e-6)
    assert found.own is None and found.anchor == "" and "Unanchored" in repr(found)
    assert found.to_frame()["effective_n"].item() == pytest.approx(120)


def test_a_cohort_knows_its_columns() -> None:
    cohort = hs.Cohort(OWN.rename(columns={"time": "t", "event": "d", "arm": "trt"}),
                       endpoints={"os": ("t", "d")}, arm="trt", unit="month")  # fmt: skip
    found = COMPARE(cohort, PUBLISHED, treatment="A", comparator="C", anchor="B", match=MATCH)
    plain = COMPARE(OWN, PUBLISHED, treatment="A", comparator="C", anchor="B", match=MATCH)
    assert found.log_hazard_ratio == plain.log_hazard_ratio
    assert 60 < found.effective_n < 240 and "anchored MAIC" in found._repr_html_()


def test_patients_without_a_characteristic_are_left_out_and_counted() -> None:
    gaps = OWN.assign(age=OWN["age"].where(OWN.index % 10 > 0))
    assert COMPARE(gaps, PUBLISHED, treatment="A", comparator="C", anchor="B", match=MATCH).n_own == 216


def test_a_standard_deviation_is_matched_by_the_second_moment() -> None:
    covariates, targets = moments(OWN, MATCH)
    assert covariates.shape == (240, 3) and targets.tolist() == [62.0, 56.25, 0.5]
    assert covariates[:, 1] == pytest.approx((OWN["age"].to_numpy() - 62) ** 2)


EST = hs.Estimate.normal(-0.3, 0.2)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"anchor": None}, "neither an anchor nor characteristics"),
        ({"own": EST, "match": MATCH}, "an estimate cannot be matched"),
        ({"published": EST, "anchor": None, "match": MATCH}, "an estimate has no arm"),
        ({"published": []}, "not cohorts or frames"),
        ({"treatment": "AA"}, "did you mean 'A'"),
        ({"columns": ("times", "event", "arm")}, "did you mean 'time'"),
        ({"match": {"agee": 60}}, "did you mean 'age'"),
        ({"match": {"sex": 0.4}}, "a mean of a column that is not a number"),
        ({"match": {"sex": {"femal": 0.4}}}, "1 of 1 levels do not occur"),
        ({"match": {"sex": {"female": 40}}}, "shares that are not between 0 and 1"),
        ({"match": {"age": {"mean": 60, "sd": 0}}}, "a standard deviation that is not positive"),
        ({"match": {"age": "60"}}, "not a number or a mapping"),
        ({"own": OWN.assign(event=2)}, "an event that is not 0 or 1"),
    ],
)
def test_arguments_that_cannot_be_are_refused(change: dict[str, object], found: str) -> None:
    given = {"own": OWN, "published": PUBLISHED, "treatment": "A", "comparator": "C", "anchor": "B", **change}
    with pytest.raises(ComparisonError) as error:
        COMPARE(given.pop("own"), given.pop("published"), **given)
    assert found in str(error.value)


def test_published_patients_out_of_reach_are_not_estimable() -> None:
    with pytest.raises(NotEstimableError, match="outside of the patients' range"):
        COMPARE(OWN, PUBLISHED, treatment="A", comparator="C", anchor="B", match={"age": 150})
