"""Rules that every patient obeys: how many synthetic rows break them."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.refusals import too_few
from heorsynth.checks.core.scalar import Measured
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.rules.rule import Rule
from heorsynth.data.rules.rules import Rules

_HELD: WeakKeyDictionary[Cohort, Rules] = WeakKeyDictionary()
"""The rules of each cohort of patients: several purposes ask for them, and they are discovered once."""


def broken(ask: Ask) -> list[Finding]:
    """Return the share of rows that break a rule, for each rule of the patients; a rule is named in `column`."""
    real = ask.scope.real
    if real not in _HELD:
        _HELD[real] = real.rules()
    return [_broken(ask, rule) for rule in _HELD[real]]


def _broken(ask: Ask, rule: Rule) -> Finding:
    """Return the finding on one rule. No patient breaks it, and so no resample of them does: the floor is 0."""
    question = ask.question(f"rows that break {rule.text}", column=rule.text, n_real=rule.support)
    if few := too_few(ask.group.real):
        return question.refuse(few)
    shares = [_share(rule, cohort) for cohort in ask.group.synthetic]
    return question.compare(Measured(0.0, 0.0, shares, [0.0] * len(shares)), floor=0.0)


def _share(rule: Rule, cohort: Cohort) -> float:
    """Return the share of rows that break a rule: all do if the cohort lacks one of its columns."""
    if not all(cohort.has(name) for name in rule.columns):
        return 1.0
    return float(rule.broken_rows(cohort.arrays.own()).mean())
