"""Visits: each measure in all patients and in each arm, and its change from baseline between arms."""

from __future__ import annotations

from dataclasses import replace

from heorsynth.checks.core.estimand import CONTRASTS, EVERYONE
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import ALL
from heorsynth.checks.core.question import Scope


def check(scope: Scope) -> list[Finding]:
    """Return the findings on each measure, in all patients and, unless it is asked of all only, in each arm."""
    findings: list[Finding] = []
    groups = [group for group in scope.groups() if group.decisive]
    for measure in scope.real.schema.visits:
        for ask in scope.asks():
            if not ask.names("measure", measure):
                continue
            whole = ask.estimand.asked_of in (EVERYONE, CONTRASTS)
            for group in groups:
                if group.kind == ALL or not whole:
                    findings += ask.estimand.answer(replace(ask, group=group, column=measure))
    return findings
