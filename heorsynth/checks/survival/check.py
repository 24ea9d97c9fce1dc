"""Survival and follow-up: curves, restricted means, effects of arms, censoring."""

from __future__ import annotations

from dataclasses import replace

from heorsynth.checks.core.estimand import CONTRASTS, EVERY_GROUP, EVERYONE_AND_ARMS
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.question import Scope


def check(scope: Scope) -> list[Finding]:
    """Return the findings of the survival estimands, for every endpoint in every group."""
    findings: list[Finding] = []
    groups = list(scope.groups(scope.fewest))
    for endpoint in scope.real.schema.endpoints:
        asks = [replace(ask, endpoint=endpoint) for ask in scope.asks() if ask.names("endpoint", endpoint)]
        for group in groups:
            for ask in asks:
                if ask.estimand.asked_of == EVERY_GROUP and ask.of(group):
                    findings += ask.estimand.answer(replace(ask, group=group))
            for ask in asks:
                if ask.estimand.asked_of == EVERYONE_AND_ARMS and group.decisive:
                    findings += ask.estimand.answer(replace(ask, group=group))
        for ask in asks:
            if ask.estimand.asked_of == CONTRASTS:
                findings += ask.estimand.answer(ask)
    return findings
