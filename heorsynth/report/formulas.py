"""The formulas of the estimands that a run used, for the methods section of its dossier."""

from __future__ import annotations

from collections.abc import Iterable

from heorsynth.checks.core.estimand import Estimand
from heorsynth.checks.planning.catalogue import ESTIMANDS

SYMBOLS_USED = (
    "S: Kaplan-Meier event-free share. τ: horizon. d<sub>j</sub>, n<sub>j</sub>: events and patients at risk at time "
    "t<sub>j</sub>. n: patients. C, E: cost and effect. λ: threshold. Δ: an arm minus the reference. r, s: an estimate "
    "in the real cohort, and its mean over the m synthetic ones. Φ: standard normal distribution function."
)


def formulas_for(keys: Iterable[str]) -> list[Estimand]:
    """Return the estimands with these keys, each once, in the order of the catalogue."""
    asked = set(keys)
    return [estimand for key, estimand in ESTIMANDS.items() if key in asked]
