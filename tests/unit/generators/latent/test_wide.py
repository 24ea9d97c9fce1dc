"""Many columns: planted ties are kept, none is invented, laws of columns stay, and a saved law draws the same rows."""

import json

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core.errors import GeneratorError
from heorsynth.core.secret import ReleaseKey
from heorsynth.generators.latent.dependence import Dependence, Thresholds
from heorsynth.generators.latent.products import Products
from heorsynth.generators.latent.wide import MOST_DENSE, Block, WideDependence, drawn_factors, solve_wide, wide_target

THRESHOLDS = Thresholds(residual=2.5, score=3.0, hazard=0.5)
LIMITS = (1, 0, THRESHOLDS)
KEY = ReleaseKey(b"a secret for the tests of many columns")


def planted(n, p, seed):
    """One score (n, 1) and columns (n, p): the first 40 in blocks of four, the 41st and 42nd tied to the score."""
    rng = np.random.default_rng(seed)
    score, columns = rng.normal(size=(n, 1)), rng.normal(size=(n, p))
    for start in range(0, 40, 4):
        columns[:, start : start + 4] = (
            np.sqrt(0.7) * rng.normal(size=(n, 1)) + np.sqrt(0.3) * columns[:, start : start + 4]
        )
    columns[:, 40:42] = 0.6 * score + 0.8 * columns[:, 40:42]
    return (score - score.mean()) / score.std(), columns


def target_of(scores, columns, seed=1):
    known = np.ones(columns.shape, dtype=bool)
    return wide_target(scores, columns, known, np.arange(columns.shape[1]), *LIMITS, np.random.default_rng(seed))


def solved(target, n=2000, draw=None):
    scores = np.random.default_rng(7).normal(size=(n, 1))
    scores = (scores - scores.mean()) / scores.std()
    draw = draw or (lambda latents: (latents, np.ones(latents.shape, dtype=bool)))
    return solve_wide(target, scores, np.zeros(1), np.ones(1), draw, 3, Products.none())


def test_planted_blocks_and_ties_are_aimed_at():
    target = target_of(*planted(100, 400, 1))
    blocks = [set(block.places.tolist()) for block in target.blocks]
    together = [next((one for one in blocks if {*range(start, start + 4)} <= one), None) for start in range(0, 40, 4)]
    assert sum(one is not None for one in together) >= 9
    assert sum(map(len, blocks)) <= 56 and not len(target.loadings)
    assert np.abs(target.ties[0, 40:42] - 0.6).max() < 0.2 and np.abs(target.ties[0, 42:]).mean() < 0.05


def test_drawn_latents_have_the_target_correlations():
    target = target_of(*planted(100, 400, 1))
    scores = np.random.default_rng(5).normal(size=(3000, 1))
    scores = (scores - scores.mean()) / scores.std()
    drawn = solved(target).latents(scores, np.random.default_rng(6))
    for block in target.blocks:
        assert np.allclose(np.corrcoef(drawn[:, block.places].T), block.matrix, atol=0.02)  # exact but for clipping
    assert np.allclose([np.corrcoef(scores[:, 0], one)[0, 1] for one in drawn.T], target.ties[0], atol=0.02)


def test_levels_reach_the_target_though_they_weaken_correlations():
    """Two levels, cut at 84%: their latents must be more strongly related than they are to be."""
    scores, columns = planted(400, 320, 2)
    cut = lambda values: (values > np.quantile(values, 0.84, axis=0)).astype(float)  # noqa: E731
    target = target_of(scores, cut(columns))
    law = solved(target, 4000, lambda latents: (cut(latents), np.ones(latents.shape, dtype=bool)))
    beside = np.random.default_rng(5).normal(size=(4000, 1))
    drawn = cut(law.latents((beside - beside.mean()) / beside.std(), np.random.default_rng(6)))
    reached = [np.corrcoef(drawn[:, block.places].T) - block.matrix for block in target.blocks]
    assert len(reached) >= 9 and np.mean([np.abs(one).mean() for one in reached]) < 0.04  # sampling error of 4,000 rows


def test_factors_reach_columns_that_no_block_joins():
    rng = np.random.default_rng(8)
    loadings = np.clip(rng.normal(size=500) * 0.5, -0.9, 0.9)
    columns = rng.normal(size=(100, 1)) * loadings + rng.normal(size=(100, 500)) * np.sqrt(1 - loadings**2)
    target = target_of(rng.normal(size=(100, 1)), columns)
    assert len(target.loadings) == 1
    scores = np.zeros((4000, 1)) + np.random.default_rng(9).normal(size=(4000, 1))
    drawn = np.corrcoef(solved(target).latents(scores, np.random.default_rng(9)).T)[np.triu_indices(500, 1)]
    true, sample = (
        np.outer(loadings, loadings)[np.triu_indices(500, 1)],
        np.corrcoef(columns.T)[np.triu_indices(500, 1)],
    )
    assert np.sqrt(np.mean((drawn - true) ** 2)) < 0.8 * np.sqrt(np.mean((sample - true) ** 2))


