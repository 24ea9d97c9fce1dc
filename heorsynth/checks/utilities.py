"""Are mean utilities or QALYs reproduced, overall, by arm and by subgroup?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from heorsynth.checks.comparison import compare
from heorsynth.checks.finding import Finding
from heorsynth.checks.groups import groups_of
from heorsynth.checks.margin import Margin
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort import Cohort
from heorsynth.estimators.utilities import mean


def check(
    real: Cohort,
    synthetic: Sequence[Cohort],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Cohort | None = None,
) -> list[Finding]:
    """Findings on the mean of each utility column, in every group."""
    found: list[Finding] = []
    if (margin := margins.get("utilities.mean")) is None:
        return found
    for group in groups_of(real, synthetic):
        for name in real.schema.utilities:
            if margin.settings.get("utility") in (None, name):
                found.append(
                    compare(
                        "utilities.mean", f"mean of {name}", group, partial(of_column, name=name), margin, unit="QALY"
                    )
                )
    return found


def of_column(cohort: Cohort, name: str) -> Estimate:
    """The mean of a column over the patients for whom it is known; `structure` compares how many are missing."""
    return mean(cohort.column(name))
