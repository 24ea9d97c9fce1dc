import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, rankdata

import heorsynth as hs
from heorsynth.core.errors import GeneratorError
from heorsynth.core.random import stream
from heorsynth.core.secret import ReleaseKey
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.protection.guard import BOUNDS, ROUNDED_TO, Guard, Mover, Noise

KEY, OTHER = ReleaseKey(b"a custodian's secret, for tests only"), ReleaseKey(b"another secret, for tests of keys")


@pytest.fixture
def guard() -> Guard:
    return Guard(lambda name: stream(1, name), BOUNDS["shared"])


def without(cohort: Cohort, patient: int) -> Cohort:
    return cohort.take(np.delete(np.arange(cohort.n), patient))


def fitted(cohort: Cohort, seed: int = 1, key: ReleaseKey = KEY, level: str = "shared", **options: object):
    return hs.generators.create("heor", release=level, release_key=key, **options).fit(cohort, seed=seed)


@pytest.mark.parametrize("spread", [0.05, 0.3, 0.8])
def test_nobody_counts_more_than_twice_and_all_count_once_on_average(guard, spread):
    weights = guard.weights("age", 200_000, spread)
    assert weights.min() >= 0 and weights.max() <= 2
    assert (weights.mean(), weights.std()) == pytest.approx((1, spread), abs=0.01)
    times = guard.repeats("age", 200_000, spread)
    assert set(times) <= {0, 1, 2} and (times.mean(), times.std()) == pytest.approx((1, spread), abs=0.01)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.integers(0, 1000))
def test_counts_are_rounded_to_multiples_and_every_sum_of_neighbours_to_one_step(counts, seed):
    held = np.array(counts)
    found = Guard(lambda name: stream(seed, name), BOUNDS["shared"]).rounded(held)
    assert not (found % ROUNDED_TO).any() and found.any() and (found >= 0).all()
    if held.sum() >= ROUNDED_TO:
        assert np.abs(np.cumsum(found) - np.cumsum(held)).max() <= ROUNDED_TO


def test_rounded_counts_are_right_on_average():
    held = np.array([1, 2, 33, 64])
    found = [Guard(lambda name, seed=seed: stream(seed, name), BOUNDS["shared"]).rounded(held) for seed in range(4000)]
    assert np.mean(found, axis=0) == pytest.approx(held, abs=0.15)


def test_enough_patients_share_the_largest_and_the_smallest_number(guard):
    values = np.concatenate([np.linspace(0, 1, 50), [99.0, np.nan]])
    capped = guard.capped(values)
    known = capped[~np.isnan(capped)]
    assert (known == known.max()).sum() == (known == known.min()).sum() == guard.bounds.hidden
    assert np.isnan(capped[-1])


def test_an_amount_of_one_patient_stands_out_and_a_heavy_tail_does_not(guard):
    costs = np.exp(stream(2, "costs").normal(8, 1, 150))
    assert not guard.stands_out(costs)
    assert guard.stands_out(np.append(costs, 30 * costs.max()))
    assert guard.stands_out(np.append(np.zeros(50), [10.0, 20.0]))  # zero but for two patients


@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_shares_move_as_far_as_another_sample_would_times_the_spread(spread):
    shares, n = np.array([0.5, 0.3, 0.2]), 400
    move = Mover(stream(3, "moves"))
    found = np.array([move(shares, n, spread) for _ in range(6000)])
    assert found.sum(axis=1) == pytest.approx(np.ones(6000)) and (found > 0).all()
    assert found.mean(axis=0) == pytest.approx(shares, abs=0.005)
    assert found.std(axis=0) == pytest.approx(spread * np.sqrt(shares * (1 - shares) / n), rel=0.05)


def test_noise_bounds_what_all_margins_together_tell_an_attacker_who_knows_the_population():
    """The closed form of `Noise.of`: margins of k free numbers and noise of c standard errors give this AUC."""
    n, columns, share = 100, 40, 0.3
    rng, told = stream(4, "attack"), []
    for spread in (0.0, 2.0):
        scores = []
        for _ in range(60):
            members, others = (rng.random((n, columns)) < share for _ in range(2))
            move = Mover(rng)
            released = [move(np.array([p, 1 - p]), n, spread)[0] for p in members.mean(axis=0)]
            odds = np.log(np.array([np.array(released) / share, (1 - np.array(released)) / (1 - share)]))
            scores.append([np.where(people, odds[0], odds[1]).sum(axis=1) for people in (members, others)])
        ours, theirs = np.concatenate([one[0] for one in scores]), np.concatenate([one[1] for one in scores])
        ranks = rankdata(np.concatenate([ours, theirs]))[: len(ours)]
        told.append((ranks.sum() - len(ours) * (len(ours) + 1) / 2) / len(ours) / len(theirs))
        z = np.sqrt(columns / (n * (1 + spread**2)))
        assert told[-1] == pytest.approx(norm.cdf(z / np.sqrt(2)), abs=0.025)
    assert told[1] < told[0]


