"""The checks by name: one line each. A check sees cohorts and margins, never which generator it grades."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import cast

import numpy as np

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.planning.catalogue import ESTIMANDS
from heorsynth.core.errors import unknown_name
from heorsynth.data.cohort.cohort import Cohort

Check = Callable[
    [Cohort, Sequence[Cohort], Mapping[str, Margin], np.random.Generator, Cohort | None],
    list[Finding],
]
"""Takes the real cohort, the synthetic ones, the margins of its estimands, a random stream and the hold-out, if any."""

REGISTRY = {
    "survival": "heorsynth.checks.survival.check:check",
    "costs": "heorsynth.checks.costs.check:check",
    "utilities": "heorsynth.checks.costs.utilities:check",
    "subgroups": "heorsynth.checks.structure.subgroups:check",
    "structure": "heorsynth.checks.structure.check:check",
    "economics": "heorsynth.checks.economics.check:check",
    "inference": "heorsynth.checks.economics.precision:check",
    "disclosure": "heorsynth.checks.privacy.check:check",
}
"""Name to module and function; a module is imported only when its check is asked for."""


def names() -> tuple[str, ...]:
    """The checks there are."""
    return tuple(REGISTRY)


def load(name: str) -> Check:
    """The check behind a name; UnknownNameError with the nearest name if there is none."""
    if name not in REGISTRY:
        raise unknown_name("check", name, REGISTRY)
    module, attribute = REGISTRY[name].split(":")
    return cast(Check, getattr(import_module(module), attribute))


def estimands_of(name: str) -> tuple[str, ...]:
    """The keys of the estimands a check answers."""
    if name not in REGISTRY:
        raise unknown_name("check", name, REGISTRY)
    return tuple(key for key in ESTIMANDS if key.split(".")[0] == name)
