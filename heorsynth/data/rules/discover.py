"""Finds the rules of a cohort, and applies what its user adds and strikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd

from heorsynth.core.errors import Problem, RoleError, nearest
from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.columns.rule_choice import STRIKE_ALL
from heorsynth.data.columns.schema import Schema
from heorsynth.data.rules import find_levels, find_numbers
from heorsynth.data.rules.grammar import parsed
from heorsynth.data.rules.numeric_rules import Steps
from heorsynth.data.rules.patients import Patients
from heorsynth.data.rules.rule import Rule
from heorsynth.data.rules.rules import MIN_PATIENTS, Rules

_NO_ACCIDENT = -6.0
"""log10 of the largest probability, over all candidates of a kind, that a rule which was discovered is an accident."""


_Kind = TypeVar("_Kind", bound=Rule)


def rules_of(
    frame: pd.DataFrame, schema: Schema, least: int = MIN_PATIENTS, *, look: bool = True, table: Arrays | None = None
) -> Rules:
    """The rules of these rows: those that are discovered and not struck, and those that the schema adds.

    Parameters
    ----------
    least : int       patients that a discovered rule is about, at least
    look : bool       False: nothing is discovered, and only added rules count
    table : Arrays    the same rows, if they are arrays already

    Raises
    ------
    RoleError         an added rule cannot be read, names no column, or is broken by a row; a struck rule is none of
                      those discovered
    """
    found, skipped = _discovered(frame, schema, least, table or Arrays(frame)) if look else ([], 0)
    choice = schema.rules
    struck = [] if choice.strike == (STRIKE_ALL,) else list(choice.strike)
    if look:
        known = [rule.text for rule in found]
        plain = {_without_quotes(text): text for text in known}
        wrong = [text for text in struck if _without_quotes(text) not in plain]
        if wrong:
            problems = [
                Problem("rules: strike", f"{text!r} is not a rule of these rows", nearest(text, known))
                for text in wrong
            ]
            raise RoleError("cohort", problems)
        gone = {plain[_without_quotes(text)] for text in struck}
        found = [] if choice.strike == (STRIKE_ALL,) else [rule for rule in found if rule.text not in gone]
    added = [parsed(text, frame, least) for text in choice.add]
    broken = [rule for rule in added if rule.broken(frame).any()]
    if broken:
        fix = "correct the rows, or leave the rule out"
        problems = [Problem("rules: add", f"patients break the rule {rule.text}", fix) for rule in broken]
        raise RoleError("cohort", problems)
    texts = frozenset(rule.text for rule in added)
    return Rules((*added, *(rule for rule in found if rule.text not in texts)), least, skipped, texts)


def _without_quotes(text: str) -> str:
    return "".join(text.replace("`", "").split())


def _discovered(frame: pd.DataFrame, schema: Schema, least: int, table: Arrays) -> tuple[list[Rule], int]:
    """The rules that these rows obey beyond chance, and the number of columns that were not looked at.

    What visits have in common (who missed them, their order) differs from patient to patient: it is no rule.
    """
    if len(frame) < 2 * least:
        return [], 0
    patients = Patients.of(frame, schema, least, table)
    equal = _certain(list(find_numbers.equal_columns(patients)), len(frame.columns) ** 2)
    copies = {rule.second for rule in equal}
    numbers = [name for name in patients.numeric if name not in copies]
    patients = replace(patients, numeric=tuple(numbers), levels=tuple(n for n in patients.levels if n not in copies))
    added_up = _certain(list(find_numbers.sums(patients, numbers)), 1)
    scaled = {rule.whole for rule in added_up if len(rule.terms) == 1}
    numbers = [name for name in numbers if name not in scaled]
    patients = replace(patients, numeric=tuple(numbers))
    ordered = _certain(list(find_numbers.ordered_columns(patients, numbers)), len(numbers) ** 2)
    orders = find_numbers.reduced_orders(ordered, patients, added_up)
    bands = _certain(list(find_levels.bands(patients)), max(1, len(numbers) * len(patients.levels)))
    banded = {frozenset(rule.columns) for rule in bands}
    names = {rule.group for rule in bands} | set(schema.bands)
    texts = [name for name in patients.levels]
    given, implied = find_levels.implications(patients, texts, numbers)
    given = _certain([rule for rule in given if frozenset(rule.columns) not in banded], max(1, len(texts) ** 2))
    together = _certain(list(find_levels.together(patients)), len(frame.columns) ** 2)
    whole = [{*rule.columns} for rule in added_up]
    implied = [
        rule
        for rule in _certain(implied, max(1, (4 * len(frame.columns)) ** 2))
        if not any(
            {rule.when.column, rule.then.column} <= tied or {*rule.columns} <= tied for tied in [*banded, *whole]
        )
        and not (rule.when.column in names and rule.then.column in names)
    ]
    steps = _certain(
        list(find_numbers.steps(patients, [name for name in numbers if not any(name in tied for tied in whole)])),
        max(1, len(numbers)),
    )
    found: list[Rule] = [*equal, *added_up, *bands, *given, *together, *implied, *orders, *steps]
    visits = {*schema.schedule.columns}
    found = [rule for rule in found if isinstance(rule, Steps) or not visits.intersection(rule.columns)]
    return [rule for rule in found if not _of_clusters(rule, patients.alike)], patients.skipped


def _of_clusters(rule: Rule, alike: frozenset[str]) -> bool:
    """True for a rule of several columns, each the same within every cluster: as few clusters as there are tell it."""
    return len(rule.columns) > 1 and alike.issuperset(rule.columns)


def _certain(found: Sequence[_Kind], tried: int) -> list[_Kind]:
    """The rules that are no accident among so many candidates, with their chance corrected for these."""
    corrected = [replace(rule, log_chance=float(rule.log_chance + np.log10(max(tried, 1)))) for rule in found]
    return [rule for rule in corrected if rule.log_chance <= _NO_ACCIDENT]