def test_factors_are_uncorrelated_with_scores_if_there_are_enough_rows():
    scores = np.random.default_rng(1).normal(size=(200, 2))
    found = drawn_factors(scores, 3, np.random.default_rng(2))
    assert np.allclose(found.T @ found / 200, np.eye(3)) and np.allclose(found.T @ scores, 0)
    assert not np.allclose(drawn_factors(scores[:12], 3, np.random.default_rng(2)).T @ scores[:12], 0)


def law_of_three():
    factor = np.linalg.cholesky(np.array([[0.6, 0.3], [0.3, 0.5]]))
    return WideDependence(
        np.zeros(1), np.ones(1), np.array([[0.2, 0.1, 0.0]]), np.array([[0.5, 0.5, 0.1]]),
        np.array([0.77, 0.7, 0.9]), (Block(np.array([0, 1]), factor),),
    )  # fmt: skip


def test_a_law_is_the_same_after_json():
    law = law_of_three()
    again = WideDependence.from_dict(json.loads(json.dumps(law.to_dict())))
    scores = np.random.default_rng(1).normal(size=(50, 1))
    assert np.array_equal(
        law.latents(scores, np.random.default_rng(2)), again.latents(scores, np.random.default_rng(2))
    )


def test_a_law_moves_as_another_sample_would():
    law, moved = law_of_three(), []
    for seed in range(400):
        moved.append(law.moved(100, 1.0, np.random.default_rng(seed)))
    slopes = np.array([one.slopes[0] for one in moved])
    noise = np.array([0.25 + 0.6, 0.25 + 0.5, 0.01 + 0.81])
    assert np.allclose(slopes.std(axis=0), np.sqrt(noise / 100), rtol=0.12)  # 400 draws: 3.5% standard error
    spread = np.mean([one.blocks[0].matrix @ one.blocks[0].matrix.T for one in moved], axis=0)
    assert np.allclose(spread, [[0.6, 0.3], [0.3, 0.5]], atol=0.02)
    assert law.moved(100, 0.0, np.random.default_rng(1)) is law
    few = law.moved(3, 1.0, np.random.default_rng(1))
    assert np.array_equal(few.blocks[0].matrix, law.blocks[0].matrix)


