"""Are utilities or QALYs reproduced: their mean, the spike at full health, states worse than dead, and the gaps?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from heorsynth.checks import observed
from heorsynth.checks.comparison import compare
from heorsynth.checks.finding import Finding
from heorsynth.checks.groups import groups_of
from heorsynth.checks.margin import Margin
from heorsynth.checks.observed import Observed, moments, spike
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.costs import mean_of
from heorsynth.estimators.proportions import proportion


def check(
    real: Observed,
    synthetic: Sequence[Observed],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Observed | None = None,
) -> list[Finding]:
    """Findings on each utility column, in every group, for the estimands `margins` asks for."""
    found: list[Finding] = []
    for group in groups_of(real, synthetic):
        for name in real.schema.utilities:
            for key, margin in margins.items():
                if margin.settings.get("utility") in (None, name):
                    what, estimate = ASKED[key]
                    unit = real.schema.unit_of(name) if key == "utilities.mean" else ""
                    label = f"{what} {name}"
                    found.append(compare(key, label, group, partial(estimate, name=name), margin, unit=unit))
    return found


def of_column(data: Observed, name: str) -> Estimate:
    """The mean of a column over the patients for whom it is known; `structure` compares how many are missing."""
    return mean_of(moments(data, name))


def at_one(data: Observed, name: str) -> Estimate:
    """The share in full health, of patients whose utility is known."""
    return proportion(*spike(data, name, "one"))


def below_zero(data: Observed, name: str) -> Estimate:
    """The share in a state worse than dead, of patients whose utility is known."""
    return proportion(*spike(data, name, "negative"))


def missing(data: Observed, name: str) -> Estimate:
    """The share of patients whose utility is not known."""
    return proportion(observed.missing(data, name), data.n)


ASKED: Mapping[str, tuple[str, Callable[..., Estimate]]] = {
    "utilities.mean": ("mean of", of_column),
    "utilities.at_one": ("share in full health by", at_one),
    "utilities.below_zero": ("share worse than dead by", below_zero),
    "utilities.missing": ("missing in", missing),
}
"""Key to what is asked of a utility column, and its estimator."""
