"""The Vaccine example of R's BCEA (Baio), from the means that its tables print.

The example is 1,000 joint draws of cost and effect. Its tables give the means of both options (`ce_table`) and, at
25,000 a unit, the expected net benefits, EIB 1.2284, ICER 20,098, CEAC 0.529 and EVPI 2.4145 (`summary`). Net benefits,
EIB, ICER and the threshold at which the decision changes follow from the means, and are held here. CEAC and EVPI need
the draws, which are not kept here: `estimators.options` computes both, held by hand in
tests/unit/estimators/economics/test_increments.py.

Baio, Berardi & Heath (2017) Bayesian Cost-Effectiveness Analysis with the R package BCEA, Springer.
"""

from __future__ import annotations

import numpy as np
import pytest

from heorsynth.estimators.economics.arms import ArmMeans
from heorsynth.estimators.economics.options import best, net_benefits

STATUS_QUO, VACCINATION = (9.655464, -0.001055946), (14.691446, -0.000805370)
MEANS = np.array([STATUS_QUO, VACCINATION])
WTP = 25_000


def test_net_benefits_of_both_options_are_those_printed() -> None:
    assert net_benefits(MEANS, WTP).tolist() == pytest.approx([-36.054, -34.826], abs=5e-4)


def test_expected_incremental_benefit_and_ratio_are_those_printed() -> None:
    found = ArmMeans(MEANS, ((np.zeros((4, 4)), 999.0),), 1000, 1000).increments(1)
    assert (found.cost, found.effect) == pytest.approx((5.035983, 0.0002505764), rel=2e-6)
    assert found.inmb(WTP).value == pytest.approx(1.2284, abs=5e-5)
    # The means are printed to seven digits, and their differences to five: the ratio holds to a unit.
    assert found.icer().value == pytest.approx(20_098, abs=0.5)
    assert found.icer().quadrant == "NE"


def test_the_decision_changes_between_the_thresholds_printed() -> None:
    """Status quo below 20,100 and vaccination from there on, on BCEA's grid of 100."""
    assert best(MEANS, np.arange(0, 50_001, 100)).tolist() == [0] * 201 + [1] * 300
