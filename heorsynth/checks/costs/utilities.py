"""Are utilities or QALYs reproduced: their mean, the spike at full health, states worse than dead, and the gaps?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import cast

import numpy as np

from heorsynth.checks.core import observed
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import Group, asked_of, fewest, groups_of
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import Observed, moments, spike, weighted
from heorsynth.checks.core.scalar import compare
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.costs.costs import mean_of
from heorsynth.estimators.costs.utilities import qaly
from heorsynth.estimators.proportions import proportion

QALY = "utilities.qaly"


def check(
    real: Observed,
    synthetic: Sequence[Observed],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Observed | None = None,
) -> list[Finding]:
    """Findings on each utility column, in every group, for the estimands `margins` asks for."""
    found: list[Finding] = []
    for group in groups_of(real, synthetic, fewest(margins.values())):
        asked = asked_of(group, margins)
        if margin := asked.pop(QALY, None):
            found.append(accumulated(group, margin))
        for name in real.schema.utilities:
            for key, margin in asked.items():
                if margin.settings.get("utility") in (None, name):
                    what, estimate = ASKED[key]
                    unit = real.schema.unit_of(name) if key == "utilities.mean" else ""
                    label = f"{what} {name}"
                    found.append(compare(key, label, group, partial(estimate, name=name), margin, unit=unit))
    return found


def accumulated(group: Group, margin: Margin) -> Finding:
    """Mean QALYs: the area under each patient's line through the utilities of the columns `measures` at `times`, in
    years, discounted at `rate` a year; over the patients in whom all are known (`estimators.utilities.qaly`).

    A mean of areas is the area under means, so that a tally tells it too.
    """
    measures, weights = areas(margin)

    def estimate(data: Observed) -> Estimate:
        return mean_of(weighted(data, measures, weights))

    return compare(QALY, f"mean QALYs from {', '.join(measures)}", group, estimate, margin, unit="QALY")


def areas(margin: Margin) -> tuple[list[str], np.ndarray]:
    """The columns (k,) that a margin of QALYs names, and what each adds to the area for each unit of it (k,)."""
    settings = margin.settings
    measures, times = (list(cast(Sequence, settings[name])) for name in ("measures", "times"))
    return measures, qaly(np.eye(len(times)), np.array(times, float), rate=float(cast(float, settings["rate"])))


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
