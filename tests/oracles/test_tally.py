"""Estimates from tallies against estimates from rows: equal while times are exact, within the stated bound beyond."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.core import observed, strata
from heorsynth.core.errors import NotEstimableError
from heorsynth.data.folders.tally import Tally
from heorsynth.data.folders.value_counts import EXACT, LARGEST_ERROR, lowered, rounded
from heorsynth.estimators.costs.costs import mean_of
from heorsynth.estimators.costs.quantiles import quantile_of
from heorsynth.estimators.economics.increments import increments_of
from heorsynth.estimators.survival import summaries as curve_summaries
from heorsynth.estimators.survival.log_rank import log_rank, log_rank_of

N = 3000


def cohort_of(n: int, *, decimals: int = 0, entry: bool = False, seed: int = 5) -> hs.Cohort:
    """Two arms, two causes, costs with zeros and gaps, utilities with spikes; in whole days unless told otherwise."""
    rng = np.random.default_rng(seed)
    arm = rng.choice(["a", "b"], n)
    time = np.maximum(np.round(rng.weibull(1.2, n) * np.where(arm == "a", 900, 1300), decimals), 10.0**-decimals)
    start = np.round(rng.random(n) * time * 0.5, decimals) * (rng.random(n) < 0.5)
    frame = pd.DataFrame(
        {
            "arm": arm,
            "sex": rng.choice(["f", "m"], n, p=[0.3, 0.7]),
            "time": time,
            "event": rng.choice([0, 1, 1, 2], n),
            "entry": np.where(start < time, start, 0.0),
            "cost": np.where(rng.random(n) < 0.2, 0.0, np.round(rng.lognormal(8, 1, n), 2)),
            "qaly": np.where(rng.random(n) < 0.1, 1.0, np.round(rng.normal(0.5, 0.4, n), 3)),
        }
    )
    frame.loc[rng.random(n) < 0.1, "cost"] = np.nan
    frame.loc[rng.random(n) < 0.1, "qaly"] = np.nan
    return hs.Cohort(
        frame, endpoints={"os": ("time", "event")}, arm="arm", subgroups=["sex"], costs="cost", utilities="qaly",
        entry="entry" if entry else None,
    )  # fmt: skip


@pytest.fixture(scope="module", params=[False, True], ids=["from the start", "delayed entry"])
def both(request: pytest.FixtureRequest) -> tuple[hs.Cohort, Tally]:
    """A cohort and the tally of three parts of it."""
    cohort = cohort_of(N, entry=request.param)
    parts = [Tally.of(cohort.take(np.arange(first, N, 3))) for first in range(3)]
    return cohort, Tally.total(parts)


def test_curves_of_exact_times_are_the_curves_of_the_rows(both: tuple[hs.Cohort, Tally]) -> None:
    cohort, tally = both
    assert tally.exact
    assert tally.n == N
    for what in (observed.curve, observed.reverse_curve):
        rows, counts = what(cohort, "os"), what(tally, "os")
        for name in ("times", "survival", "se", "at_risk", "events"):
            np.testing.assert_allclose(getattr(counts, name), getattr(rows, name), rtol=1e-12, atol=1e-12)
        assert (counts.n_used, counts.n_total) == (rows.n_used, rows.n_total)
    rows, counts = observed.incidence(cohort, "os"), observed.incidence(tally, "os")
    assert list(rows) == list(counts) == [1, 2]
    for code, curve in rows.items():
        np.testing.assert_allclose(counts[code].incidence, curve.incidence, rtol=1e-12)
        np.testing.assert_allclose(counts[code].se, curve.se, rtol=1e-9, atol=1e-12)


def test_hazard_ratio_of_counts_is_that_of_cox_on_the_rows(both: tuple[hs.Cohort, Tally]) -> None:
    cohort, tally = both
    treated, cells = cohort.levels("arm") == "b", tally.levels("arm") == "b"
    for rows, counts in (
        (observed.hazard(cohort, treated, "os"), observed.hazard(tally, cells, "os")),
        (observed.hazard_change(cohort, treated, "os", 500.0), observed.hazard_change(tally, cells, "os", 500.0)),
    ):
        assert counts.value == pytest.approx(rows.value, abs=1e-9)
        assert counts.se == pytest.approx(rows.se, rel=1e-9)


def test_log_rank_of_counts_is_that_of_the_rows(both: tuple[hs.Cohort, Tally]) -> None:
    cohort, tally = both
    time, cause, entry = cohort.outcome("os")
    rows = log_rank(time, cause == 1, cohort.levels("arm"), entry)
    arms = observed.arms(tally, tally.levels("arm") == "a", "os")
    counts = log_rank_of(arms.events, arms.at_risk, ["a", "b"])
    assert counts.statistic == pytest.approx(rows.statistic, rel=1e-9)
    assert counts.expected == pytest.approx(rows.expected, rel=1e-9)


@pytest.mark.parametrize("name", ["cost", "qaly"])
def test_moments_spikes_gaps_and_quantiles_of_counts_are_those_of_the_rows(
    both: tuple[hs.Cohort, Tally], name: str
) -> None:
    cohort, tally = both
    rows, counts = (mean_of(observed.moments(data, name)) for data in both)
    assert (counts.value, counts.se) == pytest.approx((rows.value, rows.se), rel=1e-12)
    assert (counts.n_used, counts.n_total) == (rows.n_used, rows.n_total)
    for what in ("zero", "one", "negative"):
        assert observed.spike(tally, name, what) == observed.spike(cohort, name, what)
    assert observed.missing(tally, name) == observed.missing(cohort, name) > 0
    for share in (0.05, 0.5, 0.99):
        of_rows, of_counts = (quantile_of(observed.ranked(data, name), share, data.n) for data in both)
        assert (of_counts.value, of_counts.low, of_counts.high, of_counts.se) == (
            of_rows.value, of_rows.low, of_rows.high, of_rows.se,
        )  # fmt: skip


def test_joint_moments_rest_on_the_patients_in_whom_cost_and_effect_are_known(both: tuple[hs.Cohort, Tally]) -> None:
    found = []
    for data in both:
        arms = [observed.joint(data, data.levels("arm") == arm, ["cost"], "qaly") for arm in ("b", "a")]
        found.append(increments_of(*arms, arms[0].n + arms[1].n))
    rows, counts = found
    assert counts.n_used == rows.n_used < N
    assert (counts.cost, counts.effect) == pytest.approx((rows.cost, rows.effect), rel=1e-9)
    np.testing.assert_allclose(counts.covariance, rows.covariance, rtol=1e-9)


def test_follow_up_and_counts_by_level_are_those_of_the_rows(both: tuple[hs.Cohort, Tally]) -> None:
    cohort, tally = both
    assert observed.followed(tally, "os", 700.0) == observed.followed(cohort, "os", 700.0)
    assert observed.causes(tally, "os") == observed.causes(cohort, "os")
    assert strata.patients_by(tally, ["arm", "sex"]) == strata.patients_by(cohort, ["arm", "sex"])
    assert strata.patients(tally, tally.levels("sex") == "f") == (cohort.levels("sex") == "f").sum()


def test_tallies_add_up_to_the_same_whatever_the_parts_and_their_order() -> None:
    cohort = cohort_of(N, entry=True)
    three = [Tally.of(cohort.take(np.arange(first, N, 3))) for first in range(3)]
    whole, forth, back = Tally.of(cohort), Tally.total(three), Tally.total(three[::-1])
    grouped = three[0] + (three[1] + three[2])
    for found in (forth, back, grouped):
        assert found.members == whole.members
        assert np.array_equal(found.patients, whole.patients)
        for name in ("outcomes", "entries", "numbers"):
            for key, counts in getattr(whole, name).items():
                for part in ("cell", "value", "code", "count"):
                    assert np.array_equal(getattr(getattr(found, name)[key], part), getattr(counts, part))
        np.testing.assert_allclose(found.moments.mean, whole.moments.mean, rtol=1e-12)
        np.testing.assert_allclose(found.moments.comoment, whole.moments.comoment, rtol=1e-9)
    assert forth.same_as(Tally.total(three))
    assert not forth.same_as(whole)


def test_a_part_in_which_a_cell_has_nobody_adds_up_all_the_same() -> None:
    cohort = cohort_of(400)
    women, men = (cohort.take(cohort.levels("sex") == sex) for sex in ("f", "m"))
    added = Tally.of(men) + Tally.of(women)
    assert added.members == Tally.of(cohort).members
    np.testing.assert_array_equal(added.outcomes["os"].count, Tally.of(cohort).outcomes["os"].count)


def test_added_moments_keep_their_digits_far_from_zero() -> None:
    cohort = cohort_of(2000)
    frame = cohort.frame.assign(cost=cohort.frame["cost"] / 1e3 + 1e9)
    far = hs.Cohort.derive(cohort.schema, frame, label=None)
    parts = [Tally.of(far.take(np.arange(first, 2000, 40))) for first in range(40)]
    exact = float(np.nanvar(frame["cost"].to_numpy(), ddof=1))
    assert observed.moments(Tally.total(parts), "cost").variance == pytest.approx(exact, rel=1e-7)


def test_rounded_times_lie_within_the_stated_share_and_entries_stay_before_their_end() -> None:
    rng = np.random.default_rng(1)
    times = np.concatenate([rng.lognormal(3, 3, 50_000), [1.0, 2.0, 4096.0]])
    assert (np.abs(rounded(times) - times) <= LARGEST_ERROR * times).all()
    np.testing.assert_array_equal(rounded(rounded(times)), rounded(times))
    starts = times * (1 - 10.0 ** -rng.uniform(0, 12, len(times)))
    assert (lowered(starts) < rounded(times)).all()
    assert (lowered(starts) >= starts * (1 - 4 * LARGEST_ERROR) - 1e-300).all()
    assert lowered(np.zeros(1))[0] == 0.0


@pytest.fixture(scope="module")
def many() -> tuple[hs.Cohort, Tally]:
    """A cohort of more different times than are kept, and the tally of three parts of it."""
    cohort = cohort_of(60_000, decimals=6)
    parts = [Tally.of(cohort.take(np.arange(first, cohort.n, 3))) for first in range(3)]
    tally = Tally.total(parts)
    assert len(np.unique(cohort.outcome("os")[0])) > EXACT
    assert not tally.exact
    whole = Tally.of(cohort).outcomes["os"]
    for part in ("cell", "value", "code", "count"):
        assert np.array_equal(getattr(tally.outcomes["os"], part), getattr(whole, part))
    return cohort, tally


def test_beyond_exact_times_a_restricted_mean_is_within_the_bound_of_the_docstring(
    many: tuple[hs.Cohort, Tally],
) -> None:
    for horizon in (300.0, 1000.0, 2000.0):
        rows, counts = (curve_summaries.restricted_mean(observed.curve(data, "os"), horizon).value for data in many)
        curve = observed.curve(many[1], "os")
        leaving = -np.diff(np.append(curve.at_risk, 0.0))
        ended, censored = curve.events, leaving - curve.events
        reached = (curve.times < horizon) & (curve.at_risk > censored)
        mixed = (ended * censored)[reached] / (curve.at_risk * (curve.at_risk - censored))[reached]
        assert 0 < abs(counts - rows) <= horizon * (LARGEST_ERROR + mixed.sum())


def test_beyond_exact_values_quantiles_are_within_the_stated_share(many: tuple[hs.Cohort, Tally]) -> None:
    for share in (0.3, 0.5, 0.95, 0.99):
        rows, counts = (quantile_of(observed.ranked(data, "cost"), share, data.n).value for data in many)
        assert abs(counts - rows) <= LARGEST_ERROR * rows


def test_beyond_exact_times_the_hazard_ratio_moves_by_less_than_a_hundredth_of_its_error(
    many: tuple[hs.Cohort, Tally],
) -> None:
    rows, counts = (observed.hazard(data, data.levels("arm") == "b", "os") for data in many)
    assert abs(counts.value - rows.value) < 0.01 * rows.se
    assert counts.se == pytest.approx(rows.se, rel=1e-3)


def test_beyond_exact_times_entries_are_rounded_too_and_nobody_enters_after_the_end() -> None:
    cohort = cohort_of(60_000, decimals=6, entry=True)
    tally = Tally.total([Tally.of(cohort.take(np.arange(first, cohort.n, 2))) for first in range(2)])
    assert tally.outcomes["os"].coarse
    assert tally.entries["os"].coarse
    rows, counts = (observed.curve(data, "os") for data in (cohort, tally))
    assert (counts.at_risk >= counts.events).all()
    for horizon in (300.0, 1000.0, 2000.0):
        one, other = (curve_summaries.restricted_mean(curve, horizon) for curve in (rows, counts))
        assert abs(one.value - other.value) < 0.05 * one.se
    part = Tally.of(cohort.take(np.arange(10_000)))
    assert not part.outcomes["os"].coarse
    grown = part + Tally.of(cohort.take(np.arange(10_000, cohort.n)))
    np.testing.assert_array_equal(grown.entries["os"].value, tally.entries["os"].value)
    np.testing.assert_array_equal(grown.entries["os"].count, tally.entries["os"].count)


def test_ties_are_efron_s_where_everybody_s_time_is_one_of_a_few() -> None:
    cohort = cohort_of(2000, decimals=-2)
    tally = Tally.of(cohort)
    rows = observed.hazard(cohort, cohort.levels("arm") == "b", "os")
    assert observed.hazard(tally, tally.levels("arm") == "b", "os").value == pytest.approx(rows.value, abs=1e-9)


def test_an_arm_without_an_event_has_no_hazard_ratio_by_rows_or_by_counts() -> None:
    cohort = cohort_of(300)
    frame = cohort.frame
    frame.loc[frame["arm"] == "b", "event"] = 0
    none = hs.Cohort.derive(cohort.schema, frame, label=None)
    for data in (none, Tally.of(none)):
        with pytest.raises(NotEstimableError, match="runs off to infinity"):
            observed.hazard(data, data.levels("arm") == "b", "os")


def test_counts_refuse_what_rows_refuse() -> None:
    cohort = cohort_of(200)
    late = hs.Cohort.derive(cohort.schema, cohort.frame.assign(time=0.0), label=None)
    absent = hs.Cohort.derive(cohort.schema, cohort.frame.assign(time=np.nan, cost=np.nan), label=None)
    endless = hs.Cohort.derive(cohort.schema, cohort.frame.assign(cost=np.inf), label=None)
    for data in (late, Tally.of(late)):
        with pytest.raises(NotEstimableError, match="200 of 200 times are not after the start"):
            observed.curve(data, "os")
    for data in (absent, Tally.of(absent)):
        with pytest.raises(NotEstimableError, match="none of 200 patients"):
            observed.curve(data, "os")
        with pytest.raises(NotEstimableError, match="0 patients with a known value"):
            observed.moments(data, "cost")
    for data in (endless, Tally.of(endless)):
        with pytest.raises(NotEstimableError, match="infinite"):
            observed.moments(data, "cost")


def test_a_tally_shows_counts_and_nobody_s_value() -> None:
    cohort = cohort_of(50)
    shown = repr(Tally.of(cohort)) + Tally.of(cohort)._repr_html_()
    assert "50" in shown
    assert not any(f"{value:g}" in shown for value in cohort.frame["cost"].dropna() if value > 1000)
