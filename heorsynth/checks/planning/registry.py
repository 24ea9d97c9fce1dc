"""The checks by name. A check gets cohorts and margins; it does not know the generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, cast

import numpy as np

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.question import Scope
from heorsynth.checks.core.standing import Standing
from heorsynth.checks.planning.catalogue import ESTIMANDS
from heorsynth.core.errors import unknown_name
from heorsynth.data.cohort.cohort import Cohort

REGISTRY = {
    "survival": "heorsynth.checks.survival.check:check",
    "costs": "heorsynth.checks.costs.check:check",
    "utilities": "heorsynth.checks.costs.check:check_utilities",
    "subgroups": "heorsynth.checks.structure.subgroups:check",
    "structure": "heorsynth.checks.structure.check:check",
    "visits": "heorsynth.checks.visits.check:check",
    "economics": "heorsynth.checks.economics.check:check",
    "inference": "heorsynth.checks.economics.precision:check",
    "analyses": "heorsynth.checks.analyses.check:check",
    "disclosure": "heorsynth.checks.privacy.check:check",
}
"""Name to module and function; a module is imported when its check is first used."""

Check = Callable[[Scope], list[Finding]]


def names() -> tuple[str, ...]:
    """Return the names of all checks."""
    return tuple(REGISTRY)


def load(name: str) -> Check:
    """Return the check with this name; UnknownNameError with the nearest name if there is none."""
    if name not in REGISTRY:
        raise unknown_name("check", name, REGISTRY)
    module, attribute = REGISTRY[name].split(":")
    return cast(Check, getattr(import_module(module), attribute))


def scope_of(
    real: Any,
    synthetic: Sequence[Any],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Cohort | None = None,
    standing: Standing | None = None,
    releases: Any = None,
) -> Scope:
    """Return the input of a check, from margins by estimand key."""
    asked = tuple((ESTIMANDS[key], margin) for key, margin in margins.items())
    return Scope(real, synthetic, asked, rng, holdout, standing or Standing(), releases)


def findings(name: str, *given: Any, **more: Any) -> list[Finding]:
    """Return the findings of one check; the arguments are those of `scope_of`.

    Examples
    --------
    >>> from heorsynth.checks.planning.catalogue import margin_for
    >>> frame = {"time": [5, 8, 12, 20, 21, 30], "event": [1, 0, 1, 1, 0, 1]}
    >>> import pandas as pd
    >>> patients = Cohort(pd.DataFrame(frame), endpoints={"os": ("time", "event")})
    >>> margins = {"survival.rmst": margin_for("survival.rmst", {"horizon": 20, "relative": 0.05})}
    >>> findings("survival", patients, [patients], margins, np.random.default_rng(1))[0].verdict
    'inconclusive'
    """
    return load(name)(scope_of(*given, **more))


def estimands_of(name: str) -> tuple[str, ...]:
    """Return the keys of the estimands of a check."""
    if name not in REGISTRY:
        raise unknown_name("check", name, REGISTRY)
    return tuple(key for key, estimand in ESTIMANDS.items() if estimand.check == name)
