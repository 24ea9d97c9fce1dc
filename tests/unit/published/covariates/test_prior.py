"""The prior has the spread that it states."""

import numpy as np
import pytest

import heorsynth as hs


@pytest.mark.parametrize("k", [2, 6, 30])
def test_correlations_have_the_stated_standard_deviation(k: int) -> None:
    rng, prior = np.random.default_rng(1), hs.published.Prior(correlation=0.25)
    drawn = np.array([prior.correlations(k, rng) for _ in range(400)])
    rows = max(16, k + 1)
    assert drawn[:, 0, 1].std() == pytest.approx(rows**-0.5, rel=0.15)  # the error of an SD of 400 draws is 3.5%
    assert (np.linalg.eigvalsh(drawn) > 0).all()
    assert np.allclose(np.diagonal(drawn, axis1=1, axis2=2), 1)


def test_a_prior_without_spread_has_independence_and_no_effects() -> None:
    rng, prior = np.random.default_rng(1), hs.published.Prior(0, 0, 0)
    assert (prior.correlations(3, rng) == np.eye(3)).all()
    effects = prior.effects([0, 2], ["a", "b"], rng)
    assert (effects.log_risk("b", [np.ones(4), np.eye(4)[:, :2]]) == 0).all()


def test_arms_share_effects_but_for_the_interaction() -> None:
    rng = np.random.default_rng(1)
    same = hs.published.Prior(interaction=0).effects([0], ["a", "b"], rng)
    other = hs.published.Prior(interaction=1).effects([0], ["a", "b"], rng)
    score = [np.array([1.0])]
    assert same.log_risk("a", score) == same.log_risk("b", score)
    assert other.log_risk("a", score) != other.log_risk("b", score)


@pytest.mark.parametrize("wrong", [{"correlation": 1.0}, {"effect": -0.1}, {"interaction": float("nan")}])
def test_what_is_no_standard_deviation_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(hs.HeorsynthError, match="not a number from 0 up"):
        hs.published.Prior(**wrong)
