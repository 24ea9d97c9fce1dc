"""Asks every declared analysis of all patients."""

from __future__ import annotations

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.question import Scope


def check(scope: Scope) -> list[Finding]:
    """Return the findings on the estimates, the decisions and the overlap of the declared analyses."""
    return [finding for ask in scope.asks() for finding in ask.estimand.answer(ask)]
