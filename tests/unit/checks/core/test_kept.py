"""What is kept for the same cohorts: the same result, and the random stream as if it were computed again."""

import gc

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.checks.core import kept as module
from heorsynth.checks.core.kept import kept


@pytest.fixture
def cohorts() -> "list[hs.Cohort]":
    return [hs.datasets.simulated_trial(40, seed=seed)[0] for seed in (1, 2, 3)]


def test_a_result_is_made_once_for_the_same_cohorts_key_and_stream(cohorts: "list[hs.Cohort]") -> None:
    real, *synthetic = cohorts
    made: list[float] = []

    def asked(copies: "list[hs.Cohort]", key: str, rng: np.random.Generator) -> float:
        return kept(real, copies, key, rng, lambda: made.append(rng.random()) or made[-1])

    first, again, other = np.random.default_rng(1), np.random.default_rng(1), np.random.default_rng(2)
    assert asked(synthetic, "a", first) == asked(list(synthetic), "a", again)
    assert len(made) == 1
    assert first.random() == again.random()  # the stream goes on where the computation would have left it
    asked(synthetic, "b", np.random.default_rng(1))
    asked(synthetic, "a", other)
    assert len(made) == 3
    asked(synthetic[::-1], "a", np.random.default_rng(1))
    asked(synthetic[:1], "a", np.random.default_rng(1))
    assert len(made) == 5
    asked(synthetic, "a", np.random.default_rng(1))
    assert len(made) == 6  # only the cohorts compared last are remembered


def test_nothing_outlives_the_patients(cohorts: "list[hs.Cohort]") -> None:
    real, *synthetic = cohorts
    kept(real, synthetic, "a", np.random.default_rng(1), list)
    assert real in module._HELD
    before = len(module._HELD)
    del real, cohorts[0]
    gc.collect()
    assert len(module._HELD) < before


def test_a_verdict_after_others_is_that_of_a_new_process(cohorts: "list[hs.Cohort]") -> None:
    real, *synthetic = cohorts
    alone = hs.validate(real, synthetic, "teaching", seed=3).to_csv()
    module._HELD.clear()
    hs.validate(real, synthetic, "augmentation", seed=3)
    hs.tables.panel(real, synthetic, seed=3)
    assert [key for key, _ in module._HELD[real][1]].count("panel") == 1  # of all that use a seed, whatever came before
    assert hs.validate(real, synthetic, "teaching", seed=3).to_csv() == alone
