"""Attacks on membership against closed forms, by hand, and their errors where nobody is exposed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.attacks import members
from heorsynth.estimators.attacks.members import Scores

LEVELS, COLUMNS = 8, 10
OF_LEVELS = np.zeros(COLUMNS, dtype=bool)


def histogram(n: int, rng: np.random.Generator) -> np.ndarray:
    """n people with ten columns of eight equally frequent levels."""
    return rng.integers(LEVELS, size=(n, COLUMNS)).astype(float)


@pytest.mark.parametrize(("n", "h"), [(150, 150), (150, 1500), (500, 500)])
def test_the_marginal_attack_on_exact_margins_has_the_auc_of_the_closed_form(n: int, h: int) -> None:
    """d = 70: with a large hold-out the AUC is Φ(√(d/n)/√2), that of an attacker who knows the population."""
    reached = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        source, unseen = histogram(n, rng), histogram(h, rng)
        reached.append(members.separation(members.marginal(source, source, unseen, OF_LEVELS)).success)
    d = COLUMNS * (LEVELS - 1)
    expected = norm.cdf(math.sqrt(d / n) * math.sqrt((n + h) / h) / math.sqrt(2))
    error = np.std(reached) / math.sqrt(40)
    assert np.mean(reached) == pytest.approx(expected, abs=4 * error)


def mixed(n: int, rng: np.random.Generator) -> np.ndarray:
    numbers = rng.normal(size=(n, 3))
    numbers[rng.random((n, 3)) < 0.05] = np.nan
    return np.column_stack([numbers, rng.integers(4, size=(n, 2))])


NUMERIC = np.array([True, True, True, False, False])


def test_the_interval_of_the_marginal_attack_holds_no_excess_in_nine_of_ten() -> None:
    inside = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        source, unseen, rows = mixed(80, rng), mixed(60, rng), mixed(400, rng)
        attack = members.separation(members.marginal(rows, source, unseen, NUMERIC))
        inside.append(abs(attack.excess) <= 1.645 * attack.se)
    assert 0.83 <= np.mean(inside) <= 0.97  # binomial(300, 0.9): 4 standard errors are 0.07


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_of_rows_and_columns_does_not_matter_and_neither_does_that_of_patients(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source, unseen, rows = mixed(20, rng), mixed(15, rng), mixed(30, rng)
    columns, order = rng.permutation(5), rng.permutation(30)
    one = members.marginal(rows, source, unseen, NUMERIC)
    other = members.marginal(rows[order][:, columns], source[:, columns], unseen[:, columns], NUMERIC[columns])
    assert other.ours == pytest.approx(one.ours) and other.theirs == pytest.approx(one.theirs)
    dealt = rng.permutation(20)
    again = members.nearest_record(np.nan_to_num(rows), np.nan_to_num(source)[dealt], np.nan_to_num(unseen))
    assert again.ours == pytest.approx(
        members.nearest_record(np.nan_to_num(rows), np.nan_to_num(source), np.nan_to_num(unseen)).ours[dealt]
    )


def test_the_marginal_score_by_hand() -> None:
    """One column of two levels: rows 3 : 1, people 2 : 1; three people, so p = (3·share + 1)/5 and q = count/4."""
    rows, source, unseen = (np.array([one], dtype=float).T for one in ([0, 0, 0, 1], [0], [0, 1]))
    scores = members.marginal(rows, source, unseen, np.array([False]))
    p = (3 * 3 / 4 + 1) / 5, (3 * 1 / 4 + 1) / 5
    assert scores.ours == pytest.approx([math.log(p[0] / (2 / 4))])
    assert scores.theirs == pytest.approx([math.log(p[0] / (2 / 4)), math.log(p[1] / (1 / 4))])


def test_a_number_is_compared_in_windows_around_it_by_hand() -> None:
    """People 0 to 9: the window of one rank around 4 is 2.5 to 5.5, that around 0 ends at 1.5; edges are half-way."""
    people, rows = np.arange(10.0), np.array([3.0, 4.0, 4.2, 5.6])
    scores = members._in_windows(rows, people, 1)
    assert scores[4] == pytest.approx(math.log((10 * 3 / 4 + 1) / 11 / (3 / 10)))
    assert scores[0] == pytest.approx(math.log((10 * 0 / 4 + 1) / 11 / (2 / 10)))


def test_windows_find_in_numbers_what_levels_cannot() -> None:
    """Rows that lie at every fifth person each: half of the people are patients, and no two numbers are equal."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(20):
        source, unseen = rng.normal(size=(60, 4)), rng.normal(size=(60, 4))
        rows = np.repeat(source, 5, axis=0) + 0.01 * rng.normal(size=(300, 4))
        scores = members.marginal(rows, source, unseen, np.ones(4, dtype=bool))
        by_value = members.marginal(rows, source, unseen, np.zeros(4, dtype=bool))
        found.append([members.separation(one).success for one in (scores, by_value)])
    assert np.mean(found, axis=0)[0] > 0.75
    assert np.mean(found, axis=0)[1] == pytest.approx(0.5, abs=0.02)