def test_more_patients_need_less_noise_and_more_columns_need_more():
    shared = BOUNDS["shared"]
    few, many = Noise.of(shared, 100, 10, 60), Noise.of(shared, 10_000, 10, 60)
    assert many.covariates < few.covariates and many.outcome < few.outcome and many.ties < few.ties
    assert Noise.of(shared, 100, 10, 90).covariates > few.covariates
    assert Noise.of(BOUNDS["public"], 100, 10, 60).covariates > few.covariates
    assert Noise.of(shared, 1_000_000, 10, 60).covariates == pytest.approx(shared.patients / 1000)


def test_no_patient_of_a_small_cell_counts_more_in_its_law_than_the_others_and_all_count_once():
    cohort = hs.datasets.load("pbc").take(np.arange(120))
    cells, cell = Cells.of(cohort)
    plan = cells.pooled(cell, 40)
    assert plan.sum(axis=0) == pytest.approx(np.ones(cohort.n))
    counts = np.bincount(cell, minlength=len(cells.members))
    assert plan.sum(axis=1) == pytest.approx(counts)
    for row, count in zip(plan, counts, strict=True):
        assert row.max() <= count / 40 + 1e-12


def test_the_noise_follows_the_key_and_the_patients_and_no_seed():
    cohort = hs.datasets.load("whas500").take(np.arange(120))

    def margins(sampler):
        return [column.to_dict()["quantiles"] for column in sampler.law.columns]

    first = margins(fitted(cohort))
    assert margins(fitted(cohort, seed=2)) == first  # a second release does not average the noise away
    assert margins(fitted(cohort, key=OTHER)) != first
    assert margins(fitted(without(cohort, 0))) != first
    sorted_ = cohort.take(np.argsort(cohort.frame["bmi"].to_numpy(), kind="stable"))
    assert margins(fitted(sorted_)) == first  # sorting a file is no second draw


def test_the_difference_of_two_releases_is_noise_and_not_the_patient_who_left():
    cohort = hs.datasets.load("whas500").take(np.arange(100))
    bmi = cohort.frame["bmi"]

    def mean(part: Cohort, level: str) -> float:
        cohorts = fitted(part, level=level).sample(m=10, seed=1)
        return float(np.mean([one.frame["bmi"].mean() for one in cohorts]))

    errors = {}
    for level in ("internal", "shared"):
        whole, told = mean(cohort, level), []
        for patient in range(4):
            left = cohort.n * whole - (cohort.n - 1) * mean(without(cohort, patient), level)
            told.append(abs(left - bmi[patient]) / bmi.std())
        errors[level] = np.median(told)
    assert errors["internal"] < 0.5
    assert errors["shared"] > 1


def test_a_release_is_saved_and_draws_the_same_rows_again(tmp_path):
    sampler = fitted(hs.datasets.load("pbc").take(np.arange(150)))
    again = hs.generators.load(sampler.save(tmp_path / "shared.json"))
    for one, other in zip(sampler.sample(m=2, seed=3), again.sample(m=2, seed=3), strict=True):
        assert one.frame.equals(other.frame)


def test_nothing_of_a_release_is_exact_but_its_rules_so_nothing_else_is_called_constructed():
    sampler = fitted(hs.datasets.load("pbc").take(np.arange(150)))
    assert sampler.calibrated == ("rules that every row obeys",) and not sum(sampler.cells.values()) % ROUNDED_TO
    label = sampler.sample(m=1, seed=1).label
    assert label.level == "shared" and label.noise_key == KEY.id and "noise" in label.settings


@pytest.mark.parametrize(
    ("options", "named"), [({"keep": "all"}, "keep"), ({"calibrate": ["survival.os by arm"]}, "calibrate")]
)
def test_an_option_that_sets_something_equal_to_the_patients_is_refused(options, named):
    with pytest.raises(GeneratorError, match=named):
        fitted(hs.datasets.load("pbc"), **options)


def test_external_patients_are_not_lent_to_a_release():
    cohort = hs.datasets.load("pbc")
    recipe = hs.generators.create("heor", release="shared", release_key=KEY)
    with pytest.raises(GeneratorError, match="borrow"):
        recipe.fit(cohort, borrow=cohort, weight=0.5)


def test_too_few_patients_for_a_release_are_refused():
    with pytest.raises(GeneratorError, match="at least 40"):
        fitted(hs.datasets.load("whas500").take(np.arange(35)))


def test_a_column_of_rare_levels_is_pooled_whole():
    cohort = hs.datasets.load("veterans")
    frame = cohort.frame.assign(site=[f"site {row % 20}" for row in range(cohort.n)])
    schema = Cohort(frame, endpoints={"os": (cohort.schema.times[0], cohort.schema.events[0])}).schema
    rows = fitted(Cohort.derive(schema, frame, label=None)).sample(m=1, seed=1)[0].frame
    assert set(rows["site"].astype(str)) == {"other (pooled)"}


def test_pooling_counts_the_noise_once_for_all_cohorts():
    values, variances = [1.0, 1.2, 0.9, 1.1], [0.04] * 4
    plain = hs.estimators.economics.pooling.pool(values, variances, 100, 100)
    noisy = hs.estimators.economics.pooling.pool(values, variances, 100, 100, noise=True)
    assert noisy.se**2 - plain.se**2 == pytest.approx(np.var(values, ddof=1))
