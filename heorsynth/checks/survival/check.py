"""Is survival reproduced: its curve, its restricted mean, the arms' difference, and how patients were followed?"""

from __future__ import annotations

from dataclasses import replace

from heorsynth.checks.core.estimand import CONTRASTS, EVERY_GROUP, EVERYONE_AND_ARMS
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.question import Scope


def check(scope: Scope) -> list[Finding]:
    """Findings on every endpoint, in every group, for the survival estimands that are asked."""
    found: list[Finding] = []
    groups = list(scope.groups(scope.fewest))
    for endpoint in scope.real.schema.endpoints:
        asks = [replace(ask, endpoint=endpoint) for ask in scope.asks() if ask.names("endpoint", endpoint)]
        for group in groups:
            for ask in asks:
                if ask.estimand.asked_of == EVERY_GROUP and ask.of(group):
                    found += ask.estimand.answer(replace(ask, group=group))
            for ask in asks:
                if ask.estimand.asked_of == EVERYONE_AND_ARMS and group.decisive:
                    found += ask.estimand.answer(replace(ask, group=group))
        for ask in asks:
            if ask.estimand.asked_of == CONTRASTS:
                found += ask.estimand.answer(ask)
    return found
