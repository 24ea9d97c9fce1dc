"""The controls, the sampler and what it returns, on cohorts small enough to check by hand."""

import json
import math

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.generators.sampling.cohorts import SyntheticCohorts
from heorsynth.generators.sampling.source import MIN_PATIENTS, require_source, training_frame


def cohort(n: int = 40) -> "hs.Cohort":
    """`n` patients whose two markers are equal, so that a broken relation shows."""
    frame = pd.DataFrame({
        "patient": [f"P{i}" for i in range(n)], "time": np.arange(1.0, n + 1), "event": [1, 0] * (n // 2),
        "sex": (["f"] * 3 + ["m"]) * (n // 4), "x": np.arange(n) / 2, "twin": np.arange(n) / 2,
        "age": np.arange(30, 30 + n), "group": ["young" if age < 50 else "old" for age in range(30, 30 + n)],
    })  # fmt: skip
    return hs.Cohort(
        frame, endpoints={"os": ("time", "event")}, subgroups=["sex"], id="patient",
        bands={"group": ("age", (50,), ("young", "old"))},
    )  # fmt: skip


def sampler(name: str):
    return hs.generators.create(name).fit(cohort(), seed=1)


def test_bootstrap_draws_whole_rows_of_the_source_and_some_twice() -> None:
    drawn = sampler("bootstrap").sample(m=1, seed=1)[0].frame.reset_index(drop=True)
    source = cohort().frame.drop(columns="patient")
    assert len(drawn.merge(source, how="inner")) == len(drawn)
    assert 0 < drawn.duplicated().sum() < len(drawn)


def test_marginals_keep_values_and_break_every_relation_but_the_bands() -> None:
    drawn = sampler("marginals").sample(n=2000, m=1, seed=1)[0].frame
    assert set(drawn["x"]) == set(cohort().frame["x"])
    # four standard errors of a correlation of 2,000 unrelated pairs are 0.09
    assert abs(np.corrcoef(drawn["x"], drawn["twin"])[0, 1]) < 0.09
    assert ((drawn["age"] < 50) == (drawn["group"] == "young")).all()


def test_a_generator_sees_neither_ids_nor_bands() -> None:
    assert list(training_frame(cohort()).columns) == ["time", "event", "sex", "x", "twin", "age"]


def test_where_on_a_band_is_drawn_by_its_number() -> None:
    source = hs.Cohort.derive(cohort().schema.with_roles(subgroups=("sex", "group")), cohort().frame, label=None)
    fitted = hs.generators.create("marginals").fit(source, seed=1)
    drawn = fitted.sample(n=15, m=1, seed=1, where={"group": "old"})[0].frame
    assert len(drawn) == 15
    assert (drawn["age"] >= 50).all()


def test_a_level_the_generator_lost_is_said_so_rather_than_waited_for() -> None:
    frame = cohort().frame.assign(twin=lambda held: np.where(held["sex"] == "m", "b", "a"))
    source = hs.Cohort.derive(cohort().schema.with_roles(subgroups=("sex", "twin")), frame, label=None)
    fitted = hs.generators.create("bootstrap").fit(source, seed=1)
    with pytest.raises(errors.GeneratorError, match="0 rows of the level asked for"):
        fitted.sample(n=5, m=1, seed=1, where={"sex": "m", "twin": "a"})


@pytest.mark.parametrize("asked", [{"n": 2.5}, {"n": "10"}, {"n": True}, {"m": 1.5}, {"n": -3}, {"m": -1}])
def test_a_number_of_rows_or_cohorts_that_is_none_is_refused(asked: dict) -> None:
    with pytest.raises(errors.TooFewPatientsError, match="a whole number"):
        sampler("bootstrap").sample(**asked)


def test_a_label_is_json_even_if_numbers_came_from_numpy() -> None:
    drawn = sampler("bootstrap").sample(n=np.int64(7), m=np.int64(2), seed=np.int64(3))
    facts = json.loads(drawn[1].label.to_json())
    assert (facts["n_rows"], facts["m"], facts["part"], facts["seed"]) == (7, 2, 1, 3)


def test_ids_run_on_over_the_cohorts_of_a_release() -> None:
    drawn = sampler("bootstrap").sample(n=3, m=2, seed=1)
    assert [name[-6:] for name in drawn[1].frame.index] == ["000003", "000004", "000005"]
    assert len({name[:9] for part in drawn for name in part.frame.index}) == 1


def test_a_copy_of_a_copy_says_how_deep_it_is() -> None:
    frame = cohort().frame.drop(columns="patient")
    plain = hs.Cohort.derive(cohort().schema.with_roles(id=None), frame, label=None)
    first = hs.generators.create("bootstrap").fit(plain, seed=1).sample(m=1, seed=1)[0]
    second = hs.generators.create("bootstrap").fit(first, seed=1, allow_synthetic_source=True).sample(m=1, seed=1)
    assert (first.label.depth, second.label.depth) == (1, 2)


def test_a_slice_is_synthetic_cohorts_and_an_index_is_one() -> None:
    drawn = sampler("bootstrap").sample(n=10, m=5, seed=1)
    assert isinstance(drawn[1:3], SyntheticCohorts)
    assert [part.label.part for part in drawn[1:3]] == [1, 2]
    assert drawn[-1].label.part == 4
    assert len(list(drawn)) == len(drawn) == 5
    with pytest.raises(IndexError):
        drawn[5]


def test_cohorts_without_a_label_are_not_taken_for_synthetic() -> None:
    with pytest.raises(errors.LabelError, match="1 of 1 carry no label"):
        SyntheticCohorts([cohort()], [{}])


def test_analyse_pools_by_hand() -> None:
    drawn = sampler("bootstrap").sample(n=40, m=2, seed=1)
    given = iter([(0.9, 0.03), (1.1, 0.03)])
    pooled = drawn.analyse(lambda _: next(given))
    # T = (40/40)·0.03 + 0.02/2 = 0.04
    assert pooled.value == pytest.approx(1.0)
    assert pooled.se == pytest.approx(0.2)
    assert pooled.n_used == 40


def test_drawing_more_rows_than_patients_does_not_narrow_the_interval() -> None:
    def mean(part: "hs.Cohort") -> tuple[float, float]:
        return part.frame["x"].mean(), part.frame["x"].var() / part.n

    fitted, source = sampler("bootstrap"), cohort().frame["x"]
    real = math.sqrt(source.var() / 40)
    for n in (40, 4000):
        pooled = fitted.sample(n=n, m=50, seed=1).analyse(mean)
        assert pooled.se == pytest.approx(real, rel=0.06)  # b/m adds 1% at n = 40; var of 50 samples is within 5%


@pytest.mark.parametrize(("change", "kind"), [
    (lambda frame: frame.head(MIN_PATIENTS - 1), errors.TooFewPatientsError),
    (lambda frame: frame.assign(sex="f"), errors.EmptyColumnError),
    (lambda frame: frame.assign(event=0), errors.NoEventsError),
    (lambda frame: frame.assign(x=np.nan), errors.EmptyColumnError),
])  # fmt: skip
def test_a_source_no_generator_can_copy_is_refused_by_its_kind(change, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        require_source(hs.Cohort.derive(cohort().schema, change(cohort().frame), label=None))


def test_all_that_is_wrong_with_a_source_is_told_at_once() -> None:
    poor = hs.Cohort.derive(cohort().schema, cohort().frame.head(8).assign(event=0, x=np.nan), label=None)
    with pytest.raises(errors.CohortError) as raised:
        require_source(poor)
    assert len(raised.value.problems) == 3


def test_ten_patients_are_enough_to_be_asked() -> None:
    require_source(hs.Cohort.derive(cohort().schema, cohort().frame.head(MIN_PATIENTS), label=None))


@pytest.mark.parametrize("name", ["heor", "bootstrap"])
def test_an_analysis_of_a_subgroup_or_a_new_mix_claims_no_more_than_its_patients(name: str) -> None:
    """44 of the 418 are men: a cohort of men, or half of men, holds what 44 or 88 patients hold."""
    sampler = hs.generators.create(name).fit(hs.datasets.load("pbc"), seed=1)

    def width(**asked: object) -> tuple[int, float]:
        drawn = sampler.sample(n=418, m=5, seed=1, **asked)
        pooled = drawn.analyse(lambda c: (c.frame["age"].mean(), c.frame["age"].var() / c.n))
        return drawn.label.rests_on, pooled.se

    everyone, men, balanced = width(), width(where={"sex": "m"}), width(targets={"sex": {"f": 0.5, "m": 0.5}})
    assert everyone[0] == 418
    assert men[0] == 44
    assert 60 <= balanced[0] <= 88  # rounding may inflate a small cell a little more than the men as a whole
    assert men[1] > 2 * everyone[1]
    assert balanced[1] > everyone[1]


@pytest.mark.parametrize("name", ["heor", "bootstrap", "marginals"])
def test_a_cohort_without_arm_and_subgroups_rests_on_all_its_patients(name: str) -> None:
    whole = cohort()
    alone = hs.Cohort(whole.frame[["time", "event", "x"]], endpoints={"os": ("time", "event")})
    drawn = hs.generators.create(name).fit(alone, seed=1).sample(n=400, m=5, seed=1)
    assert drawn.label.rests_on == alone.n
    pooled = drawn.analyse(lambda one: (one.frame["x"].mean(), one.frame["x"].var(ddof=1) / one.n))
    plain = alone.frame["x"].std(ddof=1) / math.sqrt(alone.n)
    assert pooled.se == pytest.approx(plain, rel=0.2)
