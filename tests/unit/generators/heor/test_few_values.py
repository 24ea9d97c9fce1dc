"""Times, entry and money of which only a few differ are numbers still, and no drawn column loses a value."""

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.cohort.domain import Domain
from heorsynth.generators.heor.entry import EntryLaw, just_below, places
from heorsynth.generators.sampling.sampler import Sampler

N = 300
PFS_THEN_OS = {"endpoints": {"pfs": ("pfs", "progressed"), "os": ("time", "event")}, "order": [("pfs", "os")]}
UNTRAINED = ["heor", "bootstrap", "marginals", "arf", "gaussian_copula"]
"""The generators of the registry that train no network."""


def issue_rows(n: int = N) -> pd.DataFrame:
    r = np.random.default_rng(0)
    return pd.DataFrame({"time": r.integers(1, 999, n), "event": r.integers(0, 2, n), "arm": r.choice(["a", "b"], n),
                         "age": r.normal(62, 10, n).round(), "cost": r.gamma(2, 2000, n).round(2)})  # fmt: skip


def of(values: list[float], seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).choice(values, N)


def cohort(frame: pd.DataFrame, **roles: object) -> hs.Cohort:
    return hs.Cohort(frame, **{"endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": ["cost"], **roles})


def drawn(source: hs.Cohort, name: str = "heor", m: int = 2) -> "hs.SyntheticCohorts":
    return hs.generators.create(name).fit(source, seed=1).sample(m=m, seed=1)


@pytest.mark.parametrize("values", [[365.0, 730.0], [365, 730], [1.5, 3.0], [1.5, 100.0], [365.0], [365], [2.5]])
def test_one_or_two_follow_up_times_are_drawn_as_themselves_in_the_shares_of_the_source(values: list[float]) -> None:
    frame = issue_rows().assign(time=of(values))
    syn = drawn(cohort(frame))
    for one in syn:
        assert set(one.frame["time"]) == set(values)
        assert one.frame["time"].dtype == frame["time"].dtype
        share = (one.frame["time"] == values[0]).mean()
        assert share == pytest.approx((frame["time"] == values[0]).mean(), abs=0.01)
    assert syn.broken == {}


@pytest.mark.parametrize("name", UNTRAINED)
@pytest.mark.parametrize("values", [[365.0, 730.0], [365, 730], [365.0]])
def test_no_generator_draws_a_missing_time_where_few_differ(name: str, values: list[float]) -> None:
    syn = drawn(cohort(issue_rows().assign(time=of(values))), name, m=1)
    assert set(syn[0].frame["time"]) <= set(values)
    assert not syn[0].frame.isna().any().any()


@pytest.mark.parametrize("values", [[0, 500], [0.0, 500.0], [0.0, 500.5], [500.0, np.nan, 0.0]])
def test_costs_and_utilities_of_two_values_keep_their_values_and_means(values: list[float]) -> None:
    frame = issue_rows().assign(cost=of(values), qaly=of([0.0, 1.0], seed=2))
    syn = drawn(cohort(frame, utilities=["qaly"]))
    for one in syn:
        assert set(one.frame["cost"].dropna()) == set(frame["cost"].dropna())
        assert set(one.frame["qaly"]) == {0.0, 1.0}
        assert one.frame["cost"].mean() == pytest.approx(frame["cost"].mean(), rel=0.01)
        assert one.frame["cost"].isna().sum() == pytest.approx(frame["cost"].isna().sum(), abs=3)


@pytest.mark.parametrize("values", [[0, 5], [0.0, 5.0], [0], [3.0], list(range(15)), [0.0, 100.0]])
def test_entry_keeps_its_values_its_shares_and_its_place_before_every_time(values: list[float]) -> None:
    frame = issue_rows().assign(entry=of(values), time=np.random.default_rng(2).integers(101, 999, N))
    syn = drawn(cohort(frame, entry="entry"))
    for one in syn:
        assert set(one.frame["entry"]) <= set(values)
        assert one.frame["entry"].mean() == pytest.approx(frame["entry"].mean(), abs=0.1)
        assert (one.frame["entry"] < one.frame["time"]).all()
        assert one.frame["entry"].dtype == frame["entry"].dtype
    assert syn.broken == {}


