"""What three columns say together is kept if the patients show it, and is not invented if they do not."""

import json

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.estimators.survival.cox import cox
from heorsynth.generators.latent.products import Basis, Products

MIN = 5


def limits(columns):
    """Every column takes part; five patients; thresholds as by default."""
    return np.arange(columns.shape[1]), MIN, 2.0, 2.5


def correlated(n, seed):
    """Scores (n, 2), columns (n, 3) of which the third follows the product of the first two, and all known."""
    rng = np.random.default_rng(seed)
    scores, columns = rng.standard_normal((n, 2)), rng.standard_normal((n, 3))
    columns[:, 2] = 0.6 * columns[:, 0] * columns[:, 1] + 0.8 * columns[:, 2]
    return scores, columns, np.ones((n, 3), dtype=bool)


def basis_of(scores, columns):
    return Basis.under(np.corrcoef(np.column_stack([scores, columns]).T), scores.shape[1])


def test_a_product_of_two_columns_is_found_with_its_size():
    scores, columns, known = correlated(1000, 1)
    found = Products.of(basis_of(scores, columns), scores, columns, known, *limits(columns))
    at = np.flatnonzero((found.first == 2) & (found.second == 3) & (found.column == 2))
    assert len(at) == 1 and abs(found.weights[at[0]] - 0.6) < 0.08


def test_under_independence_few_products_are_found():
    rng, counts = np.random.default_rng(2), []
    for _ in range(200):
        columns = rng.standard_normal((300, 12))
        scores = rng.standard_normal((300, 0))
        known = np.ones(columns.shape, dtype=bool)
        counts.append(
            len(
                Products.of(
                    basis_of(scores, columns), scores, columns, known, np.arange(columns.shape[1]), MIN, 2.0, 2.5
                )
            )
        )
    assert np.mean(np.array(counts) > 0) <= 0.12  # false discovery at 5%, with tails heavier than the normal's


def test_no_product_rests_on_fewer_patients_than_five():
    scores, columns, known = correlated(200, 3)
    columns[:3] = 12.0  # three patients alone make a third moment
    columns[3:, 2] = np.random.default_rng(3).standard_normal(197)
    basis = basis_of(scores, columns)
    found = Products.of(basis, scores, columns, known, *limits(columns))
    held = basis.of(scores, columns, known)
    terms = np.abs(held[:, found.first] * held[:, found.second] * held[:, 2 + found.column])
    assert (terms.max(axis=0, initial=0) <= terms.sum(axis=0) / MIN).all()


def test_moved_noise_has_the_third_moment_and_its_variance():
    scores, columns, known = correlated(2000, 4)
    found = Products.of(basis_of(scores, columns), scores, columns, known, *limits(columns))
    rng = np.random.default_rng(5)
    standard, noise = rng.standard_normal((200_000, 2)), rng.standard_normal((200_000, 3))
    moved = found.moved(standard, noise)
    weight = found.weights[(found.first == 2) & (found.second == 3)][0]
    assert np.allclose(moved.var(axis=0), 1.0, atol=0.05)
    assert abs((moved[:, 0] * moved[:, 1] * moved[:, 2]).mean() - weight / np.sqrt(1 + weight**2)) < 0.03


def test_products_are_the_same_after_json():
    scores, columns, known = correlated(500, 6)
    found = Products.of(basis_of(scores, columns), scores, columns, known, *limits(columns))
    again = Products.from_dict(json.loads(json.dumps(found.to_dict())))
    assert all(np.array_equal(value, getattr(again, name)) for name, value in vars(found).items())


def trial(n, seed, log_ratios):
    """A trial of two arms with these log hazard ratios in patients with and without a marker that nobody declares."""
    rng = np.random.default_rng(seed)
    arm, marker = rng.integers(2, size=n), rng.integers(2, size=n)
    age, other = rng.standard_normal((2, n)).round(3)
    event = rng.exponential(24 / np.exp(arm * np.where(marker, *log_ratios) + 0.3 * age))
    censored = rng.uniform(12, 60, n)
    frame = pd.DataFrame({"arm": np.where(arm, "new", "old"), "marker": np.where(marker, "yes", "no"), "age": age,
                          "other": other, "time": np.minimum(event, censored).round(2) + 0.01,
                          "event": (event <= censored).astype(int)})  # fmt: skip
    return hs.Cohort(frame, endpoints={"os": ("time", "event")}, arm="arm", unit="month")


def contrast(cohort):
    """Log hazard ratio of arm by marker."""
    frame = cohort.frame
    arm, marker = (frame["arm"] == "new").to_numpy(float), (frame["marker"] == "yes").to_numpy(float)
    design = np.column_stack([arm, marker, arm * marker])
    return cox(frame["time"].to_numpy(float), frame["event"].to_numpy() == 1, design).coef[2]


@pytest.mark.parametrize("n", [300, 600])
def test_an_effect_modifier_that_nobody_declared_is_kept(n):
    kept = []
    for seed in range(3):
        cohort = trial(n, seed, np.log([0.4, 1.8]))
        drawn = hs.generators.create("heor").fit(cohort, seed=seed).sample(m=5, seed=seed)
        kept.append((contrast(cohort), np.mean([contrast(one) for one in drawn])))
    real, found = np.array(kept).T
    assert 0.8 <= found.mean() / real.mean() <= 1.1


def test_no_effect_modifier_is_invented():
    found = []
    for seed in range(8):
        cohort = trial(600, seed, np.log([0.7, 0.7]))
        drawn = hs.generators.create("heor").fit(cohort, seed=seed).sample(m=5, seed=seed)
        found.append(np.mean([contrast(one) for one in drawn]))
    assert abs(np.mean(found)) < 0.1
