"""Costs and utilities: means, spikes at 0 and 1, and tails."""

from __future__ import annotations

from dataclasses import replace

from heorsynth.checks.core.estimand import CONTRASTS, EVERY_GROUP
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.question import Scope


def check(scope: Scope) -> list[Finding]:
    """Return the findings on each cost column, in every group."""
    findings: list[Finding] = []
    for group in scope.groups(scope.fewest):
        for name in scope.real.schema.costs:
            for ask in scope.asks():
                if ask.estimand.asked_of == EVERY_GROUP and ask.of(group) and ask.names("cost", name):
                    findings += ask.estimand.answer(replace(ask, group=group, column=name))
    for ask in scope.asks():
        if ask.estimand.asked_of == CONTRASTS and scope.real.schema.arm is not None:
            for name in scope.real.schema.costs:
                if ask.names("cost", name):
                    findings += ask.estimand.answer(replace(ask, column=name))
    return findings


def check_utilities(scope: Scope) -> list[Finding]:
    """Return the findings on each utility column, in every group.

    An estimand that names its own columns (`measures`) gives one finding for each group.
    """
    findings: list[Finding] = []
    for group in scope.groups(scope.fewest):
        asks = [replace(ask, group=group) for ask in scope.asks() if ask.of(group)]
        for ask in asks:
            if "measures" in ask.estimand.settings:
                findings += ask.estimand.answer(ask)
        for name in scope.real.schema.utilities:
            for ask in asks:
                if "measures" not in ask.estimand.settings and ask.names("utility", name):
                    findings += ask.estimand.answer(replace(ask, column=name))
    return findings
