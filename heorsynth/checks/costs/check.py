"""Are costs and utilities reproduced: their means, which decide, their spikes, and their tails?"""

from __future__ import annotations

from dataclasses import replace

from heorsynth.checks.core.estimand import CONTRASTS, EVERY_GROUP
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.question import Scope


def check(scope: Scope) -> list[Finding]:
    """Findings on each cost column, over patients whose cost is known, for the estimands that are asked."""
    found: list[Finding] = []
    for group in scope.groups(scope.fewest):
        for name in scope.real.schema.costs:
            for ask in scope.asks():
                if ask.estimand.asked_of == EVERY_GROUP and ask.of(group) and ask.names("cost", name):
                    found += ask.estimand.answer(replace(ask, group=group, column=name))
    for ask in scope.asks():
        if ask.estimand.asked_of == CONTRASTS and scope.real.schema.arm is not None:
            for name in scope.real.schema.costs:
                if ask.names("cost", name):
                    found += ask.estimand.answer(replace(ask, column=name))
    return found


def check_utilities(scope: Scope) -> list[Finding]:
    """Findings on each utility column, in every group, for the estimands that are asked.

    An estimand that names its columns itself (`measures`) is asked once a group.
    """
    found: list[Finding] = []
    for group in scope.groups(scope.fewest):
        asks = [replace(ask, group=group) for ask in scope.asks() if ask.of(group)]
        for ask in asks:
            if "measures" in ask.estimand.settings:
                found += ask.estimand.answer(ask)
        for name in scope.real.schema.utilities:
            for ask in asks:
                if "measures" not in ask.estimand.settings and ask.names("utility", name):
                    found += ask.estimand.answer(replace(ask, column=name))
    return found
