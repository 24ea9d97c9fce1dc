"""What kept columns have covariances with: costs, utilities and the outcome, and for a whole copy the subgroups."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heorsynth.data.columns.schema import Schema
from heorsynth.estimators.survival.curve import rounded_below
from heorsynth.estimators.survival.pseudo_values import restricted_time
from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.heor.kept import upper_half
from heorsynth.generators.heor.outcome import Outcome

_FOLLOWED = 0.9
"""The restricted time ends where this share of follow-up has ended."""


def paid(schema: Schema) -> dict[str, frozenset[str]]:
    """Each cost and utility, and the modelled columns that it is the sum of."""
    return {name: frozenset(schema.totals.get(name, (name,))) for name in (*schema.costs, *schema.utilities)}


def horizon_of(time: np.ndarray) -> float:
    """The horizon of restricted times: two digits of the time at which 90% of follow-up has ended."""
    return rounded_below(float(np.quantile(time, _FOLLOWED)))


def quantities(
    values: Mapping[str, np.ndarray],
    schema: Schema,
    outcome: Outcome | None,
    time: np.ndarray,
    cause: np.ndarray,
) -> dict[str, tuple[np.ndarray, frozenset[str]]]:
    """Costs, utilities, and the martingale residual of each cause.

    Utilities are kept columns themselves: regressions of cost and effect together rest on the covariance of these two.
    """
    found = {
        name: (np.sum([values[part] for part in sorted(made_of)], axis=0).astype(float), made_of)
        for name, made_of in paid(schema).items()
    }
    if outcome is not None:
        residuals = outcome.scores(time, cause)[:, : outcome.hazards.shape[1]]
        found |= {f"hazard {code + 1}": (column, frozenset()) for code, column in enumerate(residuals.T)}
    return found


def more_quantities(
    values: Mapping[str, np.ndarray],
    schema: Schema,
    horizon: float,
    time: np.ndarray,
    cause: np.ndarray,
    cells: Cells,
    cell: np.ndarray,
) -> dict[str, tuple[np.ndarray, frozenset[str]]]:
    """What a copy with all columns kept also has covariances with.

    These are the subgroups, the upper half of costs, utilities and follow-up, and the restricted time: the covariance
    with its pseudo-value is what differences of restricted means and their linear models rest on, as the martingale
    residual is for a Cox model.
    """
    found: dict[str, tuple[np.ndarray, frozenset[str]]] = {}
    for name, made_of in paid(schema).items():
        total = np.sum([values[part] for part in sorted(made_of)], axis=0).astype(float)
        found[f"{name} high"] = upper_half(total), made_of
    names = zip(cells.indicator_names(), cells.indicators(cell).T, strict=True)
    found |= {
        f"{name} {place}": (column, frozenset([name]))
        for place, (name, column) in enumerate(names)
        if name != schema.arm
    }
    if schema.endpoints:
        found["restricted time"] = restricted_time(time, cause == 1, horizon), frozenset()
        found["follow-up high"] = upper_half(time), frozenset()
    return found