def test_entry_stays_in_its_range_and_keeps_its_curve_where_it_truncates_follow_up() -> None:
    r = np.random.default_rng(3)
    entry, time = r.integers(0, 400, 20 * N), r.integers(1, 999, 20 * N)
    seen = np.flatnonzero(entry < time)[:N]
    frame = issue_rows().assign(entry=entry[seen], time=time[seen])
    syn = drawn(cohort(frame, entry="entry"), m=5)
    pooled = pd.concat([one.frame for one in syn])
    assert (pooled["entry"] < pooled["time"]).all()
    assert frame["entry"].min() <= pooled["entry"].min() and pooled["entry"].max() <= frame["entry"].max()
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert pooled["entry"].quantile(share) == pytest.approx(frame["entry"].quantile(share), abs=10)


def test_entry_lies_before_the_earliest_of_all_endpoints() -> None:
    r = np.random.default_rng(4)
    frame = issue_rows().assign(pfs=r.integers(11, 40, N), progressed=r.integers(0, 2, N), entry=r.integers(0, 11, N))
    frame["time"] += 11
    endpoints = {"os": ("time", "event"), "pfs": ("pfs", "progressed")}
    for one in drawn(cohort(frame, entry="entry", endpoints=endpoints)):
        assert (one.frame["entry"] < one.frame[["time", "pfs"]].min(axis=1)).all()


def test_the_law_of_entry_is_the_product_limit_estimate_in_reversed_time() -> None:
    """Four rows by hand: of the three under observation just after 3 one entered then, and likewise after 1."""
    entry, last = np.array([0.0, 1.0, 3.0, 0.0]), np.array([2.0, 5.0, 5.0, 5.0])
    law = EntryLaw.of(entry, last, 1, 0)
    # so the shares of 3, 1 and 0 are 1/3, 2/3 of 1/3, and the rest
    np.testing.assert_allclose(law.quantiles.edges, [0, 4 / 9, 6 / 9, 1])
    np.testing.assert_allclose(places(entry, last), [(2 / 9) / (6 / 9), 5 / 9, 7.5 / 9, 2 / 9])
    assert law.before(np.array([0.0, 0.5, 0.999, 0.7]), np.array([1.0, 3.0, 9.0, 0.5])).tolist() == [0, 0, 3, 0]


def test_an_entry_before_a_time_below_all_entries_is_the_largest_that_can_be_written() -> None:
    law = EntryLaw.of(np.full(6, 30.0), np.full(6, 40.0), 5, 0)
    assert law.before(np.array([0.5, 0.5]), np.array([30.0, 31.0])).tolist() == [29.0, 30.0]
    assert just_below(np.array([0.5, 1.0, 29.5, 30.0]), 0).tolist() == [0, 0, 29, 29]
    assert just_below(np.array([0.25]), 1)[0] == pytest.approx(0.2)
    assert 0 < just_below(np.array([0.25]), None)[0] < 0.25


def test_follow_ups_that_never_overlap_leave_a_law_of_entry_all_the_same() -> None:
    entry = np.arange(N, dtype=float)
    law = EntryLaw.of(entry, entry + 0.5, 5, 0)
    found = law.before(np.linspace(0.01, 0.99, N), entry + 0.5)
    assert np.isfinite(found).all() and (found < entry + 0.5).all() and (found >= 0).all()


PFS = {
    "as drawn": lambda frame, r: np.minimum(frame["time"], r.integers(1, 999, N)),
    "constant": lambda frame, r: 1,
    "constant and decimal": lambda frame, r: 0.5,
    "two values": lambda frame, r: np.minimum(r.choice([1, 2], N), frame["time"]),
    "all tied": lambda frame, r: frame["time"],
}
OS = {"as it is": None, "constant": [1000], "two values": [1000.0, 2000.0], "two decimals": [1000.5, 2000.0]}


