"""Roles and numbers of another kind than is asked for: refused by one rule; and decimals of every size."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.core.errors import HeorsynthError
from heorsynth.core.numbers import is_number, is_whole
from heorsynth.generators.sampling.formats import decimals_of

N = 40
RNG = np.random.default_rng(0)
PATIENTS = pd.DataFrame({
    "time": RNG.integers(2, 999, N),
    "event": RNG.integers(0, 2, N),
    "arm": RNG.choice(["a", "b"], N),
    "sex": RNG.choice(["f", "m"], N),
    "age": RNG.normal(62, 10, N).round(),
    "cost": RNG.gamma(2, 2000, N).round(2),
    "qaly": RNG.uniform(0, 1, N).round(3),
})  # fmt: skip


def cohort() -> hs.Cohort:
    return hs.Cohort(PATIENTS, endpoints={"os": ("time", "event")}, arm="arm")


def test_times_with_many_decimals_below_one_unit_stay_below_it() -> None:
    """Days over 365.25 have no last decimal: every time below one year was drawn as one year."""
    r = np.random.default_rng(0)
    frame = pd.DataFrame({"time": r.integers(1, 1500, 300) / 365.25, "event": r.integers(0, 2, 300),
                          "marker": r.lognormal(0, 0.5, 300) * 1e-11})  # fmt: skip
    cohort = hs.Cohort(frame, endpoints={"os": ("time", "event")}, unit="year")
    for one in hs.generators.create("heor").fit(cohort, seed=1).sample(m=2, seed=1):
        assert (one.frame["time"] < 1).mean() == pytest.approx((frame["time"] < 1).mean(), abs=0.02)
        assert one.frame["marker"].mean() == pytest.approx(frame["marker"].mean(), rel=0.05)
        assert one.frame["time"].min() > 0


def test_decimals_are_judged_by_the_size_of_the_numbers() -> None:
    assert decimals_of(np.array([2e-11, 3e-11])) is None
    assert decimals_of(np.array([0.25, 0.5])) == 2
    assert decimals_of(np.array([0.1 + 0.2, 0.3])) == 1
    assert decimals_of(np.array([0.0, 0.0])) == 0
    assert decimals_of(np.array([1e15, 2e15])) == 0
    assert decimals_of(np.array([1e17, 2e17])) is None


CLASHES = [
    ({"costs": ["cost"], "id": "cost"}, "id and cost"),
    ({"arm": "time"}, "time and arm or subgroup"),
    ({"subgroups": ["event"]}, "event and arm or subgroup"),
    ({"entry": "time"}, "time and entry"),
    ({"cluster": "arm", "arm": "arm"}, "cluster and arm or subgroup"),
    ({"cluster": "sex", "id": "sex"}, "id and cluster"),
    ({"cluster": "cost", "costs": ["cost"]}, "cluster and cost"),
    ({"id": "event"}, "id and event"),
    ({"costs": ["time"]}, "time and cost"),
    ({"utilities": ["cost"], "costs": ["cost"]}, "cost and utility"),
    ({"costs": ["sex"], "subgroups": ["sex"]}, "arm or subgroup and cost"),
    ({"id": "arm", "arm": "arm"}, "id and arm or subgroup"),
    ({"costs": ["cost", "cost"]}, "named twice"),
    ({"totals": {"cost": ["cost", "age"]}, "costs": ["cost"]}, "a part of itself"),
    ({"totals": {"time": ["age", "cost"]}}, "time and total"),
    ({"bands": {"g": ("time", (50,), ("lo", "hi"))}}, "time and source of a band"),
    ({"id": "age", "bands": {"g": ("age", (50,), ("lo", "hi"))}}, "id and source of a band"),
    ({"entry": "age", "utilities": ["age"]}, "entry and utility"),
]


@pytest.mark.parametrize(("roles", "told"), CLASHES)
def test_roles_that_contradict_one_another_are_refused(roles: dict[str, object], told: str) -> None:
    with pytest.raises(errors.RoleError) as refused:
        hs.Cohort(PATIENTS, endpoints={"os": ("time", "event")}, **roles)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "roles",
    [
        {"arm": "arm", "subgroups": ["arm", "sex"]},
        {"costs": ["cost"], "bands": {"g": ("cost", (4000,), ("lo", "hi"))}, "subgroups": ["g"]},
        {"endpoints": {"os": ("time", "event"), "again": ("time", "event")}},
    ],
)
def test_roles_that_go_together_are_taken(roles: dict[str, object]) -> None:
    cohort = hs.Cohort(PATIENTS, **{"endpoints": {"os": ("time", "event")}, **roles})
    assert hs.generators.create("heor").fit(cohort, seed=1).sample(m=1, seed=1).broken == {}


SLIPS = {
    "arm": [5, ["arm"], {"arm": 1}, b"arm", True, np.nan],
    "id": [0, ("patient",)],
    "entry": [1.5, []],
    "cluster": [5, ["arm"], {"arm": 1}, b"arm", True, np.nan],
    "costs": [5, {"cost": 1}, [1], [None], b"x"],
    "utilities": [7, [["qaly"]]],
    "subgroups": [1.5, [True]],
    "unit": [None, 5, ["day"], "days"],
    "currency": [5, ["EUR"], "", " "],
    "price_year": [True, "2024", 2024.5, np.nan, -5, 24],
    "order": ["pfs", [("a",)], {"a": "b"}, 5, [None]],
    "totals": [5, ["cost"], {"cost": []}, {"cost": 5}],
    "bands": [
        {"g": 5},
        {"g": ("age", 5, ("a", "b"))},
        {"g": ("age", (True,), ("a", "b"))},
        {"g": ("age", ("50",), ("a", "b"))},
        {"g": ("age", (np.nan,), ("a", "b"))},
    ],
    "endpoints": [
        5,
        None,
        {"os": 5},
        {"os": ("time",)},
        {"os": ("time", "event", {True: "death"})},
        {"os": ("time", "event", {"1": "death"})},
        {"os": [["time"], "event"]},
    ],
}


@pytest.mark.parametrize("role", SLIPS)
def test_a_role_of_another_type_is_refused_as_that(role: str) -> None:
    for slip in SLIPS[role]:
        with pytest.raises(HeorsynthError):
            hs.Cohort(PATIENTS, **{"endpoints": {"os": ("time", "event")}, role: slip})


COUNTS = [True, False, "20", 20.0, np.nan, np.inf, 0, -1, None, [20], np.bool_(True), np.float64(2), 1 + 0j]


@pytest.mark.parametrize("slip", COUNTS)
def test_one_rule_says_what_a_count_is(slip: object) -> None:
    """A truth value, a text, a decimal, nothing, zero and below are no number of cohorts, rows or patients."""
    sampler = hs.generators.create("bootstrap").fit(cohort(), seed=1)
    with pytest.raises(HeorsynthError):
        sampler.sample(m=slip)
    with pytest.raises(HeorsynthError):
        hs.generators.create("heor", min_patients=slip)
    with pytest.raises(HeorsynthError):
        hs.generators.create("heor", most_rows=slip)
    with pytest.raises(HeorsynthError):
        hs.generators.create("arf", trees=slip)
    if slip is not None:
        with pytest.raises(HeorsynthError):
            sampler.sample(n=slip, m=1)
    if slip != 0 or isinstance(slip, bool):
        with pytest.raises(errors.SeedError):
            sampler.sample(m=1, seed=slip)


def test_whole_numbers_of_numpy_are_counts_and_seeds() -> None:
    sampler = hs.generators.create("heor", min_patients=np.int64(5)).fit(cohort(), seed=1)
    assert len(sampler.sample(n=np.int32(20), m=np.int8(2), seed=np.uint8(1))) == 2
    assert is_whole(np.uint64(3), 3) and not is_whole(np.uint64(3), 4)
    assert is_number(np.float32(0.5)) and not is_number(np.bool_(True)) and not is_number("0.5")
