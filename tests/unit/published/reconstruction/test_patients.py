"""Exchanges of deaths and losses make the events exact and keep every number at risk."""

from dataclasses import replace

import numpy as np
import pytest
from published_figures import figure

from heorsynth.published.reconstruction.cleaning import arms_of
from heorsynth.published.reconstruction.patients import settle
from heorsynth.published.reconstruction.sampler import Filter
from heorsynth.published.reconstruction.stations import stations


@pytest.mark.parametrize("change", [-2, 0, 3])
def test_the_events_are_exact_and_the_numbers_at_risk_stay(change: int) -> None:
    arm = replace(arms_of(*figure("ACT2_2A"))[0], events=None)
    rng = np.random.default_rng(1)
    at = stations(arm, 2, rng)
    draw = Filter(arm, at, rng).run()
    before = np.cumsum(draw.deaths[:, 0] + draw.losses[:, 0])[at.boundary[:, 0]]
    wanted = replace(arm, events=int(draw.deaths[:, 0].sum()) + change)
    assert settle(wanted, at, draw, 0) and draw.deaths[:, 0].sum() == wanted.events
    assert np.array_equal(np.cumsum(draw.deaths[:, 0] + draw.losses[:, 0])[at.boundary[:, 0]], before)


def test_more_events_than_can_be_are_not_settled() -> None:
    arm = replace(arms_of(*figure("ACT2_2A"))[0], events=1000)
    rng = np.random.default_rng(1)
    at = stations(arm, 2, rng)
    assert not settle(arm, at, Filter(arm, at, rng).run(), 0)