def test_a_missing_value_is_a_level_of_its_own() -> None:
    source, unseen = np.full((30, 1), np.nan), np.arange(30.0)[:, None]
    scores = members.marginal(source, source, unseen, np.array([True]))
    assert scores.ours.min() > scores.theirs.max()


def test_the_nearest_record_by_hand() -> None:
    scores = members.nearest_record(np.array([[0.0], [4.0]]), np.array([[1.0], [4.0]]), np.array([[9.0]]))
    assert scores.ours.tolist() == [-1.0, 0.0] and scores.theirs.tolist() == [-5.0]


@pytest.mark.parametrize("h", [99, 150, 500])
def test_people_like_the_patients_are_found_as_often_as_the_threshold_says_and_rarely_called_exposed(h: int) -> None:
    found = []
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        found.append(members.found(Scores(rng.normal(size=150), rng.normal(size=h)), 0.01))
    shares = np.array([one.share for one in found])
    assert shares.mean() == pytest.approx(found[0].control, abs=4 * shares.std() / math.sqrt(1000))
    assert found[0].control <= 0.01
    assert np.mean([one.lower > 0.01 for one in found]) <= 0.05
    assert np.mean([one.lower > 0 for one in found]) <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 1000)


@pytest.mark.parametrize(("h", "shift"), [(150, 1.5), (500, 1.0), (500, 0.5)])
def test_the_upper_limit_is_rarely_below_the_share_at_the_populations_threshold(h: int, shift: float) -> None:
    """Normal scores, members higher by `shift`: at a rate of 1% the members truly found are those above 2.326."""
    below = []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        ours = rng.normal(shift, 1, size=200)
        one = members.found(Scores(ours, rng.normal(size=h)), 0.01)
        below.append(one.upper + one.control < np.mean(ours > norm.ppf(0.99)))
    assert np.mean(below) <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 600)


@pytest.mark.parametrize(("n", "least"), [(150, 0.9), (500, 1.0)])
def test_one_in_ten_who_is_certain_to_be_found_is_seen_though_the_auc_is_small(n: int, least: float) -> None:
    failed = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        ours = rng.normal(size=n)
        ours[: n // 10] = 9.0
        failed.append(members.found(Scores(ours, rng.normal(size=n)), 0.01).lower > 0.01)
    assert np.mean(failed) >= least


def test_a_hold_out_too_small_for_the_rate_is_refused_with_the_number_needed() -> None:
    with pytest.raises(NotEstimableError, match="needs 999 people in the hold-out; there are 998"):
        members.found(Scores(np.arange(5.0), np.arange(998.0)), 0.001)
    assert members.found(Scores(np.arange(5.0), np.arange(999.0)), 0.001).control == 0.001


def test_found_by_hand() -> None:
    """99 people: the threshold is their largest score; three of four patients are above it, and one reaches the 4th."""
    ours = np.array([100.0, 100.0, 100.0, 50.0])
    one = members.found(Scores(ours, np.arange(99.0)), 0.01)
    assert (one.share, one.control) == (0.75, 0.01)
    assert one.upper == pytest.approx(0.75 - 0.01)
    assert members.found(Scores(np.array([95.0, 96.0]), np.arange(99.0)), 0.01).upper == pytest.approx(1 - 0.01)
    assert members.found(Scores(np.array([94.0, 98.0]), np.arange(99.0)), 0.01).share == 0.0
