"""The shares of latents are corrected until drawn rows have the correlations that are wanted."""

import numpy as np
import pytest

from heorsynth.generators.clusters.calibration import Rows, calibrated, draws_of
from heorsynth.generators.clusters.law import ClusterFacts, ClusterLaw, Wanted
from heorsynth.generators.clusters.placing import Placing

CLUSTER = np.repeat(np.arange(40), 20)
PLACING = Placing.of((), ((),), np.zeros(800, dtype=int), CLUSTER)


def simulated(law: ClusterLaw) -> list[Rows]:
    """A column of two levels, 30% of them 1, whose correlation is far below that of its latent."""
    rng, found = np.random.default_rng(1), []
    for _ in range(10):
        placed = PLACING.placed(((),), np.array([800]), rng)
        latent = placed.mixed(rng.standard_normal((800, 1)), law.shares, np.eye(1), rng)
        level = (latent > np.quantile(latent, 0.7)).astype(float)
        residual = placed.mixed(rng.standard_normal((800, 1)), np.array([law.outcome]), np.eye(1), rng)[:, 0]
        found.append(Rows(placed.cluster, np.zeros(800), residual, level, np.ones_like(level, dtype=bool)))
    return found


@pytest.mark.parametrize("wanted", [0.0, 0.05, 0.2])
def test_drawn_rows_have_the_correlation_that_is_wanted(wanted: float) -> None:
    facts = ClusterFacts(
        "site", PLACING, Wanted(wanted, np.array([wanted])), np.eye(1), np.zeros((1, 1)), (), np.array([False])
    )
    law = calibrated(facts, facts.law(np.eye(1)), simulated)
    assert law.outcome == pytest.approx(wanted, abs=0.03)
    assert law.shares[0] == 0.0 if wanted == 0 else law.shares[0] > 1.3 * wanted


def test_cohorts_are_drawn_as_large_as_the_source() -> None:
    assert draws_of(300) == (14, 300) and draws_of(20) == (20, 20) and draws_of(90_000) == (1, 4000)