@pytest.mark.parametrize("pfs", PFS)
@pytest.mark.parametrize("os", OS)
def test_an_ordered_endpoint_of_few_values_never_comes_after_the_last_and_never_is_missing(pfs: str, os: str) -> None:
    frame = issue_rows()
    frame["time"] = frame["time"] if OS[os] is None else of(OS[os])
    frame["pfs"] = PFS[pfs](frame, np.random.default_rng(5))
    frame["progressed"] = np.where(frame["pfs"] < frame["time"], 1, frame["event"])
    syn = drawn(cohort(frame, **PFS_THEN_OS))
    for one in syn:
        assert (one.frame["pfs"] <= one.frame["time"]).all()
        assert (one.frame["pfs"] > 0).all()
        assert not one.frame.isna().any().any()
    assert syn.broken == {}
    if pfs == "all tied":
        assert all((one.frame["pfs"] == one.frame["time"]).all() for one in syn)


def test_a_saved_generator_keeps_the_law_of_entry(tmp_path) -> None:
    frame = issue_rows().assign(entry=of([0, 5]), time=np.random.default_rng(2).integers(6, 999, N))
    sampler = hs.generators.create("heor").fit(cohort(frame, entry="entry"), seed=1)
    again = hs.generators.load(sampler.save(tmp_path / "g.json"))
    pd.testing.assert_frame_equal(sampler.sample(m=1, seed=3)[0].frame, again.sample(m=1, seed=3)[0].frame)


@dataclass(frozen=True)
class Forgetful:
    """A law of somebody else's that loses some values of a column that every patient has."""

    frame: pd.DataFrame
    conditional: bool = False

    def draw(self, n: int, rng: np.random.Generator, where: object = None) -> pd.DataFrame:
        rows = self.frame.iloc[rng.integers(len(self.frame), size=n)].reset_index(drop=True)
        return rows.assign(age=rows["age"].mask(np.arange(n) % 3 == 0))


def test_a_generator_that_loses_values_every_patient_has_is_refused_whatever_draws_them(tmp_path) -> None:
    source = cohort(issue_rows())
    sampler = Sampler.fitted("forgetful", {}, source, Forgetful(source.frame), 1)
    for draw in (lambda: sampler.sample(m=1), lambda: sampler.sample(m=1, where={}), lambda: sampler.write(tmp_path)):
        with pytest.raises(errors.GeneratorError, match="column 'age': 100 of 300 rows have no value"):
            draw()


def test_a_total_known_where_a_part_of_it_is_not_is_no_sum() -> None:
    frame = issue_rows().assign(drug=100.0, cost=lambda held: held["cost"] + 100)
    frame["stay"] = frame["cost"] - frame["drug"]
    frame["drug"] = frame["drug"] + np.arange(N) % 2
    frame["cost"] = frame["drug"] + frame["stay"]
    totals = {"cost": ["drug", "stay"]}
    cohort(frame, totals=totals)
    frame.loc[:3, "drug"] = np.nan
    with pytest.raises(errors.RoleError, match="is not the sum of its parts in 4 rows"):
        cohort(frame, totals=totals)


CRASH = """\
from heorsynth import cli

@cli.cli.command()
def crash():
    value = "Canary-4471"
    float(value)

cli.main()
"""


def test_a_fault_of_ours_has_an_exit_code_of_its_own_and_says_no_value() -> None:
    done = subprocess.run([sys.executable, "-c", CRASH, "crash"], capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert "failed with ValueError: nothing was judged" in done.stderr
    assert "4471" not in done.stderr + done.stdout


def test_entry_past_its_range_is_counted_among_what_rows_break() -> None:
    source = cohort(issue_rows().assign(entry=of([0, 5]), time=900), entry="entry")
    rows = source.frame.assign(entry=278)
    counted = Domain.of(source).breaks(rows)
    assert counted == {"entry: outside the source's range": N}