def cohort(n, p, seed, tied=True):
    """Patients of a trial with many markers in blocks of five: numbers, two levels, four levels, some missing."""
    rng = np.random.default_rng(seed)
    arm = np.arange(n) % 2
    frame = {"arm": np.where(arm, "new", "usual"), "sex": rng.choice(["f", "m"], n)}
    shared = rng.normal(size=(n, p // 5 + 1))
    first = None
    for place in range(p):
        score = np.sqrt(0.6) * shared[:, place // 5] + np.sqrt(0.4) * rng.normal(size=n) if tied else rng.normal(size=n)
        first = score if first is None else first
        kind = place % 10
        if kind < 7:
            values = pd.Series(score.round(2))
        elif kind < 9:
            values = pd.Series(np.where(score > 0.5, "yes", "no"), dtype=object)
        else:
            values = pd.Series(np.array(list("abcd"))[np.digitize(score, [-0.6, 0, 0.6])], dtype=object)
        frame[f"x{place:03d}"] = values.mask(rng.random(n) < 0.1) if place % 9 == 0 else values
    event = rng.exponential(np.exp(-0.8 * first - 0.5 * arm) * 20) + 0.1
    censored = rng.uniform(5, 60, n)
    frame |= {"time": np.minimum(event, censored).round(2) + 0.01, "event": (event <= censored).astype(int)}
    return hs.Cohort(
        pd.DataFrame(frame), endpoints={"os": ("time", "event")}, arm="arm", subgroups=["sex"], unit="month"
    )


@pytest.fixture(scope="module")
def patients():
    return cohort(120, 240, 1)


@pytest.fixture(scope="module")
def sampler(patients):
    return hs.generators.create("heor").fit(patients, seed=1)


@pytest.fixture(scope="module")
def rows(sampler):
    return sampler.sample(m=8, seed=1)


def _latents(sampler):
    return sum(column.width for column in sampler.law.columns)


def test_many_columns_have_factors_and_blocks_and_few_have_not(sampler):
    assert _latents(sampler) > MOST_DENSE and isinstance(sampler.law.dependence, WideDependence)
    few = hs.generators.create("heor").fit(cohort(60, 40, 1), seed=1)
    assert _latents(few) <= MOST_DENSE and isinstance(few.law.dependence, Dependence)


def test_columns_have_the_patients_distributions(patients, rows):
    for name in ("x001", "x012", "x100", "x226"):
        real, drawn = patients.numbers(name), np.concatenate([one.numbers(name) for one in rows])
        places = np.nanquantile(real, [0.1, 0.25, 0.5, 0.75, 0.9])
        shares = [np.mean(one[~np.isnan(one)][:, None] <= places, axis=0) for one in (real, drawn)]
        assert np.abs(shares[0] - shares[1]).max() < 0.05
    for name in ("x007", "x009", "x018", "x029"):
        real, drawn = patients.frame[name], rows[0].frame[name]
        assert abs(real.isna().mean() - drawn.isna().mean()) < 0.01
        assert np.abs(real.value_counts(normalize=True) - drawn.value_counts(normalize=True)).max() < 0.03


def numbers(cohorts, names):
    return np.concatenate([one.frame[names].to_numpy(float) for one in cohorts])


def test_ties_within_blocks_are_kept_and_few_others_are_there(patients, rows):
    names = [f"x{place:03d}" for place in range(240) if place % 10 < 7 and place % 9]
    block = np.array([int(name[1:]) // 5 for name in names])
    above = np.triu_indices(len(names), 1)
    tied = block[above[0]] == block[above[1]]
    real, drawn = (np.corrcoef(numbers(one, names).T)[above] for one in ([patients], rows))
    assert 0.7 <= (drawn[tied] @ real[tied]) / (real[tied] @ real[tied]) <= 1.05
    assert np.abs(real[~tied]).mean() > 0.06 and np.abs(drawn[~tied]).mean() < 0.035  # of 960 rows: 0.026 by chance


def test_nothing_is_invented_under_independence():
    patients = cohort(100, 240, 2, tied=False)
    law = hs.generators.create("heor").fit(patients, seed=1).law
    own = sum(column.width > 1 for column in law.columns)
    assert not len(law.dependence.loadings)
    assert len(law.dependence.blocks) <= own + 3  # columns with several latents, and what chance shows


def test_the_effect_on_survival_of_a_column_is_kept(patients, rows):
    def median_gap(frame):
        high = (frame["x001"] > frame["x001"].median()).to_numpy()
        return frame["time"][high].mean() - frame["time"][~high].mean()

    real, drawn = median_gap(patients.frame), np.mean([median_gap(one.frame) for one in rows])
    assert real < -3 and 0.5 <= drawn / real <= 1.5


def test_a_saved_generator_draws_the_same_rows(sampler, patients, tmp_path):
    sampler.save(tmp_path / "wide.json")
    again = hs.generators.load(tmp_path / "wide.json")
    first, second = (one.sample(m=1, seed=4)[0].frame for one in (sampler, again))
    assert first.equals(second)
    assert (tmp_path / "wide.json").stat().st_size < 5_000_000


def test_rows_of_one_subgroup_can_be_drawn(sampler):
    drawn = sampler.sample(n=30, m=1, seed=1, where={"sex": "f"})[0].frame
    assert len(drawn) == 30 and set(drawn["sex"]) == {"f"}


def test_kept_covariates_and_shared_releases_work(patients):
    kept = hs.generators.create("heor", keep=["x001", "x002"]).fit(patients, seed=1).sample(m=1, seed=1)[0].frame
    means = [frame.groupby("arm")["x002"].mean() for frame in (patients.frame, kept)]
    assert np.abs(means[0] - means[1]).max() < 0.05
    shared = hs.generators.create("heor", release="shared", release_key=KEY).fit(patients, seed=1)
    assert isinstance(shared.law.dependence, WideDependence)
    assert shared.sample(m=2, seed=1)[1].frame.shape == patients.frame.shape


def test_what_needs_every_correlation_is_refused(patients):
    with pytest.raises(GeneratorError, match=f"keep: it needs all correlations of .* and {MOST_DENSE} is the most"):
        hs.generators.create("heor", keep="all").fit(patients, seed=1)
    with pytest.raises(GeneratorError, match="borrow: it needs all correlations"):
        hs.generators.create("heor").fit(patients, seed=1, borrow=cohort(90, 240, 3), weight=0.5)


@pytest.mark.long
def test_two_thousand_columns_are_fitted_drawn_and_judged_within_two_gibibytes():
    resource = pytest.importorskip("resource")
    patients = cohort(100, 1996, 5)
    drawn = hs.generators.create("heor").fit(patients, seed=1).sample(m=3, seed=1)
    evidence = hs.validate(patients, drawn, purpose="data-sharing", seed=1)
    assert drawn[0].frame.shape == (100, 2000)
    assert any("pairs, drawn at random" in one.because for one in evidence.findings)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2 * 2**20  # KiB
