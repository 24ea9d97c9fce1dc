"""Values within bounds that hide one patient, and the noise that the margins of these columns need."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heorsynth.core.errors import Problem, UnfitColumnError
from heorsynth.generators.heor.guard import MOST_PIECES, Guard, Noise
from heorsynth.generators.heor.shape import CAUSE, STRATUM, Shape


def bounded(values: Mapping[str, np.ndarray], shape: Shape, guard: Guard, cohort: str) -> dict[str, np.ndarray]:
    """The modelled columns (n,), with numbers capped; amounts are not, because that would change their mean.

    Raises
    ------
    UnfitColumnError      an amount in which fewer patients than must be hidden are far beyond all others
    """
    amounts = shape.amounts
    wrong = [name for name in values if name in amounts and guard.stands_out(values[name])]
    if wrong:
        found = f"fewer than {guard.bounds.hidden} patients are far beyond all others: their mean would tell them"
        fix = "cap the column, or keep the release internal"
        raise UnfitColumnError(f"cohort {cohort!r}", [Problem(f"column {name!r}", found, fix) for name in wrong])
    return {
        name: held if held.dtype == object or name in amounts else guard.capped(held) for name, held in values.items()
    }


def noise_of(values: Mapping[str, np.ndarray], shape: Shape, guard: Guard, n: int) -> Noise:
    """The noise for these modelled columns of n patients."""
    free = 0
    for name, held in values.items():
        missing = held == "" if held.dtype == object else np.isnan(held)
        known = held[~missing]
        if shape.modelled[name] not in (STRATUM, CAUSE) and len(known):
            kinds = len(np.unique(known.astype(str))) if held.dtype == object else 3 * MOST_PIECES
            free += kinds - 1 + int(missing.any())
    return Noise.of(guard.bounds, n, max(1, len(values)), free)
